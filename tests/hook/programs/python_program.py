"""Asks heldby about objects from everywhere a program can ask from, and writes down the answers and who should be in them.

Each case has one object of a class of its own. `holders` are the objects that may hold it (and must, but for those marked as
possible); `roots` the beginnings of what its roots are called."""
import asyncio
import functools
import gc
import json
import os
import sys
import threading

import heldby
import heldby as another_name
from heldby import referrers as alias

folder = sys.argv[1]
cases = []
kept = []  # answers, which must not hold anything
OLD = sys.version_info < (3, 11)  # the caller's stack keeps the arguments of a Python function while it runs


class Thing:
    pass


def case(label, answer, thing, holders=(), roots=(), possible=(), possible_roots=(), the_list=False, **more):
    kept.append(answer)
    things = thing if isinstance(thing, list) and not the_list else [thing]
    cases.append(dict(label=label, text=str(answer), same=repr(answer) == str(answer), data=answer.data,
                      targets=[id(t) for t in things], holders=[id(h) for h in holders], roots=list(roots),
                      possible=[id(h) for h in possible], possible_roots=list(possible_roots), **more))
    del things


ME = sys.modules["__main__"]

# ---- from module level
at_module = Thing()
case("module level", heldby.referrers(at_module), at_module, [ME], ["module __main__"])
case("module level, again", heldby.referrers(at_module), at_module, [ME], ["module __main__"])
case("module level, another name of the module", another_name.referrers(at_module), at_module, [ME], ["module __main__"])
case("module level, the function alone", alias(at_module), at_module, [ME], ["module __main__"])
case("module level, by keyword", heldby.referrers(target=at_module), at_module, [ME], ["module __main__"])
case("module level, options", heldby.referrers(at_module, depth=2, limit=0, group=False), at_module, [ME], ["module __main__"])
case("module level, list", heldby.referrers([at_module]), at_module, [ME], ["module __main__"])
case("module level, list and options", heldby.referrers([at_module], depth=3), at_module, [ME], ["module __main__"])
targets = [at_module]
case("a list with a name", heldby.referrers(targets), at_module, [ME], ["module __main__"])
del targets
case("several lists", heldby.referrers([at_module], [at_module]), at_module, [ME], ["module __main__"])
case("unpacked literal", heldby.referrers(*[at_module]), at_module, [ME], ["module __main__"])
case("unpacked literal tuple", heldby.referrers(*(at_module,)), at_module, [ME], ["module __main__"])
case("unpacked keywords", heldby.referrers(**{"target": at_module}), at_module, [ME], ["module __main__"])
own_tuple = (at_module, 1)[:1]
case("unpacked, a tuple of the program", heldby.referrers(*own_tuple), at_module, [ME, own_tuple], ["module __main__"])
del own_tuple
own_keywords = dict(target=at_module)
case("unpacked, a dict of the program", heldby.referrers(**own_keywords), at_module, [ME, own_keywords], ["module __main__"])
del own_keywords
print_nothing = (lambda *values: values)
case("within another call", print_nothing(1, heldby.referrers(at_module), 2)[1], at_module, [ME], ["module __main__"])
case("within another call that has it too", print_nothing(at_module, heldby.referrers(at_module))[1], at_module, [ME], ["module __main__"],
     possible_roots=["running function __main__.<module>"])
case("asked for within a question", heldby.referrers(at_module, at_module, exclude=heldby.path(at_module).data["file"] and None), at_module, [ME],
     ["module __main__"])

exec("case('exec', heldby.referrers(at_module), at_module, [ME], ['module __main__'])", ME.__dict__)
names = {"heldby": heldby, "thing": Thing(), "case": case}
exec("case('exec in a dict', heldby.referrers(thing), thing, [names], ['x'])".replace("names", "globals()").replace("['x']", "[]"), names)
del names
case("eval", eval("heldby.referrers(at_module)"), at_module, [ME], ["module __main__"])
listed = [Thing()]
case("map", list(map(heldby.referrers, listed))[0], listed[0], [listed])
case("comprehension", [heldby.referrers(each) for each in listed][0], listed[0], [listed],
     possible_roots=["running function __main__.<listcomp>", "running function __main__.<module>"], possible=[ME])
in_partial = Thing()
partial = functools.partial(heldby.referrers, in_partial, depth=1)
case("partial", partial(), in_partial, [ME, partial.args], ["module __main__"])
del partial


class Body:
    inside = Thing()
    said = heldby.referrers(inside)


case("class body", Body.said, Body.inside, [], possible=[Body], more_holders=True)


keeper = {"thing": at_module}
for exclude in (keeper, [keeper], id(keeper), hex(id(keeper))):
    case("excluded", heldby.referrers(at_module, exclude=exclude), at_module, [ME], ["module __main__"], possible=[])
case("excluded by its type", heldby.referrers(at_module, exclude=[dict, "*.Thin?"]), at_module, [ME], ["module __main__"])
case("path from an expression", heldby.path(at_module, start="__main__.keeper"), at_module, question="path", expression="__main__.keeper['thing']")
case("path that avoids", heldby.path(at_module, avoid=[type(ME), dict]), at_module, question="path", found=False)
del keeper
assert heldby.referrers(at_module, exclude="*.NoSuchType").data is None
failed = []
for options in (dict(type="Thing"), dict(json=True), dict(depth="deep")):
    try:
        heldby.referrers(at_module, **options)
    except (TypeError, ValueError) as error:
        failed.append(error)
assert len(failed) == 3
case("after questions that failed", heldby.referrers(at_module), at_module, [ME], ["module __main__"])
del failed

# ---- lists that are themselves the object
class Shelf:
    pass


shelf = Shelf()
shelf.books = [Thing(), Thing()]  # its objects live by it
case("a list of an attribute", heldby.referrers(shelf.books), shelf.books, [shelf], the_list=True)
numbers = [1, 2, 3]
case("a list of numbers", heldby.referrers(numbers), numbers, [ME], ["module __main__"], the_list=True)
several = [at_module]
shelf.several = several
case("a list held twice", heldby.referrers(several), several, [ME, shelf], ["module __main__"], the_list=True)
case("a list in a list", heldby.referrers([several]), several, [ME, shelf], ["module __main__"], the_list=True)
del shelf.several, several
collected = [at_module, shelf]
case("a list that collects", heldby.referrers(collected), [at_module, shelf], [ME], ["module __main__"])
case("the path of a list with a name", heldby.path(collected), collected, the_list=True, question="path", expression="__main__.collected")
del collected, numbers


# ---- from functions
def from_function():
    local = Thing()
    case("function", heldby.referrers(local), local, [], ["running function __main__.from_function"])
    case("function, list of two", heldby.referrers([local, at_module]), [local, at_module], [ME],
         ["running function __main__.from_function", "module __main__"])
    case("function, path", heldby.path(local), local, question="path", expression="__main__.from_function.<locals>.local")
    holder = {"key": local}
    case("function and dict", heldby.referrers(local, depth=2), local, [holder], ["running function __main__.from_function"])
    case("nothing but the question", heldby.referrers(holder.pop("key") and Thing(), depth=2), id, nothing=True)


def inner(thing):
    return heldby.referrers(thing)


def outer():
    thing = Thing()
    answer = inner(thing)
    case("function in a function", answer, thing, [], ["running function __main__.inner", "running function __main__.outer"],
         possible_roots=["running function __main__.outer"] if OLD else [])


class Asker:
    def __init__(self):
        self.thing = Thing()

    def ask(self):
        return heldby.referrers(self.thing)

    @property
    def asked(self):
        return heldby.referrers(self.thing)

    @classmethod
    def ask_for(cls, thing):
        return heldby.referrers(thing)


def generator(thing):
    yield heldby.referrers(thing)


async def coroutine(thing):
    await asyncio.sleep(0)
    return heldby.referrers(thing)


def with_exception():
    local = Thing()
    try:
        raise ValueError
    except ValueError:
        case("except block", heldby.referrers(local), local, [], ["running function __main__.with_exception"], more_holders=True)


def deep(thing, n):
    return deep(thing, n - 1) if n else heldby.referrers(thing, limit=0)


from_function()
outer()
asker = Asker()
case("method", asker.ask(), asker.thing, [asker])
case("property", asker.asked, asker.thing, [asker])
on_class = Thing()
case("class method", Asker.ask_for(on_class), on_class, [ME], ["running function __main__.Asker.ask_for", "module __main__"],
     possible_roots=["running function __main__.<module>"] if OLD else [])
on_generator = Thing()
case("generator", next(generator(on_generator)), on_generator, [ME], ["module __main__"], possible_roots=["running function __main__.generator"], more_holders=True)
on_coroutine = Thing()
case("coroutine", asyncio.run(coroutine(on_coroutine)), on_coroutine, [ME], ["module __main__"], possible_roots=["running function __main__.coroutine"],
     more_holders=True)
with_exception()

# ---- from other threads, also at once
found = {}


def from_thread(number, barrier):
    local = Thing()
    if barrier:
        barrier.wait()
    answer = heldby.referrers(local)
    found[number] = (answer, id(local))
    kept.append(local)


def threads(count):
    barrier = threading.Barrier(count) if count > 1 else None
    runners = [threading.Thread(target=from_thread, args=(number, barrier), name="asker %d" % number) for number in range(count)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()


for count in (1, 4):
    threads(count)
    for number in range(count):
        answer, address = found[number]
        cases.append(dict(label="thread %d of %d" % (number, count), text=str(answer), same=True, data=answer.data, targets=[address], holders=[],
                          roots=["running function __main__.from_thread, thread asker %d" % number], possible=[], possible_roots=[]))
    found.clear()
    kept[:] = [thing for thing in kept if not isinstance(thing, Thing)]

# ---- refcounts: as many as without the question
counted = Thing()
also = [counted, counted]
wanted = sys.getrefcount(counted) - 1
counts = {}
counts["plain"] = heldby.show(counted).data
counts["list"] = heldby.show([counted]).data
counts["unpacked"] = heldby.show(*[counted]).data
counts["keyword"] = heldby.show(target=counted).data
counts["ask"] = heldby.ask("show", counted).data
counts["unpacked keywords"] = heldby.show(**{"target": counted}).data
own = (counted,)
counts["own tuple"] = heldby.show(*own).data
own_refs = sys.getrefcount(own) - 1
counts["the tuple"] = heldby.show(own).data
shown = {label: data["refcount"] for label, data in counts.items()}

with open(os.path.join(folder, "python.json"), "w") as out:
    json.dump(dict(cases=cases, refcounts=shown, wanted=wanted, own_refs=own_refs), out)
