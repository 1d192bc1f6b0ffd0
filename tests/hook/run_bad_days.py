#!/usr/bin/env python3
"""What goes wrong around a snapshot must not reach the program, leave a file that is not whole, or pass in silence.

A storm of signals, a full disk, a folder that is gone, limits on file size, memory and processes, a walk that is killed or stuck, a
fork that is refused, an interpreter that ends meanwhile; a Python that is not supported; a thousand snapshots in a row.
"""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback

import held
from live import Live, facts, leftovers, snapshots, threads as thread_names, wait_for_snapshots, wait_until, walkers
from run_triggers import SLEEPER, import_path

sections = []


def section(function):
    sections.append(function)
    return function


def nobody():
    """Becomes a user whom limits on processes bind; the interpreter is open already."""
    os.setgid(12345)
    os.setuid(12345)


def fails(test, live, words, count=1, trigger=None):
    """Asks for a snapshot that cannot be: a line in the log, no file, and the program goes on."""
    before = snapshots(live.directory)
    (trigger or live.kill)()
    lines = [line for line in live.wait_for_log("no snapshot", count) if "no snapshot" in line]
    test.check(re.search(words, lines[-1]), "the line in the log: %r, wanted %r", lines[-1], words)
    test.check(snapshots(live.directory) == before, "a file under a final name: %s", snapshots(live.directory))
    test.check(leftovers(live.directory) == [], "temporary files: %s", leftovers(live.directory))
    test.check(live.process.poll() is None, "the program has ended")


# Output in pieces of many sizes, from threads that allocate, with reads, sleeps and child processes; the same each time.
STORM = r"""
import hashlib, subprocess, threading
def work(number, results):
    keep = []
    digest = hashlib.sha256()
    for round in range(int(sys.argv[1])):
        keep.append([str(number * 1000 + round)] * (round % 50))
        keep.append({"k%d" % i: (i, [i]) for i in range(round % 20)})
        digest.update(repr(keep[-2:]).encode())
        if round % 3 == 0:
            del keep[:len(keep) // 2]
        if round % 40 == 0:
            time.sleep(0.001)
    results[number] = digest.hexdigest()
say("ready")
results = {}
threads = [threading.Thread(target=work, args=(number, results)) for number in range(4)]
for thread in threads:
    thread.start()
for line in sys.stdin:
    sys.stdout.write(line.upper() * (len(line) % 7 + 1))
    if len(line) % 10 == 0:
        sys.stdout.flush()
        print("error", len(line), file=sys.stderr)
for thread in threads:
    thread.join()
read, write = os.pipe()
os.write(write, b"x" * 40000)
os.close(write)
print(len(os.fdopen(read, "rb").read()), subprocess.check_output(["echo", "from a child"]).decode())
pid = os.fork()
if pid == 0:
    os.write(1, b"child\n")
    os._exit(4)
print("child left with", os.waitpid(pid, 0)[1] >> 8)
print(sorted(results.items()))
"""


@section
def storm(test, directory):
    lines = b"".join(b"line %d %s\n" % (i, b"." * (i * 7 % 83)) for i in range(4000))

    def run(place, rounds, hooked):
        environment = test.environment(place)
        if not hooked:
            del environment["LD_PRELOAD"]
        script = os.path.join(directory, "storm.py")
        with open(script, "w") as text:
            text.write("import os, sys, time\ndef say(word):\n    os.write(1, word.encode() + b'\\n')\n" + STORM)
        process = subprocess.Popen([test.options.python, "-W", "ignore", script, str(rounds)], env=environment, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=directory)
        head = os.read(process.stdout.fileno(), 6)
        heard = {}
        readers = [threading.Thread(target=lambda name=name: heard.update({name: getattr(process, name).read()})) for name in ("stdout", "stderr")]
        for reader in readers:
            reader.start()
        senders = []
        if hooked:
            sender = ("import os, signal, sys, time\nsent = 0\ntry:\n while sent < 4000:\n  os.kill(%d, signal.SIGUSR2); sent += 1\n"
                      "  if sent %% 50 == 0: time.sleep(0.002)\nexcept ProcessLookupError: pass\nprint(sent)" % process.pid)
            senders = [subprocess.Popen([sys.executable, "-c", sender], stdout=subprocess.PIPE) for _ in range(3)]
        process.stdin.write(lines[:len(lines) // 2])
        process.stdin.flush()
        sent = sum(int(sender.communicate()[0]) for sender in senders)
        process.stdin.write(lines[len(lines) // 2:])
        process.stdin.close()
        for reader in readers:
            reader.join(300)
        process.wait(300)
        return process.returncode, head + heard["stdout"], heard["stderr"], sent

    plain = os.path.join(directory, "plain")
    hooked = os.path.join(directory, "hooked")
    os.mkdir(plain)
    os.mkdir(hooked)
    rounds = 2500
    wanted = run(plain, rounds, False)
    found = run(hooked, rounds, True)
    test.check(wanted[0] == 0, "the program itself fails: %s", wanted)
    test.check(found[:3] == wanted[:3], "status %s, output %d and %d bytes differ from %s, %d and %d: %r", found[0], len(found[1]),
               len(found[2]), wanted[0], len(wanted[1]), len(wanted[2]), found[2][-500:])
    wait_until(lambda: not leftovers(hooked), lambda: "temporary files: %s" % leftovers(hooked))
    count = len(snapshots(hooked))
    test.note("storm: %d signals, %d snapshots", found[3], count)
    test.check(found[3] == 12000, "only %d signals were sent", found[3])
    test.check(1 <= count < found[3] // 2, "%d signals made %d snapshots", found[3], count)
    for path in snapshots(hooked)[::max(1, count // 5)]:
        facts(test, path)


@section
def coalescing(test, directory):
    """Signals during a capture cause one more, not many."""
    with Live(test, directory, "kept = [[i, str(i)] for i in range(1500000)]\n" + SLEEPER) as live:
        live.hear("ready")
        live.kill()
        walker = wait_until(lambda: walkers(live.pid), "no walk to be seen")[0]
        os.kill(walker, signal.SIGSTOP)
        for _ in range(200):
            live.kill()
            time.sleep(0.0005)
        os.kill(walker, signal.SIGCONT)
        wait_for_snapshots(directory, 2)
        time.sleep(1)
        test.check(len(snapshots(directory)) == 2, "200 signals during a capture: %d snapshots", len(snapshots(directory)))
        live.say()
        live.end()


EVERYTHING = r"""
import gc, threading
import heldby
stop = time.monotonic() + float(sys.argv[1])
wrong = []
def guarded(function):
    def run():
        try:
            while time.monotonic() < stop:
                function()
        except BaseException as error:
            wrong.append(repr(error))
    return threading.Thread(target=run)
def fork():
    pid = os.fork()
    if pid == 0:
        gc.collect()
        if time.monotonic() % 1 < 0.3:
            heldby.snapshot("child.held")
        os._exit(7)
    if os.waitpid(pid, 0) != (pid, 7 << 8):
        wrong.append("child")
def ask():
    heldby.snapshot("own.held", wait=time.monotonic() % 1 < 0.5)
def allocate():
    keep = [[{"a": i}, (i, str(i))] for i in range(2000)]
    keep.append(keep)
def install():
    signal.signal(signal.SIGUSR2, [signal.SIG_DFL, signal.SIG_IGN, lambda *ignored: None][int(time.monotonic() * 1000) % 3])
threads = [guarded(function) for function in (fork, ask, ask, allocate, allocate)]
for thread in threads:
    thread.start()
say("ready")
while time.monotonic() < stop:
    install()
    gc.collect()
    fork()
for thread in threads:
    thread.join()
say("wrong", wrong)
"""


@section
def everything_at_once(test, directory):
    with Live(test, directory, EVERYTHING, python_options=("-W", "ignore"), arguments=("6",), PYTHONPATH=import_path(test, directory),
              HELDBY_EVERY="0.05") as live:
        live.hear("ready")
        done = threading.Event()

        def send():
            while not done.is_set():
                try:
                    live.kill()
                except ProcessLookupError:
                    return
                time.sleep(0.001)

        def dump():
            while not done.is_set():
                status, out, err = test.ask_text("dump", str(live.pid), "-o", os.path.join(directory, "dump.held"))
                if status:
                    problems.append(err)

        problems = []
        others = [threading.Thread(target=send), threading.Thread(target=dump)]
        for other in others:
            other.start()
        try:
            test.check(live.hear("wrong") == "wrong []", "something went wrong in the program")
        finally:
            done.set()
        live.end()
        for other in others:
            other.join()
        problems = [problem for problem in problems if not re.search("ended|no process|interpreter is", problem)]
        test.check(problems == [], "dump: %s", problems[:3])
        lines = [line for line in live.log() if "no snapshot" in line and not re.search("interpreter is (not running|shutting)", line)]
        test.check(lines == [], "problems: %s", lines[:3])
        wait_until(lambda: not leftovers(directory), lambda: "temporary files: %s" % leftovers(directory))
        kinds = {facts(test, path)["trigger"] for path in snapshots(directory)[::len(snapshots(directory)) // 8 + 1]}
        test.note("everything: %d snapshots by %s", len(snapshots(directory)), sorted(kinds))
        taken = [line for line in live.log() if " snapshot " in line and "no snapshot" not in line]
        test.check(len(snapshots(directory)) >= 1 and len(taken) > 10, "hardly a snapshot: %s", taken[-5:])


@section
def full_disk(test, directory):
    if os.geteuid() != 0:
        test.note("skipped: a small file system needs root")
        return
    place = os.path.join(directory, "small")
    os.mkdir(place)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], stderr=subprocess.DEVNULL).returncode:
        test.note("skipped: no file system can be mounted here")
        return
    try:
        live = Live(test, directory, SLEEPER, HELDBY_DIR=place)
        with live:
            live.hear("ready")
            fails(test, live, "No space left on device")
            test.check(os.listdir(place) == [], "files on the full disk: %s", os.listdir(place))
            status, out, err = test.ask_text("dump", str(live.pid))
            test.check(status == 4 and out == "" and "No space left on device" in err, "dump: %s %r %r", status, out, err)
            own = os.path.join(directory, "own.held")
            status, out, err = test.ask_text("dump", str(live.pid), "-o", own)
            test.check(status == 0, "dump to another disk: %s", err)
            facts(test, own)
            live.say()
            live.end()
    finally:
        subprocess.run(["umount", place])


@section
def quota(test, directory):
    shim = os.path.join(os.path.dirname(test.options.lib), "libheldby_test_quota.so")
    place = os.path.join(directory, "limited")
    os.mkdir(place)
    preload = "%s:%s" % (shim, test.options.lib)
    with Live(test, directory, SLEEPER, HELDBY_DIR=place, LD_PRELOAD=preload, QUOTA_FOLDER=place) as live:
        live.hear("ready")
        fails(test, live, "cannot write the snapshot: Disk quota exceeded")
        test.check(os.listdir(place) == [], "files beyond the quota: %s", os.listdir(place))
        own = os.path.join(directory, "own.held")
        status, out, err = test.ask_text("dump", str(live.pid), "-o", own)
        test.check(status == 0, "dump where there is room: %s", err)
        live.say()
        live.end()


@section
def folder_is_gone(test, directory):
    place = os.path.join(directory, "gone")
    os.mkdir(place)
    with Live(test, directory, SLEEPER, HELDBY_DIR=place) as live:
        live.hear("ready")
        os.rmdir(place)
        fails(test, live, "cannot create a file in .*/gone: No such file or directory")
        os.mkdir(place)
        live.kill()
        wait_for_snapshots(place, 1)
        live.say()
        live.end()


@section
def unwritable_folder(test, directory):
    place = os.path.join(directory, "closed")
    os.mkdir(place, 0o555)
    source = "os.path.exists('own') or os.setuid(12345)\n" + SLEEPER
    if os.geteuid() != 0:
        source = SLEEPER
    with Live(test, directory, source, HELDBY_DIR=place) as live:
        live.hear("ready")
        if os.geteuid() == 0:  # the log is the first user's; another one may not write to it
            live.kill()
            status, out, err = test.ask_text("dump", str(live.pid))
            test.check(status == 4 and "Permission denied" in err, "dump: %s %r %r", status, out, err)
        else:
            fails(test, live, "Permission denied")
        test.check(os.listdir(place) == [], "files: %s", os.listdir(place))
        live.say()
        live.end()


@section
def file_size_limit(test, directory):
    source = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n" + SLEEPER
    with Live(test, directory, source) as live:
        live.hear("ready")
        fails(test, live, "File too large")
        fails(test, live, "File too large", 2)
        live.say()
        live.end()
    # Python ignores SIGXFSZ; a program that wants it must not get it for our file
    source = ("import resource\nsignal.signal(signal.SIGXFSZ, lambda *ignored: say('XFSZ'))\n"
              "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\nsay('ready')\nhear()\nsay('heard')\n")
    place = os.path.join(directory, "caught")
    os.mkdir(place)
    with Live(test, place, source) as live:
        live.hear("ready")
        fails(test, live, "File too large")
        live.say()
        live.hear("heard")
        live.end()


@section
def memory_limit(test, directory):
    source = r"""
import resource
fill = [bytearray(1 << 20) for i in range(40)]
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (3 << 20), used + (3 << 20)))
say("ready")
hear()
say(len([i for i in range(10000)]))
hear()
"""
    with Live(test, directory, source) as live:
        live.hear("ready")
        live.kill()
        wait_until(lambda: snapshots(directory) or live.log(), "neither a snapshot nor a line in the log")
        if snapshots(directory):
            facts(test, snapshots(directory)[0])
        else:
            test.check("no snapshot" in live.log()[-1], "log: %s", live.log())
            test.check(leftovers(directory) == [], "temporary files: %s", leftovers(directory))
        live.say()
        live.hear("10000")
        live.say()
        live.end()
    # The soft limit binds the program; its copy may go up to the hard one.
    place = os.path.join(directory, "soft")
    os.mkdir(place)
    with Live(test, place, source.replace("(3 << 20), used + (3 << 20)", "(3 << 20), resource.RLIM_INFINITY")) as live:
        live.hear("ready")
        live.kill()
        facts(test, wait_for_snapshots(place, 1)[0])
        live.say()
        live.hear("10000")
        live.say()
        live.end()


@section
def no_more_processes(test, directory):
    """RLIMIT_NPROC forbids thread and fork: the walk is made in the process, and the file says so."""
    if os.geteuid() != 0:
        test.note("skipped: to be a user of one's own needs root")
        return
    os.chmod(test.folder, 0o755)
    os.chmod(directory, 0o777)
    source = r"""
import resource, threading
os.setgid(12345)
os.setuid(12345)
try:
    import ctypes
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0) # dumpable again, as it would be without the change of user
except ImportError:
    pass
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
try:
    threading.Thread(target=len, args=("",)).start()
except RuntimeError as error:
    say("refused")
hear()
say(sum(range(10)))
hear()
"""
    log = os.path.join(directory, "hook.log")
    open(log, "w").close()
    os.chmod(log, 0o666)
    with Live(test, directory, source, python_options=("-W", "ignore")) as live:
        live.hear("refused")
        live.kill()
        path = wait_until(lambda: snapshots(directory) or ("no snapshot" in "".join(live.log()) and ["failed"]), "nothing happened")[0]
        test.check(path != "failed", "log: %s", live.log())
        if path != "failed":
            found = facts(test, path)
            test.check(found["mode"] == "in_process" and not found["without_gil"], "facts: %s", found)
            test.check(found["counts"]["objects"] > 1000, "objects: %s", found["counts"])
        live.say()
        live.hear("45")
        live.kill()
        wait_for_snapshots(directory, 2)
        live.say()
        live.end()


@section
def killed_walk(test, directory):
    # Enough to walk that it can be met on the way.
    source = "kept = [[i, str(i)] for i in range(1500000)]\n" + SLEEPER
    with Live(test, directory, source) as live:
        live.hear("ready")
        # A fault ends an object's visit or the collector's lists early, or the whole walk: that depends on where it is met.
        for count, number, words in ((1, signal.SIGKILL, "ended by signal 9"), (2, signal.SIGSEGV, None), (3, signal.SIGKILL, "ended by signal 9")):
            refused = len([line for line in live.log() if "no snapshot" in line])
            live.kill()
            walker = wait_until(lambda: walkers(live.pid), "no walk to be seen")[0]
            os.kill(walker, number)
            if words:
                lines = [line for line in live.wait_for_log("no snapshot", refused + 1) if "no snapshot" in line]
                test.check(words in lines[-1], "log: %r", lines[-1])
            else:
                live.wait_for_log("snapshot", count)
            test.check(leftovers(directory) == [], "temporary files: %s", leftovers(directory))
            if words:
                test.check(snapshots(directory) == [] or count > 1, "a file under a final name: %s", snapshots(directory))
            test.check(live.process.poll() is None, "the program ended with its walk")
            wait_until(lambda: not walkers(live.pid), "the walk is still there")
        # What is meant for the program does not end the walk.
        before = len(snapshots(directory))
        live.kill()
        walker = wait_until(lambda: walkers(live.pid), "no walk to be seen")[0]
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            os.kill(walker, number)
        facts(test, wait_for_snapshots(directory, before + 1)[-1])
        live.say()
        live.end()


@section
def stuck_walk(test, directory):
    source = "kept = [[i, str(i)] for i in range(1500000)]\n" + SLEEPER
    with Live(test, directory, source, HELDBY_WALK_TIMEOUT="1") as live:
        live.hear("ready")

        def stop():
            live.kill()
            os.kill(wait_until(lambda: walkers(live.pid), "no walk to be seen")[0], signal.SIGSTOP)

        fails(test, live, "took too long", trigger=stop)
        test.check(walkers(live.pid) == [], "the walk is still there")
        live.say()
        live.end()


@section
def program_ends_first(test, directory):
    """The walk completes its file by itself when the program is gone."""
    source = "kept = [[i, str(i)] for i in range(1500000)]\n" + SLEEPER
    with Live(test, directory, source) as live:
        live.hear("ready")
        live.kill()
        wait_until(lambda: walkers(live.pid), "no walk to be seen")
        live.process.kill()
        live.end(-9)
        facts(test, wait_for_snapshots(directory, 1)[0])
        test.check(leftovers(directory) == [], "temporary files: %s", leftovers(directory))


@section
def interpreter_ends(test, directory):
    """The trigger meets every stage of an interpreter's end, and of its beginning."""
    source = r"""
import atexit, threading
class Last:
    def __del__(self):
        time.sleep(0.002)
keep = [Last() for i in range(10)]
atexit.register(lambda: time.sleep(0.002))
threading.Thread(target=lambda: time.sleep(0.001)).start()
"""
    script = os.path.join(directory, "ending.py")
    with open(script, "w") as text:
        text.write("import sys, time\n" + source)
    environment = test.environment(directory)
    bad = []
    for round_number in range(40):
        process = subprocess.Popen([test.options.python, script], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Before the hook is there the signal would end the process, as it should.
        wait_until(lambda: process.poll() is not None or "heldby:12" in alive_threads(process.pid), "no helper")
        while process.poll() is None:
            try:
                process.send_signal(signal.SIGUSR2)
            except ProcessLookupError:
                break
            time.sleep(0.0003 * (round_number % 10 + 1))
        out, err = process.communicate()
        if (process.returncode, out, err) != (0, b"", b""):
            bad.append((process.returncode, out, err[-300:]))

    test.check(bad == [], "the program suffered: %s", bad[:3])
    wait_until(lambda: not leftovers(directory), lambda: "temporary files: %s" % leftovers(directory))


def alive_threads(pid):
    try:
        return thread_names(pid)
    except OSError:
        return []


def stays_off(test, place, command, why, **environment):
    """The hook says why in its log, starts nothing, and leaves the signal alone."""
    os.mkdir(place)
    with Live(test, place, SLEEPER.replace("hear()", "sys.stdin.readline()"), command=command(place), **environment) as live:
        live.hear("ready")
        test.check(len(thread_names(live.pid)) == 1, "%s: threads %s", command(place), thread_names(live.pid))
        log = "".join(live.log())
        test.check(re.search("the hook stays off: .*" + why, log), "%s: log %s", command(place), log)
        live.kill()
        live.end(-signal.SIGUSR2)


@section
def not_supported(test, directory):
    """Pythons that are too old, free-threaded, debug builds or unknown: a line in the log, and the signal is left alone."""
    found = [(shutil.which(name), "older than 3.8") for name in ("python3.7", "python3.6", "python2.7")]
    found += [(shutil.which(name), "free-threaded build") for name in ("python3.13t", "python3.14t")]
    found += [(shutil.which(name), "debug build") for name in ("python3-dbg", "python3.11-dbg", "python3.11d")]
    for pattern, why in (("3.7.*", "older than 3.8"), ("2.7.*", "older than 3.8"), ("3.*t", "free-threaded build"), ("3.*-debug", "debug build")):
        found += [(path, why) for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/%s/bin/python" % pattern)))]
    ran = 0
    for python, why in dict(found).items():
        if python is None or subprocess.run([python, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            continue
        ran += 1
        stays_off(test, os.path.join(directory, str(ran)), lambda place: [python, os.path.join(place, "app.py")], why)
    test.note("%d Pythons here that are not supported, and programs that stand in for others" % ran)
    folder = os.path.dirname(test.options.lib)
    for version, kind, why in (("3.13.5 experimental free-threading build (main)", "release", "free-threaded build"),
                               ("3.14.0 free-threading build (main)", "release", "free-threaded build"),
                               ("3.11.2 (main)", "debug", "debug build"), ("3.7.16 (default)", "release", "older than 3.8"),
                               ("3.15.0a1 (main)", "release", "no layout"), ("4.0.0 (main)", "release", "no layout"),
                               ("3.11.2 (main)", "release", "does not export")):
        ran += 1
        stays_off(test, os.path.join(directory, str(ran)), lambda place: [os.path.join(folder, "heldby_stand_in_" + kind)], why,
                  STAND_IN_VERSION=version)


@section
def forked_by_a_thread(test, directory):
    """The child's only thread is no main thread: when its function returns the process is over, hook or not."""
    source = """
import threading, warnings
warnings.simplefilter("ignore")
def fork(late):
    pid = os.fork()
    if pid == 0:
        if late:
            threading.Thread(target=lambda: (time.sleep(0.3), say("late"))).start()
        return
    began = time.monotonic()
    say(os.waitpid(pid, 0)[1], time.monotonic() - began < 5)
for late in (False, True):
    thread = threading.Thread(target=fork, args=(late,))
    thread.start()
    thread.join()
"""
    for number, every in enumerate(("", "0.01")):
        place = os.path.join(directory, str(number))
        os.mkdir(place)
        with Live(test, place, source, HELDBY_EVERY=every) as live:
            live.hear("0 True")
            live.hear("late")
            live.hear("0 True")
            live.end()
    wait_until(lambda: not leftovers(directory), lambda: "temporary files: %s" % leftovers(directory))


@section
def two_copies(test, directory):
    """Preloaded from one file and imported from another: one hook, not two."""
    modules = os.path.join(directory, "modules")
    os.mkdir(modules)
    shutil.copy(test.options.lib, os.path.join(modules, "heldby.so"))
    source = "import heldby\nsay(heldby.armed())\nsay(heldby.snapshot())\nhear()\n"
    with Live(test, directory, source, PYTHONPATH=modules) as live:
        live.hear("True")
        live.hear(os.path.join(directory, "app.%d.1.held" % live.pid))
        test.check(thread_names(live.pid).count("heldby:12") == 1, "threads: %s", thread_names(live.pid))
        live.kill()
        wait_for_snapshots(directory, 2)
        time.sleep(0.2)
        test.check(len(snapshots(directory)) == 2, "one signal, two snapshots")
        live.say()
        live.end()


@section
def without_zstd(test, directory):
    """Where libzstd cannot be opened, blocks are stored; it is one format."""
    fake = os.path.join(directory, "libraries")
    os.mkdir(fake)
    with open(os.path.join(fake, "libzstd.so.1"), "w") as text:
        text.write("not a library\n")
    with Live(test, directory, SLEEPER, LD_LIBRARY_PATH=fake) as live:
        live.hear("ready")
        live.kill()
        plain = wait_for_snapshots(directory, 1)[0]
        live.say()
        live.end()
    test.check(facts(test, plain)["counts"]["objects"] > 1000, "objects")
    test.check(test.ask_text("verify", plain)[0] == 0, "verify: %s", test.ask_text("verify", plain))


def measure(pid):
    with open("/proc/%d/status" % pid) as status:
        text = status.read()
    return {"rss": int(re.search(r"VmRSS:\s*(\d+)", text).group(1)), "size": int(re.search(r"VmSize:\s*(\d+)", text).group(1)),
            "threads": int(re.search(r"Threads:\s*(\d+)", text).group(1)), "descriptors": len(os.listdir("/proc/%d/fd" % pid))}


@section
def a_thousand(test, directory):
    with Live(test, directory, SLEEPER, HELDBY_VALUES="0") as live:
        live.hear("ready")
        first = None
        for count in range(1, 1001):
            path = os.path.join(directory, "app.%d.%d.held" % (live.pid, count))
            live.kill()
            wait_until(lambda: os.path.exists(path), lambda: "no snapshot number %d\n%s" % (count, live.log()[-3:]))
            if count == 1000:
                facts(test, path)
            live.wait_for_log(".%d.held" % count) if count in (100, 1000) else None
            os.unlink(path)
            if count == 100:
                time.sleep(0.2)
                first = measure(live.pid)
        time.sleep(0.2)
        last = measure(live.pid)
        test.check(last["threads"] == first["threads"] and last["descriptors"] == first["descriptors"], "grown: %s -> %s", first, last)
        test.check(last["rss"] <= first["rss"] + 512, "RSS has grown: %s -> %s", first, last)
        test.check(last["size"] <= first["size"] + 2048, "address space has grown: %s -> %s", first, last)
        test.check(leftovers(directory) == [], "temporary files: %s", leftovers(directory))
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
        test.note("%-20s %s (%.1f s)", function.__name__, "ok" if len(test.failures) == failed else "FAILED", time.monotonic() - start)


if __name__ == "__main__":
    held.Test("bad days").main(body)
