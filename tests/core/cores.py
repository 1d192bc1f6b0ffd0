"""What the tests of cores share: programs built, crashed or frozen, and their cores found.

Built on tests/hook/held.py (options, checks, report). A kernel core is used where the kernel writes one into the working folder, else one
of gdb's gcore; a test that can have neither is skipped, and says so.
"""
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "hook"))
import held  # noqa: E402

PROGRAMS = os.path.join(HERE, "programs")
Failed = held.Failed


def kernel_writes_cores():
    """A relative name without directories: the kernel writes the core where the program stands."""
    try:
        with open("/proc/sys/kernel/core_pattern") as file:
            pattern = file.read().strip()
    except OSError:
        return False
    return bool(pattern) and not pattern.startswith("|") and "/" not in pattern


def unlimited_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Test(held.Test):
    def build(self, source, *options, output=None, compiler=None):
        """A program of tests/core/programs, compiled; its path."""
        output = output or os.path.join(self.folder, os.path.splitext(os.path.basename(source))[0])
        compiler = compiler or ("g++" if source.endswith((".cc", ".cpp")) else "gcc")
        done = subprocess.run([compiler, os.path.join(PROGRAMS, source), "-o", output, *options], stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Failed("cannot build %s: %s" % (source, done.stderr.decode()))
        return output

    def crash(self, command, folder, **options):
        """Runs a command that dies of a signal; (path of the core, standard output)."""
        if not kernel_writes_cores():
            raise Failed("the kernel writes no cores into the working folder (/proc/sys/kernel/core_pattern)")
        before = set(os.listdir(folder))
        done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300,
                              preexec_fn=unlimited_cores, **options)
        new = [name for name in set(os.listdir(folder)) - before if name.startswith("core")]
        if done.returncode >= 0 or not new:
            raise Failed("%s left no core: status %d, %r" % (command, done.returncode, done.stderr))
        return os.path.join(folder, new[0]), done.stdout.decode()

    def run(self, *arguments, **options):
        """(status, standard output, standard error) of the CLI; options are those of subprocess.run."""
        done = subprocess.run([self.options.cli, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, **options)
        return done.returncode, done.stdout.decode("utf-8", "surrogateescape"), done.stderr.decode("utf-8", "surrogateescape")

    def answer(self, *arguments, status=0):
        """The document of a question; {} (and a failure) if there is none."""
        code, out, err = self.run(*arguments, "--json")
        self.check(code == status, "%s: status %d, not %d: %s", arguments, code, status, err)
        try:
            return json.loads(out)
        except ValueError:
            self.check(False, "%s: no JSON: %r %r", arguments, out[:200], err)
            return {}


def may_be_looked_at():
    """Cores of any size; and where only a parent may attach (yama), everybody may to this one."""
    unlimited_cores()
    ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0) # PR_SET_PTRACER, PR_SET_PTRACER_ANY


class Running:
    """A program that says `ready` and then waits for lines."""

    def __init__(self, command, folder, **options):
        self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        preexec_fn=may_be_looked_at, **options)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def hear(self):
        return self.process.stdout.readline().decode().strip()

    def say(self, text):
        self.process.stdin.write((text + "\n").encode())
        self.process.stdin.flush()

    def core(self, folder):
        """Kills the program with SIGABRT; the path of its core."""
        before = set(os.listdir(folder))
        os.kill(self.pid, signal.SIGABRT)
        self.process.wait()
        new = [name for name in set(os.listdir(folder)) - before if name.startswith("core")]
        if not new:
            raise Failed("process %d left no core" % self.pid)
        return os.path.join(folder, new[0])


def wait_until(condition, seconds=30):
    limit = time.monotonic() + seconds
    while not condition() and time.monotonic() < limit:
        time.sleep(0.01)
    return condition()
