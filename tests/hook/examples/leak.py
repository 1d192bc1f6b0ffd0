"""A cache that keeps every computation: what objgraph's tutorial looks for with show_growth and find_backref_chain."""
import heldby

import example


class BigObject:
    __slots__ = ("answer",)


_cache = []


def compute(a, b):
    result = BigObject()
    result.answer = a + b
    _cache.append(result)
    return result


def work(n):
    return [compute(n, k).answer for k in range(n)]


heldby.snapshot()
work(5)
heldby.snapshot()
work(8)
example.tell("first", id(_cache[0]))
heldby.snapshot()
