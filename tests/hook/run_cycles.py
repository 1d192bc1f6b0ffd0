#!/usr/bin/env python3
"""Plants cycles of every sort in a program and asks `heldby cycles` and `unreachable` for them: exactly these must be found.

programs/cycles_program.py says what it planted. Of each cycle the members, the types, the fate, the finalizer and the
chain are compared; nothing else may be garbage; what the collector itself finds afterwards (DEBUG_SAVEALL) must be the same;
and `path` must not say anything else of it.
"""
import re

import held

OWN_PARTS = {"dict", "frame"}  # an object's own dict or frame: part of it, not a member


def addresses(ids):
    return {"0x%x" % i for i in ids}


def check_cycle(test, where, case, row, groups):
    label = "%s: %s" % (where, case["label"])
    each = len(case["members"]) // case["count"]
    test.check(row["size"] == each, "%s: %d objects, wanted %d: %s", label, row["size"], each, row["types"])
    test.check(row["finalizer"] is ("finalizer" in case) and row["finalizer_type"] == case.get("finalizer"), "%s: finalizer %s of %s",
               label, row["finalizer"], row["finalizer_type"])
    test.check(row["builtin_finalizer"] or not case.get("builtin"), "%s: its file is no builtin finalizer", label)
    test.check(sum(row["type_counts"]) == row["size"] and len(row["types"]) == len(row["type_counts"]), "%s: types %s, counts %s", label,
               row["types"], row["type_counts"])
    test.check(row["bytes"] > 0, "%s: no bytes", label)
    test.check(row["unseen_type"] == case.get("unseen"), "%s: unseen %s", label, row["unseen_type"])
    test.check(row["frozen"] is where.startswith("frozen"), "%s: frozen is %s", label, row["frozen"])
    chain = groups[row["group"]]["chain"]
    test.check(re.fullmatch(case["chain"], chain), "%s: reads %r, wanted %r", label, chain, case["chain"])
    test.check(groups[row["group"]]["count"] >= case["count"], "%s: %d alike, wanted %d", label, groups[row["group"]]["count"],
               case["count"])


def check_cases(test, where, answer, cases, fate_of):
    """Each planted cycle is there, as it was planted. Returns the rows that were not planted."""
    by_member = {}
    for row in answer["rows"]:
        for member in row["members"]:
            by_member[member] = row
    claimed = set()
    for case in cases:
        wanted = addresses(case["members"])
        rows = {id(by_member[m]): by_member[m] for m in wanted if m in by_member}
        if not test.check(len(rows) == case["count"], "%s: %s: found in %d cycles, wanted %d", where, case["label"], len(rows), case["count"]):
            continue
        found = set()
        for row in rows.values():
            found.update(row["members"])
            claimed.add(id(row))
            fate = fate_of(case)
            test.check(row["fate"] == fate, "%s: %s: fate %s, wanted %s", where, case["label"], row["fate"], fate)
            test.check(row["reachable"] is (fate == "reached"), "%s: %s: reachable %s", where, case["label"], row["reachable"])
            test.check(row["uncollectable"] is (fate == "saved" or "legacy" in case or "unseen" in case), "%s: %s: uncollectable %s", where, case["label"],
                       row["uncollectable"])
        test.check(found == wanted, "%s: %s: members %s too many, %s missing", where, case["label"], sorted(found - wanted)[:5],
                   sorted(wanted - found)[:5])
        check_cycle(test, where, case, next(iter(rows.values())), answer["groups"])
    return [row for row in answer["rows"] if id(row) not in claimed]


def cycles(test, snapshot, *options):
    status, answer = test.ask("cycles", snapshot, "--limit", "0", *options)
    test.check(status == 0, "cycles %s: exit status %d", " ".join(options), status)
    test.check(answer["rows_total"] == len(answer["rows"]) and sum(g["count"] for g in answer["groups"]) == len(answer["rows"]),
               "cycles: %d rows, %d said, %d in groups", len(answer["rows"]), answer["rows_total"], sum(g["count"] for g in answer["groups"]))
    return answer


def check_waiting(test, where, snapshot, cases):
    def fate_of(case):
        return case.get("fate", "garbage")

    answer = cycles(test, snapshot)
    others = check_cases(test, where, answer, cases, fate_of)
    for row in others:
        test.check(row["fate"] == "reached", "%s: a cycle nobody planted: %s %s", where, row["fate"], row["chain"])
    test.note("%s: %d cycles, %d of them planted", where, len(answer["rows"]), len(answer["rows"]) - len(others))
    sorts = len({row["group"] for row in others})
    test.check(sorts < 20, "%s: %d sorts of cycles in the library: classes and modules are not left out", where, sorts)
    answer = cycles(test, snapshot, "--unreachable")
    others = check_cases(test, where + " --unreachable", answer, [c for c in cases if fate_of(c) != "reached"], fate_of)
    test.check(not others, "%s: --unreachable: not planted: %s", where, [row["chain"] for row in others])
    return answer


def check_all_edges(test, snapshot):
    answer = cycles(test, snapshot, "--all-edges")
    test.check(max(row["size"] for row in answer["rows"]) > 2000, "--all-edges: the largest cycle has %d objects",
               max(row["size"] for row in answer["rows"]))


def check_unreachable(test, where, snapshot, cases):
    status, answer = test.ask("unreachable", snapshot, "--limit", "0")
    test.check(status == 0, "%s: unreachable: exit status %d", where, status)
    test.check(sum(row["count"] for row in answer["rows"]) == answer["objects"], "%s: rows do not add up to %d", where, answer["objects"])
    parts = ["cycle", "dying", "held_from_c", "noise"]
    for key in ("objects", "bytes"):
        test.check(sum(answer[part][key] for part in parts) == answer[key], "%s: %s: %s of %d", where, key,
                   [answer[part][key] for part in parts], answer[key])
        test.check(sum(group[key] for group in answer["groups"]) == answer[key], "%s: groups do not add up to %d %s", where, answer[key], key)
    test.check(answer["dying"]["objects"] == 0, "%s: %d objects are said to be dying", where, answer["dying"]["objects"])
    heads = set(answer["heads"])
    for case in cases:
        members = addresses(case["members"])
        if case.get("fate") == "reached":
            test.check(not members & heads, "%s: unreachable: %s is reachable", where, case["label"])
            continue
        # Nothing else unreachable holds a planted cycle: each is a head.
        test.check(len(members & heads) == case["count"], "%s: unreachable: %s: %d heads, wanted %d", where, case["label"], len(members & heads),
                   case["count"])
    whys = {group["example"]: group["why"] for group in answer["groups"]}
    for address, why in whys.items():
        status, path = test.ask("path", snapshot, address)
        wanted = {"cycle": "unreachable", "dying": "unreachable"}.get(why, "held_from_c")
        test.check(path["outcome"] == wanted, "%s: %s is a head (%s), and path says %s", where, address, why, path["outcome"])
    status, refcheck = test.ask("refcheck", snapshot, "--all", "--limit", "0")
    unexplained = {row["address"]: row["unexplained"] for row in refcheck["rows"]}
    for group in answer["groups"]:
        if group["why"] in ("held_from_c", "noise") and group["unexplained"] and group["count"] == 1:
            found = unexplained.get(group["example"])
            # Of a cycle it is the sum over its members.
            test.check(found == group["unexplained"] or group["objects"] > 1, "%s: %s: %s references from C, refcheck says %s", where,
                       group["example"], group["unexplained"], found)
    status, info = test.ask("info", snapshot)
    test.check(info["counts"]["unreachable"] == answer["objects"], "%s: info says %d, unreachable %d", where, info["counts"]["unreachable"],
               answer["objects"])
    real = [group for group in answer["groups"] if group["why"] == "held_from_c"]
    test.note("%s: %d unreachable objects; held from C beside what is known: %s", where, answer["objects"],
              [(g["type"], g["count"]) for g in real])
    return answer


def check_saved(test, where, snapshot, cases, waiting):
    """After DEBUG_SAVEALL only gc.garbage holds the garbage."""
    def fate_of(case):
        return case.get("fate", "garbage" if "unseen" in case else "saved")

    answer = cycles(test, snapshot)
    others = check_cases(test, where, answer, [case for case in cases if not case.get("closed")], fate_of)
    for row in others:
        test.check(row["fate"] == "reached", "%s: a cycle nobody planted: %s %s", where, row["fate"], row["chain"])
    saved = set(addresses(test.told(snapshot.rsplit("/", 1)[0], "saved.json")))
    for row in waiting["rows"]:
        closed = any(row["members"][0] in addresses(case["members"]) for case in cases if case.get("closed"))
        if row["fate"] == "garbage" and not closed and not row["unseen_type"]:
            missing = set(row["members"]) - saved
            test.check(not missing, "%s: the collector did not find %s of %s", where, sorted(missing)[:3], row["chain"])
    status, answer = test.ask("unreachable", snapshot)
    test.check(answer["gc_garbage"]["objects"] >= len(saved), "%s: %d objects held by gc.garbage, %d are in it", where,
               answer["gc_garbage"]["objects"], len(saved))
    unseen = sum(len(case["members"]) for case in cases if "unseen" in case)
    test.check(answer["cycle"]["objects"] == unseen, "%s: %d objects are still garbage, wanted %d", where, answer["cycle"]["objects"], unseen)


def check_text(test, snapshot):
    status, text, _ = test.ask_text("cycles", snapshot)
    for wanted in (r"^ *1 000 +2 000 .* garbage +0x[0-9a-f]+ +__main__\.Node\.owner → __main__\.Slotted\.next → back$",
                   r"garbage, __del__ +0x[0-9a-f]+ +__main__\.Closing\.other"):
        test.check(status == 0 and re.search(wanted, text, re.M), "cycles: no line like %s in\n%s", wanted, text)
    status, text, _ = test.ask_text("cycles", snapshot, "--type", "*Closing")
    test.check(status == 0 and text.startswith("2 reference cycles, 3 objects"), "cycles --type: %s", text)
    status, text, _ = test.ask_text("cycles", snapshot, "--min-size", "100", "--unreachable")
    test.check(status == 0 and text.startswith("1 reference cycle, 300 objects"), "cycles --min-size: %s", text)
    status, text, error = test.ask_text("cycles", snapshot, "--type", "bytearray")
    test.check(status == 1 and "bytearray" in error, "cycles --type bytearray: %d %s", status, error)


def body(test):
    directory = test.folder_for("cycles")
    test.run_program("cycles_program.py", directory)
    waiting, frozen, saved = test.snapshots(directory, 3)
    cases = test.told(directory, "cycles.json")
    answer = check_waiting(test, "waiting", waiting, cases)
    check_unreachable(test, "waiting", waiting, cases)
    check_all_edges(test, waiting)
    check_text(test, waiting)
    check_waiting(test, "frozen", frozen, cases)
    check_unreachable(test, "frozen", frozen, cases)
    check_saved(test, "saved", saved, cases, answer)
    test.note("%d sorts of cycles", len(cases))
    test.check(len(cases) >= 25, "only %d cases", len(cases))


if __name__ == "__main__":
    held.Test("planted cycles are found, and no others").main(body)
