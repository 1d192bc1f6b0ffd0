/* The graph against what is obviously right and slow: transpose, distances, chains, reachability on random
 * heaps. */
#include <stdlib.h>
#include <string.h>

#include "lib/graph/address_order.h"
#include "lib/graph/paths.h"
#include "lib/graph/reachability.h"
#include "lib/graph/tree.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

enum { HEAPS = 120, EACH = 20, UNREACHED = 1000000 };

/* Each test runs on EACH heaps in one process: a fork is dear under a sanitizer. */
#define ON_HEAPS(test)                                                                                       \
    START_TEST(test##_on_heaps)                                                                              \
    {                                                                                                        \
        for (int seed = 0; seed < EACH; seed++)                                                              \
            test(_i *EACH + seed);                                                                           \
    }                                                                                                        \
    END_TEST

static struct error err;
static uint64_t state;

static uint32_t pick(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* Objects with weak fields, parts, duplicate and self references, empty places; garbage; few roots of several
 * kinds. */
static struct heap *random_heap(uint64_t seed)
{
    state = seed * 977 + 1;
    struct kit *k = kit_create();
    uint32_t count = 2 + pick(40), thread = kit_thread(k, "MainThread", 7),
             frame = kit_frame(k, thread, "app", "run", 0, 0);
    type_id plain = kit_type(k, "app.Plain", "app", FAMILY_OTHER);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sort = pick(6);
        object_id id = sort == 0   ? kit_builtin(k, FAMILY_LIST)
                       : sort == 1 ? kit_builtin(k, FAMILY_DICT)
                       : sort == 2 ? kit_builtin(k, FAMILY_SET)
                                   : kit_object(k, plain);
        kit_address(k, id, 0x1000 + 16 * (uint64_t)pick(100000) * 64 + i * 16);
    }
    for (object_id id = 1; id <= count; id++)
        for (uint32_t e = pick(5); e > 0; e--) {
            object_id target = pick(count + 1); /* 0: an empty place */
            switch (pick(8)) {
            case 0:
                kit_field(k, id, REFERENCE_WEAK, NULL, target);
                break;
            case 1:
                kit_field(k, id, REFERENCE_NAMESPACE, "__dict__", target);
                break;
            case 2:
                kit_field(k, id, REFERENCE_FRAME, "gi_frame", target);
                break;
            default:
                kit_field(k, id, REFERENCE_ATTRIBUTE, "attr", target);
            }
        }
    for (uint32_t r = pick(4); r > 0; r--) {
        object_id target = 1 + pick(count);
        switch (pick(4)) {
        case 0:
            kit_root(k, ROOT_MODULE, 0, "app", target);
            break;
        case 1:
            kit_local(k, frame, "x", target);
            break;
        case 2:
            kit_root(k, ROOT_INTERPRETER, REFERENCE_FIELD, "builtins", target);
            break;
        default:
            kit_root(k, ROOT_IMMORTAL, 0, "", target);
        }
    }
    return kit_finish(k);
}

static bool is_part(enum reference_kind kind)
{
    return kind == REFERENCE_NAMESPACE || kind == REFERENCE_FRAME;
}

/* A folded step: a strong reference, or one through a part of the source. */
static bool step_exists(const struct heap *heap, object_id source, object_id target, const bool *avoid)
{
    for (uint64_t i = csr_start(&heap->edges, source); i < csr_end(&heap->edges, source); i++) {
        struct reference r = heap_reference(heap, source, i);
        if (!r.target || r.kind == REFERENCE_WEAK)
            continue;
        if (r.target == target)
            return true;
        if (!is_part(r.kind) || r.target == source || (avoid && avoid[r.target]))
            continue;
        for (uint64_t j = csr_start(&heap->edges, r.target); j < csr_end(&heap->edges, r.target); j++)
            if (heap->edges.item[j] == target && heap_reference(heap, r.target, j).kind != REFERENCE_WEAK)
                return true;
    }
    return false;
}

/* Distances from all roots by repeating until nothing changes. */
static void naive_distances(const struct heap *heap, const bool *avoid, uint32_t *distance)
{
    for (object_id id = 0; id <= heap->object_count; id++)
        distance[id] = UNREACHED;
    for (uint32_t r = 0; r < heap->root_count; r++) {
        uint32_t cost = root_cost(&heap->roots[r]);
        if (!(avoid && avoid[heap->roots[r].target]) && cost < distance[heap->roots[r].target])
            distance[heap->roots[r].target] = cost;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (object_id s = 1; s <= heap->object_count; s++)
            for (object_id t = 1; t <= heap->object_count; t++)
                if (distance[s] < UNREACHED && distance[s] + 1 < distance[t] && !(avoid && avoid[t]) &&
                    step_exists(heap, s, t, avoid)) {
                    distance[t] = distance[s] + 1;
                    changed = true;
                }
    }
}

static void transpose_is_what_a_scan_finds(int seed)
{
    struct heap *heap = random_heap((uint64_t)seed);
    struct graph *graph = graph_create(heap, &err);
    ck_assert_ok(graph, &err);
    uint64_t total = 0;
    for (object_id target = 1; target <= heap->object_count; target++) {
        uint64_t at = csr_start(&graph->reverse, target), parts = 0;
        for (object_id source = 1; source <= heap->object_count; source++)
            for (uint64_t e = csr_start(&heap->edges, source); e < csr_end(&heap->edges, source); e++)
                if (heap->edges.item[e] == target) {
                    ck_assert_uint_lt(at, csr_end(&graph->reverse, target));
                    ck_assert_uint_eq(graph->reverse.item[at++], source);
                    parts += source != target && is_part(heap_reference(heap, source, e).kind);
                }
        ck_assert_uint_eq(at, csr_end(&graph->reverse, target));
        ck_assert_int_eq(object_set_has(&graph->transparent, target), parts != 0);
        total += graph_in_degree(graph, target);
    }
    ck_assert_uint_eq(total, graph->reverse.item_count);
    graph_destroy(graph);
    heap_destroy(heap);
}

ON_HEAPS(transpose_is_what_a_scan_finds)

struct tree_check {
    const struct heap *heap;
    uint32_t *level;
    uint32_t last;
};

static bool check_visit(void *self, const struct tree_visit *visit, struct error *e)
{
    (void)e;
    struct tree_check *check = self;
    uint32_t level;
    if (!visit->parent) {
        level = root_cost(&check->heap->roots[visit->root]);
        ck_assert_uint_eq(check->heap->roots[visit->root].target, visit->object);
    } else {
        object_id source = visit->via ? visit->via : visit->parent;
        ck_assert_uint_ne(check->level[visit->parent], UNREACHED);
        ck_assert_uint_eq(check->heap->edges.item[visit->edge], visit->object);
        ck_assert_int_ne(heap_reference(check->heap, source, visit->edge).kind, REFERENCE_WEAK);
        ck_assert(visit->edge >= csr_start(&check->heap->edges, source) &&
                  visit->edge < csr_end(&check->heap->edges, source));
        level = check->level[visit->parent] + 1;
    }
    ck_assert_uint_eq(check->level[visit->object], UNREACHED);
    check->level[visit->object] = level;
    return true;
}

static void tree_levels_are_distances(int seed)
{
    struct heap *heap = random_heap((uint64_t)seed);
    struct roots roots;
    struct object_set transparent;
    ck_assert_ok(roots_create(&roots, heap, &err) && graph_find_transparent(heap, &transparent, &err), &err);
    uint32_t *distance = calloc(heap->object_count + 1, sizeof *distance);
    struct tree_check check = {.heap = heap, .level = calloc(heap->object_count + 1, sizeof *check.level)};
    for (object_id id = 0; id <= heap->object_count; id++)
        check.level[id] = UNREACHED;
    struct tree_options options = {.transparent = &transparent, .visit = check_visit, .self = &check};
    ck_assert_ok(tree_walk(heap, &roots, &options, &err), &err);
    naive_distances(heap, NULL, distance);
    for (object_id id = 1; id <= heap->object_count; id++)
        ck_assert_msg(distance[id] == check.level[id], "heap %d object %u: %u, not %u", seed, id,
                      check.level[id], distance[id]);
    free(distance);
    free(check.level);
    object_set_free(&transparent);
    roots_free(&roots);
    heap_destroy(heap);
}

ON_HEAPS(tree_levels_are_distances)

/* Every step of a chain is a strong reference that is there; returns its length as a person counts. */
static uint32_t check_chain(const struct heap *heap, const struct graph *graph, const struct chain *chain)
{
    uint32_t length = chain->root == PATH_NO_ROOT ? 0 : root_cost(&heap->roots[chain->root]);
    if (chain->root != PATH_NO_ROOT)
        ck_assert_uint_eq(heap->roots[chain->root].target, chain->steps[0].object);
    bool through = false;
    for (uint32_t i = 1; i < chain->step_count; i++) {
        object_id source = chain->steps[i - 1].object;
        ck_assert(chain->steps[i].edge >= csr_start(&heap->edges, source));
        ck_assert(chain->steps[i].edge < csr_end(&heap->edges, source));
        struct reference r = heap_reference(heap, source, chain->steps[i].edge);
        ck_assert_uint_eq(r.target, chain->steps[i].object);
        ck_assert_int_ne(r.kind, REFERENCE_WEAK);
        /* Into a part and out of it again is one step. */
        bool fold = through;
        through = !fold && is_part(r.kind) && source != r.target && i + 1 < chain->step_count;
        ck_assert(!through || object_set_has(&graph->transparent, r.target));
        length += !fold;
    }
    return length;
}

static int compare_chains(const void *a, const void *b)
{
    const struct chain *x = a, *y = b;
    if (x->root != y->root)
        return x->root < y->root ? -1 : 1;
    if (x->step_count != y->step_count)
        return x->step_count < y->step_count ? -1 : 1;
    for (uint32_t i = 1; i < x->step_count; i++)
        if (x->steps[i].edge != y->steps[i].edge)
            return x->steps[i].edge < y->steps[i].edge ? -1 : 1;
    return 0;
}

/* All chains of the shortest length, counted by brute force from the object back to the roots. */
static uint64_t count_chains(const struct heap *heap, const uint32_t *distance, const bool *avoid,
                             object_id target, object_id source, uint32_t left, bool part)
{
    /* Chains with `left` more steps that start at source and end at target; distances from the target are
     * found by trying. */
    if (left == 0)
        return source == target;
    uint64_t count = 0;
    for (uint64_t i = csr_start(&heap->edges, source); i < csr_end(&heap->edges, source); i++) {
        struct reference r = heap_reference(heap, source, i);
        if (!r.target || r.kind == REFERENCE_WEAK)
            continue;
        if (!(avoid && avoid[r.target] && r.target != target))
            count += count_chains(heap, distance, avoid, target, r.target, left - 1,
                                  is_part(r.kind) && r.target != source);
        if (part || !is_part(r.kind) || r.target == source || (avoid && avoid[r.target]))
            continue;
        for (uint64_t j = csr_start(&heap->edges, r.target); j < csr_end(&heap->edges, r.target); j++) {
            struct reference inner = heap_reference(heap, r.target, j);
            if (inner.target && inner.kind != REFERENCE_WEAK &&
                !(avoid && avoid[inner.target] && inner.target != target))
                count += count_chains(heap, distance, avoid, target, inner.target, left - 1, false);
        }
    }
    return count;
}

static void check_paths(const struct heap *heap, const struct graph *graph, const struct roots *roots,
                        const bool *avoid, const struct object_set *avoid_set)
{
    uint32_t *distance = calloc(heap->object_count + 1, sizeof *distance);
    naive_distances(heap, avoid, distance);
    for (object_id id = 1; id <= heap->object_count; id++) {
        if (avoid && avoid[id])
            continue;
        struct path_query query = {.target = id, .max = 1, .avoid = avoid_set};
        struct chain *one, *all;
        uint32_t one_count, all_count;
        ck_assert_ok(paths_find(graph, roots, &query, &one, &one_count, &err), &err);
        ck_assert_uint_eq(one_count, distance[id] < UNREACHED);
        query.max = 100000;
        ck_assert_ok(paths_find(graph, roots, &query, &all, &all_count, &err), &err);
        if (!one_count)
            ck_assert_uint_eq(all_count, 0);
        else {
            ck_assert_uint_eq(one->length, distance[id]);
            ck_assert_uint_eq(check_chain(heap, graph, one), distance[id]);
            uint64_t expected = 0;
            for (uint32_t r = 0; r < heap->root_count; r++) {
                uint32_t cost = root_cost(&heap->roots[r]);
                if (cost <= distance[id] && !(avoid && avoid[heap->roots[r].target]))
                    expected += count_chains(heap, distance, avoid, id, heap->roots[r].target,
                                             distance[id] - cost, false);
            }
            ck_assert_uint_eq(all_count, expected);
            for (uint32_t i = 0; i < all_count; i++) {
                ck_assert_uint_eq(check_chain(heap, graph, &all[i]), distance[id]);
                ck_assert_uint_eq(all[i].steps[all[i].step_count - 1].object, id);
                ck_assert_int_ge(root_compare(heap, all[i].root, one->root), 0);
            }
            qsort(all, all_count, sizeof *all, compare_chains);
            for (uint32_t i = 1; i < all_count; i++)
                ck_assert_int_lt(compare_chains(&all[i - 1], &all[i]), 0);
        }
        chains_free(one, one_count);
        chains_free(all, all_count);
    }
    free(distance);
}

static void chains_are_shortest_real_and_complete(int seed)
{
    struct heap *heap = random_heap((uint64_t)seed);
    struct graph *graph = graph_create(heap, &err);
    struct roots roots;
    struct object_set avoid_set;
    ck_assert_ok(graph && roots_create(&roots, heap, &err) && object_set_create(&avoid_set, heap, &err),
                 &err);
    check_paths(heap, graph, &roots, NULL, NULL);
    bool *avoid = calloc(heap->object_count + 1, 1);
    for (uint32_t i = 0; i < 3; i++) {
        object_id id = 1 + pick(heap->object_count);
        avoid[id] = true;
        object_set_add(&avoid_set, id);
    }
    check_paths(heap, graph, &roots, avoid, &avoid_set);
    free(avoid);
    object_set_free(&avoid_set);
    roots_free(&roots);
    graph_destroy(graph);
    heap_destroy(heap);
}

ON_HEAPS(chains_are_shortest_real_and_complete)

static void chains_between_objects(int seed)
{
    struct heap *heap = random_heap((uint64_t)seed);
    struct graph *graph = graph_create(heap, &err);
    struct roots roots;
    ck_assert_ok(graph && roots_create(&roots, heap, &err), &err);
    uint32_t n = heap->object_count + 1, *distance = calloc((size_t)n * n, sizeof *distance);
    for (object_id s = 1; s < n; s++)
        for (object_id t = 1; t < n; t++)
            distance[s * n + t] = s == t ? 0 : step_exists(heap, s, t, NULL) ? 1 : UNREACHED;
    for (object_id m = 1; m < n; m++)
        for (object_id s = 1; s < n; s++)
            for (object_id t = 1; t < n; t++)
                if (distance[s * n + m] + distance[m * n + t] < distance[s * n + t])
                    distance[s * n + t] = distance[s * n + m] + distance[m * n + t];
    for (object_id s = 1; s < n; s++)
        for (object_id t = 1; t < n; t++) {
            struct path_query query = {.target = t, .from = s, .max = 1};
            struct chain *chain;
            uint32_t count;
            ck_assert_ok(paths_find(graph, &roots, &query, &chain, &count, &err), &err);
            ck_assert_uint_eq(count, distance[s * n + t] < UNREACHED);
            if (count) {
                ck_assert_uint_eq(chain->length, distance[s * n + t]);
                ck_assert_uint_eq(check_chain(heap, graph, chain), chain->length);
                ck_assert_uint_eq(chain->steps[0].object, s);
                ck_assert_uint_eq(chain->root, PATH_NO_ROOT);
            }
            chains_free(chain, count);
        }
    free(distance);
    roots_free(&roots);
    graph_destroy(graph);
    heap_destroy(heap);
}

ON_HEAPS(chains_between_objects)

static void reachability_is_a_fixpoint(int seed)
{
    struct heap *heap = random_heap((uint64_t)seed);
    struct object_set reached;
    ck_assert_ok(reachability_mark(heap, false, &reached, &err), &err);
    uint32_t *distance = calloc(heap->object_count + 1, sizeof *distance), count = 0;
    naive_distances(heap, NULL, distance);
    for (object_id id = 1; id <= heap->object_count; id++) {
        ck_assert_int_eq(object_set_has(&reached, id), distance[id] < UNREACHED);
        count += distance[id] < UNREACHED;
    }
    ck_assert_uint_eq(object_set_count(&reached), count);
    uint32_t walked = 0;
    for (object_id id = 0; (id = object_set_next(&reached, id)) != 0;)
        walked++;
    ck_assert_uint_eq(walked, count);
    free(distance);
    object_set_free(&reached);
    heap_destroy(heap);
}

ON_HEAPS(reachability_is_a_fixpoint)

static void addresses_come_in_order(int seed)
{
    struct heap *heap = random_heap((uint64_t)seed);
    object_id *order = address_order(heap, &err);
    ck_assert_ok(order, &err);
    bool *seen = calloc(heap->object_count + 1, 1);
    for (uint32_t i = 0; i < heap->object_count; i++) {
        ck_assert(!seen[order[i]]);
        seen[order[i]] = true;
        if (i)
            ck_assert(heap->address[order[i - 1]] < heap->address[order[i]] ||
                      (heap->address[order[i - 1]] == heap->address[order[i]] && order[i - 1] < order[i]));
    }
    free(seen);
    free(order);
    heap_destroy(heap);
}

ON_HEAPS(addresses_come_in_order)

int main(void)
{
    Suite *suite = suite_create("graph oracle");
    TCase *tc = tcase_create("random heaps");
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, transpose_is_what_a_scan_finds_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, tree_levels_are_distances_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, chains_are_shortest_real_and_complete_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, chains_between_objects_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, reachability_is_a_fixpoint_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, addresses_come_in_order_on_heaps, 0, HEAPS / EACH);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
