#!/usr/bin/env python3
"""Checks what a snapshot says of single objects, threads and frames, and that taking one changes nothing.

Against facts the program (programs/capture_program.py) gathered itself: shallow sizes (sys.getsizeof), flags (tracked, frozen,
generation, interned, static, immortal), refcounts, previews, thread names and ids, every frame with function, file and line
(sys._current_frames, asked for after the snapshot). Then: nothing of the hook appears, no refcount changes over several snapshots, no
`__dict__` is made, no local is kept alive; HELDBY_VALUES=0 writes no values; deep, huge and half-built objects; numpy's arrays.
"""
import os
import subprocess

import held
import snapshot_text

VALUE_BYTES = 64


def size_rules(version):
    """Labels whose shallow size may differ from sys.getsizeof, and by how much: (least, most) snapshot minus getsizeof."""
    rules = {
        "struct": (-200, 0),  # its table of formats is no object
    }
    if version >= (3, 11):
        rules["code"] = (-7, 0)  # sys.getsizeof rounds up to whole words
        rules["int type"] = (-16, 0)  # sys.getsizeof adds a GC header, which a static type does not have
        rules["instance dict"] = (-256, 0)  # the table of keys is the class's, which counts it
    if version >= (3, 13):
        # sys.getsizeof leaves out the values that lie behind the instance itself
        rules["plain instance"] = rules["empty instance"] = (0, 32 + 31 * 8 + 8)
    return rules


def check_objects(test, snapshot, facts):
    for fact in facts["objects"]:
        label = fact["label"]
        found = snapshot.objects.get(fact["id"])
        if not test.check(found, "%s: 0x%x is not in the snapshot", label, fact["id"]):
            continue
        if "type" in fact:
            test.check(found.type.split(".")[-1] == fact["type"], "%s: type %r, wanted %r", label, found.type, fact["type"])
        if "size" in fact:
            least, most = size_rules(test.version).get(label, (0, 0))
            test.check(least <= found.size - fact["size"] <= most, "%s: shallow size %d, sys.getsizeof says %d", label, found.size, fact["size"])
        if "refcount" in fact:
            test.check(found.refcount == fact["refcount"], "%s: refcount %d, wanted %d", label, found.refcount, fact["refcount"])
        for name, bit in (("tracked", held.TRACKED), ("frozen", held.FROZEN), ("interned", held.INTERNED), ("static", held.STATIC),
                          ("immortal", held.IMMORTAL)):
            if name in fact:
                test.check(bool(found.flags & bit) == fact[name], "%s: flag %r is %s", label, name, bool(found.flags & bit))
        if "generation" in fact:
            test.check(found.flags >> 6 == fact["generation"], "%s: generation %d, wanted %d", label, found.flags >> 6, fact["generation"])
        if "preview" in fact:
            check_preview(test, snapshot, label, fact["id"], fact["preview"])


def check_preview(test, snapshot, label, address, wanted):
    found = snapshot.previews.get(address)
    text = bytes.fromhex(wanted["text"])
    if wanted["kind"] == 6 and found:
        # a function is named with its module
        test.check(found.kind == 6 and found.text.split(b".")[-1] == text, "%s: preview %r of kind %d, wanted %r", label, found.text, found.kind, text)
        return
    if found:
        test.check(wanted["full_length"] in (None, found.full_length), "%s: full length %d, wanted %d", label, found.full_length, wanted["full_length"] or 0)
    if not found or (label.startswith("big int") and not found.text):
        # nothing is written of what is empty, and of integers beyond 64 bits there may be no digits
        test.check(not text or label.startswith("big int"), "%s: no preview", label)
        return
    test.check(found.kind == wanted["kind"], "%s: preview of kind %d, wanted %d", label, found.kind, wanted["kind"])
    if wanted["kind"] in (1, 2):
        cut = text
        if len(text) > VALUE_BYTES:
            cut = text[:VALUE_BYTES]
            if wanted["kind"] == 1:
                cut = cut.decode("utf-8", "ignore").encode()
        test.check(found.text == cut, "%s: preview %r, wanted %r", label, found.text, cut)
    elif label.startswith("big int"):
        test.check(found.text.decode() and text.startswith(found.text[:15].rstrip(b".")), "%s: preview %r, wanted the start of %r or none", label,
                   found.text, text[:40])
    else:
        test.check(found.text == text, "%s: preview %r, wanted %r", label, found.text, text)


def frames_of(snapshot, thread):
    frames = [f for f in snapshot.frames.values() if f.thread == thread.number]
    frames.sort(key=lambda f: f.depth)
    return [[f.function, f.file, f.line] for f in frames]


def last_part(name):
    return name.split(".")[-1]


def check_threads(test, snapshot, facts):
    by_ident = {thread.ident: thread for thread in snapshot.threads.values()}
    wanted = facts["threads"]
    test.check(len(by_ident) == len(wanted) + 1, "%d threads, the program has %d: %s", len(by_ident), len(wanted) + 1, sorted(t.name for t in by_ident.values()))
    for fact in wanted:
        thread = by_ident.get(fact["ident"])
        if not test.check(thread, "thread %r is missing", fact["name"]):
            continue
        test.check(thread.name == fact["name"], "thread %r is named %r", fact["name"], thread.name)
        # the thread state has the native id from 3.11 on
        test.check(thread.native == fact["native"] or thread.native == 0 and test.version < (3, 11), "thread %r: native id %d, wanted %d", fact["name"], thread.native, fact["native"])
        test.check(not thread.flags & 1, "thread %r is marked as the main one", fact["name"])
        frames = frames_of(snapshot, thread)
        if not test.check(len(frames) == len(fact["stack"]), "thread %r: %d frames, wanted %d: %s", fact["name"], len(frames), len(fact["stack"]), frames[:4]):
            continue
        for depth, (mine, theirs) in enumerate(zip(frames, fact["stack"])):
            test.check(mine[1:] == theirs[1:] and last_part(mine[0]) == last_part(theirs[0]), "thread %r, frame %d: %s, wanted %s", fact["name"], depth, mine, theirs)
            if test.version >= (3, 11):
                test.check(mine[0] == theirs[0], "thread %r, frame %d: function %r, wanted %r", fact["name"], depth, mine[0], theirs[0])
    main = by_ident.get(facts["main"]["ident"])
    if test.check(main, "the main thread is missing"):
        test.check(main.flags & 1, "the main thread is not marked")
        test.check(main.name == "MainThread", "the main thread is named %r", main.name)
        test.check(main.native == facts["main"]["native"] or main.native == 0 and test.version < (3, 11), "main thread: native id %d, wanted %d", main.native, facts["main"]["native"])
        wanted = facts["main"]["stack"][0]
        test.check(wanted in frames_of(snapshot, main), "main thread: %s not in %s", wanted, frames_of(snapshot, main))


def check_nothing_of_the_hook(test, snapshot, facts):
    ours = [o for o in snapshot.objects.values() if "heldby" in o.type.lower()]
    test.check(not ours, "objects of the hook's types: %s", [(o.type, hex(o.address)) for o in ours[:5]])
    named = [(p.text, hex(a)) for a, p in snapshot.previews.items() if p.kind == 6 and b"heldby" in p.text.lower()]
    test.check(not named, "modules or functions of the hook: %s", named[:5])
    test.check(not facts["modules"], "modules in the program: %s", facts["modules"])
    test.check(not any("heldby" in t.name for t in snapshot.threads.values()), "a thread of the hook")
    roots = [r for r in snapshot.roots if "heldby" in r.name]
    test.check(not roots, "roots of the hook: %s", roots[:3])
    test.check(facts["threads_after"] == 0, "the program sees %d threads more than its own", facts["threads_after"])


def check_nothing_changed(test, facts):
    test.check(not facts["changed"], "refcounts changed by four snapshots [type, id, before, after]: %s", facts["changed"][:10])
    test.check(facts["tracked_before"] == facts["tracked_after"], "tracked objects before four snapshots %d, after %d", facts["tracked_before"],
               facts["tracked_after"])
    test.check(not facts["dicts_made"], "a __dict__ was made of plain instances")
    test.check(facts["local_dies"], "a local lived on after del")
    test.check(facts["local_of_caller_dies"], "a local of a caller lived on")


def basics(test):
    directory = test.folder_for("basics")
    test.run_program("capture_program.py", directory, "basics", HELDBY_VALUES=str(VALUE_BYTES))
    facts = test.told(directory, "facts.json")
    snapshot = test.load(test.snapshots(directory)[0])
    test.check(snapshot.complete and not snapshot.warnings, "incomplete or with warnings: %s", snapshot.warnings)
    check_objects(test, snapshot, facts)
    check_threads(test, snapshot, facts)
    check_nothing_of_the_hook(test, snapshot, facts)
    check_nothing_changed(test, facts)
    frozen = sum(1 for o in snapshot.objects.values() if o.flags & held.FROZEN)
    test.check(frozen == facts["frozen_count"], "%d frozen objects, gc.get_freeze_count() says %d", frozen, facts["frozen_count"])
    status, answer = test.ask("info", snapshot.path)
    test.check(answer["pid"] == facts["pid"] and answer["complete"] is True and answer["counts"]["objects"] == len(snapshot.objects), "info: %s", answer)
    status, answer = test.ask("verify", snapshot.path)
    test.check(status == 0 and not answer["faults"], "verify: %d %s", status, answer)
    with_prefix = [name for name in os.listdir(directory) if not name.endswith((".held", ".json", ".log"))]
    test.check(not with_prefix, "files left behind: %s", with_prefix)
    modes = [oct(os.stat(path).st_mode & 0o777) for path in test.snapshots(directory)]
    test.check(set(modes) == {"0o600"}, "modes of the files: %s", modes)


def secrets(test):
    directory = test.folder_for("secrets")
    test.run_program("capture_program.py", directory, "secrets", HELDBY_VALUES="0")
    told = test.told(directory, "secrets.json")
    path, = test.snapshots(directory, 1)
    whole = b"\0".join(data for _, _, data in snapshot_text.streams(path))
    for place, text in told["secrets"]:
        test.check(text.encode() not in whole, "HELDBY_VALUES=0: %r (%s) is in the file", text, place)
    test.check(b"geheim" not in whole, "HELDBY_VALUES=0: a piece of a value is in the file: %s", [
        whole[max(0, i - 30):i + 30] for i in [whole.find(b"geheim")]])
    for name in told["identifiers"]:
        test.check(name.encode() in whole, "HELDBY_VALUES=0: the identifier %r is missing", name)
    directory = test.folder_for("not secret")
    test.run_program("capture_program.py", directory, "secrets")
    path, = test.snapshots(directory, 1)
    whole = b"\0".join(data for _, _, data in snapshot_text.streams(path))
    seen = sum(text.encode() in whole for _, text in told["secrets"])
    test.check(seen > len(told["secrets"]) / 2, "with values only %d of %d are in the file: the test sees nothing", seen, len(told["secrets"]))


def deep(test):
    directory = test.folder_for("deep")
    test.run_program("capture_program.py", directory, "deep", timeout=900)
    facts = test.told(directory, "facts.json")
    path, = test.snapshots(directory, 1)
    for question in (deep_info, deep_list, deep_tuples, deep_text, huge_containers, long_key):
        try:
            question(test, path, facts)
        except held.Failed as error:
            test.check(False, "%s: %s", question.__name__, error)


def deep_info(test, path, facts):
    status, answer = test.ask("info", path)
    test.check(status == 0 and answer["complete"] and answer["counts"]["objects"] > 8 * facts["depth"], "deep: info %d %s", status, answer)
    status, answer = test.ask("verify", path)
    test.check(status == 0, "deep: verify: %s", answer)


def steps_to(test, path, address):
    status, answer = test.ask("path", path, hex(address))
    test.check(status == 0, "deep: path to 0x%x: exit status %d", address, status)
    return answer["paths"][0]["steps"] if answer.get("paths") else []


def deep_list(test, path, facts):
    steps = steps_to(test, path, facts["last"])
    test.check(len(steps) == facts["depth"], "deep: %d steps to the end of a list of %d", len(steps), facts["depth"])
    test.check(steps and steps[-1]["address"] == hex(facts["last"]) and steps[-1]["name"].lstrip(".") == "next", "deep: ends with %s", steps[-1:])


def deep_tuples(test, path, facts):
    steps = steps_to(test, path, facts["innermost"])
    test.check(len(steps) == facts["depth"], "deep: %d steps into %d nested tuples", len(steps), facts["depth"])


def deep_text(test, path, facts):
    status, out, err = test.ask_text("path", path, hex(facts["last"]))
    test.check(status == 0 and len(out) < 10**8, "deep: text of the path: %d, %d characters", status, len(out))


def huge_containers(test, path, facts):
    status, answer = test.ask("referents", path, hex(facts["huge"]), "--limit", "5")
    test.check(status == 0 and len(answer["edges"]) <= 6, "huge list: referents: %d, %d edges", status, len(answer["edges"]))
    for name in ("huge", "table", "members"):
        status, answer = test.ask("show", path, hex(facts[name]), "--limit", "5")
        test.check(status == 0, "huge %s: show: exit status %d", name, status)
    for expression in ("__main__.HUGE[%d]" % (5 * facts["depth"] - 1), "__main__.TABLE['key %d']" % (facts["depth"] - 1)):
        status, answer = test.ask("path", path, expression)
        test.check(status == 0 and answer["found"], "huge: path to %s: exit status %d", expression, status)


def long_key(test, path, facts):
    status, answer = test.ask("path", path, hex(facts["under_long_key"]))
    length = len(answer["paths"][0]["expression"]) if answer.get("paths") else None
    test.check(status == 0 and length and length < 1000, "under a long key: exit status %d, %s characters", status, length)


def numpy(test):
    if subprocess.run([test.options.python, "-c", "import numpy"], stderr=subprocess.DEVNULL).returncode:
        test.note("numpy: skipped, this Python has none")
        return
    directory = test.folder_for("numpy")
    test.run_program("capture_program.py", directory, "numpy")
    facts = test.told(directory, "facts.json")
    snapshot = test.load(test.snapshots(directory, 1)[0])
    for name, address, elements in facts["held"]:
        found = snapshot.objects.get(address)
        targets = sorted(e.target for e in found.edges if e.target in elements) if found else None
        test.check(targets == elements, "numpy: %s holds %s, wanted %s", name, targets, elements)
    for name, address, base in facts["base"]:
        found = snapshot.objects.get(address)
        test.check(found and base in [e.target for e in found.edges], "numpy: %s does not hold its base", name)
    for expression, address in facts["elements"]:
        status, answer = test.ask("path", snapshot.path, hex(address))
        got = answer["paths"][0]["expression"] if answer.get("paths") else None
        test.check(status == 0 and got and got.startswith("__main__." + expression), "numpy: %r, wanted __main__.%s", got, expression)
    for name, address, size in facts["sizes"]:
        found = snapshot.objects.get(address)
        test.check(found and found.size == size, "numpy: %s has %s bytes, sys.getsizeof says %d", name, found and found.size, size)


def body(test):
    parts = os.environ.get("HELDBY_TEST_PARTS")
    for part in (basics, secrets, deep, numpy):
        if parts and part.__name__ not in parts.split(","):
            continue
        try:
            part(test)
        except held.Failed as error:
            test.check(False, "%s: %s", part.__name__, error)


if __name__ == "__main__":
    held.Test("what is captured, and that nothing changes").main(body)
