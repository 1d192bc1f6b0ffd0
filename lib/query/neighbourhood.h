/* neighbourhood.h -- the objects around some objects, and the references between them: for export.
 *
 * Holders are followed upwards and what is held downwards, never down and up again: an object's neighbourhood
 * is what its referrers and its referents show, not everything that happens to share a None with it. Weak
 * references are not followed, nor is anything above a module or another root that is an object itself.
 */
#ifndef HELDBY_NEIGHBOURHOOD_H
#define HELDBY_NEIGHBOURHOOD_H

#include "lib/base/arena.h"
#include "lib/query/holders.h"

struct neighbour_object {
    object_id object;
    uint32_t depth;            /* steps from the nearest target, the fewer of both directions */
    uint64_t hidden_referrers; /* distinct objects that the limit kept out */
    uint64_t hidden_referents;
};

struct neighbourhood_options {
    bool inwards, outwards;
    uint32_t depth;                   /* steps; 0: no bound */
    uint64_t limit;                   /* new objects for each one's referrers, and referents; 0: all */
    const struct object_set *exclude; /* left out, targets excepted; or NULL */
};

struct neighbourhood {
    struct neighbour_object *item; /* [count], ascending by object */
    size_t count;
    struct object_set members;
};

bool neighbourhood_create(struct neighbourhood *ret, struct view *view, const object_id *targets,
                          size_t target_count, const struct neighbourhood_options *options,
                          struct error *err);
void neighbourhood_free(struct neighbourhood *neighbourhood);

/* Calls `visit` for every reference between objects of `among` (NULL: all), ordered by the object that holds
 * it in the file, then in its own order. Folded as in holders.h, or, with `raw`, as they are stored: each
 * once, with the dict that a value lies in as its holder. O(references of the heap). */
bool references_each(struct view *view, const struct object_set *among, bool raw,
                     bool (*visit)(void *self, const struct hold *hold, struct error *err), void *self,
                     struct error *err);

#endif
