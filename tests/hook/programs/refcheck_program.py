"""Leaks references to objects of many kinds through an extension module, a known number of each.

usage: refcheck_program.py DIRECTORY [freeze]

DIRECTORY holds the module refleak. Leaves planted.json: for each object its label, id, how many references nothing explains,
and how many do.
"""
import gc
import os
import sys
import traceback

sys.path.insert(0, sys.argv[1])
import refleak
import signalling

PLANTED = []
HELD = []


class Plain:
    def __init__(self):
        self.value = None


class Slots:
    __slots__ = ("value",)


class Parent:
    pass


def some_function():
    pass


def leak(label, n, thing, holders=1):
    """`holders`: references that can be found; without any the object is C's alone."""
    PLANTED.append({"label": label, "id": id(thing), "unexplained": n, "found": holders, "type": type(thing).__name__})
    HELD.extend([thing] * holders)
    refleak.leak(thing, n)


def kinds():
    leak("instance", 3, Plain())
    leak("instance_alone", 2, Plain(), 0)
    leak("instance_once", 1, Plain(), 4)
    for _ in range(7):
        leak("seven", 1, Parent())
    leak("slots", 2, Slots())
    leak("dict", 2, {"a": Parent()})
    leak("dict_of_atoms", 1, {"a": 1})
    leak("empty_dict", 3, {})
    leak("list", 1, [Parent()])
    leak("list_of_names", 1, ["sys", "os"], 0)
    leak("empty_list", 2, [], 0)
    leak("tuple", 4, (Parent(),))
    leak("tuple_of_atoms", 1, (len(HELD), "x"))
    leak("set", 1, {1, 2})
    leak("frozenset", 2, frozenset([1, 2]))
    leak("bytes", 2, bytes(40))
    leak("bytearray", 1, bytearray(40))
    leak("str", 5, "".join(["not ", "interned"]))
    leak("str_once", 1, "".join(["not interned ", "either"]))
    leak("float", 1, float(len(HELD)) + 0.25)
    leak("big_int", 2, 10 ** 40 + len(HELD))
    leak("int", 1, 1000 + len(HELD))
    leak("complex", 1, complex(len(HELD), 1))
    leak("exception", 1, ValueError("x"))
    leak("generator", 2, (x for x in HELD))
    leak("iterator", 3, iter([1]), 0)
    leak("method", 2, Plain().__init__, 0)
    leak("slice", 1, slice(1, len(HELD)), 0)
    leak("many", 1000, Plain())
    # HELD and the module
    leak("function", 1, some_function, 1)
    PLANTED[-1]["found"] = 2
    attribute = Parent()
    attribute.child = Plain()
    HELD.append(attribute)
    leak("attribute", 2, attribute.child, 0)
    PLANTED[-1]["found"] = 1
    for holders in 0, 2:
        kept = Plain()
        PLANTED.append({"label": "static_%d" % holders, "id": id(kept), "unexplained": 1, "found": holders, "type": "Plain"})
        HELD.extend([kept] * holders)
        refleak.keep(kept)
    # these can be seen (the last one by looking at the words of its holder): no row for them
    HELD.append(refleak.Named(Plain()))
    HELD.append(refleak.Nameless(Plain()))
    HELD.append(refleak.Hidden(Plain()))


def running(directory, thing):
    """Leaks what running frames hold: a generator that runs, one that it waits for, a function, a cell."""
    leak("argument", 2, thing, 0)
    PLANTED[-1]["found"] = 2 if sys.version_info >= (3, 11) else 3  # the caller's local and its own, and where it was passed
    mine, in_cell = Plain(), Plain()
    leak("local", 3, mine, 0)
    PLANTED[-1]["found"] = 1
    leak("cell", 1, in_cell, 0)
    PLANTED[-1]["found"] = 1

    def closure():
        return in_cell

    take(directory)
    return closure


def waiting(directory):
    outer = Plain()
    leak("outer_generator", 1, outer, 0)
    PLANTED[-1]["found"] = 1
    yield from inside(directory)


def inside(directory):
    inner, passed = Plain(), Plain()
    leak("inner_generator", 2, inner, 0)
    PLANTED[-1]["found"] = 1
    running(directory, passed)
    yield 1


def take(directory):
    if "freeze" in sys.argv:
        gc.freeze()
    signalling.take(directory)
    signalling.tell(directory, "planted.json", PLANTED)
    signalling.leave()


def main(directory):
    gc.collect()
    gc.disable()
    kinds()
    for _ in waiting(directory):
        pass


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
