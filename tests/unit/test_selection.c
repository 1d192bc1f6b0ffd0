#include "lib/query/selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/query/expression.h"
#include "lib/query/find.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

static struct error err;
static struct heap *heap;
static struct view *view;
static object_id small, large, other, text, cache, module;

static void setup(void)
{
    struct kit *k = kit_create();
    type_id session = kit_type(k, "app.Session", "app", FAMILY_OTHER);
    type_id inner = kit_type(k, "app.Outer.Inner", "app", FAMILY_OTHER);
    type_id ambiguous = kit_type(k, "requests.Session", "requests", FAMILY_OTHER);
    small = kit_instance(k, session);
    large = kit_object(k, session);
    other = kit_object(k, ambiguous);
    object_id nested = kit_object(k, inner);
    text = kit_str(k, "token=42");
    object_id again = kit_object(k, session), again_too = kit_object(k, session);
    cache = kit_builtin(k, FAMILY_DICT);
    module = kit_module(k, "app");
    object_id first = kit_str_cut(k, "aaaa", 500), second = kit_str_cut(k, "aaaa", 600);
    kit_pair(k, cache, first, again);
    kit_pair(k, cache, second, again_too);
    kit_global(k, module, "_CACHE", cache);
    kit_attribute(k, small, "nested", nested);
    kit_detail(k, large, 5000, 3, 0);
    heap = kit_finish(k);
    view = view_create(heap, &err);
    ck_assert_ok(view, &err);
}

static void teardown(void)
{
    view_destroy(view);
    heap_destroy(heap);
}

static size_t count(struct selection_request request)
{
    struct selection selection;
    size_t found = 0;
    ck_assert_ok(selection_create(&selection, view, &request, &err), &err);
    object_id *objects = selection_objects(&selection, view, &found, &err);
    ck_assert_ok(objects, &err);
    for (size_t i = 1; i < found; i++)
        ck_assert_uint_lt(heap->address[objects[i - 1]], heap->address[objects[i]]);
    free(objects);
    selection_free(&selection);
    return found;
}

static void refused(struct selection_request request, enum error_code code, const char *part)
{
    struct selection selection;
    ck_assert(!selection_create(&selection, view, &request, &err));
    ck_assert_error(&err, code, part);
}

START_TEST(selects)
{
    ck_assert_uint_eq(count((struct selection_request){.type = "app.Session"}), 4);
    ck_assert_uint_eq(count((struct selection_request){.type = "*.Session"}), 5);
    ck_assert_uint_eq(count((struct selection_request){.type = "Outer.Inner"}), 1);
    ck_assert_uint_eq(count((struct selection_request){.type = "Inner"}), 1);
    ck_assert_uint_eq(count((struct selection_request){.module = "requests"}), 1);
    ck_assert_uint_eq(count((struct selection_request){.module = "a*", .type = "*Session"}), 4);
    ck_assert_uint_eq(count((struct selection_request){.min_size = 5000}), 1);
    ck_assert_uint_eq(count((struct selection_request){.min_size = 5001}), 0);
    ck_assert_uint_eq(count((struct selection_request){.value = "^token=[0-9]+$"}), 1);
    ck_assert_uint_eq(count((struct selection_request){.value = "dict of 2"}), 1);
    ck_assert_uint_eq(count((struct selection_request){.type = "app.Session", .min_size = 100}), 1);
    ck_assert_uint_eq(count((struct selection_request){0}), heap->object_count);
}
END_TEST

START_TEST(refuses)
{
    refused((struct selection_request){.type = "Session"}, ERROR_USAGE, "app.Session, requests.Session");
    refused((struct selection_request){.type = "app.Sess"}, ERROR_NOT_FOUND, "app.Session");
    refused((struct selection_request){.type = "Nowhere"}, ERROR_NOT_FOUND, "no type Nowhere");
    refused((struct selection_request){.type = ""}, ERROR_NOT_FOUND, "no type");
    refused((struct selection_request){.module = "nowhere"}, ERROR_NOT_FOUND, "nowhere");
    refused((struct selection_request){.value = "("}, ERROR_USAGE, "regular expression");
}
END_TEST

START_TEST(finds_the_largest_first)
{
    struct found found;
    struct find_request request = {.selection = {.type = "app.Session"}};
    ck_assert_ok(find_objects(&found, view, &request, 2, &err), &err);
    ck_assert_uint_eq(found.objects, 4);
    ck_assert_uint_eq(found.bytes, 5000 + 3 * 48);
    ck_assert_uint_eq(found.row_count, 2);
    ck_assert_uint_eq(found.rows[0].id, large);
    ck_assert_uint_eq(found.rows[0].refcount, 3);
    ck_assert_uint_eq(found.rows[1].id, small);
    find_free(&found);
}
END_TEST

static void no_object(const char *expression, enum error_code code, const char *part)
{
    ck_assert_uint_eq(expression_find(view, expression, &err), 0);
    ck_assert_error(&err, code, part);
}

START_TEST(failing_expressions_say_where)
{
    ck_assert_uint_eq(expression_find(view, "app", &err), module);
    ck_assert_uint_eq(expression_find(view, "app._CACHE", &err), cache);
    no_object("app._CACHES", ERROR_NOT_FOUND,
              "app (module app) has no ._CACHES; there is ._CACHE and 1 more");
    no_object("app._CACHE['x'].y", ERROR_NOT_FOUND, "has no ['x'], before .y; there is ['");
    no_object("ap._CACHE", ERROR_NOT_FOUND, "; there is app");
    no_object("_CACHE['x']", ERROR_NOT_FOUND, "; there is app._CACHE");
    no_object("app._CACHE['x", ERROR_USAGE, "unbalanced brackets");
    no_object("app._CACHE['x']]", ERROR_USAGE, "unbalanced brackets");
    no_object("app._CACHE['x']", ERROR_NOT_FOUND, "has no ['x']");
    no_object("nowhere.x", ERROR_NOT_FOUND, "nothing is called nowhere.x");
    no_object("appx", ERROR_NOT_FOUND, "nothing is called");
    no_object("app._CACHE['aaaa…']", ERROR_USAGE, "means 2 objects");
    no_object("", ERROR_USAGE, "an object is needed");
    no_object("@0", ERROR_USAGE, "no object number");
    no_object("@", ERROR_USAGE, "no object number");
    no_object("@99999", ERROR_NOT_FOUND, "no object @99999");
    no_object("0x", ERROR_USAGE, "no address");
    no_object("12x", ERROR_USAGE, "no address");
    no_object("0x123", ERROR_NOT_FOUND, "no object at 0x123");
    no_object("0xfffffffffffffffff", ERROR_USAGE, "no address");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("selection");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, selects);
    tcase_add_test(tc, refuses);
    tcase_add_test(tc, finds_the_largest_first);
    tcase_add_test(tc, failing_expressions_say_where);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
