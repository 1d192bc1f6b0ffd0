/* object_set.h -- a set of objects of one heap, one bit each. */
#ifndef HELDBY_OBJECT_SET_H
#define HELDBY_OBJECT_SET_H

#include "lib/heap/heap.h"

struct object_set {
    uint64_t *bits; /* NULL: empty */
    uint32_t limit; /* ids 0 .. limit fit */
};

bool object_set_create(struct object_set *set, const struct heap *heap, struct error *err);
void object_set_free(struct object_set *set);
uint32_t object_set_count(const struct object_set *set);
/* The first member after `id` (0 to begin), or 0. */
object_id object_set_next(const struct object_set *set, object_id id);

static inline bool object_set_has(const struct object_set *set, object_id id)
{
    return set->bits && (set->bits[id >> 6] >> (id & 63) & 1);
}

static inline void object_set_add(struct object_set *set, object_id id)
{
    set->bits[id >> 6] |= (uint64_t)1 << (id & 63);
}

static inline void object_set_drop(struct object_set *set, object_id id)
{
    set->bits[id >> 6] &= ~((uint64_t)1 << (id & 63));
}

/* Adds; true if it was not in yet. */
static inline bool object_set_enter(struct object_set *set, object_id id)
{
    uint64_t bit = (uint64_t)1 << (id & 63), *word = &set->bits[id >> 6];
    bool is_new = !(*word & bit);
    *word |= bit;
    return is_new;
}

#endif
