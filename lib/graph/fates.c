#include "lib/graph/fates.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/graph/found_references.h"
#include "lib/graph/reachability.h"

struct seeds {
    object_id *item;
    size_t count, capacity;
};

static bool add_seed(struct seeds *seeds, object_id id, struct error *err)
{
    if (seeds->count == seeds->capacity &&
        !vector_reserve((void **)&seeds->item, &seeds->capacity, seeds->count + 1, sizeof *seeds->item, err))
        return false;
    seeds->item[seeds->count++] = id;
    return true;
}

static object_id find_garbage_list(const struct heap *heap)
{
    for (uint32_t i = 0; i < heap->root_count; i++)
        if (heap->roots[i].kind == ROOT_INTERPRETER &&
            !strcmp(heap_string(heap, heap->roots[i].name, NULL), "gc.garbage"))
            return heap->roots[i].target;
    return 0;
}

static bool needs_no_root(const struct heap *heap, object_id id)
{
    struct heap_detail detail;
    return heap_detail(heap, id, &detail) && detail.flags & (OBJECT_STATIC | OBJECT_IMMORTAL);
}

/* In a heap with native memory a block holds an object of the runtime only where references of that would
 * stay unexplained without it: its words are guesses, and may be left over. */
static bool extend(const struct heap *heap, const struct seeds *seeds, const uint32_t *claims,
                   struct object_set *set, struct error *err)
{
    if (heap_contents(heap) == HEAP_IS_MIXED)
        return reachability_extend_claimed(heap, true, seeds->item, seeds->count, claims, set, err);
    return reachability_extend(heap, true, seeds->item, seeds->count, set, err);
}

/* All that roots lead to for certain, other than through gc.garbage. */
static bool mark_reached(const struct heap *heap, struct fates *f, struct error *err)
{
    struct seeds seeds = {0};
    bool ok = object_set_create(&f->reached, heap, err);
    for (uint32_t i = 0; ok && i < heap->root_count; i++)
        if (heap->roots[i].certainty == CERTAINTY_EXACT && heap->roots[i].target != f->garbage_list)
            ok = add_seed(&seeds, heap->roots[i].target, err);
    for (object_id id = 1; ok && id <= heap->object_count; id++)
        if (needs_no_root(heap, id))
            ok = add_seed(&seeds, id, err);
    if (ok && f->garbage_list)
        object_set_add(&f->reached, f->garbage_list);
    ok = ok && extend(heap, &seeds, NULL, &f->reached, err);
    free(seeds.item);
    return ok;
}

static bool is_candidate(const struct fates *f, object_id id)
{
    return id && !object_set_has(&f->reached, id);
}

/* What is missing of the references to what is not reached: other hands have it. */
static bool find_unexplained(const struct heap *heap, struct fates *f, struct error *err)
{
    struct found_references found;
    if (!(heap_contents(heap) & HEAP_HAS_OBJECTS)) { /* blocks count no references */
        f->unexplained = calloc((size_t)heap->object_count + 1, sizeof *f->unexplained);
        return f->unexplained || error_no_memory(err);
    }
    if (!found_references_create(&found, heap, err))
        return false;
    for (object_id id = 1; id <= heap->object_count; id++) {
        uint64_t missing = is_candidate(f, id) ? found_references_missing(&found, heap, id) : 0;
        found.count[id] = missing < UINT32_MAX ? (uint32_t)missing : UINT32_MAX;
    }
    f->unexplained = found.count;
    return true;
}

static int ascending(const void *a, const void *b)
{
    object_id x = *(const object_id *)a, y = *(const object_id *)b;
    return (x > y) - (x < y);
}

/* Places on expression stacks hold what they point to if that explains its references. */
static bool reach_from_stacks(const struct heap *heap, struct fates *f, struct error *err)
{
    struct seeds places = {0};
    bool ok = true;
    for (uint32_t i = 0; ok && i < heap->root_count; i++) {
        object_id target = heap->roots[i].target;
        if (heap->roots[i].certainty != CERTAINTY_EXACT && !root_kind_is_native(heap->roots[i].kind) &&
            is_candidate(f, target) && f->unexplained[target])
            ok = add_seed(&places, target, err);
    }
    if (ok && places.count)
        qsort(places.item, places.count, sizeof *places.item, ascending);
    size_t kept = 0;
    for (size_t i = 0, next; ok && i < places.count; i = next) {
        for (next = i + 1; next < places.count && places.item[next] == places.item[i];)
            next++;
        if (f->unexplained[places.item[i]] <= next - i)
            places.item[kept++] = places.item[i];
    }
    places.count = kept;
    ok = ok && extend(heap, &places, NULL, &f->reached, err);
    for (object_id id = 0; ok && kept && (id = object_set_next(&f->reached, id));)
        f->unexplained[id] = 0;
    free(places.item);
    return ok;
}

/* What words of native memory lead to, and blocks that were reached before. */
static bool reach_from_native(const struct heap *heap, struct fates *f, struct error *err)
{
    struct seeds seeds = {0};
    bool ok = true, mixed = heap_contents(heap) == HEAP_IS_MIXED;
    if (!(heap_contents(heap) & HEAP_HAS_BLOCKS))
        return true;
    for (uint32_t i = 0; ok && i < heap->root_count; i++) {
        object_id target = heap->roots[i].target;
        bool holds = heap_family(heap, target) == FAMILY_NATIVE || f->unexplained[target];
        if (heap->roots[i].certainty != CERTAINTY_EXACT && root_kind_is_native(heap->roots[i].kind) &&
            is_candidate(f, target) && holds)
            ok = add_seed(&seeds, target, err);
    }
    for (object_id id = 0; ok && mixed && (id = object_set_next(&f->reached, id));) {
        uint64_t end = csr_end(&heap->edges, id);
        if (heap_family(heap, id) != FAMILY_NATIVE)
            continue;
        for (uint64_t i = csr_start(&heap->edges, id); ok && i < end; i++) {
            object_id target = heap->edges.item[i];
            if (is_candidate(f, target) && f->unexplained[target] &&
                !reference_kind_is_loose(heap_reference_kind(heap, id, i)))
                ok = add_seed(&seeds, target, err);
        }
    }
    ok = ok && extend(heap, &seeds, f->unexplained, &f->reached, err);
    for (object_id id = 0; ok && mixed && (id = object_set_next(&f->reached, id));)
        f->unexplained[id] = 0;
    free(seeds.item);
    return ok;
}

/* set = what `seeds` lead to, without `known`. */
static bool mark_beyond(const struct heap *heap, const struct fates *f, const struct seeds *seeds,
                        const struct object_set *known, const struct object_set *also_known,
                        struct object_set *set, struct error *err)
{
    if (!object_set_create(set, heap, err))
        return false;
    size_t words = ((size_t)heap->object_count >> 6) + 1;
    for (size_t w = 0; w < words; w++)
        set->bits[w] = known->bits[w] | (also_known ? also_known->bits[w] : 0);
    bool ok = extend(heap, seeds, f->unexplained, set, err);
    for (size_t w = 0; w < words; w++)
        set->bits[w] &= ~(known->bits[w] | (also_known ? also_known->bits[w] : 0));
    return ok;
}

/* All that becomes reached once the list is gone through like any other object. */
static bool mark_saved(const struct heap *heap, struct fates *f, struct error *err)
{
    object_id list = f->garbage_list;
    struct seeds seeds = {.item = &list, .count = list ? 1 : 0};
    if (list)
        object_set_drop(&f->reached, list);
    bool ok = mark_beyond(heap, f, &seeds, &f->reached, NULL, &f->saved, err);
    if (list) {
        object_set_add(&f->reached, list);
        if (ok)
            object_set_drop(&f->saved, list);
    }
    return ok;
}

static bool mark_from_c(const struct heap *heap, struct fates *f, struct error *err)
{
    struct seeds seeds = {0};
    bool ok = true;
    for (object_id id = 0; ok && (id = fates_next_unreached(f, id));)
        if (f->unexplained[id])
            ok = add_seed(&seeds, id, err);
    ok = ok && mark_beyond(heap, f, &seeds, &f->reached, &f->saved, &f->from_c, err);
    free(seeds.item);
    return ok;
}

bool fates_find(const struct heap *heap, struct fates *ret, struct error *err)
{
    *ret = (struct fates){.garbage_list = find_garbage_list(heap)};
    if (mark_reached(heap, ret, err) && find_unexplained(heap, ret, err) &&
        reach_from_stacks(heap, ret, err) && reach_from_native(heap, ret, err) &&
        mark_saved(heap, ret, err) && mark_from_c(heap, ret, err))
        return true;
    fates_free(ret);
    return false;
}

void fates_free(struct fates *fates)
{
    object_set_free(&fates->reached);
    object_set_free(&fates->saved);
    object_set_free(&fates->from_c);
    free(fates->unexplained);
    *fates = (struct fates){0};
}

object_id fates_next_unreached(const struct fates *fates, object_id id)
{
    uint32_t limit = fates->reached.limit;
    while (id < limit) {
        id++;
        if ((id & 63) == 0 && !(~fates->reached.bits[id >> 6])) {
            id |= 63; /* a whole word of reached ones */
            continue;
        }
        if (!object_set_has(&fates->reached, id) && !object_set_has(&fates->saved, id))
            return id;
    }
    return 0;
}
