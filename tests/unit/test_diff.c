#include "lib/query/diff.h"

#include <string.h>

#include "lib/query/growth.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

static struct error err;

/* app._CACHE with `sessions` sessions; one session sits at a fixed address, and one str comes and goes. */
static struct heap *program(int sessions, bool other)
{
    struct kit *k = kit_create();
    object_id module = kit_module(k, "app"), cache = kit_builtin(k, FAMILY_DICT);
    type_id type = kit_type(k, "app.Session", "app", FAMILY_OTHER);
    kit_global(k, module, "_CACHE", cache);
    for (int i = 0; i < sessions; i++) {
        object_id key = kit_int(k, i), session = kit_object(k, type);
        kit_pair(k, cache, key, session);
        kit_detail(k, session, 100, 1, 0);
        kit_address(k, session, 0x900000 + 0x100 * (uint64_t)i);
        kit_address(k, key, 0x800000 + 0x100 * (uint64_t)i);
    }
    if (other)
        kit_global(k, module, "LAST", kit_object(k, kit_type(k, "app.Rare", "app", FAMILY_OTHER)));
    return kit_finish(k);
}

static const struct diff_row *row_named(const struct diff *diff, const char *type, const char *expression)
{
    for (size_t i = 0; i < diff->row_count; i++)
        if (!strcmp(diff->rows[i].type, type) &&
            (!expression || !strcmp(diff->rows[i].expression, expression)))
            return &diff->rows[i];
    ck_abort_msg("no row %s %s", type, expression ? expression : "");
    return NULL;
}

START_TEST(by_type)
{
    struct heap *a = program(3, true), *b = program(10, false);
    struct view *older = view_create(a, &err), *newer = view_create(b, &err);
    struct diff diff;
    struct diff_options options = {.by = DIFF_TYPE, .objects = true, .object_limit = 5};
    ck_assert_ok(older && newer && diff_create(&diff, older, newer, &options, &err), &err);
    const struct diff_row *row = row_named(&diff, "app.Session", NULL);
    ck_assert_ptr_eq(row, &diff.rows[0]); /* the largest change */
    ck_assert_uint_eq(row->old_count, 3);
    ck_assert_uint_eq(row->new_count, 10);
    ck_assert_int_eq(row->delta_count, 7);
    ck_assert_int_eq(row->delta_shallow, 700);
    ck_assert_uint_eq(row->added, 7);
    ck_assert_uint_eq(row->removed, 0);
    row = row_named(&diff, "app.Rare", NULL);
    ck_assert_int_eq(row->delta_count, -1);
    ck_assert_uint_eq(row->removed, 1);
    ck_assert_uint_eq(diff.added_count, 5); /* the limit; the total is whole */
    ck_assert_uint_ge(diff.total.added, 14);
    ck_assert_uint_eq(diff.added[0].shallow, 100);
    ck_assert_str_eq(diff.added[0].type, "app.Session");
    ck_assert_uint_eq(diff.added[0].address, 0x900300);
    diff_free(&diff);
    options = (struct diff_options){.by = DIFF_TYPE, .type = "app.*"};
    ck_assert_ok(diff_create(&diff, older, newer, &options, &err), &err);
    ck_assert_uint_eq(diff.row_count, 2);
    ck_assert_uint_eq(diff.total.added, 7);
    diff_free(&diff);
    view_destroy(older);
    view_destroy(newer);
    heap_destroy(a);
    heap_destroy(b);
}
END_TEST

START_TEST(by_path)
{
    struct heap *a = program(3, true), *b = program(10, false);
    struct view *older = view_create(a, &err), *newer = view_create(b, &err);
    struct diff diff;
    struct diff_options options = {.by = DIFF_PATH};
    ck_assert_ok(older && newer && diff_create(&diff, older, newer, &options, &err), &err);
    const struct diff_row *row = row_named(&diff, "app.Session", "app._CACHE[*]");
    ck_assert_int_eq(row->delta_count, 7);
    ck_assert_uint_eq(row->added, 7);
    row = row_named(&diff, "int", "app._CACHE.keys()[*]");
    ck_assert_uint_eq(row->added, 7);
    ck_assert_uint_eq(row->new_count, 10);
    row = row_named(&diff, "app.Rare", "app.LAST");
    ck_assert_uint_eq(row->removed, 1);
    diff_free(&diff);
    view_destroy(older);
    view_destroy(newer);
    heap_destroy(a);
    heap_destroy(b);
}
END_TEST

/* Another type at an old address is another object; another size is not. */
START_TEST(same_object)
{
    struct heap *heaps[2];
    for (int i = 0; i < 2; i++) {
        struct kit *k = kit_create();
        type_id one = kit_type(k, "app.One", "app", FAMILY_OTHER),
                two = kit_type(k, "app.Two", "app", FAMILY_OTHER);
        object_id resized = kit_object(k, one), reused = kit_object(k, i ? two : one);
        kit_address(k, resized, 0x1000);
        kit_detail(k, resized, i ? 500 : 50, 1, 0);
        kit_address(k, reused, 0x2000);
        heaps[i] = kit_finish(k);
    }
    struct view *older = view_create(heaps[0], &err), *newer = view_create(heaps[1], &err);
    struct diff diff;
    struct diff_options options = {.by = DIFF_TYPE};
    ck_assert_ok(older && newer && diff_create(&diff, older, newer, &options, &err), &err);
    const struct diff_row *row = row_named(&diff, "app.One", NULL);
    ck_assert_uint_eq(row->added, 0);
    ck_assert_uint_eq(row->removed, 1);
    ck_assert_int_eq(row->delta_shallow, 450 - 48);
    ck_assert_uint_eq(row_named(&diff, "app.Two", NULL)->added, 1);
    diff_free(&diff);
    view_destroy(older);
    view_destroy(newer);
    for (int i = 0; i < 2; i++)
        heap_destroy(heaps[i]);
}
END_TEST

/* app.JOBS: a job at 0x1000 under a key, holding a list that holds a text; all at the addresses they had. */
static struct heap *jobs(long key, const char *text, uint64_t key_address)
{
    struct kit *k = kit_create();
    object_id module = kit_module(k, "app"), dict = kit_builtin(k, FAMILY_DICT),
              list = kit_builtin(k, FAMILY_LIST);
    object_id job = kit_object(k, kit_type(k, "app.Job", "app", FAMILY_OTHER));
    object_id number = kit_int(k, key), value = kit_str(k, text);
    kit_global(k, module, "JOBS", dict);
    kit_pair(k, dict, number, job);
    kit_field(k, job, REFERENCE_ATTRIBUTE, "items", list);
    kit_item(k, list, value);
    kit_address(k, job, 0x100000);
    kit_address(k, list, 0x100200);
    kit_address(k, value, 0x100300);
    kit_address(k, number, key_address);
    return kit_finish(k);
}

static struct diff_row job_row(struct heap *before, struct heap *now)
{
    struct view *older = view_create(before, &err), *newer = view_create(now, &err);
    struct diff diff;
    struct diff_options options = {.by = DIFF_TYPE};
    ck_assert_ok(older && newer && diff_create(&diff, older, newer, &options, &err), &err);
    struct diff_row row = *row_named(&diff, "app.Job", NULL);
    row.type = "";
    diff_free(&diff);
    view_destroy(older);
    view_destroy(newer);
    heap_destroy(before);
    heap_destroy(now);
    return row;
}

START_TEST(used_addresses_are_said)
{
    /* The same job. */
    struct diff_row row = job_row(jobs(1, "work", 0x100400), jobs(1, "work", 0x100400));
    ck_assert_uint_eq(row.kept, 1);
    ck_assert_uint_eq(row.possibly_reused, 0);
    /* Other work under the same key: the job may have been given it. */
    row = job_row(jobs(1, "work", 0x100400), jobs(1, "play", 0x100400));
    ck_assert_uint_eq(row.possibly_reused, 0);
    /* Under another key, with the same work: it was moved. */
    row = job_row(jobs(1, "work", 0x100400), jobs(2, "work", 0x100400));
    ck_assert_uint_eq(row.possibly_reused, 0);
    /* Other work under another key: nothing says that it is the same job. */
    row = job_row(jobs(1, "work", 0x100400), jobs(2, "play", 0x100500));
    ck_assert_uint_eq(row.added, 0);
    ck_assert_uint_eq(row.kept, 1);
    ck_assert_uint_eq(row.possibly_reused, 1);
}
END_TEST

/* A value that is another one is another object, whatever its address. */
START_TEST(values_are_compared)
{
    struct heap *before = jobs(1, "work", 0x100400), *now = jobs(2, "play", 0x100400);
    struct view *older = view_create(before, &err), *newer = view_create(now, &err);
    struct diff diff;
    struct diff_options options = {.by = DIFF_TYPE, .sort = DIFF_ADDED};
    ck_assert_ok(older && newer && diff_create(&diff, older, newer, &options, &err), &err);
    ck_assert_uint_eq(row_named(&diff, "int", NULL)->added, 1);
    ck_assert_uint_eq(row_named(&diff, "str", NULL)->added, 1);
    ck_assert_uint_eq(row_named(&diff, "str", NULL)->removed, 1);
    diff_free(&diff);
    options = (struct diff_options){.by = DIFF_TYPE, .type = "Job"};
    ck_assert_ok(diff_create(&diff, older, newer, &options, &err), &err);
    ck_assert_uint_eq(diff.row_count, 1);
    diff_free(&diff);
    options.type = "app.Jib";
    ck_assert(!diff_create(&diff, older, newer, &options, &err));
    ck_assert_error(&err, ERROR_NOT_FOUND, "there is app.Job");
    view_destroy(older);
    view_destroy(newer);
    heap_destroy(before);
    heap_destroy(now);
}
END_TEST

START_TEST(growing_at_every_step)
{
    static const int sessions[] = {3, 5, 12};
    for (int by = GROWTH_TYPE; by <= GROWTH_PATH; by++) {
        struct growth growth;
        ck_assert_ok(growth_begin(&growth, &(struct growth_options){.by = (enum growth_by)by}, &err), &err);
        for (int i = 0; i < 3; i++) {
            struct heap *heap = program(sessions[i], i == 1);
            struct view *view = view_create(heap, &err);
            ck_assert_ok(view && growth_add(&growth, view, &err), &err);
            view_destroy(view);
            heap_destroy(heap);
        }
        ck_assert_ok(growth_finish(&growth, &err), &err);
        ck_assert_uint_eq(growth.rising_count, 2); /* sessions and their keys */
        const struct growth_row *row = &growth.rows[0];
        ck_assert_str_eq(row->name, by == GROWTH_TYPE ? "app.Session" : "app._CACHE[*]");
        ck_assert(row->every_step);
        ck_assert_double_eq_tol(row->per_step, 4.5, 1e-9);
        ck_assert_double_eq_tol(row->bytes_per_step, 450, 1e-9);
        ck_assert_uint_eq(row->counts[0], 3);
        ck_assert_uint_eq(row->counts[1], 5);
        ck_assert_uint_eq(row->counts[2], 12);
        ck_assert_uint_eq(row->shallow[2], 1200);
        growth_free(&growth);
    }
    struct growth growth;
    ck_assert_ok(growth_begin(&growth, &(struct growth_options){.by = GROWTH_TYPE}, &err), &err);
    ck_assert(!growth_finish(&growth, &err));
    ck_assert_error(&err, ERROR_USAGE, "at least two");
    growth_free(&growth);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("diff");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, by_type);
    tcase_add_test(tc, by_path);
    tcase_add_test(tc, same_object);
    tcase_add_test(tc, used_addresses_are_said);
    tcase_add_test(tc, values_are_compared);
    tcase_add_test(tc, growing_at_every_step);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
