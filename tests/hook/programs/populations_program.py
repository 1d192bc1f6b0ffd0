"""Populations that grow, shrink and are replaced between snapshots, and the size of everything in reach."""
import array
import collections
import datetime
import decimal
import fractions
import gc
import os
import random
import sys
import time

import signalling

DIRECTORY = sys.argv[1]


class Session:
    def __init__(self, number):
        self.user = "user-%d" % number
        self.number = number


class Slotted:
    __slots__ = ("one", "two")

    def __init__(self, number):
        self.one = str(number) + "s"


class Lists(list):
    pass


class Shrinking:
    pass


class Replaced:
    def __init__(self, number):
        self.value = [number]


def held(name):
    """One object of a type of its own."""
    return type(name, (), {"__slots__": ()})()


class Owner:
    pass


class Narrow:
    __slots__ = ("slot",)


def closed_over():
    inner = held("InCell")

    def closure():
        return inner

    return closure


class Having:
    attribute = held("InClass")


OWNER, NARROW, CLOSURE = Owner(), Narrow(), closed_over()
OWNER.attribute, NARROW.slot, IN_MODULE = held("InInstance"), held("InSlot"), held("InModule")
IN_LIST, IN_TUPLE, IN_SET, IN_DEQUE = [held("InList")], (held("InTuple"),), {held("InSet")}, collections.deque([held("InDeque")])
IN_KEY, IN_VALUE = {held("InKey"): None}, {"key": held("InValue")}
BOTH = held("InBoth")
ALSO = [[BOTH], {"also": BOTH}]
KEPT_BY = {"InCell": "cell", "InClass": "dict of type", "InInstance": "dict of __main__.Owner", "InSlot": "__main__.Narrow",
           "InModule": "dict of module", "InList": "list", "InTuple": "tuple", "InSet": "set", "InDeque": "collections.deque", "InKey": "dict",
           "InValue": "dict", "InBoth": "dict, dict of module, list", "InFrame": "<frame>"}
CACHE, SLOTTED, SHRINKING, REPLACED = {}, [], [Shrinking() for _ in range(400)], {}
VALUES = ["é" * 7, "Ω" * 70, "\U0001f600" * 5, b"bytes" * 9, bytearray(100), 3, -(1 << 70), 2.5, 1 + 2j, (), (1, 2), [], [1] * 100, {},
          {1: 2}, {str(n): n for n in range(1000)}, set(), set(range(100)), frozenset("abc"), range(9), slice(1, 2), memoryview(b"abc"),
          collections.deque(range(100)), collections.OrderedDict(a=1, b=2), collections.defaultdict(list, a=[1]), collections.Counter("abc"),
          array.array("d", [1.0] * 50), datetime.datetime(2020, 1, 1), datetime.timedelta(3), decimal.Decimal("1.5"),
          fractions.Fraction(1, 3), Lists([1, 2, 3]), lambda: 0, int, Session, iter([1]), (n for n in ()), property(), object(), Exception("x"),
          None, True, NotImplemented, ...]
VALUES += [list(range(n)) for n in range(0, 200, 7)] + [dict.fromkeys(range(n)) for n in range(0, 200, 7)] + [set(range(n)) for n in range(0, 200, 7)]


def alive(kind):
    return sum(type(o) is kind for o in gc.get_objects())


def counts():
    return {kind.__name__: alive(kind) for kind in (Session, Slotted, Shrinking, Replaced)}


random.seed(7)
one = kind = plain = EVERYTHING = seen = None  # from here on the module's dict keeps its size
VALUES += [time.localtime(), os.stat("/"), sys.float_info]
told = {"counts": [], "sessions": []}
number = 0
for step, (more, fewer) in enumerate(((100, 0), (300, 50), (0, 200), (500, 10))):
    for _ in range(fewer):
        CACHE.pop(random.choice(list(CACHE)))
    for _ in range(more):
        number += 1
        CACHE[number] = Session(number)
        SLOTTED.append(Slotted(number))
    del SHRINKING[:50]
    REPLACED.clear()
    for n in range(200):
        REPLACED[step * 1000 + n] = Replaced(step * 1000 + n)
    gc.collect()
    told["counts"].append(counts())
    told["sessions"].append([id(session) for session in CACHE.values()])
    signalling.take(DIRECTORY)
told["referrers"] = KEPT_BY


def running():
    local = held("InFrame")
    signalling.take(DIRECTORY)
    return local


running()

EVERYTHING = gc.get_objects()
EVERYTHING += [other for one in EVERYTHING for other in gc.get_referents(one)]
signalling.take(DIRECTORY)
seen = set()
told["sizes"] = []
for one in EVERYTHING:
    if id(one) in seen or one is EVERYTHING or one is seen or one is told:
        continue
    seen.add(id(one))
    kind = type(one)
    plain = kind.__sizeof__ is object.__sizeof__ or kind.__module__ == "builtins"
    told["sizes"].append([id(one), kind.__module__ + "." + kind.__qualname__, sys.getsizeof(one), plain])
signalling.tell(DIRECTORY, "populations.json", told)
