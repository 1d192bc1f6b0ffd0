#!/usr/bin/env python3
"""heldby.referrers(), path(), growth() and their like, asked from inside a Python program.

The answer must not contain the asking (programs/python_program.py asks from everywhere: module level, functions, exec, threads,
with lists, unpacked arguments ...): no frame, object or stack slot of the question holds anything, no refcount is higher for it. And
asking must not disturb: no signal, no descriptor, no module, no file stays.
"""
import os
import re

import held
from live import Live

BRANCH = re.compile("^[├└]── ")


def direct_lines(text):
    """The lines of what holds a target directly, and only those that are roots."""
    return [line for line in text.split("\n") if BRANCH.match(line) and "◄" in line]


def check_case(test, case):
    label, data, text = case["label"], case["data"], case["text"]
    test.check(case["same"], "%s: repr() and str() differ", label)
    test.check("heldby" not in re.sub(r"/tmp/\S*", "", text).replace("heldby: ", ""), "%s: the question is in its answer: %s", label, text)
    targets = ["0x%x" % t for t in case["targets"]]
    if case.get("found") is False:
        test.check(not data["found"] and data["paths"] == [] and "path" in text, "%s: %s", label, text)
        return
    if case.get("question") == "path":
        test.check(data["found"] and data["paths"][0]["expression"] == case["expression"], "%s: %s", label, text)
        return
    if case.get("nothing"):
        test.check(not [e for e in data["edges"] if e["kind"] not in ("type", "weak")] and "◄" not in text, "%s: %s", label, text)
        return
    test.check(data["targets"] == targets or sorted(data["targets"]) == sorted(targets), "%s: targets %s", label, data["targets"])
    direct = {e["source"] for e in data["edges"] if e["target"] in targets and e["kind"] not in ("weak", "type")}
    must, may = {"0x%x" % h for h in case["holders"]}, {"0x%x" % h for h in case["possible"]}
    test.check(must <= direct, "%s: holders missing: %s\n%s", label, must - direct, text)
    test.check(case.get("more_holders") or direct <= must | may, "%s: too many holders: %s\n%s", label, direct - must - may, text)
    lines = direct_lines(text)
    for wanted in case["roots"]:
        test.check(any(wanted in line for line in lines), "%s: no root %r\n%s", label, wanted, text)
    for line in lines:
        allowed = case["roots"] + case["possible_roots"]
        test.check(any(name in line for name in allowed), "%s: a root too many: %s\n%s", label, line, text)
        if "<stack>" in line:
            test.check(case["possible_roots"], "%s: a value on the stack: %s\n%s", label, line, text)


def library_folder(test):
    """Where `import heldby` finds the library, and ../bin/heldby beside it the command."""
    base = test.folder_for("installed")
    for part, source, name in (("lib", test.options.lib, "heldby.so"), ("bin", test.options.cli, "heldby")):
        os.makedirs(os.path.join(base, part))
        os.symlink(source, os.path.join(base, part, name))
    return os.path.join(base, "lib")


def asking(test, modules):
    for preload in (False, True):
        directory = test.folder_for("asking-%s" % preload)
        temporary = test.folder_for("temporary-%s" % preload)
        more = {} if preload else {"LD_PRELOAD": ""}
        test.run_program("python_program.py", directory, PYTHONPATH=modules, TMPDIR=temporary, HELDBY_CLI=test.options.cli, **more)
        told = test.told(directory, "python.json")
        for case in told["cases"]:
            case["label"] += " (preloaded)" if preload else ""
            check_case(test, case)
        for label, count in told["refcounts"].items():
            wanted = told["own_refs"] if label == "the tuple" else told["wanted"] + (label in ("own tuple", "the tuple"))
            test.check(count == wanted, "refcount, asked %s: %d, wanted %d", label, count, wanted)
        test.check(os.listdir(temporary) == [], "files stay: %s", os.listdir(temporary))
        test.note("%d questions%s", len(told["cases"]), ", preloaded" if preload else "")


def undisturbed(test, modules):
    """Signals, descriptors, processes, modules, the collector, the environment."""
    temporary = test.folder_for("undisturbed")
    with Live(test, test.folder_for("undisturbed-program"), r"""
import gc, json
got = []
signal.signal(signal.SIGCHLD, lambda number, frame: got.append(number))
signal.set_wakeup_fd(-1)
import heldby
class Thing: pass
x = Thing()
keep = {"x": x}
os.environ["LD_PRELOAD"] = "/nonexistent/library.so"
inheritable, other = os.pipe()
os.set_inheritable(other, True)
def state():
    return (sorted(os.listdir("/proc/self/fd")), gc.get_stats()[2]["collections"], gc.get_stats()[0]["collections"], len(os.listdir("/proc/self/task")),
            os.getcwd(), signal.pthread_sigmask(signal.SIG_BLOCK, []), sorted(os.environ))
gc.disable()
heldby.referrers(x)
def ask():
    modules = set(sys.modules)
    before = state()
    answer = heldby.referrers(x)
    after = state()
    return before == after, sorted(set(sys.modules) - modules), str(answer)
same, modules, text = ask()
say("same", same, modules, got, "Thing" in text)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
say("ignored", "Thing" in str(heldby.path(x)))
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
try:
    os.waitpid(-1, 0)
except ChildProcessError:
    say("no child")
before = set(map(id, gc.get_objects()))
before_count = len(gc.get_objects())
for _ in range(20):
    heldby.referrers(x)
say("objects", len(gc.get_objects()) - before_count)
os.chdir("/")
os.close(0) if False else None
say("closed", "Thing" in str(heldby.referrers(x)))
pid = os.fork()
if pid == 0:
    say("child", "Thing" in str(heldby.referrers(x)))
    os._exit(0)
os.waitpid(pid, 0)
say("data", heldby.referrers(x).data["targets"] == [hex(id(x))])
say("done")
""", preload=False, PYTHONPATH=modules, TMPDIR=temporary, HELDBY_CLI=test.options.cli) as program:
        for wanted in ("same True [] [] True", "ignored True", "no child"):
            line = program.hear()
            test.check(line == wanted, "%r, wanted %r", line, wanted)
        line = program.hear()
        test.check(line.startswith("objects ") and abs(int(line.split()[1])) <= 2, "asking twenty times leaves %s", line)
        for wanted in ("closed True", "child True", "data True", "done"):
            line = program.hear()
            test.check(line == wanted, "%r, wanted %r", line, wanted)
        program.end()
    test.check(os.listdir(temporary) == [], "files stay: %s", os.listdir(temporary))


GROWTH = r"""
import heldby
class Grown: pass
class Shrunk: pass
kept = []
gone = [Shrunk() for _ in range(50)]
first = heldby.growth()
say("base", first.data["rows"], "next" in str(first), len(str(first).split("\n")))
kept += [Grown() for _ in range(100)]
del gone
second = heldby.growth()
rows = {row["type"]: row["counts"] for row in second.data["rows"]}
say("grown", rows.get("__main__.Grown"), "__main__.Grown" in str(second), "heldby" in str(second))
third = heldby.growth()
def others(answer):
    # what this program itself has made meanwhile: its rows and texts
    return [row["type"] for row in answer.data["rows"] if row["counts"][1] > row["counts"][0] and row["type"] not in ("str", "int", "dict", "list", "code", "function", "tuple")]
say("still", others(third))
fourth = heldby.growth()
say("still", others(fourth))
for _ in range(4):
    text = str(heldby.growth())
say("nothing", text.startswith("nothing"))
pid = os.fork()
if pid == 0:
    say("child", heldby.growth().data["rows"])
    kept.append(Grown())
    rows = {row["type"]: row["counts"] for row in heldby.growth().data["rows"]}
    say("child", rows.get("__main__.Grown"))
    sys.exit(0)
os.waitpid(pid, 0)
kept.append(Grown())
rows = {row["type"]: row["counts"] for row in heldby.growth().data["rows"]}
say("after", rows.get("__main__.Grown"))
say("files", len(os.listdir(os.environ["TMPDIR"])))
"""


def growth(test, modules):
    temporary = test.folder_for("growth")
    with Live(test, test.folder_for("growth-program"), GROWTH, preload=False, PYTHONPATH=modules, TMPDIR=temporary, HELDBY_CLI=test.options.cli) as program:
        for wanted in ("base [] True 1", "grown [0, 100] True False", "still []", "still []", "nothing True", "child []", "child [100, 101]", "after [100, 101]", "files 1"):
            line = program.hear()
            test.check(line == wanted, "growth: %r, wanted %r", line, wanted)
        program.end()
    test.check(os.listdir(temporary) == [], "growth: files stay after the end: %s", os.listdir(temporary))


FAILURES = r"""
import heldby, inspect
class Thing: pass
x = Thing()
def attempt(call):
    try:
        say("answer", repr(str(call()).split("\n")[0]))
    except BaseException as error:
        say(type(error).__name__, str(error).split("\n")[0])
attempt(lambda: heldby.referrers())
attempt(lambda: heldby.referrers([]))
attempt(lambda: heldby.referrers(x, dephth=3))
attempt(lambda: heldby.referrers(x, depth="many"))
attempt(lambda: heldby.referrers(x, type="Thing"))
attempt(lambda: heldby.growth(x))
attempt(lambda: heldby.ask())
attempt(lambda: heldby.ask("nonsense", x))
attempt(lambda: heldby.histogram(json=True))
attempt(lambda: heldby.ask("find", type="*NoSuchType*"))
os.environ["HELDBY_CLI"] = "/nonexistent/heldby"
attempt(lambda: heldby.referrers(x))
script = os.path.join(os.environ["TMPDIR"], "sleeper")
with open(script, "w") as out:
    out.write("#!/bin/sh\nexec sleep 100\n")
os.chmod(script, 0o755)
os.environ["HELDBY_CLI"] = script
def ring(number, frame):
    raise TimeoutError("rung")
signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.7)
start = time.monotonic()
attempt(lambda: heldby.referrers(x))
say("quick", time.monotonic() - start < 20)
with open(script, "w") as out:
    out.write("#!/bin/sh\necho 'heldby: the disk is gone' >&2\nexit 4\n")
attempt(lambda: heldby.path(x))
with open(script, "w") as out:
    out.write("#!/bin/sh\nkill -9 $$\n")
attempt(lambda: heldby.path(x))
os.unlink(script)
for name in ("referrers", "referents", "path", "show", "histogram", "growth", "ask", "snapshot"):
    function = getattr(heldby, name)
    inspect.signature(function)
    assert len(function.__doc__) > 60, name
assert "HELDBY_CLI" in heldby.__doc__
say("documented", inspect.signature(heldby.referrers))
os.environ["HELDBY_CLI"] = ""
os.environ["PATH"] = "/nonexistent"
attempt(lambda: heldby.referrers(x))
"""


def failures(test, modules):
    temporary = test.folder_for("failures")
    wanted = [
        "TypeError heldby.referrers() needs an object", "ValueError heldby.referrers() was given an empty list", "ValueError unknown option --dephth",
        "ValueError ", "TypeError heldby.referrers() takes an object or type=, not both", "TypeError heldby.growth() takes options by name only",
        "TypeError heldby.ask(command, ...): the name of a command comes first", "ValueError ", "TypeError the document is .data", "answer ",
        "RuntimeError HELDBY_CLI names /nonexistent/heldby, which cannot be run", "TimeoutError rung", "quick True",
        "RuntimeError heldby path left with status 4: the disk is gone", "RuntimeError heldby path left with status 137", "documented (target",
    ]
    with Live(test, test.folder_for("failures-program"), FAILURES, preload=False, PYTHONPATH=modules, TMPDIR=temporary, HELDBY_CLI=test.options.cli) as program:
        for start in wanted:
            line = program.hear()
            test.check(line.startswith(start), "%r, wanted %r", line, start)
        line = program.hear()
        test.check(line.startswith("answer '__main__.Thing"), "../bin/heldby beside the library was not found: %r", line)
        program.end()
    test.check(os.listdir(temporary) == [], "files stay: %s", os.listdir(temporary))


PITFALLS = r"""
import importlib.machinery, select, threading
class Thing: pass
known = [Thing()]
def callback(): return known
class Chained:
    def __init__(self, loader):
        self.loader, self.callbacks = loader, {"callback": callback}
    def create_module(self, spec): return self.loader.create_module(spec)
    def exec_module(self, module): return self.loader.exec_module(module)
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name == "heldby" else None
        if spec:
            spec.loader = Chained(spec.loader)
        return spec
sys.meta_path.insert(0, Finder)
import heldby
folder, command = os.environ["TMPDIR"], os.environ["HELDBY_CLI"]
say("loader", heldby.path(known[0]).data["paths"][0]["expression"])

def mine(): return 1
count, ours, heldby.snapshot = sys.getrefcount(mine), heldby.snapshot, mine
heldby.histogram()
heldby.snapshot = ours
say("patched", sys.getrefcount(mine) - count)

own = ([Thing(), Thing()],)
say("own tuple", heldby.referrers(*own).data["targets"] == [hex(id(own[0]))])
noise = [Thing()]
sources = {edge["source"] for edge in heldby.referrers(noise[0], exclude=noise).data["edges"]}
say("own list", hex(id(noise)) in sources)

class Passed: pass
waits = threading.Event()
def take(*values): pass
def passes(): take(heldby.snapshot, Passed(), waits.wait())
passing = threading.Thread(target=passes)
passing.start()
def on_stack():
    return "passes.<stack>" in str(heldby.referrers(type="__main__.Passed"))
until(on_stack)
say("beside a function", on_stack())
waits.set()
passing.join()

def ring(number, frame):
    raise TimeoutError("rung")
signal.signal(signal.SIGALRM, ring)
rung = 0
for i in range(40):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001 + 0.004 * i)
        heldby.histogram()
    except TimeoutError:
        rung += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
say("interrupted", rung > 0, os.listdir(folder))

errors = []
def grow():
    try:
        for _ in range(4):
            heldby.growth()
    except Exception as error:
        errors.append(error)
threads = [threading.Thread(target=grow) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
say("growth", errors, len(os.listdir(folder)))

fifo, script = os.path.join(os.getcwd(), "fifo"), os.path.join(os.getcwd(), "waits")
os.mkfifo(fifo)
with open(script, "w") as out:
    out.write("#!/bin/sh\nread line < %s\n" % fifo)
os.chmod(script, 0o755)
door = os.open(fifo, os.O_RDWR)
def children():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid) as file:
                if int(file.read().rpartition(")")[2].split()[1]) == os.getpid():
                    found.append(int(pid))
        except OSError:
            pass
    return found
said = []
def ask():
    try:
        said.append(str(heldby.histogram()))
    except Exception as error:
        said.append(str(error))
os.environ["HELDBY_CLI"] = script
end, other = os.pipe()
asking = threading.Thread(target=ask)
asking.start()
until(lambda: len(children()) == 2)
os.close(other)
say("descriptors", select.select([end], [], [], 20)[0] == [end])
for pid in children():
    os.kill(pid, signal.SIGKILL)
asking.join(30)
say("killed", asking.is_alive(), said)

# as many questions as there can be: none of them is left in the child
del said[:]
threads = [threading.Thread(target=ask) for _ in range(32)]
for thread in threads: thread.start()
until(lambda: len(children()) == 64)
pid = os.fork()
if pid == 0:
    os.environ["HELDBY_CLI"] = command
    hidden = [Thing()]
    say("child", heldby.path(*[hidden[0]]).data["paths"][0]["expression"], heldby.show([hidden[0]]).data["refcount"])
    os._exit(0)
os.waitpid(pid, 0)
os.write(door, b"\n" * 64)
for thread in threads: thread.join()
say("others", set(said))

os.environ["HELDBY_CLI"] = command
del os.environ["TMPDIR"]
os.mkdir("gone")
os.chdir("gone")
os.rmdir("../gone")
say("no folder", "objects" in str(heldby.histogram()))

INSIDE = "import sys; sys.path[:] = %r\nimport heldby\nthing = [object()]\nassert 'thing[0]' in str(heldby.path(thing[0]))" % (sys.path,)
try:
    import _interpreters as interpreters
except ImportError:
    try:
        import _xxsubinterpreters as interpreters
    except ImportError:
        interpreters = None
for _ in range(2 if interpreters else 0):
    try:
        inside = interpreters.create("legacy") if hasattr(interpreters, "new_config") else interpreters.create(isolated=False)
    except TypeError:
        inside = interpreters.create()
    problem = interpreters.run_string(inside, INSIDE)
    assert problem is None, problem
    interpreters.destroy(inside)
say("interpreters", heldby.path(known[0]).data["paths"][0]["expression"])
"""


def pitfalls(test, modules):
    """Programs that do what they should not, and bad luck."""
    temporary = test.folder_for("pitfalls")
    wanted = [
        "loader __main__.known[0]", "patched 0", "own tuple True", "own list True", "beside a function True", "interrupted True []", "growth [] 1",
        "descriptors True", "killed False ['heldby histogram left with status 137: ']", "child __main__.hidden[0] 1", "others {''}", "no folder True",
        "interpreters __main__.known[0]",
    ]
    with Live(test, test.folder_for("pitfalls-program"), PITFALLS, preload=False, PYTHONPATH=modules, TMPDIR=temporary, HELDBY_CLI=test.options.cli) as program:
        for line in wanted:
            heard = program.hear()
            test.check(heard == line, "pitfalls: %r, wanted %r", heard, line)
        program.end()
    test.check(os.listdir(temporary) == [], "pitfalls: files stay: %s", os.listdir(temporary))


def body(test):
    modules = library_folder(test)
    asking(test, modules)
    undisturbed(test, modules)
    growth(test, modules)
    failures(test, modules)
    pitfalls(test, modules)


if __name__ == "__main__":
    held.Test("questions from Python, without the asking in the answer").main(body)
