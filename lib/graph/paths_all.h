/* paths_all.h -- lists all shortest chains, once a search with levels has found how long they are. */
#ifndef HELDBY_PATHS_ALL_H
#define HELDBY_PATHS_ALL_H

#include "lib/graph/reverse_search.h"

/* Chains of `cost` from the roots (best first) or from query->from, up to query->max, as paths_find returns
 * them. */
bool paths_all(const struct reverse_search *search, const struct roots *roots, const struct path_query *query,
               uint32_t cost, struct chain **ret, uint32_t *count, struct error *err);

/* Whether a chain may begin at the root heap->roots[root]. Uncertain ones are told apart elsewhere: where a
 * certain one is as near, they are shown, too. */
bool paths_may_begin(const struct path_query *query, const struct heap *heap, uint32_t root);

#endif
