"""./dev bench core -- what an answer from a core costs, as CSV: name,value,unit,limit,verdict.

    python3 tests/bench/core.py --build build/bench [--only chain,many,mixed,dense,python,live] [--folder DIR] [--scale 1.0] [--python PATH]
    python3 tests/bench/hook.py --table CSV        the same figures as the table of docs/performance.md

Programs build heaps and die; the kernel writes their cores (as large as the heaps, into --folder, removed again; it takes its time). Times are
CPU seconds, user and system, of a process of its own that opens the core with a warm page cache; each is the least of three. A plain sum reads every word of the writable
memory once, in the same run. Memory is what is not the core itself: anonymous pages and the snapshot that is kept in memory. Exit status 1
if a limit is broken.
"""
import argparse
import contextlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from hook import HERE, interpreters

# Limits of what is asked for; all are greatest values but those in LEAST.
LIMITS = {
    "chain/answer_per_block": 0.25, "chain/memory_per_block": 60, "many/answer_per_block": 0.25, "many/memory_per_block": 60,
    "mixed/extract": 1.2, "python/answer": 0.4, "python/convert_to_answer": 1.5, "chain/convert_to_answer": 1.5, "many/convert_to_answer": 1.5,
    "live/pause_per_gb": 0.35,
}
LEAST = {"mixed/scan": 4.0, "dense/scan": 2.0}


class Report:
    def __init__(self):
        self.broken = 0
        print("name,value,unit,limit,verdict", flush=True)

    def row(self, prefix, name, value, unit):
        key = prefix + "/" + name
        limit, least = LIMITS.get(key), LEAST.get(key)
        good = (limit is None or value <= limit) and (least is None or value >= least)
        verdict = "" if limit is None and least is None else "ok" if good else "MISSED"
        self.broken += not good
        text = "max %g" % limit if limit is not None else "min %g" % least if least is not None else ""
        print("core/%s,%.6g,%s,%s,%s" % (key, value, unit, text, verdict), flush=True)


def unlimited():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def crash(command, folder):
    """(core, {name: number} that the program printed)"""
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=unlimited)
    found = [os.path.join(folder, name) for name in os.listdir(folder) if name.startswith("core")]
    if done.returncode >= 0 or not found:
        raise SystemExit("bench: %s left no core in %s (see /proc/sys/kernel/core_pattern)" % (command, folder))
    return found[0], numbers(done.stdout.decode())


def numbers(text):
    return {name: float(value) for name, value in re.findall(r"^(\w+) ([0-9.e+]+)$", text, re.M)}


def memory_of(pid):
    """Bytes of a process that are not the mapped core: anonymous pages, and files without a name that it keeps."""
    total = 0
    with open("/proc/%d/status" % pid) as file:
        for line in file:
            if line.startswith("RssAnon"):
                total = int(line.split()[1]) << 10
    for fd in os.listdir("/proc/%d/fd" % pid):
        path = "/proc/%d/fd/%s" % (pid, fd)
        if os.readlink(path).startswith("/memfd:"):
            total += os.stat(path).st_blocks * 512
    return total


def run(command):
    """(CPU seconds, greatest memory, standard output) of a command."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    peak, over = [0], threading.Event()

    def watch():
        while not over.wait(0.004):
            with contextlib.suppress(OSError):
                peak[0] = max(peak[0], memory_of(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    out = process.stdout.read().decode()
    err = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    over.set()
    watcher.join()
    if status != 0:
        raise SystemExit("bench: '%s' ended with status %d: %s" % (" ".join(command), status >> 8, err))
    return usage.ru_utime + usage.ru_stime, peak[0], out


def least(command, times=3):
    """The least CPU seconds, the greatest memory, the last output of some runs."""
    runs = [run(command) for _ in range(times)]
    return min(r[0] for r in runs), max(r[1] for r in runs), runs[-1][2]


def warm(path):
    with open(path, "rb", buffering=0) as file:
        buffer = bytearray(1 << 20)
        while file.readinto(buffer):
            pass


def measure(report, name, core, build):
    """The figures that every core has."""
    cli = os.path.join(build, "bin", "heldby")
    warm(core)
    outputs = [numbers(run([os.path.join(build, "bin", "core_stages"), core])[2]) for _ in range(3)]
    stages = {key: min(output[key] for output in outputs if key in output) for key in outputs[0]}
    objects = stages["objects"]
    gb = stages["sum_bytes"] / 1e9
    report.row(name, "core_file", os.path.getsize(core) / 1e6, "MB")
    report.row(name, "objects", objects / 1e6, "M")
    report.row(name, "edges", stages["edges"] / 1e6, "M")
    report.row(name, "sum", stages["sum"], "s")
    report.row(name, "sum_speed", gb / stages["sum"], "GB/s")
    report.row(name, "extract", stages["extract"], "s")
    report.row(name, "extract_speed", gb / stages["extract"], "GB/s")
    report.row(name, "extract_to_sum", stages["extract"] / stages["sum"], "ratio")
    for key in sorted(key for key in stages if key.startswith("stage_")):
        report.row(name, key, stages[key], "s")
    if name != "python":
        scanned = stages["scan_bytes"] / 1e9
        report.row(name, "scan", scanned / stages["scan"], "GB/s")
        report.row(name, "sum_to_scan", gb / stages["sum"] / (scanned / stages["scan"]), "ratio")
        report.row(name, "scan_and_write", scanned / stages["stage_blocks"], "GB/s")
    report.row(name, "read", stages["read"], "s")
    cpu, memory, _ = least([cli, "histogram", core, "--limit", "1"])
    report.row(name, "answer", cpu, "s")
    report.row(name, "answer_to_sum", cpu / stages["sum"], "ratio")
    report.row(name, "answer_per_block", cpu / objects * 1e6, "us/object")
    report.row(name, "memory_per_block", memory / objects, "B/object")
    held = core + ".held"
    converting, _, _ = least([cli, "convert", core, "-o", held])
    report.row(name, "convert", converting, "s")
    report.row(name, "convert_to_answer", converting / cpu, "ratio")
    report.row(name, "converted_file", os.path.getsize(held) / objects, "B/object")
    again, _, _ = least([cli, "histogram", held, "--limit", "1"])
    report.row(name, "answer_from_converted", again, "s")
    os.unlink(held)


def live(report, build, folder, scale):
    """How long a process stands still while it is copied."""
    cli, path = os.path.join(build, "bin", "heldby"), os.path.join(folder, "live.held")
    command = [os.path.join(build, "bin", "core_heap"), "mixed", str(int(3900000 * scale)), "wait"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    while process.stdout.readline() != b"ready\n":
        pass
    pauses, walls, copies = [], [], []
    for _ in range(3):
        start = time.monotonic()
        done = subprocess.run([cli, "dump", str(process.pid), "--no-hook", "-o", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        walls.append(time.monotonic() - start)
        if done.returncode != 0:
            raise SystemExit("bench: dump: %s" % done.stderr.decode())
        info = subprocess.run([cli, "info", path, "--json"], stdout=subprocess.PIPE).stdout.decode()
        pauses.append((float(re.search(r'"pause_seconds": ([0-9.e-]+)', info).group(1)), float(re.search(r'"dumped": (\d+)', info).group(1))))
        copied = int(pauses[-1][1])
        copies.append(numbers(run([os.path.join(build, "bin", "core_stages"), "copy", str(copied)])[2])["copy"])
        process.stdin.write(b"\n") # it goes on: touches nothing, but answers
        process.stdin.flush()
        process.stdout.readline()
    process.stdin.close()
    process.wait()
    pause, size = min(pauses)
    report.row("live", "copied", size / 1e6, "MB")
    report.row("live", "pause", pause * 1e3, "ms")
    report.row("live", "pause_per_gb", pause / (size / 1e9), "s/GB")
    report.row("live", "copy", min(copies) * 1e3, "ms")
    report.row("live", "pause_to_copy", pause / min(copies), "ratio")
    report.row("live", "dump_wall", min(walls), "s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", required=True)
    parser.add_argument("--only", default="chain,many,mixed,dense,python,live")
    parser.add_argument("--folder", help="where the cores go (a new folder in the temporary one)")
    parser.add_argument("--scale", type=float, default=1.0, help="a part of each heap, for a trial")
    parser.add_argument("--python", default=None)
    options = parser.parse_args()
    build = os.path.abspath(options.build)
    folder = tempfile.mkdtemp(prefix="heldby-bench.", dir=options.folder)
    report = Report()
    heap = os.path.join(build, "bin", "core_heap")
    python = options.python or interpreters()[0]
    heaps = {"chain": [heap, "chain", 2222222], "many": [heap, "chain", 11111111], "mixed": [heap, "mixed", 3900000],
             "dense": [heap, "dense", 9000000], "python": [python, os.path.join(HERE, "core_python.py"), 2000000]}
    try:
        for name in options.only.split(","):
            if name == "live":
                live(report, build, folder, options.scale)
                continue
            command = [str(int(word * options.scale)) if isinstance(word, int) else word for word in heaps[name]]
            core, _ = crash(command, folder)
            measure(report, name, core, build)
            os.unlink(core)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
