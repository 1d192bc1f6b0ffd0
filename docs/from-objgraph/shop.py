"""The program that docs/from-objgraph.md asks about: a shop with a few habits that keep objects alive."""
import gc
import threading


class Session:
    def __init__(self, user):
        self.user = user
        self.cart = None


class Cart:
    def __init__(self, items):
        self.items = items


class Listener:
    def __init__(self, subject):
        self.subject = subject


class Ring:
    def __init__(self):
        self.next = None

    def __del__(self):
        pass


class Parcel:
    pass


_CACHE = {"k7": [Session("user-%d@example.org" % n) for n in range(50)]}
lost = Cart(["pen", "ink"])
_CACHE["k7"][20].cart = lost
hub = Cart([])
_FAN = {"listeners": [Listener(hub) for n in range(200)]}
settings = {"note": "-".join(["leave", "it", "at", "the", "gate"]), "count": 3}  # nothing in it is tracked by the collector


def work(count):
    """Every call leaves sessions in the cache."""
    _CACHE["k7"] += [Session("user-%d@example.org" % (1000 + n)) for n in range(count)]


def ring():
    """Leaves a reference cycle behind."""
    first, second = Ring(), Ring()
    first.next, second.next = second, first
    return id(first)


started, over = threading.Event(), threading.Event()


def deliver():
    parcel = Parcel()
    started.set()
    over.wait()
    return parcel


gc.disable()
worker = threading.Thread(target=deliver, name="worker", daemon=True)
worker.start()
started.wait()
