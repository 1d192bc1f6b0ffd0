#include "lib/query/exclusion.h"

#include <stdio.h>

#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

static struct error err;
static struct heap *heap;
static struct view *view;
static object_id app, app_dict, tools, session[2], other_session, function, builtin, cache;

static void setup(void)
{
    struct kit *k = kit_create();
    app = kit_module(k, "app");
    tools = kit_module(k, "app.tools");
    app_dict = kit_dict_of(k, app);
    type_id type = kit_type(k, "app.Session", "app", FAMILY_OTHER);
    type_id other = kit_type(k, "web.Session", "web", FAMILY_OTHER);
    session[0] = kit_instance(k, type);
    session[1] = kit_instance(k, type);
    other_session = kit_instance(k, other);
    function = kit_named(k, FAMILY_FUNCTION, "app.handle");
    builtin = kit_builtin(k, FAMILY_LIST);
    cache = kit_builtin(k, FAMILY_DICT);
    kit_global(k, app, "_CACHE", cache);
    kit_global(k, app, "handle", function);
    kit_item(k, builtin, session[0]);
    uint32_t thread = kit_thread(k, "MainThread", 1);
    kit_local(k, kit_frame(k, thread, "app", "run", 0, 0), "here", session[1]);
    kit_local(k, kit_frame(k, thread, "web", "serve", 1, 0), "there", session[1]);
    heap = kit_finish(k);
    view = view_create(heap, &err);
    ck_assert_ok(view, &err);
}

static void teardown(void)
{
    view_destroy(view);
    heap_destroy(heap);
}

/* Excludes what `text` means and counts objects and roots. */
static struct exclusion excluded(const char *text, uint32_t objects, uint32_t roots)
{
    struct exclusion exclusion = {0};
    uint32_t found = 0;
    ck_assert_ok(exclusion_add(&exclusion, view, text, &err), &err);
    for (uint32_t i = 0; i < heap->root_count; i++)
        found += exclusion.roots[i];
    ck_assert_msg(object_set_count(&exclusion.objects) == objects, "%s: %u objects", text,
                  object_set_count(&exclusion.objects));
    ck_assert_msg(found == roots, "%s: %u roots", text, found);
    return exclusion;
}

static void refused(const char *text, enum error_code code, const char *part)
{
    struct exclusion exclusion = {0};
    ck_assert(!exclusion_add(&exclusion, view, text, &err));
    ck_assert_error(&err, code, part);
    exclusion_free(&exclusion);
}

START_TEST(one_object)
{
    char text[32];
    snprintf(text, sizeof text, "@%u", session[1]);
    struct exclusion one = excluded(text, 1, 0);
    ck_assert(object_set_has(&one.objects, session[1]));
    exclusion_free(&one);
    snprintf(text, sizeof text, "0x%llx", (unsigned long long)heap->address[builtin]);
    one = excluded(text, 1, 0);
    ck_assert(object_set_has(&one.objects, builtin));
    exclusion_free(&one);
    one = excluded("app._CACHE", 1, 0);
    ck_assert(object_set_has(&one.objects, cache));
    exclusion_free(&one);
}
END_TEST

START_TEST(a_name_means_all_that_bears_it)
{
    struct exclusion e = excluded("app.Session", 2, 0);
    ck_assert(object_set_has(&e.objects, session[0]) && object_set_has(&e.objects, session[1]));
    exclusion_free(&e);
    e = excluded("app", 2, 0); /* the module and its dict, not what is in it */
    ck_assert(object_set_has(&e.objects, app) && object_set_has(&e.objects, app_dict));
    exclusion_free(&e);
    e = excluded("app.run", 0, 1);
    exclusion_free(&e);
    e = excluded("*.Session", 3, 0);
    exclusion_free(&e);
    e = excluded("list", 1, 0);
    exclusion_free(&e);
}
END_TEST

START_TEST(a_pattern_of_a_module_means_everything_of_it)
{
    struct exclusion e =
        excluded("app.*", 7, 1); /* both modules with their dicts, two sessions, the function */
    ck_assert(object_set_has(&e.objects, app) && object_set_has(&e.objects, tools));
    ck_assert(object_set_has(&e.objects, function) && !object_set_has(&e.objects, other_session));
    exclusion_free(&e);
}
END_TEST

START_TEST(what_means_nothing_is_refused)
{
    refused("Nowhere", ERROR_NOT_FOUND, "no type Nowhere");
    refused("nowhere.*", ERROR_NOT_FOUND, "no type, module, class or function matches nowhere.*");
    refused("Session", ERROR_USAGE, "Session is the name of 2 types");
    refused("app.nothing", ERROR_NOT_FOUND, "nothing");
    refused("@4000000000", ERROR_NOT_FOUND, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exclusion");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, one_object);
    tcase_add_test(tc, a_name_means_all_that_bears_it);
    tcase_add_test(tc, a_pattern_of_a_module_means_everything_of_it);
    tcase_add_test(tc, what_means_nothing_is_refused);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
