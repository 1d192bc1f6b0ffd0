"""A heap whose ring of tracked objects is damaged while the snapshot is taken."""
import ctypes
import gc
import os
import sys

import signalling

gc.disable()
OBJECTS = [[number] for number in range(20000)]
gc.collect()  # all of them are old now, in one ring
following = ctypes.c_uint64.from_address(id(OBJECTS[9000]) - 16)
before = following.value
following.value = {"nothing": 0, "nowhere": 0x10000, "circle": id(OBJECTS[9000]) - 16}[sys.argv[2]]
try:
    signalling.take(sys.argv[1])
finally:
    following.value = before
