#include "lib/query/path_levels.h"

enum path_level path_first_level(const struct view *view)
{
    return heap_contents(view_heap(view)) == HEAP_IS_MIXED ? PATH_RUNTIME : PATH_WORDS;
}

/* *ret = blocks and what the query avoids. */
static bool unite(struct view *view, const struct object_set *blocks, const struct object_set *avoid,
                  struct object_set *ret, struct error *err)
{
    if (!object_set_create(ret, view_heap(view), err))
        return false;
    for (size_t word = 0; word <= ret->limit >> 6; word++)
        ret->bits[word] = blocks->bits[word] | (avoid ? avoid->bits[word] : 0);
    return true;
}

bool path_level_find(struct view *view, const struct path_query *query, enum path_level level,
                     struct chain **ret, uint32_t *count, struct error *err)
{
    const struct graph *graph = view_graph(view, err);
    const struct roots *roots = graph ? view_roots(view, err) : NULL;
    struct path_query here = *query;
    struct object_set both = {0};
    *ret = NULL;
    *count = 0;
    if (!roots)
        return false;
    if (path_first_level(view) == PATH_RUNTIME) {
        here.claims = view_found(view, err);
        here.runtime_roots = level != PATH_WORDS;
        if (!here.claims)
            return false;
    }
    if (level == PATH_RUNTIME) {
        const struct object_set *blocks = view_blocks(view, err);
        if (!blocks || !unite(view, blocks, query->avoid, &both, err))
            return false;
        here.avoid = &both;
    }
    bool ok = paths_find(graph, roots, &here, ret, count, err);
    object_set_free(&both);
    return ok;
}

bool path_levels_find(struct view *view, const struct path_query *query, enum path_level from,
                      struct chain **ret, uint32_t *count, struct error *err)
{
    for (enum path_level level = from;; level++)
        if (!path_level_find(view, query, level, ret, count, err))
            return false;
        else if (*count || level == PATH_WORDS)
            return true;
}
