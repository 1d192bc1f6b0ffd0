"""The measured process: builds a heap of one kind, then answers one JSON line for each command read from standard input.

    target.py fresh|aged OBJECTS YARDSTICK

`fresh` is as a program leaves it that has only ever allocated; `aged` has had a random half freed and built again, so
that neither the collector's rings nor the references follow the addresses.
"""
import ctypes
import gc
import json
import os
import random
import sys
import time

OBJECTS_PER_UNIT = 17


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


def make_unit(number, after):
    """17 objects and 31 references; returns the node that holds the others."""
    node = Node(number, after)
    record = {"id": number + 2000000, "node": node, "label": "label %d of the record" % number, "scale": number * 1.5}
    point = (number + 3000000, number * 0.25, node, record, after)
    node.parts = [Slotted(number, node), record, point, "part %d, the first of three of its unit" % number,
                  "part %d, the second, a little longer than the first" % number, "part %d, the third of three" % number,
                  after, node, node.name, record["label"]]
    return node


def tie(node, after):
    """Makes `after` the only other node that `node` refers to."""
    node.after = node.parts[6] = after
    number, quarter, own, record, _ = node.parts[2]
    node.parts[2] = (number, quarter, own, record, after)


def build(kind, objects):
    count = objects // OBJECTS_PER_UNIT
    choice = random.Random(1)
    gc.disable()
    heap = []
    for number in range(count):
        heap.append(make_unit(number, heap[number // 2] if heap else None))
    if kind == "aged":
        choice.shuffle(heap)
        # Units hold each other: tied to one that stays, the others can go.
        for node in heap:
            tie(node, heap[0])
        del heap[count // 2:]
        node = None
        gc.collect()
        for number in range(count // 2, count):
            heap.append(make_unit(number, heap[0]))
        for node in heap:
            tie(node, heap[choice.randrange(count)])
        choice.shuffle(heap)
    gc.collect()
    return heap


def recursive_referents():
    """Objects reached by gc.get_objects() and gc.get_referents() of all that they hold, each once."""
    work = gc.get_objects()
    seen = set(map(id, work))
    count = len(work)
    while work:
        held = gc.get_referents(*work[-1000:])
        del work[-1000:]
        for item in held:
            if id(item) not in seen:
                seen.add(id(item))
                work.append(item)
                count += 1
    return count


def timed(function):
    start = time.process_time()
    count = function()
    return {"seconds": time.process_time() - start, "count": count}


def most_common_types():
    import objgraph
    return sum(count for _, count in objgraph.most_common_types(limit=None))


def follow_rings(yardstick):
    """All generations: after a collection the oldest holds nearly everything, the youngest what came since."""
    fresh = []
    total = ctypes.c_uint64()
    seconds = 0.0
    count = 0
    for known in (HEAP, fresh):
        seconds += yardstick.bench_follow_ring(id(known), ctypes.byref(total))
        count += total.value
    return {"seconds": seconds, "count": count}


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def main():
    global HEAP
    kind, objects, path = sys.argv[1:]
    # PyDLL keeps the GIL, as the hook does while it forks.
    yardstick = ctypes.PyDLL(path)
    yardstick.bench_bare_fork.restype = ctypes.c_double
    yardstick.bench_follow_ring.restype = ctypes.c_double
    yardstick.bench_follow_ring.argtypes = [ctypes.c_uint64, ctypes.c_void_p]
    HEAP = build(kind, int(objects))
    commands = {
        "fork": lambda: {"seconds": yardstick.bench_bare_fork()},
        "ring": lambda: follow_rings(yardstick),
        "referents": lambda: timed(recursive_referents),
        "objgraph": lambda: timed(most_common_types),
        # A string that one unit in the middle holds, and nothing else.
        "leaf": lambda: {"address": id(HEAP[len(HEAP) // 2].parts[4]), "index": len(HEAP) // 2},
        "state": lambda: {"pid": os.getpid(), "rss": resident(), "version": sys.version.split()[0]},
    }
    while True:
        command = sys.stdin.readline().strip()
        if not command:
            return
        print(json.dumps(commands[command]()), flush=True)


if __name__ == "__main__":
    main()
