"""Three nodes in a ring; one class has a finalizer. Nothing else holds them, and the collector is off."""
import gc

import heldby

import example


class Node:
    def __init__(self):
        self.next = None


class Closing(Node):
    def __del__(self):
        pass


def ring():
    first, second, third = Node(), Node(), Closing()
    first.next, second.next, third.next = second, third, first
    return id(first)


gc.disable()
gc.collect()
example.tell("first", ring())
heldby.snapshot()
