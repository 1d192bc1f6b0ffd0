"""A list that a local variable holds, and a dict in another one."""
import heldby

import example


def measure():
    readings = [3, 5, 8]
    station = dict(readings=readings)
    example.tell("readings", id(readings))
    example.tell("station", id(station))
    heldby.snapshot()


measure()
