#include "lib/graph/reverse_search.h"

#include <stdlib.h>

#include "lib/base/vector.h"
#include "lib/graph/shape_traits.h"

static bool append(struct reverse_search *s, object_id object, size_t next, struct error *err)
{
    if (s->count == s->capacity &&
        !vector_reserve((void **)&s->node, &s->capacity, s->count + 1, sizeof *s->node, err))
        return false;
    s->node[s->count++] = (struct reverse_node){object, (uint32_t)next};
    return true;
}

static bool push(struct reverse_search *s, object_id object, size_t next, struct error *err)
{
    if (!object_set_enter(&s->visited, object))
        return true;
    if (s->level)
        s->level[object] = s->depth + 1;
    return append(s, object, next, err);
}

bool reverse_search_begin(struct reverse_search *s, const struct graph *graph, object_id target,
                          const struct object_set *avoid, bool with_levels, struct error *err)
{
    const struct heap *heap = graph->heap;
    *s = (struct reverse_search){.graph = graph, .avoid = avoid};
    s->traits = shape_traits(heap, err);
    if (!s->traits || !object_set_create(&s->visited, heap, err) || !object_set_create(&s->opened, heap, err))
        return false;
    if (with_levels) {
        s->level = calloc((size_t)heap->object_count + 1, sizeof *s->level);
        if (!s->level)
            return error_no_memory(err);
    }
    return push(s, target, 0, err);
}

void reverse_search_end(struct reverse_search *s)
{
    free(s->traits);
    free(s->level);
    free(s->node);
    object_set_free(&s->visited);
    object_set_free(&s->opened);
    *s = (struct reverse_search){0};
}

/* The owners of a transparent object hold what is in it: they are as near as the object itself. */
static bool push_owners(struct reverse_search *s, object_id part, size_t at, struct error *err)
{
    const struct csr *reverse = &s->graph->reverse;
    uint64_t end = csr_end(reverse, part);
    for (uint64_t i = csr_start(reverse, part); i < end; i++) {
        object_id owner = reverse->item[i];
        if (object_set_has(&s->visited, owner) || (s->avoid && object_set_has(s->avoid, owner)))
            continue;
        if (shape_owns_part(s->graph->heap, s->traits, owner, part, NULL) && !push(s, owner, at, err))
            return false;
    }
    return true;
}

static bool push_holders(struct reverse_search *s, size_t at, struct error *err)
{
    const struct heap *heap = s->graph->heap;
    const struct csr *reverse = &s->graph->reverse;
    object_id target = s->node[at].object;
    uint64_t end = csr_end(reverse, target);
    bool not_blocks = s->claims && !(s->traits[heap->shape[target]] & SHAPE_IS_NATIVE) &&
                      !found_references_missing(s->claims, heap, target);
    for (uint64_t i = csr_start(reverse, target); i < end; i++) {
        object_id holder = reverse->item[i];
        bool visited = object_set_has(&s->visited, holder);
        bool opens = object_set_has(&s->graph->transparent, holder) && !object_set_has(&s->opened, holder);
        if (not_blocks && s->traits[heap->shape[holder]] & SHAPE_IS_NATIVE)
            continue;
        if ((visited && !opens) || (s->avoid && object_set_has(s->avoid, holder)) ||
            !shape_holds(heap, s->traits, holder, target))
            continue;
        /* A part met before, but as an owner: its own owners need a node that leads on from here. */
        size_t here = s->count;
        if (!(visited ? append(s, holder, at, err) : push(s, holder, at, err)))
            return false;
        if (opens) {
            object_set_add(&s->opened, holder);
            if (!push_owners(s, holder, here, err))
                return false;
        }
    }
    return true;
}

bool reverse_search_step(struct reverse_search *s, struct error *err)
{
    size_t end = s->count;
    s->depth++;
    for (size_t at = s->first; at < end; at++)
        if (!push_holders(s, at, err))
            return false;
    s->first = end;
    return true;
}

/* Of several references between two objects the one that reads best: a part as a part, a value rather than
   its key, certain rather than not; then the first. */
static uint64_t best_reference(const struct heap *heap, object_id source, object_id target)
{
    struct reference reference;
    uint64_t at = csr_start(&heap->edges, source), best = at;
    int best_score = -1;
    while (best_score < 2 && graph_next_reference(heap, source, target, &at, &reference)) {
        int score = reference_kind_is_loose(reference.kind)                                            ? 0
                    : reference.kind == REFERENCE_KEY_OBJECT || reference.certainty != CERTAINTY_EXACT ? 1
                                                                                                       : 2;
        if (score > best_score) {
            best_score = score;
            best = reference.edge;
        }
    }
    return best;
}

bool reverse_search_chain(const struct reverse_search *s, size_t index, struct chain *ret, struct error *err)
{
    uint32_t count = 1;
    for (size_t i = index; s->node[i].next != i; i = s->node[i].next)
        count++;
    *ret = (struct chain){.root = PATH_NO_ROOT, .step_count = count};
    ret->steps = calloc(count, sizeof *ret->steps);
    if (!ret->steps)
        return error_no_memory(err);
    size_t i = index;
    for (uint32_t step = 0; step < count; step++, i = s->node[i].next) {
        object_id object = s->node[i].object;
        ret->steps[step].object = object;
        if (step) {
            object_id holder = ret->steps[step - 1].object;
            uint64_t *edge = &ret->steps[step].edge;
            if (!shape_owns_part(s->graph->heap, s->traits, holder, object, edge))
                *edge = best_reference(s->graph->heap, holder, object);
        }
    }
    return true;
}
