"""./dev bench hook -- what a snapshot costs, as CSV: name,value,unit,limit,verdict.

    python3 tests/bench/hook.py --build build/bench [--objects 9200000] [--pairs 9] [--python PATH]...
    python3 tests/bench/hook.py --table CSV        the same figures as the table of docs/performance.md

Every figure of a heap comes from one run of one process that built it, so the ratios hold on any machine. Exit status 1
if a limit is broken. Without --python: Debian's python3 and the newest CPython of pyenv, if there is one.
"""
import argparse
import contextlib
import csv
import glob
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
FRESH, AGED = "fresh", "aged"

# name: (limit, whether the value must be at most ("max") or at least ("min") that)
LIMITS = {
    "pause_to_bare_fork": {FRESH: (1.15, "max"), AGED: (1.15, "max")},
    "walk_and_write": {FRESH: (15.0, "min"), AGED: (10.0, "min")},
    "child_memory": {FRESH: (30, "max"), AGED: (30, "max")},
    "file_size": {FRESH: (4, "max"), AGED: (8, "max")},
    "path_user_cpu": {FRESH: (1.2, "max"), AGED: (1.2, "max")},
    "path_peak_memory": {FRESH: (45, "max"), AGED: (45, "max")},
}


class Report:
    def __init__(self):
        self.broken = 0
        print("name,value,unit,limit,verdict", flush=True)

    def row(self, prefix, kind, name, value, unit):
        limit, side = LIMITS.get(name, {}).get(kind, (None, None))
        verdict = ""
        if limit is not None:
            good = value <= limit if side == "max" else value >= limit
            verdict = "ok" if good else "MISSED"
            self.broken += not good
        print("%s/%s/%s,%.6g,%s,%s,%s" % (
            prefix, kind, name, value, unit, "" if limit is None else "%s %g" % (side, limit), verdict), flush=True)


class Target:
    """The measured process, under the hook."""

    def __init__(self, python, build, kind, objects, directory):
        self.log = os.path.join(directory, "hook.log")
        environment = dict(os.environ, LD_PRELOAD=os.path.join(build, "lib", "libheldby.so"), HELDBY_DIR=directory,
                           HELDBY_VALUES="0", HELDBY_LOG=self.log)
        self.process = subprocess.Popen(
            [python, os.path.join(HERE, "target.py"), kind, str(objects), os.path.join(build, "lib", "libbench_yardstick.so")],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True)
        self.state = self.ask("state")
        self.pid = self.state["pid"]

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("bench: the measured process died at '%s'" % command)
        return json.loads(answer)

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def children(pid):
    found = []
    for path in glob.glob("/proc/%d/task/*/children" % pid):
        with contextlib.suppress(OSError), open(path) as file:
            found += [int(word) for word in file.read().split()]
    return found


def private_memory(pid):
    """Bytes that only this process has: for a forked walker its own tables, and nothing of the heap it reads."""
    with contextlib.suppress(OSError), open("/proc/%d/smaps_rollup" % pid) as file:
        return 1024 * sum(int(n) for n in re.findall(r"^Private_(?:Dirty|Clean):\s+(\d+) kB", file.read(), re.M))
    return 0


def dump(cli, target, path, watch=False):
    """One snapshot; returns the greatest private memory its child was seen with (0 without `watch`)."""
    dumping = subprocess.Popen([cli, "dump", str(target.pid), "-o", path, "--timeout", "120"], stdout=subprocess.DEVNULL)
    most = 0
    while watch and dumping.poll() is None:
        for child in children(target.pid):
            most = max(most, private_memory(child))
        time.sleep(0.005)
    if dumping.wait() != 0:
        with contextlib.suppress(OSError), open(target.log) as file:
            sys.stderr.write(file.read())
        raise SystemExit("bench: heldby dump failed with status %d" % dumping.returncode)
    return most


def facts(cli, path):
    return json.loads(subprocess.check_output([cli, "info", path, "--json"]).decode())


def run_path(cli, path, address):
    """(user seconds, system seconds, peak resident bytes, answer) of one question, in a process of its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, 1)
        os.close(reading)
        os.execv(cli, [cli, "path", path, hex(address), "--no-index", "--json"])
    os.close(writing)
    with os.fdopen(reading) as file:
        answer = json.loads(file.read())
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        raise SystemExit("bench: heldby path ended with status %d" % status)
    return usage.ru_utime, usage.ru_stime, usage.ru_maxrss * 1024, answer


def measure(report, options, prefix, python, kind, directory, debian):
    cli = os.path.join(options.build, "bin", "heldby")
    target = Target(python, options.build, kind, options.objects, directory)
    name = os.path.join(directory, "bench.held")

    def row(what, value, unit):
        report.row(prefix, kind, what, value, unit)

    try:
        row("resident_memory", target.state["rss"] / 1e6, "MB")
        target.ask("fork")  # the first fork of a process also splits its page tables
        forks, pauses, walks, rings = [], [], [], []
        for _ in range(options.pairs):
            forks.append(target.ask("fork")["seconds"])
            with contextlib.suppress(OSError):
                os.unlink(name)
            dump(cli, target, name)
            info = facts(cli, name)
            pauses.append(info["pause_seconds"])
            walks.append(info["walk_cpu_seconds"])
            rings.append(target.ask("ring")["seconds"])
        if not info["complete"]:
            raise SystemExit("bench: the snapshot is not complete: %s" % info["warnings"])
        objects, edges = info["counts"]["objects"], info["counts"]["edges"]
        row("objects", objects, "")
        row("edges", edges, "")
        row("bare_fork", statistics.median(forks) * 1000, "ms")
        row("pause", statistics.median(pauses) * 1000, "ms")
        row("pause_to_bare_fork", statistics.median(p / f for p, f in zip(pauses, forks)), "ratio")
        walk = statistics.median(walks)
        row("walk_cpu", walk, "s")
        row("walk_and_write", objects / walk / 1e6, "M objects/s")
        row("walk_to_ring", statistics.median(w / r for w, r in zip(walks, rings)), "ratio")
        row("file_size", os.path.getsize(name) / objects, "B/object")

        os.unlink(name)
        row("child_memory", dump(cli, target, name, watch=True) / objects, "B/object")

        leaf = target.ask("leaf")
        runs = [run_path(cli, name, leaf["address"]) for _ in range(3)]
        expression = runs[0][3]["paths"][0]["expression"]
        if not expression.startswith("__main__.HEAP["):
            raise SystemExit("bench: path does not name the holder: %s" % expression)
        row("path_user_cpu", statistics.median(r[0] for r in runs), "s")
        row("path_system_cpu", statistics.median(r[1] for r in runs), "s")
        row("path_peak_memory", max(r[2] for r in runs) / objects, "B/object")

        if debian:
            peer = target.ask("objgraph")
            row("objgraph_most_common_types", peer["seconds"], "s (tracked objects only)")
            row("objgraph_to_walk", peer["seconds"] / walk, "ratio")
        if debian or kind == FRESH:
            peer = target.ask("referents")
            row("gc_get_referents", peer["seconds"], "s")
            row("gc_get_referents_objects", peer["count"], "")
            row("gc_get_referents_to_walk", peer["seconds"] / walk, "ratio")
    finally:
        target.end()


def interpreters():
    """Debian's python3, and the newest regular 3.x of pyenv that the hook supports."""
    found = ["/usr/bin/python3"]
    versions = []
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for path in glob.glob(os.path.join(root, "versions", "3.*", "bin", "python3")):
        match = re.match(r"3\.(\d+)\.(\d+)$", path.split(os.sep)[-3])
        if match and 8 <= int(match.group(1)) <= 13:
            versions.append((int(match.group(1)), int(match.group(2)), path))
    return found + [path for _, _, path in sorted(versions)[-1:]]


def figure_text(value):
    number = float(value)
    if number >= 1e5:
        return "%.2f M" % (number / 1e6)
    return "%.0f" % number if number >= 100 else "%.3g" % number


def print_table(path):
    """Figures as rows, heaps as columns; a missed limit in bold."""
    figures, heaps = {}, []
    with open(path) as file:
        for row in csv.DictReader(file):
            heap, name = row["name"].rsplit("/", 1)
            if heap not in heaps:
                heaps.append(heap)
            figures.setdefault((name, row["unit"]), {})[heap] = row
    print("| figure | limit | %s |" % " | ".join(heap.replace("/", " ") for heap in heaps))
    print("| --- | --- |%s" % (" --- |" * len(heaps)))
    for (name, unit), rows in figures.items():
        limits = {heap.rsplit("/", 1)[-1]: row["limit"] for heap, row in rows.items() if row["limit"]}
        if len(set(limits.values())) > 1 or len(limits) < len({heap.rsplit("/", 1)[-1] for heap in rows}):
            limits = {kind: "%s %s" % (kind, limit) for kind, limit in limits.items()}
        cells = []
        for heap in heaps:
            text = figure_text(rows[heap]["value"]) if heap in rows else ""
            cells.append("**%s**" % text if heap in rows and rows[heap]["verdict"] == "MISSED" else text)
        print("| `%s`%s | %s | %s |" % (name, ", " + unit if unit else "", ", ".join(dict.fromkeys(limits.values())), " | ".join(cells)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build")
    parser.add_argument("--table", metavar="CSV")
    parser.add_argument("--objects", type=int, default=9200000, help="aim; what is found is printed")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--python", action="append")
    options = parser.parse_args()
    if options.table:
        print_table(options.table)
        return 0
    if not options.build:
        parser.error("--build is needed")
    report = Report()
    for python in options.python or interpreters():
        version = subprocess.check_output([python, "-c", "import platform; print(platform.python_version())"]).decode().strip()
        debian = python == "/usr/bin/python3"
        prefix = ("debian-" if debian else "cpython-") + version
        for kind in (FRESH, AGED):
            with tempfile.TemporaryDirectory(prefix="heldby-bench-") as directory:
                measure(report, options, prefix, python, kind, directory, debian)
    if report.broken:
        sys.stderr.write("bench: %d limits missed\n" % report.broken)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
