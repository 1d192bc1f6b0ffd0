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

struct dominator_search {
    const struct heap *heap;
    const struct dominators_options *options;
    uint8_t *traits;
    bool mixed;               /* blocks hold an object of the runtime only if options->claims says so */
    struct object_set rooted; /* held by the virtual root, whatever else holds them */
    uint32_t count, live_count;
    uint32_t *number;     /* [object_count + 1], 0 = not met yet */
    object_id *object;    /* [object_count + 1]: by number, as all below */
    uint32_t *parent;     /* [object_count + 1]: in the depth-first tree, 0 = the virtual root */
    uint32_t *position;   /* [object_count + 1]: scratch */
    uint64_t *source_end; /* [object_count + 1]: where the object's place in `source` ends */
    uint32_t *source;     /* numbers of predecessors */
    uint32_t *unused;     /* [object_count + 1], by object: free places at the end of its part */
};

bool dominator_search(struct dominator_search *search, struct error *err);
void dominator_search_free(struct dominator_search *search);

/* Predecessors of number n: source[*first] to source[*end] (exclusive). */
static inline void dominator_sources(const struct dominator_search *s, uint32_t n, uint64_t *first,
                                     uint64_t *end)
{
    *first = s->source_end[n - 1];
    *end = s->source_end[n] - s->unused[s->object[n]];
}

#endif
