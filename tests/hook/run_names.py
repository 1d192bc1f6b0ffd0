#!/usr/bin/env python3
"""Asks `heldby path`, `referrers` and `show` for objects held in every way Python has, and compares the spelling.

programs/names_program.py holds one object of a type of its own in each way and says how each should read. For every case:

* path: found, the expression is one of those wanted, the root is of the right kind (for frames: thread by name and id, function,
  file, line), the last step is the object, of its type;
* show: the printed expression, given back as OBJECT, leads to the same object;
* referrers: the holder is there, with the kind and the name of the reference, as often as it holds the object.
"""
import os
import re

import held
import refleak

# Read back by show: all but those where Python has no order, or where the root is no name.
NOT_READ_BACK = re.compile(r"\{\*\}|<held from C|\u2026|<interpreter|<thread| 0x")


def matches(expression, spellings):
    for wanted in spellings:
        if wanted.startswith("re:"):
            prefix = re.escape("__main__.H_")
            pattern = wanted[3:].replace("__main__.H_", prefix, 1) if wanted.startswith("re:__main__.H_") else wanted[3:]
            if re.fullmatch(pattern, expression, re.S):
                return True
        elif expression == wanted:
            return True
    return False


def check_root(test, label, case, root):
    kinds = case.get("root_kinds", ["module"] if case["label"] not in ("None", "small_int", "True", "empty_tuple", "int_type") else None)
    if kinds:
        test.check(root.get("kind") in kinds, "%s: root is %s, wanted one of %s", label, root, kinds)
    if root.get("kind") != "frame":
        return
    thread = case.get("thread")
    if thread:
        test.check(root.get("thread") == thread["name"], "%s: thread is %r, wanted %r", label, root.get("thread"), thread["name"])
        test.check(root.get("thread_id") in (thread["ident"], thread["native"]), "%s: thread_id is %r, wanted %r", label,
                   root.get("thread_id"), thread)
    if "function" in case:
        test.check(str(root.get("function", "")).split(".")[-1] == case["function"], "%s: function is %r, wanted %r", label,
                   root.get("function"), case["function"])
    if "file" in case:
        test.check(root.get("file") == case["file"], "%s: file is %r, wanted %r", label, root.get("file"), case["file"])
    if "line" in case:
        test.check(root.get("line") == case["line"], "%s: line is %r, wanted %r", label, root.get("line"), case["line"])


def by_a_trace(test, case, answer):
    """Whether only a dead slot of an expression stack leads to an object that nothing in Python holds.

    Before 3.10 a frame does not say how deep its stack is; what lies beyond may be the address of something gone, or reused.
    """
    root = answer["paths"][0]["root"] if answer.get("paths") else {}
    held_by_nothing = case.get("found") is False or case.get("root_kinds") == ["c_reference"]
    return test.version < (3, 10) and held_by_nothing and root.get("kind") == "frame" and root.get("certain") is False


def check_path(test, snapshot, label, case):
    address = "0x%x" % case["id"]
    status, answer = test.ask("path", snapshot, address)
    if by_a_trace(test, case, answer):
        test.note("%s: found by the trace of an earlier call on a stack: %s", label, answer["paths"][0]["expression"])
        return
    if case.get("found", True) is False:
        test.check(status == 1 and answer.get("found") is False, "%s: exit status %d and found %r for garbage: %s", label, status,
                   answer.get("found"), answer.get("paths"))
        _, out, err = test.ask_text("path", snapshot, address)
        test.check("unreachable" in (out + err).lower(), "%s: the text does not say 'unreachable': %r %r", label, out[:300], err[:300])
        return
    if not test.check(status == 0 and answer.get("found") is True and answer.get("paths"), "%s: not found (exit status %d)", label, status):
        return
    path = answer["paths"][0]
    expression = path["expression"]
    test.check(matches(expression, case["spellings"]), "%s: spelled %r, wanted %s", label, expression, " or ".join(case["spellings"]))
    check_root(test, label, case, path["root"])
    steps = path["steps"]
    if test.check(steps and steps[-1]["address"] == address, "%s: the last step is %s, wanted %s", label, steps[-1:], address):
        wanted = case.get("type") or case.get("type_name")
        if wanted:
            test.check(steps[-1]["type"] == wanted, "%s: type %r, wanted %r", label, steps[-1]["type"], wanted)
    test.check(not any(step["kind"] in ("weak", "type") for step in steps), "%s: a weak or type reference in the path: %s", label, steps)
    if case.get("ambiguous"):
        status, out, err = test.ask_text("show", snapshot, expression)
        test.check(status == 2 and address in err, "%s: show %r of two objects: %d %r", label, expression, status, err)
    elif not NOT_READ_BACK.search(expression):
        status, shown = test.ask("show", snapshot, expression)
        rows = shown and (shown.get("rows") or [shown])
        test.check(status == 0 and rows and rows[0].get("address") == address, "%s: show %r answers %d %s", label, expression, status,
                   rows and rows[0].get("address"))


def check_referrers(test, snapshot, label, case):
    address = "0x%x" % case["id"]
    if not case.get("holder"):
        return
    status, answer = test.ask("referrers", snapshot, address, "--limit", "0", "--no-group", "--depth", str(case.get("depth", 1)))
    edges = [e for e in answer["edges"] if e["target"] == address and e["source"] == "0x%x" % case["holder"]]
    if not test.check(status == 0 and edges, "%s: referrers do not name the holder 0x%x: %s", label, case["holder"], answer["edges"][:6]):
        return
    strong = [e for e in edges if e["kind"] not in ("weak", "type")]
    if "kind" in case:
        test.check(all(e["kind"] == case["kind"] for e in strong), "%s: held as %s, wanted %s", label, [e["kind"] for e in strong], case["kind"])
    if "name" in case:
        test.check(any(str(e["name"]).lstrip(".") == case["name"] for e in strong), "%s: named %s, wanted %s", label,
                   [e["name"] for e in strong], case["name"])
    times = sum(e.get("count") or 1 for e in strong)
    test.check(times == case.get("times", 1), "%s: %d references, wanted %d: %s", label, times, case.get("times", 1), strong)
    if case.get("weak"):
        # KeyedRef -> target, somewhere among all referrers
        kinds = [e["kind"] for e in answer["edges"] if e["target"] == address]
        test.check(all(k in ("weak", "index") for k in kinds), "%s: references of kinds %s", label, kinds)


def body(test):
    directory = test.folder_for("names")
    missing = refleak.build(test, directory)
    if missing:
        test.note("SKIPPED fields of extension types: %s", missing)
    test.run_program("names_program.py", directory)
    snapshot, = test.snapshots(directory, 1)
    cases = test.told(directory, "names.json")
    for case in cases:
        label = case["label"]
        try:
            check_path(test, snapshot, label, case)
            check_referrers(test, snapshot, label, case)
        except held.Failed as error:
            test.check(False, "%s: %s", label, error)
    test.note("%d ways of holding an object", len(cases))
    test.check(len(cases) > 200, "only %d cases", len(cases))


if __name__ == "__main__":
    held.Test("every reference is spelled as it should be").main(body)
