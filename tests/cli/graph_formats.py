#!/usr/bin/env python3
"""What heldby writes for other tools is read by those tools: graph_formats.py HELDBY MAKE_FIXTURES

Graphviz renders every DOT graph, NetworkX (or, where it is not installed, an XML parser) loads every GraphML graph, and what they have
read is compared with the JSON of the same question, text by text: keys with quotes, backslashes, NULs, control characters, bytes that are
not UTF-8, markup. Exits with 77 (skipped) after all other checks when Graphviz or NetworkX is missing.
"""
import csv
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

try:
    import networkx
except ImportError:
    networkx = None

HELDBY, MAKER = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
DOT = shutil.which("dot")
SVG = "{http://www.w3.org/2000/svg}"
QUESTIONS = [
    ["referrers", "app.1.held", "myapp.config"],
    ["referrers", "app.1.held", "myapp.config", "0x7f0000018000", "--no-group"],
    ["referrers", "app.3.held", "--type", "myapp.Session", "--depth", "3"],
    ["referrers", "app.1.held", "--type", "NoneType", "--limit", "1"],
    ["referrers", "fan.held", "bus.main_bus"],
    ["referrers", "fan.held", "bus.main_bus", "--no-group", "--limit", "3"],
    ["referrers", "hostile.held", "--type", "evil*"],
    ["referrers", "keys.held", "--type", "keys.Value", "--no-group", "--limit", "0"],
    ["referents", "keys.held", "keys.DICT", "--depth", "3", "--limit", "0"],
    ["referents", "keys.held", "keys.DICT", "--group"],
    ["referents", "app.1.held", "myapp._CACHE", "--depth", "0"],
    ["export", "app.1.held"],
    ["export", "app.1.held", "--raw"],
    ["export", "keys.held"],
    ["export", "keys.held", "--raw"],
    ["export", "hostile.held"],
    ["export", "nothing.held"],
    ["export", "app.2.held", "myapp.config", "--depth", "2"],
    ["export", "fan.held", "bus._FAN", "--direction", "referents", "--limit", "5"],
]
PATHS = [
    ["path", "app.1.held", "myapp.config", "--all"],
    ["path", "app.1.held", "0x7f0000018000", "--all"],
    ["path", "app.1.held", "0x7f0000500400"],
    ["path", "keys.held", "0x7f0000030080"],
    ["path", "hostile.held", "0x7f0000011000"],
]
failures = []


def check(ok, what):
    if not ok:
        failures.append(what)
        print("FAIL", what)


def ask(question, *options):
    done = subprocess.run([HELDBY, *question, *options], capture_output=True)
    check(done.returncode == 0 and not done.stderr, f"{question} {options}: {done.returncode} {done.stderr.decode()}")
    return done.stdout


def spelled(c):
    code = ord(c)
    if c in "\n\t\r":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}[c]
    hidden = code < 0x20 or 0x7f <= code < 0xa0 or code == 0xad or 0x200b <= code <= 0x200f or 0x2028 <= code <= 0x202e or \
        0x2060 <= code <= 0x206f or code == 0xfeff
    return c if not hidden else f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def plain(text):
    """What both have in common: JSON's text, and that of the other formats, where what would control something is spelled, what XML
    cannot hold is U+FFFD, and a byte that is not UTF-8 (U+FFFD in JSON) is spelled."""
    text = "".join(map(spelled, text))
    return re.sub(r"\\x[89a-f][0-9a-f]|[\ufffd\ufffe\uffff]", "?", text).replace("\xa0", " ")


def nodes_of(document):
    return {node["address"]: node for node in document["nodes"]}


def graphml(question, document):
    text = ask(question, "--format", "graphml")
    text.decode("utf-8")
    check(not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", text), f"{question}: control characters in XML")
    root = ElementTree.fromstring(text)
    ns = "{http://graphml.graphdrawing.org/xmlns}"
    edges = [(e.get("source"), e.get("target")) for e in root.iter(ns + "edge")]
    if not networkx:
        return
    graph = networkx.read_graphml(io.BytesIO(text))
    check(graph.is_directed(), f"{question}: not directed")
    check(graph.number_of_edges() == len(edges), f"{question}: edges lost in NetworkX")
    wanted = nodes_of(document)
    objects = {data["address"]: data for _, data in graph.nodes(data=True) if "address" in data}
    check(set(objects) == set(wanted), f"{question}: other nodes in GraphML than in JSON")
    for address, data in objects.items():
        node = wanted[address]
        check(plain(data["type"]) == plain(node["type"]), f"{question}: type {data['type']!r} for {node['type']!r}")
        check(plain(data.get("value", "")) == plain(node["preview"]) or node["objects"] > 1,
              f"{question}: value {data.get('value')!r} for {node['preview']!r}")
        check((data["shallow"], data["refcount"], data["objects"]) ==
              (node["shallow"], node["refcount"], node["objects"]), f"{question}: numbers of {address}")
        check(isinstance(data["target"], bool) and data["target"] == (address in document["targets"]),
              f"{question}: target {address}")
        check(bool(data.get("root", "")) == (node["root"] is not None) or node["objects"] > 1, f"{question}: root of {address}")
    of = dict(graph.nodes(data="address"))
    got = sorted((of[s], of[t], d["kind"], plain(d.get("name", "")), d["count"], d["certain"])
                 for s, t, d in graph.edges(data=True) if of[s])
    want = sorted((e["source"], e["target"], e["kind"], plain(e["name"]), e["count"], e["certain"])
                  for e in document["edges"])
    check(got == want, f"{question}: edges differ between GraphML and JSON: {set(got) ^ set(want)}")
    for source, target, data in graph.edges(data=True):
        if not of[source]:  # a root that is no object
            check(graph.nodes[source]["type"] and wanted[of[target]]["root"], f"{question}: root {source}")


def dot(question, document):
    text = ask(question, "--format", "dot")
    text.decode("utf-8")
    if not DOT:
        return
    done = subprocess.run([DOT, "-Tsvg"], input=text, capture_output=True)
    check(done.returncode == 0 and not done.stderr, f"{question}: dot says {done.stderr.decode()}")
    svg = ElementTree.fromstring(done.stdout)
    drawn = [g for g in svg.iter(SVG + "g") if g.get("class") == "node"]
    lines = {g.find(SVG + "title").text: ["".join(t.itertext()) for t in g.iter(SVG + "text")] for g in drawn}
    objects = {name: label for name, label in lines.items() if name.startswith("n")}
    check(len(objects) == len(document["nodes"]), f"{question}: {len(objects)} nodes drawn")
    # Graphviz turns spaces that follow each other into no-break ones.
    flat = [plain(" ".join(label)) for label in objects.values()]
    for node in document["nodes"]:
        value = plain(node["preview"])
        shown = value if node["objects"] == 1 and not re.fullmatch(r"(list|tuple|dict|set|deque) of [0-9 \u202f]+", value) else ""
        check(any(plain(node["type"]) in label and shown in label for label in flat),
              f"{question}: {node['type']!r} {value!r} is not drawn in {flat}")
    edges = [plain(" ".join("".join(t.itertext()) for t in g.iter(SVG + "text"))) for g in svg.iter(SVG + "g") if g.get("class") == "edge"]
    for edge in document["edges"]:
        name = plain(edge["name"])
        check(name == "*" or any(name in label for label in edges), f"{question}: edge {name!r} is not drawn")


def rows(question, document):
    whole = ask(question, "--format", "csv").decode("utf-8")
    got = list(csv.DictReader(io.StringIO(whole, newline="")))
    want = document["edges"]
    check(len(got) == len(want), f"{question}: {len(got)} rows of edges")
    for row, edge in zip(got, want):
        check((row["source"], row["target"], row["kind"], plain(row["name"]), row["certain"] == "true") ==
              (edge["source"], edge["target"], edge["kind"], plain(edge["name"]), edge["certain"]), f"{question}: {row} for {edge}")
    got = list(csv.DictReader(io.StringIO(ask(question, "--format", "csv", "--rows", "nodes").decode("utf-8"), newline="")))
    check([(r["address"], plain(r["type"]), int(r["shallow"]), plain(r["value"])) for r in got] ==
          [(n["address"], plain(n["type"]), n["shallow"], plain(n["preview"])) for n in document["nodes"]], f"{question}: rows of nodes")


def chains(question):
    """Every step of every path is an edge."""
    document = json.loads(ask(question, "--json"))
    steps = {(step["address"], plain(step["name"])) for path in document["paths"] for step in path["steps"] if step["name"]}
    text = ask(question, "--format", "dot")
    if DOT:
        done = subprocess.run([DOT, "-Tsvg"], input=text, capture_output=True)
        check(done.returncode == 0 and not done.stderr, f"{question}: dot says {done.stderr.decode()}")
    text = ask(question, "--format", "graphml")
    if networkx:
        graph = networkx.read_graphml(io.BytesIO(text))
        of = dict(graph.nodes(data="address"))
        got = {(of[target], plain(data["name"])) for _, target, data in graph.edges(data=True) if data.get("name")}
        check(got == steps, f"{question}: {got ^ steps}")


def main():
    with tempfile.TemporaryDirectory(prefix="heldby-graphs-") as folder:
        subprocess.run([MAKER, folder], check=True)
        os.chdir(folder)
        for question in QUESTIONS:
            document = json.loads(ask(question, "--json"))
            graphml(question, document)
            dot(question, document)
            if question[0] == "export":
                rows(question, document)
        for question in PATHS:
            chains(question)
    missing = [name for name, there in (("graphviz", DOT), ("python3-networkx", networkx)) if not there]
    print(f"graph_formats: {len(QUESTIONS) + len(PATHS)} questions, {len(failures)} failures")
    if failures:
        sys.exit(1)
    if missing:
        print(f"graph_formats: SKIPPED in part, for want of the Debian packages {' '.join(missing)}")
        sys.exit(77)


main()
