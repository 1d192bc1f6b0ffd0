"""Asks objgraph and gc, takes snapshots between the questions, and writes down what they said.

usage: seeds_program.py FOLDER OBJGRAPH.PY        The collector is off throughout, so that nothing changes but what is changed here."""
import collections
import functools
import gc
import importlib.util
import json
import os
import random
import sys
import time
import weakref

import heldby

# much of the standard library, so that there is much of everything
import argparse, asyncio, concurrent.futures, ctypes, dataclasses, decimal, difflib, email.message, html.parser, http.client, logging.config  # noqa
import multiprocessing.pool, pickle, sqlite3, ssl, tarfile, textwrap, typing, unittest.mock, urllib.request, xml.etree.ElementTree, zipfile  # noqa

folder, source = sys.argv[1:3]
spec = importlib.util.spec_from_file_location("objgraph", source)
objgraph = importlib.util.module_from_spec(spec)
sys.modules["objgraph"] = objgraph
spec.loader.exec_module(objgraph)

chance = random.Random(20)


# ---- a heap of many kinds of holders
class Node:
    def __init__(self, number):
        self.number = number
        self.links = []


class Slotted:
    __slots__ = ("left", "right", "__weakref__")

    def __init__(self, left, right):
        self.left, self.right = left, right


class Outer:
    class Node:  # the same short name twice
        pass


class Listener(dict):
    pass


@functools.lru_cache(maxsize=None)
def cached(number):
    return Node(number)


def closure(value):
    def inner():
        return value
    return inner


def generate(value):
    yield value
    yield value


def with_default(value=Node(-1), *, other=Node(-2)):
    return value, other


def build(count):
    nodes = [Node(number) for number in range(count)]
    for node in nodes:
        node.links = [chance.choice(nodes) for _ in range(chance.randrange(4))]
        kind = node.number % 9
        if kind == 0:
            node.extra = Slotted(chance.choice(nodes), Outer.Node())
        elif kind == 1:
            node.extra = {"key": chance.choice(nodes), ("a", 1): Outer.Node(), chance.choice(nodes): None}
        elif kind == 2:
            node.extra = (chance.choice(nodes), frozenset([chance.choice(nodes)]), {chance.choice(nodes)})
        elif kind == 3:
            node.extra = closure(chance.choice(nodes))
        elif kind == 4:
            node.extra = generate(chance.choice(nodes))
            next(node.extra)
        elif kind == 5:
            node.extra = functools.partial(with_default, chance.choice(nodes), other=chance.choice(nodes))
        elif kind == 6:
            node.extra = collections.deque([chance.choice(nodes), Listener(a=chance.choice(nodes))])
        elif kind == 7:
            node.extra = [weakref.ref(chance.choice(nodes)), chance.choice(nodes).__init__, cached(node.number)]
        else:
            node.extra = collections.OrderedDict(a=chance.choice(nodes), b=iter([chance.choice(nodes)]))
    return nodes


class Untouched:
    """What growth must find, and in which numbers."""


nodes = build(900)
kept = []
gc.collect()
gc.disable()

told = {}

# ---- type counts
heldby_names = {}
for tracked in gc.get_objects():
    kind = type(tracked)
    module, name = kind.__module__, kind.__qualname__
    heldby_names[name if module == "builtins" else "%s.%s" % (module, name)] = "%s.%s" % (module, kind.__name__)
del tracked, kind, module, name
told["names"] = heldby_names
# the module heldby, what import made for it and its functions are no part of a snapshot
own = [heldby, heldby.__spec__, heldby.__loader__, heldby.__dict__] + [value for value in vars(heldby).values() if type(value) is type(len)]
own += [each for part in (heldby.__spec__, heldby.__loader__) for each in gc.get_referents(part) if type(each) in (dict, list)]
told["own"] = collections.Counter("%s.%s" % (type(each).__module__, type(each).__name__) for each in own if gc.is_tracked(each))
del own
told["frozen"] = gc.get_freeze_count()  # 3.12 starts with tuples of its builtin types frozen, which gc.get_objects() does not show
objgraph.typestats(shortnames=False)
told["types"] = [objgraph.typestats(shortnames=False)]
heldby.snapshot()  # 1
told["types"].append(objgraph.typestats(shortnames=False))

# ---- referrers
def describe(holder):
    return [id(holder), type(holder).__name__]


def referrers_of(addresses, ignored):
    """{address: [[address of a referrer, its type], ...]}, without what belongs to the measurement."""
    found = {}
    for each in gc.get_objects():
        if id(each) in addresses:
            chosen.append(each)
    answer = {}
    for each in chosen:
        ours = {id(chosen), id(found), id(answer), id(sys._getframe()), id(sys._getframe(1))} | ignored
        answer[id(each)] = [describe(holder) for holder in gc.get_referrers(each) if id(holder) not in ours]
    del each
    return answer


chosen = []
everything = gc.get_objects()
addresses = {id(each) for each in chance.sample(everything, 350) + chance.sample(nodes, 150)}
del everything
first = referrers_of(addresses, set())
chosen.clear()
heldby.snapshot()  # 2
second = referrers_of(addresses, set())
told["chosen_list"] = id(chosen)
told["left_out"] = [id(heldby), id(vars(heldby))] + [id(value) for value in vars(heldby).values()]
told["referrers"] = [first, second]
told["instances"] = {str(id(each)): isinstance(each, type) for each in chosen}
chosen.clear()

# ---- chains
def find_chains():
    found, over = [], time.monotonic() + 25
    for each in chance.sample(nodes, 60) + [node.extra for node in chance.sample(nodes, 60)]:
        chain = objgraph.find_backref_chain(each, objgraph.is_proper_module, extra_ignore=[id(found)])
        found.append([id(each), [describe(link) for link in chain], bool(objgraph.is_proper_module(chain[0]))])
        if time.monotonic() > over:
            break
    return found


heldby.snapshot()  # 3
told["chains"] = find_chains()

# ---- growth
objgraph.growth(limit=None)
objgraph.growth(limit=None)
heldby.snapshot()  # 4
kept.append([Untouched() for _ in range(70)])
kept.append([Outer.Node() for _ in range(30)])
kept.append([(each,) for each in kept[0]])
kept.append({number: [each] for number, each in enumerate(kept[1])})

heldby.snapshot()  # 5
told["growth"] = objgraph.growth(limit=None)
kept.clear()
heldby.snapshot()  # 6
told["shrunk"] = objgraph.growth(limit=None)
kept.append([Untouched() for _ in range(75)])
heldby.snapshot()  # 7
told["regrown"] = objgraph.growth(limit=None)

with open(os.path.join(folder, "seeds.json"), "w") as out:
    json.dump(told, out)
