#include "lib/base/file_view.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/support.h"

START_TEST(reads_any_place)
{
    struct file_view file;
    struct error err;
    char data[4];
    const char *path = test_file("ten");
    write_file(path, "0123456789", 10);
    ck_assert_ok(file_view_open(&file, path, &err), &err);
    ck_assert_uint_eq(file.size, 10);
    ck_assert_ok(file_view_read(&file, 6, data, 4, &err), &err);
    ck_assert_int_eq(memcmp(data, "6789", 4), 0);
    ck_assert_ok(file_view_read(&file, 10, data, 0, &err), &err);
    ck_assert(!file_view_read(&file, 7, data, 4, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "+0x7: 4 bytes wanted, the file ends at 0xa");
    ck_assert(!file_view_read(&file, UINT64_MAX, data, 4, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "bytes wanted");
    ck_assert_int_eq(truncate(path, 5), 0);
    ck_assert(!file_view_read(&file, 4, data, 4, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "shrank");
    file_view_close(&file);
    file_view_close(&file);
}
END_TEST

START_TEST(refuses_what_cannot_be_read_at_any_place)
{
    struct file_view file;
    struct error err;
    ck_assert(!file_view_open(&file, test_file("missing"), &err));
    ck_assert_error(&err, ERROR_SYSTEM, "No such file");
    ck_assert_int_eq(err.os_errno, ENOENT);
    ck_assert(!file_view_open(&file, "/tmp", &err));
    ck_assert_error(&err, ERROR_SYSTEM, "Is a directory");
    const char *pipe = test_file("pipe");
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    ck_assert(!file_view_open(&file, pipe, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "Illegal seek");
    file_view_close(&file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file_view");
    TCase *tests = tcase_create("file_view");
    tcase_add_test(tests, reads_any_place);
    tcase_add_test(tests, refuses_what_cannot_be_read_at_any_place);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
