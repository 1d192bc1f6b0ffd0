"""What the tests of the hook share: starting programs under it, asking the CLI, reading a snapshot in bulk, reporting.

Each run_*.py is called as `run_X.py --lib BUILD/lib/libheldby.so --cli BUILD/bin/heldby --python PYTHON` and leaves
with 0 or 1. The test itself runs under whatever Python starts it (3.8 or later); PYTHON is the one under observation.
"""
import argparse
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = os.path.join(HERE, "programs")

# docs/snapshot-format.md, section 4
KINDS = ("none global local stack attribute slot class_attribute key key_object index member cell default self function field "
         "cache weak type buffer pointer namespace frame globals stale").split()
ROOTS = ("none module frame thread interpreter c_reference static immortal register native_stack module_data tls mapping").split()
TRACKED, IMMORTAL, STATIC, FROZEN, INTERNED, PARTIAL = 1, 2, 4, 8, 16, 32

Edge = collections.namedtuple("Edge", "target kind certain name number key")
Object = collections.namedtuple("Object", "address type flags size refcount type_object family edges")
Preview = collections.namedtuple("Preview", "kind full_length text")
Root = collections.namedtuple("Root", "kind reference certain name number target thread frame")
Thread = collections.namedtuple("Thread", "number ident native name flags")
Frame = collections.namedtuple("Frame", "number thread depth function module file line code")


class Failed(Exception):
    """Something without which the test cannot go on."""


class Test:
    """One run: options, a scratch folder, the count of checks, what failed."""

    def __init__(self, what):
        parser = argparse.ArgumentParser(description=what)
        parser.add_argument("--lib", required=True)
        parser.add_argument("--cli", required=True)
        parser.add_argument("--python", required=True)
        parser.add_argument("--build", help="the build folder, for programs that the tests need")
        parser.add_argument("--keep", metavar="DIR", help="leave the snapshots and the facts in DIR")
        parser.add_argument("--most", type=int, default=60, help="failures to print")
        self.options = parser.parse_args()
        self.options.lib = os.path.abspath(self.options.lib)
        self.options.cli = os.path.abspath(self.options.cli)
        self.what = what
        self.checks = 0
        self.failures = []
        self.folder = tempfile.mkdtemp(prefix="heldby-test.")
        text = subprocess.run([self.options.python, "-c", "import sys; print('%d.%d.%d' % sys.version_info[:3])"],
                              stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        self.version = tuple(int(part) for part in text.split("."))
        print("%s: CPython %s: %s" % (os.path.basename(sys.argv[0]), text, what))

    def check(self, condition, message, *arguments):
        """Counts one assertion; returns whether it held."""
        self.checks += 1
        if not condition:
            self.failures.append(message % arguments if arguments else message)
        return bool(condition)

    def note(self, message, *arguments):
        print("  " + (message % arguments if arguments else message))

    def finish(self):
        """Prints the verdict; the exit status."""
        for line in self.failures[:self.options.most]:
            print("  FAILED: " + line)
        if len(self.failures) > self.options.most:
            print("  ... and %d more" % (len(self.failures) - self.options.most))
        print("  %d checks, %d failed" % (self.checks, len(self.failures)))
        if self.options.keep:
            shutil.rmtree(self.options.keep, ignore_errors=True)
            shutil.copytree(self.folder, self.options.keep)
        shutil.rmtree(self.folder, ignore_errors=True)
        return 1 if self.failures else 0

    def main(self, body):
        try:
            body(self)
        except Failed as error:
            self.failures.append(str(error))
        sys.exit(self.finish())

    # ---- running ------------------------------------------------------------------------------------------------
    def folder_for(self, name):
        path = os.path.join(self.folder, name)
        os.makedirs(path)
        return path

    def environment(self, directory, **more):
        environment = dict(os.environ, LD_PRELOAD=self.options.lib, HELDBY_DIR=directory, PYTHONPATH=PROGRAMS,
                           HELDBY_LOG=os.path.join(directory, "hook.log"), PYTHONDONTWRITEBYTECODE="1")
        for name in list(environment):
            if name.startswith("HELDBY_") and name not in ("HELDBY_DIR", "HELDBY_LOG"):
                del environment[name]
        environment.update(more)
        return environment

    def run_program(self, name, directory, *arguments, timeout=300, **environment):
        """Runs programs/NAME under the hook to its end. Returns its standard output."""
        command = [self.options.python, os.path.join(PROGRAMS, name), directory] + list(arguments)
        try:
            done = subprocess.run(command, env=self.environment(directory, **environment), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise Failed("%s did not end within %g s\n%s" % (name, timeout, self.last_words(directory, error.stderr)))
        if done.returncode:
            raise Failed("%s left with %d\n%s" % (name, done.returncode, self.last_words(directory, done.stderr)))
        return done.stdout.decode(errors="replace")

    @staticmethod
    def last_words(directory, stderr):
        text = (stderr or b"").decode(errors="replace")[-3000:]
        log = os.path.join(directory, "hook.log")
        if os.path.exists(log):
            with open(log, errors="replace") as lines:
                text += "\n-- hook's log --\n" + lines.read()[-2000:]
        return text

    def snapshots(self, directory, wanted=None):
        names = [name for name in os.listdir(directory) if name.endswith(".held")]
        names.sort(key=lambda name: int(name.split(".")[-2]))
        if wanted is not None and len(names) != wanted:
            raise Failed("%d snapshots wanted, found %s\n%s" % (wanted, sorted(os.listdir(directory)), self.last_words(directory, b"")))
        return [os.path.join(directory, name) for name in names]

    def told(self, directory, name):
        with open(os.path.join(directory, name), encoding="utf-8") as text:
            return json.load(text)

    # ---- asking -------------------------------------------------------------------------------------------------
    def call(self, arguments, seconds=60):
        try:
            return subprocess.run([self.options.cli] + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed("heldby %s: no answer within %d s" % (" ".join(arguments), seconds))

    def ask(self, *arguments, statuses=(0, 1)):
        """Runs the CLI with --json. Returns (exit status, document or None)."""
        done = self.call(list(arguments) + ["--json"])
        if done.returncode not in statuses:
            raise Failed("heldby %s: exit status %d: %s" % (" ".join(arguments), done.returncode, done.stderr.decode()[-800:]))
        try:
            return done.returncode, json.loads(done.stdout.decode())
        except ValueError as error:
            raise Failed("heldby %.300s: not JSON: %s: %.300r, said %.300r" % (" ".join(arguments), error, done.stdout, done.stderr))

    def ask_text(self, *arguments):
        """Runs the CLI. Returns (exit status, standard output, standard error)."""
        done = self.call(list(arguments))
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def load(self, path):
        """The whole snapshot, through dump_edges."""
        return Snapshot(os.path.join(os.path.dirname(self.options.cli), "dump_edges"), path)


def text_of(digits):
    return bytes.fromhex(digits).decode("utf-8", "replace")


class Snapshot:
    """Everything in a snapshot: objects and previews by address, roots, threads and frames by number."""

    def __init__(self, program, path):
        self.path = path
        self.objects, self.previews, self.threads, self.frames = {}, {}, {}, {}
        self.roots, self.warnings = [], []
        self.complete = False
        self.duplicates = []
        self.tracked = 0
        with subprocess.Popen([program, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            names = {}
            for line in process.stdout:
                self.take(line.decode("utf-8", "replace").rstrip("\n").split("\t"), names)
            if process.wait():
                raise Failed("dump_edges %s: %s" % (path, process.stderr.read().decode()[-500:]))

    def take(self, part, names):
        def name(digits):
            if digits not in names:
                names[digits] = text_of(digits)
            return names[digits]

        kind = part[0]
        if kind == "O":
            edges = []
            for item in part[8:]:
                target, reference, certainty, label, number, key = item.split("/")
                edges.append(Edge(int(target, 16), KINDS[int(reference)], certainty == "0", name(label), int(number), int(key, 16)))
            address = int(part[1], 16)
            if address in self.objects:
                self.duplicates.append(address)
            self.objects[address] = Object(address, name(part[2]), int(part[3]), int(part[4]), int(part[5]), int(part[6], 16),
                                           int(part[7]), edges)
        elif kind == "P":
            self.previews[int(part[1], 16)] = Preview(int(part[2]), int(part[3]), bytes.fromhex(part[4]))
        elif kind == "R":
            self.roots.append(Root(ROOTS[int(part[1])], KINDS[int(part[2])], part[3] == "0", name(part[4]), int(part[5]),
                                   int(part[6], 16), int(part[7]), int(part[8])))
        elif kind == "T":
            self.threads[int(part[1])] = Thread(int(part[1]), int(part[2]), int(part[3]), name(part[4]), int(part[5]))
        elif kind == "F":
            self.frames[int(part[1])] = Frame(int(part[1]), int(part[2]), int(part[3]), name(part[4]), name(part[5]), name(part[6]),
                                              int(part[7]), int(part[8], 16))
        elif kind == "X":
            self.complete = part[1] == "1"
        elif kind == "W":
            self.warnings.append(part[1])
