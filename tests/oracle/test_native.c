/* Native memory against what is obviously right and slow: what is leaked, what begins it, what path says of
 * it; and that blocks beside a program's objects change nothing of what was known without them. */
#include <stdlib.h>
#include <string.h>

#include "lib/heap/heap_builder.h"
#include "lib/query/dominator_tree.h"
#include "lib/query/path.h"
#include "lib/query/retained.h"
#include "lib/query/unreachable.h"
#include "tests/support/support.h"

enum { HEAPS = 400, EACH = 50, MOST = 60 };

static struct error err;
static uint64_t state;

static uint32_t pick(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static string_id text(struct heap_builder *b, const char *value)
{
    return heap_builder_string(b, value, strlen(value), &err);
}

/* Types and shapes 1: blocks; 2: blocks whose first reference is stale; 3: objects with references by index.
 */
static struct heap_builder *begin(void)
{
    struct heap_builder *b = heap_builder_create("native", &err);
    type_id block = heap_builder_type(b,
                                      &(struct heap_type){.name = text(b, "malloc(56)"),
                                                          .family = FAMILY_NATIVE,
                                                          .label = LABEL_SIZE_CLASS},
                                      NULL, &err);
    type_id list =
        heap_builder_type(b, &(struct heap_type){.name = text(b, "list"), .family = FAMILY_LIST}, NULL, &err);
    struct heap_field stale = {.kind = REFERENCE_STALE, .number = 8};
    heap_builder_shape(b, &(struct heap_shape){.type = block, .tail = TAIL_NATIVE}, NULL, &err);
    heap_builder_shape(b, &(struct heap_shape){.type = block, .tail = TAIL_NATIVE, .field_count = 1}, &stale,
                       &err);
    ck_assert_uint_eq(
        heap_builder_shape(b, &(struct heap_shape){.type = list, .tail = TAIL_INDEX}, NULL, &err), 3);
    return b;
}

static void object(struct heap_builder *b, uint64_t address, shape_id shape, uint64_t refcount)
{
    struct heap_detail detail = {.size = 8 + address % 64, .refcount = refcount};
    ck_assert_ok(heap_builder_object(b, 0x1000 + address * 64, shape, &detail, &err), &err);
}

static void word(struct heap_builder *b, object_id target)
{
    struct heap_root root = {.kind = (uint8_t)(ROOT_REGISTER + pick(5)),
                             .reference = REFERENCE_POINTER,
                             .certainty = CERTAINTY_UNCERTAIN,
                             .name = text(b, "prog: g"),
                             .number = 8 * pick(4),
                             .target = target};
    ck_assert_ok(heap_builder_root(b, &root, &err), &err);
}

static void pointer(struct heap_builder *b, object_id target)
{
    ck_assert_ok(heap_builder_edge(b, target, &err), &err);
    ck_assert_ok(heap_builder_place(b, pick(14), &err), &err);
}

static struct heap *native_heap(uint64_t seed)
{
    state = seed * 104729 + 11;
    struct heap_builder *b = begin();
    uint32_t count = 1 + pick(MOST), dense = 1 + pick(3);
    for (object_id id = 1; id <= count; id++) {
        bool stale = pick(4) == 0;
        object(b, id, stale ? 2 : 1, 0);
        if (stale)
            heap_builder_edge(b, 1 + pick(count), &err);
        for (uint32_t e = pick(dense + 1); e > 0; e--)
            pointer(b, pick(10) ? 1 + pick(count) : 0);
    }
    for (uint32_t r = pick(5); r > 0; r--)
        word(b, 1 + pick(count));
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(heap, &err);
    return heap;
}

/* Adds to `set` what it leads to, in `within` only if that is not NULL. */
static void close_over(const struct heap *heap, bool *set)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (object_id s = 1; s <= heap->object_count; s++)
            for (uint64_t e = csr_start(&heap->edges, s); set[s] && e < csr_end(&heap->edges, s); e++) {
                object_id t = heap->edges.item[e];
                if (t && !set[t] && heap_reference(heap, s, e).kind != REFERENCE_STALE)
                    changed = set[t] = true;
            }
    }
}

static struct view *look_at(struct heap *heap)
{
    struct view *view = view_create(heap, &err);
    ck_assert_ok(view, &err);
    return view;
}

static void leaks_are_what_no_word_leads_to(uint64_t seed)
{
    struct heap *heap = native_heap(seed);
    struct view *view = look_at(heap);
    uint32_t count = heap->object_count;
    bool *reached = calloc(count + 1, 1), *headed = calloc(count + 1, 1), *one = calloc(count + 1, 1),
         *back = calloc(count + 1, 1);
    for (uint32_t r = 0; r < heap->root_count; r++)
        reached[heap->roots[r].target] = true;
    close_over(heap, reached);
    struct unreachable answer;
    ck_assert_ok(unreachable_find(&answer, view, UINT64_MAX, &err), &err);
    uint64_t objects = 0, bytes = 0;
    for (object_id id = 1; id <= count; id++) {
        objects += !reached[id];
        bytes += reached[id] ? 0 : view_size(view, id);
    }
    ck_assert_uint_eq(answer.all.objects, objects);
    ck_assert_uint_eq(answer.all.bytes, bytes);
    ck_assert_uint_eq(answer.by_why[UNREACHABLE_LEAKED].objects, objects);
    uint64_t held = 0;
    for (size_t h = 0; h < answer.head_count; h++) {
        const struct unreachable_head *head = &answer.heads[h];
        ck_assert_int_eq(head->why, UNREACHABLE_LEAKED);
        ck_assert(!reached[head->object]);
        held += head->holds.objects;
        /* What leads to a head is of its own cycle. */
        memset(one, 0, count + 1);
        one[head->object] = true;
        close_over(heap, one);
        for (object_id id = 1; id <= count; id++) {
            headed[id] |= one[id];
            memset(back, 0, count + 1);
            back[id] = true;
            close_over(heap, back);
            if (!reached[id] && back[head->object])
                ck_assert(one[id]);
        }
        for (size_t other = 0; other < h; other++) /* and no head leads to another */
            ck_assert(!one[answer.heads[other].object]);
    }
    ck_assert_uint_eq(held, objects);
    for (object_id id = 1; id <= count; id++)
        ck_assert(reached[id] || headed[id]);
    for (object_id id = 1; id <= count; id++) {
        struct paths paths;
        struct path_options options = {.max = 1};
        ck_assert_ok(path_find(&paths, view, id, &options, &err), &err);
        ck_assert_int_eq(paths.outcome, reached[id] ? PATH_FROM_ROOT : PATH_UNREACHABLE);
        for (size_t s = 0; paths.path_count && s < paths.paths[0].step_count; s++)
            ck_assert_int_ne(paths.paths[0].steps[s].kind, REFERENCE_STALE);
        path_free(&paths);
    }
    unreachable_free(&answer);
    free(reached);
    free(headed);
    free(one);
    free(back);
    view_destroy(view);
    heap_destroy(heap);
}

/* A program of lists; with `blocks`, native memory in between and words everywhere. The same seed gives the
 * same program. */
static struct heap *program(uint64_t seed, bool blocks, uint32_t *objects)
{
    state = seed * 7561 + 5;
    struct heap_builder *b = begin();
    uint32_t count = 2 + pick(30), drawn = 1 + pick(20), extra = blocks ? drawn : 0, places = 0;
    object_id target[200], source[200];
    uint64_t refcount[MOST] = {0};
    for (object_id id = 1; id <= count; id++)
        for (uint32_t e = pick(3); e > 0; e--, places++) {
            source[places] = id;
            target[places] = 1 + pick(count);
            refcount[target[places]]++;
        }
    object_id rooted = 1 + pick(count), from_c = 1 + pick(count);
    refcount[rooted]++;
    refcount[from_c] += pick(2);
    uint64_t program_state = state;
    for (object_id id = 1; id <= count; id++) {
        object(b, id, 3, refcount[id]);
        for (uint32_t p = 0; p < places; p++)
            if (source[p] == id)
                heap_builder_edge(b, target[p], &err);
    }
    for (object_id id = count + 1; id <= count + extra; id++) {
        bool stale = pick(3) == 0;
        object(b, 1000 + id, stale ? 2 : 1, 0);
        if (stale)
            heap_builder_edge(b, 1 + pick(count + extra), &err);
        for (uint32_t e = pick(4); e > 0; e--)
            pointer(b, 1 + pick(count + extra));
    }
    for (uint32_t r = blocks ? pick(6) : 0; r > 0; r--)
        word(b, 1 + pick(count + extra));
    state = program_state;
    struct heap_root root = {
        .kind = ROOT_INTERPRETER, .reference = REFERENCE_FIELD, .name = text(b, "modules"), .target = rooted};
    ck_assert_ok(heap_builder_root(b, &root, &err), &err);
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(heap, &err);
    *objects = count;
    return heap;
}

static void blocks_change_nothing_that_is_known(uint64_t seed)
{
    uint32_t count;
    struct heap *plain = program(seed, false, &count), *mixed = program(seed, true, &count);
    struct view *a = look_at(plain), *b = look_at(mixed);
    struct unreachable x, y;
    ck_assert_ok(unreachable_find(&x, a, UINT64_MAX, &err) && unreachable_find(&y, b, UINT64_MAX, &err),
                 &err);
    /* What the program's own references make garbage is garbage, whatever words are left of it. */
    ck_assert_uint_eq(x.by_why[UNREACHABLE_CYCLE].objects + x.by_why[UNREACHABLE_DYING].objects,
                      x.all.objects - x.by_why[UNREACHABLE_FROM_C].objects -
                          x.by_why[UNREACHABLE_NOISE].objects);
    struct fates old, new;
    ck_assert_ok(heap_load_details(plain, &err) && heap_load_details(mixed, &err), &err);
    ck_assert_ok(fates_find(plain, &old, &err) && fates_find(mixed, &new, &err), &err);
    const struct dominators *d = view_dominators(a, &err), *e = view_dominators(b, &err);
    ck_assert_ok(d && e, &err);
    for (object_id id = 1; id <= count; id++) {
        enum fate was = fate_of(&old, id), is = fate_of(&new, id);
        ck_assert(was == is || (was == FATE_HELD_FROM_C && is == FATE_REACHED));
        struct paths p, q;
        struct path_options options = {.max = 1};
        ck_assert_ok(path_find(&p, a, id, &options, &err) && path_find(&q, b, id, &options, &err), &err);
        if (p.outcome == PATH_FROM_ROOT) {
            ck_assert_int_eq(q.outcome, PATH_FROM_ROOT);
            ck_assert_str_eq(p.paths[0].expression, q.paths[0].expression);
        } else if (p.outcome == PATH_UNREACHABLE) {
            ck_assert_int_eq(q.outcome, PATH_UNREACHABLE);
        }
        ck_assert_int_eq(q.outcome == PATH_FROM_ROOT, is == FATE_REACHED);
        ck_assert_int_eq(dominators_is_live(e, id), is == FATE_REACHED);
        path_free(&p);
        path_free(&q);
    }
    fates_free(&old);
    fates_free(&new);
    unreachable_free(&x);
    unreachable_free(&y);
    view_destroy(a);
    view_destroy(b);
    heap_destroy(plain);
    heap_destroy(mixed);
}

/* What one object retains is the same in the tree, alone, and in all rows of the grouped tree together. */
static void answers_agree(uint64_t seed)
{
    uint32_t count;
    struct heap *heap = seed % 2 ? native_heap(seed) : program(seed, true, &count);
    struct view *view = look_at(heap);
    const struct dominators *d = view_dominators(view, &err);
    ck_assert_ok(d, &err);
    for (int by_type = 0; by_type < 2; by_type++) {
        struct dominator_tree tree;
        struct dominator_tree_options options = {.by_type = by_type, .limit = UINT64_MAX};
        ck_assert_ok(dominator_tree_create(&tree, view, &options, &err), &err);
        uint64_t top = 0, objects = 0;
        for (size_t i = 0; i < tree.row_count; i++) {
            top += tree.rows[i].depth == 1 ? tree.rows[i].retained : 0;
            objects += tree.rows[i].count;
        }
        ck_assert_uint_eq(top, d->retained[0]);
        ck_assert_uint_eq(objects, d->live_count);
        dominator_tree_free(&tree);
    }
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct retained retained;
        ck_assert_ok(retained_create(&retained, view, &id, 1, &err), &err);
        ck_assert_uint_eq(retained.row_count, 1);
        ck_assert_uint_eq(retained.total, dominators_retained(d, id));
        ck_assert_uint_eq(retained.objects, d->held[d->number[id]]);
        retained_free(&retained);
    }
    object_id some[] = {1, heap->object_count, 1 + heap->object_count / 2};
    struct retained all;
    ck_assert_ok(retained_create(&all, view, some, 3, &err), &err);
    for (size_t i = 0; i < all.row_count; i++)
        ck_assert_uint_ge(all.total, all.rows[i].retained);
    retained_free(&all);
    view_destroy(view);
    heap_destroy(heap);
}

#define ON_HEAPS(test)                                                                                       \
    START_TEST(test##_on_heaps)                                                                              \
    {                                                                                                        \
        for (uint64_t seed = 0; seed < EACH; seed++)                                                         \
            test((uint64_t)_i *EACH + seed);                                                                 \
    }                                                                                                        \
    END_TEST

ON_HEAPS(leaks_are_what_no_word_leads_to)
ON_HEAPS(blocks_change_nothing_that_is_known)
ON_HEAPS(answers_agree)

int main(void)
{
    Suite *suite = suite_create("native oracle");
    TCase *tests = tcase_create("random heaps");
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, leaks_are_what_no_word_leads_to_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tests, blocks_change_nothing_that_is_known_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tests, answers_agree_on_heaps, 0, HEAPS / EACH);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
