#include "lib/query/histogram.h"

#include <string.h>

#include "lib/query/info.h"
#include "lib/query/show.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

static struct error err;
static struct heap *heap;
static struct view *view;
static object_id list, shared;

static void setup(void)
{
    struct kit *k = kit_create();
    type_id small = kit_type(k, "app.Small", "app", FAMILY_OTHER),
            lib = kit_type(k, "lib.Thing", "lib", FAMILY_OTHER);
    type_id again = kit_type(k, "app.Small", "app", FAMILY_OTHER); /* a class made twice */
    object_id module = kit_module(k, "app");
    list = kit_builtin(k, FAMILY_LIST);
    kit_global(k, module, "ALL", list);
    for (int i = 0; i < 5; i++) {
        object_id id = kit_object(k, i < 3 ? small : again);
        kit_item(k, list, id);
        kit_detail(k, id, 64, 1, OBJECT_TRACKED);
    }
    shared = kit_object(k, lib);
    kit_item(k, list, shared);
    kit_item(k, list, shared);
    kit_detail(k, shared, 5000, 4, 0);
    object_id garbage = kit_object(k, lib);
    kit_detail(k, garbage, 127, 1, 0);
    heap = kit_finish(k);
    view = view_create(heap, &err);
    ck_assert_ok(view, &err);
}

static void teardown(void)
{
    view_destroy(view);
    heap_destroy(heap);
}

static struct histogram made(struct histogram_options options)
{
    struct histogram histogram;
    ck_assert_ok(histogram_create(&histogram, view, &options, &err), &err);
    return histogram;
}

static const struct histogram_row *named(const struct histogram *histogram, const char *name)
{
    for (size_t i = 0; i < histogram->row_count; i++)
        if (!strcmp(histogram->rows[i].name, name))
            return &histogram->rows[i];
    ck_abort_msg("no row %s", name);
    return NULL;
}

START_TEST(groups)
{
    struct histogram histogram = made((struct histogram_options){.by = HISTOGRAM_TYPE});
    ck_assert_str_eq(histogram.rows[0].name, "app.Small"); /* both classes of that name */
    ck_assert_uint_eq(histogram.rows[0].count, 5);
    ck_assert_uint_eq(histogram.rows[0].shallow, 320);
    histogram_free(&histogram);
    histogram = made((struct histogram_options){.by = HISTOGRAM_TYPE, .sort = HISTOGRAM_BY_SHALLOW});
    ck_assert_str_eq(histogram.rows[0].name, "lib.Thing");
    ck_assert_uint_eq(histogram.rows[0].shallow, 5127);
    histogram_free(&histogram);
    histogram = made((struct histogram_options){.by = HISTOGRAM_TYPE, .filter = "^(app|lib)[.]"});
    ck_assert_uint_eq(histogram.row_count, 2);
    ck_assert_uint_eq(histogram.objects, 7);
    ck_assert_uint_eq(histogram.bytes, 5447);
    histogram_free(&histogram);
    histogram = made((struct histogram_options){.by = HISTOGRAM_MODULE});
    ck_assert_uint_eq(named(&histogram, "lib")->count, 2);
    ck_assert_uint_eq(named(&histogram, "app")->count, 5);
    histogram_free(&histogram);
    histogram = made((struct histogram_options){.by = HISTOGRAM_SIZE});
    ck_assert_uint_eq(named(&histogram, "64-127")->count, 6);
    ck_assert_uint_eq(named(&histogram, "4096-8191")->count, 1);
    histogram_free(&histogram);
    histogram = made((struct histogram_options){.by = HISTOGRAM_REFERRER});
    ck_assert_uint_eq(named(&histogram, "list")->count, 6);
    ck_assert_uint_eq(named(&histogram, "dict of module")->count,
                      2);                                     /* the list, and the key that names it */
    ck_assert_uint_eq(named(&histogram, "module")->count, 1); /* its dict */
    ck_assert_uint_eq(named(&histogram, "<nothing>")->count, 1);
    ck_assert_uint_eq(named(&histogram, "<module>")->count, 1);
    histogram_free(&histogram);
    histogram = made((struct histogram_options){.by = HISTOGRAM_VIA});
    ck_assert_uint_eq(named(&histogram, "list[*]")->count, 6);
    ck_assert_uint_eq(named(&histogram, "app.ALL")->count, 1);
    histogram_free(&histogram);
    histogram = made((struct histogram_options){.by = HISTOGRAM_REFERRER, .type = "Thing"});
    ck_assert_uint_eq(histogram.objects, 2);
    ck_assert_uint_eq(histogram.row_count, 2);
    histogram_free(&histogram);
    histogram = made((struct histogram_options){.tracked = true});
    ck_assert_uint_eq(histogram.objects, 5);
    histogram_free(&histogram);
    struct histogram_options none = {.type = "app.Smal"};
    ck_assert(!histogram_create(&histogram, view, &none, &err));
    ck_assert_error(&err, ERROR_NOT_FOUND, "app.Small");
    struct histogram_options bad = {.filter = "["};
    ck_assert(!histogram_create(&histogram, view, &bad, &err));
    ck_assert_error(&err, ERROR_USAGE, "regular expression");
}
END_TEST

START_TEST(figures)
{
    struct info info;
    ck_assert_ok(info_create(&info, view, &err), &err);
    ck_assert_uint_eq(info.objects, heap->object_count);
    ck_assert_uint_eq(info.roots, 1);
    ck_assert_uint_eq(info.unreachable, 1);
    ck_assert_uint_eq(info.unreachable_bytes, 127);
    ck_assert_uint_eq(info.tracked, 5);
    ck_assert_uint_eq(info.edges, 1 + 2 + 7);
    ck_assert_str_eq(info.families[0].name, "other");
    ck_assert_uint_eq(info.families[0].count, 7);
}
END_TEST

START_TEST(one_object)
{
    struct shown shown;
    ck_assert_ok(show_object(&shown, view, shared, 0, &err), &err);
    ck_assert_uint_eq(shown.row.id, shared);
    ck_assert_str_eq(shown.row.type, "lib.Thing");
    ck_assert_uint_eq(shown.row.refcount, 4);
    ck_assert_uint_eq(shown.in_degree, 2);
    ck_assert_uint_eq(shown.out_degree, 0);
    ck_assert_uint_eq(shown.holder_count, 2);
    ck_assert_str_eq(shown.holders[0].kind_name, "index");
    ck_assert_str_eq(shown.holders[0].name, "5");
    ck_assert_str_eq(shown.holders[1].text, "[6]");
    ck_assert_uint_eq(shown.holders[1].object, list);
    ck_assert_str_eq(shown.holders[1].preview, "list of 7");
    ck_assert_uint_eq(shown.root_count, 1); /* two references that nothing explains */
    show_free(&shown);
    ck_assert_ok(show_object(&shown, view, list, 3, &err), &err);
    ck_assert_uint_eq(shown.field_count, 3);
    ck_assert_uint_eq(shown.fields_total, 7);
    ck_assert_str_eq(shown.holders[0].text, ".ALL");
    show_free(&shown);
    object_id module = heap->roots[0].target;
    ck_assert_ok(show_object(&shown, view, module, 0, &err), &err);
    ck_assert_uint_ge(shown.root_count, 1);
    ck_assert_int_eq((int)shown.roots[0].kind, (int)ROOT_MODULE);
    ck_assert_str_eq(shown.roots[0].name, "app");
    show_free(&shown);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, groups);
    tcase_add_test(tc, figures);
    tcase_add_test(tc, one_object);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
