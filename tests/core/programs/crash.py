"""A Python program with a truth: sessions in a cache of a module, one leaked through a closure, a frame in flight; then it dies or waits."""
import os
import sys
import threading


class Session:
    def __init__(self, user):
        self.user = user
        self.basket = [user + "-%d" % i for i in range(3)]


class Slotted:
    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right


_CACHE = {}
HELD = []


def fill(count):
    for i in range(count):
        _CACHE["k%d" % i] = [Session("user%d" % i), Slotted(i, float(i))]


def holder():
    inner = Session("enclosed")
    return lambda: inner


CALLBACK = holder()


def worker(ready, stop):
    in_thread = Session("of the thread")
    ready.set()
    stop.wait()
    return in_thread


def handle(request):
    session = Session("in flight")
    print("session 0x%x" % id(session))
    print("cached 0x%x" % id(_CACHE["k7"][0]))
    print("enclosed 0x%x" % id(CALLBACK()))
    print("ready", flush=True)
    if "wait" in sys.argv:
        while True:
            line = sys.stdin.readline()
            if not line:
                os._exit(0)
            for i in range(int(line)):
                HELD.append(Session("late%d" % i))
            print("done", len(HELD), flush=True)
    os.abort()
    return request, session


def main():
    fill(int(sys.argv[1]))
    ready, stop = threading.Event(), threading.Event()
    threading.Thread(target=worker, args=(ready, stop), daemon=True, name="server").start()
    ready.wait()
    handle("GET /")


main()
