/* What export writes, on random Python-like heaps, against slow and obvious ways to get it. */
#include <stdlib.h>
#include <string.h>

#include "lib/query/neighbourhood.h"
#include "tests/support/random_program.h"
#include "tests/support/support.h"

enum { HEAPS = 40, EACH = 10 };

#define ON_HEAPS(test)                                                                                       \
    START_TEST(test##_on_heaps)                                                                              \
    {                                                                                                        \
        for (int seed = 0; seed < EACH; seed++)                                                              \
            on_heap(_i *EACH + seed, test);                                                                  \
    }                                                                                                        \
    END_TEST

static struct error err;
static struct heap *heap;
static struct view *view;

static void on_heap(int seed, void (*test)(void))
{
    heap = random_program((uint64_t)seed, true);
    view = view_create(heap, &err);
    ck_assert_ok(view, &err);
    test();
    view_destroy(view);
    heap_destroy(heap);
}

static int compare_holds(const void *a, const void *b)
{
    const struct hold *x = a, *y = b;
    const uint64_t keys[][2] = {{x->holder, y->holder},
                                {x->object, y->object},
                                {x->kind, y->kind},
                                {x->key, y->key},
                                {(uint64_t)x->number, (uint64_t)y->number},
                                {x->via, y->via}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool keep(void *self, const struct hold *hold, struct error *error)
{
    struct holds *holds = self;
    (void)error;
    holds->item = realloc(holds->item, (holds->count + 1) * sizeof *holds->item);
    ck_assert_ptr_nonnull(holds->item);
    holds->item[holds->count++] = *hold;
    return true;
}

/* All references between members of `among`, asked for object by object. */
static struct holds slowly(const struct object_set *among)
{
    struct holds all = {0};
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct holds holds = {0};
        ck_assert_ok(holders_of(view, id, &holds, &err), &err);
        for (size_t i = 0; i < holds.count; i++)
            if (!among || (object_set_has(among, id) && object_set_has(among, holds.item[i].holder)))
                keep(&all, &holds.item[i], &err);
        holds_free(&holds);
    }
    return all;
}

static void same_references(const struct object_set *among)
{
    struct holds fast = {0}, slow = slowly(among);
    ck_assert_ok(references_each(view, among, false, keep, &fast, &err), &err);
    ck_assert_uint_eq(fast.count, slow.count);
    if (fast.count) {
        qsort(fast.item, fast.count, sizeof *fast.item, compare_holds);
        qsort(slow.item, slow.count, sizeof *slow.item, compare_holds);
    }
    for (size_t i = 0; i < fast.count; i++)
        ck_assert_int_eq(compare_holds(&fast.item[i], &slow.item[i]), 0);
    holds_free(&fast);
    holds_free(&slow);
}

static void references_are_those_of_referrers(void)
{
    struct object_set some;
    same_references(NULL);
    ck_assert_ok(object_set_create(&some, heap, &err), &err);
    for (object_id id = 1; id <= heap->object_count; id++)
        if (random_pick(3))
            object_set_add(&some, id);
    same_references(&some);
    object_set_free(&some);
}

static void raw_references_are_those_stored(void)
{
    struct holds raw = {0};
    uint64_t stored = 0, at = 0;
    ck_assert_ok(references_each(view, NULL, true, keep, &raw, &err), &err);
    for (object_id id = 1; id <= heap->object_count; id++)
        for (uint64_t edge = csr_start(&heap->edges, id); edge < csr_end(&heap->edges, id); edge++)
            if (heap->edges.item[edge]) {
                ck_assert_uint_eq(raw.item[at].holder, id);
                ck_assert_uint_eq(raw.item[at++].object, heap->edges.item[edge]);
                stored++;
            }
    ck_assert_uint_eq(raw.count, stored);
    holds_free(&raw);
}

static bool is_root_itself(object_id id)
{
    for (uint32_t i = 0; i < heap->root_count; i++)
        if (heap->roots[i].target == id && root_is_target(&heap->roots[i]))
            return true;
    return false;
}

/* depth[id] = steps + 1 in one direction, by going over all objects again and again. */
static void spread(uint32_t *depth, const object_id *targets, size_t count, bool inwards, uint32_t most,
                   const struct object_set *exclude)
{
    for (size_t i = 0; i < count; i++)
        depth[targets[i]] = 1;
    for (uint32_t level = 1; level <= most; level++)
        for (object_id id = 1; id <= heap->object_count; id++) {
            if (depth[id] != level || (inwards && level > 1 && is_root_itself(id)))
                continue;
            struct holds holds = {0};
            ck_assert_ok(inwards ? holders_of(view, id, &holds, &err) : referents_of(view, id, &holds, &err),
                         &err);
            for (size_t i = 0; i < holds.count; i++) {
                object_id other = inwards ? holds.item[i].holder : holds.item[i].object;
                if (holds.item[i].kind != REFERENCE_WEAK && !depth[other] && !object_set_has(exclude, other))
                    depth[other] = level + 1;
            }
            holds_free(&holds);
        }
}

static void neighbourhoods_are_as_far_as_asked(void)
{
    struct object_set exclude;
    for (uint32_t most = 0; most <= 3; most++) {
        object_id targets[2] = {1 + random_pick(heap->object_count), 1 + random_pick(heap->object_count)};
        struct neighbourhood_options options = {
            .inwards = random_pick(3) > 0, .depth = most, .exclude = &exclude};
        options.outwards = !options.inwards || random_pick(2);
        ck_assert_ok(object_set_create(&exclude, heap, &err), &err);
        for (int i = 0; i < 3; i++)
            object_set_add(&exclude, 1 + random_pick(heap->object_count));
        struct neighbourhood found, fewer;
        ck_assert_ok(neighbourhood_create(&found, view, targets, 2, &options, &err), &err);
        uint32_t *in = calloc((size_t)heap->object_count + 1, sizeof *in);
        uint32_t *out = calloc((size_t)heap->object_count + 1, sizeof *out);
        ck_assert(in && out);
        uint32_t bound = most ? most : heap->object_count;
        if (options.inwards)
            spread(in, targets, 2, true, bound, &exclude);
        if (options.outwards)
            spread(out, targets, 2, false, bound, &exclude);
        size_t at = 0;
        for (object_id id = 1; id <= heap->object_count; id++) {
            uint32_t nearest = !in[id] || (out[id] && out[id] < in[id]) ? out[id] : in[id];
            ck_assert_int_eq(object_set_has(&found.members, id), nearest != 0);
            if (!nearest)
                continue;
            ck_assert_uint_lt(at, found.count);
            ck_assert_uint_eq(found.item[at].object, id);
            ck_assert_uint_eq(found.item[at].depth, nearest - 1);
            ck_assert_uint_eq(found.item[at].hidden_referrers + found.item[at].hidden_referents, 0);
            at++;
        }
        ck_assert_uint_eq(at, found.count);
        options.limit = 1;
        ck_assert_ok(neighbourhood_create(&fewer, view, targets, 2, &options, &err), &err);
        uint64_t hidden = 0;
        for (size_t i = 0; i < fewer.count; i++) {
            ck_assert(object_set_has(&found.members, fewer.item[i].object));
            hidden += fewer.item[i].hidden_referrers + fewer.item[i].hidden_referents;
        }
        ck_assert(fewer.count == found.count || hidden > 0);
        neighbourhood_free(&fewer);
        neighbourhood_free(&found);
        object_set_free(&exclude);
        free(in);
        free(out);
    }
}

ON_HEAPS(references_are_those_of_referrers)
ON_HEAPS(raw_references_are_those_stored)
ON_HEAPS(neighbourhoods_are_as_far_as_asked)

int main(void)
{
    Suite *suite = suite_create("neighbourhood against slow answers");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 300);
    tcase_add_loop_test(tc, references_are_those_of_referrers_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, raw_references_are_those_stored_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, neighbourhoods_are_as_far_as_asked_on_heaps, 0, HEAPS / EACH);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
