"""A heap with more tracked objects than any of the walker's chunks holds, in an order that does not follow the addresses."""
import gc
import random
import sys

import signalling

OBJECTS = 1300000

gc.disable()
HEAP = [[number] for number in range(OBJECTS)]
random.Random(7).shuffle(HEAP)
del HEAP[::3]
HEAP += [[HEAP[number]] for number in range(0, len(HEAP), 2)]
gc.collect()
tracked = len(gc.get_objects())
signalling.take(sys.argv[1])
signalling.tell(sys.argv[1], "many.json", {"tracked": tracked, "lists": len(HEAP)})
