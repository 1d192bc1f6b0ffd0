/* Shapes that break what recurses or is quadratic: a chain of a million nodes, a hub of a million holders, a
   dict of a million values. Each test must end within seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/graph/reachability.h"
#include "lib/query/expression.h"
#include "lib/query/histogram.h"
#include "lib/query/path.h"
#include "lib/query/reference_tree.h"
#include "lib/query/show.h"
#include "tests/support/support.h"

#include "lib/heap/heap_builder.h"

enum { MILLION = 1000000 };

static struct error err;

/* Types and shapes: 1 a node with a slot `next`, 2 a list, 3 a module, 4 a dict. */
static struct heap_builder *begin(void)
{
    struct heap_builder *b = heap_builder_create("scale", &err);
    string_id next = heap_builder_string(b, "next", 4, &err),
              ns = heap_builder_string(b, "__dict__", 8, &err);
    static const struct {
        const char *name;
        enum family family;
        enum shape_tail tail;
    } types[] = {{"app.Node", FAMILY_OTHER, TAIL_NONE}, {"list", FAMILY_LIST, TAIL_INDEX},
                 {"module", FAMILY_MODULE, TAIL_NONE},  {"dict", FAMILY_DICT, TAIL_PAIRS},
                 {"int", FAMILY_INT, TAIL_NONE},        {"str", FAMILY_STR, TAIL_NONE}};
    for (size_t i = 0; i < 6; i++) {
        string_id name = heap_builder_string(b, types[i].name, strlen(types[i].name), &err);
        type_id type =
            heap_builder_type(b, &(struct heap_type){.name = name, .family = types[i].family}, NULL, &err);
        struct heap_field field = {.kind = i ? REFERENCE_NAMESPACE : REFERENCE_SLOT, .name = i ? ns : next};
        ck_assert_uint_eq(heap_builder_shape(b,
                                             &(struct heap_shape){.type = type,
                                                                  .field_count = i == 0 || i == 2,
                                                                  .tail = (uint8_t)types[i].tail,
                                                                  .base_size = 48},
                                             &field, &err),
                          i + 1);
    }
    return b;
}

static object_id object(struct heap_builder *b, shape_id shape)
{
    static uint64_t address = 0x10000;
    static const struct heap_detail detail = {.size = 48, .refcount = 1};
    object_id id = heap_builder_object(b, address += 48, shape, &detail, &err);
    ck_assert_ok(id, &err);
    return id;
}

static void edge(struct heap_builder *b, object_id target)
{
    ck_assert_ok(heap_builder_edge(b, target, &err), &err);
}

/* Object 1: module app, 2: its dict, 3: the name X; X is object 4. */
static void add_app(struct heap_builder *b)
{
    object(b, 3);
    edge(b, 2);
    object(b, 4);
    edge(b, 3);
    edge(b, 4);
    object(b, 6);
    ck_assert_ok(heap_builder_preview(b, 1, PREVIEW_NAME, 3, "app", 3, &err), &err);
    ck_assert_ok(heap_builder_preview(b, 3, PREVIEW_STR, 1, "X", 1, &err), &err);
    string_id name = heap_builder_string(b, "app", 3, &err);
    ck_assert_ok(
        heap_builder_root(b, &(struct heap_root){.kind = ROOT_MODULE, .name = name, .target = 1}, &err),
        &err);
}

static struct view *finish(struct heap_builder *b, struct heap **heap)
{
    *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(*heap, &err);
    struct view *view = view_create(*heap, &err);
    ck_assert_ok(view, &err);
    return view;
}

START_TEST(a_chain_of_a_million_nodes)
{
    struct heap_builder *b = begin();
    struct heap *heap;
    add_app(b);
    for (object_id i = 0; i < MILLION; i++) {
        object_id id = object(b, 1);
        edge(b, i + 1 < MILLION ? id + 1 : 0);
    }
    struct view *view = finish(b, &heap);
    object_id last = heap->object_count;
    struct paths paths;
    struct path_options options = {.max = 1};
    ck_assert_ok(path_find(&paths, view, last, &options, &err), &err);
    ck_assert_uint_eq(paths.paths[0].step_count, MILLION);
    ck_assert_str_eq(paths.paths[0].expression, "app.X(.next)×999 999");
    ck_assert_uint_eq(expression_find(view, paths.paths[0].expression, &err), last);
    path_free(&paths);
    options.max = 5;
    ck_assert_ok(path_find(&paths, view, last, &options, &err), &err);
    ck_assert_uint_eq(paths.path_count, 1);
    path_free(&paths);
    object_id *all = malloc(sizeof *all * heap->object_count);
    for (object_id id = 1; id <= heap->object_count; id++)
        all[id - 1] = id;
    struct path_groups groups;
    ck_assert_ok(path_merge(&groups, view, all, heap->object_count, NULL, &err), &err);
    ck_assert_uint_lt(groups.row_count, 10);
    path_groups_free(&groups);
    struct object_set reached;
    ck_assert_ok(reachability_mark(heap, true, &reached, &err), &err);
    ck_assert_uint_eq(object_set_count(&reached), heap->object_count);
    object_set_free(&reached);
    free(all);
    view_destroy(view);
    heap_destroy(heap);
}
END_TEST

START_TEST(a_hub_of_a_million_holders)
{
    struct heap_builder *b = begin();
    struct heap *heap;
    add_app(b);
    object(b, 2); /* X: a list of all holders */
    object_id first = 5, hub = first + MILLION;
    for (object_id i = 0; i < MILLION; i++)
        edge(b, first + i);
    for (object_id i = 0; i < MILLION; i++) {
        object(b, 1);
        edge(b, hub);
    }
    object(b, 5);
    struct view *view = finish(b, &heap);
    struct reference_tree tree;
    struct reference_tree_options options = {
        .direction = REFERENCES_IN, .depth = 10, .limit = 20, .group = true};
    ck_assert_ok(reference_tree_create(&tree, view, &hub, 1, &options, &err), &err);
    ck_assert_uint_eq(tree.node_count, 4);
    ck_assert_uint_eq(tree.nodes[1].count, MILLION);
    ck_assert_uint_eq(tree.nodes[1].objects, MILLION);
    ck_assert_str_eq(tree.nodes[1].label, "app.Node.next");
    ck_assert_str_eq(tree.nodes[2].label, "list[*]");
    ck_assert_uint_eq(tree.nodes[2].count, MILLION);
    ck_assert_str_eq(tree.nodes[3].label, "app.X");
    ck_assert(tree.nodes[3].ends);
    reference_tree_free(&tree);
    options.direction = REFERENCES_OUT;
    object_id list = 4;
    ck_assert_ok(reference_tree_create(&tree, view, &list, 1, &options, &err), &err);
    ck_assert_uint_eq(tree.nodes[1].count, MILLION);
    ck_assert_uint_eq(tree.nodes[2].count, MILLION);
    ck_assert_uint_eq(tree.nodes[2].object, hub);
    reference_tree_free(&tree);
    struct shown shown;
    ck_assert_ok(show_object(&shown, view, hub, 20, &err), &err);
    ck_assert_uint_eq(shown.holders_total, MILLION);
    ck_assert_uint_eq(shown.holder_count, 20);
    ck_assert_uint_eq(shown.in_degree, MILLION);
    show_free(&shown);
    struct paths paths;
    struct path_options path_options = {.max = 100};
    ck_assert_ok(path_find(&paths, view, hub, &path_options, &err), &err);
    ck_assert_uint_eq(paths.path_count, 100);
    ck_assert(paths.more);
    ck_assert_str_eq(paths.paths[99].expression, "app.X[99].next");
    path_free(&paths);
    ck_assert_uint_eq(expression_find(view, "app.X[999999].next", &err), hub);
    struct histogram histogram;
    struct histogram_options by_referrer = {.by = HISTOGRAM_REFERRER};
    ck_assert_ok(histogram_create(&histogram, view, &by_referrer, &err), &err);
    ck_assert_str_eq(histogram.rows[0].name, "list");
    ck_assert_uint_eq(histogram.rows[0].count, MILLION);
    histogram_free(&histogram);
    view_destroy(view);
    heap_destroy(heap);
}
END_TEST

/* All values of one dict: the dict's row must not be scanned once for each of them. */
START_TEST(referrers_of_a_million_values_of_one_dict)
{
    struct heap_builder *b = begin();
    struct heap *heap;
    add_app(b);
    object(b, 4); /* X: a dict */
    object_id first = 5;
    for (object_id i = 0; i < MILLION; i++) {
        edge(b, first + 2 * i);
        edge(b, first + 2 * i + 1);
    }
    object_id *values = malloc(MILLION * sizeof *values);
    for (object_id i = 0; i < MILLION; i++) {
        object_id key = object(b, 5);
        char text[16];
        uint32_t length = (uint32_t)snprintf(text, sizeof text, "%u", i);
        ck_assert_ok(heap_builder_preview(b, key, PREVIEW_INT, 20, text, length, &err), &err);
        values[i] = object(b, 1);
    }
    struct view *view = finish(b, &heap);
    struct reference_tree tree;
    struct reference_tree_options options = {
        .direction = REFERENCES_IN, .depth = 10, .limit = 20, .group = true, .group_targets = true};
    ck_assert_ok(reference_tree_create(&tree, view, values, MILLION, &options, &err), &err);
    ck_assert_uint_eq(tree.node_count, 3);
    ck_assert_str_eq(tree.nodes[1].label, "dict[*]");
    ck_assert_uint_eq(tree.nodes[1].count, MILLION);
    ck_assert_uint_eq(tree.nodes[1].objects, 1);
    reference_tree_free(&tree);
    struct path_groups groups;
    ck_assert_ok(path_merge(&groups, view, values, MILLION, NULL, &err), &err);
    ck_assert_uint_eq(groups.row_count, 1);
    ck_assert_str_eq(groups.rows[0].expression, "app.X[*]");
    path_groups_free(&groups);
    ck_assert_uint_eq(expression_find(view, "app.X[777]", &err), values[777]);
    free(values);
    view_destroy(view);
    heap_destroy(heap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scale");
    TCase *tc = tcase_create("millions");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_chain_of_a_million_nodes);
    tcase_add_test(tc, a_hub_of_a_million_holders);
    tcase_add_test(tc, referrers_of_a_million_values_of_one_dict);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
