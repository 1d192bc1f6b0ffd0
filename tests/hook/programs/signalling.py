"""What the programs under test share: asking their own hook for a snapshot, and handing facts to the test.

It is imported by the program under observation, so it does as little as possible and keeps nothing.
"""
import json
import os
import signal
import sys
import time

# For writing a test before there is a hook: no signal is sent, no snapshot awaited.
WITHOUT_HOOK = bool(os.environ.get("HELDBY_TEST_WITHOUT_HOOK"))


def snapshots(directory):
    """Names of the finished snapshots of this process, oldest first."""
    marker = ".%d." % os.getpid()
    names = [name for name in os.listdir(directory) if marker in name and name.endswith(".held")]
    names.sort(key=lambda name: int(name.split(".")[-2]))
    return names


def refused(directory):
    """Whether the hook's log says that there will be no snapshot."""
    try:
        with open(os.path.join(directory, "hook.log"), "rb") as log:
            return b"no snapshot" in log.read()
    except OSError:
        return False


def take(directory, timeout=120.0):
    """Signals this process and waits for the file. Returns its path, or None without a hook."""
    if WITHOUT_HOOK:
        return None
    known = len(snapshots(directory))
    os.kill(os.getpid(), signal.SIGUSR2)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        time.sleep(0.01)
        if len(snapshots(directory)) > known:
            return os.path.join(directory, snapshots(directory)[-1])
        if refused(directory):
            break
    sys.stderr.write("no snapshot appeared in %s\n" % directory)
    sys.stderr.flush()
    os._exit(9)


def tell(directory, name, value):
    """Leaves `value` as JSON in a file for the test; appears at once and whole."""
    path = os.path.join(directory, name)
    with open(path + ".tmp", "w", encoding="utf-8") as out:
        json.dump(value, out)
    os.rename(path + ".tmp", path)


def leave():
    """Ends the program without finalizers: threads that wait for ever are part of the test."""
    sys.stdout.flush()
    os._exit(0)
