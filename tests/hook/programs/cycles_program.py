"""A program that plants reference cycles of every sort, and says of each what it is made of.

usage: cycles_program.py DIRECTORY

Leaves in DIRECTORY three snapshots: cycles.json says what was planted; in the first the garbage waits, in the second it is
frozen, in the third the collector has run with DEBUG_SAVEALL. saved.json: ids of what it then put into gc.garbage.
"""
import ctypes
import functools
import gc
import os
import sys
import traceback
import types

import signalling

try:
    from _testcapi import with_tp_del
except ImportError:  # a Python built without its tests
    with_tp_del = None

ALIKE = 1000
PLANTED = []


try:
    import numpy
except ImportError:
    numpy = None


class Node:
    pass


class Slotted:
    __slots__ = ("next", "prev")


class Closing:
    def __del__(self):
        pass


class StillClosing(Closing):
    pass


class Holder:
    def method(self):
        pass


class Waiting:
    def __await__(self):
        yield self


def plant(label, chain, *members, count=1, **facts):
    """`chain`: how the cycle reads, a regular expression. `closed`: the collector opens the cycle itself. Keeps no references."""
    PLANTED.append(dict(facts, label=label, chain=chain, members=[id(m) for m in members], count=count))


def self_list():
    a = []
    a.append(a)
    plant("self_list", r"list\[0\] → itself", a)


def self_dict():
    a = {}
    a["k"] = a
    plant("self_dict", r"dict\['k'\] → itself", a)


def self_instance():
    a = Node()
    a.me = a
    plant("self_instance", r"__main__\.Node\.me → itself", a)


def pair():
    a, b = Node(), Node()
    a.next, b.prev = b, a
    a.name = "a"
    plant("pair", r"__main__\.Node\.next → __main__\.Node\.prev → back", a, b)


def slotted_pair():
    a, b = Slotted(), Slotted()
    a.next, b.prev = b, a
    plant("slotted_pair", r"__main__\.Slotted\.next → __main__\.Slotted\.prev → back", a, b)


def with_container():
    a = Node()
    a.children = [a, None]
    plant("with_container", r"__main__\.Node\.children → list\[0\] → back", a, a.children)


def in_a_set():
    a = Node()
    a.seen = {a}
    plant("in_a_set", r"__main__\.Node\.seen → set\{\*\} → back", a, a.seen)


def bound_method():
    a = Holder()
    a.callback = a.method
    plant("bound_method", r"__main__\.Holder\.callback → method\.__self__ → back", a, a.callback)


def partial():
    a = Node()
    a.partial = functools.partial(print, a)
    plant("partial", r"__main__\.Node\.partial → functools\.partial\.args → tuple\[0\] → back|__main__\.Node\.partial → functools\.partial\.args\[0\] → back",
          a, a.partial, gc.get_referents(a.partial)[[type(x) for x in gc.get_referents(a.partial)].index(tuple)])


def generator():
    def generate():
        me = yield 1
        yield me

    a = generate()
    next(a)
    a.send(a)
    plant("generator", r"generator\.<locals>\.me → itself", a, closed=True)


def coroutine():
    async def wait(box):
        await Waiting()

    box = Node()
    box.coroutine = wait(box)
    box.coroutine.send(None)
    plant("coroutine", r"__main__\.Node\.coroutine → coroutine\.<locals>\.box → back", box, box.coroutine, closed=True)


def exception():
    def fails():
        try:
            raise ValueError("planted")
        except ValueError as error:
            kept = error
        plant("exception", r"ValueError\.__traceback__ → traceback\.tb_frame → frame\.<locals>\.kept → back", kept,
              kept.__traceback__, kept.__traceback__.tb_frame)

    fails()


def closure():
    def recursive(n):
        return recursive(n - 1) if n else 0

    plant("closure", r"closure\.<locals>\.recursive\.<closure>\.recursive → itself", recursive, recursive.__closure__,
          recursive.__closure__[0])


def namespace():
    a = {}
    exec("def f(): pass", a)
    plant("namespace", r"f\.__globals__ → dict\['f'\] → back", a, a["f"])


def ring():
    nodes = [Slotted() for _ in range(300)]
    for i, node in enumerate(nodes):
        node.next = nodes[(i + 1) % len(nodes)]
    plant("ring", r"__main__\.Slotted\.next ×300 → back", *nodes)


def figure_eight():
    """Two cycles that share an object are one component; the shorter one is shown."""
    a, b, c, d = Node(), Node(), Node(), Node()
    a.left, b.left, a.right, c.right, d.right = b, a, c, d, a
    plant("figure_eight", r"__main__\.Node\.left ×2 → back", a, b, c, d)


def finalizer():
    a, b = Closing(), Node()
    a.other, b.other = b, a
    plant("finalizer", r"__main__\.Closing\.other → __main__\.Node\.other → back", a, b, finalizer="__main__.Closing")


def inherited_finalizer():
    a = StillClosing()
    a.me = a
    plant("inherited_finalizer", r"__main__\.StillClosing\.me → itself", a, finalizer="__main__.StillClosing")


def hangs_on():
    """What a cycle holds is not in it: its finalizer does not mark the cycle."""
    a = Node()
    a.me, a.closing = a, Closing()
    plant("hangs_on", r"__main__\.Node\.me → itself", a)


def file():
    a = Node()
    a.file = open(os.devnull, "rb", buffering=0)
    a.file.node = a
    plant("file", r"__main__\.Node\.file → _io\.FileIO\.node → back|_io\.FileIO\.node → __main__\.Node\.file → back", a, a.file,
          builtin=True)


def legacy():
    if with_tp_del is None:
        return

    class Legacy:
        def __tp_del__(self):
            pass

    global KEPT_CLASS
    KEPT_CLASS = with_tp_del(Legacy)
    a = KEPT_CLASS()
    a.me = a
    plant("legacy", r"__main__\.legacy\.<locals>\.Legacy\.me → itself", a, finalizer="__main__.legacy.<locals>.Legacy", legacy=True)


def array():
    """numpy's arrays are unknown to the collector: such a cycle stays for ever."""
    if numpy is None:
        return
    a = Node()
    a.array = numpy.empty(3, dtype=object)
    a.array[1] = a
    plant("array", r"__main__\.Node\.array → numpy\.ndarray\[1\] → back", a, a.array, unseen="numpy.ndarray")


def local_class():
    class Local:
        pass

    plant("local_class", r"__main__\.local_class\.<locals>\.Local\.__mro__ → tuple\[0\] → back", Local, Local.__mro__,
          *[value for value in Local.__dict__.values() if isinstance(value, types.GetSetDescriptorType)])


def alike():
    nodes = []
    for _ in range(ALIKE):
        a, b = Slotted(), Node()
        a.next, b.owner = b, a
        nodes += [a, b]
    plant("alike", r"__main__\.Node\.owner → __main__\.Slotted\.next → back", *nodes, count=ALIKE)


def alike_but_for_keys():
    nodes = []
    for i in range(40):
        a = Node()
        a.items = {"key %d" % i: a}
        nodes += [a, a.items]
    plant("alike_but_for_keys", r"__main__\.Node\.items → dict\[\*\] → back", *nodes, count=40)


def held_from_c():
    a, b = Node(), Node()
    a.second, b.first = b, a
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(a))
    plant("held_from_c", r"__main__\.Node\.first → __main__\.Node\.second → back", a, b, fate="held_from_c")


def reachable():
    a = Node()
    a.kept = [a]
    plant("reachable", r"__main__\.Node\.kept → list\[0\] → back", a, a.kept, fate="reached")
    return a


GARBAGE = [self_list, self_dict, self_instance, pair, slotted_pair, with_container, in_a_set, bound_method, partial, generator, coroutine,
           exception, closure, namespace, ring, figure_eight, finalizer, inherited_finalizer, hangs_on, file, legacy, array, local_class, alike,
           alike_but_for_keys, held_from_c]


def main(directory):
    ctypes.pythonapi.Py_IncRef.argtypes = [ctypes.py_object]
    ctypes.pythonapi.Py_IncRef.restype = None
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))
    kept = reachable()
    gc.collect()
    gc.disable()
    for function in GARBAGE:
        function()
    signalling.take(directory)
    gc.freeze()
    signalling.take(directory)
    gc.unfreeze()
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    signalling.take(directory)
    signalling.tell(directory, "saved.json", [id(o) for o in gc.garbage])
    signalling.tell(directory, "cycles.json", PLANTED)
    assert kept
    signalling.leave()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
