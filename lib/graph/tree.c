#include "lib/graph/tree.h"

#include <stdlib.h>

#include "lib/base/vector.h"
#include "lib/graph/shape_traits.h"

struct tree_search {
    const struct heap *heap;
    const struct tree_options *options;
    uint8_t *traits;
    struct object_set visited, expanded; /* expanded: transparent parts whose content is visited already */
    object_id *queue;
    size_t head, count, capacity;
    bool has_blocks;
    bool no_blocks; /* not yet */
    bool met_block; /* meanwhile */
    struct error *err;
};

static bool is_block(const struct tree_search *s, object_id id)
{
    return s->traits[s->heap->shape[id]] & SHAPE_IS_NATIVE;
}

/* Does native memory count here, as holder or as what is held? */
static bool may_hold(struct tree_search *s, const struct tree_visit *v)
{
    if (!s->has_blocks)
        return true;
    if (is_block(s, v->object)) {
        s->met_block |= s->no_blocks;
        return !s->no_blocks;
    }
    bool word = v->parent ? is_block(s, v->parent) : root_kind_is_native(s->heap->roots[v->root].kind);
    return !word || !s->options->claims ||
           found_references_missing(s->options->claims, s->heap, v->object) != 0;
}

static bool visit(struct tree_search *s, const struct tree_visit *v)
{
    if (!v->object || (s->options->avoid && object_set_has(s->options->avoid, v->object)) ||
        !may_hold(s, v) || !object_set_enter(&s->visited, v->object))
        return true;
    if (s->options->parent)
        s->options->parent[v->object] = v->via ? v->via : v->parent;
    if (s->options->visit && !s->options->visit(s->options->self, v, s->err))
        return false;
    if (s->count == s->capacity &&
        !vector_reserve((void **)&s->queue, &s->capacity, s->count + 1, sizeof *s->queue, s->err))
        return false;
    s->queue[s->count++] = v->object;
    return true;
}

/* Visits what `via` (a part of `parent`) or else `parent` holds directly. */
static bool visit_row(struct tree_search *s, object_id parent, object_id via)
{
    const struct heap *heap = s->heap;
    object_id source = via ? via : parent;
    const struct heap_shape *shape = &heap->shapes[heap->shape[source]];
    bool weak = s->traits[heap->shape[source]] & SHAPE_HAS_WEAK;
    uint64_t start = csr_start(&heap->edges, source), end = csr_end(&heap->edges, source);
    for (uint64_t i = start; i < end; i++) {
        object_id target = heap->edges.item[i];
        if (!target || object_set_has(&s->visited, target) || (weak && shape_is_weak(heap, shape, i - start)))
            continue;
        struct tree_visit v = {.object = target, .parent = parent, .via = via, .edge = i};
        if (!visit(s, &v))
            return false;
    }
    return true;
}

static bool expand_parts(struct tree_search *s, object_id owner)
{
    const struct heap *heap = s->heap;
    const struct heap_shape *shape = &heap->shapes[heap->shape[owner]];
    uint64_t start = csr_start(&heap->edges, owner), length = csr_end(&heap->edges, owner) - start;
    for (uint32_t f = 0; f < shape->field_count && f < length; f++) {
        object_id part = heap->edges.item[start + f];
        if (!part || part == owner || !reference_kind_is_part(heap->fields[shape->field_start + f].kind) ||
            (s->options->avoid && object_set_has(s->options->avoid, part)) ||
            !object_set_enter(&s->expanded, part))
            continue;
        if (!visit_row(s, owner, part))
            return false;
    }
    return true;
}

static bool expand(struct tree_search *s, object_id object)
{
    if (!object_set_has(&s->expanded, object)) {
        if (object_set_has(s->options->transparent, object))
            object_set_add(&s->expanded, object);
        if (!visit_row(s, object, 0))
            return false;
    }
    if ((s->traits[s->heap->shape[object]] & SHAPE_HAS_PART) && !expand_parts(s, object))
        return false;
    if (s->options->follow_types) {
        struct tree_visit v = {.object = s->heap->types[heap_type_of(s->heap, object)].object,
                               .parent = object,
                               .edge = TREE_TYPE_EDGE};
        return visit(s, &v);
    }
    return true;
}

static int compare_roots(const void *a, const void *b, void *heap)
{
    return root_compare(heap, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Roots that are their targets are level 0, what other roots hold is level 1, like what the former hold. On
   either level the better root comes first: so the tree hangs what is equally near under the root a person
   would rather hear of. */
static bool seed(struct tree_search *s, const uint32_t *order, uint32_t count)
{
    const struct heap_root *roots = s->heap->roots;
    for (uint32_t i = 0; i < count; i++) {
        struct tree_visit v = {.object = roots[order[i]].target, .root = order[i]};
        if (root_cost(&roots[order[i]]) == 0 && !visit(s, &v))
            return false;
    }
    size_t zero_end = s->count;
    for (uint32_t i = 0; i < count; i++) {
        const struct heap_root *root = &roots[order[i]];
        if (root_cost(root) == 0) {
            /* Queue order is root order; only the first of a target's roots has put it in. */
            if (s->head < zero_end && s->queue[s->head] == root->target && !expand(s, s->queue[s->head++]))
                return false;
        } else {
            struct tree_visit v = {.object = root->target, .root = order[i]};
            if (!visit(s, &v))
                return false;
        }
    }
    return true;
}

static bool drain(struct tree_search *s)
{
    while (s->head < s->count)
        if (!expand(s, s->queue[s->head++]))
            return false;
    return true;
}

/* Less comes first; words of native memory after everything the runtime says. */
static unsigned level_of(const struct heap_root *root)
{
    return root_kind_is_native(root->kind) ? 1 + root_penalty(root) : 0;
}

/* The roots of one level after those of another. `order` holds the best first, within each level. */
static bool walk_levels(struct tree_search *s, uint32_t *order, uint32_t count)
{
    static const unsigned levels[] = {0, 1, 9, 17};
    const struct heap_root *roots = s->heap->roots;
    uint32_t *part = malloc(((size_t)count + 1) * sizeof *part);
    bool ok = part || error_no_memory(s->err);
    if (!s->has_blocks && ok) {
        ok = seed(s, order, count);
        free(part);
        return ok;
    }
    for (size_t level = 0; ok && level < sizeof levels / sizeof *levels; level++) {
        uint32_t some = 0;
        for (uint32_t i = 0; i < count; i++)
            if (level_of(&roots[order[i]]) == levels[level])
                part[some++] = order[i];
        s->no_blocks = level == 0;
        ok = seed(s, part, some) && drain(s);
        if (ok && level == 0 && s->met_block) {
            /* Once more through what was reached, now with the blocks it holds. */
            s->no_blocks = false;
            s->head = 0;
            object_set_free(&s->expanded);
            ok = object_set_create(&s->expanded, s->heap, s->err) && seed(s, part, some) && drain(s);
        }
    }
    free(part);
    return ok;
}

bool tree_walk(const struct heap *heap, const struct roots *roots, const struct tree_options *options,
               struct error *err)
{
    struct tree_search s = {.heap = heap, .options = options, .err = err};
    s.has_blocks = (heap_contents(heap) & HEAP_HAS_BLOCKS) != 0;
    uint32_t *order = malloc(((size_t)heap->root_count + 1) * sizeof *order);
    uint32_t count = 0;
    bool ok = order || error_no_memory(err);
    ok = ok && (s.traits = shape_traits(heap, err)) && object_set_create(&s.visited, heap, err) &&
         object_set_create(&s.expanded, heap, err);
    if (ok) {
        for (uint32_t i = 0; i < heap->root_count; i++)
            if (!options->avoid_roots || !options->avoid_roots[roots->order[i]])
                order[count++] = roots->order[i];
        qsort_r(order, count, sizeof *order, compare_roots, (void *)(uintptr_t)heap);
        ok = walk_levels(&s, order, count);
    }
    ok = ok && drain(&s);
    free(order);
    free(s.traits);
    free(s.queue);
    object_set_free(&s.visited);
    object_set_free(&s.expanded);
    return ok;
}
