#!/usr/bin/env python3
"""Compares every reference in a snapshot with what gc.get_referents said in the program itself.

programs/graph_program.py makes one of everything and much of the standard library, and records the truth three times:
before the first snapshot, between the two, after the second, which is taken after gc.freeze(). An object is compared with a
snapshot when the two truths around it agree about it. That leaves out, and nothing else:

* objects of the measurement: the lists and sets gather() works with, and frames that run it;
* objects that lived for a moment only (the program waits for the file in time.sleep and os.listdir meanwhile).

Both are counted, and there must be few of them. Compared are all objects the collector tracks, and all that can be reached from
them through gc.get_referents, tracked or not (of types without tp_traverse, which cannot be asked: that they are there, of the right type). References are compared as a multiset of targets. What tp_traverse reports and
the snapshot lacks is a failure, but for ALLOWED_MISSING. What the snapshot has beyond it must match a rule in EXTRA.
"""
import array
import collections
import os

import held

DICT, STR, TYPE, FRAME, WEAKREF, GENERATOR, MODULE, DESCRIPTOR = 10, 2, 1, 17, 19, 18, 12, 30
TRUTH_TRACKED, TRUTH_ASKED = 1, 2


class Rule:
    """References that tp_traverse does not report although they exist; each with its reason."""

    def __init__(self, name, reason, holds, first=(3, 8), last=(3, 99)):
        self.name, self.reason, self.holds, self.first, self.last = name, reason, holds, first, last
        self.used = 0


def target_family(snapshot, edge):
    target = snapshot.objects.get(edge.target)
    return target.family if target else None


EXTRA = [
    Rule("str keys", "dict_traverse skips the keys of a dict whose keys are all str",
         lambda s, o, e: o.family == DICT and e.kind == "key_object" and target_family(s, e) == STR),
    Rule("weak", "a weakref does not own its target",
         lambda s, o, e: o.family == WEAKREF and e.kind == "weak"),
    Rule("type internals", "type_traverse leaves out what cannot be part of a cycle, and the dict of weak references to subclasses",
         lambda s, o, e: o.family == TYPE and e.name in TYPE_INTERNALS),
    Rule("names", "a tp_traverse skips strings, which cannot be part of a cycle",
         lambda s, o, e: target_family(s, e) == STR and e.kind == "field" and e.name in NAMES.get(o.type, NAMES_OF_FAMILY.get(o.family, ()))),
    Rule("frame in use", "a frame object whose frame is still on a thread's chain reports f_back and f_trace only",
         lambda s, o, e: o.family == FRAME, first=(3, 11)),
    Rule("expression stack", "frame_traverse skips the stack of a frame that is running",
         lambda s, o, e: o.family == FRAME and e.kind == "stack", last=(3, 10)),
    Rule("materialised __dict__", "subtype_traverse visits the inline values and not the dict that shares them",
         lambda s, o, e: e.kind == "namespace" and target_family(s, e) == DICT, first=(3, 13)),
    Rule("BytesIO", "bytesio_traverse skips the buffer, a bytes object",
         lambda s, o, e: o.type == "_io.BytesIO", last=(3, 11)),
]

TYPE_INTERNALS = {"__name__", "__qualname__", "__slots__", "<subclasses>", "<shared key>"}
NAMES_OF_FAMILY = {MODULE: {"__name__"}, DESCRIPTOR: {"__name__", "__qualname__"}, GENERATOR: {"__name__", "__qualname__"}}
NAMES = {"typing." + name: {"__name__"} for name in ("TypeVar", "ParamSpec", "TypeVarTuple", "TypeAliasType")}

# What tp_traverse reports although the object does not own it.
ALLOWED_MISSING = [
    Rule("weakref list", "odict_traverse visits the list of weak references to the OrderedDict, which owns none of them",
         lambda s, o, target: target_family(s, held.Edge(target, "", True, "", 0, 0)) == WEAKREF and
         s.objects[o.address].type in ORDERED),
    Rule("executing generator", "gen_traverse visits the frame of a generator that is running; here its thread holds the locals",
         lambda s, o, target: o.family == GENERATOR and target in s.held_by_frames, first=(3, 11)),
    Rule("lru_cache links", "lru_cache_tp_traverse visits keys and results of its links itself; here they hang on the link objects",
         lambda s, o, target: o.type == "functools._lru_cache_wrapper" and target in of_links(s, o)),
]
ORDERED = {"collections.OrderedDict", "__main__.OrderedSubclass"}


def of_links(snapshot, wrapper):
    """Everything the links of an lru_cache hold, and their type."""
    result = set()
    for edge in wrapper.edges:
        for inner in snapshot.objects[edge.target].edges if edge.kind == "cache" else ():
            link = snapshot.objects[inner.target]
            result.add(link.type_object)
            result.update(item.target for item in link.edges)
    return result


def read_truth(path):
    """{id: (id of the type, flags, sorted ids of the referents)}"""
    words = array.array("Q")
    with open(path, "rb") as source:
        words.frombytes(source.read())
    result, position, end = {}, 0, len(words)
    while position < end:
        count = words[position + 3]
        result[words[position]] = (words[position + 1], words[position + 2], sorted(words[position + 4:position + 4 + count]))
        position += 4 + count
    return result


class Names:
    def __init__(self, told):
        self.labels = {int(k, 16): v for k, v in told["labels"].items()}
        self.types = {int(k, 16): v for k, v in told["types"].items()}
        self.frozen_at_start = told["frozen_at_start"]

    def of(self, snapshot, address, type_id=0):
        found = snapshot.objects.get(address)
        name = self.types.get(type_id) or (found.type if found else "?")
        return "<%s 0x%x%s>" % (name, address, " " + self.labels[address] if address in self.labels else "")


def explain_missing(test, snapshot, found, wanted):
    """The referents that no edge of the object accounts for, as a Counter."""
    missing = collections.Counter(wanted)
    missing.subtract(edge.target for edge in found.edges)
    missing = +missing
    # the reference of an object to its type is stored once, with the type (lib/heap/heap.h)
    if missing.get(found.type_object):
        missing[found.type_object] -= 1
    for target in list(+missing):
        for rule in ALLOWED_MISSING:
            if rule.first <= test.version[:2] <= rule.last and rule.holds(snapshot, found, target):
                rule.used += missing[target]
                missing[target] = 0
                break
    return +missing


def explain_extra(test, snapshot, found, wanted):
    """The edges beyond what tp_traverse reports which no rule covers."""
    wanted = collections.Counter(wanted)
    by_target = collections.defaultdict(list)
    for edge in found.edges:
        by_target[edge.target].append(edge)
    unexplained = []
    for target, edges in by_target.items():
        surplus = len(edges) - wanted[target]
        if surplus <= 0:
            continue
        others = []
        for edge in edges:
            rule = next((r for r in EXTRA if r.first <= test.version[:2] <= r.last and r.holds(snapshot, found, edge)), None)
            if rule and surplus:
                rule.used += 1
                surplus -= 1
            else:
                others.append(edge)
        unexplained += others[:surplus]
    return unexplained


def describe(edge):
    return "%s%s%s" % (edge.kind, " " + edge.name if edge.name else "", "" if edge.name or not edge.number else " %d" % edge.number)


def compare(test, snapshot, before, after, names, frozen):
    title = "frozen: " if frozen else ""
    snapshot.held_by_frames = {root.target for root in snapshot.roots if root.kind == "frame"}
    stable = [address for address, truth in before.items() if after.get(address) == truth]
    failures = collections.OrderedDict()  # (what, type, detail) -> [count, example]

    def fail(key, example):
        entry = failures.setdefault(key, [0, example])
        entry[0] += 1

    edges = 0
    for address in stable:
        type_id, flags, wanted = before[address]
        found = snapshot.objects.get(address)
        type_name = names.types.get(type_id, "?")
        if not found:
            fail(("object missing", type_name, ""), names.of(snapshot, address, type_id))
            continue
        type_name = found.type
        edges += len(wanted)
        if found.type_object != type_id:
            fail(("wrong type", type_name, found.type), names.of(snapshot, address, type_id))
        if bool(found.flags & held.TRACKED) != bool(flags & TRUTH_TRACKED):
            fail(("flag 'tracked' is %d" % (found.flags & held.TRACKED), type_name, ""), names.of(snapshot, address, type_id))
        if flags & TRUTH_TRACKED and bool(found.flags & held.FROZEN) != frozen:
            fail(("flag 'frozen' is not %s" % frozen, type_name, ""), names.of(snapshot, address, type_id))
        if found.flags & held.PARTIAL:
            fail(("partial", type_name, ""), names.of(snapshot, address, type_id))
        for target, count in explain_missing(test, snapshot, found, wanted).items():
            target_type = before[target][0] if target in before else 0
            fail(("reference missing", type_name, "-> " + (names.types.get(target_type) or getattr(snapshot.objects.get(target), "type", "?"))),
                 "%s -> %s (%d of %d)" % (names.of(snapshot, address, type_id), names.of(snapshot, target, target_type), count, wanted.count(target)))
        for edge in explain_extra(test, snapshot, found, wanted) if flags & TRUTH_ASKED else ():
            fail(("extra reference", type_name, "%s -> %s" % (describe(edge), snapshot.objects[edge.target].type)),
                 "%s %s -> %s" % (names.of(snapshot, address, type_id), describe(edge), names.of(snapshot, edge.target)))
    test.checks += len(stable)
    for (what, type_name, detail), (count, example) in sorted(failures.items()):
        test.check(False, "%s%s: %s %s: %d times, e.g. %s", title, what, type_name, detail, count, example)
    unstable = len(before) - len(stable)
    test.note("%s%d objects and %d references compared, %d objects left out as changing", title, len(stable), edges, unstable)
    test.check(len(stable) > 30000, "only %d objects could be compared", len(stable))
    test.check(unstable <= 200, "%d objects changed around the snapshot", unstable)
    unknown = [o for o in snapshot.objects.values() if o.flags & held.TRACKED and o.address not in before and o.address not in after]
    # 3.12 starts with the tuples of static types frozen: gc.get_objects shows them only after gc.unfreeze()
    hidden = sum(1 for o in unknown if o.flags & held.FROZEN)
    test.check(frozen or hidden == names.frozen_at_start, "%s%d frozen objects that gc.get_objects does not show, %d at the start", title, hidden, names.frozen_at_start)
    unknown = [o for o in unknown if not o.flags & held.FROZEN]
    test.check(len(unknown) <= 20, "%s%d tracked objects that the program did not have, e.g. %s", title, len(unknown),
               [names.of(snapshot, o.address) for o in unknown[:8]])


def check_file(test, snapshot):
    test.check(snapshot.complete, "the snapshot is not complete: %s", snapshot.warnings)
    test.check(not snapshot.warnings, "warnings: %s", snapshot.warnings)
    test.check(not snapshot.duplicates, "%d addresses twice, e.g. %x", len(snapshot.duplicates), (snapshot.duplicates or [0])[0])
    no_type = [o for o in snapshot.objects.values() if not o.type_object]
    test.check(not no_type, "%d objects whose type is no object, e.g. %s", len(no_type), no_type[:3])
    test.check(len(snapshot.threads) >= 12, "%d threads, at least 12 wanted", len(snapshot.threads))


def check_refcounts(test, snapshot, before, after):
    """More references to an object than its refcount says there are: some reference is wrong or counted twice."""
    counted = collections.Counter()
    for found in snapshot.objects.values():
        for edge in found.edges:
            if edge.kind != "weak" and edge.certain:
                counted[edge.target] += 1
    over = collections.OrderedDict()
    exact = mortal = 0
    for found in snapshot.objects.values():
        if found.flags & held.IMMORTAL or found.address not in before or found.family in (STR, TYPE) or found.refcount > 10**8:
            continue
        mortal += 1
        exact += counted[found.address] == found.refcount
        if counted[found.address] > found.refcount:
            over.setdefault(found.type, []).append(found)
    test.note("refcounts: %d of %d mortal objects are held exactly as often as their refcount says; more often: %d", exact, mortal,
              sum(map(len, over.values())))
    for name, objects in over.items():
        example = objects[0]
        holders = ["%s %s" % (o.type, describe(e)) for o in snapshot.objects.values() for e in o.edges if e.target == example.address]
        test.check(test.version[:2] in OVER_EXPLAINED.get(name, ()), "refcount: %d objects of type %s have more references than refcounts, e.g. 0x%x: %d for %d: %s",
                   len(objects), name, example.address, counted[example.address], example.refcount, holders[:12])


# The constants of modules frozen into the executable refer to True and False without being counted.
OVER_EXPLAINED = {"bool": ((3, 11),)}


def body(test):
    directory = test.folder_for("graph")
    test.run_program("graph_program.py", directory)
    paths = test.snapshots(directory, 2)
    names = Names(test.told(directory, "names.json"))
    truths = [read_truth(os.path.join(directory, "truth.%d" % n)) for n in range(3)]
    for number, path in enumerate(paths):
        snapshot = test.load(path)
        check_file(test, snapshot)
        compare(test, snapshot, truths[number], truths[number + 1], names, frozen=number == 1)
        if number == 0:
            check_refcounts(test, snapshot, truths[0], truths[1])
    for rule in EXTRA + ALLOWED_MISSING:
        test.note("%s%s: %d (%s)", "not in the snapshot, " if rule in ALLOWED_MISSING else "beyond tp_traverse, ", rule.name, rule.used, rule.reason)


if __name__ == "__main__":
    held.Test("references equal gc.get_referents for every object").main(body)
