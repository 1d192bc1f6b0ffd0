"""The demo: a service leaks, three signals, three small files, and the name of what holds the leak.

    ./dev demo                  (builds first)
    python3 docs/demo/demo.py --cli build/bin/heldby [--python PYTHON] [--keep DIR]

Exit status 0 only if no request failed and the chain that heldby prints ends at the culprit, `_SESSIONS`.
"""
import argparse
import glob
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time

import drive

HERE = os.path.dirname(os.path.abspath(__file__))
CULPRIT = "_SESSIONS"
SECONDS_BETWEEN = 3.0


class Problem(Exception):
    pass


def bold(text):
    return "\033[1m%s\033[0m" % text if sys.stdout.isatty() else text


def say(text):
    print("\n" + text, flush=True)


def wait_for(what, seconds, condition):
    """The first true value of condition(); Problem after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Problem("waited %d s for %s in vain" % (seconds, what))
        time.sleep(0.02)


class Cli:
    def __init__(self, path, directory):
        self.path = path
        self.directory = directory
        self.environment = dict(os.environ, PATH=os.path.dirname(path) + os.pathsep + os.environ.get("PATH", ""))

    def show(self, *arguments):
        """Prints the command as a user would type it, and what it answers."""
        print(bold("$ heldby " + " ".join(shlex.quote(a) for a in arguments)), flush=True)
        done = subprocess.run([self.path, *arguments], cwd=self.directory, env=self.environment, stdout=subprocess.PIPE)
        sys.stdout.flush()
        sys.stdout.buffer.write(done.stdout)
        sys.stdout.flush()
        if done.returncode != 0:
            raise Problem("heldby %s: exit status %d" % (arguments[0], done.returncode))
        return done.stdout.decode()

    def ask(self, *arguments):
        done = subprocess.run([self.path, *arguments, "--json"], cwd=self.directory, stdout=subprocess.PIPE)
        if done.returncode != 0:
            raise Problem("heldby %s --json: exit status %d" % (arguments[0], done.returncode))
        return json.loads(done.stdout.decode())


def snapshot(pid, directory, have):
    """Sends the signal, as `kill` would, and waits until the file has its final name; returns that name."""
    os.kill(pid, signal.SIGUSR2)

    def appeared():
        new = set(os.path.basename(p) for p in glob.glob(os.path.join(directory, "*.held"))) - set(have)
        return new.pop() if new else None
    return wait_for("the snapshot", 60, appeared)


def capture(cli, python):
    """Runs the service under the hook with customers in it; three snapshots. Returns (names, customers)."""
    directory = cli.directory
    ready = os.path.join(directory, "ready.json")
    # Started where the files shall lie, by a short path, so that what is printed reads as in a user's own shell.
    shutil.copy(os.path.join(HERE, "service.py"), directory)
    command = [cli.path, "run", "--dir", ".", "--", python, "service.py", "--ready", ready]
    print(bold("$ heldby run -- python3 service.py &"), flush=True)
    with open(os.path.join(directory, "service.log"), "w") as log:
        service = subprocess.Popen(command, cwd=directory, stdout=log, stderr=log)
    customers = None
    try:
        wait_for("the service", 30, lambda: os.path.exists(ready) or service.poll() is not None)
        if service.poll() is not None:
            raise Problem("the service ended at once, see %s/service.log" % directory)
        with open(ready) as file:
            where = json.load(file)
        customers = drive.Customers(where["port"])
        customers.start()
        time.sleep(1.5)
        names = []
        for number in (1, 2, 3):
            before, start = customers.requests, time.monotonic()
            names.append(snapshot(where["pid"], directory, names))
            print(bold("$ kill -USR2 %d" % where["pid"]) + "    # %s: %s, complete after %.0f ms; meanwhile %d requests were answered" % (
                names[-1], size_text(os.path.getsize(os.path.join(directory, names[-1]))),
                (time.monotonic() - start) * 1000, customers.requests - before), flush=True)
            time.sleep(SECONDS_BETWEEN if number < 3 else 0.5)
        if service.poll() is not None:
            raise Problem("the service died, see %s/service.log" % directory)
    finally:
        if customers is not None:
            customers.stop()
        if service.poll() is None:
            service.send_signal(signal.SIGTERM)
            try:
                service.wait(10)
            except subprocess.TimeoutExpired:
                service.kill()
                service.wait()
    if service.returncode != 0:
        raise Problem("the service ended with status %d, see %s/service.log" % (service.returncode, directory))
    return names, customers


def size_text(size):
    return "%.1f MB" % (size / 1e6) if size >= 1e6 else "%.0f kB" % (size / 1e3)


def explain(text):
    """A sentence about what was just printed."""
    print("\n" + textwrap.fill(text, 100, initial_indent="   ", subsequent_indent="   "), flush=True)


def ask_aloud(number, question):
    print("\n" + bold("%d. %s" % (number, question)) + "\n", flush=True)


def investigate(cli, names):
    """The questions a newcomer would ask, in that order. Returns the path expression of one leaked object."""
    first, _, last = names

    ask_aloud(1, "What was captured?")
    cli.show("info", last, "--limit", "5")
    explain("The line `captured` says how long the service stood still: as long as one fork of it takes. The file was "
            "written by the forked child, while the service went on serving.")

    ask_aloud(2, "What came between the first snapshot and the last?")
    cli.show("diff", first, last, "--limit", "8")
    rows = cli.ask("diff", first, last, "--limit", "0")["rows"]
    own = [row for row in rows if row["type"].startswith("__main__.") and row["delta_count"] > 0]
    if not own:
        raise Problem("diff names no type of the service's own")
    explain("One row for each type, the most memory first. str, int and list are what everything is made of; look at the types of "
            "the program itself: %s. A cache fills up and stops; of a leak nearly everything that came has stayed." % " and ".join(
                "%d %s came and %d went" % (row["added"], row["type"], row["removed"]) for row in own))

    ask_aloud(3, "Is it a leak, or was it a busy moment?")
    cli.show("growth", *names, "--by", "type", "--limit", "8")
    rows = cli.ask("growth", *names, "--by", "type", "--limit", "0")["rows"]
    own = [row for row in rows if row["type"].startswith("__main__.") and row["every_step"]]
    if not own:
        raise Problem("growth names no type of the service's own")
    # Of types that grow together, the one with the fewest objects holds the others: a session its items.
    suspect = min(own, key=lambda row: row["counts"][-1])
    explain("#1, #2, #3 are the three snapshots: noise falls back between them, these rose at every step. %s grow together, and "
            "there are fewest %s (%s), so that one is likely to hold the others." % (
                " and ".join(row["type"] for row in own), suspect["type"], ", ".join(map(str, suspect["counts"]))))

    ask_aloud(4, "Who holds them?")
    cli.show("path", last, "--type", suspect["type"], "--limit", "5")
    explain("All %s objects at once. Read the line from the left: a module, its global variable, an attribute, and [*] for any "
            "place in a container." % suspect["type"])

    added = cli.ask("diff", first, last, "--objects", "--limit", "0").get("added", [])
    new = [row["address"] for row in added if row["type"] == suspect["type"]]
    if not new:
        raise Problem("diff --objects lists no new %s" % suspect["type"])
    address = new[len(new) // 2]
    ask_aloud(5, "And one of the new ones, step by step?")
    cli.show("path", last, address)
    answer = cli.ask("path", last, address)
    if not answer["found"]:
        raise Problem("heldby found no path to %s" % address)
    explain("The first line can be pasted into a debugger: it is the object. Below it, the same chain with the type and size of each step.")
    return answer["paths"][0]["expression"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cli", required=True, help="the heldby to use")
    parser.add_argument("--python", default="/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable)
    parser.add_argument("--keep", metavar="DIR", help="leave the snapshots there")
    options = parser.parse_args()
    directory = options.keep or tempfile.mkdtemp(prefix="heldby-demo-")
    os.makedirs(directory, exist_ok=True)
    cli = Cli(os.path.abspath(options.cli), directory)
    failed = True
    try:
        print("A shop is served by one Python process: a thread per customer, a mailer thread, an asyncio price feed.\n"
              "Its memory grows. We start it under the hook; %s knows nothing of that." % bold("service.py"))
        names, customers = capture(cli, options.python)
        say("Over the whole run, snapshots included: %d requests, %d failed, the slowest took %.0f ms.\n"
            "The service is stopped; from here on there are only the files." % (
                customers.requests, len(customers.failures), customers.slowest * 1000))
        for failure in customers.failures[:5]:
            print("  " + failure)
        expression = investigate(cli, names)
        if customers.failures:
            raise Problem("%d requests failed" % len(customers.failures))
        if CULPRIT not in expression:
            raise Problem("the chain does not name %s: %s" % (CULPRIT, expression))
        say("%s: `_SESSIONS` keeps every session that ticked \"remember me\", and nothing evicts them.\n"
            "That is line %d of docs/demo/service.py." % (bold("The culprit is named"), culprit_line()))
        failed = False
    except Problem as problem:
        say("demo: FAILED: %s" % problem)
    finally:
        if failed and not options.keep:
            print("what was captured is left in %s" % directory)
        elif not options.keep:
            shutil.rmtree(directory)
    return 1 if failed else 0


def culprit_line():
    with open(os.path.join(HERE, "service.py")) as file:
        return next(n for n, line in enumerate(file, 1) if "the leak:" in line)


if __name__ == "__main__":
    sys.exit(main())
