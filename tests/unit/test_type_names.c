#include "lib/query/type_names.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/edit_distance.h"
#include "tests/support/support.h"

static const char *const names[] = {"app.Session",        "lib.Session", "lib.Session", "app.Outer.Inner",
                                    "app.models.Article", "dict",        "OrderedDict"};
enum { COUNT = sizeof names / sizeof *names };

static struct error err;
static bool matches[COUNT];

static size_t matched(const char *text)
{
    size_t count = 0;
    ck_assert_ok(type_names_match(names, COUNT, text, matches, &err), &err);
    for (size_t i = 0; i < COUNT; i++)
        count += matches[i];
    return count;
}

START_TEST(means)
{
    ck_assert_uint_eq(matched("app.Session"), 1);
    ck_assert_uint_eq(matched("lib.Session"), 2); /* a class made twice */
    ck_assert_uint_eq(matched("*.Session"), 3);
    ck_assert_uint_eq(matched("Inner"), 1);
    ck_assert_uint_eq(matched("Outer.Inner"), 1);
    ck_assert_uint_eq(matched("*"), COUNT);
    ck_assert_uint_eq(matched("?ict"), 1);
}
END_TEST

static void says(const char *text, enum error_code code, const char *part)
{
    ck_assert(!type_names_match(names, COUNT, text, matches, &err));
    ck_assert_error(&err, code, part);
}

START_TEST(says_what_there_is)
{
    says("Session", ERROR_USAGE, "2 types: app.Session, lib.Session; give one");
    says("app.Sesion", ERROR_NOT_FOUND, "there is app.Session, lib.Session");
    says("app.model.Article", ERROR_NOT_FOUND, "there is app.models.Article");
    says("article", ERROR_NOT_FOUND, "there is app.models.Article");
    says("*.Sessions", ERROR_NOT_FOUND, "there is app.Session");
    says("", ERROR_NOT_FOUND, "no type '' among its 7 types");
    ck_assert(!type_names_match(names, COUNT, "Wholly.Else", matches, &err));
    ck_assert_str_eq(err.message, "no type Wholly.Else among its 7 types");
    ck_assert(!type_names_match(names, 0, "x", matches, &err));
    ck_assert_error(&err, ERROR_NOT_FOUND, "no type x");
}
END_TEST

START_TEST(lists_all_of_many)
{
    char text[40][16];
    const char *many[40];
    bool of[40];
    for (int i = 0; i < 40; i++) {
        snprintf(text[i], sizeof text[i], "m%02d.Same", i);
        many[i] = text[i];
    }
    ck_assert(!type_names_match(many, 40, "Same", of, &err));
    ck_assert_error(&err, ERROR_USAGE, "40 types: m00.Same, m01.Same");
    ck_assert_error(&err, ERROR_USAGE, "m39.Same; give");
}
END_TEST

START_TEST(distances)
{
    ck_assert_uint_eq(edit_distance("", ""), 0);
    ck_assert_uint_eq(edit_distance("abc", ""), 3);
    ck_assert_uint_eq(edit_distance("abc", "abd"), 1);
    ck_assert_uint_eq(edit_distance("abc", "acb"), 1); /* swapped */
    ck_assert_uint_eq(edit_distance("abc", "xabc"), 1);
    ck_assert_uint_eq(edit_distance("kitten", "sitting"), 3);
    char longest[EDIT_LONGEST + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[EDIT_LONGEST + 1] = 0;
    ck_assert_uint_eq(edit_distance(longest, "a"), UINT32_MAX);
    longest[EDIT_LONGEST] = 0;
    ck_assert_uint_eq(edit_distance(longest, "a"), EDIT_LONGEST - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("type names");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, means);
    tcase_add_test(tc, says_what_there_is);
    tcase_add_test(tc, lists_all_of_many);
    tcase_add_test(tc, distances);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
