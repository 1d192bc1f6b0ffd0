#!/usr/bin/env python3
"""Questions about populations, each against what the program counted itself: shallow sizes of every object in reach, by type;
diff and its addresses used again; growth and objgraph's rule of the peak; partitions that add up.
"""
import collections

import held

MODULE = "__main__."


def allowed(version):
    """By type: the least and the most that a shallow size may differ from sys.getsizeof (snapshot minus getsizeof). `heldby info` says so."""
    # A code object grows as it runs: caches and counters that hang on it. sys.getsizeof counts them, a snapshot does not.
    rules = {"builtins.code": (-1 << 20, 0), "_struct.Struct": (-200, 0)}
    if version < (3, 11):
        rules["builtins.frame"] = (0, 1 << 12)  # a frame object used again keeps the room of the larger one it was
    else:
        # The room that is left in a table of keys shared by the instances of a class: it changes with each of them.
        rules["builtins.dict"] = (-1 << 12, 1 << 12)
    return rules


def sizes(test, path, told):
    status, answer = test.ask("find", path, "--limit", "0")
    found = {int(row["address"], 16): row["shallow"] for row in answer["rows"]}
    rules = allowed(test.version)
    differ, number = collections.defaultdict(list), collections.Counter()
    missing = 0
    for address, kind, size, plain in told["sizes"]:
        if address not in found:
            missing += 1
            continue
        number[kind] += 1
        if found[address] != size:
            differ[kind].append((found[address] - size, plain))
    for kind, differences in sorted(differ.items(), key=lambda item: -len(item[1])):
        least, most = min(differences)[0], max(differences)[0]
        test.note("%s: %d of %d differ from sys.getsizeof, by %+d to %+d", kind, len(differences), number[kind], least, most)
        if any(plain for _, plain in differences):
            low, high = rules.get(kind, (0, 0))
            test.check(low <= least and most <= high, "%s: differs by %+d to %+d, allowed %+d to %+d", kind, least, most, low, high)
    status, info = test.ask("info", path)
    said = {row["type"] for row in info["sizes"]["differs"]}
    names = {"builtins.code": "code", "builtins.frame": "frame", "builtins.dict": "an instance's own dict", "_struct.Struct": "types of C extensions"}
    test.check({names[kind] for kind in rules} | {"types of C extensions"} == said, "info says sizes differ for %r", said)
    test.note("%d objects of %d types compared, %d of them equal in all", sum(number.values()), len(number),
              sum(kind not in differ for kind in number))
    test.check(missing < 50, "%d objects are not in the snapshot", missing)
    for kind in ("builtins.str", "builtins.list", "builtins.tuple", "builtins.set", "builtins.int", "builtins.function",
                 MODULE + "Session", MODULE + "Slotted", MODULE + "Lists"):
        test.check(number[kind] and not differ[kind], "%s: %d objects, differences %s", kind, number[kind], differ[kind][:3])


def diffs(test, paths, told):
    for old in range(3):
        status, answer = test.ask("diff", paths[old], paths[old + 1], "--limit", "0")
        rows = {row["type"]: row for row in answer["rows"]}
        for name in ("Session", "Slotted", "Shrinking"):
            before, now = told["counts"][old][name], told["counts"][old + 1][name]
            row = rows.get(MODULE + name, {"old_count": before, "new_count": before})
            test.check((row["old_count"], row["new_count"]) == (before, now), "diff %d: %s: %r", old, name, row)
        session = rows.get(MODULE + "Session")
        before, now = set(told["sessions"][old]), set(told["sessions"][old + 1])
        if session:
            # An address used again is no new id, but it may be seen all the same by what the object holds.
            reused = session["added"] - len(now - before)
            test.check(0 <= reused <= len(before & now), "diff %d: %d sessions came, ids say %d", old, session["added"], len(now - before))
        # All of Replaced are new objects, many at the addresses of old ones: each came or is said to be doubtful.
        row = rows[MODULE + "Replaced"]
        test.check(row["added"] + row["possibly_reused"] == 200, "diff %d: Replaced: %r", old, row)
        status, answer = test.ask("diff", paths[old], paths[old + 1], "--limit", "0", "--by", "path")
        sums = collections.defaultdict(collections.Counter)
        for by_path in answer["rows"]:
            for key in ("delta_count", "delta_shallow", "added", "removed"):
                sums[by_path["type"]][key] += by_path[key]
        for name, row in rows.items():
            for key in ("delta_count", "delta_shallow", "added", "removed"):
                test.check(sums[name][key] == row[key], "diff %d: %s of %s: paths add up to %d, the type has %d", old, key, name,
                           sums[name][key], row[key])
        spelled = [row["expression"] for row in answer["rows"] if row["type"] == MODULE + "Session"]
        test.check(not session or spelled == [MODULE + "CACHE[*]"], "diff %d: sessions via %r", old, spelled)
    status, out, err = test.ask_text("diff", paths[0], paths[1], "--fail-if", "type=*.Session,added>100")
    test.check(status == 1 and "--fail-if" in err, "fail-if: %d %s", status, err)


def growth(test, paths, told):
    histograms = []
    for path in paths:
        status, answer = test.ask("histogram", path, "--limit", "0", "--tracked")
        histograms.append({row["type"]: row["count"] for row in answer["rows"]})
    for name in ("Session", "Slotted", "Shrinking", "Replaced"):
        for count, histogram in zip(told["counts"], histograms):
            test.check(histogram.get(MODULE + name, 0) == count[name], "%s: %d tracked, gc has %d", name, histogram.get(MODULE + name, 0), count[name])
    for last in range(2, len(paths) + 1):
        peaks, wanted = {}, {}
        for histogram in histograms[:last]:  # objgraph.growth, call after call
            wanted = {}
            for name, count in histogram.items():
                if count > peaks.get(name, 0):
                    wanted[name] = (count, count - peaks.get(name, 0))
                    peaks[name] = count
        status, answer = test.ask("growth", *paths[:last], "--peak", "--tracked", "--limit", "0")
        got = {row["type"]: (row["count"], row["delta"]) for row in answer["rows"]}
        test.check(got == wanted, "peaks of %d: %r", last, set(got.items()) ^ set(wanted.items()))
    status, answer = test.ask("growth", *paths, "--limit", "0")
    for row in answer["rows"]:
        counts = row["counts"]
        test.check(row["every_step"] == all(a < b for a, b in zip(counts, counts[1:])), "every_step: %r", row)
        test.check(abs(row["per_step"] - (counts[-1] - counts[0]) / (len(counts) - 1)) < 1e-6, "per_step: %r", row)


def partitions(test, path, held_path, told):
    totals = set()
    for by in ("type", "module", "size", "referrer", "via"):
        status, answer = test.ask("histogram", path, "--limit", "0", "--by", by)
        totals.add((sum(row["count"] for row in answer["rows"]), sum(row["shallow"] for row in answer["rows"])))
    test.check(len(totals) == 1, "partitions do not add up alike: %r", totals)
    for name, wanted in told["referrers"].items():
        status, answer = test.ask("histogram", held_path, "--by", "referrer", "--type", MODULE + name)
        test.check([(row["referrer"], row["count"]) for row in answer["rows"]] == [(wanted, 1)], "%s is held by %r, wanted %s", name,
                   answer["rows"], wanted)
    for by, wanted in (("referrer", {"dict": None}), ("via", {"dict[*]": None})):
        status, answer = test.ask("histogram", path, "--by", by, "--type", MODULE + "Session")
        test.check([row[by] for row in answer["rows"]] == list(wanted), "sessions by %s: %r", by, answer["rows"])
    status, answer = test.ask("histogram", path, "--by", "referrer", "--type", "str", "--limit", "0")
    rows = {row["referrer"]: row["count"] for row in answer["rows"]}
    test.check(rows.get("dict of " + MODULE + "Session") == told["counts"][3]["Session"], "strings of sessions: %r", rows.get("dict of " + MODULE + "Session"))
    test.check(rows.get(MODULE + "Slotted", 0) >= told["counts"][3]["Slotted"] - 10, "strings of slots: %r", rows.get(MODULE + "Slotted"))


def objects(test, path, told):
    session = told["sessions"][3][0]
    status, shown = test.ask("show", path, str(session))
    number = next(f for f in shown["fields"] if f["name"] == "number")
    status, row = test.ask("show", path, number["address"])
    value = row["preview"]
    for attribute in ("number=" + value, "user=user-" + value, "user~^user-%s$" % value):
        status, answer = test.ask("find", path, "--type", MODULE + "Session", "--attr", attribute)
        test.check([int(r["address"], 16) for r in answer["rows"]] == [session], "--attr %s: %r", attribute, answer["rows"])
    test.check(shown["expression"] == "%sCACHE[%s]" % (MODULE, value), "path of a session: %r", shown["expression"])
    test.check(shown["holders"][0]["expression"] == shown["expression"], "its holder: %r", shown["holders"])
    test.check(shown["tracked"] and not shown["frozen"] and not shown["finalizer"] and shown["unexplained"] == 0, "show: %r", shown)
    status, out, err = test.ask_text("show", path, hex(session + 8))
    test.check(status == 1 and "8 bytes behind the start of" in err, "inside an object: %d %s", status, err)


def body(test):
    directory = test.folder_for("populations")
    test.run_program("populations_program.py", directory)
    told = test.told(directory, "populations.json")
    paths = test.snapshots(directory, 6)
    sizes(test, paths[5], told)
    diffs(test, paths[:4], told)
    growth(test, paths[:4], told)
    partitions(test, paths[3], paths[4], told)
    objects(test, paths[3], told)


if __name__ == "__main__":
    held.Test("populations: sizes, diff, growth, partitions").main(body)
