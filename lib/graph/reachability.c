#include "lib/graph/reachability.h"

#include <stdlib.h>

#include "lib/base/vector.h"
#include "lib/graph/shape_traits.h"

struct marking {
    const struct heap *heap;
    const uint8_t *traits;
    struct object_set *reached;
    bool claimed; /* a block holds an object of the runtime only if `claims` says so */
    const uint32_t *claims;
    object_id *stack;
    size_t depth, capacity;
};

static bool reach(struct marking *m, object_id id, struct error *err)
{
    if (!id || !object_set_enter(m->reached, id))
        return true;
    if (m->depth == m->capacity &&
        !vector_reserve((void **)&m->stack, &m->capacity, m->depth + 1, sizeof *m->stack, err))
        return false;
    m->stack[m->depth++] = id;
    return true;
}

/* What a block holds in a heap where it may not hold everything. */
static bool reach_held_by_block(struct marking *m, object_id id, struct error *err)
{
    const struct heap *heap = m->heap;
    const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
    uint64_t start = csr_start(&heap->edges, id), end = csr_end(&heap->edges, id);
    for (uint64_t i = start; i < end; i++) {
        object_id target = heap->edges.item[i];
        if (shape_is_weak(heap, shape, i - start) ||
            (!(m->traits[heap->shape[target]] & SHAPE_IS_NATIVE) && !(m->claims && m->claims[target])))
            continue;
        if (!reach(m, target, err))
            return false;
    }
    return true;
}

static bool reach_held(struct marking *m, object_id id, bool follow_types, struct error *err)
{
    const struct heap *heap = m->heap;
    const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
    if (m->claimed && m->traits[heap->shape[id]] & SHAPE_IS_NATIVE)
        return reach_held_by_block(m, id, err);
    bool weak = m->traits[heap->shape[id]] & SHAPE_HAS_WEAK;
    uint64_t start = csr_start(&heap->edges, id), end = csr_end(&heap->edges, id);
    for (uint64_t i = start; i < end; i++)
        if (!(weak && shape_is_weak(heap, shape, i - start)) && !reach(m, heap->edges.item[i], err))
            return false;
    return !follow_types || reach(m, heap->types[shape->type].object, err);
}

static bool reach_all(struct marking *m, bool follow_types, struct error *err)
{
    while (m->depth)
        if (!reach_held(m, m->stack[--m->depth], follow_types, err))
            return false;
    return true;
}

bool reachability_mark(const struct heap *heap, bool follow_types, struct object_set *ret, struct error *err)
{
    struct marking m = {.heap = heap, .reached = ret};
    *ret = (struct object_set){0};
    uint8_t *traits = shape_traits(heap, err);
    bool ok = traits && object_set_create(ret, heap, err);
    m.traits = traits;
    for (uint32_t i = 0; ok && i < heap->root_count; i++)
        ok = reach(&m, heap->roots[i].target, err);
    /* What lies in a module's data or never dies needs no one to hold it. */
    for (object_id id = 1; ok && id <= heap->object_count; id++) {
        struct heap_detail detail;
        if (heap_detail(heap, id, &detail) && detail.flags & (OBJECT_STATIC | OBJECT_IMMORTAL))
            ok = reach(&m, id, err);
    }
    ok = ok && reach_all(&m, follow_types, err);
    free(traits);
    free(m.stack);
    if (!ok)
        object_set_free(ret);
    return ok;
}

static bool extend(struct marking *mark, bool follow_types, const object_id *seeds, size_t count,
                   struct error *err)
{
    struct marking m = *mark;
    const struct heap *heap = m.heap;
    uint8_t *traits = shape_traits(heap, err);
    bool ok = traits != NULL;
    m.traits = traits;
    for (size_t i = 0; ok && i < count; i++)
        ok = reach(&m, seeds[i], err) && reach_all(&m, follow_types, err);
    free(traits);
    free(m.stack);
    return ok;
}

bool reachability_extend(const struct heap *heap, bool follow_types, const object_id *seeds, size_t count,
                         struct object_set *set, struct error *err)
{
    struct marking m = {.heap = heap, .reached = set};
    return extend(&m, follow_types, seeds, count, err);
}

bool reachability_extend_claimed(const struct heap *heap, bool follow_types, const object_id *seeds,
                                 size_t count, const uint32_t *claims, struct object_set *set,
                                 struct error *err)
{
    struct marking m = {.heap = heap, .reached = set, .claimed = true, .claims = claims};
    return extend(&m, follow_types, seeds, count, err);
}
