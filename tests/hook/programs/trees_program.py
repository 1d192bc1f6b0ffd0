"""A program whose graph is known: trees_program.py DIRECTORY. Writes DIRECTORY/trees.json and one snapshot."""
import json
import os
import random
import sys

import heldby


class Holder:
    def __init__(self, attr):
        self.attr = attr


class Slotted:
    __slots__ = ("one", "two")


class Leaked:
    pass


class Node:
    pass


class Finalized:
    def __del__(self):
        pass


def keys():
    """Keys that are hard to write."""
    pick = random.Random(7)
    pools = ['"\\\'<>&;{}|[]\n\r\t\0', "".join(map(chr, range(0x100))), "aé中😀\u202e\ufeff\ufffe\uffff\u2028"]
    found = {}
    for number in range(300):
        pool = pick.choice(pools) + "ab"
        key = "".join(pick.choice(pool) for _ in range(pick.randrange(14)))
        if number % 5 == 0:
            key = key.encode()
        if number % 11 == 0:
            key = (key, number)
        found[key] = Leaked()
    found.update({True: Leaked(), None: Leaked(), 1.5e300: Leaked(), -0.0: Leaked(), 10**40: Leaked()})
    return found


def closure(value):
    def inner():
        return value
    return inner


leaked = Leaked()
FAN = [{"listener": Holder(leaked)} for _ in range(1998)]
KEYS = keys()
slotted = Slotted()
slotted.one, slotted.two = [leaked], {"deep": (leaked,)}
held_by_closure = Leaked()
function = closure(held_by_closure)
finalized = Finalized()
finalized.me = finalized
head = last = Node()
for _ in range(3000):
    last.next = Node()
    last = last.next
items = [Leaked() for _ in range(100)]

triples = [(id(h["listener"]), "attr", id(leaked)) for h in FAN[:50]]
triples += [(id(d), "'listener'", id(d["listener"])) for d in FAN[:50]]
triples += [(id(FAN), str(i), id(d)) for i, d in enumerate(FAN[:50])]
triples += [(id(slotted), "one", id(slotted.one)), (id(slotted), "two", id(slotted.two)), (id(slotted.one), "0", id(leaked))]
triples += [(id(sys.modules["__main__"]), name, id(globals()[name])) for name in ("leaked", "FAN", "slotted", "function", "head")]
triples += [(id(function), "value", id(held_by_closure)), (id(finalized), "me", id(finalized)), (id(Holder), "__init__", id(Holder.__init__))]
told = {"leaked": id(leaked), "holders": [id(d["listener"]) for d in FAN], "items": [id(i) for i in items], "last": id(last), "triples": triples,
        "keys": [repr(key) for key in KEYS], "values": [id(value) for value in KEYS.values()], "finalized": id(finalized)}
with open(os.path.join(sys.argv[1], "trees.json"), "w") as out:
    json.dump(told, out)
heldby.snapshot(os.path.join(sys.argv[1], "trees.1.held"))
