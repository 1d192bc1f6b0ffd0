#include "lib/query/native_found.h"

#include <stdlib.h>

#include "lib/query/spelling.h"
#include "lib/query/view_private.h"

static void add(uint32_t *count, object_id id)
{
    count[id] += count[id] != UINT32_MAX;
}

static bool is_native(const struct heap *heap, object_id id)
{
    return heap_family(heap, id) == FAMILY_NATIVE;
}

static bool is_variable(const struct heap_root *root)
{
    return root->kind == ROOT_MODULE_DATA || root->kind == ROOT_TLS;
}

/* A word that holds the address of the object's start. */
static bool is_exact(const struct reference *r)
{
    return r->kind == REFERENCE_POINTER && r->certainty == CERTAINTY_EXACT;
}

static bool count_all(struct view *view, struct error *err)
{
    struct heap *heap = view->heap;
    uint32_t *count = calloc((size_t)heap->object_count + 1, sizeof *count);
    if (!count)
        return error_no_memory(err);
    if (heap_contents(heap) == HEAP_IS_MIXED) {
        if (!heap_load_places(heap, err)) {
            free(count);
            return false;
        }
        for (object_id id = 1; id <= heap->object_count; id++) {
            if (!is_native(heap, id))
                continue;
            for (uint64_t e = csr_start(&heap->edges, id); e < csr_end(&heap->edges, id); e++) {
                object_id target = heap->edges.item[e];
                if (!target || is_native(heap, target))
                    continue;
                struct reference r = heap_reference(heap, id, e);
                if (is_exact(&r))
                    add(count, target);
            }
        }
        for (uint32_t r = 0; r < heap->root_count; r++)
            if (is_variable(&heap->roots[r]) && !is_native(heap, heap->roots[r].target))
                add(count, heap->roots[r].target);
    }
    view->native_found = count;
    return true;
}

bool native_found(struct view *view, object_id object, uint64_t *ret, struct error *err)
{
    uint64_t missing;
    *ret = 0;
    if (!view_unexplained(view, object, &missing, err) || (!view->native_found && !count_all(view, err)))
        return false;
    *ret = view->native_found[object] < missing ? view->native_found[object] : missing;
    return true;
}

bool native_found_add(struct view *view, object_id object, struct text_buffer *to, struct error *err)
{
    const struct heap *heap = view->heap;
    const struct roots *roots = view_roots(view, err);
    const struct graph *graph = view_graph(view, err);
    uint32_t first, end;
    if (!roots || !graph || !heap_load_places(view->heap, err))
        return false;
    roots_of(roots, object, &first, &end);
    for (uint32_t i = first; i < end; i++)
        if (is_variable(&heap->roots[roots->order[i]])) {
            spelling_native_root(view, roots->order[i], false, to);
            return true;
        }
    for (uint64_t i = csr_start(&graph->reverse, object); i < csr_end(&graph->reverse, object); i++) {
        object_id block = graph->reverse.item[i];
        struct reference r;
        if (!is_native(heap, block))
            continue;
        for (uint64_t e = csr_start(&heap->edges, block); graph_next_reference(heap, block, object, &e, &r);)
            if (is_exact(&r)) {
                text_buffer_format(to, "%s 0x%llx", heap_type_name(heap, block),
                                   (unsigned long long)heap->address[block]);
                if (r.number >= 0)
                    text_buffer_format(to, " +0x%llx", (unsigned long long)r.number);
                return true;
            }
    }
    return true;
}
