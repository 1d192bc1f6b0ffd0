#include "lib/graph/paths.h"

#include <stdlib.h>

#include "lib/graph/paths_all.h"
#include "lib/graph/reverse_search.h"

void chain_free(struct chain *chain)
{
    free(chain->steps);
    *chain = (struct chain){0};
}

void chains_free(struct chain *chains, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        chain_free(&chains[i]);
    free(chains);
}

struct candidate {
    size_t node;
    uint32_t root; /* PATH_NO_ROOT: none yet */
    uint32_t cost;
};

bool paths_may_begin(const struct path_query *query, const struct heap *heap, uint32_t root)
{
    const struct heap_root *r = &heap->roots[root];
    if (query->avoid_roots && query->avoid_roots[root])
        return false;
    if (!root_kind_is_native(r->kind))
        return true;
    return !query->runtime_roots && !(query->claims && heap_family(heap, r->target) != FAMILY_NATIVE &&
                                      !found_references_missing(query->claims, heap, r->target));
}

/* Takes the best of an object's roots if it beats the best so far. */
static void consider(const struct reverse_search *search, const struct roots *roots,
                     const struct path_query *query, size_t node, struct candidate *best)
{
    uint32_t first, end;
    if (!object_set_has(&roots->rooted, search->node[node].object) ||
        !roots_of(roots, search->node[node].object, &first, &end))
        return;
    for (uint32_t i = first; i < end; i++) {
        uint32_t root = roots->order[i];
        if (!paths_may_begin(query, roots->heap, root) ||
            (query->certain && roots->heap->roots[root].certainty != CERTAINTY_EXACT &&
             !root_kind_is_native(roots->heap->roots[root].kind)))
            continue;
        uint32_t cost =
            search->depth + root_cost(&roots->heap->roots[root]) + root_penalty(&roots->heap->roots[root]);
        if (best->root == PATH_NO_ROOT || cost < best->cost ||
            (cost == best->cost && root_compare(roots->heap, root, best->root) < 0))
            *best = (struct candidate){node, root, cost};
    }
}

static bool find_from_roots(struct reverse_search *search, const struct roots *roots,
                            const struct path_query *query, struct candidate *best, struct error *err)
{
    while (search->first < search->count) {
        for (size_t node = search->first; node < search->count; node++)
            consider(search, roots, query, node, best);
        if (best->root != PATH_NO_ROOT && best->cost <= search->depth)
            break; /* the next level is longer; a root that is its target could still equal depth + 1 */
        if (!reverse_search_step(search, err))
            return false;
    }
    return true;
}

static bool find_from_object(struct reverse_search *search, object_id from, struct candidate *best,
                             bool *found, struct error *err)
{
    *found = false;
    while (search->first < search->count && !object_set_has(&search->visited, from))
        if (!reverse_search_step(search, err))
            return false;
    for (size_t node = search->first; node < search->count && !*found; node++)
        if (search->node[node].object == from) {
            *best = (struct candidate){node, PATH_NO_ROOT, search->depth};
            *found = true;
        }
    return true;
}

static bool one_chain(const struct reverse_search *search, const struct candidate *best, struct chain **ret,
                      uint32_t *count, struct error *err)
{
    *ret = calloc(1, sizeof **ret);
    if (!*ret)
        return error_no_memory(err);
    if (!reverse_search_chain(search, best->node, *ret, err)) {
        free(*ret);
        *ret = NULL;
        return false;
    }
    (*ret)->root = best->root;
    (*ret)->length =
        best->cost - (best->root == PATH_NO_ROOT ? 0 : root_penalty(&search->graph->heap->roots[best->root]));
    *count = 1;
    return true;
}

bool paths_find(const struct graph *graph, const struct roots *roots, const struct path_query *query,
                struct chain **ret, uint32_t *count, struct error *err)
{
    struct reverse_search search;
    struct candidate best = {.root = PATH_NO_ROOT};
    bool found = false;
    *ret = NULL;
    *count = 0;
    bool ok = reverse_search_begin(&search, graph, query->target, query->avoid, query->max > 1, err);
    search.claims = query->claims;
    if (ok && query->from)
        ok = find_from_object(&search, query->from, &best, &found, err);
    else if (ok) {
        ok = find_from_roots(&search, roots, query, &best, err);
        found = best.root != PATH_NO_ROOT;
    }
    if (ok && found)
        ok = query->max > 1 ? paths_all(&search, roots, query, best.cost, ret, count, err)
                            : one_chain(&search, &best, ret, count, err);
    reverse_search_end(&search);
    return ok;
}
