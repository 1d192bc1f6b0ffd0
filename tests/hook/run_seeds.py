#!/usr/bin/env python3
"""Compares answers with those of objgraph and of the gc module, given by the same process (programs/seeds_program.py).

* Types: the counts of `heldby histogram --tracked` equal objgraph.typestats().
* Referrers: for hundreds of random objects, what `heldby referrers` names is all that gc.get_referrers() finds, and what is more is explained
  by a rule of EXTRA, what is named otherwise by one of FOLDED.
* Chains: `heldby path` is never longer than objgraph.find_backref_chain().
* Growth: the rows of `heldby growth --tracked --peak` are those of objgraph.growth().

objgraph is Debian's python3-objgraph; it is one file of plain Python and runs on every version here.
"""
import collections
import os
import subprocess

import held
import run_graph


class Rule:
    def __init__(self, name, reason, holds):
        self.name, self.reason, self.holds, self.used = name, reason, holds, 0


# Raw holders that the answer names by another one, which stands for them.
FOLDED = [
    Rule("namespace", "an instance, a module or a class holds what is in its dict",
         lambda s, part, named: any(e.kind == "namespace" and e.target == part for n in named for e in s.objects[n].edges)),
    Rule("frame", "a generator or coroutine holds what is in its frame",
         lambda s, part, named: any(e.kind == "frame" and e.target == part or e.name in ("gi_frame", "cr_frame") and e.target == part
                                    for n in named for e in s.objects[n].edges)),
    Rule("closure", "a function holds what is in the cells of its closure",
         lambda s, part, named: s.objects[part].type == "cell" and any(part in cells_of(s, n) for n in named)),
    Rule("cache", "a cache holds its values, which hang on a dict or on links",
         lambda s, part, named: any(s.objects[n].type == "functools._lru_cache_wrapper" for n in named)),
]

# Holders in the answer that gc.get_referrers() does not find.
EXTRA = [
    Rule("untracked", "gc.get_referrers() sees tracked objects only", lambda s, holder, target, edges: not s.objects[holder].flags & held.TRACKED),
    Rule("weak", "a weakref does not own its target", lambda s, holder, target, edges: bool(edges) and all(e.kind == "weak" for e in edges)),
    Rule("frozen", "gc.get_referrers() does not see what was frozen", lambda s, holder, target, edges: bool(s.objects[holder].flags & held.FROZEN)),
]
for rule in run_graph.EXTRA:
    EXTRA.append(Rule("beyond tp_traverse: " + rule.name, rule.reason,
                      lambda s, holder, target, edges, rule=rule: bool(edges) and all(rule.holds(s, s.objects[holder], e) for e in edges)))
EXTRA.append(Rule("folded", "it stands for a part that gc.get_referrers() does find", None))

# Referrers that gc finds and that do not own the object.
MISSING = [
    Rule("instance of the class", "the reference of an object to its class is kept once, with the type",
         lambda s, holder, target: s.objects[holder].type_object == target),
]
for rule in run_graph.ALLOWED_MISSING:
    MISSING.append(Rule("not owned: " + rule.name, rule.reason, lambda s, holder, target, rule=rule: rule.holds(s, s.objects[holder], target)))


def cells_of(snapshot, function):
    result = set()
    for edge in snapshot.objects[function].edges:
        if edge.name == "__closure__":
            result.update(e.target for e in snapshot.objects[edge.target].edges)
    return result


def types(test, path, told):
    status, answer = test.ask("histogram", path, "--tracked", "--limit", "0")
    counts = collections.Counter()
    for row in answer["rows"]:
        counts[told["names"].get(row["type"], row["type"])] += row["count"]
    before, after = told["types"]
    same = [name for name in before if before[name] == after.get(name)]
    for name in same:
        own = told["own"].get(name, 0) - (told["frozen"] if name == "builtins.tuple" else 0)
        test.check(counts[name] == before[name] - own, "type %s: %d tracked objects, objgraph counts %d, %d of them the hook's or frozen", name, counts[name],
                   before[name], own)
    changed = sorted(set(before) - set(same) | set(after) - set(before))
    for name in changed:  # what objgraph.typestats() gave is itself a dict more
        low, high = sorted((before.get(name, 0), after.get(name, 0)))
        test.check(low - 2 <= counts[name] <= high + 2, "type %s: %d tracked objects, objgraph counts %d and then %d", name, counts[name], low, high)
    unknown = [name for name in counts if name not in before and name not in after]
    test.check(not unknown, "types that objgraph does not see: %s", unknown)
    test.check(len(same) > 60 and len(changed) <= 3, "%d types compared, %s changed", len(same), changed)
    test.note("%d types have the same number of tracked objects", len(same))


def referrers(test, path, told):
    snapshot = test.load(path)
    first, second = told["referrers"]
    stable = {int(a): sorted(map(tuple, first[a])) for a in first if sorted(first[a]) == sorted(second.get(a, []))}
    for address in [a for a in stable if a in told["left_out"]]: # the module itself is in no snapshot
        test.check(address not in snapshot.objects, "0x%x is of heldby itself", address)
        del stable[address]
    status, answer = test.ask("referrers", path, *["0x%x" % a for a in stable], "--depth", "1", "--no-group", "--limit", "0")
    named = collections.defaultdict(set)
    for edge in answer["edges"]:
        named[int(edge["target"], 16)].add(int(edge["source"], 16))
    compared = holders = 0
    for target, wanted in stable.items():
        if not test.check(target in snapshot.objects, "0x%x is not in the snapshot", target):
            continue
        compared += 1
        explained = set()
        for holder, kind in wanted:
            holders += 1
            if not test.check(holder in snapshot.objects, "0x%x: its referrer 0x%x (%s) is not in the snapshot", target, holder, kind):
                continue
            raw = [e for e in snapshot.objects[holder].edges if e.target == target]
            if raw:
                explained.add(holder)
            if holder in named[target]:
                test.checks += 1
                continue
            rule = next((r for r in MISSING if not raw and r.holds(snapshot, holder, target)), None) or \
                next((r for r in FOLDED if raw and r.holds(snapshot, holder, named[target])), None)
            if test.check(rule, "0x%x (%s): its referrer 0x%x (%s) is not named (%s)", target, snapshot.objects[target].type, holder, kind,
                          "no reference in the snapshot" if not raw else raw[:2]):
                rule.used += 1
        found = {holder for holder, _ in wanted}
        for holder in named[target] - found:
            holders += 1
            raw = [e for e in snapshot.objects[holder].edges if e.target == target]
            rule = next((r for r in EXTRA if r.holds and r.holds(snapshot, holder, target, raw)), None)
            if not rule and not raw and any(r.holds(snapshot, part, {holder}) for part in explained for r in FOLDED):
                rule = EXTRA[-1]
            if not rule and not raw:  # folded out of a part that is untracked itself
                part = folded_from(snapshot, holder, target)
                rule = EXTRA[0] if part and not snapshot.objects[part].flags & held.TRACKED else None
            if test.check(rule, "0x%x (%s): 0x%x (%s) is named, which gc.get_referrers() does not find: %s", target, snapshot.objects[target].type, holder,
                          snapshot.objects[holder].type, raw[:2]):
                rule.used += 1
    for rule in EXTRA + FOLDED + MISSING:
        if rule.used:
            test.note("%s: %d (%s)", rule.name, rule.used, rule.reason)
    unstable = len(first) - len(stable)
    test.note("%d objects compared, %d holders, %d objects left out as changing", compared, holders, unstable)
    test.check(compared >= 400 and unstable <= 20, "%d compared, %d changing", compared, unstable)


def folded_from(snapshot, holder, target):
    """The part of `holder`, one or two references away, that holds the target."""
    near = {e.target for e in snapshot.objects[holder].edges if e.target in snapshot.objects}
    far = {e.target for part in near for e in snapshot.objects[part].edges if e.target in snapshot.objects}
    for part in list(near) + list(far):
        if any(e.target == target for e in snapshot.objects[part].edges):
            return part
    return None


def chains(test, path, told):
    compared, shorter = 0, 0
    for address, chain, found in told["chains"]:
        if not found:
            continue
        status, answer = test.ask("path", path, "0x%x" % address)
        if not test.check(answer["found"], "0x%x: objgraph has the chain %s, and there is no path", address, chain):
            continue
        compared += 1
        steps = len(answer["paths"][0]["steps"])
        test.check(steps <= len(chain) - 1, "0x%x: the path has %d references, objgraph's chain %d: %s, %s", address, steps, len(chain) - 1,
                   answer["paths"][0]["expression"], [kind for _, kind in chain])
        shorter += steps < len(chain) - 1
    test.check(compared >= 50, "only %d chains", compared)
    test.note("%d chains, %d of them shorter than objgraph's", compared, shorter)


def growth_rows(test, told, *paths):
    status, answer = test.ask("growth", *paths, "--tracked", "--peak", "--limit", "0")
    rows = collections.Counter(), collections.Counter()
    for row in answer["rows"]:
        name = told["names"].get(row["type"], row["type"]).split(".")[-1]
        rows[0][name] += row["counts"][-1]
        rows[1][name] += row["counts"][-1] - max(row["counts"][:-1])
    return rows


def growth(test, paths, told):
    # objgraph's rows name the types without their modules, those that are named alike together
    names = collections.Counter(name.split(".")[-1] for name in told["names"])

    def row(total, delta, name):
        return (total, delta) if names[name] <= 1 else ("several types", delta)

    for label, files in (("growth", paths[3:5]), ("shrunk", paths[3:6]), ("regrown", paths[3:7])):
        totals, deltas = growth_rows(test, told, *files)
        wanted = {name: row(total, delta, name) for name, total, delta in told[label]}
        got = {name: row(totals[name], deltas[name], name) for name in deltas}
        # the rows that objgraph's own calls and json's make are there or not, by a few
        noise = {name for name in set(wanted) | set(got) if name in ("dict", "tuple", "list", "cell", "function", "frame", "method", "weakref", "ReferenceType") and
                 abs(wanted.get(name, (0, 0))[1] - got.get(name, (0, 0))[1]) <= 3}
        for name in sorted((set(wanted) | set(got)) - noise):
            test.check(wanted.get(name) == got.get(name), "%s: %s: %s, objgraph says %s", label, name, got.get(name), wanted.get(name))
        test.note("%s: %s", label, ", ".join("%s %s (+%d)" % ((name,) + got[name]) for name in sorted(got)) or "nothing")
    wanted = {name: delta for name, _, delta in told["growth"]}
    test.check(wanted.get("Untouched") == 70 and wanted.get("tuple", 0) >= 70, "objgraph's own rows: %s", told["growth"])
    wanted = {name: delta for name, _, delta in told["regrown"]}
    test.check(wanted.get("Untouched") == 5, "objgraph's own rows after growing again: %s", told["regrown"])


def objgraph_file():
    done = subprocess.run(["/usr/bin/python3", "-c", "import objgraph; print(objgraph.__file__)"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    if done.returncode:
        raise held.Failed("the Debian package python3-objgraph is not installed")
    return done.stdout.decode().strip()


def body(test):
    directory = test.folder_for("seeds")
    modules = test.folder_for("modules")
    os.symlink(test.options.lib, os.path.join(modules, "heldby.so"))
    test.run_program("seeds_program.py", directory, objgraph_file(), PYTHONPATH=os.pathsep.join((modules, held.PROGRAMS)), LD_PRELOAD="")
    paths = test.snapshots(directory, 7)
    told = test.told(directory, "seeds.json")
    types(test, paths[0], told)
    referrers(test, paths[1], told)
    chains(test, paths[2], told)
    growth(test, paths, told)


if __name__ == "__main__":
    held.Test("the same answers as objgraph and gc").main(body)
