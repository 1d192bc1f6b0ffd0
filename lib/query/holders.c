#include "lib/query/holders.h"

#include <stdlib.h>

#include "lib/base/vector.h"
#include "lib/graph/shape_traits.h"
#include "lib/query/fold.h"
#include "lib/query/raw.h"
#include "lib/query/view_private.h"

void holds_free(struct holds *holds)
{
    free(holds->item);
    *holds = (struct holds){0};
}

static bool add(struct holds *holds, const struct hold *hold, struct error *err)
{
    if (holds->count == holds->capacity &&
        !vector_reserve((void **)&holds->item, &holds->capacity, holds->count + 1, sizeof *holds->item, err))
        return false;
    holds->item[holds->count++] = *hold;
    return true;
}

/* Does `source` refer to `target` by its CACHE or NAMESPACE or FRAME field? */
static bool refers_as(const struct heap *heap, object_id source, object_id target,
                      bool (*wanted)(unsigned kind))
{
    const struct heap_shape *shape = &heap->shapes[heap->shape[source]];
    uint64_t start = csr_start(&heap->edges, source), length = raw_degree(heap, source);
    for (uint32_t f = 0; f < shape->field_count && f < length; f++)
        if (heap->edges.item[start + f] == target && wanted(heap->fields[shape->field_start + f].kind))
            return true;
    return false;
}

static bool is_cache_kind(unsigned kind)
{
    return kind == REFERENCE_CACHE;
}

/* The next distinct holder of an object at or after position *at of its reverse row; 0: no more. */
static object_id next_source(const struct graph *graph, object_id object, uint64_t *at)
{
    uint64_t end = csr_end(&graph->reverse, object);
    if (*at >= end)
        return 0;
    object_id source = graph->reverse.item[*at];
    while (*at < end && graph->reverse.item[*at] == source)
        ++*at;
    return source;
}

/* Who owns the part, and do others than functions and frames hold it too? */
static struct part_memory part_owner(struct view *view, const struct graph *graph, object_id part)
{
    const struct heap *heap = view->heap;
    struct part_memory *slot = view->parts ? &view->parts[part % PART_SLOTS] : NULL;
    if (slot && slot->part == part)
        return *slot;
    struct part_memory found = {.part = part};
    uint64_t at = csr_start(&graph->reverse, part);
    for (object_id source; (source = next_source(graph, part, &at)) != 0;) {
        enum family family = heap_family(heap, source);
        if (source != part && refers_as(heap, source, part, reference_kind_is_part)) {
            found.several |= found.owner != 0;
            found.owner = source;
        } else if (family != FAMILY_FUNCTION && family != FAMILY_FRAME && family != FAMILY_GENERATOR)
            found.others = true;
    }
    if (!view->parts)
        view->parts = calloc(PART_SLOTS, sizeof *view->parts);
    if (view->parts)
        view->parts[part % PART_SLOTS] = found;
    return found;
}

static bool add_part_owners(struct view *view, const struct graph *graph, const struct reference *raw,
                            const struct part_memory *known, struct holds *ret, struct error *err)
{
    struct hold hold;
    if (!known->several)
        return !known->owner || !fold_part(view, known->owner, raw, &hold) || add(ret, &hold, err);
    uint64_t at = csr_start(&graph->reverse, raw->source);
    for (object_id owner; (owner = next_source(graph, raw->source, &at)) != 0;)
        if (owner != raw->source && refers_as(view->heap, owner, raw->source, reference_kind_is_part) &&
            fold_part(view, owner, raw, &hold) && !add(ret, &hold, err))
            return false;
    return true;
}

/* Functions whose closure holds the cell. *others: something else holds the cell too. */
static bool add_closures(struct view *view, const struct graph *graph, const struct reference *raw,
                         struct holds *ret, bool *others, struct error *err)
{
    const struct heap *heap = view->heap;
    uint64_t at = csr_start(&graph->reverse, raw->source);
    const struct roots *roots = view_roots(view, err);
    if (!roots)
        return false;
    *others = object_set_has(&roots->rooted, raw->source);
    for (object_id tuple; (tuple = next_source(graph, raw->source, &at)) != 0;) {
        bool closure = false;
        uint64_t up = csr_start(&graph->reverse, tuple);
        for (object_id function;
             heap_family(heap, tuple) == FAMILY_TUPLE && (function = next_source(graph, tuple, &up)) != 0;) {
            struct hold hold;
            if (!fold_closure(view, function, tuple, raw, &hold))
                continue;
            closure = true;
            if (!add(ret, &hold, err))
                return false;
        }
        *others |= !closure;
    }
    return true;
}

/* Caches that hold the value, in their dict (`part`, under `key`) or in a link that is in it. */
static bool add_caches(struct view *view, const struct graph *graph, const struct reference *raw,
                       object_id part, object_id key, struct holds *ret, bool *found, struct error *err)
{
    if (view->no_cache == part)
        return true;
    bool cached = false;
    uint64_t at = csr_start(&graph->reverse, part);
    for (object_id source; (source = next_source(graph, part, &at)) != 0;) {
        if (!refers_as(view->heap, source, part, is_cache_kind))
            continue;
        struct hold hold = {.holder = source,
                            .object = raw->target,
                            .kind = REFERENCE_CACHE,
                            .name = "",
                            .key = key,
                            .via = raw->source};
        cached = *found = true;
        if (!add(ret, &hold, err))
            return false;
    }
    if (!cached)
        view->no_cache = part;
    return true;
}

static bool add_link_caches(struct view *view, const struct graph *graph, const struct reference *raw,
                            struct holds *ret, bool *found, struct error *err)
{
    object_id key = raw_field(view->heap, raw->source, "<key>", NULL);
    uint64_t at = csr_start(&graph->reverse, raw->source);
    for (object_id dict; (dict = next_source(graph, raw->source, &at)) != 0;)
        if (heap_family(view->heap, dict) == FAMILY_DICT &&
            !add_caches(view, graph, raw, dict, key, ret, found, err))
            return false;
    return true;
}

/* One raw reference to the object becomes the holders a person would name. */
static bool add_folded(struct view *view, const struct graph *graph, const struct reference *raw,
                       struct holds *ret, struct error *err)
{
    const struct heap *heap = view->heap;
    bool folded = false, others = false;
    size_t before = ret->count;
    enum family family = heap_family(heap, raw->source);
    if (object_set_has(&graph->transparent, raw->source)) {
        struct part_memory known = part_owner(view, graph, raw->source);
        if (!add_part_owners(view, graph, raw, &known, ret, err))
            return false;
        folded = ret->count > before;
        others = known.others;
    } else if (family == FAMILY_CELL && raw->kind == REFERENCE_CELL) {
        if (!add_closures(view, graph, raw, ret, &others, err))
            return false;
        folded = ret->count > before;
    } else if (family == FAMILY_LRU_LINK && raw_name_is(heap, raw, "<result>")) {
        if (!add_link_caches(view, graph, raw, ret, &folded, err))
            return false;
    } else if (family == FAMILY_DICT && raw->kind == REFERENCE_KEY &&
               heap_family(heap, raw->target) != FAMILY_LRU_LINK) {
        if (!add_caches(view, graph, raw, raw->source, raw->key, ret, &folded, err))
            return false;
    }
    if (folded && !others)
        return true;
    struct hold hold = fold_none(view, raw);
    return add(ret, &hold, err);
}

bool holders_of_reference(struct view *view, const struct reference *raw, struct holds *ret,
                          struct error *err)
{
    const struct graph *graph = view_graph(view, err);
    return graph && add_folded(view, graph, raw, ret, err);
}

bool holders_of(struct view *view, object_id object, struct holds *ret, struct error *err)
{
    const struct graph *graph = view_graph(view, err);
    if (!graph)
        return false;
    uint64_t at = csr_start(&graph->reverse, object);
    for (object_id source; (source = next_source(graph, object, &at)) != 0;) {
        struct reference raw;
        for (uint64_t edge = csr_start(&graph->heap->edges, source);
             graph_next_reference(graph->heap, source, object, &edge, &raw);)
            if (!add_folded(view, graph, &raw, ret, err))
                return false;
    }
    return true;
}

/* Marks the objects and all that hold them. */
static bool mark_sources(const struct graph *graph, const object_id *objects, size_t count,
                         struct object_set *wanted, struct object_set *sources, struct error *err)
{
    if (!object_set_create(wanted, graph->heap, err) || !object_set_create(sources, graph->heap, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        object_set_add(wanted, objects[i]);
        uint64_t end = csr_end(&graph->reverse, objects[i]);
        for (uint64_t at = csr_start(&graph->reverse, objects[i]); at < end; at++)
            object_set_add(sources, graph->reverse.item[at]);
    }
    return true;
}

bool holders_of_many(struct view *view, const object_id *objects, size_t count, struct holds *ret,
                     struct error *err)
{
    if (count == 1)
        return holders_of(view, objects[0], ret, err);
    const struct graph *graph = view_graph(view, err);
    struct object_set wanted = {0}, sources = {0};
    bool ok = graph && mark_sources(graph, objects, count, &wanted, &sources, err);
    for (object_id source = 0; ok && (source = object_set_next(&sources, source)) != 0;) {
        uint64_t end = csr_end(&graph->heap->edges, source);
        for (uint64_t edge = csr_start(&graph->heap->edges, source); ok && edge < end; edge++) {
            object_id target = graph->heap->edges.item[edge];
            if (!target || !object_set_has(&wanted, target))
                continue;
            struct reference raw = heap_reference(graph->heap, source, edge);
            ok = add_folded(view, graph, &raw, ret, err);
        }
    }
    object_set_free(&sources);
    object_set_free(&wanted);
    return ok;
}

/* What a function's closure holds, by variable. */
static bool add_closure_content(struct view *view, object_id function, object_id tuple, struct holds *ret,
                                struct error *err)
{
    const struct heap *heap = view->heap;
    uint64_t start = csr_start(&heap->edges, tuple), end = csr_end(&heap->edges, tuple);
    for (uint64_t i = start; i < end; i++) {
        object_id cell = heap->edges.item[i];
        uint64_t edge;
        if (!cell || heap_family(heap, cell) != FAMILY_CELL || !raw_field(heap, cell, "cell_contents", &edge))
            continue;
        struct reference raw = heap_reference(heap, cell, edge);
        struct hold hold;
        if (fold_closure_at(view, function, i - start, &raw, &hold) && !add(ret, &hold, err))
            return false;
    }
    return true;
}

static bool add_cache_content(struct view *view, object_id wrapper, object_id dict, struct holds *ret,
                              struct error *err)
{
    const struct heap *heap = view->heap;
    uint64_t end = csr_end(&heap->edges, dict);
    for (uint64_t edge = csr_start(&heap->edges, dict); edge < end; edge++) {
        struct reference raw = heap_reference(heap, dict, edge);
        struct hold hold = {.holder = wrapper,
                            .object = raw.target,
                            .kind = REFERENCE_CACHE,
                            .name = "",
                            .key = raw.key,
                            .via = dict};
        if (!raw.target || raw.kind != REFERENCE_KEY)
            continue;
        if (heap_family(heap, raw.target) == FAMILY_LRU_LINK) {
            hold.via = raw.target;
            hold.object = raw_field(heap, raw.target, "<result>", NULL);
        }
        if (hold.object && !add(ret, &hold, err))
            return false;
    }
    return true;
}

static bool add_part_content(struct view *view, object_id owner, object_id part, struct holds *ret,
                             struct error *err)
{
    const struct heap *heap = view->heap;
    uint64_t end = csr_end(&heap->edges, part);
    for (uint64_t edge = csr_start(&heap->edges, part); edge < end; edge++) {
        struct reference raw = heap_reference(heap, part, edge);
        struct hold hold;
        if (raw.target && fold_part(view, owner, &raw, &hold) && !add(ret, &hold, err))
            return false;
    }
    return true;
}

bool referents_add_type(struct view *view, object_id object, struct holds *ret, struct error *err)
{
    const struct heap_type *type = &view->heap->types[heap_type_of(view->heap, object)];
    if (!(type->flags & TYPE_HEAP) || !type->object)
        return true;
    struct hold hold = {.holder = object, .object = type->object, .kind = REFERENCE_TYPE, .name = ""};
    return add(ret, &hold, err);
}

bool referents_of(struct view *view, object_id object, struct holds *ret, struct error *err)
{
    const struct heap *heap = view->heap;
    uint64_t end = csr_end(&heap->edges, object);
    for (uint64_t edge = csr_start(&heap->edges, object); edge < end; edge++) {
        struct reference raw = heap_reference(heap, object, edge);
        if (!raw.target)
            continue;
        struct hold hold = fold_none(view, &raw);
        if (!add(ret, &hold, err))
            return false;
        bool ok = true;
        if (reference_kind_is_part(raw.kind) && raw.target != object)
            ok = add_part_content(view, object, raw.target, ret, err);
        else if (raw.kind == REFERENCE_CACHE && heap_family(heap, raw.target) == FAMILY_DICT)
            ok = add_cache_content(view, object, raw.target, ret, err);
        else if (raw_name_is(heap, &raw, "__closure__") && heap_family(heap, object) == FAMILY_FUNCTION)
            ok = add_closure_content(view, object, raw.target, ret, err);
        if (!ok)
            return false;
    }
    return true;
}
