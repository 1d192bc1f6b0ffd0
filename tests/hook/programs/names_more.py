"""More ways of holding an object for names_program.py: what libraries, the interpreter and C hold."""
import asyncio
import atexit
import codecs
import collections
import contextvars
import functools
import itertools
import linecache
import queue
import signal
import sys
import threading
import types
import weakref

NEW = sys.version_info[:2]


def iterator_cases(main):
    hold, closing = main.hold, main.closing
    inside = r"re:{}\..*\[0\]"
    hold("count_step", lambda o: itertools.count(0, main.Number(o)), "{}.<field +0x20>.held", holder=None)
    hold("islice", lambda o: itertools.islice([o], 0, 5), inside, holder=None)
    hold("starmap", lambda o: itertools.starmap(closing(o), []), r"re:{}\..*\.<closure>\.cv", holder=None)
    hold("takewhile", lambda o: itertools.takewhile(closing(o), []), r"re:{}\..*\.<closure>\.cv", holder=None)
    hold("dropwhile", lambda o: itertools.dropwhile(closing(o), []), r"re:{}\..*\.<closure>\.cv", holder=None)
    hold("filterfalse", lambda o: itertools.filterfalse(closing(o), []), r"re:{}\..*\.<closure>\.cv", holder=None)
    hold("accumulate", lambda o: itertools.accumulate([o]), inside, holder=None)
    hold("groupby", lambda o: itertools.groupby([o]), inside, holder=None)
    hold("compress", lambda o: itertools.compress([o], [1]), inside, holder=None)
    hold("product", lambda o: itertools.product([o]), r"re:{}\..*\[0\]\[0\]", holder=None)
    hold("permutations", lambda o: itertools.permutations([o]), inside, holder=None)
    hold("combinations", lambda o: itertools.combinations([o], 1), inside, holder=None)
    hold("zip_longest", lambda o: itertools.zip_longest([1], fillvalue=o), r"re:{}\.<field \+0x[0-9a-f]+>")
    hold("tee", lambda o: itertools.tee([o])[0], inside, holder=None)
    hold("repeat_in_list", lambda o: [itertools.repeat(o)], "{}[0].<field +0x10>", holder=None)
    hold("reversed", lambda o: reversed([o]), "{}.<sequence>[0]", holder=None)
    hold("tuple_iterator", lambda o: iter((o,)), "{}.<sequence>[0]", holder=None)
    hold("set_iterator", lambda o: iter({o}), "{}.<container>{*}", holder=None)
    hold("dict_items", lambda o: {"k": o}.items(), "{}.<container>['k']", holder=None)
    hold("dict_keys", lambda o: {o: 1}.keys(), "{}.<container>.keys()[0]", holder=None)
    hold("deque_iterator", lambda o: iter(collections.deque([o])), inside, holder=None)
    hold("callable_iterator", lambda o: iter(closing(o), None), "{}.<callable>.<closure>.cv", holder=None)
    hold("filter", lambda o: filter(closing(o), []), "{}.<function>.<closure>.cv", holder=None)


def descriptor_cases(main):
    hold, closing = main.hold, main.closing
    hold("property_get", lambda o: property(closing(o)), "{}.fget.<closure>.cv", holder=None)
    hold("property_delete", lambda o: property(None, None, o), "{}.fdel")
    hold("property_of_class", lambda o: type("WithProperty", (), {"p": property(None, closing(o))}), "{}.p.fset.<closure>.cv", holder=None)
    hold("descriptor", lambda o: type("WithDescriptor", (), {"d": main.Plain(o)}), "{}.d.attr", holder=None)
    hold("cached_property", lambda o: functools.cached_property(closing(o)), "{}.func.<closure>.cv", holder=None)
    hold("partialmethod", lambda o: functools.partialmethod(print, o), "{}.args[0]", holder=None)
    hold("singledispatch", singledispatched(closing), r"re:{}\.registry\.<mapping>\[<class int>\]\.<closure>\.cv", holder=None)
    hold("wrapped", lambda o: functools.wraps(closing(o))(main.closing(1)), "{}.__wrapped__.<closure>.cv", holder=None)
    hold("class_of_method", lambda o: main.change(main.Method, kept=o).__dict__["method"], "__main__.Method.kept", holder=None)
    hold("super", lambda o: super(main.Touched, main.Touched(o)), "{}.__self__.attr", holder=None)
    hold("base_class", lambda o: type("Derived", (type("Base", (), {"kept": o}),), {}), "{}.__base__.kept", "{}.__bases__[0].kept", "{}.__mro__[1].kept",
         holder=None)
    hold("annotation_of_class", lambda o: type("Annotated", (), {"__annotations__": {"x": o}}), "{}.__annotations__['x']", holder=None)
    hold("generic_alias", lambda o: main.change(type("G", (), {}), kept=o) if NEW < (3, 9) else list[main.change(type("G", (), {}), kept=o)],
         r"re:{}(\.__args__\[0\]|\.__parameters__\[0\])?\.kept", holder=None)


def singledispatched(closing):
    def make(o):
        @functools.singledispatch
        def function(argument):
            pass
        function.register(int, closing(o))
        return function
    return make


def container_cases(main):
    hold = main.hold
    hold("dict_two_keys", lambda o: {"first": o, "second": o}, "{}['first']", kind="key", times=2)
    hold("two_attributes", lambda o: main.change(main.Plain(o), other=o), "{}.attr", "{}.other", kind="attribute", times=2)
    hold("frozenset_key", lambda o: {frozenset([1]): o}, r"re:{}\[<frozenset 0x[0-9a-f]+>\]", kind="key")
    hold("weak_key_dictionary", lambda o: weak_keyed(main, o), r"re:{}\.data\[<weakref(\.ReferenceType)? 0x[0-9a-f]+>\]", holder=None)
    hold("WeakValueDictionary_attribute", lambda o: main.change(weakref.WeakValueDictionary(), extra=o), "{}.extra", kind="attribute")
    hold("UserList", lambda o: collections.UserList([o]), "{}.data[0]", holder=None)
    hold("Counter", lambda o: collections.Counter({o: 3}), "{}.keys()[0]", kind="key_object")
    hold("deque_subclass", lambda o: type("Deque", (collections.deque,), {})([o]), "{}[0]", kind="index")
    hold("set_subclass", lambda o: type("Set", (set,), {})([o]), "{}{*}", kind="member")
    hold("OrderedDict_attribute", lambda o: main.change(collections.OrderedDict(), extra=o), "{}.extra", kind="attribute")
    hold("priority_queue", lambda o: main.put(queue.PriorityQueue(), (1, o)), "{}.queue[0][1]", holder=None)
    hold("bytearray_attribute", lambda o: main.change(type("B", (bytearray,), {})(), extra=o), "{}.extra", kind="attribute")
    hold("structure_sequence", lambda o: sys.float_info.__class__((o,) + tuple(range(10))), "{}[0]", "{}.max", kind="index")
    hold("mapping_of_class", lambda o: type("Mapped", (), {"kept": o}).__dict__, "{}.<mapping>['kept']", holder=None)
    item = main.unique("weak_key_itself")
    main.H_weak_key = weakref.WeakKeyDictionary({item: 1})
    main.H_weak_set = weakref.WeakSet([item])
    main.H_weak_key_list = [item]
    main.expect("weak_key_itself", item, "__main__.H_weak_key_list[0]", weak=True, holder=id(main.H_weak_key_list), kind="index")


KEYS = []


def weak_keyed(main, o):
    KEYS.append(main.Plain(None))
    return weakref.WeakKeyDictionary({KEYS[-1]: o})


def interpreter_cases(main):
    closing, expect, unique = main.closing, main.expect, main.unique
    handler = closing(unique("signal_handler"))
    signal.signal(signal.SIGURG, handler)
    cell_case(main, "signal_handler", handler, "<held from C \u00d71>.<closure>.cv", root_kinds=["c_reference"])
    del handler
    entry = unique("in_sys_modules")
    sys.modules["an.odd.entry"] = entry
    expect("in_sys_modules", entry, "an.odd.entry", holder=None)
    finder = main.Plain(unique("meta_path"))
    sys.meta_path.append(finder)
    expect("meta_path", finder.attr, "sys.meta_path[%d].attr" % (len(sys.meta_path) - 1), holder=id(finder), kind="attribute")
    del finder
    main.importer = main.Plain(unique("importer_cache"))
    sys.path_importer_cache["/nowhere"] = main.__dict__.pop("importer")
    expect("importer_cache", sys.path_importer_cache["/nowhere"].attr, "sys.path_importer_cache['/nowhere'].attr", kind="attribute")
    codecs.register_error("heldby", closing(unique("codec_error")))
    cell_case(main, "codec_error", codecs.lookup_error("heldby"), "<interpreter>.codec error handlers['heldby'].<closure>.cv", root_kinds=["interpreter"])
    linecache.cache["nowhere.py"] = (1, None, [unique("linecache")], "nowhere.py")
    expect("linecache", linecache.cache["nowhere.py"][2][0], "linecache.cache['nowhere.py'][2][0]", kind="index")
    sys.displayhook = closing(unique("displayhook"))
    cell_case(main, "displayhook", sys.displayhook, "sys.displayhook.<closure>.cv")
    registered = closing(unique("atexit_function"))
    atexit.register(registered)
    cell_case(main, "atexit_function", registered, "<held from C \u00d71>.<closure>.cv" if NEW >= (3, 10) else r"re:atexit\.<field #\d+>\.<closure>\.cv",
              root_kinds=["c_reference"] if NEW >= (3, 10) else ["module"])
    del registered
    import gc
    gc.callbacks.append(closing(unique("gc_callback")))
    cell_case(main, "gc_callback", gc.callbacks[-1], "<interpreter>.gc.callbacks[0].<closure>.cv", "gc.callbacks[0].<closure>.cv",
              root_kinds=["interpreter", "module"])
    gc.garbage.append(unique("gc_garbage"))
    expect("gc_garbage", gc.garbage[-1], "<interpreter>.gc.garbage[0]", "gc.garbage[0]", root_kinds=["interpreter", "module"])
    threading.excepthook = closing(unique("thread_excepthook"))
    cell_case(main, "thread_excepthook", threading.excepthook, "threading.excepthook.<closure>.cv")


def cell_case(main, label, function, *spellings, **facts):
    """The object in the first cell of a function."""
    main.expect(label, function.__closure__[0].cell_contents, *spellings, holder=None, **facts)


def asyncio_cases(main):
    closing, expect, unique = main.closing, main.expect, main.unique
    loop = asyncio.new_event_loop()
    main.H_future = loop.create_future()
    main.H_future.add_done_callback(closing(unique("future_callback")))
    cell_case(main, "future_callback", callback_of(main.H_future), "__main__.H_future.<callback>.<closure>.cv")
    main.H_result = loop.create_future()
    main.H_result.set_result(unique("future_result"))
    expect("future_result", main.H_result.result(), "__main__.H_result._result", holder=id(main.H_result))

    async def body():
        await loop.create_future()

    main.H_pending = loop.create_task(body())
    main.H_pending.add_done_callback(closing(unique("task_callback")))
    cell_case(main, "task_callback", callback_of(main.H_pending), "__main__.H_pending.<callback>.<closure>.cv")
    main.H_callbacks = loop
    loop.call_later(1000, print, unique("call_later"))
    expect("call_later", loop._scheduled[0]._args[0], "__main__.H_callbacks._scheduled[0]._args[0]")
    loop.call_soon(print, unique("call_soon"))
    expect("call_soon", loop._ready[-1]._args[0], "__main__.H_callbacks._ready[%d]._args[0]" % (len(loop._ready) - 1))
    waiter = asyncio.Queue() if NEW >= (3, 10) else asyncio.Queue(loop=loop)
    waiter.put_nowait(unique("async_queue"))
    main.H_async_queue = waiter
    expect("async_queue", waiter._queue[0], "__main__.H_async_queue._queue[0]")


def callback_of(future):
    first = future._callbacks[0]
    return first[0] if isinstance(first, tuple) else first


def context_cases(main):
    variable = contextvars.ContextVar("named_variable")
    context = contextvars.Context()
    context.run(variable.set, main.unique("context_variable"))
    main.H_context_variable, main.H_variable = context, variable
    main.expect("context_variable", context[variable], "__main__.H_context_variable.<vars>.<root>[<ContextVar named_variable>]", holder=None)
    main.hold("token", lambda o: replaced(o), "{}.old_value")
    main.hold("module_of_import", lambda o: main.change(types.ModuleType("imported"), inner=main.change(types.ModuleType("inner"), kept=o)),
              "{}.inner.kept", holder=None)


def replaced(o):
    """A token that remembers the value before, in a context that is gone."""
    variable = contextvars.ContextVar("replaced")

    def in_context():
        variable.set(o)
        return variable.set(None)
    token = contextvars.Context().run(in_context)
    return token


def numpy_cases(main):
    try:
        import numpy
    except ImportError:
        return
    def array(o, shape, at):
        made = numpy.empty(shape, dtype=object)
        made[at] = o
        return made
    main.hold("numpy_object_array", lambda o: array(o, 3, 1), "{}[1]", kind="index")
    main.hold("numpy_two_dimensions", lambda o: array(o, (2, 3), (1, 2)), "{}[5]", "{}[1][2]", "{}[1, 2]", kind="index")
    main.hold("numpy_view", lambda o: array(o, 3, 1)[1:], "{}.base[1]", holder=None)
    main.hold("numpy_base", lambda o: numpy.frombuffer(main.change(type("Buffer", (bytearray,), {})(8), kept=o)), r"re:{}\.base(\..*)?\.kept", holder=None)


def extension_cases(main, directory):
    sys.path.insert(0, directory)
    try:
        import refleak
    except ImportError:
        return
    finally:
        sys.path.remove(directory)
    main.hold("extension_member", refleak.Named, "{}.held", kind="field", name="held")
    main.hold("extension_field", refleak.Nameless, "{}.<field +0x18>", kind="field")
    main.hold("extension_hidden", refleak.Hidden, "{}.<field +0x18>", kind="field")
    refleak.keep(main.unique("extension_static"))
    main.expect("extension_static", refleak.kept(), "<held from C \u00d71>", root_kinds=["c_reference"], holder=None)
    in_list = [main.unique("extension_leak")]
    refleak.leak(in_list, 5)
    main.expect("extension_leak", in_list[0], "<held from C \u00d75>[0]", root_kinds=["c_reference"], holder=id(in_list), kind="index")
    main.H_box = refleak.Box(main.unique("extension_box"))
    main.expect("extension_box", refleak.unboxed(main.H_box), "<held from C \u00d71>", root_kinds=["c_reference"], holder=None)


def cases(main, directory):
    iterator_cases(main)
    descriptor_cases(main)
    container_cases(main)
    asyncio_cases(main)
    context_cases(main)
    numpy_cases(main)
    extension_cases(main, directory)
