#include "lib/graph/shortest_cycle.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/graph/shape_traits.h"

bool cycle_search_begin(struct cycle_search *search, const struct heap *heap,
                        const struct components *components, struct error *err)
{
    *search = (struct cycle_search){.heap = heap, .components = components};
    search->traits = shape_traits(heap, err);
    search->round = search->traits ? calloc((size_t)heap->object_count + 1, sizeof *search->round) : NULL;
    if (search->round)
        return true;
    cycle_search_end(search);
    return error_no_memory(err);
}

void cycle_search_end(struct cycle_search *search)
{
    free(search->traits);
    free(search->round);
    free(search->node);
    *search = (struct cycle_search){0};
}

void cycle_free(struct cycle *cycle)
{
    free(cycle->object);
    free(cycle->edge);
    *cycle = (struct cycle){0};
}

static bool push(struct cycle_search *s, object_id object, size_t before, uint64_t edge, struct error *err)
{
    if (s->count == s->capacity &&
        !vector_reserve((void **)&s->node, &s->capacity, s->count + 1, sizeof *s->node, err))
        return false;
    s->node[s->count++] = (struct cycle_node){object, (uint32_t)before, edge};
    s->round[object] = s->rounds;
    return true;
}

/* A new round; the marks of old ones are worth nothing once the number has gone round. */
static void begin_round(struct cycle_search *s)
{
    if (++s->rounds == 0) {
        memset(s->round, 0, ((size_t)s->heap->object_count + 1) * sizeof *s->round);
        s->rounds = 1;
    }
    s->count = 0;
}

/* What node `at` holds inside the component; *closes if one of it is the start. */
static bool expand(struct cycle_search *s, size_t at, object_id start, bool *closes, uint64_t *closing,
                   struct error *err)
{
    const struct heap *heap = s->heap;
    object_id object = s->node[at].object;
    const struct heap_shape *shape = &heap->shapes[heap->shape[object]];
    bool weak = s->traits[heap->shape[object]] & SHAPE_HAS_WEAK;
    uint64_t first = csr_start(&heap->edges, object), end = csr_end(&heap->edges, object);
    uint32_t inside = s->components->of[start];
    for (uint64_t i = first; i <= end; i++) {
        object_id target;
        if (i < end)
            target = weak && shape_is_weak(heap, shape, i - first) ? 0 : heap->edges.item[i];
        else
            target = heap->types[shape->type].flags & TYPE_HEAP ? heap->types[shape->type].object : 0;
        if (!target || s->components->of[target] != inside)
            continue;
        uint64_t edge = i < end ? i : CYCLE_TYPE_EDGE;
        if (target == start) {
            *closes = true;
            *closing = edge;
            return true;
        }
        if (s->round[target] != s->rounds && !push(s, target, at, edge, err))
            return false;
    }
    return true;
}

static bool read_back(const struct cycle_search *s, size_t last, size_t length, uint64_t closing,
                      struct cycle *ret, struct error *err)
{
    ret->object = malloc(length * sizeof *ret->object);
    ret->edge = malloc(length * sizeof *ret->edge);
    if (!ret->object || !ret->edge) {
        cycle_free(ret);
        return error_no_memory(err);
    }
    ret->length = length;
    ret->edge[length - 1] = closing;
    for (size_t i = length, at = last; i-- > 0; at = s->node[at].before) {
        ret->object[i] = s->node[at].object;
        if (i)
            ret->edge[i - 1] = s->node[at].edge;
    }
    return true;
}

bool cycle_search_from(struct cycle_search *s, object_id start, size_t shorter_than, struct cycle *ret,
                       struct error *err)
{
    *ret = (struct cycle){0};
    begin_round(s);
    if (!push(s, start, 0, 0, err))
        return false;
    size_t length = 1, level_end = 1; /* a cycle closed from this level has `length` references */
    for (size_t at = 0; at < s->count; at++) {
        if (at == level_end) {
            level_end = s->count;
            length++;
        }
        if (shorter_than && length >= shorter_than)
            return true;
        bool closes = false;
        uint64_t closing;
        if (!expand(s, at, start, &closes, &closing, err))
            return false;
        if (closes)
            return read_back(s, at, length, closing, ret, err);
    }
    return true;
}
