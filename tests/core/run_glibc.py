#!/usr/bin/env python3
"""glibc's malloc: every live block found, none misread. Programs (programs/malloc_truth.c) write down what they hold; glibc_blocks compares.

The glibc of this machine is always tested. Others come from where HELDBY_GLIBCS says (folders, separated by colons, each with an unpacked libc6 and
libc6-dev), or are fetched by apt-get from this machine's own mirror, of other releases of Debian, into BUILD/tests/core/glibc; those that
cannot be had are skipped, and counted.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys

import cores
from cores import Failed, Running

RELEASES = ["bullseye", "trixie", "forky"]  # 2.31, 2.41, and the newest

SECTIONS = []
SKIPPED = []


def section(function):
    SECTIONS.append(function)
    return function


def skip(test, message, *arguments):
    SKIPPED.append(message % arguments)
    test.note("SKIPPED: " + message, *arguments)


# ---- asking ---------------------------------------------------------------------------------------------------------
def blocks_program(test):
    path = os.path.join(test.options.build or "", "tests", "core", "glibc_blocks")
    if not os.path.exists(path):
        raise Failed("no glibc_blocks in the build folder (%s)" % path)
    return path


def ask(test, core, truth=None, *options, **environment):
    """{name: number or text}; what it says beside that is in ["notes"]."""
    command = [blocks_program(test), *options, core] + ([truth] if truth else [])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, env=dict(os.environ, **environment))
    if done.returncode:
        raise Failed("%s: status %d: %s" % (command, done.returncode, done.stderr.decode()))
    answer = {"notes": []}
    for line in done.stdout.decode().splitlines():
        if line.startswith("#"):
            answer["notes"].append(line)
            continue
        name, _, value = line.partition(" ")
        answer[name] = int(value) if value.isdigit() else value
    return answer


def run(test, program, seed, threads, slots, milliseconds, options, way="kernel", **environment):
    """(core, truth) of one run in a folder of its own."""
    folder = os.path.join(test.folder, "run.%s.%d.%s" % (os.path.basename(program), seed, options))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    command = [program, "truth", seed, threads, slots, milliseconds, options]
    command = [str(word) for word in command]
    environment = dict(os.environ, **environment)
    if way == "gcore":
        with Running(command, folder, env=environment) as running:
            if running.hear() != "ready":
                raise Failed("%s is not ready" % command)
            core = os.path.join(folder, "core.%d" % running.pid)
            done = subprocess.run(["gcore", "-o", os.path.join(folder, "core"), str(running.pid)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if done.returncode or not os.path.exists(core):
                raise Failed("gcore: %s" % done.stderr.decode())
    else:
        core, _ = test.crash(command, folder, env=environment)
    return core, os.path.join(folder, "truth")


def drop(core):
    shutil.rmtree(os.path.dirname(core), ignore_errors=True)


def judge(test, what, answer, threads, quiet=True, libc_blocks=16, exact=True):
    """Every live block found and large enough; of the others only what libc itself holds."""
    found = all([
        test.check(answer["live"] > 100, "%s: only %s live blocks", what, answer["live"]),
        test.check(answer["missing"] == 0, "%s: %s of %s live blocks missing", what, answer["missing"], answer["live"]),
        test.check(answer["small"] == 0, "%s: %s blocks too small", what, answer["small"]),
        test.check(answer["inexact"] == 0 or not exact, "%s: %s blocks not of the size that malloc_usable_size gave", what, answer["inexact"]),
        test.check(answer["dead"] <= answer["coming"] + answer["changing"], "%s: %s freed blocks called used, %s under way", what, answer["dead"],
                   answer["coming"]),
        test.check(answer["extra"] <= libc_blocks + 4 * threads + answer["coming"], "%s: %s blocks are none of the program's", what, answer["extra"]),
        test.check("miscounted" not in answer and "overlaps" not in answer, "%s: counts do not agree", what),
    ])
    if quiet:
        found &= test.check(answer["verdict"] == "found", "%s: verdict %s", what, answer["verdict"])
        found &= test.check(answer["checks_differ"] == 0, "%s: self-checks differ", what)
        found &= test.check(answer["warnings"] == 0, "%s: warnings", what)
    if not found:
        for note in answer["notes"][:12]:
            test.note("%s: %s", what, note)


def case(test, what, program, seed, threads, slots, milliseconds, options, way="kernel", **environment):
    core, truth = run(test, program, seed, threads, slots, milliseconds, options, way, **environment)
    answer = ask(test, core, truth)
    judge(test, "%s (%d threads, %s%s)" % (what, threads, options, "".join(" " + v for v in environment.values())), answer, threads,
          quiet="k" in options or "q" in options,
          exact="MALLOC_CHECK_" not in environment)  # then malloc_usable_size is without the bytes of the check
    drop(core)
    return answer


# ---- the glibc of this machine --------------------------------------------------------------------------------------
QUIET = [
    ("one thread", 0, "k"), ("mapped and aligned blocks", 0, "kmaA"), ("threads", 4, "kma"), ("threads, large aligned", 3, "kmaA"),
    ("brk blocked", 0, "kb"), ("brk blocked, mapped blocks", 2, "kbm"), ("brk blocked half-way", 0, "kBma"), ("foreign sbrk", 0, "ks"),
    ("foreign sbrk, threads", 2, "ksa"), ("foreign sbrk, then blocked", 0, "ksB"), ("trimmed", 0, "kt"), ("trimmed, threads", 2, "ktm"),
    ("fastbins to 160 bytes", 2, "kf"), ("many free chunks", 0, "kr"), ("one size", 2, "ku"),
]
TUNABLES = [
    (2, "glibc.malloc.tcache_count=0"), (0, "glibc.malloc.mxfast=0"), (0, "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"),
    (4, "glibc.malloc.arena_max=1"), (4, "glibc.malloc.arena_max=2"), (1, "glibc.malloc.hugetlb=1"), (2, "glibc.malloc.hugetlb=2"),
    (1, "glibc.malloc.mmap_threshold=4096"), (1, "glibc.malloc.trim_threshold=1:glibc.malloc.top_pad=0"), (0, "glibc.malloc.perturb=85"),
    (1, "glibc.malloc.tcache_max=64"), (1, "glibc.malloc.tcache_count=1000"), (0, "glibc.malloc.mmap_max=0"),
]


@section
def quiet(test):
    program = test.build("malloc_truth.c", "-O1", "-pthread")
    for seed, (what, threads, options) in enumerate(QUIET):
        case(test, what, program, seed + 1, threads, 8000, 250, options)
    case(test, "long-lived", program, 77, 3, 60000, 900, "kmS")
    for seed, (threads, tunables) in enumerate(TUNABLES):
        case(test, "tunables", program, 100 + seed, threads, 8000, 200, "kma", GLIBC_TUNABLES=tunables)
    # Threads that end give their caches back; new ones take over blocks of the old: libc's own, at addresses the program had.
    core, truth = run(test, program, 200, 3, 8000, 500, "kdm")
    answer = ask(test, core, truth)
    test.check(answer["missing"] == 0 and answer["small"] == 0, "threads come and go: %s missing, %s small", answer["missing"], answer["small"])
    test.check(answer["dead"] <= 9, "threads come and go: %s freed blocks called used", answer["dead"])
    drop(core)


@section
def several_mallocs(test):
    """libc_malloc_debug.so has a malloc of its own beside libc's; dlmopen brings a second libc in."""
    program = test.build("malloc_truth.c", "-O1", "-pthread")
    if glob.glob("/lib/x86_64-linux-gnu/libc_malloc_debug.so.0"):
        for options in ("kma", "ma"):
            case(test, "MALLOC_CHECK_", program, 3, 2, 8000, 200, options, MALLOC_CHECK_="3", LD_PRELOAD="libc_malloc_debug.so.0")
    else:
        skip(test, "there is no libc_malloc_debug.so.0")
    program = test.build("malloc_twice.c", "-O1", "-ldl")
    answer = written(test, program)
    judge(test, "two libcs", answer, 0)
    test.check(answer["arenas"] == 2, "two libcs: %s arenas", answer["arenas"])


def written(test, program):
    """What is found of a program that writes the truth to a file and dies."""
    folder = test.folder_for(os.path.basename(program) + ".run")
    core, _ = test.crash([program, "truth"], folder)
    answer = ask(test, core, os.path.join(folder, "truth"))
    drop(core)
    return answer


@section
def lookalikes(test):
    judge(test, "blocks like caches", written(test, test.build("malloc_lookalikes.c", "-O1")), 0)


@section
def gcore(test):
    if not shutil.which("gcore"):
        return skip(test, "gcore (gdb) is not installed")
    program = test.build("malloc_truth.c", "-O1", "-pthread")
    for seed, (threads, options) in enumerate([(0, "qm"), (3, "qmaA"), (0, "qb"), (0, "qs")]):
        case(test, "gcore", program, seed + 1, threads, 8000, 250, options, way="gcore")


def aborts(test, program, count, threads=4, first=1):
    """Stopped anywhere, threads inside malloc among it."""
    for seed in range(first, first + count):
        case(test, "SIGABRT", program, seed, threads, 6000, 30 + seed * 37 % 150, "ma" if seed % 3 else "mr")


@section
def in_the_middle(test):
    aborts(test, test.build("malloc_truth.c", "-O1", "-pthread"), 36)


@section
def linked_statically(test):
    try:
        program = test.build("malloc_truth.c", "-O1", "-pthread", "-static", output=os.path.join(test.folder, "static"))
    except Failed as problem:
        return skip(test, "no static libc: %s", problem)
    stripped = os.path.join(test.folder, "static_stripped")
    subprocess.run(["strip", "-o", stripped, program], check=True)
    for binary in (program, stripped):
        for seed, (threads, options) in enumerate([(0, "kma"), (3, "kmaA"), (0, "kbm"), (3, "ma")]):
            case(test, os.path.basename(binary), binary, seed + 1, threads, 8000, 200, options)


@section
def without_files(test):
    """No symbols, no section names, nothing from disk: the same blocks."""
    program = test.build("malloc_truth.c", "-O1", "-pthread")
    core, truth = run(test, program, 5, 3, 8000, 250, "kma")
    with_files = ask(test, core, truth, "--print")
    without = ask(test, core, truth, "--print", NO_FILES="1")
    for answer in (with_files, without):
        for name in ("open_seconds", "walk_seconds"):
            answer.pop(name)
    test.check(with_files == without, "with and without files: not the same blocks")
    judge(test, "without files", without, 3)
    drop(core)


@section
def cut(test):
    """A core that breaks off: what is there is found."""
    program = test.build("malloc_truth.c", "-O1", "-pthread")
    core, truth = run(test, program, 6, 3, 12000, 400, "kma")
    size = os.path.getsize(core)
    for percent in (97, 93, 86, 74, 61, 52, 43, 34, 25, 16, 9, 4, 2):
        os.truncate(core, size * percent // 100)
        answer = ask(test, core, truth)
        what = "cut at %d %%" % percent
        test.check(answer["verdict"] == "partly", "%s: verdict %s", what, answer["verdict"])
        test.check(answer["missing"] <= 1 and answer["small"] == 0, "%s: %s of %s live blocks missing, %s small (%s)", what, answer["missing"],
                   answer["live"], answer["small"], answer["notes"][:6])
        test.check(answer["dead"] <= 10 + answer["live"] // 50, "%s: %s freed blocks called used", what, answer["dead"])
    drop(core)


@section
def smashed(test):
    """Overwritten chunk heads: said, and next to nothing lost, if the blocks behind were written to. Where such a block has kept old heads from a
    former life, the two cannot be told apart: some of its neighbours are lost."""
    program = test.build("malloc_truth.c", "-O1", "-pthread")
    for options, tolerated in (("kxm", 8), ("kxa", 8), ("kxao", 2)):
        hit, lost = 0, []
        for seed in range(1, 9):
            core, truth = run(test, program, seed, seed % 3, 6000, 150, options)
            answer = ask(test, core, truth)
            hit += answer["smashed"]
            lost.append(answer["missing"] + answer["smashed"] - answer["smashed_found"])
            test.check(answer["smashed"] == 5, "smashed: %s", answer["smashed"])
            test.check(1 <= answer["warnings"] <= 6 and any("damaged at 0x" in note for note in answer["notes"]), "smashed: %s warnings: %s",
                       answer["warnings"], answer["notes"])
            test.check(answer["checks_differ"] >= 1, "smashed: the self-checks say nothing")
            test.check(answer["missing"] <= 40, "smashed: %s of %s live blocks missing", answer["missing"], answer["live"])
            drop(core)
        # One run of eight may meet old heads all the same: in the rests between blocks, which nobody has written to.
        test.check((sum(lost) - max(lost)) * tolerated <= hit, "smashed (%s): %d heads overwritten, blocks lost: %s", options, hit, lost)
        test.note("smashed (%s): %d heads overwritten, %d blocks lost", options, hit, sum(lost))
    core, truth = run(test, program, 9, 0, 6000, 150, "kF")
    answer = ask(test, core, truth)
    test.check(answer["missing"] == 0 and answer["warnings"] >= 1, "the first head overwritten: %s of %s missing, %s warnings", answer["missing"],
               answer["live"], answer["warnings"])
    drop(core)


@section
def other_allocators(test):
    program = test.build("malloc_truth.c", "-O1", "-pthread")
    for library, name in (("libjemalloc.so.2", "jemalloc"), ("libtcmalloc_minimal.so.4", "tcmalloc"), ("libmimalloc.so.2*", "mimalloc")):
        found = glob.glob("/usr/lib/x86_64-linux-gnu/" + library)
        if not found:
            skip(test, "%s is not installed", library)
            continue
        core, truth = run(test, program, 1, 1, 2000, 100, "k", LD_PRELOAD=found[0])
        recognised(test, name, core)
    if not shutil.which("musl-gcc"):
        return skip(test, "musl-gcc is not installed")
    for options in ([], ["-static"], ["-static", "-s"]):
        program = test.build("shop.c", "-O1", *options, output=os.path.join(test.folder, "musl"), compiler="musl-gcc")
        folder = os.path.join(test.folder, "musl.run")
        os.makedirs(folder)
        core, _ = test.crash([program], folder)
        recognised(test, "musl", core)


def recognised(test, name, core):
    answer = ask(test, core)
    test.check(answer["allocator"] == name, "%s: recognised as %s", name, answer["allocator"])
    test.check(answer["blocks"] < 50, "%s: %s blocks of glibc", name, answer["blocks"])
    drop(core)


# ---- other glibcs ---------------------------------------------------------------------------------------------------
def own_mirror():
    """The address this machine has its packages from; None if it does not say."""
    if not shutil.which("apt-get"):
        return None
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return next((line for line in done.stdout.decode().splitlines() if "security" not in line), None)


def fetch(test, mirror, suite):
    """The root of an unpacked libc6 and libc6-dev; None if they cannot be had."""
    root = os.path.join(test.options.build or test.folder, "tests", "core", "glibc", suite)
    if os.path.exists(os.path.join(root, "complete")):
        return root
    if not mirror or not shutil.which("dpkg-deb"):
        return None
    shutil.rmtree(root, ignore_errors=True)
    work = os.path.join(root, "apt")
    for folder in ("lists/partial", "cache/archives/partial"):
        os.makedirs(os.path.join(work, folder))
    open(os.path.join(work, "status"), "w").close()
    with open(os.path.join(work, "sources.list"), "w") as sources:
        sources.write("deb [trusted=yes arch=amd64] %s %s main\n" % (mirror, suite))
    options = ["Dir::Etc::sourcelist=%s/sources.list" % work, "Dir::Etc::sourceparts=/dev/null", "Dir::State::status=%s/status" % work,
               "Dir::State::lists=%s/lists" % work, "Dir::Cache=%s/cache" % work, "Acquire::Languages=none", "APT::Sandbox::User=",
               "Acquire::http::Timeout=20", "Acquire::Retries=0", "Debug::NoLocking=1", "Acquire::Check-Valid-Until=false",
               "APT::Architecture=amd64"]
    options = [word for option in options for word in ("-o", option)]
    try:
        for command in (["update"], ["download", "libc6", "libc6-dev"]):
            subprocess.run(["apt-get", "-q", *options, *command], cwd=work, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=90, check=True)
        packages = glob.glob(work + "/*.deb")
        for package in packages:
            subprocess.run(["dpkg-deb", "-x", package, root], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    except (subprocess.SubprocessError, OSError):
        return None
    if len(packages) != 2:
        return None
    shutil.rmtree(work)
    open(os.path.join(root, "complete"), "w").close()
    return root


def build_with(test, root, name):
    """malloc_truth linked with, and run by, the libc below `root`: (dynamic, static or None)."""
    def find(pattern):
        found = glob.glob(os.path.join(root, "lib/x86_64-linux-gnu", pattern)) + glob.glob(os.path.join(root, "usr/lib/x86_64-linux-gnu", pattern))
        return found[0] if found else None
    compiled = os.path.join(test.folder, "malloc_truth.o")
    source = os.path.join(cores.PROGRAMS, "malloc_truth.c")
    subprocess.run(["gcc", "-O1", "-fPIE", "-pthread", "-c", source, "-o", compiled], check=True)
    libc, loader = find("libc.so.6"), find("ld-linux-x86-64.so.2")
    if not libc or not loader or not find("Scrt1.o"):
        raise Failed("no libc in %s" % root)
    if not os.path.exists(loader):  # a symbolic link that means another root
        loader = find("ld-2*.so")
    threads = [find("libpthread.so.0")] if find("libpthread.so.0") else []
    program = os.path.join(test.folder, "truth_" + name)
    command = ["gcc", "-nostartfiles", "-nodefaultlibs", "-pie", "-o", program, find("Scrt1.o"), find("crti.o"), compiled, "-Wl,--no-as-needed", libc,
               *threads, find("libc_nonshared.a"), loader, "-lgcc", find("crtn.o"), "-Wl,-dynamic-linker," + loader, "-Wl,-rpath," + os.path.dirname(libc)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise Failed("cannot link with %s: %s" % (libc, done.stderr.decode()[-500:]))
    static = os.path.join(test.folder, "static_" + name)
    command = ["gcc", "-static", "-nostartfiles", "-nodefaultlibs", "-o", static, find("crt1.o"), find("crti.o"), compiled, "-Wl,--start-group",
               find("libc.a"), find("libpthread.a"), "-lgcc", "-lgcc_eh", "-Wl,--end-group", find("crtn.o")]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return program, static if done.returncode == 0 else None


def version_of(root):
    """2.41: as the library says of itself."""
    for library in glob.glob(os.path.join(root, "**", "libc.so.6"), recursive=True):
        with open(library, "rb") as content:
            found = re.search(rb"GNU C Library .* release version (\d+\.\d+)", content.read())
        if found:
            return found.group(1).decode()
    return os.path.basename(root.rstrip("/"))


def glibcs(test):
    for root in filter(None, os.environ.get("HELDBY_GLIBCS", "").split(":")):
        yield version_of(root), root
    if os.environ.get("HELDBY_GLIBCS") is None:
        mirror = own_mirror()
        with concurrent.futures.ThreadPoolExecutor(len(RELEASES)) as pool:
            roots = list(pool.map(lambda suite: fetch(test, mirror, suite), RELEASES))
        for suite, root in zip(RELEASES, roots):
            if root:
                yield version_of(root), root
            else:
                skip(test, "the glibc of %s could not be had", suite)


@section
def others(test):
    tested = 0
    for name, root in glibcs(test):
        try:
            program, static = build_with(test, root, name)
        except Failed as problem:
            skip(test, "glibc %s: %s", name, problem)
            continue
        tested += 1
        test.note("glibc %s", name)
        for seed, (threads, options) in enumerate([(0, "km"), (3, "kmaA"), (1, "kbm"), (0, "kfs"), (2, "kt")]):
            case(test, "glibc " + name, program, seed + 1, threads, 8000, 200, options)
        if int(name.split(".")[1]) >= 42:  # large blocks in the threads' caches, mapped ones too since 2.43
            case(test, "glibc " + name, program, 9, 2, 8000, 200, "kmaA", GLIBC_TUNABLES="glibc.malloc.tcache_max=1048576:glibc.malloc.tcache_count=100")
        case(test, "glibc " + name, program, 10, 1, 8000, 200, "kmaA", GLIBC_TUNABLES="glibc.malloc.mmap_threshold=4096")
        aborts(test, program, 5, threads=3)
        if static:
            for seed, (threads, options) in enumerate([(2, "kma"), (0, "kb")]):
                case(test, "glibc %s, static" % name, static, seed + 1, threads, 8000, 150, options)
    test.note("%d other glibcs tested", tested)


def main():
    test = cores.Test("glibc's malloc: every block")
    if not cores.kernel_writes_cores():
        skip(test, "the kernel writes no cores into the working folder (/proc/sys/kernel/core_pattern)")
        return test.finish()
    for run_section in SECTIONS:
        try:
            run_section(test)
        except Failed as problem:
            test.check(False, "%s: %s", run_section.__name__, problem)
    if SKIPPED:
        test.note("%d skipped", len(SKIPPED))
    return test.finish()


if __name__ == "__main__":
    sys.exit(main())
