#!/usr/bin/env python3
"""A large heap: every tracked object is found once, is marked as tracked, and is reached from a root."""
import held


def body(test):
    directory = test.folder_for("many")
    test.run_program("many_program.py", directory)
    told = test.told(directory, "many.json")
    path, = test.snapshots(directory, 1)
    status, info = test.ask("info", path)
    tracked = [value for key, value in walk_keys(info) if key == "tracked"][0]
    # 3.12 freezes some tuples of its builtin types at the start, which gc.get_objects does not show.
    test.check(abs(tracked - told["tracked"]) < 1000, "%d tracked objects, gc.get_objects has %d", tracked, told["tracked"])
    test.check(info["counts"]["unreachable"] < 5000, "%d objects that no root reaches", info["counts"]["unreachable"])
    status, answer = test.ask("histogram", path, "--limit", "0")
    lists = sum(row["count"] for row in answer["rows"] if row["type"] == "list")
    test.check(told["lists"] <= lists < told["lists"] + 5000, "%d lists, the program has %d and a few", lists, told["lists"])
    status, answer = test.ask("verify", path)
    test.check(status == 0, "verify: %s", answer)
    damaged(test)


def damaged(test):
    """A ring that leads nowhere, or round without its head: what can be reached is captured, and the answer says that something lacks."""
    for how in ("nothing", "nowhere", "circle"):
        directory = test.folder_for("ring-" + how)
        test.run_program("ring_program.py", directory, how)
        path, = test.snapshots(directory, 1)
        status, info = test.ask("info", path)
        test.check(not info["complete"] and any("do not lead back" in warning for warning in info["warnings"]), "%s: %s", how, info["warnings"])
        test.check(info["counts"]["objects"] > 1000, "%s: %d objects", how, info["counts"]["objects"])


def walk_keys(document):
    for key, value in document.items():
        yield key, value
        if isinstance(value, dict):
            yield from walk_keys(value)


if __name__ == "__main__":
    held.Test("a heap of many tracked objects").main(body)
