#!/usr/bin/env python3
"""Every way to ask for a snapshot, and that asking leaves the program alone.

The signal (name, number, handlers of the program before and after the hook's), `heldby dump` and `heldby run`, the Python and the
C interface, at exit, on MemoryError, at intervals; children by os.fork and multiprocessing; programs that are not Python;
SIGCHLD and wait(); the warning of CPython 3.12 about fork and threads; file descriptors; a GIL that is not to be had.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

import held
from live import Live, caught, facts, leftovers, snapshots, threads, wait_for_snapshots, wait_until, walkers

SLEEPER = "say('ready')\nhear()\n"
sections = []


def section(function):
    sections.append(function)
    return function


@section
def by_signal(test, directory):
    with Live(test, directory, SLEEPER) as live:
        live.hear("ready")
        test.check("heldby:12" in threads(live.pid) and len(threads(live.pid)) == 2, "threads: %s", threads(live.pid))
        taken = os.path.join(directory, "app.%d.2.held" % live.pid)
        with open(taken, "w") as other:
            other.write("not to be replaced")
        for count in (1, 3):
            live.kill()
            path = wait_until(lambda: [p for p in snapshots(directory) if p.endswith(".%d.held" % count)],
                              "no snapshot number %d" % count)[0]
            test.check(os.path.basename(path) == "app.%d.%d.held" % (live.pid, count), "name %s", path)
            found = facts(test, path)
            test.check(found["trigger"] == "signal" and found["mode"] == "fork" and found["pid"] == live.pid, "facts %s", found)
            test.check(not found["without_gil"], "taken without the GIL")
        with open(taken) as other:
            test.check(other.read() == "not to be replaced", "an existing file was replaced")
        live.wait_for_log("app.%d.3.held" % live.pid)
        test.check(leftovers(directory) == [], "temporary files: %s", leftovers(directory))
        live.say()
        live.end()


@section
def other_signals(test, directory):
    for name, number in (("USR1", signal.SIGUSR1), ("SIGPROF", signal.SIGPROF), ("RTMIN+3", signal.SIGRTMIN + 3), ("10", signal.SIGUSR1)):
        place = os.path.join(directory, name)
        os.mkdir(place)
        with Live(test, place, SLEEPER, HELDBY_SIGNAL=name) as live:
            live.hear("ready")
            test.check(signal.SIGUSR2 not in caught(live.pid), "USR2 is taken as well")
            live.kill(number)
            wait_for_snapshots(place)
            live.say()
            live.end()
    place = os.path.join(directory, "refused")
    os.mkdir(place)
    with Live(test, place, SLEEPER, HELDBY_SIGNAL="KILL") as live:
        live.hear("ready")
        test.check(len(threads(live.pid)) == 1, "a signal that cannot be taken, and yet threads %s", threads(live.pid))
        live.wait_for_log("HELDBY_SIGNAL=KILL")
        live.say()
        live.end()


@section
def malformed_settings(test, directory):
    with Live(test, directory, SLEEPER, HELDBY_EVERY="soon", HELDBY_VALUES="64") as live:
        live.hear("ready")
        live.wait_for_log("HELDBY_EVERY=soon: not understood, the default is taken")
        live.kill()
        wait_for_snapshots(directory, 1)
        live.say()
        live.end()


@section
def names(test, directory):
    """NAME is the script's or the module's, fit for a file name."""
    text = "import os, signal, time\nos.kill(os.getpid(), signal.SIGUSR2)\n"
    text += "while not [n for n in os.listdir('.') if n.endswith('.held')]:\n    time.sleep(0.01)\n"
    python = test.options.python
    cases = (("plain", "app.py", ["app.py"]), ("plain", "app.py", ["-u", "-W", "ignore", "-Xutf8", "app.py", "-m", "other"]),
             ("pkg.mod", "pkg/mod.py", ["-m", "pkg.mod"]), ("pkg.mod", "pkg/mod.py", ["-Bmpkg.mod", "x"]), ("folder", "folder/__main__.py", ["folder"]),
             ("folder", "folder/__main__.py", ["folder/__main__.py"]), ("_hidden", ".hidden.py", [".hidden.py"]),
             ("with_blank", "with blank.py", ["with blank.py"]), ("noending", "noending", ["./noending"]), ("python", None, ["-c", text]))
    for number, (name, script, arguments) in enumerate(cases):
        place = os.path.join(directory, str(number))
        os.mkdir(place)
        if script:
            os.makedirs(os.path.dirname(os.path.join(place, script)), exist_ok=True)
            with open(os.path.join(place, script), "w") as file:
                file.write(text)
        environment = dict(test.environment(place), PYTHONPATH=place)
        done = subprocess.run([python] + arguments, cwd=place, env=environment, stderr=subprocess.PIPE, timeout=300)
        found = [os.path.basename(path).rsplit(".", 3)[0] for path in snapshots(place)]
        wanted = "app" if name == "plain" else name
        test.check(done.returncode == 0 and len(found) == 1 and (found[0] == wanted or name == "python" and found[0].startswith(name)),
                   "%s: named %s, wanted %s %s", arguments, found, wanted, done.stderr[-300:])


HANDLERS = r"""
import ctypes
seen = []
before, after = [name == "1" for name in sys.argv[1:3]]
if before:
    signal.signal(signal.SIGUSR2, lambda number, frame: seen.append("first"))
if sys.argv[3] == "import":
    import heldby
if after:
    signal.signal(signal.SIGUSR2, lambda number, frame: seen.append("second"))
say("ready")
for round in range(2):
    hear()
    until(lambda: seen)
    time.sleep(0.05)
    names = ",".join(seen)
    del seen[:]
    say(names, signal.getsignal(signal.SIGUSR2) is not signal.SIG_DFL)
"""


@section
def handlers(test, directory):
    for mode in ("preload", "import"):
        for before, after in ((0, 1), (1, 0), (1, 1)):
            place = os.path.join(directory, "%s-%d%d" % (mode, before, after))
            os.mkdir(place)
            path = import_path(test, place)
            with Live(test, place, HANDLERS, preload=mode == "preload", arguments=(str(before), str(after), mode), PYTHONPATH=path) as live:
                live.hear("ready")
                if mode == "import" and after: # the program's handler is in front until the helper looks, once a second
                    time.sleep(2)
                for count in (1, 2):
                    live.kill()
                    wait_for_snapshots(place, count)
                    live.say()
                    test.check(live.hear() == ("second True" if after else "first True"), "%s: the program's handler did not run once", place)
                live.end()


# The program's own view of its handlers, through libc; struct sigaction of x86-64 and aarch64 begins with the handler.
VIEW = r"""
import ctypes
libc = ctypes.CDLL(None)
HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_int)
calls = []
mine = HANDLER(lambda number: calls.append(number))
class Action(ctypes.Structure):
    _fields_ = [("handler", ctypes.c_void_p), ("mask", ctypes.c_ulong * 16), ("flags", ctypes.c_int), ("restorer", ctypes.c_void_p)]
def current():
    action = Action()
    assert libc.sigaction(12, None, ctypes.byref(action)) == 0
    return action
def install(handler, flags):
    new, old = Action(handler=handler, flags=flags), Action()
    assert libc.sigaction(12, ctypes.byref(new), ctypes.byref(old)) == 0
    return old.handler
address = ctypes.cast(mine, ctypes.c_void_p).value
say("default", current().handler)
say("old", install(address, 0x10000000))
say("mine", current().handler == address, hex(current().flags))
hear()
until(lambda: calls)
say("called", calls)
libc.signal.restype = ctypes.c_void_p
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
say("replaced", libc.signal(12, None) == address)
say("default", current().handler)
hear()
say("called", calls)
say("ignored", libc.signal(12, 1))
hear()
install(address, 0x80000000 - (1 << 32))
say("once")
hear()
until(lambda: len(calls) == 2)
say("called", calls, current().handler)
hear()
"""


@section
def view_of_the_program(test, directory):
    with Live(test, directory, VIEW) as live:
        live.hear("default None")
        live.hear("old None")
        live.hear("mine True 0x10000000")
        live.kill()
        wait_for_snapshots(directory, 1)
        live.say()
        live.hear("called [12]")
        live.hear("replaced True")
        live.hear("default None")
        live.kill()                       # the default action would have ended it
        wait_for_snapshots(directory, 2)
        live.say()
        live.hear("called [12]")
        live.hear("ignored None")
        live.kill()
        wait_for_snapshots(directory, 3)
        live.say()
        live.hear("once")
        live.kill()                       # SA_RESETHAND: once, then the default is seen again
        wait_for_snapshots(directory, 4)
        live.say()
        live.hear("called [12, 12] None")
        live.kill()
        wait_for_snapshots(directory, 5)
        live.say()
        live.end()


BLOCKED = r"""
seen = []
if sys.argv[1] == "handler":
    signal.signal(signal.SIGUSR2, lambda number, frame: seen.append(number))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
say("ready")
hear()
say("blocked", seen)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR2])
if sys.argv[1] == "handler":
    until(lambda: seen)
say("unblocked", [int(n) for n in seen])
hear()
"""


@section
def blocked_everywhere(test, directory):
    for what, wanted in (("nothing", "[]"), ("handler", "[12]")):
        place = os.path.join(directory, what)
        os.mkdir(place)
        with Live(test, place, BLOCKED, arguments=(what,)) as live:
            live.hear("ready")
            live.kill()
            wait_for_snapshots(place, 1)
            live.say()
            live.hear("blocked []")
            live.hear("unblocked " + wanted)
            live.kill()
            wait_for_snapshots(place, 2)
            live.say()
            live.end()
            test.check(len(snapshots(place)) == 2, "a signal counted twice: %s", snapshots(place))


def import_path(test, directory):
    """A folder where `import heldby` finds the library."""
    path = os.path.join(directory, "modules")
    os.makedirs(path, exist_ok=True)
    if not os.path.exists(os.path.join(path, "heldby.so")):
        os.symlink(test.options.lib, os.path.join(path, "heldby.so"))
    return path


API = r"""
import gc, pathlib
import heldby
say(heldby.armed(), heldby.arm())
first = heldby.snapshot()
say(first, os.path.exists(first))
say(heldby.snapshot(path="own.held"), os.path.exists("own.held"))
say(heldby.snapshot(pathlib.Path("own.held"), wait=True))
say(heldby.snapshot(b"bytes.held"))
later = heldby.snapshot(wait=False)
for i in range(6000):
    if os.path.exists(later):
        break
    time.sleep(0.01)
say(later, os.path.exists(later))
for bad in ("/nonexistent/folder/x.held", "."):
    try:
        heldby.snapshot(bad)
    except OSError as error:
        say(type(error).__name__, error)
try:
    heldby.snapshot(3)
except TypeError as error:
    say("TypeError")
try:
    heldby.snapshot("a", 1, 2)
except TypeError as error:
    say("TypeError")
say(sum(type(o).__name__ == "nothing" for o in gc.get_objects()))
"""


@section
def from_python(test, directory):
    for mode in ("import", "preload"):
        place = os.path.join(directory, mode)
        os.mkdir(place)
        with Live(test, place, API, preload=mode == "preload", PYTHONPATH=import_path(test, directory)) as live:
            test.check(live.hear() == "True None", "armed by importing")
            test.check(live.hear() == "%s/app.%d.1.held True" % (place, live.pid), "the default name")
            test.check(live.hear() == "%s/own.held True" % place, "a name of one's own, made absolute")
            test.check(live.hear() == "%s/own.held" % place, "the same name again replaces")
            test.check(live.hear() == "%s/bytes.held" % place, "a path as bytes")
            test.check(live.hear() == "%s/app.%d.2.held True" % (place, live.pid), "wait=False")
            live.hear("FileNotFoundError [Errno 2] ")
            live.hear("IsADirectoryError [Errno 21] ")
            live.hear("TypeError")
            live.hear("TypeError")
            live.hear("0")
            live.end()
        for path in snapshots(place) + [os.path.join(place, name) for name in ("own.held", "bytes.held")]:
            test.check(facts(test, path)["trigger"] == "api", "trigger of %s", path)
        test.check(leftovers(place) == [], "temporary files: %s", leftovers(place))


@section
def switched_off(test, directory):
    path = import_path(test, directory)
    source = r"""
say("ready")
hear()
import heldby
say(heldby.armed())
try:
    heldby.snapshot()
except RuntimeError as error:
    say(error)
say("ready")
hear()
"""
    with Live(test, directory, source, PYTHONPATH=path, HELDBY_OFF="1") as live:
        live.hear("ready")
        for _ in range(2):
            test.check(len(threads(live.pid)) == 1, "threads while off: %s", threads(live.pid))
            test.check(signal.SIGUSR2 not in caught(live.pid), "the signal is taken while off")
            if _ == 0:
                live.say()
                live.hear("False")
                live.hear("heldby is not armed: switched off by HELDBY_OFF")
                live.hear("ready")
        live.kill()
        live.end(-signal.SIGUSR2)
        test.check(live.log() == [], "a log while off: %s", live.log())


@section
def opened_later(test, directory):
    source = r"""
import ctypes, threading
library = getattr(ctypes, sys.argv[1])(sys.argv[2])
library.heldby_path.restype = library.heldby_problem.restype = ctypes.c_char_p
say(library.heldby_armed(), threading.active_count())
if sys.argv[3] == "arm":
    hear()
    say(library.heldby_arm())
say(library.heldby_armed())
say(library.heldby_snapshot(None, 1), library.heldby_path().decode())
say(library.heldby_snapshot(b"c.held", 0), library.heldby_path().decode())
say(library.heldby_snapshot(b"/nonexistent/c.held", 1), library.heldby_problem().decode())
hear()
"""
    for loader in ("CDLL", "PyDLL"):
        for how in ("arm", "environment"):
            place = os.path.join(directory, loader + how)
            os.mkdir(place)
            more = {} if how == "environment" else {"HELDBY_DIR": None, "HELDBY_LOG": None}
            with Live(test, place, source, preload=False, arguments=(loader, test.options.lib, how), **more) as live:
                live.hear("0 1" if how == "arm" else "1 1")
                if how == "arm":
                    test.check(len(threads(live.pid)) == 1, "a thread before heldby_arm")
                    live.say()
                    live.hear("0")
                live.hear("1")
                live.hear("0 %s/app.%d.1.held" % (place, live.pid))
                live.hear("0 %s/c.held" % place)
                live.hear("2 cannot create a file in /nonexistent: No such file or directory")
                live.kill()
                wait_for_snapshots(place, 2)
                wait_until(lambda: os.path.exists(os.path.join(place, "c.held")), "c.held never came")
                live.say()
                live.end()
            for path in snapshots(place) + [os.path.join(place, "c.held")]:
                test.check(not facts(test, path)["without_gil"], "%s: taken without the GIL", path)


DUMPED = r"""
import ctypes, threading
libc = ctypes.CDLL(None, use_errno=True)
results = {}
def sleeper(name, call):
    ctypes.set_errno(0)
    start = time.monotonic()
    result = call()
    results[name] = (result, ctypes.get_errno(), time.monotonic() - start >= 1.99)
class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("micro", ctypes.c_long)]
calls = {"usleep": lambda: libc.usleep(2000000), "select": lambda: libc.select(0, None, None, None, ctypes.byref(Time(2, 0))),
         "poll": lambda: libc.poll(None, 0, 2000)}
threads = [threading.Thread(target=sleeper, args=item) for item in list(calls.items())[1:]]
for thread in threads:
    thread.start()
say("ready")
sleeper(*list(calls.items())[0])
for thread in threads:
    thread.join()
say(sorted(results.items()))
hear()
"""


def requests():
    return {os.path.join(folder, name) for folder in ("/tmp", "/dev/shm", "/var/tmp") for name in os.listdir(folder)
            if re.fullmatch("heldby-68ed[0-9a-f]{12}", name)}


@section
def dump(test, directory):
    own = os.path.join(directory, "own.held")
    with Live(test, directory, DUMPED) as live:
        live.hear("ready")
        for _ in range(3):
            status, out, err = test.ask_text("dump", str(live.pid))
            path = out.rstrip("\n")
            test.check(status == 0 and err == "" and path in snapshots(directory), "dump: %s %r %r", status, out, err)
            test.check(facts(test, path)["trigger"] == "dump", "trigger")
        status, out, err = test.ask_text("dump", str(live.pid), "-o", own)
        test.check((status, out, err) == (0, own + "\n", ""), "dump -o: %s %r %r", status, out, err)
        facts(test, own)
        test.check(len(snapshots(directory)) == 3, "dump -o left another file: %s", snapshots(directory))
        test.check(live.hear() == "[('poll', (0, 0, True)), ('select', (0, 0, True)), ('usleep', (0, 0, True))]",
                   "a system call of the program was interrupted")
        asked = [subprocess.Popen([test.options.cli, "dump", str(live.pid)], stdout=subprocess.PIPE) for _ in range(4)]
        paths = [process.communicate()[0].decode().strip() for process in asked]
        test.check(len(set(paths)) == 4 and all(os.path.exists(path) for path in paths), "four at once: %s", paths)
        status, out, err = test.ask_text("dump", str(live.pid), "-o", "/nonexistent/x.held")
        test.check(status == 4 and out == "" and "/nonexistent" in err, "a folder that is not there: %s %r", status, err)
        live.say()
        live.end()
        left = requests()
        wait_until(lambda: not left & requests(), lambda: "requests were left: %s" % left, 5)


@section
def dump_says_why(test, directory):
    def refused(arguments, status, words, **more):
        done = subprocess.run([test.options.cli, "dump"] + arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        test.check(done.returncode == status and done.stdout == b"" and words in done.stderr.decode(), "dump %s: %s %r", arguments,
                   done.returncode, done.stderr)

    refused(["nonsense"], 2, "nonsense")
    refused(["-1"], 2, "")
    refused(["4194305"], 4, "there is no process 4194305")
    with Live(test, directory, SLEEPER, preload=False) as live:
        live.hear("ready")
        outside = os.path.join(directory, "outside.held")
        status, out, err = test.ask_text("dump", str(live.pid), "-o", outside)
        test.check(status == 0 and out == outside + "\n" and "without a hook" in err, "no hook: %s %r %r", status, out, err)
        if os.geteuid() == 0:
            refused([str(live.pid)], 4, "is not ours", preexec_fn=lambda: os.setuid(12345))
        live.process.kill()
        wait_until(lambda: " Z " in open("/proc/%d/stat" % live.pid).read(), "no zombie")
        refused([str(live.pid)], 4, "has ended")
    place = os.path.join(directory, "unwritable")
    os.mkdir(place)
    with Live(test, place, "say('ready')\nimport shutil\nhear()\nshutil.rmtree(sys.argv[1])\nsay('gone')\nhear()\n",
              arguments=(os.path.join(place, "gone"),), HELDBY_DIR=os.path.join(place, "gone")) as live:
        os.mkdir(os.path.join(place, "gone"))
        live.hear("ready")
        live.say()
        live.hear("gone")
        refused([str(live.pid)], 4, "cannot create a file in %s/gone: No such file or directory" % place)
        own = os.path.join(place, "own.held")
        status, out, err = test.ask_text("dump", str(live.pid), "-o", own)
        test.check(status == 0 and os.path.exists(own), "-o elsewhere: %s %s", status, err)
        os.kill(live.pid, signal.SIGSTOP)
        refused([str(live.pid), "--timeout", "0.5"], 4, "within 0.5 seconds")
        os.kill(live.pid, signal.SIGCONT)
        live.say()
        live.end()


@section
def dump_of_another_user(test, directory):
    if os.geteuid() != 0:
        test.note("skipped: dump of another user's process needs root")
        return
    place = os.path.join(directory, "theirs")
    os.mkdir(place)
    for path in (test.folder, directory, place):
        os.chmod(path, 0o755)
    os.chown(place, 12345, 12345)
    python = test.options.python

    def allowed(*command):
        try:
            return subprocess.run(command, preexec_fn=lambda: os.setuid(12345), stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode == 0
        except PermissionError:
            return False

    if not allowed(python, "-c", "") or not allowed("cat", test.options.lib):
        test.note("skipped: another user may not run %s with this library", python)
        return

    def become():
        os.setgid(12345)
        os.setuid(12345)

    with Live(test, place, SLEEPER, preexec=become) as live:
        live.hear("ready")
        status, out, err = test.ask_text("dump", str(live.pid))
        test.check(status == 0 and os.stat(out.strip()).st_uid == 12345, "root asks another's process: %s %s", status, err)
        own = os.path.join(directory, "private", "own.held")
        os.mkdir(os.path.dirname(own), 0o700)
        status, out, err = test.ask_text("dump", str(live.pid), "-o", own)
        test.check(status == 0 and os.path.exists(own), "-o where the process may not write: %s %s", status, err)
        test.check(len(snapshots(place)) == 1, "the file was copied, not moved: %s", snapshots(place))
        live.say()
        live.end()


@section
def run_command(test, directory):
    def run(*arguments, **more):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("HELDBY_", "LD_"))}
        environment.update(more)
        return subprocess.run([test.options.cli, "run"] + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
                              cwd=directory)

    python = test.options.python
    code = "import os, signal, sys, time; os.kill(os.getpid(), signal.%s); time.sleep(0.3); print(os.environ.get('HELDBY_VALUES')); sys.exit(7)"
    done = run("--signal", "USR1", "--dir", "made/here", "--at-exit", "--no-values", "--", python, "-c", code % "SIGUSR1")
    place = os.path.join(directory, "made/here") if os.path.isdir(os.path.join(directory, "made/here")) else None
    if place is None: # only one level is made
        test.check(done.returncode == 4 and b"made/here" in done.stderr, "run --dir made/here: %s %s", done.returncode, done.stderr)
        done = run("--signal", "USR1", "--dir", "made", "--at-exit", "--no-values", "--", python, "-c", code % "SIGUSR1")
        place = os.path.join(directory, "made")
    test.check((done.returncode, done.stdout, done.stderr) == (7, b"0\n", b""), "run: %s", done)
    found = snapshots(place)
    test.check([facts(test, path)["trigger"] for path in found] == ["signal", "exit"], "snapshots of run: %s", found)
    test.check(os.path.basename(found[0]).startswith("python3"), "the name of a program without a script: %s", found[:1])
    done = run("--", "sh", "-c", "kill -9 $$")
    test.check(done.returncode == -9, "the program's own end: %s", done.returncode)
    for arguments, status, words in ((["--", "/nonexistent/program"], 4, b"cannot run /nonexistent/program"),
                                     (["--", directory], 4, b"cannot run"), (["--signal", "NOSUCH", "--", "true"], 2, b"NOSUCH"),
                                     (["--dir", "/proc/nowhere", "--", "true"], 4, b"/proc/nowhere")):
        done = run(*arguments)
        test.check(done.returncode == status and words in done.stderr, "run %s: %s", arguments, done)
    alone = os.path.join(directory, "heldby")
    shutil.copy(test.options.cli, alone)
    done = subprocess.run([alone, "run", "--", "true"], stderr=subprocess.PIPE)
    test.check(done.returncode == 4 and b"cannot find libheldby.so" in done.stderr, "no library: %s", done)
    done = run("--", "true", HELDBY_LIBRARY="/nonexistent/lib.so")
    test.check(done.returncode == 4 and b"/nonexistent/lib.so" in done.stderr, "HELDBY_LIBRARY: %s", done)


FORKS = r"""
import threading
def child(label):
    say(label, os.getpid(), threading.active_count())
    while not os.path.exists("stop"):
        time.sleep(0.01)
def fork(label, then=None):
    pid = os.fork()
    if pid == 0:
        if then:
            then()
        child(label)
        os._exit(0)
    return pid
pids = [fork("plain")]
pids.append(fork("grandparent", lambda: fork("grandchild")))
def in_thread():
    pids.append(fork("thread"))
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
import multiprocessing
context = multiprocessing.get_context("fork")
process = context.Process(target=child, args=("multiprocessing",))
process.start()
say("parent", os.getpid(), 1)
for pid in pids:
    assert os.waitpid(pid, 0) == (pid, 0)
process.join()
say("done", process.exitcode)
"""


@section
def forked_children(test, directory):
    with Live(test, directory, FORKS, python_options=("-W", "ignore")) as live:
        pids = dict()
        for _ in range(6):
            label, pid, count = live.hear().split()
            test.check(count == "1", "%s sees %s threads of Python", label, count)
            pids[label] = int(pid)
        test.check(sorted(pids) == ["grandchild", "grandparent", "multiprocessing", "parent", "plain", "thread"], "children: %s", pids)
        for label, pid in pids.items():
            wait_until(lambda: "heldby:12" in threads(pid), "%s has no helper: %s" % (label, threads(pid)))
            os.kill(pid, signal.SIGUSR2)
        for label, pid in pids.items():
            path = wait_for_snapshots(directory, 1, pid)[0]
            found = facts(test, path)
            test.check(found["pid"] == pid and not found["without_gil"], "%s: %s", label, found)
        for label, pid in pids.items():
            status, out, err = test.ask_text("dump", str(pid))
            test.check(status == 0 and out.strip().endswith("app.%d.2.held" % pid), "dump of %s: %s %s", label, out, err)
        open(os.path.join(directory, "stop"), "w").close()
        live.hear("done 0")
        live.end()


@section
def fork_at_once(test, directory):
    """The trigger meets children that have hardly begun, over and over."""
    source = r"""
for round in range(60):
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGUSR2, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGUSR2)
        total = sum(range(20000))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not os.path.exists("app.%d.1.held" % os.getpid()):
            time.sleep(0.005)
        os._exit(0 if time.monotonic() < deadline else 1)
    os.kill(pid, signal.SIGUSR2)
    assert os.waitpid(pid, 0) == (pid, 0), round
say("done")
"""
    with Live(test, directory, source) as live:
        live.hear("done", patience=300)
        live.end()
    test.check(len({os.path.basename(path).split(".")[1] for path in snapshots(directory)}) == 60, "not every child answered")


@section
def other_programs(test, directory):
    source = r"""
import subprocess
child = subprocess.Popen(["sleep", "600"])
say(child.pid)
say("status", child.wait())
by_fork = subprocess.Popen(["sleep", "600"], preexec_fn=lambda: None)
say(by_fork.pid)
say("status", by_fork.wait())
say(subprocess.check_output(["sh", "-c", "trap 'echo trapped' USR2; kill -USR2 $$; echo $LD_PRELOAD"]).decode().split("\n")[0])
"""
    with Live(test, directory, source, python_options=("-W", "ignore")) as live:
        for _ in range(2):
            pid = int(live.hear())
            wait_until(lambda: threads(pid) == ["sleep"], lambda: "not the program, or not alone: %s" % threads(pid))
            test.check(caught(pid) == set(), "handlers in a program that is not Python: %s", caught(pid))
            os.kill(pid, signal.SIGUSR2)
            live.hear("status -12")
        live.hear("trapped")
        live.end()
    test.check(snapshots(directory) == [], "a program that is not Python was captured")


CHILDREN = r"""
told = []
signal.signal(signal.SIGCHLD, lambda *ignored: told.append(1))
say("ready")
hear()
say(told)
try:
    say(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    say("no children")
pid = os.fork()
if pid == 0:
    time.sleep(0.2)
    os._exit(3)
say("forked")
answer = os.wait()
say(answer == (pid, 3 << 8))
hear()
say(len(told))
try:
    say(os.wait())
except ChildProcessError:
    say("no children")
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
say("ignoring")
hear()
"""


@section
def waiting_for_children(test, directory):
    with Live(test, directory, CHILDREN) as live:
        live.hear("ready")
        for count in (1, 2, 3):
            live.kill()
            wait_for_snapshots(directory, count)
        live.wait_for_log(".3.held")
        live.say()
        live.hear("[]")
        live.hear("no children")
        live.hear("forked")
        for count in (4, 5):
            live.kill()
            wait_for_snapshots(directory, count, live.pid)
        live.hear("True")
        live.wait_for_log(".5.held")
        live.say()
        live.hear("1")
        live.hear("no children")
        live.hear("ignoring")
        live.kill()
        wait_for_snapshots(directory, 6, live.pid)
        live.wait_for_log(".6.held")
        live.say()
        live.end()


@section
def no_warning_about_fork(test, directory):
    source = r"""
import warnings
warnings.simplefilter("error")
import multiprocessing
def child():
    pass
for round in range(20):
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
process = multiprocessing.get_context("fork").Process(target=child)
process.start()
process.join()
say("ready", process.exitcode)
hear()
"""
    with Live(test, directory, source, python_options=("-W", "error")) as live:
        live.hear("ready 0")
        wait_until(lambda: "heldby:12" in threads(live.pid), "the helper did not come back")
        live.kill()
        wait_for_snapshots(directory, 1)
        live.say()
        test.check(live.end() == "", "something was written to standard error")


@section
def no_warning_during_a_walk(test, directory):
    """Forks while walks are under way: the helper that waits for one leaves it to its successor."""
    source = r"""
import warnings
warnings.simplefilter("error")
kept = [[i, str(i)] for i in range(400000)]
say("ready")
while hear():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    say("forked")
"""
    with Live(test, directory, source) as live:
        live.hear("ready")
        for by_dump in (False, True, False):
            asked = None
            if by_dump:
                asked = subprocess.Popen([test.options.cli, "dump", str(live.pid)], stdout=subprocess.PIPE)
            else:
                live.kill()
            walker = wait_until(lambda: walkers(live.pid), "no walk to be seen")[0]
            os.kill(walker, signal.SIGSTOP)
            count = len(snapshots(directory))
            for _ in range(10):
                live.say("fork")
                live.hear("forked")
            os.kill(walker, signal.SIGCONT)
            found = wait_for_snapshots(directory, count + 1)
            if asked:
                test.check(asked.communicate()[0].decode().strip() == found[-1] and asked.returncode == 0, "the dump was not answered")
            wait_until(lambda: not walkers(live.pid), "the walk does not end")
            live.wait_for_log("snapshot", count + 1)
        live.say()
        test.check(live.end() == "", "something was written to standard error")


@section
def at_exit(test, directory):
    endings = {"end": ("", 0), "exit": ("sys.exit(5)", 5), "error": ("raise ValueError('own')", 1)}
    for name, (last, status) in endings.items():
        place = os.path.join(directory, name)
        os.mkdir(place)
        source = "import atexit\natexit.register(lambda: say('own', sorted(os.listdir('.'))))\nKEPT = ['kept']\n" + last + "\n"
        with Live(test, place, source, HELDBY_AT_EXIT="1") as live:
            live.hear("own ['app.py', 'hook.log']" if os.path.exists(os.path.join(place, "hook.log")) else "own ['app.py']")
            live.end(status)
        test.check([facts(test, path)["trigger"] for path in snapshots(place)] == ["exit"], "%s: %s", name, snapshots(place))
    for options in (("-c", "pass"), ("-S", "-E", "-c", "import time; time.sleep(0.01)")):
        place = os.path.join(directory, "short%d" % len(options))
        os.mkdir(place)
        with Live(test, place, "", command=[test.options.python, *options], HELDBY_AT_EXIT="1") as live:
            live.end()
        test.check(len(snapshots(place)) == 1, "python %s: no snapshot at exit", options)
    # Many at once: each is over before its helper thread has had a turn.
    place = os.path.join(directory, "many")
    os.mkdir(place)
    running = [subprocess.Popen([test.options.python, "-c", "pass"], env=test.environment(place, HELDBY_AT_EXIT="1"), cwd=place) for _ in range(24)]
    test.check([process.wait() for process in running] == [0] * 24, "statuses %s", [process.returncode for process in running])
    test.check(len(snapshots(place)) == 24, "24 programs at once left %d snapshots at exit", len(snapshots(place)))


@section
def on_memory_error(test, directory):
    source = r"""
import resource
CACHE = [bytes(1000) for i in range(10000)]
say("ready")
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
def fill():
    filling = []
    try:
        while True:
            filling.append(bytearray(1 << 20))
    except MemoryError:
        return len(filling)
say(fill() > 100, fill() > 100)
say(sorted(name for name in os.listdir(".") if name.endswith(".held")))
"""
    with Live(test, directory, source, HELDBY_ON_MEMORY_ERROR="1") as live:
        live.hear("ready")
        live.hear("True True")
        live.hear()
        live.end()
    found = snapshots(directory)
    test.check([facts(test, path)["trigger"] for path in found] == ["memory_error"], "snapshots: %s %s", found, live.log())


@section
def at_intervals(test, directory):
    with Live(test, directory, SLEEPER, HELDBY_EVERY="0.2") as live:
        live.hear("ready")
        found = wait_for_snapshots(directory, 3)
        test.check(facts(test, found[0])["trigger"] == "interval", "trigger")
        live.kill()
        wait_until(lambda: any(facts(test, path)["trigger"] == "signal" for path in snapshots(directory)), "no signal between intervals")
        live.say()
        live.end()


@section
def descriptors(test, directory):
    source = r"""
os.closerange(3, 256)
say(sorted(os.listdir("/proc/self/fd")))
hear()
say(sorted(os.listdir("/proc/self/fd")))
os.closerange(3, 256)
say("closed")
hear()
say(sorted(os.listdir("/proc/self/fd")))
"""
    with Live(test, directory, source) as live:
        first = live.hear()
        live.kill()
        wait_for_snapshots(directory, 1)
        live.wait_for_log(".1.held")
        live.say()
        test.check(live.hear() == first, "descriptors are kept after a snapshot")
        live.hear("closed")
        live.kill()
        wait_for_snapshots(directory, 2)
        live.wait_for_log(".2.held")
        live.say()
        test.check(live.hear() == first, "descriptors are kept")
        live.end()


@section
def without_the_gil(test, directory):
    source = r"""
say("ready")
hear()
say("holding")
total = sum(range(150000000))
say("released")
hear()
"""
    with Live(test, directory, source, HELDBY_GIL_TIMEOUT="0.2") as live:
        live.hear("ready")
        live.say()
        live.hear("holding")
        time.sleep(0.05) # let it get into the sum, which takes seconds
        live.kill()
        path = wait_for_snapshots(directory, 1)[0]
        found = facts(test, path)
        test.check(found["without_gil"], "not said to be without the GIL: %s", found)
        live.hear("released")
        wait_until(lambda: len(threads(live.pid)) == 2, lambda: "threads are left: %s" % threads(live.pid))
        live.kill()
        path = wait_for_snapshots(directory, 2)[1]
        test.check(not facts(test, path)["without_gil"], "still without the GIL")
        live.say()
        live.end()


@section
def collecting(test, directory):
    """A finalizer that runs inside the collector gives the GIL up: then the collector's lists are not where they should be."""
    source = r"""
import gc
class Slow:
    def __del__(self):
        say("collecting")
        time.sleep(float(sys.argv[1]))
slow = Slow()
slow.own = slow
del slow
gc.collect()
say("collected")
hear()
"""
    for seconds, flagged in (("4", True), ("0.03", False)):
        place = os.path.join(directory, seconds)
        os.mkdir(place)
        with Live(test, place, source, arguments=(seconds,)) as live:
            live.hear("collecting")
            live.kill()
            found = facts(test, wait_for_snapshots(place, 1)[0])
            test.check(found["gc_collecting"] == flagged, "a collection of %s s: flagged %s", seconds, found["gc_collecting"])
            live.hear("collected")
            live.say()
            live.end()


@section
def default_log(test, directory):
    place = os.path.join(directory, "snapshots")
    os.mkdir(place)
    with Live(test, directory, SLEEPER, HELDBY_DIR="snapshots", HELDBY_LOG=None) as live:
        live.hear("ready")
        live.kill()
        wait_for_snapshots(place, 1)
        test.check(os.listdir(place) == ["app.%d.1.held" % live.pid], "more than the snapshot: %s", os.listdir(place))
        status, out, err = test.ask_text("dump", str(live.pid), "-o", os.path.join(directory, "x.held"))
        test.check(status == 0, "dump -o: %s", err)
        test.check(len(os.listdir(place)) == 1, "a log without a problem: %s", os.listdir(place))
        live.say()
        live.end()
    place = os.path.join(directory, "snapshots")
    source = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (512, resource.RLIM_INFINITY))\n" + SLEEPER
    with Live(test, directory, source, HELDBY_DIR="snapshots", HELDBY_LOG=None) as live:
        live.hear("ready")
        live.kill()
        log = os.path.join(place, "heldby.%d.log" % live.pid)
        wait_until(lambda: os.path.exists(log) and "no snapshot" in open(log).read(), "no log of the problem")
        test.check(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z %d no snapshot: .*File too large\n" % live.pid, open(log).read()),
                   "log: %r", open(log).read())
        live.say()
        live.end()


def body(test):
    only = os.environ.get("HELDBY_TEST_ONLY", "").split()
    for function in sections:
        if only and function.__name__ not in only:
            continue
        failed = len(test.failures)
        start = time.monotonic()
        try:
            function(test, test.folder_for(function.__name__))
        except held.Failed as error:
            test.failures.append(str(error))
        except Exception:
            test.failures.append(traceback.format_exc())
        test.failures[failed:] = ["%s: %s" % (function.__name__, text) for text in test.failures[failed:]]
        test.note("%-22s %s (%.1f s)", function.__name__, "ok" if len(test.failures) == failed else "FAILED", time.monotonic() - start)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    held.Test("triggers").main(body)
