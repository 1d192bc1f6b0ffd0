"""./dev bench questions -- snapshot and question against the Python tools, as CSV: name,value,unit,limit,verdict.

    python3 tests/bench/questions.py --build build/bench [--objects 1040000] [--python PATH]... [--without-the-long-one]
    python3 tests/bench/hook.py --table CSV        the same figures as the table of docs/performance.md

All figures are CPU seconds, user and system, of one process and one heap; those of a snapshot are the target's own, its forked walker's and
the asking command's together. Peers are measured where they can be imported (objgraph; pympler and guppy through PYTHONPATH), and in any
case the same answers computed in Python by hand. Exit status 1 if a limit is broken.
"""
import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile

from hook import HERE, figure_text, interpreters  # noqa: F401 (the table is made there)

FIRST, LATER = 0.5, 0.1  # CPU seconds: a snapshot with one question, a question alone


class Report:
    def __init__(self):
        self.broken = 0
        print("name,value,unit,limit,verdict", flush=True)

    def row(self, prefix, name, value, unit, limit=None):
        verdict = "" if limit is None else "ok" if value <= limit else "MISSED"
        self.broken += verdict == "MISSED"
        print("%s/%s,%.6g,%s,%s,%s" % (prefix, name, value, unit, "" if limit is None else "max %g" % limit, verdict), flush=True)


class Target:
    def __init__(self, python, build, objects, directory):
        environment = dict(os.environ, LD_PRELOAD=os.path.join(build, "lib", "libheldby.so"), HELDBY_DIR=directory)
        self.process = subprocess.Popen([python, os.path.join(HERE, "questions_target.py"), str(objects)], env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, universal_newlines=True)
        self.state = self.ask("state")

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


def run(arguments):
    """(CPU seconds, what it printed) of one command."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.dup2(writing, 1)
        os.close(reading)
        os.execv(arguments[0], arguments)
    os.close(writing)
    with os.fdopen(reading) as file:
        text = file.read()
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        raise SystemExit("bench: '%s' ended with status %d" % (" ".join(arguments), status))
    return usage.ru_utime + usage.ru_stime, text


def snapshot(cli, target, path):
    """CPU seconds of one snapshot, everybody's."""
    with contextlib.suppress(OSError):
        os.unlink(path)
    before = target.ask("cpu")["seconds"]
    own, _ = run([cli, "dump", str(target.state["pid"]), "-o", path])
    return own + target.ask("cpu")["seconds"] - before


def answers(cli, known, old, new):
    """name: (command line, what its answer must contain)"""
    return {
        "path_leaked": ([cli, "path", new, hex(known["leaked"])], "__main__._CACHE['k7'][50].attr"),
        "path_of_2000_holders": ([cli, "path", new, hex(known["fan"])], "__main__.LISTENERS["),
        "referrers_of_2000_holders": ([cli, "referrers", new, hex(known["fan"])], "__main__.LISTENERS"),
        "histogram": ([cli, "histogram", new], "__main__.Slotted"),
        "histogram_by_referrer": ([cli, "histogram", new, "--by", "referrer"], "__main__.Node"),
        "find": ([cli, "find", new, "--type", "__main__.Holder"], "__main__.Holder"),
        "growth": ([cli, "growth", old, new], "__main__.Slotted"),
        "diff": ([cli, "diff", old, new], "__main__.Slotted"),
    }


# our question: the peers that answer it
PEERS = {
    "path_leaked": ("objgraph_chain_leaked",),
    "path_of_2000_holders": ("objgraph_chain_fan",),
    "histogram": ("pympler_summary", "summary_by_hand"),
    "histogram_by_referrer": ("guppy_byrcs", "referrers_by_hand"),
    "growth": ("objgraph_show_growth",),
}


def measure(report, options, prefix, python, directory):
    cli = os.path.join(options.build, "bin", "heldby")
    target = Target(python, options.build, options.objects, directory)
    old, new = (os.path.join(directory, name) for name in ("old.held", "new.held"))
    try:
        known = target.ask("addresses")
        snapshot(cli, target, old)
        target.ask("grow")
        costs = [snapshot(cli, target, new) for _ in range(5)]
        cost = statistics.median(costs)
        info = json.loads(run([cli, "info", new, "--json"])[1])
        report.row(prefix, "objects", info["counts"]["objects"], "")
        report.row(prefix, "edges", info["counts"]["edges"], "")
        report.row(prefix, "tracked", target.state["tracked"], "")
        report.row(prefix, "snapshot", cost, "s")
        found = {}
        for name, (command, wanted) in answers(cli, known, old, new).items():
            runs = [run(command) for _ in range(5)]
            if wanted not in runs[0][1]:
                raise SystemExit("bench: '%s' does not name %s:\n%s" % (" ".join(command), wanted, runs[0][1]))
            found[name] = statistics.median(seconds for seconds, _ in runs)
            report.row(prefix, name, found[name], "s", None if name == "diff" else LATER)
            report.row(prefix, "snapshot_and_" + name, cost + found[name], "s", FIRST)
        for name, peers in PEERS.items():
            for peer in peers:
                if peer == "objgraph_chain_fan" and options.without_the_long_one:
                    continue
                if peer == "objgraph_show_growth":
                    target.ask(peer)  # the first call sets its base
                answer = target.ask(peer)
                if "missing" in answer:
                    sys.stderr.write("bench: %s left out: %s\n" % (peer, answer["missing"]))
                    continue
                report.row(prefix, peer, answer["seconds"], "s")
                report.row(prefix, "%s_to_snapshot_and_%s" % (peer, name), answer["seconds"] / (cost + found[name]), "ratio")
    finally:
        target.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--objects", type=int, default=1040000, help="aim; what is found is printed")
    parser.add_argument("--python", action="append")
    parser.add_argument("--without-the-long-one", action="store_true", help="leave out objgraph's chain over 2 000 holders: half a minute")
    options = parser.parse_args()
    report = Report()
    for python in options.python or interpreters()[:1]:
        version = subprocess.check_output([python, "-c", "import platform; print(platform.python_version())"]).decode().strip()
        prefix = ("debian-" if python == "/usr/bin/python3" else "cpython-") + version
        with tempfile.TemporaryDirectory(prefix="heldby-bench-") as directory:
            measure(report, options, prefix, python, directory)
    if report.broken:
        sys.stderr.write("bench: %d limits missed\n" % report.broken)
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
