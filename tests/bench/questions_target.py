"""The measured process of `./dev bench questions`: a heap of about a million objects of mixed kinds, then one JSON line for
each command read from standard input. The peers' commands run inside it, as these tools must.

Two leaks are planted: one object held by 2 000 listeners (FAN), and one behind `_CACHE['k7'][50].attr` (LEAKED).
"""
import collections
import gc
import io
import json
import os
import resource
import sys
import time


class Node:
    def __init__(self, number, after):
        self.name = "node %d, named at a length that names have" % number
        self.weight = number * 0.5
        self.after = after
        self.parts = []


class Slotted:
    __slots__ = ("number", "ratio", "node")

    def __init__(self, number, node):
        self.number = number + 1000000
        self.ratio = number / 3
        self.node = node


class Listener:
    def __init__(self, target):
        self.options = {"listener": target, "enabled": True}


class Holder:
    def __init__(self, attr):
        self.attr = attr


class Leaked:
    pass


def make_unit(number, after):
    """20 objects, five of them tracked: what holds only atoms is not."""
    node = Node(number, after)
    record = {"id": number + 2000000, "label": "label %d of the record" % number, "scale": number * 1.5}
    point = (number + 3000000, number * 0.25, "point %d" % number)
    node.parts = [Slotted(number, node), record, point, "part %d, the first of two of its unit" % number,
                  "part %d, the second, a little longer than the first" % number, [number + 4000000, node]]
    return node


def build(objects):
    global HEAP, FAN, LISTENERS, _CACHE, LEAKED
    HEAP = []
    for number in range(objects // 20):
        HEAP.append(make_unit(number, HEAP[number // 2] if HEAP else None))
    FAN = Leaked()
    LISTENERS = [Listener(FAN) for _ in range(2000)]
    LEAKED = Leaked()
    _CACHE = {"k%d" % key: [Holder(LEAKED if (key, place) == (7, 50) else number) for place in range(100)]
              for key, number in enumerate(range(10))}
    gc.collect()


def addresses():
    """Of the two, held by nothing but what a leak leaves: the names are for finding them here alone."""
    global FAN, LEAKED
    if "FAN" in globals():
        KEPT.update(fan=id(FAN), leaked=id(LEAKED))
        del FAN, LEAKED
    return KEPT


KEPT = {}


def fan():
    return LISTENERS[0].options["listener"]


def leaked():
    return _CACHE["k7"][50].attr


def chain(target):
    import objgraph
    found = objgraph.find_backref_chain(target, objgraph.is_proper_module)
    return [type(link).__name__ for link in found]


def show_growth():
    import objgraph
    out = io.StringIO()
    objgraph.show_growth(limit=10, peak_stats=PEAK, file=out)
    return out.getvalue().count("\n")


PEAK = {}


def pympler_summary():
    from pympler import muppy, summary
    return len(summary.summarize(muppy.get_objects()))


def guppy_referrers():
    import guppy
    return str(guppy.hpy().heap().byrcs).count("\n")


def everything():
    """Objects reached from the tracked ones, each once, as gc.get_referents tells."""
    found = {}
    work = gc.get_objects()
    for item in work:
        found[id(item)] = item
    while work:
        held = gc.get_referents(*work[-1000:])
        del work[-1000:]
        for item in held:
            if id(item) not in found:
                found[id(item)] = item
                work.append(item)
    return found


def summary_by_hand():
    """Count and bytes of each type, all objects: what pympler's summary gives, at full coverage."""
    rows = collections.defaultdict(lambda: [0, 0])
    for item in everything().values():
        row = rows[type(item)]
        row[0] += 1
        row[1] += sys.getsizeof(item)
    return len(rows)


def referrers_by_hand():
    """Objects by the set of the types that hold them: the partition of guppy's byrcs, in Python."""
    found = everything()
    kinds = collections.defaultdict(set)
    for item in list(found.values()):
        kind = type(item)
        for held in gc.get_referents(item):
            kinds[id(held)].add(kind)
    rows = collections.defaultdict(lambda: [0, 0])
    for address, item in found.items():
        row = rows[frozenset(kinds[address])]
        row[0] += 1
        row[1] += sys.getsizeof(item)
    return len(rows)


def cpu():
    """Of this process and the children it has waited for: a snapshot's fork and walk are among them."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


def timed(function, *arguments):
    start = time.process_time()
    try:
        answer = function(*arguments)
    except ImportError as error:
        return {"missing": str(error)}
    return {"seconds": time.process_time() - start, "answer": answer}


def main():
    build(int(sys.argv[1]))
    commands = {
        "addresses": addresses,
        "cpu": lambda: {"seconds": cpu()},
        "state": lambda: {"pid": os.getpid(), "tracked": len(gc.get_objects())},
        "grow": lambda: {"length": len(HEAP), "grown": HEAP.extend(make_unit(number, None) for number in range(1000))},
        "objgraph_chain_leaked": lambda: timed(chain, leaked()),
        "objgraph_chain_fan": lambda: timed(chain, fan()),
        "objgraph_show_growth": lambda: timed(show_growth),
        "pympler_summary": lambda: timed(pympler_summary),
        "guppy_byrcs": lambda: timed(guppy_referrers),
        "summary_by_hand": lambda: timed(summary_by_hand),
        "referrers_by_hand": lambda: timed(referrers_by_hand),
    }
    while True:
        command = sys.stdin.readline().strip()
        if not command:
            return
        print(json.dumps(commands[command]()), flush=True)


if __name__ == "__main__":
    main()
