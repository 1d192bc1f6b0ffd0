"""Many objects of a known kind, a value that only C code holds, and a stop: for cores that are cut."""
import ctypes
import sys


class Node:
    def __init__(self, i):
        self.name = "node %d" % i
        self.pair = (i, "pair %d" % i)
        self.table = {"key %d" % i: i}


class Lost:
    pass


def lose():
    lost = Lost()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(lost))
    print("lost 0x%x" % id(lost), flush=True)


def deep(n):
    here = None if n else lose()
    return here if n == 0 else deep(n - 1)


NODES = [Node(i) for i in range(20000)]
deep(60)  # what its frames held lies above the top of the data stack afterwards
print("ready", flush=True)
sys.stdin.read()
