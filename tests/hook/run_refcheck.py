#!/usr/bin/env python3
"""Asks `heldby refcheck` about programs that leak references from C, a known number to each of many objects.

* each planted object is a row, with exactly the unexplained references planted and the references found that there are;
* nothing else of the program is; what else there is, is little, whatever the program imports;
* path, show and referrers say `<held from C \u00d7n>` of what only C holds, with the same n.
"""
import held
import refleak

MOST_OTHERS = 6  # rows of an interpreter that only imports what the tests' programs do
MODULES = ("asyncio json re decimal sqlite3 ctypes logging threading xml.etree.ElementTree subprocess multiprocessing unittest "
           "email.mime.text urllib.request pickle datetime inspect").split()
MOST_WITH_MODULES = 12


def check_planted(test, name, planted, rows):
    of = {row["address"]: row for row in rows}
    for thing in planted:
        row = of.pop("0x%x" % thing["id"], None)
        label = "%s: %s" % (name, thing["label"])
        if not test.check(row is not None, "%s is no row", label):
            continue
        test.check(row["unexplained"] == thing["unexplained"], "%s: %d unexplained, wanted %d", label, row["unexplained"], thing["unexplained"])
        test.check(row["found"] == thing["found"], "%s: %d found, wanted %d", label, row["found"], thing["found"])
        test.check(row["refcount"] == row["found"] + row["unexplained"], "%s: %s", label, row)
        test.check(row["type"].split(".")[-1] == thing["type"], "%s: type %s", label, row["type"])
        test.check(row["class"] == "", "%s: counts as noise: %s", label, row)
    return list(of.values())


def check_totals(test, name, answer):
    rows = answer["rows"]
    test.check(answer["objects"] == len(rows), "%s: %d objects, %d rows", name, answer["objects"], len(rows))
    test.check(answer["unexplained"] == sum(row["unexplained"] for row in rows), "%s: total %d", name, answer["unexplained"])
    types = {}
    for row in rows:
        types.setdefault(row["type"], []).append(row["unexplained"])
    wanted = {name: (len(counts), sum(counts)) for name, counts in types.items()}
    got = {row["type"]: (row["count"], row["unexplained"]) for row in answer["types"]}
    test.check(got == wanted, "%s: by type %s, wanted %s", name, got, wanted)
    order = [(-row["unexplained"], -row["shallow"], int(row["address"], 16)) for row in rows]
    test.check(order == sorted(order), "%s: not in order", name)


def check_all(test, name, snapshot, planted, rows):
    _, answer = test.ask("refcheck", snapshot, "--all", "--limit", "0", statuses=(0,))
    check_planted(test, name + " --all", planted, answer["rows"])
    plain = [row for row in answer["rows"] if row["class"] == ""]
    test.check([row["address"] for row in plain] == [row["address"] for row in rows], "%s --all: other rows without a class", name)
    classes = {}
    for row in answer["rows"]:
        if row["class"]:
            classes[row["class"]] = classes.get(row["class"], 0) + 1
    test.check(classes == answer["noise"], "%s --all: %s, said to be %s", name, classes, answer["noise"])
    test.check("type" in classes, "%s --all: no types: %s", name, classes)


def check_others_agree(test, name, snapshot, planted):
    """What only C holds has the same count everywhere."""
    for thing in planted:
        if thing["found"] or thing["unexplained"] > 100:
            continue
        address, wanted = "0x%x" % thing["id"], "<held from C \u00d7%d>" % thing["unexplained"]
        label = "%s: %s" % (name, thing["label"])
        _, answer = test.ask("path", snapshot, address, statuses=(0,))
        test.check(answer["found"] and answer["paths"][0]["expression"] == wanted, "%s: path says %s", label, answer["paths"])
        root = answer["paths"][0]["root"]
        test.check(root["kind"] == "c_reference" and root["count"] == thing["unexplained"], "%s: its root is %s", label, root)
        for command in ["show"], ["referrers"]:
            _, out, err = test.ask_text(*(command + [snapshot, address]))
            test.check(wanted in out, "%s: %s does not say %s: %s%s", label, command[0], wanted, out[:300], err[:300])


def check_options(test, name, snapshot, planted):
    status, out, err = test.ask_text("refcheck", snapshot, "--fail-if", "type=__main__.Plain,unexplained>999")
    test.check(status == 1 and "--fail-if" in err and "__main__.Plain" in out, "%s: --fail-if: %d %s", name, status, err)
    status = test.ask_text("refcheck", snapshot, "--fail-if", "unexplained>1000")[0]
    test.check(status == 0, "%s: --fail-if that does not hold: %d", name, status)
    _, answer = test.ask("refcheck", snapshot, "--type", "__main__.Parent", "--limit", "0", statuses=(0,))
    wanted = sum(thing["type"] == "Parent" for thing in planted)
    test.check(len(answer["rows"]) == wanted == 7, "%s: --type: %s", name, answer["rows"])
    _, answer = test.ask("refcheck", snapshot, "--by", "type", "--limit", "0", statuses=(0,))
    rows = {row["type"]: row for row in answer["rows"]}
    test.check(rows["__main__.Parent"]["count"] == rows["__main__.Parent"]["unexplained"] == 7, "%s: --by type: %s", name, rows)


def leaks(test, name, *arguments):
    directory = test.folder_for(name)
    missing = refleak.build(test, directory)
    if missing:
        test.note("SKIPPED %s: %s", name, missing)
        return
    test.run_program("refcheck_program.py", directory, *arguments)
    snapshot, = test.snapshots(directory, 1)
    planted = test.told(directory, "planted.json")
    status, answer = test.ask("refcheck", snapshot, "--limit", "0", statuses=(0,))
    others = check_planted(test, name, planted, answer["rows"])
    ours = [row for row in others if row["module"] in ("__main__", "refleak", "signalling")]
    test.check(not ours, "%s: not planted: %s", name, ours)
    test.check(len(others) <= MOST_OTHERS, "%s: %d other rows: %s", name, len(others), others)
    test.note("%s: %d planted objects, %d other rows", name, len(planted), len(others))
    check_totals(test, name, answer)
    check_all(test, name, snapshot, planted, answer["rows"])
    check_others_agree(test, name, snapshot, planted)
    check_options(test, name, snapshot, planted)


def imports(test):
    """A program without a leak, with much imported."""
    directory = test.folder_for("imports")
    test.run_program("refcheck_imports.py", directory, *MODULES)
    snapshot, = test.snapshots(directory, 1)
    _, answer = test.ask("refcheck", snapshot, "--limit", "0")
    rows = [(row["type"], row["preview"], row["unexplained"]) for row in answer["rows"]]
    test.note("%d modules imported: %d rows", len(MODULES), len(rows))
    test.check(len(rows) <= MOST_WITH_MODULES, "%d rows without a leak: %s", len(rows), rows)
    test.check(all(row["unexplained"] <= 3 for row in answer["rows"]), "too many references: %s", rows)


def body(test):
    leaks(test, "leaks")
    leaks(test, "frozen", "freeze")
    imports(test)


if __name__ == "__main__":
    held.Test("references held from C are counted exactly").main(body)
