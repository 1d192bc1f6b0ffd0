"""Running programs for the tests of triggers and of bad days: started, talked to line by line, looked at through /proc."""
import os
import re
import select
import signal
import subprocess
import time

import held

PATIENCE = float(os.environ.get("HELDBY_TEST_PATIENCE", "60"))  # seconds until something that must happen counts as not happening; generous, never a measurement

PREFACE = r"""
import os, signal, sys, time
def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\n").encode())
def hear():
    return sys.stdin.readline().strip()
def until(condition):
    limit = time.monotonic() + 30
    while not condition() and time.monotonic() < limit:
        time.sleep(0.01)
"""


class Live:
    """One running program. `say` and `hear` are lines between it and the test."""

    def __init__(self, test, directory, source, *, preload=True, arguments=(), python_options=(), command=None, name="app.py",
                 preexec=None, stdout=subprocess.PIPE, **environment):
        self.test, self.directory = test, directory
        self.script = os.path.join(directory, name)
        with open(self.script, "w") as script:
            script.write(PREFACE + source)
        self.environment = test.environment(directory, **environment)
        if not preload:
            del self.environment["LD_PRELOAD"]
        for key in [key for key, value in self.environment.items() if value is None]:
            del self.environment[key]
        command = command or [test.options.python, *python_options, self.script, *arguments]
        self.process = subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, stdout=stdout, cwd=directory,
                                        stderr=subprocess.PIPE, preexec_fn=preexec)
        self.pid = self.process.pid
        self.heard = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def hear(self, wanted=None, patience=PATIENCE):
        """The next line of its standard output, without the newline; `wanted` is how it must begin."""
        limit = time.monotonic() + patience
        while b"\n" not in self.heard:
            ready = select.select([self.process.stdout], [], [], max(0, limit - time.monotonic()))[0]
            more = os.read(self.process.stdout.fileno(), 65536) if ready else b""
            if not more:
                raise held.Failed("the program said nothing%s\n%s" % (" (wanted %r)" % wanted if wanted else "", self.last_words()))
            self.heard += more
        line, self.heard = self.heard.split(b"\n", 1)
        line = line.decode(errors="replace")
        if wanted is not None and not line.startswith(wanted):
            raise held.Failed("the program said %r, wanted %r\n%s" % (line, wanted, self.last_words()))
        return line

    def say(self, line=""):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def end(self, status=0):
        """Waits for its end; the exit status must be `status`. Returns what it wrote to standard error."""
        try:
            _, stderr = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise held.Failed("the program does not end\n" + self.last_words())
        self.test.check(self.process.returncode == status, "exit status %s, wanted %s: %s", self.process.returncode, status,
                        stderr.decode(errors="replace")[-2000:])
        return stderr.decode(errors="replace")

    def last_words(self):
        if self.process.poll() is None:
            self.process.kill()
        return self.test.last_words(self.directory, self.process.communicate()[1])

    def kill(self, number=signal.SIGUSR2):
        os.kill(self.pid, number)

    def log(self):
        path = os.path.join(self.directory, "hook.log")
        if not os.path.exists(path):
            return []
        with open(path, errors="replace") as lines:
            return lines.read().splitlines()

    def wait_for_log(self, word, count=1):
        return wait_until(lambda: [line for line in self.log() if word in line][count - 1:] and self.log(),
                          lambda: "no line with %r in the log: %r" % (word, self.log()))


def wait_until(condition, complaint, patience=PATIENCE):
    """The first true value of condition()."""
    limit = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > limit:
            raise held.Failed(complaint() if callable(complaint) else complaint)
        time.sleep(0.01)


def snapshots(directory, pid=None):
    """Complete files, by their number."""
    names = [name for name in os.listdir(directory) if re.fullmatch(r".*\.%s\.\d+\.held" % (pid or r"\d+"), name)]
    return [os.path.join(directory, name) for name in sorted(names, key=lambda name: int(name.split(".")[-2]))]


def wait_for_snapshots(directory, count=1, pid=None):
    return wait_until(lambda: len(snapshots(directory, pid)) >= count and snapshots(directory, pid),
                      lambda: "%d snapshots wanted in %r\n%s" % (count, sorted(os.listdir(directory)),
                                                                 held.Test.last_words(directory, b"")))


def leftovers(directory):
    """Temporary files of the hook."""
    return [name for name in os.listdir(directory) if name.endswith(".tmp")]


def threads(pid):
    """Names of the threads of a process."""
    names = []
    for thread in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/comm" % (pid, thread)) as comm:
            names.append(comm.read().strip())
    return names


def caught(pid):
    """Numbers of the signals a process has handlers for."""
    with open("/proc/%d/status" % pid) as status:
        mask = int(re.search(r"SigCgt:\s*(\w+)", status.read()).group(1), 16)
    return {number for number in range(1, 65) if mask >> (number - 1) & 1}


def walkers(pid):
    """Process ids of the children that walk for a process."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as stat:
                    text = stat.read()
            except OSError:
                continue
            comm, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
            if comm == "heldby-walker" and int(rest[1]) == pid and rest[0] != "Z":
                found.append(int(name))
    return found


def facts(test, path):
    """What `heldby info` says; a file that is not whole fails."""
    test.check(os.stat(path).st_mode & 0o7777 == 0o600, "%s: mode %o", path, os.stat(path).st_mode & 0o7777)
    document = test.ask("info", path, statuses=(0,))[1]
    test.check(document["complete"], "%s is not complete: %s", path, document["warnings"])
    return document
