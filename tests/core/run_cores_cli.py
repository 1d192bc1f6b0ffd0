#!/usr/bin/env python3
"""Cores through the command line, from end to end: every question on a core, on its compressed core and on its converted file; files put
aside (--sysroot, --exe); diff and growth over all kinds of files; a running process without the hook."""
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys

import cores
from cores import Running, wait_until

SECTIONS = []


def section(function):
    SECTIONS.append(function)
    return function


def facts_of(text):
    """The lines `name value` that a program printed."""
    return dict(line.split(None, 1) for line in text.splitlines() if " " in line)


def without_file(document):
    return {key: value for key, value in document.items() if key not in ("file", "files")}


QUESTIONS = [
    ["histogram", "FILE"],
    ["histogram", "FILE", "--by", "size", "--limit", "0"],
    ["histogram", "FILE", "--by", "module", "--sort", "count"],
    ["histogram", "FILE", "--by", "referrer"],
    ["find", "FILE", "--min-size", "100", "--limit", "50"],
    ["find", "FILE", "--type", "TYPE", "--limit", "0"],
    ["show", "FILE", "OBJECT"],
    ["referents", "FILE", "OBJECT", "--depth", "2"],
    ["referrers", "FILE", "OBJECT", "--depth", "3"],
    ["referrers", "FILE", "OBJECT", "--no-group"],
    ["path", "FILE", "OBJECT"],
    ["path", "FILE", "OBJECT", "--all"],
    ["path", "FILE", "--type", "TYPE"],
    ["dominators", "FILE"],
    ["retained", "FILE", "OBJECT"],
    ["unreachable", "FILE"],
    ["cycles", "FILE"],
    ["refcheck", "FILE"],
    ["info", "FILE"],
    ["info", "FILE", "--limit", "0"],
    ["verify", "FILE"],
    ["export", "FILE", "OBJECT", "--format", "csv", "--depth", "2"],
]


def ask_all(test, file, of, type_name):
    """{question: (status, document or text)}"""
    answers = {}
    for question in QUESTIONS:
        words = [{"FILE": file, "OBJECT": of, "TYPE": type_name}.get(word, word) for word in question]
        status, out, err = test.run(*words, *([] if question[0] == "export" else ["--json"]))
        test.check(status in (0, 1), "%s: status %d: %s", question, status, err)
        try:
            answers[" ".join(question)] = status, without_file(json.loads(out))
        except ValueError:
            answers[" ".join(question)] = status, out if status == 0 else re.sub(r"^heldby: \S+: ", "", err)
    return answers


def compare(test, what, one, other):
    for question, answer in one.items():
        test.check(other[question] == answer, "%s: %s differs from the core's: %.300r / %.300r", what, question, other[question], answer)


def same_everywhere(test, core, of, type_name, most_bytes):
    """A core, its compressed form and its converted file give the same documents. Returns the converted file."""
    held = core + ".held"
    from_core = ask_all(test, core, of, type_name)
    status, out, err = test.run("convert", core, "-o", held)
    test.check(status == 0 and err == "", "convert: %d %s %s", status, out, err)
    compare(test, "the converted file", from_core, ask_all(test, held, of, type_name))
    objects = from_core["info FILE"][1]["counts"]["objects"]
    size = os.path.getsize(held)
    test.check(size < most_bytes * objects + 65536, "convert: %d bytes for %d objects", size, objects)
    status, out, err = test.run("verify", held)
    test.check(status == 0, "verify of the converted file: %d %s", status, out + err)
    again = core + ".again"
    status, out, err = test.run("convert", held, "-o", again)
    test.check(status == 0, "convert of a converted file: %d %s", status, err)
    compare(test, "the converted converted file", from_core, ask_all(test, again, of, type_name))
    os.unlink(again)
    zstd = shutil.which("zstd")
    if zstd:
        packed = os.path.join(os.path.dirname(core), "named-as-it-pleases.txt")
        subprocess.run([zstd, "-q", "-1", core, "-o", packed], check=True)
        compare(test, "the compressed core", from_core, ask_all(test, packed, of, type_name))
        with open(core, "rb") as file, open(packed + ".2", "wb") as to:  # a stream: the frame does not say how large it is
            subprocess.run([zstd, "-q", "-1", "-c"], stdin=file, stdout=to, check=True)
        test.check(test.answer("histogram", packed + ".2")["rows"] == from_core["histogram FILE"][1]["rows"], "a streamed core differs")
        os.unlink(packed)
        os.unlink(packed + ".2")
    else:
        test.note("no zstd here: compressed cores are not tested")
    return held


@section
def native_crash(test, state):
    folder = test.folder_for("native")
    program = test.build("shop.c", "-g", "-O1", "-pthread", output=os.path.join(folder, "shop"))
    core, out = test.crash([program, "1000"], folder)
    truth = facts_of(out)
    state.update(native=core, program=program, native_truth=truth)

    info = test.answer("info", core)
    test.check(info["kind"] == "core" and info["runtime"]["name"] is None, "kind %s, runtime %s", info["kind"], info["runtime"])
    test.check(info["signal"] and info["signal"]["name"] == "SIGSEGV" and info["signal"]["address"] == "0x18", "signal %s", info["signal"])
    test.check(len(info["threads"]) == 2, "threads %s", info["threads"])
    names = [frame["function"] for frame in info["threads"][0]["frames"]]
    test.check(names[:2] == ["die_here", "main"], "the frames of the thread that died: %s", names)
    test.check(info["threads"][0]["frames"][0]["file"].endswith("shop.c") and info["threads"][0]["frames"][0]["line"], "no file and line")
    modules = {os.path.basename(module["path"]): module for module in info["modules"]}
    test.check(modules.get("shop", {}).get("verdict") == "match", "modules %s", list(modules.values()))
    test.check(sum(value for key, value in info["memory"].items() if key != "total") == info["memory"]["total"] > 0, "memory %s", info["memory"])
    test.check(info["checks"] and all(check["verdict"] != "differs" for check in info["checks"]), "checks %s", info["checks"])
    test.check(info["missing"]["cut"] == 0 and info["missing"]["dumped"] > 0, "missing %s", info["missing"])
    test.check(info["advice"] is not None and info["complete"], "complete %s, warnings %s", info["complete"], info["warnings"])
    status, text, err = test.run("info", core)
    test.check(status == 0 and "SIGSEGV" in text and "die_here()" in text and "2" in text, "info: %s %s", text, err)
    test.check(len(text.splitlines()) < 60, "info is no first screen: %d lines", len(text.splitlines()))

    rows = {row["type"]: row for row in test.answer("histogram", core, "--limit", "0")["rows"]}
    items = rows.get("malloc(24)", {"count": 0})["count"]
    test.check(3500 <= items <= 3600, "malloc(24): %d, 3 500 are the program's", items)
    test.check(rows.get("malloc(104)", {"count": 0})["count"] >= 3500, "malloc(104): %s", rows.get("malloc(104)"))

    name = truth["name"]
    shown = test.answer("show", core, name)
    test.check(shown.get("type") == "malloc(104)" and shown.get("shallow") == 104 and shown.get("label") == "size_class", "show %s", shown)
    test.check(shown["in_degree"] == 1 and shown["out_degree"] == 0, "show %s", shown)
    path = test.answer("path", core, name)
    test.check(path["found"] and "g_table" in path["paths"][0]["expression"], "path %s", path.get("paths"))
    test.check(path["paths"][0]["root"]["kind"] == "module_data", "root %s", path["paths"][0]["root"])
    status, text, _ = test.run("path", core, name)
    test.check(status == 0 and "shop: g_table" in text and "+0x8 ->" in text, "path: %s", text)
    path = test.answer("path", core, truth["queue"])
    roots = {path["paths"][0]["root"]["kind"]} if path.get("found") else set()
    test.check(roots & {"native_stack", "register"}, "the queue is held by a stack: %s", path)
    holders = test.answer("referrers", core, truth["orders"], "--depth", "1")
    test.check(any(edge["source"] == truth["table"] and edge["name"] == "" or edge["source"] == truth["table"] for edge in holders["edges"]),
               "referrers %s", holders["edges"])
    lost = {row["type"]: row["count"] for row in test.answer("unreachable", core, "--limit", "0")["rows"]}
    test.check(495 <= lost.get("malloc(24)", 0) <= 500 and 495 <= lost.get("malloc(104)", 0) <= 500, "500 and 500 were leaked: %s", lost)
    state["native_held"] = same_everywhere(test, core, name, "malloc(104)", 12)


@section
def python_crash(test, state):
    folder = test.folder_for("python")
    script = os.path.join(cores.PROGRAMS, "crash.py")
    core, out = test.crash([test.options.python, script, "2000"], folder)
    truth = facts_of(out)
    state.update(python=core, python_truth=truth)
    info = test.answer("info", core)
    test.check(info["kind"] == "core" and info["runtime"]["name"] == "cpython", "runtime %s", info["runtime"])
    test.check(info["runtime"]["version"] == "%d.%d.%d" % test.version, "version %s", info["runtime"])
    test.check(info["signal"]["name"] == "SIGABRT", "signal %s", info["signal"])
    test.check(sum(value for key, value in info["memory"].items() if key != "total") == info["memory"]["total"], "memory %s", info["memory"])
    rows = {row["type"]: row for row in test.answer("histogram", core, "--limit", "0")["rows"]}
    test.check(rows.get("__main__.Session", {}).get("count") == 2003, "sessions: %s", rows.get("__main__.Session"))
    test.check(rows.get("__main__.Slotted", {}).get("count") == 2000, "slotted: %s", rows.get("__main__.Slotted"))
    found = test.answer("find", core, "--type", "__main__.Session", "--attr", "user=user7")
    test.check([row["address"] for row in found["rows"]] == [truth["cached"]], "find %s", found["rows"])
    path = test.answer("path", core, truth["cached"])
    test.check(path["paths"] and path["paths"][0]["expression"] == "__main__._CACHE['k7'][0]", "path %s", path["paths"])
    path = test.answer("path", core, truth["enclosed"])
    test.check(path["paths"] and path["paths"][0]["expression"] == "__main__.CALLBACK.<closure>.inner", "path %s", path["paths"])
    path = test.answer("path", core, truth["session"])
    test.check(path["paths"] and path["paths"][0]["expression"] == "__main__.handle.<locals>.session", "path %s", path["paths"])
    test.check(path["paths"][0]["root"]["kind"] == "frame", "root %s", path["paths"][0]["root"])
    shown = test.answer("show", core, "__main__._CACHE['k7'][0].user")
    test.check(shown.get("type") == "str" and shown.get("preview") == "'user7'", "show %s", shown)
    via = test.answer("path", core, "--type", "__main__.Session")["rows"]
    test.check(via and via[0]["expression"] == "__main__._CACHE[*][*]" and via[0]["count"] == 2000, "merged paths %s", via[:2])
    state["python_held"] = same_everywhere(test, core, truth["cached"], "__main__.Session", 8)


@section
def dominators(test, state):
    tree = test.answer("dominators", state["native"])
    first = tree["rows"][0]
    test.check(first["address"] == state["native_truth"]["table"] and first["retained"] > 1000 * 3 * 104, "dominators %s", tree["rows"][:3])
    test.check(test.answer("retained", state["native"], state["native_truth"]["table"])["total"] == first["retained"], "retained differs from dominators")
    tree = test.answer("dominators", state["python"])
    test.check(tree["rows"] and tree["rows"][0]["retained"] > 2000 * 56, "dominators of the Python core: %s", tree.get("rows", [])[:3])


@section
def values_left_out(test, state):
    for source in (state["python"], state["python_held"]):
        bare = state["python"] + ".bare"
        status, _, err = test.run("convert", source, "--no-values", "-o", bare)
        test.check(status == 0, "convert --no-values: %d %s", status, err)
        with open(bare, "rb") as file:
            test.check(os.path.getsize(bare) < os.path.getsize(state["python_held"]), "leaving values out saved nothing")
            file.read()
        shown = test.answer("show", bare, state["python_truth"]["cached"])
        test.check(shown.get("type") == "__main__.Session" and any(field["name"] == "user" for field in shown["fields"]), "names are gone: %s", shown)
        path = test.answer("path", bare, state["python_truth"]["enclosed"])
        test.check(path["paths"] and path["paths"][0]["expression"] == "__main__.CALLBACK.<closure>.inner", "path %s", path["paths"])
        for wanted in ("user7", "user7-1", "enclosed"):
            status, out, err = test.run("find", bare, "--value", wanted)
            test.check(status == 1 and out == "", "the value %s is still in it: %s", wanted, out)
        test.check(test.answer("info", bare)["values"] == 0, "the file does not say that it has no values")
        os.unlink(bare)


@section
def outputs(test, state):
    core, held = state["native"], state["native_held"]
    with open(held, "rb") as file:
        kept = file.read()
    with open(held + ".pipe", "wb") as to:
        done = subprocess.run([test.options.cli, "convert", core, "-o", "-"], stdout=to, stderr=subprocess.PIPE)
    test.check(done.returncode == 0 and os.path.getsize(held + ".pipe") == len(kept), "convert -o -: %d bytes", os.path.getsize(held + ".pipe"))
    os.unlink(held + ".pipe")
    folder = test.folder_for("outputs")
    status, out, err = test.run("convert", core)
    test.check(status == 2 and "-o" in err, "convert without -o: %d %s", status, err)
    status, out, err = test.run("convert", core, "-o", "/dev/full")
    test.check(status == 4 and "No space left" in err, "convert to /dev/full: %d %s", status, err)
    status, out, err = test.run("convert", core, "-o", folder)
    test.check(status == 4 and "directory" in err, "convert to a folder: %d %s", status, err)

    def small_disk():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

    there = os.path.join(folder, "there.held")
    shutil.copy(held, there)
    for target in (there, os.path.join(folder, "new.held")):
        for source in (core, held):
            status, out, err = test.run("convert", source, "-o", target, preexec_fn=small_disk)
            test.check(status == 4 and "too large" in err, "convert to a full disk: %d %s", status, err)
    with open(there, "rb") as file:
        test.check(file.read() == kept, "a failed convert changed the file that was there")
    test.check(os.listdir(folder) == ["there.held"], "a failed convert left %s", os.listdir(folder))
    status, out, err = test.run("convert", there, "-o", there)
    test.check(status == 0 and test.run("verify", there)[0] == 0, "convert onto itself: %d %s", status, err)

    process = subprocess.Popen([test.options.cli, "convert", state["python"], "-o", os.path.join(folder, "interrupted.held")], stderr=subprocess.PIPE)
    wait_until(lambda: len(os.listdir(folder)) > 1 or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    process.communicate()
    test.check(process.returncode == 0 or os.listdir(folder) == ["there.held"], "Ctrl-C left %s", os.listdir(folder))


@section
def files_put_aside(test, state):
    folder = test.folder_for("aside")
    program = os.path.join(folder, "shop")
    test.build("shop.c", "-O1", "-pthread", output=program)
    core, out = test.crash([program, "100"], folder)
    truth = facts_of(out)

    def verdict(*options, file=core):
        info = test.answer("info", file, *options)
        return next((module for module in info["modules"] if module["path"].endswith("/shop")), {}), info

    test.check(verdict()[0].get("verdict") == "match", "in place: %s", verdict()[0])
    away = os.path.join(test.folder_for("away"), "renamed")
    shutil.move(program, away)
    module, info = verdict()
    test.check(module.get("verdict") == "no_file", "moved away: %s", module)
    test.check(info["missing"]["absent"] > 0, "nothing is missing without the program: %s", info["missing"])
    test.check(test.answer("path", core, truth["name"])["found"], "no path without the program")
    module, info = verdict("--exe", away)
    test.check(module.get("verdict") == "match" and module.get("file") == away, "--exe: %s", module)
    test.check("g_table" in test.answer("path", core, truth["name"], "--exe", away)["paths"][0]["expression"], "no symbol through --exe")
    root = test.folder_for("root")
    os.makedirs(root + folder)
    shutil.copy(away, root + program)
    module, info = verdict("--sysroot", root)
    test.check(module.get("verdict") == "match" and module.get("file", "").startswith(root), "--sysroot: %s", module)
    libc = [module for module in info["modules"] if "libc.so" in module["path"]]
    test.check(libc and (libc[0]["verdict"] == "no_file" or libc[0]["verdict"] == "match"), "--sysroot: a file outside that is not certain: %s", libc)
    held = core + ".held"
    test.check(test.run("convert", core, "--exe", away, "-o", held)[0] == 0, "convert --exe")
    test.check(verdict(file=held)[0].get("verdict") == "match", "the converted file has another verdict")
    test.build("shop.c", "-O2", "-pthread", "-DANOTHER", output=program)
    with open(program, "ab") as file:
        file.write(b"another")
    module, info = verdict()
    test.check(module.get("verdict") == "mismatch" and info["missing"]["refused"] > 0, "another program at its place: %s %s", module, info["missing"])
    status, out, err = test.run("info", core)
    test.check(status == 0 and "another" in out and program in out, "info does not say that the program is another one: %s", out)
    status, out, err = test.run("verify", core)
    test.check(status == 0 and program in err, "verify with another program: %d %s %s", status, out, err)
    test.check(test.run("convert", core, "-o", held)[0] == 0, "convert with another program")
    for file in (core, held):
        for question in (["histogram"], ["unreachable"], ["path", truth["name"]], ["find", "--type", "malloc(104)"]):
            question.insert(1, file)
            answer = test.answer(*question)
            test.check(answer["complete"] and len(answer["warnings"]) == 1 and "%s is not the file that ran" % program in answer["warnings"][0],
                       "%s: another program: %s %s", question, answer["complete"], answer["warnings"])
            status, out, err = test.run(*question)
            test.check(status == 0 and err.count("\n") == 1 and program in err, "%s: another program: %d %s", question, status, err)
    for given in ("--exe", "--sysroot"):
        for command in (["info", core], ["dump", os.getpid()]):
            status, out, err = test.run(*command, given, "/no/such/place", *(["--no-hook", "-o", held] if command[0] == "dump" else []))
            test.check(status == 4 and "/no/such/place" in err, "%s %s of nothing: %d %s", command[0], given, status, err)
    test.check(any("/bin/sh is not the file that ran" in line for line in test.answer("histogram", core, "--exe", "/bin/sh")["warnings"]), "--exe of another")
    test.check(any("is no x86-64 program" in line for line in test.answer("histogram", core, "--exe", __file__)["warnings"]), "--exe of no program")


@section
def own_memory_left_out(test, state):
    """A core made without anonymous memory: what is known is told and kept."""
    folder = test.folder_for("filtered")
    program = test.build("shop.c", "-O1", "-pthread", output=os.path.join(folder, "shop"))
    core, _ = test.crash(["sh", "-c", "echo 0x10 > /proc/self/coredump_filter; exec %s 100" % program], folder)
    held = core + ".held"
    status, out, err = test.run("histogram", core)
    test.check(status == 3 and "was not dumped" in err, "a core without memory: %d %s", status, err)
    status, out, err = test.run("convert", core, "-o", held)
    test.check(status == 0 and "was not dumped" in err, "convert of a core without memory: %d %s", status, err)
    for file in (core, held):
        info = test.answer("info", file)
        test.check(not info["complete"] and "were not dumped" in info["warnings"][0], "%s: warnings %s", file, info["warnings"])
        test.check(any("coredump_filter" in line for line in info["advice"]), "%s: advice %s", file, info["advice"])
        test.check(info["signal"]["name"] == "SIGSEGV" or info["signal"]["name"] == "SIGABRT", "%s: %s", file, info["signal"])
        status, out, err = test.run("info", file)
        test.check(status == 0 and "not walked" in out and "getsizeof" not in out and " \n" not in out, "info %s: %d %s", file, status, out)


@section
def over_all_kinds(test, state):
    """A process at three moments: copied from outside, by gcore where there is one, and as a core."""
    folder = test.folder_for("kinds")
    with Running([state["program"], "200", "wait"], folder) as live:
        while live.hear() != "ready":
            pass
        first, last = os.path.join(folder, "1.held"), os.path.join(folder, "3.held")
        status, out, err = test.run("dump", live.pid, "-o", first)
        test.check(status == 0 and out == first + "\n" and "stood still for" in err, "dump: %d %r %r", status, out, err)
        info = test.answer("info", first)
        test.check(info["kind"] == "snapshot" and 0 < info["pause_seconds"] < 5 and info["pid"] == live.pid, "info %s", info)
        with open("/proc/%d/status" % live.pid) as status:
            resident = 1024 * int(next(line for line in status if line.startswith("VmRSS")).split()[1])
        test.check(0 < info["bytes"]["rss"] <= resident and info["missing"]["zero"] > 0, "resident is %s; a copy says %s, zeros %s", resident,
                   info["bytes"]["rss"], info["missing"]["zero"])
        live.say("50")
        test.check(live.hear() == "done 250", "the program did not go on")
        files = [first]
        if shutil.which("gcore"):
            subprocess.run(["gcore", "-o", os.path.join(folder, "gcore"), str(live.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            files.append(os.path.join(folder, "gcore.%d" % live.pid))
            test.check(test.answer("info", files[-1])["signal"] is None or True, "info of a gcore core")
        else:
            test.note("no gcore here: its cores are not tested")
        live.say("50")
        live.hear()
        test.run("dump", live.pid, "-o", last)
        core = live.core(folder)
    files += [core]
    same = test.answer("diff", last, core)
    test.check(all(row["delta_count"] == 0 for row in same["rows"]), "a live copy and the core of the same moment differ: %s", same["rows"][:3])
    for old, new, orders in ((first, files[-1], 100), (files[0], files[1], 50 if len(files) == 3 else 100)):
        rows = {row["type"]: row for row in test.answer("diff", old, new)["rows"]}
        test.check(rows.get("malloc(104)", {}).get("delta_count") == 3 * orders, "diff %s %s: %s", old, new, rows.get("malloc(104)"))
    held = core + ".held"
    test.run("convert", core, "-o", held)
    rows = {row["type"]: row for row in test.answer("diff", first, held)["rows"]}
    test.check(rows.get("malloc(104)", {}).get("delta_count") == 300, "diff with a converted file: %s", rows.get("malloc(104)"))
    grown = {row["type"]: row for row in test.answer("growth", *files)["rows"]}
    test.check(grown.get("malloc(104)", {}).get("every_step") is True, "growth %s", grown.get("malloc(104)"))
    other = test.answer("diff", state["native"], core)
    test.check(any("two processes" in warning for warning in other["warnings"]) and other["total"]["kept"] == 0, "cores of two processes: %s %s",
               other["warnings"], other["total"])
    status, _, err = test.run("diff", first, core, "--fail-if", "type=malloc(104),delta_count>0")
    test.check(status == 1, "--fail-if: %d %s", status, err)


@section
def snapshot_and_core(test, state):
    """A snapshot of the hook at noon, the core at midnight."""
    folder = test.folder_for("noon")
    script = os.path.join(cores.PROGRAMS, "crash.py")
    with Running([test.options.python, script, "300", "wait"], folder, env=test.environment(folder)) as live:
        while live.hear() != "ready":
            pass
        noon, outside = os.path.join(folder, "noon.held"), os.path.join(folder, "outside.held")
        status, out, err = test.run("dump", live.pid, "-o", noon)
        test.check(status == 0 and "without a hook" not in err, "dump of a hooked program: %d %s", status, err)
        status, out, err = test.run("dump", "--no-hook", live.pid, "-o", outside)
        test.check(status == 0 and "without a hook" in err, "dump --no-hook: %d %s", status, err)
        live.say("40")
        test.check(live.hear() == "done 40", "the program did not go on")
        core = live.core(folder)
    names = {row["type"]: row for row in test.answer("diff", noon, core)["rows"]}
    test.check(names.get("__main__.Session", {}).get("delta_count") == 40, "diff: %s", names.get("__main__.Session"))
    names = {row["type"]: row for row in test.answer("diff", noon, outside, "--type", "__main__.*", status=0)["rows"]}
    test.check(all(row["delta_count"] == 0 for row in names.values()), "hook and copy from outside differ: %s", names)
    via = test.answer("diff", noon, core, "--by", "path")["rows"]
    test.check(any(row["expression"].startswith("__main__.HELD") for row in via), "diff --by path: %s", [row["expression"] for row in via[:5]])


@section
def live(test, state):
    folder = test.folder_for("live")
    with Running([state["program"], "100", "wait"], folder) as running:
        while running.hear() != "ready":
            pass
        status, out, err = test.run("dump", running.pid, cwd=folder)
        wanted = "shop.%d.1.held" % running.pid
        test.check(status == 0 and out == wanted + "\n" and os.path.exists(os.path.join(folder, wanted)), "dump: %d %r %r", status, out, err)
        status, out, err = test.run("dump", running.pid, cwd=folder)
        test.check(status == 0 and out == "shop.%d.2.held\n" % running.pid, "the second dump: %d %r", status, out)
        there = test.folder_for("there")
        status, out, err = test.run("dump", running.pid, "--dir", there)
        test.check(status == 0 and out == os.path.join(there, wanted) + "\n", "dump --dir: %d %r %s", status, out, err)
        status, out, err = test.run("dump", running.pid, "--dir", os.path.join(there, "nowhere"))
        test.check(status == 4 and "nowhere" in err, "dump --dir of no folder: %d %r", status, err)
        status, out, err = test.run("dump", running.pid, "-o", os.path.join(there, "nowhere", "x.held"))
        test.check(status == 4 and "nowhere" in err, "dump -o of no folder: %d %r", status, err)
        status, out, err = test.run("dump", running.pid, "-o", "/dev/full")
        test.check(status == 4 and "No space" in err, "dump to a full disk: %d %r", status, err)
        if os.geteuid() == 0:
            status, out, err = test.run("dump", running.pid, "-o", "/dev/null", preexec_fn=lambda: os.setuid(12345))
            test.check(status == 4 and err.count("\n") == 1 and str(running.pid) in err, "dump of another's process: %d %r", status, err)
        test.check(sorted(os.listdir(there)) == [wanted], "left: %s", os.listdir(there))
        with open("/proc/%d/status" % running.pid) as file:
            text = file.read()
        test.check("TracerPid:\t0" in text and not re.search(r"State:\s+[tT]", text), "the process was not let go: %s", text)
        running.say("1")
        test.check(running.hear() == "done 101", "the process does not go on")
        os.kill(running.pid, signal.SIGSTOP)
        status, out, err = test.run("dump", running.pid, "-o", os.path.join(there, "stopped.held"))
        test.check(status == 0, "dump of a stopped process: %d %s", status, err)
        with open("/proc/%d/status" % running.pid) as file:
            test.check(re.search(r"State:\s+T", file.read()), "a stopped process was started again")
        os.kill(running.pid, signal.SIGCONT)
        running.say("1")
        test.check(running.hear() == "done 102", "the stopped process does not go on")
    status, out, err = test.run("dump", "4194305")
    test.check(status == 4 and "4194305" in err, "dump of no process: %d %s", status, err)


@section
def core_left_alone(test, state):
    """Nothing of all this has written into a core."""
    with open(state["native"], "rb") as file:
        test.check(hashlib.sha1(file.read()).hexdigest() == state["hash"], "the core was changed")


def body(test):
    state = {}
    wanted = os.environ.get("SECTIONS", "").split()
    for function in SECTIONS:
        if wanted and function.__name__ not in wanted and function.__name__ not in ("native_crash", "python_crash"):
            continue
        before = len(test.failures)
        try:
            function(test, state)
        except (cores.Failed, KeyError, IndexError, TypeError, ValueError, OSError, subprocess.SubprocessError) as error:
            test.check(False, "%s ended early: %r", function.__name__, error)
        if function is native_crash and "native" in state:
            with open(state["native"], "rb") as file:
                state["hash"] = hashlib.sha1(file.read()).hexdigest()
        test.note("%s: %s", function.__name__, "ok" if len(test.failures) == before else "%d failed" % (len(test.failures) - before))


if __name__ == "__main__":
    cores.Test("cores and live processes through the command line").main(body)
    sys.exit(0)
