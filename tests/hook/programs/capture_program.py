"""What a snapshot says about objects one by one, and whether taking it changed any.

usage: capture_program.py DIRECTORY basics|secrets|deep|numpy

basics: facts.json holds what the program knows about its objects and threads; then it takes more snapshots and looks for changes.
secrets: values that no snapshot with HELDBY_VALUES=0 may hold. deep: shapes that break recursion. numpy: arrays.
"""
import array
import collections
import ctypes
import datetime
import decimal
import fractions
import functools
import gc
import os
import re
import struct
import sys
import threading
import time
import traceback
import types
import weakref

import signalling

NEW = sys.version_info[:2]
OBJECTS = []  # facts about single objects
KEEP = []


class Plain:
    def __init__(self):
        self.a = 1
        self.b = "b"


class Slots:
    __slots__ = ("a", "b")


class Empty:
    pass


class WithWeakref:
    __slots__ = ("__weakref__",)


class ListSubclass(list):
    pass


class DictSubclass(dict):
    pass


class IntSubclass(int):
    pass


class StrSubclass(str):
    pass


class TupleSubclass(tuple):
    pass


class SetSubclass(set):
    pass


class Error(Exception):
    pass


def exact(label, item, **facts):
    """Records what is known of `item`; sizes must be those of sys.getsizeof."""
    KEEP.append(item)
    facts.update(label=label, id=id(item), type=type(item).__name__, size=sys.getsizeof(item), tracked=gc.is_tracked(item))
    OBJECTS.append(facts)


# ---- objects and their sizes ------------------------------------------------------------------------------------------
def some_function(a, b=1, *, c=2):
    return a, b, c


def some_generator():
    yield 1


async def some_coroutine():
    pass


def grown_list():
    result = []
    for i in range(77):
        result.append(i)
    return result


def grown_dict(count, key):
    result = {}
    for i in range(count):
        result[key(i)] = None
    return result


def raised():
    try:
        raise Error("text")
    except Error as error:
        return error


def make_sized():
    for label, item in (
            ("object", object()), ("int 0", 0), ("int 1", 1), ("int -1", -1), ("int 2**30", 2**30), ("int -2**60", -(2**60)), ("int 10**100", 10**100),
            ("bool", True), ("None", None), ("float", 1.5), ("complex", 1j), ("str empty", ""), ("str a", "a"), ("str latin", "\u00e9t\u00e9 " * 3),
            ("str bmp", "\u0416" * 7), ("str astral", "\U0001f600x"), ("str made", "".join(["ma", "de"])), ("str long", "x" * 100000),
            ("bytes empty", b""), ("bytes", b"abc"), ("bytes long", bytes(5000)), ("bytearray empty", bytearray()), ("bytearray", bytearray(b"abc" * 9)),
            ("list empty", []), ("list literal", [1, 2, 3]), ("list grown", grown_list()), ("list repeated", [None] * 1000),
            ("tuple empty", ()), ("tuple", (1, 2, 3)), ("tuple tracked", ([],)), ("dict empty", {}), ("dict literal", {"a": 1}),
            ("dict cleared", (lambda d: (d.clear(), d)[1])({"a": 1})), ("dict str 5", grown_dict(5, str)), ("dict str 500", grown_dict(500, str)),
            ("dict int 6", grown_dict(6, int)), ("dict int 200", grown_dict(200, int)), ("dict int 70000", grown_dict(70000, int)),
            ("dict copy", dict(grown_dict(77, str))), ("set empty", set()), ("set", {1, 2, 3}), ("set 100", set(range(100))), ("frozenset", frozenset("abcdefghij")),
            ("function", some_function), ("lambda", lambda: KEEP), ("builtin", len), ("method", Plain().__init__), ("builtin method", [].append),
            ("module", sys), ("cell", (lambda x: lambda: x)(1).__closure__[0]), ("range", range(10)), ("slice", slice(1, 2)), ("property", property(len)),
            ("staticmethod", staticmethod(len)), ("classmethod", classmethod(len)), ("mappingproxy", types.MappingProxyType({})),
            ("weakref", weakref.ref(Plain)), ("exception", Error("x")), ("OSError", OSError(1, "x")), ("traceback", raised().__traceback__), ("partial", functools.partial(len)),
            ("deque", collections.deque()), ("OrderedDict", collections.OrderedDict(a=1)), ("defaultdict", collections.defaultdict(list, a=1)),
            ("array", array.array("d", [1.0] * 10)), ("memoryview", memoryview(b"abc")), ("Decimal", decimal.Decimal(10) ** 50), ("Fraction", fractions.Fraction(1, 3)),
            ("datetime", datetime.datetime(2020, 1, 1)), ("datetime tz", datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)), ("timedelta", datetime.timedelta(1)),
            ("generator", some_generator()), ("list iterator", iter([1])), ("dict iterator", iter({})), ("enumerate", enumerate([])), ("zip", zip([1])), ("map", map(len, [])),
            ("pattern", re.compile("a(b)")), ("match", re.match("a(b)", "ab")), ("lock", threading.Lock()), ("struct", struct.Struct("I")),
            ("code", some_function.__code__), ("int type", int), ("heap type", Plain), ("plain instance", Plain()), ("empty instance", Empty()), ("slots instance", Slots()),
            ("weakref slot", WithWeakref()), ("list subclass", ListSubclass([1, 2])), ("dict subclass", DictSubclass(a=1)), ("int subclass", IntSubclass(5)),
            ("str subclass", StrSubclass("x")), ("tuple subclass", TupleSubclass((1, 2))), ("set subclass", SetSubclass([1])), ("instance dict", (lambda p: p.__dict__)(Plain())),
            ("ctypes int", ctypes.c_int(1)), ("SimpleNamespace", types.SimpleNamespace(a=1))):
        exact(label, item)


# ---- previews ---------------------------------------------------------------------------------------------------------
def preview(label, item, kind, full_length, text):
    """`text`: the bytes a preview without a bound would hold."""
    KEEP.append(item)
    OBJECTS.append(dict(label=label, id=id(item), preview={"kind": kind, "full_length": full_length, "text": text.hex()}))


def make_previews():
    for label, text in (("empty", ""), ("short", "short text"), ("exactly 64", "x" * 64), ("65", "y" * 65), ("long", "0123456789" * 100), ("latin", "\u00e9" * 40),
                        ("cut inside latin", "a" + "\u00e9" * 40), ("bmp", "\u20ac" * 30), ("cut inside bmp", "ab" + "\u20ac" * 30), ("astral", "\U0001f600" * 20),
                        ("cut inside astral", "abc" + "\U0001f600" * 20), ("nul", "a\0b"), ("control", "\x01\n\t\x7f\x80"), ("mixed", "a\u00e9\u20ac\U0001f600" * 10)):
        made = "".join([text[:1], text[1:]])
        preview("str " + label, made, 1, len(made), made.encode())
    surrogate = "".join(["a", "\ud800", "b"])
    preview("str surrogate", surrogate, 1, 3, "a\ufffdb".encode())
    only = "".join(["\udcff"] * 3)
    preview("str surrogates", only, 1, 3, "\ufffd\ufffd\ufffd".encode())
    preview("str subclass", StrSubclass("of a subclass"), 1, 13, b"of a subclass")
    for label, data in (("empty", b""), ("short", b"\x00\xff\x80abc"), ("long", bytes(range(256)) * 3)):
        made = bytes(bytearray(data))
        preview("bytes " + label, made, 2, len(made), made)
    for number in (0, 1, -1, 255, 256, 257, -5, -6, 2**15, 2**30 - 1, 2**30, 2**30 + 1, -(2**30), 2**31, 2**60 - 1, 2**60, -(2**62), 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 10**19):
        preview("int %d" % number, int(str(number)), 3, abs(number).bit_length(), str(number).encode())
    for number in (2**64, -(2**64), 10**30, 3**1000):
        preview("big int 2**%d" % abs(number).bit_length(), int(str(number)), 3, abs(number).bit_length(), str(number).encode())
    for number in (0.0, -0.0, 1.5, 1e308, 5e-324, float("inf"), float("-inf"), float("nan"), 0.1):
        made = struct.unpack("d", struct.pack("d", number))[0]
        preview("float %r" % number, made, 4, None, struct.pack("<d", number))
    preview("True", True, 5, None, b"\1")
    preview("False", False, 5, None, b"\0")
    preview("module", collections, 6, None, b"collections")
    preview("function", some_function, 6, None, b"some_function")
    preview("code", some_function.__code__, 6, None, b"some_function")


# ---- generations, frozen, untracked -------------------------------------------------------------------------------------
def make_flags():
    def flags(label, item, **facts):
        KEEP.append(item)
        OBJECTS.append(dict(facts, label=label, id=id(item), tracked=gc.is_tracked(item)))

    untracked = [("atoms", 1, int("444")), {"only": "atoms"}, int("98765"), "".join(["te", "xt"]), bytes(bytearray(b"by"))]
    frozen = [Plain(), {"a": []}]
    oldest = [Plain(), [1]]
    gc.collect()
    gc.freeze()
    for item in frozen + oldest:
        flags("frozen %s" % type(item).__name__, item, frozen=True)
    del frozen, oldest, item
    old = [Plain(), [2]]
    gc.collect()
    young_1 = [Plain(), [3]]
    gc.collect(0)
    young_0 = [Plain(), [4]]
    for generation, items in ((2, old), (1, young_1), (0, young_0)):
        for item in items:
            flags("generation %d %s" % (generation, type(item).__name__), item, generation=generation, frozen=False)
    interned = sys.intern("".join(["interned in ", "this program"]))
    flags("interned", interned, interned=True, frozen=False)
    flags("not interned", "".join(["not interned in ", "this program"]), interned=False, frozen=False)
    flags("static None", None, static=True, frozen=False)
    flags("static type", int, static=True, immortal=NEW >= (3, 12))
    flags("heap type", Plain, static=False, immortal=False)
    flags("immortal None", None, immortal=NEW >= (3, 12))
    flags("immortal 5", 5, immortal=NEW >= (3, 12))
    flags("mortal int", int("1234567"), immortal=False, static=False)
    flags("mortal list", [], immortal=False)
    for item in untracked:
        flags("untracked %s" % type(item).__name__, item)


def make_refcounts():
    """Objects with a known number of references, all of them in the heap."""
    for count in (1, 2, 5, 1000):
        item = Plain() if count != 5 else "".join(["re", "fcount"])
        holder = [item] * count
        KEEP.append(holder)
        OBJECTS.append(dict(label="refcount %d" % count, id=id(item), refcount=count))


# ---- threads ------------------------------------------------------------------------------------------------------------
NEVER = threading.Event()
READY = []


def wait():
    READY.append(1)
    NEVER.wait()


def simple_thread():
    wait()


def recursive_thread(depth=50):
    if depth:
        return recursive_thread(depth - 1)
    wait()


def multi_line_thread():
    return [
        1,
        2,
        wait(

        ),
        3]


def backwards_thread():
    for i in range(3):
        if i == 1:
            wait()
        else:
            pass


def generator_thread():
    def inner():
        yield 1
        yield wait()
    return list(inner())


def comprehension_thread():
    return [
        wait()
        for i in range(1)
        if i == 0
    ]


def sort_thread():
    items = [3, 2, 1]
    items.sort(key=lambda item: wait())


def except_thread():
    try:
        raise Error("in flight")
    except Error:
        try:
            1 / 0
        except ZeroDivisionError:
            wait()


def finally_thread():
    try:
        raise Error("in flight")
    finally:
        wait()


def with_thread():
    class Manager:
        def __enter__(self):
            wait()

        def __exit__(self, *arguments):
            pass
    with Manager():
        pass


def class_body_thread():
    class Body:
        here = wait()


def lambda_thread():
    (lambda: (lambda: wait())())()


def half_built_tuple_thread():
    def items():
        for i in range(100):
            if i == 50:
                wait()
            yield i
    tuple(items())


def half_built_list_thread():
    def items():
        for i in range(100):
            if i == 50:
                wait()
            yield i
    list(items())


def half_built_dict_thread():
    class Key:
        def __hash__(self):
            return 7

        def __eq__(self, other):
            wait()
            return False
    table = {Key(): 1}
    table[Key()] = 2


def half_built_set_thread():
    def items():
        for i in range(100):
            if i == 50:
                wait()
            yield i
    frozenset(items())


def half_built_class_thread():
    class Descriptor:
        def __set_name__(self, owner, name):
            wait()
    type("HalfBuilt", (), {"d": Descriptor()})


def half_built_instance_thread():
    class HalfBuilt:
        __slots__ = ("a", "b")

        def __init__(self):
            self.a = 1
            wait()
    HalfBuilt()


def half_sorted_thread():
    class Item:
        def __lt__(self, other):
            wait()
            return True
    [Item() for _ in range(10)].sort()


def deque_thread():
    collections.deque(wait() for _ in range(3))


def far_lines(directory):
    """Functions whose lines are far apart, forwards and backwards, as code generators make them."""
    source = ["def far_thread(wait):", "    x = 1"] + [""] * 700 + ["    for i in range(2):"] + [""] * 150 + ["        if i == 1:"] + \
             [""] * 3 + ["            wait()"] + ["        x = %d" % i for i in range(300)] + ["    return x"]
    path = os.path.join(directory, "far \u2116 made.py")
    scope = {}
    exec(compile("\n" * 99990 + "\n".join(source), path, "exec"), scope)
    return scope["far_thread"]


THREADS = [simple_thread, recursive_thread, multi_line_thread, backwards_thread, generator_thread, comprehension_thread, sort_thread, except_thread,
           finally_thread, with_thread, class_body_thread, lambda_thread, half_built_tuple_thread, half_built_list_thread, half_built_dict_thread,
           half_built_set_thread, half_built_class_thread, half_built_instance_thread, half_sorted_thread, deque_thread]


def start_threads(directory):
    targets = [(target, ()) for target in THREADS] + [(far_lines(directory), (wait,))]
    threads = []
    for number, (target, arguments) in enumerate(targets):
        threads.append(threading.Thread(target=target, args=arguments, name="%s \u2116 %d" % (target.__name__, number), daemon=True))
        threads[-1].start()
        while len(READY) < number + 1:
            time.sleep(0.002)
    threads[0].name = "renamed later"
    time.sleep(0.2)
    return threads


def stack_of(frame):
    stack = []
    while frame:
        code = frame.f_code
        stack.append([getattr(code, "co_qualname", code.co_name), code.co_filename, frame.f_lineno])
        frame = frame.f_back
    return stack


def thread_facts():
    current = sys._current_frames()
    facts = []
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            facts.append(dict(name=thread.name, ident=thread.ident, native=thread.native_id, stack=stack_of(current[thread.ident])))
    return facts


# ---- nothing changes --------------------------------------------------------------------------------------------------
def refcounts(words):
    """id, id of the type and refcount of every tracked object, without making any."""
    count = sys.getrefcount
    for item in gc.get_objects():
        words.append(id(item))
        words.append(id(type(item)))
        words.append(count(item))


def local_dies(directory):
    """Whether an object that a local held is gone after del, although a snapshot was taken meanwhile."""
    local = Plain()
    reference = weakref.ref(local)
    signalling.take(directory)
    del local
    return reference() is None


def local_of_caller_dies(directory):
    local = Plain()
    reference = weakref.ref(local)

    def inner():
        signalling.take(directory)
    inner()
    local = None
    return reference() is None


def dict_words(items):
    """3.11+: the words where a materialised __dict__ would show, of each instance."""
    words = []
    for item in items:
        for offset in (-32, -24):
            words.append(ctypes.c_uint64.from_address(id(item) + offset).value)
    return words


def changed(before, after):
    """Objects alive at both times whose refcount differs: [type name, id, before, after]."""
    old = {before[i]: (before[i + 1], before[i + 2]) for i in range(0, len(before), 3)}
    names = {id(cls): cls.__qualname__ for cls in gc.get_objects() if issubclass(type(cls), type)}
    result = []
    for i in range(0, len(after), 3):
        address, type_id, count = after[i:i + 3]
        if address in old and old[address][0] == type_id and old[address][1] != count:
            result.append([names.get(type_id, "?"), address, old[address][1], count])
    return result


def basics(directory):
    make_sized()
    make_previews()
    threads = start_threads(directory)
    gc.disable()
    make_refcounts()
    make_flags()
    here = [[getattr(sys._getframe(0).f_code, "co_qualname", "basics"), __file__, sys._getframe(0).f_lineno + 1]]
    signalling.take(directory)
    facts = {"threads": thread_facts(), "main": {"ident": threading.get_ident(), "native": threading.get_native_id(), "stack": here},
             "frozen_count": gc.get_freeze_count(), "pid": os.getpid()}
    gc.unfreeze()  # or gc.get_objects would not show the rest
    instances = [Plain() for _ in range(200)]
    before, after = array.array("Q"), array.array("Q")
    warm = array.array("Q")
    words = dict_words(instances) if NEW >= (3, 11) else None
    signalling.take(directory)
    refcounts(warm)
    refcounts(before)
    count_before = len(gc.get_objects())
    for _ in range(4):
        signalling.take(directory)
    count_after = len(gc.get_objects())
    refcounts(after)
    facts["changed"] = [row for row in changed(before, after) if row[1] not in (id(warm), id(before), id(after))]
    facts["tracked_before"], facts["tracked_after"] = count_before, count_after
    facts["dicts_made"] = NEW >= (3, 11) and words != dict_words(instances)
    facts["local_dies"] = local_dies(directory)
    facts["local_of_caller_dies"] = local_of_caller_dies(directory)
    facts["threads_after"] = threading.active_count() - len(threads) - 1
    facts["objects"] = OBJECTS
    facts["modules"] = sorted(name for name in sys.modules if "heldby" in name)
    signalling.tell(directory, "facts.json", facts)
    print("%d facts about objects" % len(OBJECTS))


# ---- secrets ------------------------------------------------------------------------------------------------------------
def secrets(directory):
    """Strings are put together here, so that a constant of the code holds none of them whole (but where it says so)."""
    found = []

    def secret(place, blank=" "):
        text = blank.join(["zq%03d" % len(found), "geheim", "wert"])
        found.append([place, text[:11]])
        return text

    class Holder:
        pass

    class SlotHolder:
        __slots__ = ("slot",)

    holder = Holder()
    holder.attribute = secret("attribute")
    holder.identifier = secret("attribute that looks like an identifier", "_")
    vars(holder)[secret("__dict__ key with spaces")] = 1
    slots = SlotHolder()
    slots.slot = secret("slot")
    Holder.class_attribute = secret("class attribute")
    globals()["SECRET_GLOBAL"] = secret("global")
    globals()["SECRET_INTERNED"] = sys.intern(secret("interned global"))
    globals()["SECRET_INTERNED_IDENTIFIER"] = sys.intern(secret("interned global that looks like an identifier", "_"))
    local = secret("local")
    KEEP.extend([holder, slots, [secret("list item")], (secret("tuple item"),), {secret("set item")}, {"key": secret("dict value")}, {secret("dict key"): 1},
                 {(1, secret("in a tuple key")): 2}, {secret("dict key 2"): 1, 7: 2}, secret("bytes").encode(), bytearray(secret("bytearray").encode()),
                 {secret("bytes key").encode(): 1}, collections.deque([secret("deque")]), collections.OrderedDict([(secret("OrderedDict key"), 1)]),
                 StrSubclass(secret("str subclass")), Error(secret("exception argument")), {Holder: secret("under a class key")}, secret("latin \u00e9") + "\u00e9",
                 secret("wide") + "\u0416", functools.partial(len, secret("partial")), types.SimpleNamespace(x=secret("SimpleNamespace")),
                 {secret("long text") * 100: 1}, memoryview(secret("memoryview").encode()), types.MappingProxyType({secret("mappingproxy"): 1}),
                 functools.lru_cache()(lambda key: secret("lru value")), array.array("b", secret("array").encode()), iter(secret("iterator")),
                 frozenset([secret("frozenset")]), re.compile(secret("pattern")), re.match(".*", secret("matched string"))])
    for item in KEEP:
        if type(item).__name__ == "_lru_cache_wrapper":
            item(secret("lru key"))

    def documented():
        pass
    documented.__doc__ = secret("docstring")
    documented.__defaults__ = (secret("default"),)
    KEEP.append(documented)
    KEEP.append(compile("x = %r" % secret("constant of code"), "<made>", "exec"))
    big = int("7310582946" * 3)
    found.append(["huge int", "7310582946"])
    small = int("5550001234567")
    found.append(["int", "5550001234567"])
    KEEP.extend([big, small, {small: 1}])
    signalling.take(directory)
    identifiers = ["attribute", "identifier", "class_attribute", "SECRET_GLOBAL", "local", "documented"]
    signalling.tell(directory, "secrets.json", {"secrets": found, "identifiers": identifiers})
    assert local


# ---- deep and large -----------------------------------------------------------------------------------------------------
class Node:
    __slots__ = ("next",)


def deep(directory):
    depth = int(os.environ.get("HELDBY_TEST_DEPTH", "1000000"))
    head = None
    for i in range(depth):
        node = Node()
        node.next = head
        head = node
        if i == 0:
            last = node
    globals()["HEAD"] = head
    nested = innermost = ()
    for i in range(depth):
        nested = (nested,)
        if i == 0:
            innermost = nested
    globals()["NESTED"] = nested
    globals()["HUGE"] = list(range(5 * depth))
    globals()["TABLE"] = {"key %d" % i: i for i in range(depth)}
    globals()["MEMBERS"] = set(range(depth))
    globals()["LONG"] = "x" * (10 * depth)
    globals()["LONG_KEY"] = {"k" * depth: []}
    facts = {"depth": depth, "last": id(last), "innermost": id(innermost), "huge": id(HUGE), "table": id(TABLE), "members": id(MEMBERS),
             "under_long_key": id(LONG_KEY["k" * depth])}
    del head, node, last, nested, innermost
    gc.collect()
    signalling.take(directory, 600)
    signalling.tell(directory, "facts.json", facts)


# ---- numpy --------------------------------------------------------------------------------------------------------------
def numpy(directory):
    import numpy

    class Element:
        pass

    elements = [Element() for _ in range(6)]
    flat = numpy.array(elements, dtype=object)
    globals()["FLAT"] = flat
    shaped = numpy.empty((2, 3), dtype=object)
    shaped[:] = [[Element() for _ in range(3)] for _ in range(2)]
    globals()["SHAPED"] = shaped
    base = numpy.array([Element() for _ in range(10)], dtype=object)
    globals()["VIEW"] = base[::2]
    globals()["REVERSED"] = numpy.array([Element() for _ in range(3)], dtype=object)[::-1]
    globals()["HOLE"] = numpy.empty(3, dtype=object)
    globals()["SCALAR"] = numpy.array(Element(), dtype=object)
    globals()["NUMBERS"] = numpy.arange(100000, dtype="f8")
    globals()["SLICED"] = NUMBERS[10:20]
    globals()["NAMES"] = numpy.array(["a", "b"])
    globals()["RECORDS"] = numpy.zeros(3, dtype=[("x", "i4"), ("y", "f8")])
    globals()["MASKED"] = numpy.ma.array([1, 2, 3], mask=[0, 1, 0])
    facts = {"elements": [["FLAT[%d]" % i, id(e)] for i, e in enumerate(elements)] + [["SHAPED", id(e)] for e in shaped.flat],
             "held": [["FLAT", id(FLAT), sorted(id(e) for e in flat.flat)], ["SHAPED", id(SHAPED), sorted(id(e) for e in shaped.flat)],
                      ["SCALAR", id(SCALAR), [id(SCALAR[()])]]],
             "base": [["VIEW", id(VIEW), id(base)], ["SLICED", id(SLICED), id(NUMBERS)]],
             "sizes": [["NUMBERS", id(NUMBERS), sys.getsizeof(NUMBERS)], ["FLAT", id(FLAT), sys.getsizeof(FLAT)]]}
    base_address = id(base)
    assert base_address
    del elements, flat, shaped, base
    gc.collect()
    signalling.take(directory)
    signalling.tell(directory, "facts.json", facts)


if __name__ == "__main__":
    try:
        {"basics": basics, "secrets": secrets, "deep": deep, "numpy": numpy}[sys.argv[2]](sys.argv[1])
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    signalling.leave()
