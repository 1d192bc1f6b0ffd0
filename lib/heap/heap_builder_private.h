/* heap_builder_private.h -- the unfinished heap, shared by appending (heap_builder.c) and checking
 * (heap_freeze.c).
 */
#ifndef HELDBY_HEAP_BUILDER_PRIVATE_H
#define HELDBY_HEAP_BUILDER_PRIVATE_H

#include "lib/heap/heap_builder.h"
#include "lib/heap/heap_private.h"

/* Capacities of the growing arrays of `heap`. */
struct heap_builder {
    struct heap *heap;
    size_t text_size, text, text_end;
    size_t types, members, shapes, fields, threads, frames, roots, facts, warnings;
    size_t address, shape, low, base, item, size, refcount, flags;
    uint64_t lost_roots;
    bool columns; /* whole columns were reserved; else object by object */
};

#endif
