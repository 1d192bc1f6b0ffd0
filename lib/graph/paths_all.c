#include "lib/graph/paths_all.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/graph/shape_traits.h"

/* A place in the walk from a root down to the target: `object` at its level, and how far its references are
   tried. Inside a transparent part of the object, `part` is that part and `inner` the place in its own
   references. */
struct place {
    object_id object, part;
    uint64_t edge, inner; /* the next ones to try */
    bool is_part; /* entered as a part of the object before: its own parts are entered from there, once is
                     enough */
};

struct walk {
    const struct reverse_search *search;
    const struct path_query *query;
    struct place *place; /* the stack; place[0] is the root's target */
    size_t depth, capacity;
    struct chain *chains;
    size_t count, chain_capacity;
};

/* The next object one level nearer to the target that the place holds, or 0. Places whose level is 0 are the
 * target. */
static object_id advance(const struct walk *w, struct place *place)
{
    const struct reverse_search *search = w->search;
    const struct heap *heap = search->graph->heap;
    const uint32_t *item = heap->edges.item, *level = search->level;
    uint32_t wanted = level[place->object] - 1;
    const struct heap_shape *shape = &heap->shapes[heap->shape[place->object]];
    uint64_t start = csr_start(&heap->edges, place->object), end = csr_end(&heap->edges, place->object);
    for (;;) {
        if (place->part) {
            const struct heap_shape *inner = &heap->shapes[heap->shape[place->part]];
            uint64_t first = csr_start(&heap->edges, place->part), last = csr_end(&heap->edges, place->part);
            while (place->inner < last) {
                uint64_t i = place->inner++;
                if (item[i] && level[item[i]] == wanted && !shape_is_weak(heap, inner, i - first))
                    return item[i];
            }
            place->part = 0;
        }
        if (place->edge >= end)
            return 0;
        uint64_t i = place->edge++;
        object_id target = item[i];
        if (!target || shape_is_weak(heap, shape, i - start))
            continue;
        if (!place->is_part && i - start < shape->field_count && target != place->object &&
            reference_kind_is_part(heap->fields[shape->field_start + (i - start)].kind) &&
            !(w->query->avoid && object_set_has(w->query->avoid, target))) {
            place->part = target;
            place->inner = csr_start(&heap->edges, target);
        }
        if (level[target] == wanted)
            return target;
    }
}

/* Was the last object returned by advance() found inside the part? */
static bool came_through_part(const struct place *place, const struct heap *heap)
{
    return place->part && place->inner > csr_start(&heap->edges, place->part);
}

static bool emit(struct walk *w, uint32_t root, uint32_t cost, struct error *err)
{
    const struct heap *heap = w->search->graph->heap;
    uint32_t steps = 0;
    for (size_t i = 0; i < w->depth; i++)
        steps += i + 1 < w->depth && came_through_part(&w->place[i], heap) ? 2 : 1;
    if (!vector_reserve((void **)&w->chains, &w->chain_capacity, w->count + 1, sizeof *w->chains, err))
        return false;
    struct chain *chain = &w->chains[w->count];
    uint32_t penalty = root == PATH_NO_ROOT ? 0 : root_penalty(&heap->roots[root]);
    *chain = (struct chain){.root = root, .length = cost - penalty, .step_count = steps};
    chain->steps = calloc(steps, sizeof *chain->steps);
    if (!chain->steps)
        return error_no_memory(err);
    w->count++;
    struct chain_step *step = chain->steps;
    *step++ = (struct chain_step){w->place[0].object, 0};
    for (size_t i = 0; i + 1 < w->depth; i++) {
        const struct place *place = &w->place[i];
        if (came_through_part(place, heap)) {
            *step++ = (struct chain_step){place->part, place->edge - 1};
            *step++ = (struct chain_step){w->place[i + 1].object, place->inner - 1};
        } else
            *step++ = (struct chain_step){w->place[i + 1].object, place->edge - 1};
    }
    return true;
}

/* Did the object before step into its own part, as such? */
static bool stepped_into_part(const struct walk *w, object_id object)
{
    const struct heap *heap = w->search->graph->heap;
    if (!w->depth)
        return false;
    const struct place *above = &w->place[w->depth - 1];
    return !came_through_part(above, heap) && above->object != object &&
           reference_kind_is_part(heap_reference(heap, above->object, above->edge - 1).kind);
}

static bool enter(struct walk *w, object_id object, struct error *err)
{
    bool is_part = stepped_into_part(w, object);
    if (!vector_reserve((void **)&w->place, &w->capacity, w->depth + 1, sizeof *w->place, err))
        return false;
    uint64_t start = csr_start(&w->search->graph->heap->edges, object);
    w->place[w->depth++] = (struct place){.object = object, .edge = start, .is_part = is_part};
    return true;
}

static bool walk_from(struct walk *w, object_id object, uint32_t root, uint32_t cost, struct error *err)
{
    w->depth = 0;
    if (!enter(w, object, err))
        return false;
    while (w->depth && w->count < w->query->max) {
        struct place *top = &w->place[w->depth - 1];
        if (w->search->level[top->object] == 1) { /* the target */
            if (!emit(w, root, cost, err))
                return false;
            w->depth--;
            continue;
        }
        object_id next = advance(w, top);
        if (!next)
            w->depth--;
        else if (!enter(w, next, err))
            return false;
    }
    return true;
}

static int compare_roots(const void *a, const void *b, void *heap)
{
    return root_compare(heap, *(const uint32_t *)a, *(const uint32_t *)b);
}

bool paths_all(const struct reverse_search *search, const struct roots *roots, const struct path_query *query,
               uint32_t cost, struct chain **ret, uint32_t *count, struct error *err)
{
    struct walk w = {.search = search, .query = query};
    const struct heap *heap = search->graph->heap;
    bool ok = true;
    if (query->from)
        ok = walk_from(&w, query->from, PATH_NO_ROOT, cost, err);
    else {
        uint32_t *order = malloc(((size_t)heap->root_count + 1) * sizeof *order);
        if (!order)
            return error_no_memory(err);
        uint32_t found = 0;
        for (uint32_t i = 0; i < heap->root_count; i++) {
            uint32_t level = search->level[heap->roots[i].target];
            if (level && level - 1 + root_cost(&heap->roots[i]) + root_penalty(&heap->roots[i]) == cost &&
                paths_may_begin(query, heap, i))
                order[found++] = i;
        }
        qsort_r(order, found, sizeof *order, compare_roots, (void *)(uintptr_t)roots->heap);
        for (uint32_t i = 0; ok && i < found && w.count < query->max; i++)
            ok = walk_from(&w, heap->roots[order[i]].target, order[i], cost, err);
        free(order);
    }
    free(w.place);
    if (!ok) {
        chains_free(w.chains, (uint32_t)w.count);
        return false;
    }
    *ret = w.chains;
    *count = (uint32_t)w.count;
    return true;
}
