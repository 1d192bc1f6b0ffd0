#include "lib/graph/address_order.h"

#include <stdlib.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

/* One stable counting pass over the digit at `shift`. */
static void pass(const uint64_t *address, const object_id *from, object_id *to, uint32_t count,
                 unsigned shift)
{
    uint32_t start[DIGITS] = {0}, sum = 0;
    for (uint32_t i = 0; i < count; i++)
        start[address[from[i]] >> shift & (DIGITS - 1)]++;
    for (unsigned d = 0; d < DIGITS; d++) {
        uint32_t here = start[d];
        start[d] = sum;
        sum += here;
    }
    for (uint32_t i = 0; i < count; i++)
        to[start[address[from[i]] >> shift & (DIGITS - 1)]++] = from[i];
}

object_id *address_order(const struct heap *heap, struct error *err)
{
    uint32_t count = heap->object_count;
    object_id *order = malloc(((size_t)count + 1) * sizeof *order);
    object_id *other = malloc(((size_t)count + 1) * sizeof *other);
    if (!order || !other) {
        free(order);
        free(other);
        error_no_memory(err);
        return NULL;
    }
    uint64_t all_bits = 0, common = ~(uint64_t)0;
    bool sorted = true;
    for (object_id id = 1; id <= count; id++) {
        order[id - 1] = id;
        all_bits |= heap->address[id];
        common &= heap->address[id];
        sorted = sorted && heap->address[id - 1] <= heap->address[id];
    }
    uint64_t varying = all_bits & ~common; /* digits in which no two addresses differ need no pass */
    for (unsigned shift = 0; !sorted && shift < 64; shift += DIGIT_BITS) {
        if (!(varying >> shift & (DIGITS - 1)))
            continue;
        pass(heap->address, order, other, count, shift);
        object_id *swap = order;
        order = other;
        other = swap;
    }
    free(other);
    return order;
}
