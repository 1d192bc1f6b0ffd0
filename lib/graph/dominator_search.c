#include "lib/graph/dominator_search.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/graph/shape_traits.h"

/* Targets whose marks are fetched when an object is entered. */
enum { AHEAD = 16 };

static bool is_block(const struct dominator_search *s, object_id id)
{
    return s->traits[s->heap->shape[id]] & SHAPE_IS_NATIVE;
}

static bool is_claimed(const struct dominator_search *s, object_id id)
{
    return is_block(s, id) || !s->options->claims ||
           found_references_missing(s->options->claims, s->heap, id) != 0;
}

/* What of a reference's kind keeps its target alive; `care`: of a shape where not all do. */
static bool is_followed(const struct dominator_search *s, object_id source, uint64_t position,
                        object_id target, bool care)
{
    if (!care)
        return true;
    if (shape_is_weak(s->heap, &s->heap->shapes[s->heap->shape[source]], position))
        return false;
    return !s->mixed || !is_block(s, source) || is_claimed(s, target);
}

static void number(struct dominator_search *s, object_id id, uint32_t parent)
{
    uint32_t n = ++s->count;
    struct dominator_mark *mark = &s->mark[id];
    uint32_t references = mark->next;
    mark->number = n;
    mark->next = s->first[n] = s->used;
    s->used += references;
    s->object[n] = id;
    s->parent[n] = parent;
    s->position[n] = 0;
}

static void fetch(const struct dominator_search *s, object_id id)
{
    uint64_t at = csr_start(&s->heap->edges, id), end = csr_end(&s->heap->edges, id);
    for (uint64_t last = end - at > AHEAD ? at + AHEAD : end; at < last; at++)
        __builtin_prefetch(&s->mark[s->heap->edges.item[at]], 1);
}

/* Goes on with the references of number n. Returns the number to go on with: a new one below it, or the one
 * above it when there are no more. Objects with lower numbers than `floor` are not looked at. */
static uint32_t advance(struct dominator_search *s, uint32_t n, uint32_t floor)
{
    const struct heap *heap = s->heap;
    object_id id = s->object[n];
    uint8_t traits = s->traits[heap->shape[id]];
    bool care = traits & SHAPE_HAS_WEAK || (s->mixed && traits & SHAPE_IS_NATIVE);
    uint64_t start = csr_start(&heap->edges, id), degree = csr_end(&heap->edges, id) - start;
    for (uint64_t position = s->position[n]; position < degree;) {
        object_id target = heap->edges.item[start + position++];
        if (!target || target == id || !is_followed(s, id, position - 1, target, care))
            continue;
        struct dominator_mark *mark = &s->mark[target];
        uint32_t known = mark->number;
        if (!known) {
            number(s, target, n);
            if (csr_start(&heap->edges, target) == csr_end(&heap->edges, target))
                continue;
            s->position[n] = (uint32_t)position;
            fetch(s, target);
            return s->count;
        }
        if (known > floor)
            s->source[mark->next++] = n;
    }
    return s->parent[n];
}

static void number_from(struct dominator_search *s, object_id seed, uint32_t floor)
{
    if (s->mark[seed].number)
        return;
    number(s, seed, 0);
    fetch(s, seed);
    for (uint32_t n = s->count; n;)
        n = advance(s, n, floor);
}

static void add_root(struct dominator_search *s, object_id id)
{
    object_set_add(&s->rooted, id);
}

static void find_roots(struct dominator_search *s)
{
    const struct heap *heap = s->heap;
    for (uint32_t i = 0; i < heap->root_count; i++) {
        const struct heap_root *root = &heap->roots[i];
        if (!(s->options->avoid_roots && s->options->avoid_roots[i]) &&
            !(s->mixed && root_kind_is_native(root->kind) && !is_claimed(s, root->target)))
            add_root(s, root->target);
    }
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct heap_detail detail;
        if (heap_detail(heap, id, &detail) && detail.flags & (OBJECT_STATIC | OBJECT_IMMORTAL))
            add_root(s, id);
    }
}

/* Classes that only their living instances hold: roots, too. */
static bool number_classes(struct dominator_search *s, struct error *err)
{
    const struct heap *heap = s->heap;
    bool *used = calloc((size_t)heap->type_count + 1, sizeof *used);
    if (!used)
        return error_no_memory(err);
    for (uint32_t seen = 0; seen < s->count;) {
        for (; seen < s->count; seen++)
            used[heap_type_of(heap, s->object[seen + 1])] = true;
        for (int pass = 0; pass < 2; pass++)
            for (type_id t = 1; t <= heap->type_count; t++) {
                object_id class = heap->types[t].object;
                if (!used[t] || !class || !(heap->types[t].flags & TYPE_HEAP))
                    continue;
                if (pass)
                    number_from(s, class, 0);
                else if (!s->mark[class].number)
                    add_root(s, class);
            }
    }
    free(used);
    return true;
}

/* ---- what no root reaches ---- */

/* The order in which a search through the unreached leaves objects, last one first, begins with what nothing
 * else leads to, or with a cycle that nothing outside it leads to. */
struct leaving {
    object_id *stack, *left;
    uint32_t *position; /* of the stack */
    uint32_t depth, count;
    struct object_set met;
};

static void leave_all(const struct dominator_search *s, struct leaving *l, object_id first)
{
    const struct heap *heap = s->heap;
    if (!object_set_enter(&l->met, first))
        return;
    l->stack[l->depth] = first;
    l->position[l->depth++] = 0;
    while (l->depth) {
        object_id id = l->stack[l->depth - 1];
        uint8_t traits = s->traits[heap->shape[id]];
        bool care = traits & SHAPE_HAS_WEAK || (s->mixed && traits & SHAPE_IS_NATIVE), entered = false;
        uint64_t start = csr_start(&heap->edges, id), degree = csr_end(&heap->edges, id) - start;
        uint32_t *position = &l->position[l->depth - 1];
        while (!entered && *position < degree) {
            object_id target = heap->edges.item[start + (*position)++];
            if (!target || s->mark[target].number || !is_followed(s, id, *position - 1, target, care) ||
                !object_set_enter(&l->met, target))
                continue;
            l->stack[l->depth] = target;
            l->position[l->depth++] = 0;
            entered = true;
        }
        if (!entered)
            l->left[l->count++] = l->stack[--l->depth];
    }
}

static bool number_unreached(struct dominator_search *s, struct error *err)
{
    uint32_t count = s->heap->object_count - s->count;
    struct leaving l = {0};
    if (!count)
        return true;
    l.stack = memory_large(count, sizeof *l.stack);
    l.left = memory_large(count, sizeof *l.left);
    l.position = memory_large(count, sizeof *l.position);
    bool ok = l.stack && l.left && l.position;
    ok = (ok || error_no_memory(err)) && object_set_create(&l.met, s->heap, err);
    for (object_id id = 1; ok && id <= s->heap->object_count; id++)
        if (!s->mark[id].number)
            leave_all(s, &l, id);
    uint32_t floor = s->count;
    for (uint32_t i = ok ? l.count : 0; i > 0; i--)
        number_from(s, l.left[i - 1], floor);
    free(l.stack);
    free(l.left);
    free(l.position);
    object_set_free(&l.met);
    return ok;
}

/* How many refer to each. False: too many for 32 bits. */
static bool count_references(const struct heap *heap, struct dominator_mark *mark)
{
    const uint32_t *item = heap->edges.item;
    uint64_t count = heap->edges.item_count;
    for (uint64_t i = 0; i < count; i++) {
        if (i + 3 * AHEAD < count)
            __builtin_prefetch(&mark[item[i + 3 * AHEAD]], 1);
        mark[item[i]].next++;
    }
    uint64_t real = count - mark[0].next;
    mark[0].next = 0;
    return real <= UINT32_MAX;
}

bool dominator_search(struct dominator_search *s, struct error *err)
{
    const struct heap *heap = s->heap;
    size_t count = (size_t)heap->object_count + 1;
    s->mixed = heap_contents(heap) == HEAP_IS_MIXED;
    s->traits = shape_traits(heap, err);
    if (!s->traits || !object_set_create(&s->rooted, heap, err))
        return false;
    s->mark = memory_large(count, sizeof *s->mark);
    s->object = memory_large(count, sizeof *s->object);
    s->parent = memory_large(count, sizeof *s->parent);
    s->position = memory_large(count, sizeof *s->position);
    s->first = memory_large(count, sizeof *s->first);
    s->source = memory_large(heap->edges.item_count ? heap->edges.item_count : 1, sizeof *s->source);
    if (!s->mark || !s->object || !s->parent || !s->position || !s->first || !s->source)
        return error_no_memory(err);
    memset(s->mark, 0, count * sizeof *s->mark);
    s->object[0] = s->parent[0] = s->first[0] = 0;
    if (!count_references(heap, s->mark))
        return error_set(err, ERROR_SYSTEM, "more than 2^32 references are too many for the dominator tree");
    find_roots(s);
    for (object_id id = 0; (id = object_set_next(&s->rooted, id));)
        number_from(s, id, 0);
    if (!number_classes(s, err))
        return false;
    s->live_count = s->count;
    return number_unreached(s, err);
}

void dominator_search_free(struct dominator_search *s)
{
    free(s->traits);
    object_set_free(&s->rooted);
    free(s->mark);
    free(s->object);
    free(s->parent);
    free(s->position);
    free(s->first);
    free(s->source);
    *s = (struct dominator_search){0};
}
