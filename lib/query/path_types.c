#include "lib/query/path_types.h"

#include <stdlib.h>

#include "lib/graph/tree.h"

struct roots_seen {
    uint32_t *root; /* by object: root + 1 if it hangs under one directly */
};

static bool note_root(void *self, const struct tree_visit *visit, struct error *err)
{
    struct roots_seen *seen = self;
    (void)err;
    if (!visit->parent)
        seen->root[visit->object] = visit->root + 1;
    return true;
}

static uint64_t edge_between(const struct heap *heap, object_id source, object_id target)
{
    struct reference reference;
    uint64_t at = csr_start(&heap->edges, source);
    while (graph_next_reference(heap, source, target, &at, &reference))
        if (!reference_kind_is_loose(reference.kind))
            return reference.edge;
    return TREE_TYPE_EDGE;
}

static bool read_chain(const struct heap *heap, const object_id *parent, const uint32_t *root,
                       object_id object, struct chain *ret, struct error *err)
{
    uint32_t count = 1;
    for (object_id at = object; parent[at]; at = parent[at])
        count++;
    ret->steps = calloc(count, sizeof *ret->steps);
    if (!ret->steps)
        return error_no_memory(err);
    ret->step_count = count;
    ret->length = count;
    for (object_id at = object; count--; at = parent[at]) {
        ret->steps[count].object = at;
        if (parent[at])
            ret->steps[count].edge = edge_between(heap, parent[at], at);
    }
    ret->root = root[ret->steps[0].object] - 1;
    return true;
}

/* Roots that are words of native memory: [root_count], or NULL if there are none. */
static bool mark_words(const struct heap *heap, bool **ret, struct error *err)
{
    *ret = NULL;
    for (uint32_t i = 0; i < heap->root_count; i++) {
        if (!root_kind_is_native(heap->roots[i].kind))
            continue;
        if (!*ret && !(*ret = calloc(heap->root_count, sizeof **ret)))
            return error_no_memory(err);
        (*ret)[i] = true;
    }
    return true;
}

bool path_through_types(struct view *view, object_id object, struct chain *ret, bool *found,
                        struct error *err)
{
    const struct heap *heap = view_heap(view);
    const struct roots *roots = view_roots(view, err);
    const struct object_set *transparent = view_transparent(view, err);
    struct roots_seen seen = {calloc((size_t)heap->object_count + 1, sizeof *seen.root)};
    object_id *parent = calloc((size_t)heap->object_count + 1, sizeof *parent);
    *ret = (struct chain){.root = PATH_NO_ROOT};
    *found = false;
    bool ok = roots && transparent && ((seen.root && parent) || error_no_memory(err));
    const struct object_set *blocks = view_blocks(view, err);
    bool *words = NULL;
    ok = ok && blocks && mark_words(heap, &words, err);
    struct tree_options options = {.avoid = blocks,
                                   .avoid_roots = words,
                                   .transparent = transparent,
                                   .follow_types = true,
                                   .visit = note_root,
                                   .self = &seen,
                                   .parent = parent};
    ok = ok && tree_walk(heap, roots, &options, err);
    if (ok && (parent[object] || seen.root[object])) {
        ok = read_chain(heap, parent, seen.root, object, ret, err);
        *found = ok;
    }
    free(words);
    free(seen.root);
    free(parent);
    return ok;
}
