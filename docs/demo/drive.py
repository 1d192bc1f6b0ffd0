"""Customers of the demo's shop: real requests over real connections, every answer checked.

    python3 drive.py PORT SECONDS

Most customers look around, buy and leave; one in four ticks "remember me", fills a basket and leaves without buying.
"""
import http.client
import json
import random
import sys
import threading
import time


class Customers:
    """`count` threads that shop until stop(). `requests`, `failures` and `slowest` (seconds) are theirs to write."""

    def __init__(self, port, count=4):
        self.port = port
        self.requests = 0
        self.remembered = 0
        self.failures = []
        self.slowest = 0.0
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.shop, args=(n,), name="customer-%d" % n) for n in range(count)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def request(self, connection, method, path):
        """The decoded answer; None if it failed, which is counted."""
        start = time.monotonic()
        problem = answer = None
        try:
            connection.request(method, path)
            response = connection.getresponse()
            answer = json.loads(response.read())
            if response.status != 200:
                problem = "%s %s: status %d" % (method, path, response.status)
        except (OSError, ValueError, http.client.HTTPException) as error:
            problem = "%s %s: %r" % (method, path, error)
            connection.close()
        with self.lock:
            self.requests += 1
            self.slowest = max(self.slowest, time.monotonic() - start)
            if problem:
                self.failures.append(problem)
        return None if problem else answer

    def shop(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        choice = random.Random(number)
        visit = 0
        while not self.stopping.is_set():
            visit += 1
            remember = choice.random() < 0.25
            self.request(connection, "GET", "/catalogue?page=%d" % choice.randrange(80))
            login = self.request(
                connection, "POST", "/login?user=u%d-%d%s" % (number, visit, "&remember=1" if remember else ""))
            if login is None:
                continue
            token = login["token"]
            for _ in range(choice.randrange(2, 12)):
                self.request(connection, "POST", "/basket?token=%s&item=%d" % (token, choice.randrange(500)))
            if remember:
                with self.lock:
                    self.remembered += 1
            else:
                self.request(connection, "POST", "/checkout?token=" + token)
            self.request(connection, "POST", "/logout?token=" + token)
        connection.close()


def main():
    customers = Customers(int(sys.argv[1]))
    customers.start()
    time.sleep(float(sys.argv[2]))
    customers.stop()
    print("%d requests, %d failed, slowest %.1f ms" % (
        customers.requests, len(customers.failures), customers.slowest * 1000))
    for failure in customers.failures[:10]:
        print("  " + failure)
    return 1 if customers.failures else 0


if __name__ == "__main__":
    sys.exit(main())
