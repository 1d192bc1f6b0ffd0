#!/usr/bin/env python3
"""Inputs that are no whole, honest core: each is answered with a stated coverage or refused in one line; nothing crashes, hangs or eats memory."""
import concurrent.futures
import os
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import time

import cores

SECTIONS = []
CUTS, MUTANTS = int(os.environ.get("CUTS", "3000")), int(os.environ.get("MUTANTS", "600"))


def section(function):
    SECTIONS.append(function)
    return function


def limits():
    resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def fine(test, what, file, *question, statuses=(0, 3)):
    """Asks; the answer must be one of the two. Returns (status, standard output, standard error)."""
    status, out, err = test.run(*(question or ("histogram", "--limit", "3")), file, preexec_fn=limits)
    test.check(status in statuses, "%s: status %d: %s", what, status, err[:300])
    if status == 3:
        lines = [line for line in err.splitlines() if not line.startswith("heldby: warning: ")]
        test.check(len(lines) == 1 and len(lines[0]) > 20, "%s: refused without one line that says why: %r", what, err)
    return status, out, err


def pool(function, items):
    with concurrent.futures.ThreadPoolExecutor(2) as executor:
        return list(executor.map(function, items))


class Core:
    """The parts of an ELF core that the mutants are made of."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = bytearray(file.read())
        self.phoff, = struct.unpack_from("<Q", self.bytes, 32)
        self.phnum, = struct.unpack_from("<H", self.bytes, 56)

    def header(self, i):
        """(offset of the header, type, offset, vaddr, filesz, memsz)"""
        at = self.phoff + 56 * i
        kind, _flags, offset, vaddr, _paddr, filesz, memsz, _align = struct.unpack_from("<IIQQQQQQ", self.bytes, at)
        return at, kind, offset, vaddr, filesz, memsz

    def headers(self):
        return [self.header(i) for i in range(self.phnum)]

    def notes(self):
        """[(offset, type, namesz, descsz, offset of the description)]"""
        found = []
        for _, kind, offset, _, filesz, _ in self.headers():
            if kind != 4:
                continue
            at = offset
            while at + 12 <= offset + filesz:
                namesz, descsz, note = struct.unpack_from("<III", self.bytes, at)
                body = at + 12 + (namesz + 3) // 4 * 4
                found.append((at, note, namesz, descsz, body))
                at = body + (descsz + 3) // 4 * 4
        return found

    def changed(self, *patches):
        """A copy with (offset, format, value) written."""
        copy = bytearray(self.bytes)
        for offset, form, *values in patches:
            struct.pack_into("<" + form, copy, offset, *values)
        return copy


@section
def other_machines(test, core, folder):
    def refused(name, data, words):
        path = os.path.join(folder, "other")
        with open(path, "wb") as file:
            file.write(data)
        status, out, err = fine(test, name, path, "info", statuses=(3,))
        test.check(words.lower() in err.lower() and out == "", "%s: %r", name, err)

    refused("32 bits", core.changed((4, "B", 1)), "32-bit")
    refused("big-endian", core.changed((5, "B", 2)), "endian")
    refused("aarch64", core.changed((18, "H", 183)), "aarch64")
    refused("an unknown machine", core.changed((18, "H", 0x4242)), "machine")
    refused("s390", core.changed((5, "B", 2), (16, "H", 4 << 8), (18, "H", 22 << 8)), "endian")
    refused("a program", core.changed((16, "H", 2)), "program")
    refused("a library", core.changed((16, "H", 3)), "program")
    refused("an object file", core.changed((16, "H", 1)), "")
    refused("nothing", b"", "empty")
    refused("text", b"Lorem ipsum\n" * 100, "")
    refused("the ELF magic alone", b"\x7fELF", "")
    refused("a header without segments", core.changed((56, "H", 0)), "")
    refused("segments of another size", core.changed((54, "H", 32)), "")
    refused("the program itself", open(test.options.cli, "rb").read(), "program")
    refused("a header alone", core.bytes[:64], "")
    for name, command in (("a folder", folder), ("nothing there", os.path.join(folder, "nothing"))):
        status, out, err = test.run("info", command)
        test.check(status == 4 and out == "" and err.count("\n") == 1, "%s: %d %r", name, status, err)
    os.mkfifo(os.path.join(folder, "fifo"))
    status, out, err = test.run("info", os.path.join(folder, "fifo"))
    test.check(status == 4 and out == "", "a named pipe: %d %r", status, err)


def cut_everywhere(test, core, folder, name, count):
    random.seed(4)
    size = len(core.bytes)
    table = core.phoff + 56 * core.phnum
    end = max(offset + filesz for _, _, offset, _, filesz, _ in core.headers()) # behind it stands nothing that counts
    places = set(range(1, 65)) | {size - 1, size - 8, size - 4096, table, table - 1, table + 1}
    places |= {offset + delta for _, _, offset, _, filesz, _ in core.headers() for delta in (-1, 0, 1, filesz // 2)}
    places |= {note[0] for note in core.notes()} | {note[4] for note in core.notes()}
    places |= {random.randrange(size) for _ in range(count - len(places))} if len(places) < count else set()
    places = sorted(place for place in places if 0 < place < size)
    opened, refused = [], []

    def ask(place, path):
        os.truncate(path, place)
        status, out, err = fine(test, "%s cut at %d of %d" % (name, place, size), path)
        if status == 0:
            opened.append(place)
            test.check(place >= end or re.search("cut|lost|missing|incomplete|not everything", err), "%s cut at %d opens without a word: %r", name, place, err)
        else:
            refused.append(place)

    def ask_all(half): # a copy that gets shorter and shorter
        path = os.path.join(folder, "%s.%d" % (name, half))
        with open(path, "wb") as file:
            file.write(core.bytes)
        for place in places[half::2][::-1]:
            ask(place, path)
        os.unlink(path)

    pool(ask_all, (0, 1))
    test.note("%s: cut at %d places: %d answered, %d refused, %d of these in the first 64 KiB", name, len(places), len(opened), len(refused),
              sum(place < 65536 for place in refused))
    test.check(opened and max(refused, default=0) < size, "no cut core opens")
    return opened


@section
def cut_kernel_core(test, core, folder):
    opened = cut_everywhere(test, core, folder, "kernel", CUTS)
    path = os.path.join(folder, "cut")
    with open(path, "wb") as file:
        file.write(core.bytes[:max(opened)])
    info = test.answer("info", path)
    test.check(info["complete"] is False and info["missing"]["cut"] > 0 and info["warnings"], "info of a cut core: %s", info)
    status, out, err = test.run("verify", path)
    test.check(status == 3 and "cut" in out, "verify of a cut core: %d %s", status, out)
    held = path + ".held"
    status, out, err = test.run("convert", path, "-o", held)
    converted = test.answer("info", held)
    test.check(status == 0 and converted["complete"] is False and converted["warnings"] == info["warnings"], "a converted cut core says %s",
               converted["warnings"])
    os.unlink(path)


@section
def cut_gcore_core(test, core, folder):
    if not shutil.which("gcore"):
        test.note("no gcore here: its cores are not cut")
        return
    with cores.Running([test.program, "50", "wait"], folder) as live:
        while live.hear() != "ready":
            pass
        subprocess.run(["gcore", "-o", os.path.join(folder, "g"), str(live.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = os.path.join(folder, "g.%d" % live.pid)
    test.check(test.run("histogram", path)[0] == 0, "a core of gcore is not answered from")
    cut_everywhere(test, Core(path), folder, "gcore", CUTS // 6)
    os.unlink(path)


@section
def hostile_headers(test, core, folder):
    loads = [(at, offset, vaddr, filesz, memsz) for at, kind, offset, vaddr, filesz, memsz in core.headers() if kind == 1 and filesz]
    notes = core.notes()
    by_type = {note[1]: note for note in notes}
    mutants = {}
    for n, value in ((8, 1 << 60), (16, 1 << 60), (32, 1 << 60), (40, 1 << 60), (32, (1 << 64) - 1), (8, (1 << 64) - 4096), (16, (1 << 64) - 8)):
        for which, load in (("first", loads[0]), ("last", loads[-1])):
            mutants["%s segment: +%d = 0x%x" % (which, n, value)] = [(load[0] + n, "Q", value)]
    at = [load[0] for load in loads]
    mutants["all segments at one place"] = [(a + 16, "Q", loads[0][2]) for a in at]
    mutants["all segments overlap"] = [(a + 16, "Q", loads[0][2] + 4096 * i) for i, a in enumerate(at)] + [(a + 40, "Q", 1 << 30) for a in at]
    mutants["all segments huge"] = [(a + form, "Q", 1 << 60) for a in at for form in (32, 40)]
    mutants["segments in reverse"] = [(a + 16, "Q", loads[-1 - i][2]) for i, a in enumerate(at)]
    mutants["segments at odd addresses"] = [(a + 16, "Q", loads[i][2] + 3) for i, a in enumerate(at)]
    mutants["segments in the header"] = [(a + 8, "Q", 0) for a in at]
    mutants["no notes"] = [(a, "I", 0) for a, kind, *_ in core.headers() if kind == 4]
    mutants["65 535 headers"] = [(56, "H", 0xffff)]
    mutants["65 534 headers"] = [(56, "H", 0xfffe)]
    mutants["headers far away"] = [(32, "Q", 1 << 62)]
    mutants["headers at the end"] = [(32, "Q", len(core.bytes) - 8)]
    for at_note, note, namesz, descsz, body in notes:
        for field, value in ((0, 0xffffffff), (4, 0xffffffff), (0, 0x7ffffffd), (4, 0), (4, descsz - 1), (4, 8)):
            mutants["note 0x%x: +%d = 0x%x" % (note, field, value)] = [(at_note + field, "I", value & 0xffffffff)]
    files = by_type.get(0x46494c45)
    if files:
        body = files[4]
        for value in (0, 1, 3, 1 << 32, 1 << 60, (1 << 64) - 1):
            mutants["NT_FILE of 0x%x files" % value] = [(body, "Q", value)]
            mutants["NT_FILE with pages of 0x%x" % value] = [(body + 8, "Q", value)]
            mutants["NT_FILE: end 0x%x" % value] = [(body + 24, "Q", value)]
        mutants["NT_FILE without names"] = [(files[0] + 4, "I", 16 + 24)]
    auxv = by_type.get(6)
    if auxv:
        for i in range(auxv[3] // 16):
            key, = struct.unpack_from("<Q", core.bytes, auxv[4] + 16 * i)
            if key in (3, 4, 5, 7, 9):
                for value in (0, 1, 1 << 40, (1 << 64) - 8, loads[0][2]):
                    mutants["AT %d = 0x%x" % (key, value)] = [(auxv[4] + 16 * i + 8, "Q", value)]

    def ask(item):
        name, patches = item
        path = os.path.join(folder, "hostile.%d" % abs(hash(name)))
        with open(path, "wb") as file:
            file.write(core.changed(*patches))
        answer = fine(test, name, path)
        os.unlink(path)
        return answer[0]

    statuses = pool(ask, mutants.items())
    test.note("%d hostile headers and notes: %d answered, %d refused", len(statuses), statuses.count(0), statuses.count(3))


@section
def random_damage(test, core, folder):
    """Bytes changed in headers and notes, words smashed in memory, pages of noise."""
    random.seed(44)
    end_of_notes = max(note[4] + note[3] for note in core.notes())
    heaps = [(offset, filesz) for _, kind, offset, _, filesz, _ in core.headers() if kind == 1 and filesz]

    def make(n):
        copy = bytearray(core.bytes)
        for _ in range(random.randrange(1, 20)):
            if n % 3 == 0:
                copy[random.randrange(16, min(end_of_notes, len(copy)))] = random.randrange(256)
            else:
                offset, size = random.choice(heaps)
                at = offset + random.randrange(size // 8) * 8
                value = random.choice((0, 1, 0x31, (1 << 64) - 1, 1 << 60, random.getrandbits(64), random.getrandbits(47) & ~15, random.getrandbits(16)))
                if n % 3 == 1:
                    struct.pack_into("<Q", copy, at, value)
                else:
                    copy[at & ~4095:(at & ~4095) + 4096] = random.randbytes(4096)
        return bytes(copy[:len(core.bytes)])

    def ask(n):
        path = os.path.join(folder, "random.%d" % n)
        with open(path, "wb") as file:
            file.write(mutants.pop(n))
        question = (("info",), ("histogram", "--limit", "3"), ("unreachable", "--limit", "3"))[n // 3 % 3]
        status = fine(test, "random damage %d" % n, path, *question, statuses=(0, 1, 3))[0]
        os.unlink(path)
        return status

    statuses = []
    for start in range(0, MUTANTS, 20): # made in order, so that a number means one file
        mutants = {n: make(n) for n in range(start, start + 20)}
        statuses += pool(ask, sorted(mutants))
    test.note("%d damaged cores: %d answered, %d refused", len(statuses), len(statuses) - statuses.count(3), statuses.count(3))
    test.check(statuses.count(3) < len(statuses) / 2, "half of the damaged cores is refused")


@section
def compressed(test, core, folder):
    zstd = shutil.which("zstd")
    if not zstd:
        test.note("no zstd here")
        return
    plain, packed = os.path.join(folder, "plain"), os.path.join(folder, "packed")
    with open(plain, "wb") as file:
        file.write(core.bytes)
    subprocess.run([zstd, "-q", "-f", plain, "-o", packed], check=True)
    with open(packed, "rb") as file:
        data = file.read()

    def ask(what, content, *options, statuses=(0, 3)):
        path = os.path.join(folder, "z")
        with open(path, "wb") as file:
            file.write(content)
        return fine(test, what, path, "histogram", "--limit", "3", *options, statuses=statuses)

    test.check(ask("a compressed core", data)[0] == 0, "a compressed core is refused")
    half = len(core.bytes) // 2
    frames = b"".join(subprocess.run([zstd, "-q", "-c"], input=bytes(part), stdout=subprocess.PIPE, check=True).stdout
                      for part in (core.bytes[:half], core.bytes[half:]))
    test.check(ask("a core in two frames", frames)[0] == 0, "a core in two frames is refused")
    skippable = struct.pack("<II", 0x184D2A50, 5) + b"12345"
    ask("a skippable frame behind it", data + skippable)
    for cut in sorted({4, 5, 8, 12, 18} | {len(data) * i // 40 for i in range(1, 40)}):
        ask("a compressed core cut at %d" % cut, data[:cut])
    random.seed(7)
    for n in range(40):
        damaged = bytearray(data)
        damaged[random.randrange(4, len(damaged))] ^= 1 << random.randrange(8)
        ask("a damaged compressed core %d" % n, damaged)
    text = subprocess.run([zstd, "-q", "-c"], input=b"no core at all\n" * 1000, stdout=subprocess.PIPE, check=True).stdout
    status, _, err = ask("compressed text", text, statuses=(3,))
    test.check("ELF" in err, "compressed text: %s", err)
    nothing = subprocess.run([zstd, "-q", "-c"], input=b"", stdout=subprocess.PIPE, check=True).stdout
    ask("compressed nothing", nothing, statuses=(3,))

    bomb = os.path.join(folder, "bomb") # a core header, then 12 GB of zeros in half a megabyte
    head = subprocess.run([zstd, "-q", "-c"], input=bytes(core.bytes[:4096]), stdout=subprocess.PIPE, check=True).stdout
    zeros = subprocess.run("head -c 3G /dev/zero | %s -q -c" % zstd, shell=True, stdout=subprocess.PIPE, check=True).stdout
    with open(bomb, "wb") as file:
        file.write(head + zeros * 4)
    for options in (("--memory", "64MiB"), ("--memory", "1M")):
        start = time.monotonic()
        process = subprocess.Popen([test.options.cli, "info", bomb, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limits)
        err = process.stderr.read().decode()
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status) if hasattr(os, "waitstatus_to_exitcode") else status >> 8
        test.check(process.returncode in (3, 4) and "--memory" in err and err.count("\n") == 1, "a bomb with %s: %d %r", options, process.returncode, err)
        test.check(usage.ru_maxrss < 200 << 10, "a bomb with %s takes %d MiB", options, usage.ru_maxrss >> 10)
        test.check(time.monotonic() - start < 20, "a bomb with %s takes %.1f s", options, time.monotonic() - start)
    os.unlink(bomb)
    status, _, err = ask("--memory that is too small", data, "--memory", "100k", statuses=(3, 4))
    test.check("--memory" in err, "--memory that is too small: %s", err)


@section
def wrong_binaries(test, core, folder):
    """At the right path stands what is not the program that ran."""
    program = os.path.join(folder, "shop")
    shutil.copy(test.program, program)
    path, _ = test.crash([program, "50"], folder)
    with open(program, "rb") as file:
        whole = file.read()
    random.seed(9)
    contents = {"text": b"#!/bin/sh\n", "nothing": b"", "a part": whole[:3000], "a half": whole[:len(whole) // 2], "zeros": bytes(len(whole)),
                "its magic": whole[:4], "another": open(test.options.cli, "rb").read()}
    for n in range(30):
        damaged = bytearray(whole)
        for _ in range(40):
            damaged[random.randrange(16, len(damaged))] = random.randrange(256)
        contents["damage %d" % n] = bytes(damaged)
        header = bytearray(whole)
        for _ in range(4):
            header[random.randrange(16, 1024)] = random.randrange(256)
        contents["damaged headers %d" % n] = bytes(header)
    for name, content in contents.items():
        os.unlink(program)
        with open(program, "wb") as file:
            file.write(content)
        fine(test, "the program's path has " + name, path, "info", statuses=(0,))
    os.unlink(program)
    os.mkfifo(program)
    fine(test, "the program's path is a named pipe", path, "info", statuses=(0,))
    os.unlink(program)
    os.mkdir(program)
    fine(test, "the program's path is a folder", path, "info", statuses=(0,))
    for options in (("--exe", "/dev/zero"), ("--exe", "/nonexistent"), ("--exe", folder), ("--sysroot", "/nonexistent"), ("--sysroot", "/dev/null")):
        fine(test, " ".join(options), path, "info", *options, statuses=(0, 4))


def made(segments, notes, times=1):
    """A core of these (address, bytes), with `times` segments of notes that are all the same bytes."""
    at = 64 + 56 * (len(segments) + times)
    table, body = struct.pack("<IIQQQQQQ", 4, 4, at, 0, 0, len(notes), 0, 4) * times, notes + bytes(-len(notes) % 8)
    for address, data in segments:
        table += struct.pack("<IIQQQQQQ", 1, 6, at + len(body), address, 0, len(data), len(data), 4096)
        body += data
    return b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(segments) + times, 0, 0, 0) + table + body


def note(kind, data):
    return struct.pack("<III", 5, len(data), kind) + b"CORE\0\0\0\0" + data + bytes(-len(data) % 4)


@section
def more_than_its_size(test, core, folder):
    """Small cores that ask for much work or much memory: each byte of them must cost a bounded amount."""
    path = os.path.join(folder, "made")

    def ask(what, data, seconds, megabytes):
        with open(path, "wb") as file:
            file.write(data)
        process = subprocess.Popen([test.options.cli, "info", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=limits)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        spent = usage.ru_utime + usage.ru_stime
        test.check(os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, 3), "%s: status %d", what, status)
        test.check(spent < seconds and usage.ru_maxrss < megabytes << 10, "%s: %.1f s, %d MiB", what, spent, usage.ru_maxrss >> 10)

    thread = note(1, struct.pack("<336s", b""))
    ask("notes named by 64 segments", made([(0x10000, bytes(4096))], thread * 20000, 64), 3, 200)
    ask("a damaged list of files a million times", made([(0x10000, bytes(4096))], note(0x46494c45, struct.pack("<QQ", 5, 4096)) * 1000000), 5, 200)
    base, size, count = 0x7f0000000000, 2208, 10000 # malloc_states in a ring that leads into its own middle
    arenas = bytearray(size * count)
    for i in range(count):
        bins = base + i * size + 112
        struct.pack_into("<254Q", arenas, i * size + 112, *(bins + 16 * (k // 2) - 16 for k in range(254)))
        struct.pack_into("<Q", arenas, i * size + 96, base + 16)
        struct.pack_into("<4Q", arenas, i * size + 2160, base + size * (i + 1 if i + 1 < count else count // 2), 0, 0, 1 << 20)
    ask("a ring of arenas without end", made([(base, bytes(arenas))], thread), 5, 200)


@section
def ten_thousand_mappings(test, core, folder):
    program = test.build("mappings.c", "-O1", output=os.path.join(folder, "mappings"))
    path, _ = test.crash([program, "10000"], folder)
    start = os.times()
    info = test.answer("info", path)
    end = os.times()
    seconds = end.children_user - start.children_user + end.children_system - start.children_system
    test.check(seconds < 3, "info of 10 000 mappings takes %.2f s", seconds)
    test.check(sum(value for key, value in info["memory"].items() if key != "total") == info["memory"]["total"], "memory %s", info["memory"])
    rows = {row["type"]: row["count"] for row in test.answer("histogram", path)["rows"]}
    test.check(rows.get("malloc(40)", 0) >= 10000 and rows.get("malloc(72)", 0) >= 2500, "blocks %s", rows)
    status, out, err = test.run("unreachable", path)
    test.check(status == 1 and "reach all" in err, "what a mapping holds is called a leak: %d %s", status, out)
    test.note("10 000 mappings: info in %.2f s of CPU", seconds)
    os.unlink(path)


def body(test):
    folder = test.folder_for("bad")
    test.program = test.build("shop.c", "-g", "-O1", "-pthread")
    path, _ = test.crash([test.program, "50"], folder)
    core = Core(path)
    test.note("the core: %d bytes, %d segments", len(core.bytes), core.phnum)
    test.check(test.run("histogram", path)[0] == 0, "the whole core is not answered from")
    wanted = os.environ.get("SECTIONS", "").split()
    for function in SECTIONS:
        if wanted and function.__name__ not in wanted:
            continue
        before, start = len(test.failures), time.monotonic()
        try:
            function(test, core, test.folder_for(function.__name__))
        except (cores.Failed, KeyError, IndexError, TypeError, ValueError, OSError, subprocess.SubprocessError) as error:
            test.check(False, "%s ended early: %r", function.__name__, error)
        test.note("%s: %s, %.0f s", function.__name__, "ok" if len(test.failures) == before else "%d failed" % (len(test.failures) - before),
                  time.monotonic() - start)


if __name__ == "__main__":
    cores.Test("inputs that are no whole, honest core").main(body)
    sys.exit(0)
