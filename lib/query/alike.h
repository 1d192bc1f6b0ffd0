/* alike.h -- brings alike references together: the same type at the other end, the same kind, the same name.
 */
#ifndef HELDBY_ALIKE_H
#define HELDBY_ALIKE_H

#include "lib/query/holders.h"

enum {
    ALIKE_LEAST = 3, /* fewer alike references stay single */
    ALIKE_NAMES = 4, /* more different keys than this become one group, as different indexes do at once */
    ALIKE_ATTRIBUTES = 16, /* the same for names of attributes and variables, which say more */
};

/* A reference, and the object at its far end: the holder, or the object held. */
struct neighbour {
    struct hold hold;
    object_id other;
    uint64_t address;         /* of other */
    bool single;              /* in a group with itself only: a module, a root */
    struct heap_preview name; /* of the reference, filled in by alike_find; text NULL: it has none */
};

/* Neighbours item[first] to item[first + count - 1] belong together. */
struct alike {
    size_t first, count;
    bool differ; /* their keys, indexes or names are not all the same: [*], .* */
};

/* Sorts the neighbours (by type, kind, name, address) and cuts them into groups, for free(); without `group`
 * each is one. False: no memory. */
bool alike_find(const struct heap *heap, struct neighbour *item, size_t count, bool group, struct alike **ret,
                size_t *ret_count, struct error *err);

#endif
