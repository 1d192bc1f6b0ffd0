/* The places of the references in native tails: where in its block each pointer stands. */
#include "lib/heap/heap_private.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"

/* Objects per entry of place_base: what a lookup has to walk at most. */
enum { ROWS_SHIFT = 6, MISSES = 64 };

static uint64_t native_degree(const struct heap *heap, object_id id)
{
    const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
    if (shape->tail != TAIL_NATIVE)
        return 0;
    uint64_t degree = csr_end(&heap->edges, id) - csr_start(&heap->edges, id);
    return degree > shape->field_count ? degree - shape->field_count : 0;
}

/* The number of native references before every 64th object. */
static bool number_rows(const struct heap *heap)
{
    struct heap_private *p = heap->private;
    if (p->place_base)
        return true;
    size_t entries = ((size_t)heap->object_count >> ROWS_SHIFT) + 1;
    uint64_t *base = malloc(entries * sizeof *base), sum = 0;
    if (!base)
        return false;
    for (object_id id = 0; id <= heap->object_count; id++) {
        if ((id & ((1u << ROWS_SHIFT) - 1)) == 0)
            base[id >> ROWS_SHIFT] = sum;
        sum += native_degree(heap, id);
        if (id == UINT32_MAX)
            break;
    }
    p->native_count = sum;
    p->place_base = base;
    return true;
}

uint64_t heap_count_places(const struct heap *heap)
{
    uint64_t count = 0;
    for (object_id id = 1; id <= heap->object_count; id++)
        count += native_degree(heap, id);
    return count;
}

bool heap_load_places(struct heap *heap, struct error *err)
{
    struct heap_private *p = heap->private;
    if (p->places_loaded)
        return true;
    if (!number_rows(heap))
        return error_no_memory(err);
    if (!p->source.load_places || p->native_count == 0) {
        p->places_loaded = true;
        return true;
    }
    uint32_t *place = memory_large(p->native_count, sizeof *place);
    if (!place)
        return error_no_memory(err);
    memset(place, 0xff, p->native_count * sizeof *place);
    if (!p->source.load_places(p->source.self, place, p->native_count, err)) {
        free(place);
        return false;
    }
    p->place = place;
    p->place_count = p->native_count;
    p->places_loaded = true;
    return true;
}

uint32_t heap_place(const struct heap *heap, object_id source, uint64_t position)
{
    struct heap_private *p = heap->private;
    if (!number_rows(heap))
        return HEAP_NO_PLACE;
    uint64_t index = p->place_base[source >> ROWS_SHIFT] + position;
    for (object_id id = source & ~((1u << ROWS_SHIFT) - 1); id < source; id++)
        index += native_degree(heap, id);
    if (p->places_loaded)
        return index < p->place_count ? p->place[index] : HEAP_NO_PLACE;
    uint32_t place;
    bool decoded = false;
    if (!p->source.place || !p->source.place(p->source.self, index, &place, &decoded))
        return HEAP_NO_PLACE;
    /* Questions that jump about in a large heap: all at once is cheaper. It may fail; then it stays as it is.
     */
    if (decoded && ++p->place_misses == MISSES)
        heap_load_places((struct heap *)(uintptr_t)heap, NULL);
    return place;
}
