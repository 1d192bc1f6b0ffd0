"""A program with one of everything, which also records what gc.get_referents says about every object.

usage: graph_program.py DIRECTORY

Leaves in DIRECTORY: two snapshots (the second after gc.freeze()), truth.N (N = 0, 1, 2: before the first, between the
two, after the second; 64-bit words: id, id of the type, flags (below), count, ids of the referents), names.json (what the ids are).
"""
import abc
import array
import argparse
import ast
import asyncio
import base64
import bisect
import builtins
import calendar
import collections
import collections.abc
import concurrent.futures
import configparser
import contextlib
import contextvars
import copy
import copyreg
import csv
import ctypes
import dataclasses
import datetime
import decimal
import dis
import email.message
import enum
import fractions
import functools
import gc
import gettext
import hashlib
import heapq
import html.parser
import http.client
import importlib
import inspect
import io
import ipaddress
import itertools
import json
import locale
import logging
import logging.handlers
import math
import mmap
import multiprocessing
import multiprocessing.pool
import multiprocessing.shared_memory
import numbers
import operator
import os
import pathlib
import pickle
import platform
import pprint
import queue
import random
import re
import sched
import select
import selectors
import shelve
import socket
import socketserver
import statistics
import string
import struct
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import threading
import time
import tokenize
import traceback
import types
import typing
import unittest
import unittest.mock
import urllib.parse
import urllib.request
import uuid
import warnings
import weakref
import xml.dom.minidom
import xml.etree.ElementTree
import xml.sax
import zipfile
import zlib

import signalling

try:
    import sqlite3
except ImportError:
    sqlite3 = None
try:
    import ssl
except ImportError:
    ssl = None
KEEP = {}  # label -> object; the labels reach the test's messages


def keep(label, value):
    assert label not in KEEP, label
    KEEP[label] = value
    return value


# ---- classes and instances ----------------------------------------------------------------------------------------
class Payload:
    pass


class Plain:
    kind = Payload()

    def __init__(self):
        self.a = Payload()
        self.b = [Payload()]
        self.c = "text"
        self.none = None


class ManyAttributes:
    def __init__(self, count):
        for i in range(count):
            setattr(self, "attribute_%d" % i, Payload() if i % 3 else i * 1000003)


class Slots:
    __slots__ = ("s", "t", "unset", "__private")

    def __init__(self):
        self.s = Payload()
        self.t = (Payload(),)
        self.__private = Payload()


class SlotsChild(Slots):
    __slots__ = ("u", "__weakref__")

    def __init__(self):
        super().__init__()
        self.u = Payload()


class SlotsAndDict(SlotsChild):
    def __init__(self):
        super().__init__()
        self.v = Payload()


class SlotDict:
    __slots__ = ("s", "__dict__", "__weakref__")


class DictSubclass(dict):
    pass


class DictSlots(dict):
    __slots__ = ("extra",)


class ListSubclass(list):
    pass


class TupleSubclass(tuple):
    pass


class TupleNoDict(tuple):
    __slots__ = ()


class SetSubclass(set):
    pass


class FrozenSubclass(frozenset):
    pass


class IntSubclass(int):
    pass


class StrSubclass(str):
    pass


class BytesSubclass(bytes):
    pass


class FloatSubclass(float):
    pass


class ComplexSubclass(complex):
    pass


class BytearraySubclass(bytearray):
    pass


class DequeSubclass(collections.deque):
    pass


class OrderedSubclass(collections.OrderedDict):
    pass


class DefaultSubclass(collections.defaultdict):
    pass


class PartialSubclass(functools.partial):
    pass


class ExceptionSubclass(ValueError):
    def __init__(self, *args):
        super().__init__(*args)
        self.extra = Payload()


class OSErrorSubclass(OSError):
    pass


class PropertySubclass(property):
    pass


class StaticSubclass(staticmethod):
    pass


class ModuleSubclass(types.ModuleType):
    pass


class WeakrefSubclass(weakref.ref):
    __slots__ = ("slot",)


class LocalSubclass(threading.local):
    def __init__(self, value):
        self.given = value


class Borg:
    shared = {"state": None}

    def __init__(self):
        self.__dict__ = Borg.shared


class Meta(type):
    def __new__(mcs, name, bases, namespace):
        cls = super().__new__(mcs, name, bases, namespace)
        cls.registered = Payload()
        return cls

    @property
    def meta_property(cls):
        return 1


class WithMeta(metaclass=Meta):
    pass


class MetaSlots(type):
    __slots__ = ()


class WithMetaSlots(metaclass=MetaSlots):
    __slots__ = ("a", "b")


class Abstract(abc.ABC):
    @abc.abstractmethod
    def method(self):
        pass


class Concrete(Abstract):
    def method(self):
        return self


Abstract.register(list)
isinstance(3, Abstract)
isinstance([], Abstract)


class Finalized:
    def __del__(self):
        pass


class Descriptor:
    def __set_name__(self, owner, name):
        self.owner, self.name = owner, name

    def __get__(self, instance, owner):
        return self


class WithDescriptors:
    field = Descriptor()

    @property
    def prop(self):
        return 1

    @prop.setter
    def prop(self, value):
        pass

    @classmethod
    def cm(cls):
        pass

    @staticmethod
    def sm():
        pass

    @functools.cached_property
    def cached(self):
        return Payload()

    @functools.singledispatchmethod
    def dispatched(self, argument):
        pass

    partial = functools.partialmethod(cm, Payload())


@dataclasses.dataclass
class Data:
    a: int
    b: list = dataclasses.field(default_factory=list)
    c: typing.Optional[dict] = None


@dataclasses.dataclass(frozen=True)
class FrozenData:
    a: object
    b: tuple = ()


class Colour(enum.Enum):
    RED = 1
    GREEN = object()


class Flags(enum.IntFlag):
    A = 1
    B = 2


class Point(typing.NamedTuple):
    x: object
    y: object = None


Pair = collections.namedtuple("Pair", "left right")
T = typing.TypeVar("T")


class Generic(typing.Generic[T]):
    pass


class Proto(typing.Protocol):
    def method(self) -> int:
        ...


class Typed(typing.TypedDict):
    name: str


class DiamondA(Plain):
    pass


class DiamondB(Plain):
    pass


class Diamond(DiamondA, DiamondB):
    pass


class Structure(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("p", ctypes.c_char_p), ("q", ctypes.POINTER(ctypes.c_int))]


class GetAttr:
    """Answers every attribute: tools that ask instances are fooled."""

    def __getattr__(self, name):
        return Payload()

    @property
    def __class__(self):
        return Payload


def make_instances():
    plain = keep("plain", Plain())
    keep("plain with weakref", (plain, weakref.ref(plain), weakref.proxy(plain)))
    keep("many attributes", [ManyAttributes(n) for n in (1, 5, 29, 30, 31, 32, 60, 200)])
    touched = keep("materialised __dict__", Plain())
    keep("the __dict__ of it", touched.__dict__)
    vars(keep("materialised __dict__, not held", Plain()))
    grown = keep("attribute added after __dict__ was touched", Plain())
    grown.__dict__["added"] = Payload()
    grown.late = Payload()
    nonstr = keep("__dict__ with a key that is no str", Plain())
    nonstr.__dict__[7] = Payload()
    replaced = keep("replaced __dict__", Plain())
    replaced.__dict__ = {"new": Payload(), "other": [1]}
    replaced_after = keep("replaced __dict__ after it was touched", Plain())
    keep("the old __dict__", replaced_after.__dict__)
    replaced_after.__dict__ = {"new": Payload()}
    deleted = keep("deleted attributes", Plain())
    del deleted.a, deleted.c
    deleted.z = Payload()
    empty = keep("all attributes deleted", Plain())
    for name in list("abc") + ["none"]:
        delattr(empty, name)
    cleared = keep("cleared __dict__", Plain())
    cleared.__dict__.clear()
    dict_deleted = keep("deleted __dict__", Plain())
    del dict_deleted.__dict__
    dict_deleted.fresh = Payload()
    other_class = keep("changed __class__", DiamondA())
    other_class.__class__ = DiamondB
    other_class.more = Payload()
    outlives = Plain()
    keep("__dict__ that outlives its instance", outlives.__dict__)
    keep("Borg", [Borg(), Borg(), Borg()])
    keep("reverse order of attributes", ManyAttributes(3)).zzz = 1
    for i in range(40):
        holder = Plain()
        setattr(holder, "unique_%d" % i, Payload())
        keep("shared keys %d" % i, holder)
    keep("slots", Slots())
    keep("slots child", SlotsChild())
    keep("slots and dict", SlotsAndDict())
    touched_slots = keep("slots and dict, touched", SlotsAndDict())
    touched_slots.__dict__["by_dict"] = Payload()
    slot_dict = keep("slot named __dict__", SlotDict())
    slot_dict.s, slot_dict.d = Payload(), Payload()
    keep("slot named __dict__, nothing set", SlotDict())
    keep("slot dict weak", weakref.ref(slot_dict, print))
    keep("metaclass", [Meta, WithMeta, WithMeta(), MetaSlots, WithMetaSlots, WithMetaSlots()])
    keep("class made by type()", type("Made", (Plain,), {"x": Payload(), "__slots__": ("y",)}))
    keep("class made by hand", type("Very" + "Long" * 100, (), {}))
    keep("abstract", [Abstract, Concrete, Concrete()])
    keep("finalized", Finalized())
    with_descriptors = keep("descriptors", WithDescriptors())
    keep("cached property", with_descriptors.cached)
    keep("bound", [with_descriptors.cm, with_descriptors.sm, WithDescriptors.prop, WithDescriptors.__dict__["cm"],
                   WithDescriptors.__dict__["sm"], with_descriptors.dispatched, with_descriptors.partial,
                   with_descriptors.__repr__, [].append, {}.get, "".join, len, print])
    keep("data", [Data(1), Data(2, [Payload()], {}), FrozenData(Payload()), FrozenData(1, (Payload(),))])
    keep("enums", [Colour, Colour.RED, Flags.A | Flags.B])
    keep("namedtuples", [Point(Payload()), Pair(1, Payload()), Pair])
    keep("typing", [Generic[int], typing.Dict[str, int], typing.Callable[[int], str], typing.Union[int, str],
                    typing.Optional["Forward"], Proto, Typed, typing.Any, typing.Literal[1, "x"]])
    keep("diamond", Diamond())
    keep("getattr", GetAttr())
    for cls, arguments in ((DictSubclass, ({"k": Payload(), 1: Payload()},)), (ListSubclass, ([Payload(), None],)),
                           (TupleSubclass, ((Payload(), 1),)), (SetSubclass, ({1, "x"},)), (FrozenSubclass, ((2, 3),)),
                           (IntSubclass, (10**40,)), (StrSubclass, ("text",)), (BytesSubclass, (b"bytes",)),
                           (FloatSubclass, (1.5,)), (ComplexSubclass, (1j,)), (BytearraySubclass, (b"xyz",)),
                           (DequeSubclass, ([Payload()],)), (OrderedSubclass, ([("k", Payload())],)),
                           (DefaultSubclass, (list, {"k": Payload()})), (PartialSubclass, (print, Payload())),
                           (ExceptionSubclass, ("x", Payload())), (OSErrorSubclass, (2, "no", "file")),
                           (PropertySubclass, (len,)), (StaticSubclass, (len,)), (ModuleSubclass, ("fake",))):
        bare = cls(*arguments)
        keep("%s without attributes" % cls.__name__, bare)
        full = cls(*arguments)
        full.attribute = Payload()
        full.second = [Payload()]
        keep("%s with attributes" % cls.__name__, full)
        seen = cls(*arguments)
        seen.attribute = Payload()
        seen.__dict__["by_dict"] = Payload()
        keep("%s with a touched __dict__" % cls.__name__, seen)
    dict_slots = keep("dict with slots", DictSlots(a=Payload()))
    dict_slots.extra = Payload()
    keep("tuple without dict", TupleNoDict((Payload(), Payload())))
    ref = keep("weakref with slot", WeakrefSubclass(plain))
    ref.slot = Payload()


# ---- containers ---------------------------------------------------------------------------------------------------
def make_containers():
    shared = Payload()
    keep("lists", [[], [1], [None] * 10, [shared, shared, shared], [[[[Payload()]]]], list(range(1000))])
    popped = keep("list after pops", [Payload() for _ in range(100)])
    for _ in range(60):
        popped.pop()
    keep("tuples", [(), (1,), (1, "a"), (shared, (shared, shared)), tuple([Payload() for _ in range(50)])])
    keep("sets", [set(), {1, 2, 3}, {shared}, frozenset([shared, "x"]), {(1, shared)}, set(range(500))])
    holes = keep("set with dummies", {Payload() for _ in range(60)})
    for _ in range(40):
        holes.pop()
    keep("dicts", [{}, {"a": 1}, {"a": shared, "b": shared}, {1: shared, "x": shared}, {(1, 2): shared, None: 1},
                   {shared: 1}, {i: str(i) for i in range(3000)}, {"key %d" % i: i for i in range(700)}])
    removed = keep("dict with deleted entries", {("n", i): Payload() for i in range(100)})
    for i in range(0, 100, 2):
        del removed["n", i]
    removed_str = keep("dict of str with deleted entries", {"n%d" % i: Payload() for i in range(100)})
    for i in range(0, 100, 3):
        del removed_str["n%d" % i]
    keep("huge-index dict", {i: None for i in range(70000)})
    keep("atoms", [{"q": "untracked"}, ("only", 1, b"atoms"), ({"deep": ("x", 1.5)},)])
    cycle = keep("cycle", [])
    cycle.append(cycle)
    mutual = keep("mutual", {"a": {}})
    mutual["a"]["b"] = mutual
    keep("deques", [collections.deque(), collections.deque([Payload() for _ in range(500)]),
                    collections.deque([1, shared, shared], maxlen=2)])
    turned = keep("turned deque", collections.deque(Payload() for _ in range(130)))
    turned.rotate(67)
    for _ in range(30):
        turned.popleft()
        turned.appendleft(Payload())
    ordered = keep("OrderedDict", collections.OrderedDict((i, Payload()) for i in range(20)))
    ordered.move_to_end(3)
    del ordered[5]
    keep("defaultdict", collections.defaultdict(Payload, {"a": Payload(), 2: Payload()}))
    keep("Counter", collections.Counter("abracadabra"))
    keep("ChainMap", collections.ChainMap({"a": Payload()}, {"b": Payload()}))
    keep("UserDict", [collections.UserDict(k=Payload()), collections.UserList([Payload()]), collections.UserString("x")])
    keep("mappingproxy", [types.MappingProxyType({"k": Payload()}), Plain.__dict__, types.MappingProxyType(mutual)])
    keep("SimpleNamespace", types.SimpleNamespace(a=Payload(), b=1))
    keep("arrays", [array.array("d", [1.0]), array.array("u", "x")])
    keep("memoryviews", [memoryview(b"abc"), memoryview(bytearray(b"abc"))[1:], memoryview(array.array("i", [1, 2]))])
    keep("bytes", [b"", b"x", bytes(1000), bytearray(), bytearray(b"abc")])
    keep("numbers", [0, -1, 256, 257, 2**64, -(2**300), 1.5, float("nan"), 1j, True, decimal.Decimal("1.5"),
                     fractions.Fraction(1, 3)])
    keep("strings", ["", "a", "\u00e9", "\u0416", "\U0001f600", "x" * 5000, "\ud800"])
    keep("slices", [slice(1, Payload(), None), slice(None)])
    keep("ranges", [range(10), range(0, 10**30, 7)])
    keep("weak containers", [weakref.WeakValueDictionary({"k": shared}), weakref.WeakKeyDictionary({shared: Payload()}),
                             weakref.WeakSet([shared]), weakref.WeakMethod(Concrete().method),
                             weakref.finalize(shared, print, Payload())])
    keep("shared", shared)
    keep("heap", heapq.merge([1, 2], [3]))
    view = {"k": Payload()}
    keep("dict views", [view.keys(), view.values(), view.items()])
    keep("struct", struct.Struct("<IQ"))
    keep("queues", [queue.Queue(), queue.LifoQueue(), queue.PriorityQueue(), queue.SimpleQueue()])
    KEEP["queues"][0].put(Payload())
    KEEP["queues"][3].put(Payload())


# ---- functions and iterators --------------------------------------------------------------------------------------
def make_functions():
    captured = Payload()
    rebound = Payload()

    def closure(argument, default=Payload(), *args, keyword=Payload(), **kwargs):
        return captured, rebound, unset

    def annotated(a: int, b: "str" = "x") -> typing.List[int]:
        """Documented."""

    unset = Payload()
    del unset
    annotated.attribute = Payload()
    keep("functions", [closure, annotated, lambda: captured, lambda x=captured: x])
    keep("empty cell", closure.__closure__)
    keep("code", [closure.__code__, compile("x = [i for i in y]", "<made>", "exec")])
    keep("partials", [functools.partial(print, captured, end=captured), functools.partial(len),
                      functools.partial(functools.partial(print, 1), 2)])
    bare_partial = keep("partial with attributes", functools.partial(print))
    bare_partial.attribute = Payload()

    @functools.lru_cache(maxsize=None)
    def unbounded(*args, **kwargs):
        return Payload()

    @functools.lru_cache(maxsize=3)
    def bounded(*args, **kwargs):
        return Payload()

    @functools.lru_cache(maxsize=0)
    def uncached(x):
        return Payload()

    @functools.lru_cache(maxsize=4, typed=True)
    def typed(x):
        return Payload()

    for i in range(6):
        unbounded(i), bounded(i), uncached(i), typed(float(i))
        unbounded(i, "x", keyword=captured), bounded("s%d" % i), typed("s")
    unbounded.attribute = Payload()
    keep("lru_caches", [unbounded, bounded, uncached, typed])

    @functools.singledispatch
    def dispatched(x):
        pass

    dispatched.register(int, annotated)
    dispatched(3)
    keep("singledispatch", dispatched)
    keep("contextmanager", contextlib.contextmanager(closure))
    keep("getters", [operator.itemgetter(1, "x", captured), operator.attrgetter("a.b"), operator.itemgetter(0),
                     operator.methodcaller("m", captured, k=captured)])
    keep("cmp_to_key", [functools.cmp_to_key(closure), functools.cmp_to_key(closure)(captured)])
    keep("reduce", functools.reduce)


def consumed(iterator, count=1):
    for _ in range(count):
        next(iterator)
    return iterator


def make_iterators():
    items = [Payload() for _ in range(8)]
    table = {i: item for i, item in enumerate(items)}
    named = {"k%d" % i: item for i, item in enumerate(items)}
    text = "text"
    ends = iter([])
    next(ends, None)
    all_of_them = {
        "list": iter(items), "list, consumed": consumed(iter(items), 3), "list, at its end": ends,
        "reversed list": reversed(items), "tuple": iter(tuple(items)), "str": iter(text), "unicode": iter("\u0416x"),
        "bytes": iter(b"abc"), "bytearray": iter(bytearray(b"abc")), "range": iter(range(5)),
        "long range": iter(range(0, 10**30, 10**29)), "set": consumed(iter(set(items))), "deque": consumed(iter(collections.deque(items))),
        "reversed deque": reversed(collections.deque(items)), "dict": consumed(iter(table)), "values": consumed(iter(table.values())),
        "items": consumed(iter(table.items())), "reversed dict": reversed(table), "str dict items": consumed(iter(named.items())),
        "OrderedDict": consumed(iter(collections.OrderedDict(table).items())), "callable": iter(lambda: items, 5),
        "sequence": reversed(collections.UserList(items)), "getitem": iter(GetItem()), "enumerate": consumed(enumerate(items)),
        "zip": consumed(zip(items, text)), "map": map(str, items, text), "filter": consumed(filter(None, items)),
        "memoryview": iter(memoryview(b"abc")), "array": iter(array.array("i", [1])), "re": re.finditer("a", "banana"),
        "struct": struct.iter_unpack("b", b"abc"), "csv": csv.reader(["a,b"]), "csv writer": csv.writer(io.StringIO()),
        "json": json.JSONDecoder(), "scandir": os.scandir("."), "template": string.Formatter().parse("{a} {b}"),
        "accumulate": consumed(itertools.accumulate([[1], [2], [3]])), "chain": consumed(itertools.chain(items, items)),
        "chain.from_iterable": consumed(itertools.chain.from_iterable([items, items])),
        "combinations": consumed(itertools.combinations(items, 2)), "cwr": consumed(itertools.combinations_with_replacement(items, 2)),
        "compress": consumed(itertools.compress(items, [1] * 8)), "count": itertools.count(10**30), "count float": itertools.count(0.5, 0.5),
        "cycle": consumed(itertools.cycle(items), 3), "dropwhile": consumed(itertools.dropwhile(bool, [1, 0, Payload(), 2])),
        "filterfalse": itertools.filterfalse(None, items), "groupby": consumed(itertools.groupby(items, id)),
        "islice": consumed(itertools.islice(items, 4)), "permutations": consumed(itertools.permutations(items, 2), 2),
        "product": consumed(itertools.product(items, items), 2), "repeat": itertools.repeat(items), "repeat 3": itertools.repeat(items[0], 3),
        "starmap": consumed(itertools.starmap(max, zip(range(5), range(5)))), "takewhile": itertools.takewhile(bool, items),
        "tee": itertools.tee(iter(items), 3), "zip_longest": consumed(itertools.zip_longest(items, text, fillvalue=Payload()), 5),
        "getset": [types.FunctionType.__code__, types.CodeType.co_name, type.__dict__["__mro__"]],
    }
    consumed(all_of_them["tee"][0], 3)
    key, group = next(all_of_them["groupby"])
    all_of_them["group"] = group
    if hasattr(itertools, "pairwise"):
        all_of_them["pairwise"] = consumed(itertools.pairwise(items))
    if hasattr(itertools, "batched"):
        all_of_them["batched"] = consumed(itertools.batched(items, 2))
    for label, iterator in all_of_them.items():
        keep("iterator: " + label, iterator)


class GetItem:
    def __getitem__(self, index):
        return index


# ---- generators, coroutines, exceptions, frames --------------------------------------------------------------------
def make_suspended():
    def generator(argument, default=Payload()):
        local = [Payload()]
        for i in range(10):
            with contextlib.suppress(KeyError):
                received = yield local, i
        del argument

    def delegating():
        local = Payload()
        yield from generator(local)

    def on_the_stack():
        return [Payload(), Payload(), (yield 1), Payload()]

    def in_finally():
        try:
            raise KeyError(Payload())
        except KeyError as error:
            yield error
        finally:
            yield 2

    def with_cell():
        shared = Payload()

        def inner():
            return shared

        yield inner

    async def coroutine(argument):
        local = Payload()
        await Suspend()
        return local, argument

    async def awaiting():
        local = Payload()
        return await coroutine(local)

    async def agen():
        local = Payload()
        for i in range(3):
            yield i, local
            await Suspend()

    @types.coroutine
    def old_style():
        local = Payload()
        yield local

    for label, function in (("fresh", lambda: generator(1)), ("started", lambda: consumed(generator(Payload()))),
                            ("advanced", lambda: consumed(generator(Payload()), 4)), ("delegating", lambda: consumed(delegating(), 2)),
                            ("values on the stack", lambda: consumed(on_the_stack())), ("in except", lambda: consumed(in_finally())),
                            ("in finally", lambda: consumed(in_finally(), 2)), ("cell", lambda: consumed(with_cell())),
                            ("expression", lambda: consumed(item for item in [Payload(), Payload()])),
                            ("old-style coroutine", lambda: consumed(old_style()))):
        keep("generator: " + label, function())
    done = generator(1)
    list(done)
    keep("generator: finished", done)
    closed = consumed(generator(1))
    closed.close()
    keep("generator: closed", closed)
    framed = keep("generator: frame touched", consumed(generator(Payload())))
    keep("the frame of it", framed.gi_frame)
    keep("generator: frame touched, fresh", generator(2)).gi_frame
    for label, coro in (("fresh", coroutine(Payload())), ("suspended", coroutine(Payload())), ("awaiting", awaiting())):
        if label != "fresh":
            coro.send(None)
        keep("coroutine: " + label, coro)
    keep("coroutine wrapper", coroutine(1).__await__())
    for label, count in (("fresh", 0), ("suspended", 1)):
        asynchronous = keep("async generator: " + label, agen())
        for _ in range(count):
            try:
                keep("asend " + label, asynchronous.asend(None)).send(None)
            except StopIteration:
                pass
    keep("agen objects", [agen().athrow(ValueError(Payload())), agen().aclose(), agen().__anext__()])


class Suspend:
    def __await__(self):
        yield


def make_exceptions():
    def deep(n, argument):
        local = Payload()
        if n:
            deep(n - 1, local)
        raise ExceptionSubclass("deep", local)

    def chained():
        try:
            deep(3, Payload())
        except ValueError as first:
            try:
                raise KeyError(Payload()) from first
            except KeyError:
                raise OSError(2, "with context", "file")

    for label, function in (("plain", lambda: deep(0, 1)), ("deep", lambda: deep(5, 1)), ("chained", chained),
                            ("import", lambda: importlib.import_module("no_such_module_anywhere")),
                            ("syntax", lambda: compile("x = = 1", "<text>", "exec")), ("attribute", lambda: Payload().missing),
                            ("name", lambda: missing_name), ("index", lambda: [][1]), ("unicode", lambda: b"\xff".decode()),
                            ("encode", lambda: "\ud800".encode()), ("stop", lambda: next(iter([]))), ("system", lambda: sys.exit(Payload())),
                            ("os", lambda: open("/nonexistent/file"))):
        try:
            function()
        except BaseException as error:
            keep("exception: " + label, error)
    keep("exception: cleared", ValueError(Payload()))
    keep("exception: cause", KeyError())
    KEEP["exception: cause"].__cause__ = KEEP["exception: cleared"]
    without_traceback = keep("exception: with_traceback(None)", KeyError("x").with_traceback(None))
    without_traceback.attribute = Payload()
    keep("traceback made", types.TracebackType(None, KEEP["exception: deep"].__traceback__.tb_frame, 0, 1))
    cleared = None
    try:
        deep(2, 1)
    except ValueError as error:
        cleared = error
    traceback.clear_frames(cleared.__traceback__)
    keep("exception: frames cleared", cleared)
    if sys.version_info >= (3, 11):
        group = {}
        exec("try:\n raise ExceptionGroup('group', [ValueError(1), KeyError(2)])\n"
             "except* ValueError as e:\n pass\nexcept* KeyError as e:\n held = e\n", {}, group)
        noted = keep("exception: notes", ValueError())
        noted.add_note("a note")
        keep("exception: group", ExceptionGroup("g", [ValueError(Payload())]))
    keep("traceback objects", [traceback.TracebackException.from_exception(KEEP["exception: deep"], capture_locals=True)])


def framed(depth):
    local = Payload()
    if depth:
        return framed(depth - 1)
    return sys._getframe(0), sys._getframe(2)


# ---- the standard library -----------------------------------------------------------------------------------------
def make_library(directory):
    keep("re", [re.compile("(?P<name>a+)(b)?"), re.match("(a)(b)?", "ab"), re.compile(b"x").scanner(b"xx")])
    keep("datetimes", [datetime.datetime.now(), datetime.datetime.now(datetime.timezone.utc), datetime.date.today(), datetime.timedelta(1),
                       datetime.time(1, tzinfo=datetime.timezone(datetime.timedelta(hours=1), "name")), datetime.timezone.utc])
    if sys.version_info >= (3, 9):
        import zoneinfo
        try:
            keep("zoneinfo", [zoneinfo.ZoneInfo("UTC"), datetime.datetime.now(zoneinfo.ZoneInfo("UTC"))])
        except zoneinfo.ZoneInfoNotFoundError:
            pass
    keep("decimal", [decimal.getcontext(), decimal.localcontext(), decimal.Context(prec=5)])
    keep("io", [io.BytesIO(b"a" * 100), io.StringIO("text"), io.TextIOWrapper(io.BytesIO(b"x")), open(__file__), open(__file__, "rb"),
                io.BufferedReader(io.BytesIO(b"x")), io.BufferedRWPair(io.BytesIO(), io.BytesIO()), io.BytesIO().getbuffer(), sys.stdout,
                tempfile.TemporaryFile(), io.IncrementalNewlineDecoder(None, True)])
    KEEP["io"][0].attribute = Payload()
    KEEP["io"][3].readline()
    logger = keep("logger", logging.getLogger("graph.program"))
    logger.addHandler(logging.StreamHandler(io.StringIO()))
    logger.addHandler(logging.handlers.MemoryHandler(1000))
    logger.error("message %s", Payload())
    keep("adapter", logging.LoggerAdapter(logger, {"k": Payload()}))
    tree = keep("ElementTree", xml.etree.ElementTree.fromstring("<a x='1'><b>t</b><c/>tail<d y='2'><e/></d></a>"))
    keep("elements", [list(tree), tree.iter(), xml.etree.ElementTree.ElementTree(tree), xml.etree.ElementTree.TreeBuilder(),
                      xml.etree.ElementTree.XMLParser(), xml.etree.ElementTree.iterparse(io.StringIO("<a/>"))])
    consumed(KEEP["elements"][1], 2)
    keep("minidom", xml.dom.minidom.parseString("<a><b/></a>"))
    keep("ast", ast.parse("def f(x):\n    return [y for y in x]\n"))
    keep("sockets", [socket.socket(), *socket.socketpair()])
    keep("selectors", selectors.DefaultSelector())
    KEEP["selectors"].register(KEEP["sockets"][1], selectors.EVENT_READ, Payload())
    keep("poll", [select.poll(), select.epoll()])
    keep("locks", [threading.Lock(), threading.RLock(), threading.Condition(), threading.Event(), threading.Semaphore(), threading.Barrier(2)])
    local = keep("threading.local", threading.local())
    local.value = Payload()
    keep("threading.local subclass", LocalSubclass(Payload())).value = Payload()
    keep("hashes", [hashlib.md5(b"x"), hashlib.sha256(), hashlib.blake2b(b"x")])
    keep("compressors", [zlib.compressobj(), zlib.decompressobj()])
    keep("parsers", [argparse.ArgumentParser(), configparser.ConfigParser(), html.parser.HTMLParser(), email.message.EmailMessage()])
    KEEP["parsers"][0].add_argument("--option", type=int, default=Payload())
    KEEP["parsers"][1].read_string("[section]\nkey = value\n")
    keep("pickle", [pickle.Pickler(io.BytesIO()), pickle.Unpickler(io.BytesIO(pickle.dumps([1, {2: 3}])))])
    KEEP["pickle"][0].dump([1, "x", {"k": (1, 2)}])
    keep("random", [random.Random(1), random.SystemRandom()])
    keep("paths", [pathlib.Path("/tmp/x"), pathlib.PurePath("a") / "b"])
    keep("uuid", uuid.uuid4())
    keep("urls", [urllib.parse.urlparse("http://host/path?query"), urllib.request.build_opener()])
    keep("ipaddress", ipaddress.ip_network("10.0.0.0/8"))
    keep("mocks", [unittest.mock.Mock(), unittest.mock.MagicMock(), unittest.mock.patch("os.getpid")])
    KEEP["mocks"][0].method(Payload())
    keep("unittest", unittest.TestSuite([unittest.FunctionTestCase(len)]))
    keep("mmap", mmap.mmap(-1, 4096))
    keep("contextvars", [contextvars.ContextVar("v", default=Payload()), contextvars.ContextVar("w")])
    context = keep("context", contextvars.copy_context())
    keep("token", context.run(KEEP["contextvars"][0].set, Payload()))
    many = [contextvars.ContextVar("many%d" % i) for i in range(50)]
    for variable in many:
        context.run(variable.set, Payload())
    keep("context variables", many)
    KEEP["contextvars"][1].set(Payload())
    keep("context iterators", [iter(context), context.items(), context.values()])
    pointed = ctypes.c_int(3)
    keep("ctypes", [Structure(1, b"bytes", ctypes.pointer(pointed)), ctypes.pointer(pointed), (ctypes.c_int * 4)(), ctypes.c_char_p(b"x"),
                    ctypes.py_object(KEEP), ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda x: x), ctypes.CDLL(None), ctypes.CDLL(None).getpid,
                    ctypes.byref(pointed), ctypes.create_string_buffer(10), ctypes.cast(ctypes.pointer(pointed), ctypes.c_void_p)])
    if sqlite3:
        connection = keep("sqlite3", sqlite3.connect(":memory:"))
        connection.create_function("f", 1, lambda x: x)
        connection.row_factory = sqlite3.Row
        connection.execute("create table t (a, b)")
        connection.executemany("insert into t values (?, ?)", [(i, str(i)) for i in range(10)])
        cursor = keep("cursor", connection.execute("select * from t"))
        keep("row", cursor.fetchone())
    if ssl:
        context = keep("ssl", ssl.create_default_context())
        keep("ssl object", context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost"))
        keep("ssl server", ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)).sni_callback = lambda *arguments: None
    keep("multiprocessing", [multiprocessing.Lock(), multiprocessing.Value("i", 1), multiprocessing.Array("i", 3), multiprocessing.Event(),
                             multiprocessing.SimpleQueue(), multiprocessing.Pipe(), multiprocessing.Process(target=print, args=(Payload(),)),
                             multiprocessing.get_context("spawn").Queue()])
    memory = keep("shared memory", multiprocessing.shared_memory.SharedMemory(create=True, size=64))
    memory.unlink()
    keep("executors", [concurrent.futures.ThreadPoolExecutor(2, initializer=print, initargs=()), concurrent.futures.ProcessPoolExecutor(1)])
    future = keep("future", concurrent.futures.Future())
    future.add_done_callback(lambda f: f)
    future.set_result(Payload())
    keep("warnings", warnings.catch_warnings(record=True))
    keep("stack", contextlib.ExitStack())
    KEEP["stack"].callback(print, Payload())
    keep("signature", inspect.signature(Data))
    keep("module", types.ModuleType("made", "documented"))
    KEEP["module"].member = Payload()
    keep("generic alias", [collections.abc.Callable, type(sys.implementation)])
    if sys.version_info >= (3, 9):
        keep("aliases", [list[int], dict[str, T], type[int], list[T][int]])
    if sys.version_info >= (3, 10):
        keep("unions", [int | str, int | None, typing.ParamSpec("P")])
    if sys.version_info >= (3, 12):
        scope = {"Payload": Payload}
        exec("class G[A, *Ts, **P]:\n    x = Payload()\ntype Alias[A: int] = list[A]\n"
             "def f[B](x: B) -> B:\n    return x\ntype Lazy = dict[str, Lazy]\nLazy.__value__\n", scope)
        keep("type parameters", scope)
    if sys.version_info >= (3, 13):
        scope = {}
        exec("class D[A = int]: pass\n", scope)
        keep("type defaults", scope)
    keep("simple buffers", pickle.PickleBuffer(b"x"))
    keep("format", ["%s" % 3, f"{3:>10}"])
    keep("sys", [sys.flags, sys.version_info, sys.float_info, os.stat("."), time.localtime(), sys.implementation])
    keep("monitor", sys.getwindowsversion if hasattr(sys, "getwindowsversion") else None)


def make_threads():
    never = threading.Event()
    ready = []
    parked = queue.Queue()

    def waiting(argument):
        local = [Payload(), argument]
        ready.append(1)
        never.wait()
        return local

    def nested(depth):
        local = Payload()
        if depth:
            return nested(depth - 1)
        ready.append(1)
        return max([local], key=lambda x: parked.get())

    def in_generator():
        def generator():
            local = Payload()
            ready.append(1)
            never.wait()
            yield local

        for item in generator():
            pass

    def in_except():
        try:
            raise ValueError(Payload())
        except ValueError:
            ready.append(1)
            never.wait()

    def in_comprehension():
        ready.append(1)
        return [never.wait() for item in [Payload()]]

    def in_sort():
        ready.append(1)
        sorted([Payload(), Payload()], key=lambda item: never.wait())

    def with_local():
        KEEP["threading.local"].value = Payload()
        ready.append(1)
        never.wait()

    class InMethod:
        def __call__(self):
            ready.append(1)
            never.wait()

        def __del__(self):
            pass

    async def serve():
        loop = asyncio.get_running_loop()
        lock = asyncio.Lock()
        await lock.acquire()
        event = asyncio.Event()
        future = loop.create_future()
        items = asyncio.Queue()

        async def sleeper(n):
            local = Payload()
            await asyncio.sleep(10**6 + n)
            return local

        async def locked():
            async with lock:
                pass

        async def iterating():
            async def generator():
                local = Payload()
                await event.wait()
                yield local

            async for item in generator():
                pass

        async def failing():
            raise ValueError(Payload())

        tasks = [loop.create_task(sleeper(n)) for n in range(10)]
        tasks += [loop.create_task(c) for c in (locked(), iterating(), failing(), items.get())]
        tasks.append(asyncio.ensure_future(asyncio.gather(sleeper(1), sleeper(2))))
        tasks.append(loop.create_task(asyncio.wait_for(sleeper(3), 10**6)))
        tasks.append(loop.create_task(asyncio.wait([loop.create_task(sleeper(4))])))
        future.add_done_callback(print)
        future.add_done_callback(functools.partial(print, Payload()))
        handle = loop.call_later(10**6, print, Payload())
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        await asyncio.sleep(0.05)
        keep("asyncio", [loop, lock, event, future, items, tasks, handle, server, reader, writer, iter(future)])
        ready.append(1)
        await asyncio.sleep(10**6)

    # asyncio's child watcher of 3.8 wants to have been made in the main thread
    targets = [(waiting, (Payload(),)), (nested, (5,)), (in_generator, ()), (in_except, ()), (in_comprehension, ()), (in_sort, ()),
               (with_local, ()), (InMethod(), ()), (lambda: asyncio.run(serve()), ())]
    threads = [threading.Thread(target=target, args=args, name="parked-%d" % i, daemon=True) for i, (target, args) in enumerate(targets)]
    keep("threads", threads)
    keep("timer", threading.Timer(10**6, print, (Payload(),)))
    KEEP["timer"].daemon = True
    for thread in threads + [KEEP["timer"]]:
        thread.start()
    executor = KEEP["executors"][0]
    keep("executor futures", [executor.submit(never.wait), executor.submit(never.wait), executor.submit(print, Payload())])
    while len(ready) < len(threads):
        time.sleep(0.01)
    time.sleep(0.3)
    current = keep("current frames", sys._current_frames())
    current.pop(threading.get_ident())


# ---- the truth ----------------------------------------------------------------------------------------------------
TRACKED, ASKED = 1, 2  # the collector tracks it; the collector may ask it what it holds
HEAP_TYPE, HAVE_GC = 1 << 9, 1 << 14


def gather(words):
    """Appends what gc.get_referents says of all tracked objects and of all that can be reached from them."""
    objects = gc.get_objects()
    own = {id(objects)}
    seen = {id(item) for item in objects}
    append = words.append
    position = 0
    tracked = len(objects)
    while position < len(objects):
        item = objects[position]
        kind = type(item)
        # type_traverse refuses static types, and the collector never asks them
        asked = flags_of(kind) & HAVE_GC and not (issubclass(kind, type) and not flags_of(item) & HEAP_TYPE)
        referents = gc.get_referents(item) if asked else ()
        append(id(item))
        append(id(kind))
        append((TRACKED if position < tracked else 0) | (ASKED if asked else 0))
        append(len(referents))
        for referent in referents:
            append(id(referent))
            if id(referent) not in seen and id(referent) not in own:
                seen.add(id(referent))
                objects.append(referent)
        position += 1


def flags_of(cls):
    return type.__dict__["__flags__"].__get__(cls)


def names_of(words):
    """Readable names for the ids of the last truth: for the test's messages only."""
    labels = {}
    for label, value in KEEP.items():
        labels[id(value)] = "KEEP[%r]" % label
        if type(value) in (list, tuple):
            for i, item in enumerate(value):
                labels.setdefault(id(item), "KEEP[%r][%d]" % (label, i))
        elif type(value) is dict:
            for key, item in value.items():
                labels.setdefault(id(item), "KEEP[%r][%.40r]" % (label, key))
    types_by_id = {}
    for item in gc.get_objects():
        for cls in (type(item), item):
            if issubclass(type(cls), type) and id(cls) not in types_by_id:
                types_by_id[id(cls)] = "%s.%s" % (type.__dict__["__module__"].__get__(cls), type.__dict__["__qualname__"].__get__(cls))
    for cls in object.__subclasses__():
        types_by_id.setdefault(id(cls), "%s.%s" % (cls.__module__, cls.__qualname__))
    for item in gc.get_objects():
        if type(item) is types.FunctionType:
            labels.setdefault(id(item), "function %s.%s" % (item.__module__, item.__qualname__))
        elif type(item) is types.ModuleType:
            labels.setdefault(id(item), "module %s" % item.__name__)
            labels.setdefault(id(item.__dict__), "namespace of %s" % item.__name__)
    return {"labels": {"%x" % k: v for k, v in labels.items()}, "types": {"%x" % k: v for k, v in types_by_id.items()}}


def write(path, words):
    with open(path, "wb", 0) as out:
        words.tofile(out)


def main(directory):
    warnings.simplefilter("ignore")
    make_instances()
    make_containers()
    make_functions()
    make_iterators()
    make_suspended()
    make_exceptions()
    make_library(directory)
    make_threads()
    keep("frames", framed(3))
    gc.collect()
    gc.disable()
    frozen_at_start = gc.get_freeze_count()
    truths = [array.array("Q"), array.array("Q"), array.array("Q")]
    warm = array.array("Q")
    gather(warm)  # once for nothing: caches of types and of code are filled now
    del warm
    gather(truths[0])
    signalling.take(directory)
    gather(truths[1])
    gc.freeze()
    signalling.take(directory)
    gc.unfreeze()
    gather(truths[2])
    for number, words in enumerate(truths):
        write(os.path.join(directory, "truth.%d" % number), words)
    signalling.tell(directory, "names.json", dict(names_of(truths[2]), frozen_at_start=frozen_at_start))
    print("%d words of truth, %d labels" % (len(truths[2]), len(KEEP)))
    signalling.leave()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
