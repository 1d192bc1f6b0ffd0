"""Two million Python objects of mixed kinds, for tests/bench/core.py; then a core."""
import os
import sys


class Plain:
    def __init__(self, i):
        self.number = i
        self.name = "plain%d" % i


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right


def unit(i):
    plain = Plain(i + 1000)
    return [plain, Slotted(plain, float(i)), {"key": "value%d" % i, "tuple": (i + 100000, str(i))}, [i * 1.5, "s%d" % i]]


KEPT = [unit(i) for i in range(int(sys.argv[1]) // 14)]
print("objects", int(sys.argv[1]), flush=True)
os.abort()
