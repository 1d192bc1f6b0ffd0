#!/usr/bin/env python3
"""Native programs that say what they hold and what they have lost: roots by name, leaks to the last block, C++ classes by their vtables with
and without symbols, memory that adds up, allocators that are not walked."""
import glob
import os
import re
import shutil
import subprocess
import sys

import cores
from cores import Failed, Running

SECTIONS = []


def section(function):
    SECTIONS.append(function)
    return function


def until_ready(running):
    """The lines a program says before `ready`."""
    lines = []
    while True:
        line = running.hear()
        if line == "ready":
            return lines
        if not line and running.process.poll() is not None:
            raise Failed("a program ended before it was ready: %r" % lines)
        lines.append(line)


def core_of(test, command, way="kernel", **options):
    """(what the program said, path of its core)"""
    folder = os.path.join(test.folder, "run%d" % test.checks)
    os.makedirs(folder, exist_ok=True)
    with Running(command, folder, **options) as running:
        lines = until_ready(running)
        if way == "gcore":
            path = os.path.join(folder, "core.%d" % running.pid)
            done = subprocess.run(["gcore", "-o", os.path.join(folder, "core"), str(running.pid)], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
            if not os.path.exists(path):
                raise Failed("gcore wrote nothing: %s" % done.stdout.decode())
        else:
            if not cores.kernel_writes_cores():
                raise Failed("the kernel writes no cores into the working folder")
            path = running.core(folder)
    return lines, path


def usable(request):
    """What malloc makes of a request (malloc/malloc.c, request2size)."""
    return max(24, (request + 8 + 15) // 16 * 16 - 8)


def expression(test, core, address, *more):
    """(path expression, its root) of a block; ("", {}) if nothing holds it."""
    code, out, err = test.run("path", core, address, "--json", *more)
    document = cores.json.loads(out) if out else {}
    if code != 0 or not document.get("paths"):
        return "", {}
    return document["paths"][0]["expression"], document["paths"][0]["root"]


def check_memory(test, what, core):
    """Every byte of the dumped memory is counted exactly once."""
    info = test.answer("info", core)
    memory = {name: size for name, size in info.get("memory", {}).items() if isinstance(size, int)}
    parts = sum(size for name, size in memory.items() if name not in ("rss", "total", "dumped"))
    whole = info.get("bytes", {}).get("rss")
    test.check(parts == whole, "%s: memory adds up to %s of %s: %s", what, parts, whole, memory)
    missing = info.get("missing", {})
    test.check(parts + missing.get("zero", 0) == missing.get("dumped"), "%s: %s and %s of zeros are not the %s dumped", what, parts, missing.get("zero"),
               missing.get("dumped"))
    test.check(memory.get("stacks", 0) < 4 << 20, "%s: stacks that were never used count: %s", what, memory.get("stacks"))
    differing = [check for check in info.get("checks", []) if check.get("result", check.get("verdict")) == "differs"]
    test.check(not differing, "%s: self-checks differ: %s", what, differing)
    return info


HELD = [  # name, kind of the root, pattern of the expression
    ("global", "module_data", r"^holders: g_cache"),
    ("interior", "module_data", r"^holders: g_inside"),
    ("table", "module_data", r"^holders: g_table\+0x38"),
    ("static", "module_data", r"^holders: file_static"),
    ("function", "module_data", r"^holders: kept_by_function"),
    ("mapped", "module_data", r"^holders: large"),
    ("first", "module_data", r"^holders: large.*\+0x249f00 ->"),
    ("second", "module_data", r"^holders: large.*\+0x249f00 ->.*\+0x10 ->"),
    ("library_global", "module_data", r"^libholders\.so: library_global"),
    ("library_static", "module_data", r"^libholders\.so: library_static\+0x10"),
    ("mapping", "mapping", r"^anonymous 0x[0-9a-f]+\+0x[0-9a-f]+"),
    ("thread_local", "tls", r"^holders: tls t_slot\+0x8 of thread \d+"),
    ("library_local", "tls", r"^libholders\.so: tls library_local\+0x8 of thread \d+"),
    ("plugin_local", "tls", r"^libholders_plugin\.so: tls library_local\+0x8 of thread \d+"),
    ("stack", "native_stack", r"^thread \d+ worker\(\) \+0x[0-9a-f]+ \(.*holders\.c:\d+\)"),
    ("coroutine", "native_stack", r"^thread \d+ on_own_stack\(\) \+0x[0-9a-f]+ \(.*holders\.c:\d+\)"),
    ("register", "register", r"^rbx of thread \d+"),
]
STRIPPED = {  # the same without .symtab: the dynamic table names nothing of a program, and what is exported of a library
    "global": r"^holders: \.bss\+0x", "interior": r"^holders: \.bss\+0x", "table": r"^holders: \.bss\+0x", "static": r"^holders: \.bss\+0x",
    "function": r"^holders: \.bss\+0x", "mapped": r"^holders: \.bss\+0x", "first": r"^holders: \.bss\+0x", "second": r"^holders: \.bss\+0x",
    "library_static": r"^libholders\.so: \.bss\+0x", "thread_local": r"^holders: \.tbss\+0x",
    "library_local": r"^libholders\.so: \.tbss\+0x", "plugin_local": r"^libholders_plugin\.so: \.tbss\+0x", "stack": r"^thread \d+ #\d+ holders \+0x", "coroutine": r"^thread \d+ #\d+ holders \+0x",
}


def check_holders(test, what, lines, core, stripped=False, more=()):
    said = {}
    lost = {}
    for line in lines:
        words = line.split()
        if words[0] == "lost":
            lost[usable(int(words[3]))] = int(words[2])
        else:
            said[words[0]] = (words[1], int(words[2]))
    for name, kind, pattern in HELD:
        text, root = expression(test, core, said[name][0], *more)
        if stripped:
            pattern = STRIPPED.get(name, pattern)
        test.check(root.get("kind") == kind, "%s: %s: root %s, not %s: %s", what, name, root.get("kind"), kind, text)
        test.check(re.search(pattern, text), "%s: %s: %r is not %r", what, name, text, pattern)
        place = re.match(r"anonymous (0x[0-9a-f]+)\+(0x[0-9a-f]+)", text)
        if place:  # mappings next to each other are one: what counts is the address
            found = int(place.group(1), 16) + int(place.group(2), 16)
            test.check(found == int(said["page"][0], 16) + 800, "%s: %s: %s", what, name, text)
    for name in ("dead", "lost_head", "lost_ring"):
        test.check(expression(test, core, said[name][0], *more) == ("", {}), "%s: something holds %s", what, name)
    lost[usable(said["dead"][1])] = 1
    lost[usable(said["lost_ring"][1])] = 1
    answer = test.answer("unreachable", core, "--limit", "0", *more)
    rows = {row["type"]: (row["count"], row["shallow"]) for row in answer.get("rows", [])}
    truth = {"malloc(%d)" % size: (count, count * size) for size, count in lost.items()}
    test.check(rows == truth, "%s: leaked %s, not %s", what, rows, truth)
    test.check(answer.get("objects") == sum(lost.values()), "%s: %s leaked blocks", what, answer.get("objects"))
    heads = answer.get("heads", [])
    test.check(said["lost_head"][0] in heads, "%s: the head of the lost list is not among %s", what, heads[:20])
    test.check(len(heads) in (302, 303), "%s: %d heads", what, len(heads))  # 300 trees, the list, the dead one; the ring has one or none
    return check_memory(test, what, core)


@section
def holders(test):
    test.build("holders_library.c", "-g", "-O1", "-shared", "-fPIC", output=os.path.join(test.folder, "libholders.so"))
    shutil.copy(os.path.join(test.folder, "libholders.so"), os.path.join(test.folder, "libholders_plugin.so"))
    program = test.build("holders.c", "-g", "-O1", "-pthread", "-L" + test.folder, "-lholders", "-Wl,-rpath,$ORIGIN")
    lines, core = core_of(test, [program])
    info = check_holders(test, "holders", lines, core)
    test.check(info.get("kind") == "core", "info: kind %s", info.get("kind"))
    test.check(len(info.get("threads", [])) == 4, "info: threads %s", info.get("threads"))
    show = test.answer("show", core, dict(line.split()[:2] for line in lines if line.startswith("global "))["global"])
    test.check(show.get("label") == "size_class", "show: label %s", show.get("label"))
    if shutil.which("gcore"):
        lines, core = core_of(test, [program], way="gcore")
        check_holders(test, "gcore", lines, core)
    folder = os.path.join(test.folder, "bare")
    os.makedirs(folder)
    for name in ("holders", "libholders.so", "libholders_plugin.so"):
        subprocess.run(["strip", "-o", os.path.join(folder, name), os.path.join(test.folder, name)], check=True)
    lines, core = core_of(test, [os.path.join(folder, "holders")])
    check_holders(test, "stripped", lines, core, stripped=True)


def holders_with(test, root):
    """holders and its library, linked with and run by the C library unpacked below `root`."""
    folder = os.path.join(test.folder, "with%d" % test.checks)
    os.makedirs(folder)

    def find(pattern):
        found = [path for part in ("lib", "usr/lib") for path in sorted(glob.glob(os.path.join(root, part, "x86_64-linux-gnu", pattern)))]
        return found[0] if found else None

    libc, loader = find("libc.so.6"), find("ld-linux-x86-64.so.2")
    if not libc or not loader or not find("Scrt1.o"):
        raise Failed("no libc in %s" % root)
    if not os.path.exists(loader):  # a symbolic link that means another root
        loader = find("ld-2*.so")
    more = [path for path in (find("libpthread.so.0"), find("libdl.so.2")) if path]
    library, program = os.path.join(folder, "libholders.so"), os.path.join(folder, "holders")
    compiled = [os.path.join(folder, name) for name in ("library.o", "holders.o")]
    for source, output in zip(("holders_library.c", "holders.c"), compiled):
        subprocess.run(["gcc", "-g", "-O1", "-fPIC", "-pthread", "-c", os.path.join(cores.PROGRAMS, source), "-o", output], check=True)
    links = [["-shared", "-nodefaultlibs", "-nostartfiles", "-o", library, compiled[0], loader],
             ["-nostartfiles", "-nodefaultlibs", "-pie", "-o", program, find("Scrt1.o"), find("crti.o"), compiled[1], library, "-Wl,--no-as-needed",
              libc, *more, find("libc_nonshared.a"), loader, "-lgcc", find("crtn.o"), "-Wl,-dynamic-linker," + loader,
              "-Wl,-rpath," + os.path.dirname(libc) + ":" + folder, "-Wl,--disable-new-dtags"]]
    for link in links:
        done = subprocess.run(["gcc", *link], stderr=subprocess.PIPE)
        if done.returncode:
            raise Failed("cannot link with %s: %s" % (libc, done.stderr.decode()[-500:]))
    shutil.copy(library, os.path.join(folder, "libholders_plugin.so"))
    return program


@section
def other_glibcs(test):
    """With the C libraries that HELDBY_GLIBCS names, or that run_glibc.py has fetched into the build folder."""
    named = os.environ.get("HELDBY_GLIBCS")
    roots = named.split(":") if named else glob.glob(os.path.join(test.options.build or "", "tests", "core", "glibc", "*"))
    roots = sorted(root.rstrip("/") for root in roots if os.path.isdir(root))
    if not roots:
        print("  skipped: no other glibc is here (HELDBY_GLIBCS)")
    for root in roots:
        lines, core = core_of(test, [holders_with(test, root)])
        check_holders(test, "glibc in " + root, lines, core)


def check_classes(test, what, lines, core, label):
    answer = test.answer("histogram", core, "--limit", "0")
    rows = {row["type"]: row for row in answer.get("rows", [])}
    for line in lines:
        count, name = line.split(None, 1)
        found = [row for type_name, row in rows.items() if type_name == name or (name.endswith("<shop::Book") and type_name.startswith(name))]
        test.check(sum(row["count"] for row in found) == int(count), "%s: %s: %s, not %s", what, name, [row["count"] for row in found], count)
        test.check(all(row.get("label") == label for row in found), "%s: %s: labels %s", what, name, found)
    lost = test.answer("unreachable", core)
    named = {row["type"]: row["count"] for row in lost.get("rows", [])}
    truth = int([line.split()[0] for line in lines if line.endswith("shop::Box<char>")][0])
    test.check(named.get("shop::Box<char>") == truth, "%s: leaked: %s", what, named)
    test.check(len(named) == 1, "%s: leaked: %s", what, named)
    check_memory(test, what, core)


@section
def kept(test):
    """A table in a mapping of the program's own is a root, whatever the mapping looks like."""
    program = test.build("kept.c", "-O1")
    for what, place in enumerate(("read-only", "beside a signal's stack", "in front of what points to itself", "beside a coroutine's stack")):
        folder = os.path.join(test.folder, "kept%d" % what)
        os.makedirs(folder)
        path, _ = test.crash([program, str(what)], folder)
        status, out, err = test.run("unreachable", path)
        test.check(status == 1 and "reach all" in err, "a table %s: %d %s", place, status, out[:200])


@section
def classes(test):
    ways = [("classes", [], "vtable", False), ("stripped", ["-s"], "rtti", False), ("no PIE", ["-no-pie", "-s"], "rtti", False),
            ("no RTTI", ["-fno-rtti"], "vtable", False), ("libstdc++ inside", ["-static-libstdc++", "-static-libgcc", "-s"], "rtti", False)]
    for what, options, label, clang in ways:
        program = test.build("classes.cpp", "-O1", *options, output=os.path.join(test.folder, "classes"))
        lines, core = core_of(test, [program, "2000"])
        if what == "no RTTI":
            lines = [line for line in lines if "_Sp_counted" not in line]
        check_classes(test, what, lines, core, label)
        os.remove(core)
    if shutil.which("clang++"):
        program = test.build("classes.cpp", "-O1", "-s", output=os.path.join(test.folder, "classes"), compiler="clang++")
        lines, core = core_of(test, [program, "2000"])
        check_classes(test, "clang", lines, core, "rtti")


@section
def allocators(test):
    """Recognised, named, and not walked; Python's own objects are there all the same."""
    program = test.build("classes.cpp", "-O1", output=os.path.join(test.folder, "classes"))
    libraries = [("jemalloc", "libjemalloc.so.2"), ("tcmalloc", "libtcmalloc_minimal.so.4"), ("mimalloc", "libmimalloc.so.2")]
    for name, library in libraries:
        folders = os.environ.get("HELDBY_TEST_LIBRARIES", "").split(":") + ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"]
        found = [path for path in (os.path.join(folder, library) for folder in folders if folder) if os.path.exists(path)]
        if not found:
            print("  skipped: %s is not installed" % library)
            continue
        environment = dict(os.environ, LD_PRELOAD=found[0])
        core = core_of(test, [program, "100"], env=environment)[1]
        code, out, err = test.run("histogram", core)
        test.check(code == 3 and name in err and "not walked" in err, "%s: status %d: %s", name, code, err)
        answer = test.answer("info", core)
        test.check(answer.get("pid", 0) > 0 and answer.get("threads") and sum(v for k, v in answer["memory"].items() if k != "total") ==
                   answer["memory"]["total"] > 0, "%s: info: %s", name, answer)
        script = "import sys, os; x = [[i] for i in range(5000)]; print('ready', flush=True); sys.stdin.readline(); os.abort()"
        core = core_of(test, [test.options.python, "-c", script], env=environment)[1]
        answer = test.answer("histogram", core)
        lists = [row["count"] for row in answer.get("rows", []) if row["type"] == "list"]
        test.check(lists and lists[0] >= 5000, "%s: lists %s", name, lists)
        test.check(not answer.get("complete") and any(name in warning for warning in answer.get("warnings", [])),
                   "%s: not said: %s", name, answer.get("warnings"))
    if shutil.which("musl-gcc"):
        musl = test.build("lost.c", output=os.path.join(test.folder, "lost"), compiler="musl-gcc")
        core = core_of(test, [musl])[1]
        code, out, err = test.run("histogram", core)
        test.check(code == 3 and "musl" in err, "musl: status %d: %s", code, err)
    else:
        print("  skipped: musl-gcc is not installed")
    static = test.build("lost.c", "-static", output=os.path.join(test.folder, "lost"))
    core = core_of(test, [static])[1]
    rows = {row["type"]: row["count"] for row in test.answer("unreachable", core).get("rows", [])}
    test.check(rows == {"malloc(56)": 1000}, "static: leaked %s", rows)


def main():
    test = cores.Test("native blocks: roots, leaks, classes")
    for run in SECTIONS:
        try:
            run(test)
        except Failed as problem:
            test.check(False, "%s: %s", run.__name__, problem)
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
