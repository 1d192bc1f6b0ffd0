#!/usr/bin/env python3
"""A program nobody here wrote: Django's development server, started by `heldby run`, serving requests, with one leaking view.

Takes a snapshot with `heldby dump` before and after 500 leaking requests; then `diff` names the type with the right count, `path`
the dict that keeps them, and every request was answered. Skipped with a line where PYTHON has no Django.
"""
import os
import signal
import socket
import subprocess
import time
import urllib.request

import held

REQUESTS = 500

VIEWS = '''
import os
from django.http import HttpResponse

KEPT = {}
with open(os.environ["HELDBY_TEST_PID"], "w") as out:
    out.write(str(os.getpid()))


class Visit:
    def __init__(self, path):
        self.path = path
        self.trail = [path] * 10


def leak(request):
    KEPT[len(KEPT)] = Visit(request.path)
    return HttpResponse("%d kept" % len(KEPT))


def plain(request):
    return HttpResponse("plain " * 100)
'''

URLS = '''
from django.urls import path
from . import views
urlpatterns = [path("leak/<int:n>", lambda request, n: views.leak(request)), path("plain", views.plain)]
'''


def get(port, path):
    with urllib.request.urlopen("http://127.0.0.1:%d/%s" % (port, path), timeout=30) as answer:
        return answer.status, answer.read().decode()


def start(test, directory):
    """The server's process and its port."""
    site = os.path.join(directory, "shop")
    subprocess.run([test.options.python, "-m", "django", "startproject", "shop", directory], check=True)
    for name, text in (("views.py", VIEWS), ("urls.py", URLS)):
        with open(os.path.join(site, name), "w") as out:
            out.write(text)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HELDBY_")}
    environment["HELDBY_TEST_PID"] = os.path.join(directory, "pid")
    with open(os.path.join(directory, "server.log"), "wb") as log:
        server = subprocess.Popen([test.options.cli, "run", "--dir", directory, "--", test.options.python, "manage.py", "runserver", "--noreload",
                                   "127.0.0.1:%d" % port], cwd=directory, env=environment, stdout=log, stderr=log, start_new_session=True)
    for _ in range(600):
        try:
            if get(port, "plain")[0] == 200:
                return server, port
        except OSError:
            time.sleep(0.1)
    os.killpg(server.pid, signal.SIGKILL)
    with open(os.path.join(directory, "server.log"), errors="replace") as log:
        raise held.Failed("the server does not answer: " + log.read()[-2000:])


def dump(test, pid):
    status, out, err = test.ask_text("dump", str(pid))
    if status:
        raise held.Failed("heldby dump %d: %d %s" % (pid, status, err))
    path = out.strip().splitlines()[-1]
    test.check(os.path.exists(path), "heldby dump printed %r, no file there", path)
    return path


def use(test, directory, port):
    with open(os.path.join(directory, "pid")) as text:
        pid = int(text.read())
    answered = sum(get(port, "plain")[0] == 200 for _ in range(50))
    before = dump(test, pid)
    answered += sum(get(port, "leak/%d" % n)[1] == "%d kept" % (n + 1) for n in range(REQUESTS))
    after = dump(test, pid)
    answered += sum(get(port, "plain")[0] == 200 for _ in range(50))
    test.check(answered == REQUESTS + 100, "%d of %d requests answered", answered, REQUESTS + 100)
    status, answer = test.ask("diff", before, after, "--limit", "0")
    rows = [row for row in answer["rows"] if row["type"] == "shop.views.Visit"]
    test.check(status == 0 and rows and rows[0]["delta_count"] == REQUESTS and rows[0]["old_count"] == 0, "diff: %s", rows or answer["rows"][:3])
    status, answer = test.ask("path", after, "--type", "shop.views.Visit")
    rows = answer.get("rows") or [{}]
    test.check(status == 0 and rows[0].get("expression") == "shop.views.KEPT[*]" and rows[0].get("count") == REQUESTS, "path --type: %s", rows[:3])
    status, answer = test.ask("find", after, "--type", "shop.views.Visit", "--limit", "3")
    address = answer["rows"][0]["address"]
    status, answer = test.ask("path", after, address)
    test.check(status == 0 and answer["paths"][0]["expression"].startswith("shop.views.KEPT["), "path: %s", answer["paths"][:1])
    status, answer = test.ask("diff", before, after, "--fail-if", "type=shop.views.Visit,delta_count>%d" % (REQUESTS - 1))
    test.check(status == 1, "diff --fail-if leaves with %d, wanted 1", status)
    for path in (before, after):
        status, answer = test.ask("verify", path)
        test.check(status == 0, "verify %s: %s", path, answer)
        status, answer = test.ask("info", path)
        test.check(answer["complete"] and not answer["warnings"], "info: %s", answer["warnings"])


def body(test):
    if subprocess.run([test.options.python, "-c", "import django"], stderr=subprocess.DEVNULL).returncode:
        test.note("skipped: this Python has no Django")
        return
    directory = test.folder_for("django")
    server, port = start(test, directory)
    try:
        use(test, directory, port)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


if __name__ == "__main__":
    held.Test("Django's development server: dump, diff and path name the leak").main(body)
