"""A dict of nothing but strings and numbers, which the collector does not track, and a string in it."""
import heldby

import example


class Order:
    def __init__(self, details):
        self.details = details


def check_out():
    note = " ".join(["leave", "it", "at", "the", "gate"])
    order = Order({"note": note, "pieces": 3})
    del note
    example.tell("details", id(order.details))
    example.tell("note", id(order.details["note"]))
    heldby.snapshot()


check_out()
