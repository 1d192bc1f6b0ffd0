/* dominator_search.h -- the first half of dominators.h: numbers all objects in depth-first preorder and lists
 * what leads to each; for dominators.c.
 *
 * A list of predecessors is made as the search meets each object again, in memory reserved for as many as
 * refer to it; the reference by which it was met first is its tree parent and not in the list. So only
 * predecessors that roots reach are ever in it.
 */
#ifndef HELDBY_DOMINATOR_SEARCH_H
#define HELDBY_DOMINATOR_SEARCH_H

#include "lib/graph/dominators.h"

/* What a reference needs of its target, in one place of memory. */
struct dominator_mark {
    uint32_t number; /* 0 = not met yet */
    uint32_t next;   /* where in `source` its next predecessor goes; before it is met: how many refer to it */
};

struct dominator_search {
    const struct heap *heap;
    const struct dominators_options *options;
    uint8_t *traits;
    bool mixed;               /* blocks hold an object of the runtime only if options->claims says so */
    struct object_set rooted; /* held by the virtual root, whatever else holds them */
    uint32_t count, live_count;
    struct dominator_mark *mark; /* [object_count + 1]: by object */
    object_id *object;           /* [object_count + 1]: by number, as all below */
    uint32_t *parent;            /* [object_count + 1]: in the depth-first tree, 0 = the virtual root */
    uint32_t *position;          /* [object_count + 1]: scratch */
    uint32_t *first;             /* [object_count + 1]: where in `source` its predecessors begin */
    uint32_t *source;            /* numbers of predecessors */
    uint32_t used;               /* of it, reserved so far */
};

bool dominator_search(struct dominator_search *search, struct error *err);
void dominator_search_free(struct dominator_search *search);

/* Predecessors of number n: source[*first] to source[*end] (exclusive). */
static inline void dominator_sources(const struct dominator_search *s, uint32_t n, uint32_t *first,
                                     uint32_t *end)
{
    *first = s->first[n];
    *end = s->mark[s->object[n]].next;
}

#endif
