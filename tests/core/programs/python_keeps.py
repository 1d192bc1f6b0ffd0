"""Objects that keep native memory, and nothing is lost; then, with an argument, as many nodes of C as it says: each holds a Lost."""
import ctypes
import decimal
import gc
import hashlib
import sys
import threading

try:
    import keeps
except ImportError:
    keeps = None
try:
    import sqlite3
except ImportError:
    sqlite3 = None
try:
    import numpy
except ImportError:
    numpy = None


class Lost:
    def __init__(self, number):
        self.number = number


class Shape(ctypes.Structure):
    _fields_ = [("a", ctypes.c_int), ("b", ctypes.c_char_p), ("c", ctypes.POINTER(ctypes.c_double) * 3)]


def kept():
    if not keeps:
        return []

    class Plain(keeps.Holder):
        def __init__(self):
            self.x = 1

    class Slotted(keeps.Holder):
        __slots__ = ("y",)

    class Tracked(keeps.Tracked):
        pass

    class Table(keeps.Table):
        pass

    class Made(metaclass=keeps.Class):
        pass
    return [keeps.Holder(), keeps.Tracked(), keeps.Table(a=1), Plain(), Slotted(), Tracked(), Table(b=2), Made, Made()]


def deep(n):
    return [deep(n - 1)] if n else {}


def work():
    text = [deep(50) for _ in range(5)]
    return sorted((str(x) for x in text), key=len)


def lose(number):
    keeps.lose([Lost(number)] if number % 2 else {"lost": Lost(number)})


things = kept(), [threading.Lock() for _ in range(20)], Shape(), decimal.Decimal(3) / 7, hashlib.sha256(b"x"), ctypes.CFUNCTYPE(ctypes.c_int)(int)
if sqlite3:
    connection = sqlite3.connect(":memory:")
    cursor = connection.execute("create table t (a, b)")
    cursor.executemany("insert into t values (?, ?)", [(i, str(i)) for i in range(1000)])
    rows = connection.execute("select * from t")
    next(rows)
if numpy:
    arrays = numpy.arange(1000), numpy.zeros((3, 4))[1:], numpy.array(["a", "bc"])
work()
for number in range(int(sys.argv[1])):
    lose(number)
number = None
gc.collect()
print("ready" if keeps else "bare", flush=True)
sys.stdin.readline()
