"""A heap with more tracked objects than any of the walker's chunks holds, in an order that does not follow the addresses."""
import ctypes
import gc
import mmap
import random
import struct
import sys

import signalling

OBJECTS = 1300000

gc.disable()
HEAP = [[number] for number in range(OBJECTS)]
random.Random(7).shuffle(HEAP)
del HEAP[::3]
HEAP += [[HEAP[number]] for number in range(0, len(HEAP), 2)]
gc.collect()


def impostors():
    """Memory that looks like members of the collector's rings: linked there and back, in front of an object of a collected type.
    Some lead into unmapped memory, some round in a ring of their own."""
    page = mmap.mmap(-1, mmap.PAGESIZE)
    nowhere = ctypes.addressof(ctypes.c_char.from_buffer(page)) + 64
    page = None
    count, size = 200000, 64
    memory = ctypes.create_string_buffer(count * size + 16)
    start = (ctypes.addressof(memory) + 15) & ~15
    for number in range(0, count, 4):
        at = [start + (number + place) * size for place in range(4)]
        leads = number // 4 % 2
        for place in range(4):
            following = at[(place + 1) % 4] if place < 3 or leads else nowhere
            struct.pack_into("QQQQ", memory, at[place] - ctypes.addressof(memory), following, at[place - 1], 1, id(list))
    return memory


IMPOSTORS = impostors()
tracked = len(gc.get_objects())
signalling.take(sys.argv[1])
signalling.tell(sys.argv[1], "many.json", {"tracked": tracked, "lists": len(HEAP)})
