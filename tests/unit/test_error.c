#include <errno.h>
#include <string.h>

#include "tests/support/support.h"

START_TEST(says_path_offset_and_message)
{
    struct error err;
    char text[200];
    ck_assert(!error_bad_input(&err, "app.held", 0x6c, "%d bytes wanted", 8));
    ck_assert_int_eq((int)err.code, (int)ERROR_BAD_INPUT);
    ck_assert_str_eq(error_text(&err, text, sizeof text), "app.held: +0x6c: 8 bytes wanted");
    error_bad_input(&err, "app.held", ERROR_NO_OFFSET, "the file is empty");
    ck_assert_str_eq(error_text(&err, text, sizeof text), "app.held: the file is empty");
    error_set(&err, ERROR_USAGE, "no such %s", "type");
    ck_assert_int_eq((int)err.code, (int)ERROR_USAGE);
    ck_assert_str_eq(error_text(&err, text, sizeof text), "no such type");
}
END_TEST

START_TEST(says_what_the_system_said)
{
    struct error err;
    char text[200];
    ck_assert(!error_system(&err, "app.held", ENOENT, "cannot open"));
    ck_assert_int_eq((int)err.code, (int)ERROR_SYSTEM);
    ck_assert_int_eq(err.os_errno, ENOENT);
    ck_assert_str_eq(error_text(&err, text, sizeof text), "cannot open app.held: No such file or directory");
    error_system(&err, NULL, ENOSPC, "cannot write");
    ck_assert_str_eq(error_text(&err, text, sizeof text), "cannot write: No space left on device");
}
END_TEST

START_TEST(cuts_what_is_too_long_and_accepts_nobody)
{
    struct error err;
    char path[3000], text[10];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    error_bad_input(&err, path, 1, "%s", path);
    ck_assert_uint_eq(strlen(err.path), sizeof err.path - 1);
    ck_assert_uint_eq(strlen(err.message), sizeof err.message - 1);
    ck_assert_uint_eq(strlen(error_text(&err, text, sizeof text)), sizeof text - 1);
    ck_assert(!error_set(NULL, ERROR_USAGE, "x"));
    ck_assert(!error_bad_input(NULL, "a", 1, "x"));
    ck_assert(!error_system(NULL, "a", ENOENT, "x"));
    ck_assert(!error_no_memory(NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tests = tcase_create("error");
    tcase_add_test(tests, says_path_offset_and_message);
    tcase_add_test(tests, says_what_the_system_said);
    tcase_add_test(tests, cuts_what_is_too_long_and_accepts_nobody);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
