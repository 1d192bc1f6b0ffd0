#include "lib/base/bytes.h"
#include "tests/support/support.h"

static const uint8_t data[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
                               0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10};

START_TEST(reads_little_endian)
{
    struct error err;
    struct bytes b = bytes_over(data, sizeof data, 100, "x", &err);
    ck_assert_uint_eq(bytes_u8(&b, "a"), 0x01);
    ck_assert_uint_eq(bytes_u16(&b, "b"), 0x0302);
    ck_assert_uint_eq(bytes_u32(&b, "c"), 0x07060504);
    ck_assert_uint_eq(bytes_offset(&b), 107);
    ck_assert_uint_eq(bytes_u64(&b, "d"), 0x0f0e0d0c0b0a0908);
    ck_assert_uint_eq(bytes_left(&b), 1);
    ck_assert_ptr_eq(bytes_take(&b, 1, "e"), data + 15);
    ck_assert_uint_eq(bytes_left(&b), 0);
    ck_assert(!b.failed);
}
END_TEST

START_TEST(fails_once_and_stays_failed)
{
    struct error err;
    struct bytes b = bytes_over(data, 6, 0x60, "app.held", &err);
    bytes_u32(&b, "count");
    ck_assert_uint_eq(bytes_u32(&b, "size"), 0);
    ck_assert(b.failed);
    ck_assert_error(&err, ERROR_BAD_INPUT, "app.held: +0x64: truncated size: 4 bytes wanted, 2 left");
    ck_assert_uint_eq(bytes_u8(&b, "next"), 0);
    ck_assert_ptr_null(bytes_take(&b, 0, "nothing"));
    bytes_fail(&b, "something else");
    ck_assert_error(&err, ERROR_BAD_INPUT, "truncated size");
}
END_TEST

START_TEST(takes_no_more_than_there_is)
{
    struct error err;
    struct bytes b = bytes_over(data, sizeof data, 0, "x", &err);
    ck_assert_ptr_null(bytes_take(&b, UINT64_MAX, "everything"));
    ck_assert_ptr_eq(b.pos, data);
    b = bytes_over(NULL, 0, 0, "x", NULL);
    ck_assert_uint_eq(bytes_u64(&b, "x"), 0);
    ck_assert(b.failed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bytes");
    TCase *tests = tcase_create("bytes");
    tcase_add_test(tests, reads_little_endian);
    tcase_add_test(tests, fails_once_and_stays_failed);
    tcase_add_test(tests, takes_no_more_than_there_is);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
