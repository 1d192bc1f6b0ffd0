/* D. J. Pearce, "A space-efficient algorithm for finding strongly connected components" (2016), made
 * iterative: one number per object, and two stacks that share one array because together they never hold more
 * than all objects. */
#include "lib/graph/components.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/graph/shape_traits.h"

/* Numbers: 0 not met yet; small and rising while an object is being visited; falling from object_count for
 * the components found; DONE for what can be in no cycle. */
#define DONE UINT32_MAX

struct search {
    const struct heap *heap;
    uint8_t *traits;
    object_id *type_object; /* by type: what its instances hold as their class, or 0 */
    uint32_t *number;       /* [object_count + 1] */
    uint32_t *stack; /* [object_count + 1]: visits from the start, what awaits its component from the end */
    uint32_t *position;       /* [object_count + 1]: by depth of the visit, the next reference to follow */
    struct object_set root;   /* visited objects that still may be their component's first */
    struct object_set loops;  /* that refer to themselves */
    uint32_t visits, waiting; /* visits: filled from 0; waiting: the lowest filled place */
    uint32_t next, component;
};

static bool search_begin(struct search *s, const struct heap *heap, const struct object_set *without,
                         struct error *err)
{
    size_t objects = (size_t)heap->object_count + 1;
    *s = (struct search){.heap = heap, .next = 1, .component = heap->object_count};
    s->waiting = heap->object_count + 1;
    s->traits = shape_traits(heap, err);
    s->type_object = calloc((size_t)heap->type_count + 1, sizeof *s->type_object);
    s->number = memory_large(objects, sizeof *s->number);
    s->stack = memory_large(objects, sizeof *s->stack);
    s->position = memory_large(objects, sizeof *s->position);
    if (!s->traits || !s->type_object || !s->number || !s->stack || !s->position)
        return error_no_memory(err);
    if (!object_set_create(&s->root, heap, err) || !object_set_create(&s->loops, heap, err))
        return false;
    memset(s->number, 0, objects * sizeof *s->number);
    if (without)
        for (object_id id = 0; (id = object_set_next(without, id));)
            s->number[id] = DONE;
    for (type_id t = 1; t <= heap->type_count; t++) {
        object_id object = heap->types[t].object;
        if (heap->types[t].flags & TYPE_HEAP && object && s->number[object] != DONE)
            s->type_object[t] = object;
    }
    return true;
}

static void search_end(struct search *s)
{
    free(s->traits);
    free(s->type_object);
    free(s->number);
    free(s->stack);
    free(s->position);
    object_set_free(&s->root);
    object_set_free(&s->loops);
}

static inline bool holds_nothing(const struct search *s, object_id id)
{
    return csr_start(&s->heap->edges, id) == csr_end(&s->heap->edges, id) &&
           !s->type_object[heap_type_of(s->heap, id)];
}

static void enter(struct search *s, object_id id)
{
    s->number[id] = s->next++;
    object_set_add(&s->root, id);
    s->position[s->visits] = 0;
    s->stack[s->visits++] = id;
}

/* `id` leads to `target`, which is met already: it may be part of a component that is older. */
static inline void meet(struct search *s, object_id id, object_id target)
{
    if (s->number[target] < s->number[id]) {
        s->number[id] = s->number[target];
        object_set_drop(&s->root, id);
    }
}

/* Follows the references of the visit on top until one leads to something new; false: there are no more. */
static bool advance(struct search *s, object_id id)
{
    const struct heap *heap = s->heap;
    const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
    bool weak = s->traits[heap->shape[id]] & SHAPE_HAS_WEAK;
    uint64_t start = csr_start(&heap->edges, id), degree = csr_end(&heap->edges, id) - start;
    uint32_t *position = &s->position[s->visits - 1];
    while (*position <= degree) {
        uint32_t at = (*position)++;
        object_id target = at < degree ? heap->edges.item[start + at] : s->type_object[shape->type];
        if (!target || s->number[target] == DONE || (at < degree && weak && shape_is_weak(heap, shape, at)))
            continue;
        if (target == id) {
            object_set_add(&s->loops, id);
        } else if (s->number[target]) {
            meet(s, id, target);
        } else if (holds_nothing(s, target)) {
            s->number[target] = DONE;
        } else {
            enter(s, target);
            return true;
        }
    }
    return false;
}

/* Ends the visit on top. */
static void leave(struct search *s, object_id id)
{
    s->visits--;
    if (object_set_has(&s->root, id)) {
        s->next--;
        while (s->waiting <= s->heap->object_count && s->number[id] <= s->number[s->stack[s->waiting]]) {
            s->number[s->stack[s->waiting++]] = s->component;
            s->next--;
        }
        s->number[id] = s->component--;
    } else {
        s->stack[--s->waiting] = id;
    }
    if (s->visits)
        meet(s, s->stack[s->visits - 1], id);
}

static void visit_all(struct search *s)
{
    for (object_id first = 1; first <= s->heap->object_count; first++) {
        if (s->number[first])
            continue;
        if (holds_nothing(s, first)) {
            s->number[first] = DONE;
            continue;
        }
        enter(s, first);
        while (s->visits) {
            object_id top = s->stack[s->visits - 1];
            if (!advance(s, top))
                leave(s, top);
        }
    }
}

/* From the numbers to components in the order of their first members; single objects without a loop are none.
 */
static bool collect(struct search *s, struct components *ret, struct error *err)
{
    uint32_t count = s->heap->object_count, *size = s->stack, *renumbered = s->position;
    memset(size, 0, ((size_t)count + 1) * sizeof *size);
    memset(renumbered, 0, ((size_t)count + 1) * sizeof *renumbered);
    for (object_id id = 1; id <= count; id++)
        if (s->number[id] != DONE)
            size[s->number[id]]++;
    uint64_t members = 0;
    for (object_id id = 1; id <= count; id++) {
        uint32_t *number = &s->number[id];
        if (*number == DONE || (size[*number] < 2 && !object_set_has(&s->loops, id))) {
            *number = 0;
            continue;
        }
        if (!renumbered[*number])
            renumbered[*number] = ++ret->count;
        *number = renumbered[*number];
        members++;
    }
    ret->start = calloc((size_t)ret->count + 2, sizeof *ret->start);
    ret->member = memory_large(members ? members : 1, sizeof *ret->member);
    if (!ret->start || !ret->member)
        return error_no_memory(err);
    for (object_id id = 1; id <= count; id++)
        if (s->number[id])
            ret->start[s->number[id] + 1]++;
    for (uint32_t c = 0; c < ret->count; c++)
        ret->start[c + 2] += ret->start[c + 1];
    for (object_id id = 1; id <= count; id++)
        if (s->number[id])
            ret->member[ret->start[s->number[id]]++] = id;
    s->number[0] = 0;
    ret->of = s->number;
    s->number = NULL;
    return true;
}

bool components_find(const struct heap *heap, const struct object_set *without, struct components *ret,
                     struct error *err)
{
    struct search s;
    *ret = (struct components){0};
    bool ok = search_begin(&s, heap, without, err);
    if (ok) {
        visit_all(&s);
        ok = collect(&s, ret, err);
    }
    search_end(&s);
    if (!ok)
        components_free(ret);
    return ok;
}

void components_free(struct components *components)
{
    free(components->start);
    free(components->member);
    free(components->of);
    *components = (struct components){0};
}
