#include "lib/graph/object_set.h"

#include <stdlib.h>

bool object_set_create(struct object_set *set, const struct heap *heap, struct error *err)
{
    set->limit = heap->object_count;
    set->bits = calloc(((size_t)heap->object_count >> 6) + 1, sizeof *set->bits);
    return set->bits || error_no_memory(err);
}

void object_set_free(struct object_set *set)
{
    free(set->bits);
    *set = (struct object_set){0};
}

uint32_t object_set_count(const struct object_set *set)
{
    uint32_t count = 0;
    if (set->bits)
        for (size_t word = 0; word <= set->limit >> 6; word++)
            count += (uint32_t)__builtin_popcountll(set->bits[word]);
    return count;
}

object_id object_set_next(const struct object_set *set, object_id id)
{
    if (!set->bits || id >= set->limit)
        return 0;
    id++;
    size_t word = id >> 6;
    uint64_t rest = set->bits[word] & (~(uint64_t)0 << (id & 63));
    while (!rest) {
        if (++word > set->limit >> 6)
            return 0;
        rest = set->bits[word];
    }
    return (object_id)(word << 6 | (size_t)__builtin_ctzll(rest));
}
