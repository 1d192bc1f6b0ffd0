#!/usr/bin/env python3
"""What a core says at first sight: how the process died (full stacks among it), where its threads were, folded; and a path through a long
list in a few lines; where a heap is damaged."""
import os
import re
import shutil
import subprocess
import sys

import cores
from cores import Running

OVERFLOW = "stack overflow: too deep a recursion"


def crashes(test, program):
    for how, full in (("overflow", True), ("thread", True), ("frame", True), ("null", False), ("code", False), ("recursion", False)):
        folder = os.path.join(test.folder, how)
        os.mkdir(folder)
        core, _ = test.crash([program, how], folder)
        status, out, err = test.run("info", core)
        test.check(status == 0, "%s: status %d: %s", how, status, err)
        test.check((OVERFLOW in out) == full, "%s: %s of a full stack: %s", how, "no word" if full else "a word", out[:600])
        signal = test.answer("info", core).get("signal") or {}
        test.check(signal.get("stack_overflow") is full, "%s: stack_overflow in JSON: %s", how, signal)
        frames = [line for line in out.splitlines() if "deeper() " in line]
        if how in ("overflow", "thread"):
            test.check(len(frames) in (1, 2) and frames[-1].endswith(" or more") and "×8 19" in frames[-1], "%s: frames %s", how, frames)
        if how == "recursion":
            test.check(len(frames) == 1 and frames[0].endswith("×4 999"), "recursion: frames %s", frames)
            out = test.run("info", core, "--limit", "0")[1]
            lines = [line.split()[0] for line in out.splitlines() if line.startswith("              ") and "(" in line]
            at = lines.index("deeper()") if "deeper()" in lines else -1
            test.check(lines[at + 1:at + 2] == ["main()"], "recursion: what called it: %s", lines)
            depths = [frame["depth"] for thread in test.answer("info", core)["threads"] for frame in thread["frames"]]
            test.check(depths == sorted(set(depths)), "recursion: depths out of order: %s", depths)
        os.unlink(core)


def waiting(test, program):
    if not shutil.which("gcore"):
        test.note("skipped: gcore is not there")
        return
    with Running([program, "wait"], test.folder) as running:
        test.check(running.hear() == "ready", "stacks wait did not start")
        done = subprocess.run(["gcore", "-o", os.path.join(test.folder, "wait"), str(running.pid)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        core = os.path.join(test.folder, "wait.%d" % running.pid)
    if not os.path.exists(core):
        raise cores.Failed("gcore: %s" % done.stdout.decode())
    out = test.run("info", core)[1]
    threads = re.findall(r"^ {12}thread (\d+).* in\n((?: {14}\S.*\n)*)", out, re.M)
    test.check(len(threads) == 4, "%d threads with frames: %s", len(threads), out[:1200])
    for tid, frames in threads:
        shown = [line.strip() for line in frames.splitlines()]
        names = [line for line in shown if not line.startswith("…")]
        test.check(len(names) == 3 and any(name.startswith("waits()") for name in names), "thread %s: %s", tid, shown)
    test.check("… 3 more threads (--limit 0 shows all)" in out, "no word of the other threads: %s", out[:1200])
    out = test.run("info", core, "--limit", "0")[1]
    test.check(out.count("waits()") == 7 and "more threads" not in out, "--limit 0: %s", out[:1500])
    os.unlink(core)


def long_list(test, program):
    folder = os.path.join(test.folder, "list")
    os.mkdir(folder)
    core, _ = test.crash([program, "list"], folder)
    rows = test.answer("find", core, "--type", "malloc(24)", "--limit", "0").get("rows", [])
    addresses = [row["address"] for row in rows]
    last = next((a for a in addresses if test.answer("show", core, a).get("out_degree") == 0), None)
    test.check(last is not None, "no last node among %d blocks", len(addresses))
    status, out, _ = test.run("path", core, last)
    lines = out.splitlines()
    test.check(status == 0 and len(out) < 2000 and len(lines) < 12, "%d lines, %d bytes", len(lines), len(out))
    test.check(lines[0].endswith("g_list -> (+0x0 ->)×99 999"), "expression %r", lines[0][:200])
    folded = [line for line in lines if line.startswith("  (+0x0 ->)×99 999")]
    test.check(len(folded) == 1 and folded[0].endswith(" … " + last), "the row of the list: %s", folded)
    paths = test.answer("path", core, last).get("paths", [{}])
    test.check(len(paths[0].get("steps", [])) == 100000, "JSON has %d steps", len(paths[0].get("steps", [])))
    test.check(paths[0].get("expression") == lines[0], "the expression in JSON differs")
    again = test.answer("show", core, lines[0]) # what is printed can be given again
    test.check(again.get("address") == last, "the expression leads to %s, not %s", again.get("address"), last)
    status, out, err = test.run("show", core, lines[0].replace("99 999", "100 000"))
    test.check(status == 1 and len(err) < 500, "one too far: status %d, %s", status, err[:300])
    out = test.run("show", core, last)[1]
    test.check(len(out) < 2000 and "×99 999" in out, "show: %d bytes", len(out))


def damage(test, program):
    folder = os.path.join(test.folder, "damage")
    os.mkdir(folder)
    core, said = test.crash([program, "damage"], folder)
    for question in ("histogram", "info"):
        _, _, err = test.run(question, core)
        test.check("the heap is damaged at %s: blocks may be missing" % said.strip() in err, "%s: %s is not told: %s", question, said.strip(), err)
    status, out, _ = test.run("verify", core)
    test.check(status == 3 and "runs of chunks without damage: 1 expected, none found" in out, "verify: %d %s", status, out)
    os.unlink(core)


def body(test):
    program = test.build("stacks.c", "-g", "-O0", "-pthread", "-Wno-infinite-recursion")
    for function in (crashes, waiting, long_list, damage):
        function(test, program)


if __name__ == "__main__":
    cores.Test("threads, stacks and long lists of a core").main(body)
    sys.exit(0)
