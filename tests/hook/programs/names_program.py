"""Holds one object of a type of its own in each way Python has, and says how each should be spelled.

usage: names_program.py DIRECTORY

Leaves names.json: for each case its label, the id, the spellings that are right ({} stands for the holder), and what else to check.
Nothing but the holder may hold the object: every variable used on the way is gone when the snapshot is taken.
"""
import asyncio
import atexit
import codecs
import collections
import contextvars
import ctypes
import dataclasses
import datetime
import enum
import functools
import gc
import itertools
import os
import queue
import re
import sys
import threading
import time
import traceback
import types
import weakref
import xml.etree.ElementTree

import names_more
import names_other
import signalling

CASES = []
NEW = sys.version_info[:2]


def unique(label):
    """An object of its own type `__main__.T_label`, unlike any other."""
    return type("T_" + label, (), {"__slots__": ("__weakref__",)})()


def expect(label, item, *spellings, **facts):
    facts.update(label=label, id=id(item), type="__main__.T_" + label if type(item).__name__ == "T_" + label else None, spellings=spellings)
    CASES.append(facts)


def hold(label, make, *spellings, **facts):
    """Makes a holder of a unique object, stores it as the global H_label and expects `{}` + spelling."""
    item = unique(label)
    holder = make(item)
    globals()["H_" + label] = holder
    facts.setdefault("holder", id(holder))
    expect(label, item, *[s.replace("{}", "__main__.H_" + label) for s in spellings], **facts)


def change(holder, **attributes):
    for name, value in attributes.items():
        setattr(holder, name, value)
    return holder


# ---- attributes -----------------------------------------------------------------------------------------------------
class Plain:
    def __init__(self, value):
        self.other = None
        self.attr = value


class Touched(Plain):
    def __init__(self, value):
        super().__init__(value)
        self.__dict__


class Replaced(Plain):
    def __init__(self, value):
        self.__dict__ = {"attr": value}


class Slots:
    __slots__ = ("first", "attr", "__private")

    def __init__(self, value, private=None):
        self.attr = value
        self.__private = private


class SlotsChild(Slots):
    __slots__ = ("late",)


class SlotsAndDict(Slots):
    pass


@dataclasses.dataclass(frozen=True)
class Frozen:
    attr: object


class Klass:
    pass


class DictSubclass(dict):
    pass


class ListSubclass(list):
    pass


class TupleSubclass(tuple):
    pass


class Error(Exception):
    pass


class Method:
    __slots__ = ()

    def method(self):
        pass


class Point(collections.namedtuple("Point", "x y")):
    __slots__ = ()


class MetaWithAttribute(type):
    pass


class Number(int):
    """A number that holds something."""
    def __new__(cls, held):
        number = super().__new__(cls, 7)
        number.held = held
        return number


def instance_cases():
    hold("inline", Plain, "{}.attr", kind="attribute", name="attr")
    hold("real_dict", Touched, "{}.attr", kind="attribute", name="attr")
    hold("replaced_dict", Replaced, "{}.attr", kind="attribute", name="attr")
    hold("added", lambda o: change(Touched(None), late=o), "{}.late", kind="attribute", name="late")
    hold("many", lambda o: change(Plain(None), **dict({"a%d" % i: None for i in range(60)}, target=o)), "{}.target", kind="attribute")
    hold("dataclass", Frozen, "{}.attr", kind="attribute", name="attr")
    hold("slot", Slots, "{}.attr", kind="slot", name="attr")
    hold("private_slot", lambda o: Slots(None, o), "{}._Slots__private", kind="slot")
    hold("inherited_slot", SlotsChild, "{}.attr", kind="slot", name="attr")
    hold("second_slot", lambda o: change(SlotsChild(None), late=o), "{}.late", kind="slot", name="late")
    hold("slot_of_dict", SlotsAndDict, "{}.attr", kind="slot", name="attr")
    hold("dict_of_slot", lambda o: change(SlotsAndDict(None), loose=o), "{}.loose", kind="attribute", name="loose")
    hold("attribute_of_dict", lambda o: change(DictSubclass(), extra=o), "{}.extra", kind="attribute", name="extra")
    hold("attribute_of_list", lambda o: change(ListSubclass([1, 2]), extra=o), "{}.extra", kind="attribute", name="extra")
    hold("attribute_of_tuple", lambda o: change(TupleSubclass((1, 2)), extra=o), "{}.extra", kind="attribute", name="extra")
    hold("attribute_of_exception", lambda o: change(Error(), extra=o), "{}.extra", kind="attribute", name="extra")
    hold("attribute_of_function", lambda o: change(lambda: 0, extra=o), "{}.extra", kind="attribute", name="extra")
    hold("attribute_of_partial", lambda o: change(functools.partial(len), extra=o), "{}.extra", kind="attribute", name="extra")
    hold("attribute_of_module", lambda o: change(types.ModuleType("made"), extra=o), "{}.extra")
    hold("namespace", lambda o: types.SimpleNamespace(x=o), "{}.x", kind="attribute", name="x")
    hold("borg", lambda o: [change(Plain(None), __dict__=shared) for shared in [{"attr": o}] for _ in range(2)], "{}[0].attr", holder=None)
    hold("class_attribute", lambda o: type("Made", (), {"cattr": o}), "{}.cattr", kind="class_attribute", name="cattr")
    hold("metaclass_instance", lambda o: change(MetaWithAttribute("Meta", (), {}), cattr=o), "{}.cattr", kind="class_attribute")
    Klass.cattr = unique("class_attribute_named")
    expect("class_attribute_named", Klass.cattr, "__main__.Klass.cattr", holder=id(Klass), kind="class_attribute")
    expect("class_itself", Klass, "__main__.Klass", kind="global", name="Klass", holder=None)
    expect("function_itself", unique, "__main__.unique", kind="global", name="unique", holder=None)
    hold("by_type", lambda o: type("Property", (), {"p": property(o)}), "{}.p.fget", holder=None)


# ---- containers -----------------------------------------------------------------------------------------------------
def container_cases():
    hold("str_key", lambda o: {"a b": o}, "{}['a b']", kind="key")
    hold("identifier_key", lambda o: {"x": 1, "key": o}, "{}['key']", kind="key")
    hold("int_key", lambda o: {1: 2, -7: o}, "{}[-7]", kind="key")
    hold("big_int_key", lambda o: {2**62 + 1: o}, "{}[%d]" % (2**62 + 1), kind="key")
    hold("tuple_key", lambda o: {(1, 2): o}, "{}[(1, 2)]", kind="key")
    hold("nested_tuple_key", lambda o: {(1, ("x", None)): o}, "{}[(1, ('x', None))]", kind="key")
    hold("one_tuple_key", lambda o: {("x",): o}, "{}[('x',)]", kind="key")
    hold("none_key", lambda o: {None: o}, "{}[None]", kind="key")
    hold("bool_key", lambda o: {True: o}, "{}[True]", kind="key")
    hold("float_key", lambda o: {1.5: o}, "{}[1.5]", kind="key")
    hold("bytes_key", lambda o: {b"k\x00": o}, "{}[b'k\\x00']", kind="key")
    hold("quote_key", lambda o: {"it's": o}, "{}[\"it's\"]", kind="key")
    hold("both_quotes_key", lambda o: {"it's \"x\"": o}, "{}['it\\'s \"x\"']", kind="key")
    hold("newline_key", lambda o: {"a\nb\\": o}, "{}['a\\nb\\\\']", kind="key")
    hold("unicode_key", lambda o: {"cl\u00e9 \u0416": o}, "{}['cl\u00e9 \u0416']", kind="key")
    hold("empty_key", lambda o: {"": o}, "{}['']", kind="key")
    hold("object_key_value", lambda o: {Klass(): o}, r"re:{}\[<__main__\.Klass 0x[0-9a-f]+>\]", kind="key")
    hold("long_key", lambda o: {"long " * 50: o}, r"re:{}\['(long )+.*\u2026.*\]", kind="key")
    hold("key_object", lambda o: {o: 1}, "{}.keys()[0]", kind="key_object")
    hold("third_key_object", lambda o: {1: 1, "x": 2, o: 3}, "{}.keys()[2]", kind="key_object")
    hold("big_dict", lambda o: dict({i: None for i in range(100000)}, **{"target": o}), "{}['target']", kind="key")
    hold("dict_subclass", lambda o: DictSubclass(k=o), "{}['k']", kind="key")
    hold("defaultdict", lambda o: collections.defaultdict(list, k=o), "{}['k']", kind="key")
    hold("default_factory", lambda o: collections.defaultdict(type("F", (), {"__call__": len, "o": o})), "{}.default_factory.o", holder=None)
    hold("OrderedDict", lambda o: collections.OrderedDict(k=o), "{}['k']", kind="key")
    hold("UserDict", lambda o: collections.UserDict(k=o), "{}.data['k']", holder=None)
    hold("ChainMap", lambda o: collections.ChainMap({}, {"k": o}), "{}.maps[1]['k']", holder=None)
    hold("mappingproxy", lambda o: types.MappingProxyType({"k": o}), "{}.<mapping>['k']", holder=None)
    hold("list", lambda o: [0, o], "{}[1]", kind="index")
    hold("list_twice", lambda o: [o, 0, o], "{}[0]", kind="index", times=2)
    hold("list_subclass", lambda o: ListSubclass([0, 1, 2, o]), "{}[3]", kind="index")
    hold("tuple", lambda o: (0, o), "{}[1]", kind="index")
    hold("tuple_subclass", lambda o: TupleSubclass((0, o)), "{}[1]", kind="index")
    hold("namedtuple", lambda o: Point(0, o), "{}[1]", "{}.y", kind="index")
    hold("set", lambda o: {1, o, 2}, "{}{*}", kind="member")
    hold("frozenset", lambda o: frozenset([o]), "{}{*}", kind="member")
    hold("deque", lambda o: collections.deque([o, 1]), "{}[0]", kind="index")
    hold("long_deque", lambda o: collections.deque([0] * 150 + [o, 0]), "{}[150]", kind="index")
    hold("queue", lambda o: put(queue.Queue(), o), "{}.queue[0]", holder=None)
    hold("simple_queue", lambda o: put(queue.SimpleQueue(), o), r"re:{}(\..+|\[0\])", holder=None)
    hold("slice", lambda o: slice(None, o), "{}.stop")
    hold("nested", lambda o: {"k7": [None] * 50 + [Plain(o)]}, "{}['k7'][50].attr", holder=None)
    text = "".join(["un", "tracked ", "text"])
    globals()["H_in_tuple"] = ({"q": text},)
    expect("in_tuple", text, "__main__.H_in_tuple[0]['q']", type_name="str", holder=id(H_in_tuple[0]), kind="key")
    globals()["INTERN"] = sys.intern("".join(["interned ", "text"]))
    expect("interned", INTERN, "__main__.INTERN", type_name="str", holder=None, kind="global", name="INTERN")
    globals()["GLOBAL"] = unique("global")
    expect("global", GLOBAL, "__main__.GLOBAL", holder=id(sys.modules["__main__"]), kind="global", name="GLOBAL")
    names_other.member = unique("other_module")
    expect("other_module", names_other.member, "names_other.member", holder=id(names_other), kind="global", name="member")
    xml.etree.ElementTree.heldby_test = unique("dotted_module")
    expect("dotted_module", xml.etree.ElementTree.heldby_test, "xml.etree.ElementTree.heldby_test", kind="global", name="heldby_test")
    sys.of_the_test = unique("in_sys")
    expect("in_sys", sys.of_the_test, "sys.of_the_test", holder=id(sys))
    __builtins__.of_the_test = unique("in_builtins")
    expect("in_builtins", __builtins__.of_the_test, "builtins.of_the_test", holder=id(__builtins__))
    cycle = unique("cycle_member")
    globals()["H_cycle"] = [cycle]
    H_cycle.append(H_cycle)
    expect("cycle_member", cycle, "__main__.H_cycle[0]", holder=id(H_cycle))
    expect("cycle", H_cycle, "__main__.H_cycle", holder=None, depth=6)
    expect("module_itself", names_other, "names_other", module=True, holder=None)


def put(where, item):
    where.put(item)
    return where


# ---- functions ------------------------------------------------------------------------------------------------------
def closing(cv):
    other = 1

    def inner():
        return other, cv
    return inner


def defaulted(o):
    def fn(a=1, b=o):
        pass
    return fn


def keyword_defaulted(o):
    def fn(*, k=o):
        pass
    return fn


def lru(maxsize, *keys):
    """A cached function that returns what it was given last in `keys`."""
    def make(o):
        box = [o]

        @functools.lru_cache(maxsize=maxsize)
        def cached(*arguments):
            return box[0]
        for key in keys:
            cached(*key)
        box.clear()
        return cached
    return make


def function_cases():
    hold("closure", closing, "{}.<closure>.cv", holder=None)
    hold("class_in_closure", lambda o: closing([o]), "{}.<closure>.cv[0]", holder=None)
    hold("default", defaulted, "{}.__defaults__[1]", holder=None)
    hold("keyword_default", keyword_defaulted, "{}.__kwdefaults__['k']", holder=None)
    hold("annotation", lambda o: change(lambda: 0, __annotations__={"return": o}), "{}.__annotations__['return']", holder=None)
    hold("partial_args", lambda o: functools.partial(print, o), "{}.args[0]", holder=None)
    hold("partial_keywords", lambda o: functools.partial(print, end=o), "{}.keywords['end']", holder=None)
    hold("partial_function", lambda o: functools.partial(closing(o)), "{}.func.<closure>.cv", holder=None)
    hold("repeat", lambda o: itertools.repeat(o), "{}.<field +0x10>", kind="field")
    hold("lru_unbounded", lru(None, (1,)), "{}.<cache>[1]", holder=None)
    hold("lru_bounded", lru(8, (1,)), "{}.<cache>[1]", holder=None)
    hold("lru_str", lru(8, ("x y",)), "{}.<cache>['x y']", holder=None)
    hold("lru_tuple", lru(None, (1, "x")), "{}.<cache>[(1, 'x')]", holder=None)
    hold("static", lambda o: staticmethod(o), "{}.__func__")
    hold("classmethod", lambda o: classmethod(o), "{}.__func__")
    hold("property", lambda o: property(None, o), "{}.fset")
    hold("list_iterator", lambda o: iter([o]), "{}.<sequence>[0]", holder=None)
    hold("dict_iterator", lambda o: iter({"k": o}.values()), "{}.<container>['k']", holder=None)
    hold("enumerate", lambda o: enumerate([o]), "{}.<iterator>.<sequence>[0]", holder=None)
    hold("zip", lambda o: zip([1], [o]), "{}.<iterators>[1].<sequence>[0]", holder=None)
    hold("map", lambda o: map(closing(o), []), "{}.<function>.<closure>.cv", holder=None)
    hold("chain", lambda o: itertools.chain([o]), r"re:{}\..*\[0\]", holder=None)
    hold("count", lambda o: itertools.cycle([o]), r"re:{}\..*\[0\]", holder=None)
    hold("memoryview", lambda o: memoryview(change(type("B", (bytearray,), {})(b"x"), extra=o)), "{}.<managed buffer>.obj.extra", holder=None)
    hold("weak_callback", weakref_with_callback, "{}.__callback__.<closure>.cv", holder=None)
    hold("cell", lambda o: closing(o).__closure__[0], "{}.cell_contents")
    method = Method()
    expect("method_self", method, "__main__.H_method.__self__", type_name="__main__.Method", kind="self")
    globals()["H_method"] = method.method
    held = [unique("builtin_method")]
    globals()["H_builtin_method"] = held.append
    expect("builtin_method", held[0], "__main__.H_builtin_method.__self__[0]", holder=id(held))
    constant = compile("x = (1234567, 'constant text')", "<made>", "exec")
    globals()["H_code"] = constant
    expect("code_constant", constant.co_consts[0], "__main__.H_code.co_consts[0]", type_name="tuple", holder=None)


CALLBACK_TARGET = Klass()


def weakref_with_callback(o):
    return weakref.ref(CALLBACK_TARGET, closing(o))


# ---- suspended and running ------------------------------------------------------------------------------------------
def generating(o):
    item = o
    del o
    yield 1
    return item


async def coroutine(o):
    item = o
    del o
    await Suspended()
    return item


async def asynchronous(o):
    item = o
    del o
    yield 1
    return_of_item = item


class Suspended:
    def __await__(self):
        yield


def advanced(generator):
    next(generator)
    return generator


def sent(o):
    coro = coroutine(o)
    coro.send(None)
    return coro


def stepped(o):
    generator = asynchronous(o)
    try:
        generator.asend(None).send(None)
    except StopIteration:
        pass
    return generator


def nested_generators(o):
    def outer():
        yield from generating(o)
    return advanced(outer())


def failed(o, chain=None):
    """An exception whose traceback's frame has z."""
    def fail():
        z = o
        raise Error("text")
    try:
        fail()
    except Error as error:
        del o
        return error.with_traceback(error.__traceback__.tb_next)


def context_of(o):
    context = contextvars.copy_context()
    context.run(IN_CONTEXT.set, o)
    return context


IN_CONTEXT = contextvars.ContextVar("in_context")
IN_THREAD_CONTEXT = contextvars.ContextVar("in_thread_context")


def suspended_cases():
    hold("generator_local", lambda o: advanced(generating(o)), "{}.<locals>.item", holder=None)
    hold("fresh_generator", lambda o: generating(o), "{}.<locals>.o", holder=None)
    hold("coroutine_local", sent, "{}.<locals>.item", holder=None)
    hold("async_generator_local", stepped, "{}.<locals>.item", holder=None)
    hold("exception_args", lambda o: Error("text", o), "{}.args[1]", holder=None)
    hold("exception_local", failed, "{}.__traceback__.tb_frame.<locals>.z", holder=None)
    hold("exception_cause", lambda o: change(Error(), __cause__=Error(o)), "{}.__cause__.args[0]", holder=None)
    hold("exception_context", lambda o: change(Error(), __context__=Error(o)), "{}.__context__.args[0]", holder=None)
    hold("context", context_of, "{}.<vars>.<root>[<ContextVar in_context>]", holder=None)
    hold("contextvar_default", lambda o: contextvars.ContextVar("d", default=o), "{}.<default>")
    hold("datetime", lambda o: datetime.datetime(2020, 1, 1, tzinfo=ZoneHolder(o)), "{}.tzinfo.held", holder=None)
    start = 10**30 + 1
    globals()["H_range"] = range(start, start + 5)
    expect("range_start", H_range.start, "__main__.H_range.start", type_name="int", holder=None)
    hold("tb_frame", failed, "{}.__traceback__.tb_frame.<locals>.z", holder=None)
    frame = H_tb_frame.__traceback__.tb_frame
    expect("frame_itself", frame, "__main__.H_tb_frame.__traceback__.tb_frame", type_name="frame", holder=None)
    threading_local_case()
    weak_cases()
    task_case()


class ZoneHolder(datetime.tzinfo):
    def __init__(self, held):
        self.held = held


def threading_local_case():
    globals()["H_local"] = threading.local()
    H_local.v = unique("threading_local")
    expect("threading_local", H_local.v, r"re:__main__\.H_local\.<dicts>\[<_thread\._localdummy 0x[0-9a-f]+>\]\['v'\]" if NEW >= (3, 13) else
           r"re:<thread MainThread>\.thread dict\['thread\.local\.0x[0-9a-f]+'\]\.<field \+0x10>\['v'\]", root_kinds=["module", "thread"], holder=None)


class WeakHolder:
    pass


def weak_cases():
    item = unique("weak_and_list")
    globals()["H_weak"] = weakref.WeakValueDictionary(k=item)
    globals()["H_weak_list"] = [item]
    expect("weak_and_list", item, "__main__.H_weak_list[0]", weak=True, holder=id(H_weak_list), kind="index")


def task_case():
    loop = asyncio.new_event_loop()
    item = unique("task")

    async def body(o):
        item = o
        del o
        await loop.create_future()
        return item

    globals()["H_task"] = loop.create_task(body(item))
    globals()["H_loop"] = loop
    expect("task", item, "__main__.H_task._coro.<locals>.item", "__main__.H_task.<coro>.<locals>.item", holder=None)
    del item
    loop.run_until_complete(asyncio.sleep(0.01))


# ---- C, garbage, threads --------------------------------------------------------------------------------------------
class Garbage:
    pass


def odd_cases():
    item = unique("from_c")
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(item))
    expect("from_c", item, "<held from C \u00d71>", root_kinds=["c_reference"], holder=None)
    inner = unique("under_c")
    held = [inner]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))
    expect("under_c", inner, "<held from C \u00d72>[0]", root_kinds=["c_reference"], holder=id(held))
    lost = [unique("garbage_cycle")]
    lost.append(lost)
    expect("garbage_cycle", lost[0], found=False, holder=id(lost))
    first, second = Garbage(), Garbage()
    first.other, second.other = second, first
    expect("garbage", first, found=False, type_name="__main__.Garbage", holder=id(second), kind="attribute", name="other")
    expect("None", None, r"re:.+", type_name="NoneType", holder=None)
    expect("small_int", 5, r"re:.+", type_name="int", holder=None)
    expect("True", True, r"re:.+", type_name="bool", holder=None)
    expect("empty_tuple", (), r"re:.+", type_name="tuple", holder=None)
    expect("int_type", int, r"re:.+", type_name="type", holder=None)
    at_exit = unique("atexit")
    atexit.register(print, at_exit)
    expect("atexit", at_exit, "<held from C \u00d71>[0]" if NEW >= (3, 10) else r"re:atexit\.<field #\d+>\[0\]",
           root_kinds=["c_reference"] if NEW >= (3, 10) else ["module"], holder=None)
    search = closing(unique("codec"))
    codecs.register(search)
    expect("codec", search.__closure__[0].cell_contents, r"re:<interpreter>\.codec search path\[\d+\]\.<closure>\.cv", root_kinds=["interpreter"],
           holder=None)
    sys.excepthook = closing(unique("excepthook"))
    expect("excepthook", sys.excepthook.__closure__[0].cell_contents, "sys.excepthook.<closure>.cv", holder=None)
    IN_THREAD_CONTEXT.set(unique("thread_context"))
    expect("thread_context", IN_THREAD_CONTEXT.get(), "<thread MainThread>.context.<vars>.<root>[<ContextVar in_thread_context>]",
           root_kinds=["thread"], holder=None)


NEVER = threading.Event()
READY = []


def line_here():
    return sys._getframe(1).f_lineno


def in_worker(label):
    in_thread = unique(label)
    expect(label, in_thread, "__main__.in_worker.<locals>.in_thread", root_kinds=["frame"], thread=thread_facts(),
           function="in_worker", file=__file__, holder=None, ambiguous=True)
    CASES[-1]["line"] = line_here() + 2
    READY.append(1)
    NEVER.wait()


def outer_of_nested(label):
    in_outer = unique(label)
    expect(label, in_outer, "__main__.outer_of_nested.<locals>.in_outer", root_kinds=["frame"], thread=thread_facts(),
           function="outer_of_nested", file=__file__, holder=None)
    CASES[-1]["line"] = line_here() + 1
    inner_of_nested()


def inner_of_nested():
    READY.append(1)
    NEVER.wait()


def on_the_stack(label):
    compute(expected_unique(label, r"re:__main__\.on_the_stack\.<stack>\[\d+\]"), waited())


def expected_unique(label, spelling):
    item = unique(label)
    expect(label, item, spelling, root_kinds=["frame"], thread=thread_facts(), function="on_the_stack", file=__file__, holder=None)
    return item


def waited():
    READY.append(1)
    NEVER.wait()


def compute(*arguments):
    return arguments


def with_cell(label):
    in_cell = unique(label)

    def inner():
        return in_cell
    expect(label, in_cell, "__main__.with_cell.<locals>.in_cell", "__main__.with_cell.<locals>.in_cell.cell_contents",
           root_kinds=["frame"], thread=thread_facts(), holder=None)
    READY.append(1)
    NEVER.wait()


def in_method(label):
    class Worker:
        def work(self):
            attribute = unique(label)
            expect(label, attribute, "__main__.in_method.<locals>.Worker.work.<locals>.attribute" if NEW >= (3, 11) else
                   r"re:__main__\.(.*\.)?work\.<locals>\.attribute", root_kinds=["frame"], thread=thread_facts(), holder=None)
            READY.append(1)
            NEVER.wait()
    Worker().work()


def in_running_generator(label):
    def generator():
        in_generator = unique(label)
        expect(label, in_generator, "__main__.in_running_generator.<locals>.generator.<locals>.in_generator" if NEW >= (3, 11) else
               r"re:__main__\..*generator.*\.<locals>\.in_generator", root_kinds=["frame"], thread=thread_facts(), holder=None)
        READY.append(1)
        NEVER.wait()
        yield
    for item in generator():
        pass


def exception_in_flight(label):
    try:
        raise_unique(label)
    except Error:
        READY.append(1)
        NEVER.wait()


def raise_unique(label):
    item = unique(label)
    expect(label, item, "<thread %s>.handled exception.args[0]" % threading.current_thread().name, root_kinds=["thread"], thread=thread_facts(), holder=None)
    try:
        raise Error(item).with_traceback(None)
    finally:
        del item


def in_argument(argument):
    expect("argument", argument, "__main__.in_argument.<locals>.argument", "__main__.in_argument.<locals>.arguments[0]",
           root_kinds=["frame"], thread=thread_facts(), function="in_argument", holder=None)
    READY.append(1)
    NEVER.wait()


def call_in_argument(label):
    in_argument(unique(label))


def thread_facts():
    return {"name": threading.current_thread().name, "ident": threading.get_ident(), "native": threading.get_native_id()}


def start_threads():
    workers = [(in_worker, "other_thread", "worker-1"), (outer_of_nested, "outer_frame", "worker-2"), (on_the_stack, "stack", "worker-3"),
               (with_cell, "cell_variable", "worker-4"), (in_method, "method_local", "worker-5"), (in_running_generator, "running_generator", "w-6"),
               (exception_in_flight, "in_flight", "worker-7"), (call_in_argument, "argument", "worker \u2116 8"), (in_worker, "same_function", "worker-9")]
    for target, label, name in workers:
        threading.Thread(target=target, args=(label,), name=name, daemon=True).start()
        while len(READY) < [w[1] for w in workers].index(label) + 1:
            time.sleep(0.005)
    time.sleep(0.2)


def main(directory):
    instance_cases()
    container_cases()
    function_cases()
    suspended_cases()
    names_more.cases(sys.modules["__main__"], directory)
    gc.collect()
    gc.disable()
    odd_cases()
    names_more.interpreter_cases(sys.modules["__main__"])
    start_threads()
    local_of_main = unique("main_local")
    expect("main_local", local_of_main, "__main__.main.<locals>.local_of_main", root_kinds=["frame"], thread=thread_facts(),
           function="main", file=__file__, line=line_here() + 1, holder=None)
    signalling.take(directory)
    signalling.tell(directory, "names.json", CASES)
    print("%d cases" % len(CASES))
    signalling.leave()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
