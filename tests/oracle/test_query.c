/* Answers about random Python-like heaps against slow and obvious ways to get them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/graph/reachability.h"
#include "lib/query/diff.h"
#include "lib/query/expression.h"
#include "lib/query/find.h"
#include "lib/query/histogram.h"
#include "lib/query/neighbourhood.h"
#include "lib/query/path.h"
#include "lib/query/reference_tree.h"
#include "lib/query/show.h"
#include "lib/query/spelling.h"
#include "tests/support/heap_kit.h"
#include "tests/support/random_program.h"
#include "tests/support/support.h"

enum { HEAPS = 60, EACH = 10 };

/* Each test runs on EACH heaps in one process: a fork is dear under a sanitizer. */
#define ON_HEAPS(test)                                                                                       \
    START_TEST(test##_on_heaps)                                                                              \
    {                                                                                                        \
        for (int seed = 0; seed < EACH; seed++)                                                              \
            test(_i *EACH + seed);                                                                           \
    }                                                                                                        \
    END_TEST

static struct error err;
static struct view *open_view(struct heap *heap)
{
    struct view *view = view_create(heap, &err);
    ck_assert_ok(view, &err);
    return view;
}

static void what_is_printed_is_found_again(int seed)
{
    struct heap *heap = random_program((uint64_t)seed, true);
    struct view *view = open_view(heap);
    struct object_set reached;
    ck_assert_ok(reachability_mark(heap, false, &reached, &err), &err);
    uint32_t asked = 0;
    for (object_id id = 0; (id = object_set_next(&reached, id)) != 0;) {
        struct paths paths;
        struct path_options options = {.max = 5};
        ck_assert_ok(path_find(&paths, view, id, &options, &err), &err);
        ck_assert_uint_ge(paths.path_count, 1);
        for (size_t i = 0; i < paths.path_count; i++) {
            object_id found = expression_find(view, paths.paths[i].expression, &err);
            ck_assert_msg(found == id, "heap %d: %s is %u, found %u: %s", seed, paths.paths[i].expression, id,
                          found, err.message);
            asked++;
        }
        path_free(&paths);
        char number[32];
        snprintf(number, sizeof number, "@%u", id);
        ck_assert_uint_eq(expression_find(view, number, &err), id);
        snprintf(number, sizeof number, "%llu", (unsigned long long)heap->address[id]);
        ck_assert_uint_eq(expression_find(view, number, &err), id);
        snprintf(number, sizeof number, "0x%llX", (unsigned long long)heap->address[id]);
        ck_assert_uint_eq(expression_find(view, number, &err), id);
    }
    ck_assert_uint_gt(asked, 0);
    object_set_free(&reached);
    view_destroy(view);
    heap_destroy(heap);
}

ON_HEAPS(what_is_printed_is_found_again)

/* Every reference of a tree's node to its parent is there, counted by scanning; with no limit nothing is
 * hidden. */
static void referrer_trees_count_right(int seed)
{
    struct heap *heap = random_program((uint64_t)seed, false);
    struct view *view = open_view(heap);
    for (int direction = REFERENCES_IN; direction <= REFERENCES_OUT; direction++)
        for (object_id id = 1; id <= heap->object_count; id += 7) {
            struct reference_tree tree;
            struct reference_tree_options options = {
                .direction = (enum reference_direction)direction, .depth = 1, .group = true};
            ck_assert_ok(reference_tree_create(&tree, view, &id, 1, &options, &err), &err);
            struct holds holds = {0};
            ck_assert_ok(direction == REFERENCES_IN ? holders_of(view, id, &holds, &err)
                                                    : referents_of(view, id, &holds, &err),
                         &err);
            uint64_t count = 0, roots = 0;
            for (size_t i = 1; i < tree.node_count; i++) {
                ck_assert_uint_eq(tree.nodes[i].parent, 0);
                ck_assert_uint_eq(tree.nodes[i].hidden_nodes, 0);
                if (tree.nodes[i].object)
                    count += tree.nodes[i].count;
                else
                    roots++;
            }
            ck_assert_uint_eq(count, holds.count);
            uint64_t expected = 0;
            for (uint32_t r = 0; r < heap->root_count && direction == REFERENCES_IN; r++)
                expected += heap->roots[r].target == id && heap->roots[r].reference;
            ck_assert_uint_eq(roots, expected);
            holds_free(&holds);
            reference_tree_free(&tree);
            options.limit = 2;
            options.depth = 0;
            ck_assert_ok(reference_tree_create(&tree, view, &id, 1, &options, &err), &err);
            for (size_t i = 1; i < tree.node_count; i++) {
                ck_assert_uint_lt(tree.nodes[i].parent, i);
                ck_assert_uint_eq(tree.nodes[i].depth, tree.nodes[tree.nodes[i].parent].depth + 1);
            }
            reference_tree_free(&tree);
        }
    view_destroy(view);
    heap_destroy(heap);
}

ON_HEAPS(referrer_trees_count_right)

/* Any kind of reference between any families, as a damaged file may have it: no answer may break. */
static struct heap *nonsense(uint64_t seed)
{
    static const char *const names[] = {"__dict__",
                                        "__closure__",
                                        "__code__",
                                        "co_freevars",
                                        "co_localsplusnames",
                                        "<cache>",
                                        "<key>",
                                        "<result>",
                                        "cell_contents",
                                        "__module__",
                                        "a b",
                                        "",
                                        NULL,
                                        "attr"};
    random_begin(seed * 31337 + 7);
    struct kit *k = kit_create();
    uint32_t count = 5 + random_pick(40), thread = kit_thread(k, "", 1),
             frame = kit_frame(k, thread, "", "f", 0, 1 + random_pick(count));
    for (uint32_t i = 0; i < count; i++) {
        object_id id = kit_builtin(k, (enum family)random_pick(FAMILIES));
        if (kit_family(k, id) == FAMILY_STR)
            (void)kit_str_cut(k, "x\xff", random_pick(5));
        kit_detail(k, id, random_pick(1000), random_pick(5), (uint8_t)random_pick(64));
    }
    count = kit_count(k);
    for (object_id id = 1; id <= count; id++)
        for (uint32_t e = random_pick(5); e > 0; e--) {
            object_id target = random_pick(count + 1);
            switch (kit_family(k, id)) {
            case FAMILY_LIST:
            case FAMILY_TUPLE:
            case FAMILY_DEQUE:
                kit_item(k, id, target);
                break;
            case FAMILY_DICT:
                kit_pair(k, id, random_pick(count + 1), target);
                break;
            case FAMILY_SET:
                kit_member(k, id, target);
                break;
            default:
                kit_field(k, id, (enum reference_kind)(1 + random_pick(REFERENCE_KINDS - 1)),
                          names[random_pick(14)], target);
            }
        }
    for (uint32_t r = random_pick(5); r > 0; r--)
        kit_root(k, (enum root_kind)(1 + random_pick(ROOT_KINDS - 1)),
                 (enum reference_kind)random_pick(REFERENCE_KINDS), names[random_pick(14)],
                 1 + random_pick(count));
    kit_local(k, frame, "x", 1 + random_pick(count));
    for (type_id t = 1; t <= 5; t++)
        kit_type_object(k, 1, 1 + random_pick(count));
    return kit_finish(k);
}

static bool count_one(void *self, const struct hold *hold, struct error *error)
{
    (void)error;
    ck_assert(hold->holder && hold->object);
    ++*(uint64_t *)self;
    return true;
}

static void ask_nonsense(uint64_t seed)
{
    uint64_t referred = 0;
    struct heap *heap = nonsense(seed);
    struct view *view = open_view(heap);
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct paths paths;
        struct path_options options = {.max = 1 + (uint32_t)(id & 7)};
        ck_assert_ok(path_find(&paths, view, id, &options, &err), &err);
        for (size_t i = 0; i < paths.path_count; i++)
            (void)expression_find(view, paths.paths[i].expression, &err);
        path_free(&paths);
        for (int direction = REFERENCES_IN; direction <= REFERENCES_OUT; direction++) {
            struct reference_tree tree;
            struct reference_tree_options tree_options = {.direction = (enum reference_direction)direction,
                                                          .group = id & 1,
                                                          .limit = id & 3,
                                                          .weak = id & 4};
            ck_assert_ok(reference_tree_create(&tree, view, &id, 1, &tree_options, &err), &err);
            reference_tree_free(&tree);
        }
        struct shown shown;
        ck_assert_ok(show_object(&shown, view, id, 0, &err), &err);
        show_free(&shown);
        struct neighbourhood around;
        struct neighbourhood_options both = {
            .inwards = true, .outwards = true, .depth = id & 3, .limit = id & 5};
        ck_assert_ok(neighbourhood_create(&around, view, &id, 1, &both, &err), &err);
        ck_assert_ok(references_each(view, &around.members, id & 1, count_one, &referred, &err), &err);
        neighbourhood_free(&around);
    }
    ck_assert_ok(references_each(view, NULL, false, count_one, &referred, &err), &err);
    struct histogram histogram;
    for (int by = HISTOGRAM_REFERRER; by <= HISTOGRAM_VIA; by++) {
        struct histogram_options by_referrer = {.by = (enum histogram_by)by};
        ck_assert_ok(histogram_create(&histogram, view, &by_referrer, &err), &err);
        ck_assert_uint_eq(histogram.objects, heap->object_count);
        histogram_free(&histogram);
    }
    static const char *const attributes[] = {"cell_contents", "a!=x", "__dict__~.",
                                             "__closure__",   "x=*",  "b>0"};
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++) {
        struct found found;
        struct find_request request = {.attributes = &attributes[i], .attribute_count = 1};
        ck_assert_ok(find_objects(&found, view, &request, 5, &err), &err);
        find_free(&found);
    }
    struct diff diff;
    struct diff_options by_path = {.by = DIFF_PATH};
    ck_assert_ok(diff_create(&diff, view, view, &by_path, &err), &err);
    ck_assert_uint_eq(diff.changed_count, 0);
    diff_free(&diff);
    view_destroy(view);
    heap_destroy(heap);
}

START_TEST(nonsense_breaks_nothing)
{
    for (uint64_t seed = 0; seed < HEAPS; seed++)
        ask_nonsense((uint64_t)_i * HEAPS + seed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("query oracle");
    TCase *tc = tcase_create("random programs");
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, what_is_printed_is_found_again_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, referrer_trees_count_right_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, nonsense_breaks_nothing, 0, 10);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
