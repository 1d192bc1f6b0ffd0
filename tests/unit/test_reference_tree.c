#include "lib/query/reference_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

static struct error err;
static struct heap *heap;
static struct view *view;

static void open_view(struct kit *k)
{
    heap = kit_finish(k);
    view = view_create(heap, &err);
    ck_assert_ok(view, &err);
}

static void close_view(void)
{
    view_destroy(view);
    heap_destroy(heap);
}

/* The tree as indented lines: count label marks. */
static const char *drawn(const object_id *targets, size_t count, struct reference_tree_options options)
{
    static char out[8192];
    struct reference_tree tree;
    size_t used = 0;
    out[0] = '\0';
    ck_assert_ok(reference_tree_create(&tree, view, targets, count, &options, &err), &err);
    for (size_t i = 0; i < tree.node_count; i++) {
        const struct reference_node *node = &tree.nodes[i];
        used += (size_t)snprintf(out + used, sizeof out - used, "%*s", (int)node->depth * 2, "");
        if (node->objects > 1)
            used += (size_t)snprintf(out + used, sizeof out - used, "x%d ", (int)node->objects);
        const char *label = node->label; /* addresses are left out */
        const char *address = strstr(label, " 0x");
        used += (size_t)snprintf(out + used, sizeof out - used, "%.*s%s%s%s%s",
                                 address ? (int)(address - label) : 1000, label,
                                 node->cycle ? " (cycle)" : "", node->repeated ? " (repeated)" : "",
                                 node->ends ? " (root)" : "", node->hidden_nodes ? "" : "\n");
        if (node->hidden_nodes)
            used += (size_t)snprintf(out + used, sizeof out - used, " (%d more, %d references)\n",
                                     (int)node->hidden_nodes, (int)node->hidden_references);
    }
    if (tree.deeper)
        strcat(out, "deeper\n");
    reference_tree_free(&tree);
    return out;
}

/* 8 listeners hold one object through .attr; each hangs in a dict of its own under 'listener'; the dicts in
 * one list. */
static object_id fan(struct kit *k, object_id *first_listener)
{
    type_id holder = kit_type(k, "app.Holder", "app", FAMILY_OTHER);
    object_id module = kit_module(k, "app"), list = kit_builtin(k, FAMILY_LIST), key = kit_str(k, "listener");
    object_id session = kit_object(k, kit_type(k, "app.Session", "app", FAMILY_OTHER));
    for (int i = 0; i < 8; i++) {
        object_id listener = kit_instance(k, holder), dict = kit_builtin(k, FAMILY_DICT);
        if (!i)
            *first_listener = listener;
        kit_attribute(k, listener, "attr", session);
        kit_pair(k, dict, key, listener);
        kit_item(k, list, dict);
    }
    kit_global(k, module, "_FAN", list);
    return session;
}

static const struct reference_tree_options grouped = {
    .direction = REFERENCES_IN, .depth = 10, .limit = 20, .group = true, .group_targets = true};

START_TEST(alike_holders_are_one_line)
{
    struct kit *k = kit_create();
    object_id listener, session = fan(k, &listener);
    uint32_t thread = kit_thread(k, "MainThread", 1), frame = kit_frame(k, thread, "app", "handle", 0, 0);
    kit_local(k, frame, "session", session);
    open_view(k);
    ck_assert_str_eq(drawn(&session, 1, grouped), "app.Session\n"
                                                  "  app.handle.<locals>.session (root)\n"
                                                  "  x8 app.Holder.attr\n"
                                                  "    x8 dict['listener']\n"
                                                  "      list[*]\n"
                                                  "        app._FAN (root)\n");
    struct reference_tree_options options = grouped;
    options.group = false;
    options.limit = 2;
    options.depth = 2;
    ck_assert_str_eq(drawn(&session, 1, options), "app.Session (6 more, 6 references)\n"
                                                  "  app.handle.<locals>.session (root)\n"
                                                  "  app.Holder.attr\n"
                                                  "    dict['listener']\n"
                                                  "  app.Holder.attr\n"
                                                  "    dict['listener']\n"
                                                  "deeper\n");
    struct object_set exclude;
    ck_assert_ok(object_set_create(&exclude, heap, &err), &err);
    for (object_id id = 1; id <= heap->object_count; id++)
        if (heap_family(heap, id) == FAMILY_LIST)
            object_set_add(&exclude, id);
    options = grouped;
    options.exclude = &exclude;
    ck_assert_str_eq(drawn(&session, 1, options), "app.Session\n"
                                                  "  app.handle.<locals>.session (root)\n"
                                                  "  x8 app.Holder.attr\n"
                                                  "    x8 dict['listener']\n");
    object_set_free(&exclude);
    close_view();
}
END_TEST

START_TEST(cycles_and_repetitions_are_marked)
{
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER);
    object_id a = kit_instance(k, node), b = kit_instance(k, node),
              c = kit_instance(k, kit_type(k, "app.Other", "app", FAMILY_OTHER));
    kit_attribute(k, a, "next", b);
    kit_attribute(k, b, "next", a);
    kit_attribute(k, c, "left", a);
    kit_attribute(k, c, "right", b);
    kit_attribute(k, a, "self", a);
    open_view(k);
    ck_assert_str_eq(drawn(&a, 1, grouped), "app.Node\n"
                                            "  app.Node.self (cycle)\n"
                                            "  app.Node.next\n"
                                            "    app.Node.next (cycle)\n"
                                            "    app.Other.right (repeated)\n"
                                            "  app.Other.left\n");
    close_view();
}
END_TEST

START_TEST(many_targets_of_one_type_are_one_node)
{
    struct kit *k = kit_create();
    object_id listeners[8], first;
    object_id session = fan(k, &first);
    listeners[0] = first;
    size_t count = 0;
    type_id type = 0;
    (void)session;
    open_view(k);
    type = heap_type_of(heap, first);
    for (object_id id = 1; id <= heap->object_count; id++)
        if (heap_type_of(heap, id) == type)
            listeners[count++] = id;
    ck_assert_uint_eq(count, 8);
    ck_assert_str_eq(drawn(listeners, 8, grouped), "x8 app.Holder\n"
                                                   "  x8 dict['listener']\n"
                                                   "    list[*]\n"
                                                   "      app._FAN (root)\n");
    close_view();
}
END_TEST

START_TEST(targets_given_one_by_one_stay_apart)
{
    struct kit *k = kit_create();
    object_id list = kit_builtin(k, FAMILY_LIST), module = kit_module(k, "app");
    type_id type = kit_type(k, "app.Session", "app", FAMILY_OTHER);
    object_id targets[3];
    targets[0] = targets[2] = kit_instance(k, type);
    targets[1] = kit_instance(k, type);
    kit_item(k, list, targets[0]);
    kit_item(k, list, targets[1]);
    kit_global(k, module, "_ALL", list);
    open_view(k);
    struct reference_tree_options options = grouped;
    options.group_targets = false;
    ck_assert_str_eq(drawn(targets, 3, options), "app.Session\n"
                                                 "  list[0]\n"
                                                 "    app._ALL (root)\n"
                                                 "app.Session\n"
                                                 "  list[1] (repeated)\n");
    close_view();
}
END_TEST

/* A chain of `length` nodes, the last one in a module; the lines of the tree up from the first. */
static size_t lines_of_chain(size_t length, struct reference_tree_options options, bool *deeper)
{
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER);
    object_id module = kit_module(k, "app"), first = kit_instance(k, node), last = first;
    for (size_t i = 1; i < length; i++) {
        object_id next = kit_instance(k, node);
        kit_attribute(k, next, "next", last);
        last = next;
    }
    kit_global(k, module, "head", last);
    open_view(k);
    struct reference_tree tree;
    ck_assert_ok(reference_tree_create(&tree, view, &first, 1, &options, &err), &err);
    size_t nodes = tree.node_count;
    *deeper = tree.deeper;
    reference_tree_free(&tree);
    close_view();
    return nodes;
}

START_TEST(long_chains_are_followed_to_their_root)
{
    bool deeper;
    struct reference_tree_options options = grouped;
    options.depth = 0;
    options.enough = 100;
    options.enough_depth = 4;
    ck_assert_uint_eq(lines_of_chain(20000, options, &deeper), 20001);
    ck_assert(!deeper);
    options.depth = 50;
    ck_assert_uint_eq(lines_of_chain(20000, options, &deeper), 51);
    ck_assert(deeper);
}
END_TEST

START_TEST(enough_is_enough)
{
    struct kit *k = kit_create();
    object_id target = kit_builtin(k, FAMILY_LIST), top = kit_builtin(k, FAMILY_TUPLE);
    for (int i = 0; i < 15; i++) { /* 15 holders of different types, and above each one more */
        char name[32];
        snprintf(name, sizeof name, "app.T%02d", i);
        object_id holder = kit_object(k, kit_type(k, name, "app", FAMILY_OTHER));
        kit_field(k, holder, REFERENCE_ATTRIBUTE, "held", target);
        kit_item(k, top, holder);
    }
    kit_global(k, kit_module(k, "app"), "top", top);
    open_view(k);
    struct reference_tree_options options = grouped;
    struct reference_tree tree;
    options.depth = 0;
    options.enough = 10;
    options.enough_depth = 1;
    ck_assert_ok(reference_tree_create(&tree, view, &target, 1, &options, &err), &err);
    ck_assert_uint_eq(tree.node_count, 16);
    ck_assert(tree.deeper && tree.nodes[1].deeper && !tree.nodes[0].deeper);
    reference_tree_free(&tree);
    options.enough_depth = 3; /* what is near is shown in any case */
    ck_assert_ok(reference_tree_create(&tree, view, &target, 1, &options, &err), &err);
    ck_assert_uint_eq(tree.node_count, 1 + 15 + 15 + 1);
    ck_assert(!tree.deeper);
    reference_tree_free(&tree);
    close_view();
}
END_TEST

START_TEST(what_nothing_holds_is_said)
{
    struct kit *k = kit_create();
    object_id value = kit_builtin(k, FAMILY_LIST), list = kit_builtin(k, FAMILY_LIST),
              held = kit_builtin(k, FAMILY_TUPLE);
    kit_item(k, list, value);
    kit_item(k, held, value);
    kit_global(k, kit_module(k, "app"), "held", held);
    open_view(k);
    struct reference_tree tree;
    ck_assert_ok(reference_tree_create(&tree, view, &value, 1, &grouped, &err), &err);
    ck_assert_uint_eq(tree.node_count, 4);
    for (size_t i = 0; i < 4; i++)
        ck_assert_uint_eq(tree.nodes[i].orphan, tree.nodes[i].object == list);
    reference_tree_free(&tree);
    close_view();
}
END_TEST

START_TEST(roots_can_be_left_out)
{
    struct kit *k = kit_create();
    object_id value = kit_builtin(k, FAMILY_LIST);
    uint32_t thread = kit_thread(k, "MainThread", 1);
    kit_local(k, kit_frame(k, thread, "app", "run", 0, 0), "a", value);
    kit_local(k, kit_frame(k, thread, "web", "serve", 1, 0), "b", value);
    open_view(k);
    bool *roots = calloc(heap->root_count, sizeof *roots);
    ck_assert_ptr_nonnull(roots);
    for (uint32_t i = 0; i < heap->root_count; i++)
        roots[i] = !strcmp(heap_string(heap, heap->roots[i].name, NULL), "a");
    struct reference_tree_options options = grouped;
    options.exclude_roots = roots;
    ck_assert_str_eq(drawn(&value, 1, options), "list\n  web.serve.<locals>.b (root)\n");
    free(roots);
    close_view();
}
END_TEST

START_TEST(what_one_root_holds_many_times_is_one_line)
{
    struct kit *k = kit_create();
    type_id type = kit_type(k, "app.Session", "app", FAMILY_OTHER);
    object_id registry = kit_builtin(k, FAMILY_DICT), sessions[6];
    for (int i = 0; i < 6; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        sessions[i] = kit_instance(k, type);
        kit_pair(k, registry, kit_str(k, key), sessions[i]);
    }
    kit_root(k, ROOT_INTERPRETER, REFERENCE_NONE, "registry", registry);
    open_view(k);
    ck_assert_str_eq(drawn(sessions, 6, grouped), "x6 app.Session\n  dict[*] (root)\n");
    close_view();
}
END_TEST

START_TEST(many_names_become_one)
{
    struct kit *k = kit_create();
    type_id space = kit_type(k, "types.SimpleNamespace", "types", FAMILY_OTHER);
    object_id target = kit_builtin(k, FAMILY_LIST), all = kit_builtin(k, FAMILY_LIST), few;
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "a%d", i);
        object_id holder = kit_instance(k, space);
        kit_attribute(k, holder, name, target);
        kit_item(k, all, holder);
    }
    few = kit_builtin(k, FAMILY_LIST);
    for (int i = 0; i < 4; i++) { /* few different names say something each */
        char name[16];
        snprintf(name, sizeof name, "b%d", i);
        object_id holder = kit_instance(k, space);
        kit_attribute(k, holder, name, few);
    }
    kit_global(k, kit_module(k, "app"), "all", all);
    open_view(k);
    ck_assert_str_eq(drawn(&target, 1, grouped), "list\n"
                                                 "  x40 types.SimpleNamespace.*\n"
                                                 "    list[*]\n"
                                                 "      app.all (root)\n");
    ck_assert_str_eq(drawn(&few, 1, grouped), "list\n"
                                              "  types.SimpleNamespace.b0\n"
                                              "  types.SimpleNamespace.b1\n"
                                              "  types.SimpleNamespace.b2\n"
                                              "  types.SimpleNamespace.b3\n");
    close_view();
}
END_TEST

START_TEST(what_a_limit_hides_is_named)
{
    struct kit *k = kit_create();
    object_id target = kit_builtin(k, FAMILY_LIST);
    for (int i = 0; i < 7; i++)
        kit_item(k, kit_builtin(k, i < 4 ? FAMILY_LIST : FAMILY_TUPLE), target);
    kit_field(k, kit_object(k, kit_type(k, "app.T", "app", FAMILY_OTHER)), REFERENCE_SLOT, "s", target);
    open_view(k);
    struct reference_tree_options options = grouped;
    struct reference_tree tree;
    options.group = false;
    options.limit = 1;
    options.depth = 1;
    ck_assert_ok(reference_tree_create(&tree, view, &target, 1, &options, &err), &err);
    ck_assert_uint_eq(tree.nodes[0].hidden_nodes, 7);
    ck_assert_str_eq(tree.nodes[0].hidden_text, "4 list, 3 tuple");
    reference_tree_free(&tree);
    options.limit = 5;
    ck_assert_ok(reference_tree_create(&tree, view, &target, 1, &options, &err), &err);
    ck_assert_str_eq(tree.nodes[0].hidden_text, "tuple");
    reference_tree_free(&tree);
    close_view();
}
END_TEST

START_TEST(weak_references_are_shown_last_and_not_followed)
{
    struct kit *k = kit_create();
    object_id value = kit_object(k, kit_type(k, "app.T", "app", FAMILY_OTHER)),
              ref = kit_builtin(k, FAMILY_WEAKREF);
    object_id list = kit_builtin(k, FAMILY_LIST), other = kit_builtin(k, FAMILY_LIST);
    kit_field(k, ref, REFERENCE_WEAK, NULL, value);
    kit_item(k, list, ref);
    kit_item(k, other, value);
    open_view(k);
    struct reference_tree_options options = grouped;
    ck_assert_str_eq(drawn(&value, 1, options), "app.T\n  list[0]\n  weakref.<weak>\n");
    options.weak = true;
    ck_assert_str_eq(drawn(&value, 1, options), "app.T\n  list[0]\n  weakref.<weak>\n    list[0]\n");
    close_view();
}
END_TEST

START_TEST(what_an_object_holds)
{
    struct kit *k = kit_create();
    object_id listener, session = fan(k, &listener);
    (void)session;
    open_view(k);
    struct reference_tree_options options = grouped;
    options.direction = REFERENCES_OUT;
    options.depth = 1;
    ck_assert_str_eq(drawn(&listener, 1, options), "app.Holder\n"
                                                   "  .attr app.Session\n"
                                                   "  .__dict__ dict of 1\n"
                                                   "deeper\n");
    object_id list = 0;
    for (object_id id = 1; id <= heap->object_count; id++)
        if (heap_family(heap, id) == FAMILY_LIST)
            list = id;
    options.depth = 0;
    ck_assert_ptr_nonnull(
        strstr(drawn(&list, 1, options), "  x8 [*] dict\n    x8 ['listener'] app.Holder\n"));
    close_view();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reference tree");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, alike_holders_are_one_line);
    tcase_add_test(tc, cycles_and_repetitions_are_marked);
    tcase_add_test(tc, many_targets_of_one_type_are_one_node);
    tcase_add_test(tc, targets_given_one_by_one_stay_apart);
    tcase_add_test(tc, long_chains_are_followed_to_their_root);
    tcase_add_test(tc, enough_is_enough);
    tcase_add_test(tc, what_nothing_holds_is_said);
    tcase_add_test(tc, roots_can_be_left_out);
    tcase_add_test(tc, what_one_root_holds_many_times_is_one_line);
    tcase_add_test(tc, many_names_become_one);
    tcase_add_test(tc, what_a_limit_hides_is_named);
    tcase_add_test(tc, weak_references_are_shown_last_and_not_followed);
    tcase_add_test(tc, what_an_object_holds);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
