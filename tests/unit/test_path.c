#include "lib/query/path.h"

#include <string.h>

#include "lib/query/expression.h"
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

static struct paths find(object_id object, uint32_t max)
{
    struct paths paths;
    struct path_options options = {.max = max};
    ck_assert_ok(path_find(&paths, view, object, &options, &err), &err);
    return paths;
}

/* app._CACHE['k7'][50].attr */
START_TEST(reads_as_a_person_would_say_it)
{
    struct kit *k = kit_create();
    object_id leaked = kit_instance(k, kit_type(k, "app.Session", "app", FAMILY_OTHER));
    object_id holder = kit_instance(k, kit_type(k, "app.Holder", "app", FAMILY_OTHER));
    object_id list = kit_builtin(k, FAMILY_LIST), cache = kit_builtin(k, FAMILY_DICT),
              module = kit_module(k, "app");
    object_id key = kit_str(k, "k7"), none = kit_builtin(k, FAMILY_NONE);
    for (int i = 0; i < 50; i++)
        kit_item(k, list, none);
    kit_item(k, list, holder);
    kit_attribute(k, holder, "attr", leaked);
    kit_pair(k, cache, key, list);
    kit_global(k, module, "_CACHE", cache);
    kit_detail(k, leaked, 56, 1, OBJECT_TRACKED);
    open_view(k);
    struct paths paths = find(leaked, 1);
    ck_assert_int_eq(paths.outcome, PATH_FROM_ROOT);
    ck_assert_uint_eq(paths.path_count, 1);
    const struct path *path = &paths.paths[0];
    ck_assert_str_eq(path->expression, "app._CACHE['k7'][50].attr");
    ck_assert_str_eq(path->root.kind_name, "module");
    ck_assert_str_eq(path->root.name, "app");
    ck_assert_uint_eq(path->root.address, heap->address[module]);
    static const char *const kinds[] = {"global", "key", "index", "attribute"}, *const names[] = {
                                                                                    "_CACHE", "'k7'", "50",
                                                                                    "attr"};
    static const char *const types[] = {"dict", "list", "app.Holder", "app.Session"};
    ck_assert_uint_eq(path->step_count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(path->steps[i].kind_name, kinds[i]);
        ck_assert_str_eq(path->steps[i].name, names[i]);
        ck_assert_str_eq(path->steps[i].type, types[i]);
    }
    ck_assert_uint_eq(path->steps[3].object, leaked);
    ck_assert_uint_eq(path->steps[3].shallow, 56);
    ck_assert_uint_eq(expression_find(view, path->expression, &err), leaked);
    path_free(&paths);

    paths = find(module, 1);
    ck_assert_str_eq(paths.paths[0].expression, "app");
    ck_assert_uint_eq(paths.paths[0].step_count, 1);
    ck_assert_str_eq(paths.paths[0].steps[0].kind_name, "module");
    ck_assert_uint_eq(paths.paths[0].steps[0].object, module);
    path_free(&paths);

    struct path_options from = {.max = 1, .from = cache};
    ck_assert_ok(path_find(&paths, view, leaked, &from, &err), &err);
    ck_assert_int_eq(paths.outcome, PATH_FROM_OBJECT);
    ck_assert_uint_eq(paths.paths[0].step_count, 3);
    ck_assert_str_eq(paths.paths[0].steps[0].text, "['k7']");
    path_free(&paths);
    from = (struct path_options){.max = 1, .from = leaked};
    ck_assert_ok(path_find(&paths, view, cache, &from, &err), &err);
    ck_assert_int_eq(paths.outcome, PATH_NONE);
    path_free(&paths);
    close_view();
}
END_TEST

START_TEST(a_running_frame_tells_who_and_where)
{
    struct kit *k = kit_create();
    object_id session = kit_instance(k, kit_type(k, "app.Session", "app", FAMILY_OTHER)),
              user = kit_str(k, "ann");
    uint32_t thread = kit_thread(k, "worker-1", 4711), frame = kit_frame(k, thread, "app", "handle", 0, 0);
    kit_attribute(k, session, "user", user);
    kit_local(k, frame, "session", session);
    open_view(k);
    struct paths paths = find(user, 1);
    const struct path *path = &paths.paths[0];
    ck_assert_str_eq(path->expression, "app.handle.<locals>.session.user");
    ck_assert_str_eq(path->root.kind_name, "frame");
    ck_assert_str_eq(path->root.name, "app.handle");
    ck_assert_str_eq(path->root.variable, "session");
    ck_assert_str_eq(path->root.thread, "worker-1");
    ck_assert_uint_eq(path->root.thread_id, 4711);
    ck_assert_uint_eq(path->root.native_id, 4712);
    ck_assert_str_eq(path->root.function, "handle");
    ck_assert_str_eq(path->root.file, "app.py");
    ck_assert_uint_eq(path->root.line, 10);
    ck_assert_uint_eq(path->step_count, 2);
    ck_assert_str_eq(path->steps[0].kind_name, "local");
    ck_assert_str_eq(path->steps[0].name, "session");
    ck_assert_str_eq(path->steps[1].kind_name, "attribute");
    ck_assert_uint_eq(expression_find(view, path->expression, &err), user);
    path_free(&paths);
    close_view();
}
END_TEST

START_TEST(better_roots_win_among_equally_short_chains)
{
    struct kit *k = kit_create();
    object_id value = kit_int(k, 1);
    kit_root(k, ROOT_INTERPRETER, REFERENCE_FIELD, "builtins", value);
    uint32_t thread = kit_thread(k, "MainThread", 1), frame = kit_frame(k, thread, "app", "run", 0, 0);
    kit_local(k, frame, "x", value);
    object_id module = kit_module(k, "app"), far = kit_builtin(k, FAMILY_LIST), deep = kit_int(k, 2);
    kit_global(k, module, "_X", value);
    kit_global(k, module, "_LIST", far);
    kit_item(k, far, deep);
    kit_local(k, frame, "y", deep);
    open_view(k);
    struct paths paths = find(value, 10);
    ck_assert_uint_eq(paths.path_count, 3);
    ck_assert_str_eq(paths.paths[0].expression, "app._X");
    ck_assert_str_eq(paths.paths[1].expression, "app.run.<locals>.x");
    ck_assert_str_eq(paths.paths[2].expression, "<interpreter>.builtins");
    ck_assert(!paths.more);
    path_free(&paths);
    paths = find(value, 2);
    ck_assert_uint_eq(paths.path_count, 2);
    ck_assert(paths.more);
    path_free(&paths);
    paths = find(value, 1);
    ck_assert_str_eq(paths.paths[0].expression, "app._X");
    path_free(&paths);
    paths = find(deep, 10); /* shorter beats better */
    ck_assert_uint_eq(paths.path_count, 1);
    ck_assert_str_eq(paths.paths[0].expression, "app.run.<locals>.y");
    path_free(&paths);
    struct object_set avoid;
    ck_assert_ok(object_set_create(&avoid, heap, &err), &err);
    object_set_add(&avoid, module);
    struct path_options options = {.max = 1, .avoid = &avoid};
    ck_assert_ok(path_find(&paths, view, value, &options, &err), &err);
    ck_assert_str_eq(paths.paths[0].expression, "app.run.<locals>.x");
    path_free(&paths);
    object_set_free(&avoid);
    close_view();
}
END_TEST

START_TEST(folded_steps_in_chains)
{
    struct kit *k = kit_create();
    object_id closed = kit_int(k, 1), cached = kit_int(k, 2), suspended = kit_int(k, 3), key = kit_int(k, 7),
              values[] = {closed};
    const char *names[] = {"cv"};
    object_id module = kit_module(k, "app"), function = kit_closure(k, "fn", 1, names, values, false);
    object_id wrapper = kit_builtin(k, FAMILY_LRU_CACHE), dict = kit_builtin(k, FAMILY_DICT),
              link = kit_builtin(k, FAMILY_LRU_LINK);
    object_id generator = kit_builtin(k, FAMILY_GENERATOR), frame = kit_builtin(k, FAMILY_FRAME);
    kit_field(k, wrapper, REFERENCE_CACHE, "<cache>", dict);
    kit_pair(k, dict, key, link);
    kit_field(k, link, REFERENCE_FIELD, "<key>", key);
    kit_field(k, link, REFERENCE_FIELD, "<result>", cached);
    kit_field(k, generator, REFERENCE_FRAME, "gi_frame", frame);
    kit_field(k, frame, REFERENCE_LOCAL, "item", suspended);
    kit_global(k, module, "fn", function);
    kit_global(k, module, "cached", wrapper);
    kit_global(k, module, "GEN", generator);
    open_view(k);
    const struct {
        object_id object;
        const char *expression;
    } cases[] = {{closed, "app.fn.<closure>.cv"},      {cached, "app.cached.<cache>[7]"},
                 {suspended, "app.GEN.<locals>.item"}, {link, "app.cached.<cache dict>[7]"},
                 {dict, "app.cached.<cache dict>"},    {frame, "app.GEN.gi_frame"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct paths paths = find(cases[i].object, 1);
        ck_assert_uint_eq(paths.path_count, 1);
        ck_assert_str_eq(paths.paths[0].expression, cases[i].expression);
        path_free(&paths);
    }
    close_view();
}
END_TEST

START_TEST(held_from_c_or_garbage)
{
    struct kit *k = kit_create();
    type_id type = kit_type(k, "app.T", "app", FAMILY_OTHER);
    kit_module(k, "app");
    object_id owned = kit_instance(k, type), part = kit_instance(k, type);
    object_id a = kit_instance(k, type), b = kit_instance(k, type), immortal = kit_instance(k, type);
    kit_attribute(k, owned, "part", part);
    kit_detail(k, owned, 48, 2, 0);
    kit_attribute(k, a, "other", b);
    kit_attribute(k, b, "other", a);
    kit_detail(k, a, 48, 1, 0);
    kit_detail(k, b, 48, 1, 0);
    kit_detail(k, immortal, 48, 1000000, OBJECT_IMMORTAL);
    open_view(k);
    struct paths paths = find(part, 1);
    ck_assert_int_eq(paths.outcome, PATH_HELD_FROM_C);
    ck_assert_str_eq(paths.paths[0].expression, "<held from C ×2>.part");
    ck_assert_str_eq(paths.paths[0].root.kind_name, "c_reference");
    ck_assert_uint_eq(paths.paths[0].root.count, 2);
    ck_assert_uint_eq(paths.paths[0].step_count, 2);
    ck_assert_uint_eq(paths.paths[0].steps[0].object, owned);
    ck_assert_str_eq(paths.paths[0].steps[0].kind_name, "c_reference");
    path_free(&paths);
    paths = find(a, 1);
    ck_assert_int_eq(paths.outcome, PATH_UNREACHABLE);
    ck_assert_uint_eq(paths.path_count, 0);
    path_free(&paths);
    paths = find(immortal, 1);
    ck_assert_int_eq(paths.outcome, PATH_UNREACHABLE);
    path_free(&paths);
    close_view();
}
END_TEST

/* class Lost is held by nothing but its instance. */
START_TEST(a_class_is_held_by_its_instances)
{
    struct kit *k = kit_create();
    type_id type = kit_type(k, "app.Lost", "app", FAMILY_OTHER);
    object_id class = kit_builtin(k, FAMILY_TYPE), dict = kit_builtin(k, FAMILY_DICT), value = kit_int(k, 1);
    kit_type_object(k, type, class);
    kit_field(k, class, REFERENCE_NAMESPACE, "__dict__", dict);
    kit_attribute(k, class, "limit", value);
    object_id instance = kit_object(k, type), module = kit_module(k, "app");
    kit_global(k, module, "LAST", instance);
    open_view(k);
    struct paths paths = find(value, 1);
    ck_assert_int_eq(paths.outcome, PATH_FROM_ROOT);
    ck_assert(paths.types_followed);
    ck_assert_str_eq(paths.paths[0].expression, "app.LAST.__class__.limit");
    ck_assert_uint_eq(expression_find(view, "app.LAST.__class__.limit", &err), value);
    path_free(&paths);
    close_view();
}
END_TEST

START_TEST(weak_references_hold_nothing)
{
    struct kit *k = kit_create();
    object_id module = kit_module(k, "app"), ref = kit_builtin(k, FAMILY_WEAKREF),
              value = kit_object(k, kit_type(k, "app.T", "app", FAMILY_OTHER));
    kit_field(k, ref, REFERENCE_WEAK, NULL, value);
    kit_global(k, module, "REF", ref);
    kit_detail(k, value, 48, 0, 0);
    open_view(k);
    struct paths paths = find(value, 1);
    ck_assert_int_eq(paths.outcome, PATH_UNREACHABLE);
    path_free(&paths);
    close_view();
}
END_TEST

START_TEST(many_objects_are_merged_by_path)
{
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER),
            session = kit_type(k, "app.Session", "app", FAMILY_OTHER);
    object_id module = kit_module(k, "app"), cache = kit_builtin(k, FAMILY_DICT), ids[21], tail;
    kit_global(k, module, "_CACHE", cache);
    for (int i = 0; i < 10; i++) {
        object_id key = kit_int(k, i), holder = kit_instance(k, node);
        ids[i] = kit_object(k, session);
        kit_pair(k, cache, key, holder);
        kit_attribute(k, holder, "attr", ids[i]);
    }
    ids[10] = kit_object(k, session);
    kit_global(k, module, "LAST", ids[10]);
    ids[11] = kit_object(k, session); /* has a reference that nothing explains */
    ids[20] = kit_object(k, session); /* garbage */
    kit_detail(k, ids[20], 48, 0, 0);
    tail = ids[12] = kit_object(k, session); /* a long list has few patterns */
    kit_global(k, module, "HEAD", tail);
    for (int i = 13; i < 20; i++) {
        ids[i] = kit_object(k, session);
        kit_field(k, ids[i - 1], REFERENCE_SLOT, "next", ids[i]);
    }
    open_view(k);
    struct path_groups groups;
    ck_assert_ok(path_merge(&groups, view, ids, 21, NULL, &err), &err);
    static const struct {
        const char *expression;
        uint64_t count;
    } expected[] = {{"app._CACHE[*].attr", 10},
                    {"app.HEAD.next.next…", 5},
                    {"<held from C>", 1},
                    {"<unreachable>", 1},
                    {"app.HEAD", 1},
                    {"app.HEAD.next", 1},
                    {"app.HEAD.next.next", 1},
                    {"app.LAST", 1}};
    ck_assert_uint_eq(groups.row_count, 8);
    for (size_t i = 0; i < 8; i++) {
        ck_assert_str_eq(groups.rows[i].expression, expected[i].expression);
        ck_assert_uint_eq(groups.rows[i].count, expected[i].count);
        ck_assert_uint_eq(groups.rows[i].shallow, 48 * expected[i].count);
    }
    ck_assert_uint_eq(groups.rows[0].example, ids[0]);
    ck_assert(!groups.rows[2].reachable);
    ck_assert(!groups.rows[3].reachable);
    ck_assert_uint_eq(groups.objects, 21);
    path_groups_free(&groups);
    close_view();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("path");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, reads_as_a_person_would_say_it);
    tcase_add_test(tc, a_running_frame_tells_who_and_where);
    tcase_add_test(tc, better_roots_win_among_equally_short_chains);
    tcase_add_test(tc, folded_steps_in_chains);
    tcase_add_test(tc, held_from_c_or_garbage);
    tcase_add_test(tc, a_class_is_held_by_its_instances);
    tcase_add_test(tc, weak_references_hold_nothing);
    tcase_add_test(tc, many_objects_are_merged_by_path);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
