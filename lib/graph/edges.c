#include "lib/graph/edges.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"

/* Distances in edges, measured: far enough to hide a miss, near enough to be still in the cache. */
enum { AHEAD_COUNTER = 48, AHEAD_SLOT = 20 };

static void release_owned(struct graph *graph)
{
    free(graph->reverse.base);
    free(graph->reverse.low);
    free(graph->reverse.item);
}

/* low[t] = number of references to t. */
static void count_targets(const struct heap *heap, uint32_t *low)
{
    const uint32_t *item = heap->edges.item;
    uint64_t count = heap->edges.item_count, i = 0;
    for (; i + AHEAD_COUNTER < count; i++) {
        __builtin_prefetch(&low[item[i + AHEAD_COUNTER]], 1);
        low[item[i]]++;
    }
    for (; i < count; i++)
        low[item[i]]++;
}

/* Counts become positions; the references to 0 are not counted. Returns their sum. A row's sum within its
   65,536 may exceed 32 bits only if the heap had 2^32 references to them: the caller has refused that. */
static void positions(uint64_t *base, uint32_t *low, uint32_t rows)
{
    uint64_t sum = 0;
    low[0] = 0;
    for (uint32_t row = 0; row < rows; row++) {
        if (!(row & 0xffff))
            base[row >> 16] = sum;
        uint32_t count = low[row];
        low[row] = (uint32_t)(sum - base[row >> 16]);
        sum += count;
    }
    if (!(rows & 0xffff))
        base[rows >> 16] = sum;
    low[rows] = (uint32_t)(sum - base[rows >> 16]);
}

/* One flat loop over all references in the order of their sources: each goes to its target's next place. The
   source is advanced by comparisons instead of branches; `source` lists the ids that hold anything. */
static void scatter(const struct heap *heap, const object_id *source, struct csr *reverse)
{
    const uint32_t *item = heap->edges.item;
    const uint64_t *base = reverse->base;
    uint32_t *low = reverse->low, *out = reverse->item;
    uint64_t count = heap->edges.item_count, end = count ? csr_end(&heap->edges, *source) : 0;
    for (uint64_t i = 0; i < count; i++) {
        if (i + AHEAD_COUNTER < count)
            __builtin_prefetch(&low[item[i + AHEAD_COUNTER]], 1);
        if (i + AHEAD_SLOT < count) {
            uint32_t ahead = item[i + AHEAD_SLOT];
            if (ahead)
                __builtin_prefetch(&out[base[ahead >> 16] + low[ahead]], 1);
        }
        if (i == end)
            end = csr_end(&heap->edges, *++source);
        uint32_t target = item[i];
        if (target)
            out[base[target >> 16] + low[target]++] = *source;
    }
}

/* After the scatter each position stands where its row ends, which is where the next row starts: shift them
 * back. */
static void shift_back(const uint64_t *base, uint32_t *low, uint32_t rows)
{
    for (uint32_t row = rows; row > 0; row--) {
        uint64_t start = base[(row - 1) >> 16] + low[row - 1];
        low[row] = (uint32_t)(start - base[row >> 16]);
    }
    low[0] = 0;
}

static object_id *sources(const struct heap *heap)
{
    uint32_t count = 0;
    for (object_id id = 1; id <= heap->object_count; id++)
        count += csr_start(&heap->edges, id) != csr_end(&heap->edges, id);
    object_id *list = memory_large((size_t)count + 1, sizeof *list);
    if (!list)
        return NULL;
    uint32_t filled = 0;
    for (object_id id = 1; id <= heap->object_count; id++) {
        list[filled] = id;
        filled += csr_start(&heap->edges, id) != csr_end(&heap->edges, id);
    }
    return list;
}

static bool transpose(const struct heap *heap, struct csr *reverse, struct error *err)
{
    uint32_t rows = heap->object_count + 1;
    reverse->low = memory_large((size_t)rows + 1, sizeof *reverse->low);
    reverse->base = calloc(((size_t)rows >> 16) + 1, sizeof *reverse->base);
    if (!reverse->low || !reverse->base)
        return error_no_memory(err);
    memset(reverse->low, 0, ((size_t)rows + 1) * sizeof *reverse->low);
    count_targets(heap, reverse->low);
    positions(reverse->base, reverse->low, rows);
    reverse->item_count = csr_start(reverse, rows);
    reverse->item = memory_large(reverse->item_count ? reverse->item_count : 1, sizeof *reverse->item);
    object_id *source = sources(heap);
    if (!reverse->item || !source) {
        free(source);
        return error_no_memory(err);
    }
    scatter(heap, source, reverse);
    free(source);
    shift_back(reverse->base, reverse->low, rows);
    return true;
}

static bool is_transparent_kind(unsigned kind)
{
    return kind == REFERENCE_NAMESPACE || kind == REFERENCE_FRAME;
}

bool graph_find_transparent(const struct heap *heap, struct object_set *ret, struct error *err)
{
    *ret = (struct object_set){0};
    /* By shape: only few shapes have such a field, and it stands at the same place in each of their objects.
     */
    bool *interesting = calloc((size_t)heap->shape_count + 1, sizeof *interesting);
    if (!interesting || !object_set_create(ret, heap, err)) {
        free(interesting);
        return error_no_memory(err);
    }
    for (shape_id s = 1; s <= heap->shape_count; s++)
        for (uint32_t f = 0; f < heap->shapes[s].field_count; f++)
            interesting[s] |= is_transparent_kind(heap->fields[heap->shapes[s].field_start + f].kind);
    for (object_id id = 1; id <= heap->object_count; id++) {
        if (!interesting[heap->shape[id]])
            continue;
        const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
        uint64_t start = csr_start(&heap->edges, id), length = csr_end(&heap->edges, id) - start;
        for (uint32_t f = 0; f < shape->field_count && f < length; f++) {
            object_id target = heap->edges.item[start + f];
            if (target && target != id && is_transparent_kind(heap->fields[shape->field_start + f].kind))
                object_set_add(ret, target);
        }
    }
    free(interesting);
    return true;
}

struct graph *graph_create(const struct heap *heap, struct error *err)
{
    struct graph *graph = calloc(1, sizeof *graph);
    if (!graph) {
        error_no_memory(err);
        return NULL;
    }
    graph->heap = heap;
    graph->release = release_owned;
    if (!transpose(heap, &graph->reverse, err) || !graph_find_transparent(heap, &graph->transparent, err)) {
        graph_destroy(graph);
        return NULL;
    }
    return graph;
}

void graph_destroy(struct graph *graph)
{
    if (!graph)
        return;
    graph->release(graph);
    object_set_free(&graph->transparent);
    free(graph);
}

bool graph_next_reference(const struct heap *heap, object_id source, object_id target, uint64_t *edge,
                          struct reference *ret)
{
    const uint32_t *item = heap->edges.item;
    uint64_t end = csr_end(&heap->edges, source);
    for (uint64_t i = *edge; i < end; i++)
        if (item[i] == target) {
            *edge = i + 1;
            *ret = heap_reference(heap, source, i);
            return true;
        }
    *edge = end;
    return false;
}
