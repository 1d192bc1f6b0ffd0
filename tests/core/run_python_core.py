#!/usr/bin/env python3
"""Compares a core with the hook's snapshot of the same stopped program: objects, sizes, references, roots, paths.

programs/python_kinds.py makes one of everything and stops in a read. It is dumped by the hook, then by gcore, then it dies of SIGABRT
and leaves a kernel core. Everything the hook has must be in the cores, alike. What the cores have beyond it are objects that only C code
holds and references that tp_traverse does not report: the rules below (and docs/cores.md) say which.
"""
import collections
import os
import random
import shutil
import signal
import subprocess
import time

import cores
import held

NATIVE = 33  # the family of native blocks


class Rule:
    def __init__(self, reason, holds, first=(3, 8), last=(3, 99)):
        self.reason, self.holds, self.first, self.last, self.used = reason, holds, first, last, 0


# Objects that the hook cannot know: no reference of another object leads to them.
HELD_BY_C = ["str", "bytes", "int", "float", "tuple", "dict", "list", "code", "moduledef", "PyCapsule", "numpy._ArrayMethod", "Struct", "_struct.Struct",
             "set", "frozenset", "type", "function", "weakref.ReferenceType", "object", "numpy.ndarray", "numpy.dtype", "sqlite3.Cache", "sqlite3Node", "sqlite3.Node",
             "_contextvars.ContextVar", "ContextVar", "datetime.timedelta", "datetime.datetime", "datetime.timezone", "builtin_function_or_method", "cell"]

# References of the cores only.
EXTRA = [
    Rule("a pointer to native memory", lambda o, e, t: e.kind == "pointer" or t.family == NATIVE),
    Rule("types without tp_traverse: the hook knows a word for an object only if it has met the object before", lambda o, e, t: not e.certain),
    Rule("a module's state is read, not traversed", lambda o, e, t: o.family == 12),
    Rule("unnamed references are numbered in the order they were found in", lambda o, e, t: e.kind == "field" and e.number < 0),
    Rule("tp_traverse leaves out what cannot be part of a cycle", lambda o, e, t: t.type in ("str", "int", "bytes", "float", "list", "tuple", "dict")
         and o.type.split(".")[0] in ("numpy", "cython_function_or_method", "_cython_3_0_11", "_json", "re", "ctypes", "_ctypes", "sqlite3", "_io")),
    Rule("the memo of a Pickler is read, whether its tp_traverse reports it or not", lambda o, e, t: o.type == "_pickle.Pickler"),
    Rule("borrowed from the module's state", lambda o, e, t: o.type.startswith("sqlite3.") or o.type == "cython_function_or_method"),
]

# References of the hook only.
MISSING = [
    Rule("tp_traverse of a type on a class of C's reports the type of the object, too", lambda o, e, t: e.kind == "field" and e.target == o.type_object),
    Rule("unnamed references are numbered in the order they were found in", lambda o, e, t: e.kind == "field" and e.number < 0 and o.family == 12),
    Rule("the list of weak references to an object holds none of them", lambda o, e, t: e.kind == "field" and t.family == 19 and not e.certain),
    Rule("kept in memory of C's own, which is a native block here", lambda o, e, t: e.kind == "field" and e.number < 0 and o.type in (
        "_pickle.Pickler", "_pickle.Unpickler", "PyCapsule", "cython_function_or_method") or o.type.startswith("_ctypes.")),
]


def rule_for(rules, test, *what):
    for rule in rules:
        if rule.first <= test.version[:2] <= rule.last and rule.holds(*what):
            rule.used += 1
            return rule
    return None


def signature(edge):
    return edge.target, edge.kind, edge.certain, edge.name, edge.number


def compare_objects(test, title, hook, core):
    missing = [o for address, o in hook.objects.items() if address not in core.objects]
    test.check(not missing, "%s: %d objects are missing, e.g. %s", title, len(missing), [(o.type, hex(o.address)) for o in missing[:5]])
    extra = [o for address, o in core.objects.items() if address not in hook.objects and o.family != NATIVE]
    counts = collections.Counter(o.type for o in extra)
    unknown = {name: count for name, count in counts.items() if name not in HELD_BY_C}
    test.check(not unknown, "%s: objects that the hook does not have: %s", title, unknown)
    test.check(len(extra) < 0.03 * len(hook.objects), "%s: %d objects more than the %d of the hook", title, len(extra), len(hook.objects))
    test.note("%s: %d objects, %d beyond the hook's: %s", title, len(core.objects), len(extra), counts.most_common(6))
    differ = collections.OrderedDict()
    for address, wanted in hook.objects.items():
        found = core.objects.get(address)
        if not found:
            continue
        for what in ("type", "flags", "size", "refcount", "type_object", "family"):
            if getattr(found, what) != getattr(wanted, what):
                differ.setdefault((what, wanted.type), []).append((hex(address), getattr(wanted, what), getattr(found, what)))
    for (what, name), cases in list(differ.items())[:20]:
        test.check(False, "%s: %s of %d objects of type %s differs, e.g. %s", title, what, len(cases), name, cases[0])
    test.checks += len(hook.objects)


def compare_references(test, title, hook, core):
    failures = collections.OrderedDict()
    count = 0
    for address, wanted in hook.objects.items():
        found = core.objects.get(address)
        if not found:
            continue
        count += len(wanted.edges)
        before, after = collections.Counter(map(signature, wanted.edges)), collections.Counter(map(signature, found.edges))
        for sign, rules, edges, snapshot in (("missing", MISSING, before - after, hook), ("extra", EXTRA, after - before, core)):
            for target, kind, certain, name, number in edges.elements():
                edge = held.Edge(target, kind, certain, name, number, 0)
                other = snapshot.objects.get(target)
                if other and not rule_for(rules, test, wanted, edge, other):
                    failures.setdefault((sign, wanted.type, kind, name, number if 0 <= number < 1000 else "", other.type), []).append(address)
    for key, addresses in list(failures.items())[:30]:
        test.check(False, "%s: reference %s: %s: %d times, e.g. 0x%x", title, key[0], key[1:], len(addresses), addresses[0])
    test.checks += count
    return count


def compare_rest(test, title, hook, core):
    def python_roots(snapshot):
        return collections.Counter((r.kind, r.reference, r.certain, r.name, r.number, r.target) for r in snapshot.roots if r.kind in ("module", "frame", "thread", "interpreter"))
    before, after = python_roots(hook), python_roots(core)
    test.check(before == after, "%s: roots: missing %s, extra %s", title, list((before - after).items())[:3], list((after - before).items())[:3])
    wrong = [address for address, preview in hook.previews.items() if core.previews.get(address) != preview]
    test.check(not wrong, "%s: %d previews differ, e.g. %s", title, len(wrong), [(hook.previews[a], core.previews.get(a)) for a in wrong[:2]])

    def frames(snapshot):
        return collections.Counter((f.function, f.file, f.line, f.depth) for f in snapshot.frames.values() if f.code)
    test.check(frames(hook) == frames(core), "%s: frames differ: %s", title, list((frames(hook) - frames(core)).items())[:4])
    names = collections.Counter(t.name for t in hook.threads.values()) - collections.Counter(t.name for t in core.threads.values())
    test.check(not names, "%s: threads differ: %s", title, names)


def path_of(test, file, address):
    status, document = test.ask("path", file, hex(address))
    if status or not document["paths"]:
        return None
    path = document["paths"][0]
    # unnamed fields of a module's state are numbered in the order in which they were found
    names = ["#" if s.get("name", "").startswith("#") else s.get("name") for s in path["steps"]]
    return [path["root"].get("name"), path["root"]["kind"]] + [(s["kind"], name, s["type"]) for s, name in zip(path["steps"], names)]


def compare_paths(test, title, hook, hook_file, core_file, count):
    chosen = [o.address for o in hook.objects.values() if o.type in ("__main__.Node", "__main__.Slotted", "__main__.Point", "collections.deque", "generator")]
    chosen += [o.address for o in hook.objects.values() if o.flags & held.TRACKED]
    random.Random(4).shuffle(chosen)
    same = equal_length = 0
    different = []
    for address in chosen[:count]:
        wanted, found = path_of(test, hook_file, address), path_of(test, core_file, address)
        same += wanted == found
        equal_length += len(wanted or ()) == len(found or ())
        if wanted != found:
            different.append((hex(address), wanted, found))
    test.check(same >= 0.95 * count, "%s: %d of %d paths are the same, e.g. %s", title, same, count, different[:2])
    test.check(equal_length >= 0.96 * count, "%s: %d of %d paths are as long", title, equal_length, count)
    test.note("%s: %d of %d paths the same", title, same, count)


def histogram(test, file):
    document = test.ask("histogram", file, "--limit", "0", statuses=(0,))[1]
    return {row["type"]: (row["count"], row["shallow"]) for row in document["rows"]}


def dumped(test, name, *programs, **environment):
    """(snapshot of the hook, core of gcore or None, core of the kernel or None) of one stopped program."""
    folder = test.folder_for(name)
    settings = test.environment(folder, **environment)
    hook_file = os.path.join(folder, "hook.held")
    with cores.Running([test.options.python, *programs], folder, env=settings) as program:
        line = program.hear()
        if line != "ready":
            raise held.Failed("the program said %r" % line)
        time.sleep(0.5)  # until it stands in its read
        status, text, errors = test.run("dump", str(program.pid), "-o", hook_file)
        if status:
            raise held.Failed("heldby dump: %s %s" % (text, errors))
        frozen = None
        if shutil.which("gcore"):
            subprocess.run(["gcore", "-o", os.path.join(folder, "frozen"), str(program.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            made = [entry for entry in os.listdir(folder) if entry.startswith("frozen.")]
            frozen = os.path.join(folder, made[0]) if made else None
        if not frozen:
            test.note("gcore makes no core here: left out")
        crashed = program.core(folder) if cores.kernel_writes_cores() else None
        if not crashed:
            test.note("the kernel writes no cores here: left out")
    return folder, hook_file, frozen, crashed


def whole(test):
    program = os.path.join(cores.PROGRAMS, "python_kinds.py")
    folder, hook_file, frozen, crashed = dumped(test, "kinds", program)
    hook = test.load(hook_file)
    for title, core in (("gcore", frozen), ("kernel core", crashed)):
        if not core:
            continue
        converted = os.path.join(folder, "core.held")
        status, _, errors = test.run("convert", core, "-o", converted)
        if not test.check(status == 0, "%s: convert: %s", title, errors):
            continue
        os.unlink(core)
        found = test.load(converted)
        test.check(found.complete, "%s: not complete: %s", title, found.warnings)
        compare_objects(test, title, hook, found)
        references = compare_references(test, title, hook, found)
        compare_rest(test, title, hook, found)
        test.note("%s: %d references compared", title, references)
        if core == crashed or not crashed:
            compare_paths(test, title, hook, hook_file, converted, 60)
            before, after = histogram(test, hook_file), histogram(test, converted)
            wrong = {name: (row, after.get(name)) for name, row in before.items() if name not in HELD_BY_C and after.get(name) != row}
            test.check(not wrong, "%s: histogram differs: %s", title, dict(list(wrong.items())[:5]))
        os.unlink(converted)
    for rule in EXTRA:
        test.note("beyond the hook's references: %d: %s", rule.used, rule.reason)
    for rule in MISSING:
        test.note("in the hook's snapshot only: %d: %s", rule.used, rule.reason)


def other_allocator(test, value):
    """malloc: no pools, every object is a block of malloc's. debug: marks around every block."""
    title = "PYTHONMALLOC=" + value
    program = os.path.join(cores.PROGRAMS, "python_kinds.py")
    folder, hook_file, frozen, crashed = dumped(test, value, program, PYTHONMALLOC=value)
    hook = test.load(hook_file)
    core = crashed or frozen
    if not core:
        return
    converted = os.path.join(folder, "core.held")
    status, _, errors = test.run("convert", core, "-o", converted)
    if test.check(status == 0, "%s: convert: %s", title, errors):
        found = test.load(converted)
        compare_objects(test, title, hook, found)
        compare_references(test, title, hook, found)
        compare_rest(test, title, hook, found)
    if value == "malloc":
        without_files(test, folder, hook, core)
    shutil.rmtree(folder)


def without_files(test, folder, hook, core):
    """No binary at hand, so no symbols and no read-only data: builtin types are named by the modules that have them."""
    converted = os.path.join(folder, "bare.held")
    done = subprocess.run([os.path.join(test.options.build, "tests", "core", "convert_bare"), core, converted], stderr=subprocess.PIPE)
    if not test.check(done.returncode == 0, "without files: %s", done.stderr.decode()):
        return
    found = test.load(converted)
    missing = collections.Counter(o.type for address, o in hook.objects.items() if address not in found.objects)
    missing.pop("functools._lru_list_elem", None)  # 3.8, 3.9: its type is never made ready and has nothing but a name
    test.check(sum(missing.values()) < 5, "without files: missing: %s", missing.most_common(5))
    wrong = collections.Counter((o.type, found.objects[address].type) for address, o in hook.objects.items()
                                if address in found.objects and found.objects[address].type != o.type)
    test.check(sum(wrong.values()) < 0.02 * len(hook.objects), "without files: types: %s", wrong.most_common(5))
    named = {o.type for o in found.objects.values()}
    for name in ("str", "dict", "function", "code", "cell", "generator", "frozenset", "collections.deque", "__main__.Node", "module", "float"):
        test.check(name in named, "without files: no type %s", name)
    before = collections.Counter((f.function, f.file, f.line, f.depth) for f in hook.frames.values())
    after = collections.Counter((f.function, f.file, f.line, f.depth) for f in found.frames.values() if f.code)
    test.check(before == after, "without files: frames differ: %s", list((before - after).items())[:4])
    test.note("without files: %d of %d types by another name: %s", sum(wrong.values()), len(hook.objects), wrong.most_common(4))


def died_at_work(test, mode, times):
    """In the middle of the collector or of the allocator: everything is found all the same."""
    if not cores.kernel_writes_cores():
        return
    folder = test.folder_for("died-" + mode)
    chance = random.Random(7)
    for _ in range(times):
        with cores.Running([test.options.python, os.path.join(cores.PROGRAMS, "python_churn.py"), mode], folder) as program:
            program.hear()
            time.sleep(chance.random() * 0.5)
            core = program.core(folder)
        document = test.ask("histogram", core, "--limit", "0", statuses=(0,))[1]
        counts = {row["type"]: row["count"] for row in document["rows"]}
        test.check(counts.get("__main__.Node") == 20000, "died in %s: %s of 20000 nodes", mode, counts.get("__main__.Node"))
        test.check(document["complete"], "died in %s: not complete: %s", mode, document["warnings"])
        os.unlink(core)


def ended(test):
    """After Py_Finalize there is no interpreter: that is said, and the native heap is there."""
    folder = test.folder_for("ended")
    source = "import atexit, ctypes, os\nlibrary = ctypes.CDLL(None)\nlibrary.Py_AtExit(ctypes.cast(library.abort, ctypes.c_void_p))\n"
    try:
        core, _ = test.crash([test.options.python, "-c", source], folder)
    except held.Failed as error:
        test.note("no core after the end of the interpreter: %s", error)
        return
    status, text, errors = test.run("info", core)
    test.check(status == 0, "ended: info: %d %s", status, errors)
    test.check("has no interpreter" in text + errors or "CPython" in text, "ended: nothing about CPython: %s", text[:500])
    test.note("after the end: %s", [line for line in (text + errors).splitlines() if "CPython" in line][:2])


def extension(test, folder):
    """The module keeps, in `folder`; False: it cannot be built here."""
    done = subprocess.run([test.options.python, "-c", "import sysconfig; print(sysconfig.get_path('include'))"], stdout=subprocess.PIPE, check=True)
    include = done.stdout.decode().strip()
    if not os.path.exists(os.path.join(include, "Python.h")):
        test.note("no Python.h here: no extension of our own")
        return False
    test.build("python_keeps.c", "-shared", "-fPIC", "-O1", "-I" + include, output=os.path.join(folder, "keeps.so"))
    return True


def leaks(test, lost, **environment):
    """What C code keeps is not lost; what it has lost is, with the objects it held."""
    title = "%s %s" % (lost or "nothing", environment or "")
    folder = test.folder_for("leaks")
    built = extension(test, folder)
    if not built and lost:
        return
    with cores.Running([test.options.python, os.path.join(cores.PROGRAMS, "python_keeps.py"), str(lost)], folder,
                       env=dict(os.environ, PYTHONPATH=folder, **environment)) as program:
        said = program.hear()
        test.check(said == ("ready" if built else "bare"), "leaks: the program said %r", said)
        time.sleep(0.3)
        if not cores.kernel_writes_cores():
            test.note("the kernel writes no cores here: leaks left out")
            return
        core = program.core(folder)
    document = test.ask("unreachable", core, "--limit", "0", statuses=(0, 1))[1]
    found = {row["type"]: row["count"] for row in document.get("rows", ())}
    leaked = [(group["type"], group["count"], group["example"]) for group in document.get("groups", ()) if group["why"] == "leaked"]
    heads = sum(count for _, count, _ in leaked)
    test.note("lost %s: %d objects leaked, %d heads: %s", title, document["leaked"]["objects"], heads, leaked[:5])
    if not lost:
        test.check(heads <= 3, "nothing was lost (%s), but: %s", title, leaked[:10])
    else:
        test.check(0.9 * lost <= heads <= lost + 5, "%d nodes were lost (%s), found are: %s", lost, title, leaked[:10])
        test.check(found.get("__main__.Lost", 0) >= 0.85 * lost, "%d of %d lost objects (%s) are found", found.get("__main__.Lost", 0), lost, title)
    shutil.rmtree(folder)


def body(test):
    leaks(test, 0)
    leaks(test, 100)
    leaks(test, 0, PYTHONMALLOC="debug")
    leaks(test, 0, PYTHONMALLOC="malloc")
    leaks(test, 100, PYTHONMALLOC="malloc")
    whole(test)
    other_allocator(test, "malloc")
    other_allocator(test, "debug")
    died_at_work(test, "gc", 4)
    died_at_work(test, "churn", 3)
    ended(test)


if __name__ == "__main__":
    cores.Test("a core has what the hook's snapshot of the same program has").main(body)
