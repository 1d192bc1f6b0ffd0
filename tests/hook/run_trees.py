#!/usr/bin/env python3
"""Graphs of references against a program that knows its own: trees with thousands of holders, chains, names of all kinds of keys, exports
of the whole snapshot in every format.
"""
import csv
import io
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import held

DEBIAN = "/usr/bin/python3"  # the Python that Debian's python3-networkx is for


def fan(test, path, told):
    status, out, err = test.ask_text("referrers", path, "__main__.leaked")
    lines = out.split("\n")
    wanted = "×1 998 __main__.Holder.attr ← dict['listener'] ← list[*] ← __main__.FAN  ◄ module __main__"
    test.check(status == 0 and not err and any(line.endswith(wanted) for line in lines), "the fan: %s", out)
    test.check(len(lines) < 20, "the tree has %d lines", len(lines))
    test.check(out == test.ask_text("referrers", path, "__main__.leaked")[1], "another answer to the same question")
    status, answer = test.ask("referrers", path, hex(told["leaked"]), "--no-group", "--limit", "0", "--depth", "1")
    holders = [int(e["source"], 16) for e in answer["edges"] if e["kind"] == "attribute" and e["name"] == "attr"]
    test.check(sorted(holders) == sorted(told["holders"]), "%d holders, wanted %d", len(holders), len(told["holders"]))
    status, answer = test.ask("referrers", path, hex(told["leaked"]))
    test.check([e["count"] for e in answer["edges"] if e["name"] == "attr"] == [1998], "the group: %r", answer["edges"])
    for excluded in ("__main__.Holder", "__main__.*", "*Holder"):
        status, out, err = test.ask_text("referrers", path, "__main__.leaked", "--exclude", excluded)
        test.check("Holder" not in out, "--exclude %s: %s", excluded, out)
    status, out, err = test.ask_text("referrers", path, hex(told["last"]))
    test.check("← … 2 998 more … ←" in out and "__main__.head  ◄ module __main__" in out, "the chain: %s", out)


def names(test, path, told):
    status, answer = test.ask("referents", path, "__main__.KEYS", "--limit", "0")
    got = [e["name"] for e in answer["edges"] if e["kind"] == "key"]
    test.check(got == told["keys"], "keys: %r", [pair for pair in zip(told["keys"], got) if pair[0] != pair[1]][:5])
    status, answer = test.ask("referents", path, "__main__.items", "--limit", "0")
    test.check([int(e["target"], 16) for e in answer["edges"] if e["kind"] == "index"] == told["items"], "items of a list")
    for key, value in list(zip(told["keys"], told["values"]))[::29]:
        status, answer = test.ask("path", path, "--from", "__main__.KEYS", "--to", hex(value))
        test.check([p["expression"] for p in answer["paths"]] == ["__main__.KEYS[%s]" % key], "path to %s: %r", key, answer["paths"])


def exports(test, path, told):
    status, info = test.ask("info", path)
    counts = info["counts"]
    done = test.call(["export", path, "--format", "csv", "--raw"])
    test.check(len(list(csv.reader(io.StringIO(done.stdout.decode(), newline="")))) == counts["edges"] + 1, "raw references")
    done = test.call(["export", path, "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode(), newline="")))
    test.check(len(rows) >= counts["edges"], "%d references, raw %d", len(rows), counts["edges"])
    found = {(int(row["source"], 16), row["name"], int(row["target"], 16)) for row in rows}
    missing = [triple for triple in map(tuple, told["triples"]) if triple not in found]
    test.check(not missing, "%d of %d known references are not exported: %r", len(missing), len(told["triples"]), missing[:3])
    status, document = test.ask("export", path)
    test.check(len(document["nodes"]) == counts["objects"] and len(document["edges"]) == len(rows), "JSON: %d nodes, %d edges",
               len(document["nodes"]), len(document["edges"]))
    finalized = {int(n["address"], 16) for n in document["nodes"] if n["finalizer"] and n["type"].startswith("__main__.")}
    test.check(finalized == {told["finalized"]}, "finalizers: %r", finalized)
    graphml = test.call(["export", path, "--format", "graphml"]).stdout
    namespace = "{http://graphml.graphdrawing.org/xmlns}"
    number = {"node": 0, "edge": 0}
    for _, element in ElementTree.iterparse(io.BytesIO(graphml)):
        kind = element.tag[len(namespace):]
        if kind in number:
            number[kind] += 1
            element.clear()
    test.check(number == {"node": counts["objects"], "edge": len(rows)}, "GraphML: %r", number)
    dot = test.call(["export", path, "--format", "dot"]).stdout.decode()
    test.check(len(re.findall(r"^    n\d+ \[label=", dot, re.M)) == counts["objects"], "DOT: nodes")
    test.check(len(re.findall(r"^    n\d+ -> n\d+ \[label=", dot, re.M)) == len(rows), "DOT: edges")


def other_tools(test, directory, path):
    question = ["referents", path, "__main__.KEYS", "--limit", "0", "--format"]
    try:
        done = subprocess.run(["dot", "-Tsvg"], input=test.call(question + ["dot"]).stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        test.check(done.returncode == 0 and not done.stderr, "dot: %s", done.stderr.decode()[:300])
        ElementTree.fromstring(done.stdout)
    except FileNotFoundError:
        test.note("SKIPPED: Graphviz is not installed (Debian package graphviz)")
    file = os.path.join(directory, "keys.graphml")
    with open(file, "wb") as out:
        out.write(test.call(question + ["graphml"]).stdout)
    script = "import networkx, sys; g = networkx.read_graphml(sys.argv[1]); print(g.is_directed(), g.number_of_nodes(), g.number_of_edges())"
    status, answer = test.ask(*question[:-1])
    if os.path.exists(DEBIAN) and subprocess.run([DEBIAN, "-c", "import networkx"], stderr=subprocess.PIPE).returncode == 0:
        done = subprocess.run([DEBIAN, "-c", script, file], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wanted = "True %d %d" % (len(answer["nodes"]), len(answer["edges"]))
        test.check(done.stdout.decode().strip() == wanted, "NetworkX: %s, wanted %s; %s", done.stdout.decode(), wanted, done.stderr.decode()[-300:])
    else:
        test.note("SKIPPED: NetworkX is not installed (Debian package python3-networkx)")


def leftovers(test):
    """Before 3.11 a running frame's stack has words from earlier work in it: they hold nothing."""
    directory = test.folder_for("leftovers")
    path = os.path.join(directory, "leftovers.held")
    source = ("import heldby, sys\nclass V: pass\nclass W: pass\nD = {'a': V(), 'b': V(), 'c': W()}\n"
              "heldby.snapshot(sys.argv[1])\n")
    subprocess.run([test.options.python, "-c", source, path], env=test.environment(directory, PYTHONPATH=os.path.dirname(test.options.lib)), check=True)
    for name, expression in (("W", "__main__.D[*]"), ("V", "__main__.D[*]")):
        status, answer = test.ask("path", path, "--type", "__main__." + name)
        test.check([row["expression"] for row in answer["rows"]] == [expression], "path to all %s: %r", name, answer["rows"])
        status, answer = test.ask("histogram", path, "--by", "referrer", "--type", "__main__." + name)
        test.check([row["referrer"] for row in answer["rows"]] == ["dict"], "what holds %s: %r", name, answer["rows"])


def body(test):
    leftovers(test)
    directory = test.folder_for("trees")
    path = os.path.join(directory, "trees.1.held")
    test.run_program("trees_program.py", directory, PYTHONPATH=os.path.dirname(test.options.lib))
    told = test.told(directory, "trees.json")
    fan(test, path, told)
    names(test, path, told)
    exports(test, path, told)
    other_tools(test, directory, path)


if __name__ == "__main__":
    held.Test("graphs of references: trees, names, exports").main(body)
