#include <stdlib.h>

#include "lib/graph/reverse_search.h"
#include "lib/graph/shape_traits.h"

/* References to a type from its instances are no edges; counted for all types at once, at the first type met.
 */
static bool count_instances(const struct heap *heap, uint64_t **instances, struct error *err)
{
    *instances = calloc((size_t)heap->type_count + 1, sizeof **instances);
    if (!*instances)
        return error_no_memory(err);
    for (object_id id = 1; id <= heap->object_count; id++)
        (*instances)[heap_type_of(heap, id)]++;
    return true;
}

static bool instances_of(const struct heap *heap, object_id object, uint64_t **instances, uint64_t *count,
                         struct error *err)
{
    *count = 0;
    if (heap_family(heap, object) != FAMILY_TYPE)
        return true;
    if (!*instances && !count_instances(heap, instances, err))
        return false;
    for (type_id t = 1; t <= heap->type_count; t++)
        if (heap->types[t].object == object)
            *count += (*instances)[t];
    return true;
}

/* References that count: all but the weak ones. */
static uint64_t counted_references(const struct graph *graph, const uint8_t *traits, object_id object)
{
    const struct heap *heap = graph->heap;
    uint64_t count = 0, end = csr_end(&graph->reverse, object);
    for (uint64_t i = csr_start(&graph->reverse, object); i < end; i++) {
        object_id source = graph->reverse.item[i];
        if (!(traits[heap->shape[source]] & SHAPE_HAS_WEAK)) {
            count++;
            continue;
        }
        while (i + 1 < end &&
               graph->reverse.item[i + 1] == source) /* once per source: its row tells them apart */
            i++;
        struct reference reference;
        for (uint64_t at = csr_start(&heap->edges, source);
             graph_next_reference(heap, source, object, &at, &reference);)
            count += reference.kind != REFERENCE_WEAK;
    }
    return count;
}

bool paths_find_unexplained(const struct graph *graph, object_id target, struct chain *ret,
                            uint64_t *unexplained, struct error *err)
{
    const struct heap *heap = graph->heap;
    struct reverse_search search;
    uint64_t *instances = NULL;
    *ret = (struct chain){.root = PATH_NO_ROOT};
    *unexplained = 0;
    bool ok = reverse_search_begin(&search, graph, target, NULL, false, err);
    size_t node = 0;
    for (; ok && !*unexplained && node < search.count; node++) {
        struct heap_detail detail;
        object_id object = search.node[node].object;
        if (heap_detail(heap, object, &detail) && !heap_is_immortal(heap, &detail)) {
            uint64_t count;
            ok = instances_of(heap, object, &instances, &count, err);
            count += counted_references(graph, search.traits, object);
            if (ok && detail.refcount > count) {
                *unexplained = detail.refcount - count;
                ok = reverse_search_chain(&search, node, ret, err);
                ret->length = search.depth;
            }
        }
        if (ok && !*unexplained && node + 1 == search.count)
            ok = reverse_search_step(&search, err);
    }
    free(instances);
    reverse_search_end(&search);
    return ok;
}
