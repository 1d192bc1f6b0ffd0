/* The address index: an open-addressing table of ids, at most two thirds full, probed linearly. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/heap/heap_private.h"

enum { AHEAD = 16 };

static size_t slot_of(uint64_t address, uint32_t shift)
{
    return (size_t)((address >> 3) * 0x9E3779B97F4A7C15u >> shift);
}

object_id heap_find_address(const struct heap *heap, uint64_t address)
{
    const struct heap_private *p = heap->private;
    if (address == 0)
        return 0;
    if (!p->slots) {
        for (object_id id = 1; id <= heap->object_count; id++) {
            if (heap->address[id] == address)
                return id;
        }
        return 0;
    }
    size_t mask = ((size_t)1 << (64 - p->slot_shift)) - 1;
    for (size_t at = slot_of(address, p->slot_shift); p->slots[at]; at = (at + 1) & mask) {
        if (heap->address[p->slots[at]] == address)
            return p->slots[at];
    }
    return 0;
}

bool heap_index_addresses(struct heap *heap, struct error *err)
{
    struct heap_private *p = heap->private;
    if (p->slots)
        return true;
    uint32_t bits = 4;
    while ((uint64_t)heap->object_count * 3 / 2 >= (uint64_t)1 << bits)
        bits++;
    uint32_t shift = 64 - bits;
    size_t mask = ((size_t)1 << bits) - 1;
    uint32_t *slots = memory_large(mask + 1, sizeof *slots);
    if (!slots)
        return error_no_memory(err);
    memset(slots, 0, (mask + 1) * sizeof *slots);
    const uint64_t *address = heap->address;
    for (object_id id = 1; id <= heap->object_count; id++) {
        if (id + AHEAD <= heap->object_count)
            __builtin_prefetch(&slots[slot_of(address[id + AHEAD], shift)], 1);
        size_t at = slot_of(address[id], shift);
        /* Two objects at one address (a damaged file): the first keeps the place, so that lookups agree with
         * the scan. */
        while (slots[at] && address[slots[at]] != address[id])
            at = (at + 1) & mask;
        if (!slots[at])
            slots[at] = id;
    }
    p->slots = slots;
    p->slot_shift = shift;
    return true;
}
