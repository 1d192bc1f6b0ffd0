#include "lib/query/unreachable_search.h"

#include <stdlib.h>

#include "lib/base/vector.h"
#include "lib/graph/shape_traits.h"

/* What stands for an object: its cycle's first member, or itself. */
static object_id node_of(const struct unreachable_search *m, object_id id)
{
    uint32_t component = m->components.of[id];
    return component ? m->components.member[m->components.start[component - 1]] : id;
}

static bool is_block(const struct unreachable_search *m, object_id id)
{
    return m->traits[m->heap->shape[id]] & SHAPE_IS_NATIVE;
}

/* Calls visit(target) for all unreachable objects that `source` holds, its class included. */
static bool each_held(struct unreachable_search *m, object_id source,
                      bool (*visit)(struct unreachable_search *m, object_id source, object_id target,
                                    struct error *err),
                      struct error *err)
{
    const struct heap *heap = m->heap;
    const struct heap_shape *shape = &heap->shapes[heap->shape[source]];
    bool weak = m->traits[heap->shape[source]] & SHAPE_HAS_WEAK;
    uint64_t start = csr_start(&heap->edges, source), end = csr_end(&heap->edges, source);
    object_id class = heap->types[shape->type].object;
    bool guesses = m->mixed && is_block(m, source);
    for (uint64_t i = start; i < end; i++) {
        object_id target = heap->edges.item[i];
        if (target && !object_set_has(&m->outside, target) &&
            !(guesses && !is_block(m, target) && !m->fates.unexplained[target]) &&
            !(weak && shape_is_weak(heap, shape, i - start)) && !visit(m, source, target, err))
            return false;
    }
    return !class || !(heap->types[shape->type].flags & TYPE_HEAP) || object_set_has(&m->outside, class) ||
           visit(m, source, class, err);
}

static bool mark_held(struct unreachable_search *m, object_id source, object_id target, struct error *err)
{
    (void)err;
    object_id node = node_of(m, target);
    if (node != node_of(m, source))
        object_set_add(&m->held, node);
    return true;
}

/* The best known member of a cycle, and what C holds of it. */
static void describe_cycle(struct unreachable_search *m, struct unreachable_head *head)
{
    const struct components *components = &m->components;
    unsigned best = UINT32_MAX;
    uint64_t start = components->start[head->component - 1], end = components->start[head->component];
    head->object = components->member[start];
    for (uint64_t i = start; i < end; i++) {
        object_id id = components->member[i];
        cycle_marks_add(&head->marks, m->heap, m->finalizers, id);
        unsigned rank = cycle_chain_rank(&m->reader, id);
        if (rank < best || (rank == best && m->heap->address[id] < m->heap->address[head->object])) {
            best = rank;
            head->object = id;
        }
    }
}

/* The class of noise that explains what C holds of the head: of a cycle it must explain all. */
static void explain(struct unreachable_search *m, struct unreachable_head *head)
{
    const struct components *components = &m->components;
    uint64_t start = head->component ? components->start[head->component - 1] : 0;
    uint64_t count = head->component ? components->start[head->component] - start : 1;
    bool real = false;
    for (uint64_t i = 0; i < count; i++) {
        object_id id = head->component ? components->member[start + i] : head->object;
        uint64_t unexplained = m->fates.unexplained[id];
        struct heap_detail detail;
        if (!unexplained)
            continue;
        head->unexplained += unexplained;
        heap_detail(m->heap, id, &detail);
        enum noise noise = noises_of(m->noises, id, detail.refcount - unexplained, unexplained);
        real = real || noise == NOISE_NONE;
        head->noise = head->noise ? head->noise : (uint8_t)noise;
    }
    if (real)
        head->noise = NOISE_NONE;
    bool block = is_block(m, head->object);
    for (uint64_t i = 0; block && head->component && i < count; i++)
        block = is_block(m, components->member[start + i]);
    head->why = head->noise         ? UNREACHABLE_NOISE
                : head->unexplained ? UNREACHABLE_FROM_C
                : block             ? UNREACHABLE_LEAKED
                : head->component   ? UNREACHABLE_CYCLE
                                    : UNREACHABLE_DYING;
}

static bool mark_head(struct unreachable_search *m, struct unreachable_head *head, struct error *err)
{
    uint64_t marks[2] = {(uint64_t)head->why << 8 | head->noise, 0};
    if (head->why != UNREACHABLE_CYCLE && !(head->why == UNREACHABLE_LEAKED && head->component))
        return unreachable_join(m, head, marks, err);
    struct cycle cycle;
    if (!cycle_chain_find(&m->reader, &m->search, head->component - 1, &cycle, err))
        return false;
    struct cycle_mark mark = cycle_chain_mark(&m->reader, &cycle, false);
    head->object = cycle.object[0];
    marks[0] = mark.a ^ (uint64_t)head->marks.frozen << 1 ^ (uint64_t)head->marks.legacy;
    marks[1] = mark.b;
    cycle_free(&cycle);
    return unreachable_join(m, head, marks, err);
}

static bool find_heads(struct unreachable_search *m, struct error *err)
{
    struct unreachable *ret = m->ret;
    for (object_id id = 0; (id = fates_next_unreached(&m->fates, id));)
        if (!each_held(m, id, mark_held, err))
            return false;
    for (object_id id = 0; (id = fates_next_unreached(&m->fates, id));) {
        if (object_set_has(&m->held, id) || node_of(m, id) != id)
            continue;
        if (ret->head_count == m->head_capacity &&
            !vector_reserve((void **)&ret->heads, &m->head_capacity, ret->head_count + 1, sizeof *ret->heads,
                            err))
            return false;
        struct unreachable_head *head = &ret->heads[ret->head_count++];
        *head = (struct unreachable_head){.object = id, .component = m->components.of[id]};
        if (head->component)
            describe_cycle(m, head);
        explain(m, head);
        if (!mark_head(m, head, err))
            return false;
        head->address = m->heap->address[head->object];
    }
    return true;
}

/* ---- what hangs under them ---- */

static bool take(struct unreachable_search *m, object_id target, uint32_t head, struct error *err)
{
    if (!object_set_enter(&m->owned, target))
        return true;
    if (!vector_reserve((void **)&m->queue, &m->queue_capacity, m->queued + 1, sizeof *m->queue, err) ||
        !vector_reserve((void **)&m->head_of, &m->head_of_capacity, m->queued + 1, sizeof *m->head_of, err))
        return false;
    m->queue[m->queued] = target;
    m->head_of[m->queued++] = head;
    return true;
}

static bool take_held(struct unreachable_search *m, object_id source, object_id target, struct error *err)
{
    (void)source;
    return take(m, target, m->head_of[m->at], err);
}

/* Breadth first from all heads of one kind at once: an object falls to the nearest. */
static bool share_out(struct unreachable_search *m, enum unreachable_why why, struct error *err)
{
    struct unreachable *ret = m->ret;
    for (size_t h = 0; h < ret->head_count; h++) {
        const struct unreachable_head *head = &ret->heads[h];
        uint64_t start = head->component ? m->components.start[head->component - 1] : 0;
        uint64_t end = head->component ? m->components.start[head->component] : 1;
        for (uint64_t i = start; head->why == why && i < end; i++)
            if (!take(m, head->component ? m->components.member[i] : head->object, (uint32_t)h, err))
                return false;
    }
    for (; m->at < m->queued; m->at++) {
        struct unreachable_sum *sum = &ret->heads[m->head_of[m->at]].holds;
        sum->objects++;
        sum->bytes += view_size(m->view, m->queue[m->at]);
        if (!each_held(m, m->queue[m->at], take_held, err))
            return false;
    }
    return true;
}

bool unreachable_heads(struct unreachable_search *m, struct error *err)
{
    /* What C holds is C's, whatever else leads to it; what the interpreter holds comes last. */
    static const enum unreachable_why order[] = {UNREACHABLE_FROM_C, UNREACHABLE_LEAKED, UNREACHABLE_CYCLE,
                                                 UNREACHABLE_DYING, UNREACHABLE_NOISE};
    bool ok = find_heads(m, err);
    for (size_t i = 0; ok && i < sizeof order / sizeof order[0]; i++)
        ok = share_out(m, order[i], err);
    return ok;
}
