#include "lib/base/vector.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "tests/support/support.h"

START_TEST(keeps_what_was_in_it)
{
    void *items = NULL;
    size_t capacity = 0;
    struct error err;
    for (uint32_t i = 0; i < 1000; i++) {
        ck_assert_ok(vector_reserve(&items, &capacity, i + 1, sizeof i, &err), &err);
        ck_assert_uint_ge(capacity, i + 1);
        ((uint32_t *)items)[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(((uint32_t *)items)[i], i);
    ck_assert(!vector_reserve(&items, &capacity, SIZE_MAX / 2, 8, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "out of memory");
    ck_assert_uint_eq(((uint32_t *)items)[999], 999);
    free(items);
}
END_TEST

START_TEST(gives_large_memory)
{
    for (size_t size = 0; size <= (64u << 20); size = size ? size * 8 : 1) {
        char *memory = memory_large(size, 1);
        ck_assert_ptr_nonnull(memory);
        memset(memory, 1, size);
        free(memory);
    }
    ck_assert_ptr_null(memory_large(SIZE_MAX, 2));
    ck_assert_ptr_null(memory_large(SIZE_MAX, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vector");
    TCase *tests = tcase_create("vector");
    tcase_add_test(tests, keeps_what_was_in_it);
    tcase_add_test(tests, gives_large_memory);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
