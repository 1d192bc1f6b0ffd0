/* The dominator tree against its definition: an object dominates what cannot be reached without it. On random
 * graphs with hubs, cycles, long lists, weak references, self and repeated references, garbage that refers to
 * the living, roots that others hold; and on shapes of a million objects that break what is quadratic or
 * recurses. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/graph/dominators.h"
#include "lib/heap/heap_builder.h"
#include "tests/support/support.h"

enum { GRAPHS = 600, EACH = 50 };

static struct error err;
static uint64_t state;

static uint32_t pick(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* Shapes 1: references and nothing else; 2: its first reference is weak, 3: stale; 4: a class made at run
 * time that is object 1, held by its instances. */
static struct heap_builder *begin(object_id class)
{
    struct heap_builder *b = heap_builder_create("dominators", &err);
    static const uint8_t kinds[] = {REFERENCE_ATTRIBUTE, REFERENCE_WEAK, REFERENCE_STALE,
                                    REFERENCE_ATTRIBUTE};
    for (uint32_t i = 0; i < 4; i++) {
        struct heap_type type = {.flags = i == 3 ? TYPE_HEAP : 0, .object = i == 3 ? class : 0};
        struct heap_field field = {.kind = kinds[i]};
        type_id t = heap_builder_type(b, &type, NULL, &err);
        struct heap_shape shape = {.type = t, .field_count = i == 1 || i == 2, .tail = TAIL_INDEX};
        ck_assert_uint_eq(heap_builder_shape(b, &shape, &field, &err), i + 1);
    }
    return b;
}

static void object(struct heap_builder *b, shape_id shape, uint64_t size, uint8_t flags)
{
    static uint64_t address;
    struct heap_detail detail = {.size = size, .flags = flags, .refcount = 1};
    ck_assert_ok(heap_builder_object(b, address += 16, shape, &detail, &err), &err);
}

static void edge(struct heap_builder *b, object_id target)
{
    ck_assert_ok(heap_builder_edge(b, target, &err), &err);
}

static void root(struct heap_builder *b, object_id target)
{
    ck_assert_ok(heap_builder_root(b, &(struct heap_root){.kind = ROOT_INTERPRETER, .target = target}, &err),
                 &err);
}

static struct heap *random_graph(uint64_t seed)
{
    state = seed * 7919 + 3;
    uint32_t count = 1 + pick(40), dense = 1 + pick(4), hubs = 1 + pick(3), list = pick(3) ? 0 : pick(count);
    struct heap_builder *b = begin(pick(2) ? 1 : 0);
    for (object_id id = 1; id <= count; id++) {
        object(b, 1 + pick(pick(3) ? 1 : 4), 1 + pick(100), pick(30) ? 0 : OBJECT_IMMORTAL);
        if (id < list)
            edge(b, id + 1);
        for (uint32_t e = pick(dense + 1); e > 0; e--)
            edge(b, pick(4) ? pick(count + 1) : 1 + pick(hubs < count ? hubs : count));
        if (!pick(8))
            edge(b, id);
    }
    for (uint32_t r = pick(4); r > 0; r--)
        root(b, 1 + pick(count));
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(heap, &err);
    return heap;
}

static bool follows(const struct heap *heap, object_id source, uint64_t edge)
{
    return !reference_kind_is_loose(heap_reference(heap, source, edge).kind);
}

/* What `from` leads to, without passing `without`, by repeating until nothing changes; `within`: only there.
 */
static void reach(const struct heap *heap, const bool *from, object_id without, const bool *within, bool *ret)
{
    for (object_id id = 0; id <= heap->object_count; id++)
        ret[id] = id && from[id] && id != without;
    for (bool changed = true; changed;) {
        changed = false;
        for (object_id s = 1; s <= heap->object_count; s++)
            for (uint64_t e = csr_start(&heap->edges, s); ret[s] && e < csr_end(&heap->edges, s); e++) {
                object_id t = heap->edges.item[e];
                if (t && t != without && !ret[t] && (!within || within[t]) && follows(heap, s, e))
                    changed = ret[t] = true;
            }
    }
}

/* Roots, and classes that only living instances hold. */
static void find_roots(const struct heap *heap, bool *roots, bool *live)
{
    for (uint32_t r = 0; r < heap->root_count; r++)
        roots[heap->roots[r].target] = true;
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct heap_detail detail;
        heap_detail(heap, id, &detail);
        roots[id] |= (detail.flags & OBJECT_IMMORTAL) != 0;
    }
    reach(heap, roots, 0, NULL, live);
    for (object_id id = 1; id <= heap->object_count; id++) {
        object_id class = heap->types[heap_type_of(heap, id)].object;
        if (live[id] && class && !live[class])
            roots[class] = true;
    }
    reach(heap, roots, 0, NULL, live);
}

/* Every object's tree against what is not reached without it. */
static void check_part(const struct heap *heap, const struct dominators *d, const bool *roots,
                       const bool *part)
{
    uint32_t count = heap->object_count;
    bool *reached = calloc(count + 1, sizeof *reached);
    uint32_t *dominators = calloc(count + 1, sizeof *dominators); /* how many dominate it, itself included */
    for (object_id id = 1; id <= count; id++) {
        if (!part[id])
            continue;
        uint64_t bytes = 0;
        uint32_t held = 0;
        reach(heap, roots, id, part, reached);
        for (object_id other = 1; other <= count; other++) {
            if (!part[other] || reached[other])
                continue;
            struct heap_detail detail;
            heap_detail(heap, other, &detail);
            bytes += detail.size;
            held++;
            dominators[other]++;
            object_id up = other;
            while (up && up != id)
                up = dominators_parent(d, up);
            ck_assert_uint_eq(up, id); /* it dominates it: it stands above it in the tree */
        }
        ck_assert_uint_eq(dominators_retained(d, id), bytes);
        ck_assert_uint_eq(d->held[d->number[id]], held);
    }
    for (object_id id = 1; id <= count; id++)
        if (part[id])
            ck_assert_uint_eq(d->depth[d->number[id]], dominators[id]); /* and nothing else stands above it */
    free(dominators);
    free(reached);
}

static void check_tree(const struct heap *heap, const struct dominators *d)
{
    struct dominator_children children;
    ck_assert_ok(dominators_children(d, &children, &err), &err);
    uint32_t seen = 0;
    for (uint32_t n = 0; n <= d->count; n++)
        for (uint32_t i = children.start[n]; i < children.start[n + 1]; i++, seen++) {
            ck_assert_uint_eq(d->parent[children.child[i]], n);
            ck_assert(i == children.start[n] || children.child[i - 1] < children.child[i]);
        }
    ck_assert_uint_eq(seen, heap->object_count);
    dominator_children_free(&children);
    ck_assert_uint_eq(d->count, heap->object_count);
    for (object_id id = 1; id <= heap->object_count; id++) {
        ck_assert_uint_eq(d->object[d->number[id]], id);
        ck_assert_uint_lt(d->parent[d->number[id]], d->number[id]);
    }
}

static void tree_is_what_its_definition_says(uint64_t seed)
{
    struct heap *heap = random_graph(seed);
    uint32_t count = heap->object_count;
    struct dominators d;
    ck_assert_ok(dominators_find(heap, &(struct dominators_options){0}, &d, &err), &err);
    bool *roots = calloc(count + 1, 1), *live = calloc(count + 1, 1), *dead = calloc(count + 1, 1),
         *heads = calloc(count + 1, 1), *reached = calloc(count + 1, 1);
    find_roots(heap, roots, live);
    uint64_t bytes = 0;
    for (object_id id = 1; id <= count; id++) {
        struct heap_detail detail;
        heap_detail(heap, id, &detail);
        ck_assert_int_eq(dominators_is_live(&d, id), live[id]);
        bytes += live[id] ? detail.size : 0;
        dead[id] = !live[id];
        heads[id] = dead[id] && !dominators_parent(&d, id);
    }
    ck_assert_uint_eq(d.retained[0], bytes);
    check_tree(heap, &d);
    check_part(heap, &d, roots, live);
    /* What is not reached: heads lead to all of it, and what another part leads to is none unless two do. */
    reach(heap, heads, 0, dead, reached);
    ck_assert_int_eq(memcmp(reached, dead, count + 1), 0);
    check_part(heap, &d, heads, dead);
    free(roots);
    free(live);
    free(dead);
    free(heads);
    free(reached);
    dominators_free(&d);
    heap_destroy(heap);
}

START_TEST(random_graphs)
{
    for (uint64_t seed = 0; seed < EACH; seed++)
        tree_is_what_its_definition_says((uint64_t)_i * EACH + seed);
}
END_TEST

/* What nothing else leads to begins a tree of what no root reaches, whatever its number; one that dies takes
 * along what it alone leads to, but nothing that lives. */
START_TEST(garbage_hangs_under_its_heads)
{
    struct heap_builder *b = begin(0);
    static const object_id targets[] = {2, 0, 2, 3,
                                        4, 6, 5}; /* 1 lives and holds 2; 5 -> 4 -> 3 -> 2; 6 <-> 7 */
    for (object_id id = 1; id <= 7; id++) {
        object(b, 1, 10, 0);
        edge(b, id == 6 ? 7 : targets[id - 1]);
    }
    root(b, 1);
    struct heap *heap = heap_builder_freeze(b, &err);
    struct dominators d;
    ck_assert_ok(dominators_find(heap, &(struct dominators_options){0}, &d, &err), &err);
    ck_assert_uint_eq(d.live_count, 2);
    ck_assert_uint_eq(dominators_retained(&d, 1), 20);
    ck_assert_uint_eq(dominators_parent(&d, 3), 4);
    ck_assert_uint_eq(dominators_parent(&d, 4), 5);
    ck_assert_uint_eq(dominators_parent(&d, 5), 7); /* the cycle 6, 7 leads to it by 7 */
    ck_assert_uint_eq(dominators_retained(&d, 5), 30);
    ck_assert_uint_eq(d.retained[0], 20);
    dominators_free(&d);
    heap_destroy(heap);
}
END_TEST

enum { MILLION = 1000000 };

/* A list whose every node a hub, the end, refers back to, and which also leads to its second next. */
START_TEST(a_list_of_a_million)
{
    for (int variant = 0; variant < 4; variant++) {
        struct heap_builder *b = begin(0);
        for (object_id id = 1; id <= MILLION; id++) {
            object(b, 1, 10, 0);
            if (id < MILLION)
                edge(b, id + 1);
            if (variant & 1 && id > 1)
                edge(b, id - 1); /* doubly linked */
            if (variant & 2)
                edge(b, MILLION); /* a hub */
        }
        root(b, 1);
        struct heap *heap = heap_builder_freeze(b, &err);
        struct dominators d;
        clock_t start = clock();
        ck_assert_ok(dominators_find(heap, &(struct dominators_options){0}, &d, &err), &err);
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        ck_assert_msg(seconds < 10, "variant %d took %.1f s", variant, seconds);
        ck_assert_uint_eq(dominators_retained(&d, 1), 10ull * MILLION);
        ck_assert_uint_eq(dominators_parent(&d, MILLION / 2),
                          variant == 3 ? 1 : MILLION / 2 - 1); /* from both ends */
        ck_assert_uint_eq(dominators_parent(&d, MILLION), variant & 2 ? 1 : MILLION - 1);
        dominators_free(&d);
        heap_destroy(heap);
    }
}
END_TEST

/* Plain Semi-NCA walks the list again for each object that hangs on its far end and on its start. */
START_TEST(a_ladder)
{
    enum { RUNGS = 300000 };
    struct heap_builder *b = begin(0);
    for (object_id id = 1; id <= RUNGS; id++) {
        object(b, 1, 10, 0);
        if (id < RUNGS)
            edge(b, id + 1);
        else
            for (object_id rung = 1; rung <= RUNGS; rung++)
                edge(b, RUNGS + rung);
        if (id == 1)
            for (object_id rung = 1; rung <= RUNGS; rung++)
                edge(b, RUNGS + rung);
    }
    for (object_id rung = 1; rung <= RUNGS; rung++)
        object(b, 1, 1, 0);
    root(b, 1);
    struct heap *heap = heap_builder_freeze(b, &err);
    struct dominators d;
    clock_t start = clock();
    ck_assert_ok(dominators_find(heap, &(struct dominators_options){0}, &d, &err), &err);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    ck_assert_msg(seconds < 10, "it took %.1f s", seconds);
    ck_assert_uint_eq(dominators_retained(&d, RUNGS), 10);
    ck_assert_uint_eq(dominators_parent(&d, RUNGS + 7), 1);
    ck_assert_uint_eq(d.retained[0], 11ull * RUNGS);
    dominators_free(&d);
    heap_destroy(heap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dominators");
    TCase *tests = tcase_create("dominators");
    tcase_set_timeout(tests, 240);
    tcase_add_loop_test(tests, random_graphs, 0, GRAPHS / EACH);
    tcase_add_test(tests, garbage_hangs_under_its_heads);
    tcase_add_test(tests, a_list_of_a_million);
    tcase_add_test(tests, a_ladder);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
