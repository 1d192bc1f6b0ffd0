#include "lib/query/neighbourhood.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/query/fold.h"

/* One direction at a time: a breadth-first search of its own, into the same members. */
struct search {
    struct view *view;
    const struct heap *heap;
    const struct roots *roots;
    const struct neighbourhood_options *options;
    bool inwards;
    struct object_set met;
    struct neighbour_object *item;
    size_t count, capacity;
};

static bool add_object(struct search *s, object_id object, uint32_t depth, struct error *err)
{
    if (!vector_reserve((void **)&s->item, &s->capacity, s->count + 1, sizeof *s->item, err))
        return false;
    s->item[s->count++] = (struct neighbour_object){.object = object, .depth = depth};
    return true;
}

/* What holds a module, or another root that is the object itself, is not why it lives. */
static bool ends(const struct search *s, object_id object)
{
    uint32_t first, end;
    if (!s->inwards || !object_set_has(&s->roots->rooted, object) ||
        !roots_of(s->roots, object, &first, &end))
        return false;
    for (; first < end; first++)
        if (root_is_target(&s->heap->roots[s->roots->order[first]]))
            return true;
    return false;
}

/* In one object's answer: by the object asked about, then by the neighbour's address. */
struct step {
    object_id object, other;
    uint64_t address;
};

static int compare_steps(const void *a, const void *b)
{
    const struct step *x = a, *y = b;
    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return (x->other > y->other) - (x->other < y->other);
}

static int compare_items(const void *a, const void *b)
{
    const struct neighbour_object *x = a, *y = b;
    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    return (x->depth > y->depth) - (x->depth < y->depth);
}

static int compare_ids(const void *a, const void *b)
{
    const struct neighbour_object *x = a, *y = b;
    return (x->object > y->object) - (x->object < y->object);
}

/* References from the objects of a level, item[first] and up, which is put into the order of ids. */
static bool collect(struct search *s, size_t first, struct step **ret, size_t *ret_count, struct error *err)
{
    struct holds holds = {0};
    size_t asked = 0;
    object_id *object = malloc((s->count - first + 1) * sizeof *object);
    bool ok = object || error_no_memory(err);
    if (s->count > first)
        qsort(s->item + first, s->count - first, sizeof *s->item, compare_items);
    for (size_t i = first; ok && i < s->count; i++)
        if (s->item[i].depth == 0 || !ends(s, s->item[i].object))
            object[asked++] = s->item[i].object;
    if (ok && asked && s->inwards)
        ok = holders_of_many(s->view, object, asked, &holds, err);
    for (size_t i = 0; ok && !s->inwards && i < asked; i++)
        ok = referents_of(s->view, object[i], &holds, err);
    free(object);
    struct step *step = ok ? malloc((holds.count + 1) * sizeof *step) : NULL;
    ok = ok && (step || error_no_memory(err));
    size_t count = 0;
    for (size_t i = 0; ok && i < holds.count; i++) {
        const struct hold *hold = &holds.item[i];
        object_id other = s->inwards ? hold->holder : hold->object;
        if (reference_kind_is_loose(hold->kind) ||
            (s->options->exclude && object_set_has(s->options->exclude, other)))
            continue;
        step[count++] =
            (struct step){s->inwards ? hold->object : hold->holder, other, s->heap->address[other]};
    }
    holds_free(&holds);
    if (ok && count)
        qsort(step, count, sizeof *step, compare_steps);
    *ret = step;
    *ret_count = count;
    return ok;
}

static bool search_level(struct search *s, size_t first, uint32_t depth, struct error *err)
{
    struct step *step = NULL;
    size_t count, end = s->count;
    if (!collect(s, first, &step, &count, err)) {
        free(step);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && i < count;) {
        object_id asked = step[i].object;
        uint64_t taken = 0, hidden = 0;
        for (object_id last = 0; ok && i < count && step[i].object == asked; last = step[i++].other) {
            if (step[i].other == last || object_set_has(&s->met, step[i].other))
                continue;
            if (s->options->limit && taken >= s->options->limit) {
                hidden++;
                continue;
            }
            object_set_add(&s->met, step[i].other);
            ok = add_object(s, step[i].other, depth + 1, err);
            taken++;
        }
        const struct neighbour_object key = {.object = asked};
        struct neighbour_object *of =
            hidden ? bsearch(&key, s->item + first, end - first, sizeof key, compare_ids) : NULL;
        if (of && s->inwards)
            of->hidden_referrers = hidden;
        else if (of)
            of->hidden_referents = hidden;
    }
    free(step);
    return ok;
}

static bool search(struct search *s, const object_id *targets, size_t target_count, struct error *err)
{
    if (!object_set_create(&s->met, s->heap, err))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < target_count; i++)
        if (object_set_enter(&s->met, targets[i]))
            ok = add_object(s, targets[i], 0, err);
    size_t first = 0;
    for (uint32_t depth = 0; ok && first < s->count; depth++) {
        size_t end = s->count;
        if (s->options->depth && depth >= s->options->depth)
            break;
        ok = search_level(s, first, depth, err);
        first = end;
    }
    object_set_free(&s->met);
    return ok;
}

/* Both directions found some objects both: each once, with the lesser depth. */
static void merge(struct neighbourhood *ret)
{
    size_t kept = 0;
    if (ret->count)
        qsort(ret->item, ret->count, sizeof *ret->item, compare_items);
    for (size_t i = 0; i < ret->count; i++) {
        if (kept && ret->item[kept - 1].object == ret->item[i].object) {
            ret->item[kept - 1].hidden_referrers += ret->item[i].hidden_referrers;
            ret->item[kept - 1].hidden_referents += ret->item[i].hidden_referents;
        } else {
            ret->item[kept++] = ret->item[i];
        }
    }
    ret->count = kept;
}

bool neighbourhood_create(struct neighbourhood *ret, struct view *view, const object_id *targets,
                          size_t target_count, const struct neighbourhood_options *options, struct error *err)
{
    struct search s = {
        .view = view, .heap = view_heap(view), .roots = view_roots(view, err), .options = options};
    *ret = (struct neighbourhood){0};
    bool ok = s.roots && object_set_create(&ret->members, s.heap, err);
    if (ok && (options->inwards || !options->outwards)) {
        s.inwards = true;
        ok = search(&s, targets, target_count, err);
    }
    if (ok && options->outwards) {
        s.inwards = false;
        size_t before = s.count;
        struct search out = s;
        out.item = NULL;
        out.count = out.capacity = 0;
        ok = search(&out, targets, target_count, err) &&
             vector_reserve((void **)&s.item, &s.capacity, before + out.count, sizeof *s.item, err);
        if (ok && out.count)
            memcpy(s.item + before, out.item, out.count * sizeof *out.item);
        s.count = ok ? before + out.count : before;
        free(out.item);
    }
    ret->item = s.item;
    ret->count = s.count;
    if (!ok) {
        neighbourhood_free(ret);
        return false;
    }
    merge(ret);
    for (size_t i = 0; i < ret->count; i++)
        object_set_add(&ret->members, ret->item[i].object);
    return true;
}

void neighbourhood_free(struct neighbourhood *neighbourhood)
{
    free(neighbourhood->item);
    object_set_free(&neighbourhood->members);
    *neighbourhood = (struct neighbourhood){0};
}

bool references_each(struct view *view, const struct object_set *among, bool raw,
                     bool (*visit)(void *self, const struct hold *hold, struct error *err), void *self,
                     struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct holds holds = {0};
    bool ok = true;
    for (object_id source = 1; ok && source <= heap->object_count; source++) {
        uint64_t end = csr_end(&heap->edges, source);
        for (uint64_t edge = csr_start(&heap->edges, source); ok && edge < end; edge++) {
            object_id target = heap->edges.item[edge];
            if (!target || (among && !object_set_has(among, target)))
                continue;
            struct reference reference = heap_reference(heap, source, edge);
            if (raw) {
                struct hold hold = fold_none(view, &reference);
                ok = (among && !object_set_has(among, source)) || visit(self, &hold, err);
                continue;
            }
            holds.count = 0;
            ok = holders_of_reference(view, &reference, &holds, err);
            for (size_t i = 0; ok && i < holds.count; i++)
                if (!among || object_set_has(among, holds.item[i].holder))
                    ok = visit(self, &holds.item[i], err);
        }
    }
    holds_free(&holds);
    return ok;
}
