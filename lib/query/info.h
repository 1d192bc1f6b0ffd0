/* info.h -- the figures of a whole heap. Facts about the process are the heap's own (heap_fact). */
#ifndef HELDBY_INFO_H
#define HELDBY_INFO_H

#include "lib/query/view.h"

struct info_family {
    enum family family;
    const char *name; /* "str", "dict", "other", ... */
    uint64_t count, shallow;
};

struct info {
    uint64_t objects, edges /* not counting empty places */, roots, types;
    uint64_t unreachable, unreachable_bytes; /* no root reaches them, types and what they hold included */
    uint64_t shallow;                        /* bytes of all objects */
    uint64_t tracked, immortal, partial;     /* objects with these flags */
    struct info_family
        families[FAMILIES]; /* by shallow size descending, then name; those without objects left out */
    size_t family_count;
};

bool info_create(struct info *ret, struct view *view, struct error *err);

#endif
