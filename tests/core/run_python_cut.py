#!/usr/bin/env python3
"""A core of a Python program that is cut: what is there is told, what is missing is said, and nothing is called a leak for certain."""
import os
import struct

import cores
import held


def parts(path):
    """[(address, end, offset)] of what a core has bytes of."""
    with open(path, "rb") as file:
        head = file.read(64)
        file.seek(struct.unpack_from("<Q", head, 32)[0])
        table = file.read(56 * struct.unpack_from("<H", head, 56)[0])
    found = []
    for at in range(0, len(table), 56):
        kind, _flags, offset, address, _paddr, filesz, _memsz, _align = struct.unpack_from("<IIQQQQQQ", table, at)
        if kind == 1 and filesz:
            found.append((address, address + filesz, offset))
    return found


def addresses(test, core, kind):
    document = test.ask("find", core, "--type", kind, "--limit", "0")[1]
    # Immortal ones lie in the data of the program: no pool has them.
    return {int(row["address"], 16) for row in document.get("rows", ()) if row["refcount"] < 500000000}


def dumped(test):
    folder = test.folder_for("cut")
    with cores.Running([test.options.python, os.path.join(cores.PROGRAMS, "python_many.py")], folder) as program:
        words = program.hear().split()
        while words and words[0] != "lost":
            words = program.hear().split()
        lost = int(words[1], 16)
        if program.hear() != "ready":
            raise held.Failed("the program is not ready")
        return program.core(folder), lost


def data_stack(test, core, lost):
    """What returned frames left on the data stack holds nothing."""
    status, document = test.ask("path", core, "0x%x" % lost, statuses=(0, 1, 2))
    roots = [str(path.get("root", path)) for path in document.get("paths", ())] if document else []
    test.check(not any("anonymous" in root for root in roots), "an object that only C holds is held by %s", roots)


def cut(test, core, percent, whole, before):
    size, path = os.path.getsize(core), core + ".cut"
    end = size * percent // 100
    with open(core, "rb") as source, open(path, "wb") as copy:
        copy.write(source.read(end))
    there = parts(core)
    info = test.answer("info", path)
    words = " ".join(info["warnings"])
    test.check("has ended" not in words and "not initialised" not in words, "cut at %d %%: %s", percent, words)
    test.check("missing" in words and info["complete"] is False, "cut at %d %%: complete: %s", percent, words)
    count = 0
    for kind, known in whole.items():
        kept = {a for a in known for start, stop, offset in there if start <= a < stop and offset + (a - start) + (1 << 18) <= end}
        found = addresses(test, path, kind)
        count += len(found)
        test.check(len(kept & found) >= 0.98 * len(kept), "cut at %d %%: %d of %d %s are found", percent, len(kept & found), len(kept), kind)
        test.check(len(found - known) <= 50, "cut at %d %%: %d %s that the whole core does not have", percent, len(found - known), kind)
    test.check(count >= before, "cut at %d %%: %d objects, %d in a shorter one", percent, count, before)
    status, text, errors = test.run("unreachable", path)
    test.check(status == 0 and "or held from memory that is not here (" in text, "cut at %d %%: unreachable: %d %s%s", percent, status, text[:600], errors[:300])
    asked = test.ask("unreachable", path, statuses=(0,))[1]
    converted = path + ".held"
    status, _, errors = test.run("convert", path, "-o", converted)
    test.check(status == 0, "cut at %d %%: convert: %s", percent, errors)
    again = test.ask("unreachable", converted, statuses=(0,))[1]
    test.check(any("memory that is not here" in warning for warning in asked["warnings"]), "no warning: %s", asked["warnings"])
    test.check(asked["warnings"] == again["warnings"] and asked["leaked"] == again["leaked"], "converted: %s", again["warnings"])
    test.note("cut at %d %%: %d objects of %s", percent, count, " ".join(whole))
    os.unlink(path)
    os.unlink(converted)
    return count


def body(test):
    if not cores.kernel_writes_cores():
        test.note("the kernel writes no cores here: left out")
        return
    core, lost = dumped(test)
    data_stack(test, core, lost)
    whole = {kind: addresses(test, core, kind) for kind in ("str", "tuple", "dict", "int")}
    test.check(all(len(found) >= 500 for found in whole.values()), "the whole core: %s", {kind: len(found) for kind, found in whole.items()})
    before = 0
    for percent in (30, 50, 80, 90, 95):
        before = cut(test, core, percent, whole, before)
    test.check(before > 1000, "only %d objects in nearly the whole core", before)
    os.unlink(core)


if __name__ == "__main__":
    cores.Test("a cut core of a Python program").main(body)
