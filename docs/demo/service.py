"""A small shop over HTTP, with one leak. The service of `./dev demo`; it knows nothing of heldby.

    GET  /catalogue?page=N                the goods, through a bounded cache
    POST /login?user=U[&remember=1]       a session token
    POST /basket?token=T&item=N           puts an item into the basket
    POST /checkout?token=T                sends a receipt, empties the basket
    POST /logout?token=T                  ends the session
    GET  /statistics                      what the other threads have done

The leak: a session opened with "remember me" is kept, basket and all, after its logout, and nothing ever evicts it.
"""
import argparse
import asyncio
import collections
import functools
import json
import os
import queue
import random
import signal
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


class Item:
    __slots__ = ("number", "title", "price")

    def __init__(self, number):
        self.number = number
        self.title = "item %d" % number
        self.price = 100 + number * 7 % 900


class Session:
    def __init__(self, user, remember):
        self.user = user
        self.remember = remember
        self.token = "%s-%016x" % (user, random.getrandbits(64))
        self.opened = time.time()
        self.basket = []


class SessionStore:
    def __init__(self):
        self.lock = threading.Lock()
        self.active = {}
        self.remembered = {}

    def open(self, user, remember):
        session = Session(user, remember)
        with self.lock:
            self.active[session.token] = session
        return session

    def get(self, token):
        with self.lock:
            return self.active.get(token) or self.remembered.get(token)

    def close(self, token):
        with self.lock:
            session = self.active.pop(token, None)
            if session is not None and session.remember:
                self.remembered[token] = session  # the leak: a token never comes back, and nothing looks here


class PriceFeed:
    """Prices that change in the background: an event loop in a thread of its own."""

    def __init__(self):
        self.prices = {}
        self.changes = 0
        self.thread = threading.Thread(target=lambda: asyncio.run(self.run()), name="price-feed", daemon=True)

    async def produce(self, changes):
        while True:
            await changes.put((random.randrange(500), random.randrange(100, 1000)))
            await asyncio.sleep(0.005)

    async def apply(self, changes):
        while True:
            number, price = await changes.get()
            self.prices[number] = price
            self.changes += 1

    async def run(self):
        changes = asyncio.Queue(maxsize=16)
        await asyncio.gather(self.produce(changes), self.apply(changes))


class Mailer:
    """Receipts, sent by a worker thread; the last hundred are kept for the support desk."""

    def __init__(self):
        self.inbox = queue.Queue()
        self.sent = collections.deque(maxlen=100)
        self.total = 0
        self.thread = threading.Thread(target=self.run, name="mailer", daemon=True)

    def run(self):
        while True:
            receipt = self.inbox.get()
            self.sent.append(receipt)
            self.total += 1


_SESSIONS = SessionStore()
_FEED = PriceFeed()
_MAILER = Mailer()


@functools.lru_cache(maxsize=50)
def catalogue_page(page):
    return [Item(page * 20 + n) for n in range(20)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if url.path == "/catalogue":
            page = int(query.get("page", "0"))
            self.answer(200, [[i.number, i.title, _FEED.prices.get(i.number, i.price)] for i in catalogue_page(page)])
        elif url.path == "/statistics":
            self.answer(200, {"receipts": _MAILER.total, "price_changes": _FEED.changes})
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self):
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        if url.path == "/login":
            session = _SESSIONS.open(query["user"], "remember" in query)
            self.answer(200, {"token": session.token})
            return
        session = _SESSIONS.get(query.get("token", ""))
        if session is None:
            self.answer(403, {"error": "no such session"})
        elif url.path == "/basket":
            session.basket.append(Item(int(query["item"])))
            self.answer(200, {"items": len(session.basket)})
        elif url.path == "/checkout":
            total = sum(_FEED.prices.get(i.number, i.price) for i in session.basket)
            _MAILER.inbox.put({"user": session.user, "total": total, "items": [i.title for i in session.basket]})
            session.basket.clear()
            self.answer(200, {"total": total})
        elif url.path == "/logout":
            _SESSIONS.close(session.token)
            self.answer(200, {})
        else:
            self.answer(404, {"error": "no such page"})


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def stop(*arguments):
    raise SystemExit(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready", help="file that gets process id and port once requests are accepted")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)
    _FEED.thread.start()
    _MAILER.thread.start()
    server = Server(("127.0.0.1", options.port), Handler)
    if options.ready:
        with open(options.ready + ".new", "w") as file:
            json.dump({"pid": os.getpid(), "port": server.server_address[1]}, file)
        os.rename(options.ready + ".new", options.ready)
    server.serve_forever()


if __name__ == "__main__":
    main()
