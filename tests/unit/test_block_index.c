#include "formats/memory/block_index.h"

#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

static uint64_t state = 88172645463325252u;

static uint64_t random_number(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The obvious way: how many of the sorted addresses lie below one. */
static size_t below(const uint64_t *sorted, size_t count, uint64_t address)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted[middle] < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void compare(struct block_index *index, const uint64_t *sorted, size_t count)
{
    struct error err;
    ck_assert_ok(block_index_seal(index, &err), &err);
    ck_assert_uint_eq(index->count, count);
    uint64_t at = block_index_next(index, 0);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(at, sorted[i]);
        ck_assert(block_index_has(index, at));
        ck_assert_uint_eq(block_index_number(index, at), i);
        ck_assert(!block_index_has(index, at + 8));
        ck_assert_uint_eq(block_index_number(index, at + 8), UINT32_MAX);
        at = block_index_next(index, at + 16);
    }
    ck_assert_uint_eq(at, 0);
    for (unsigned n = 0; n < 2000; n++) {
        uint64_t any = count > 0 && n % 2 == 0 ? sorted[random_number() % count] + random_number() % 100000
                                               : random_number() >> 17;
        size_t before = below(sorted, count, any + 1);
        uint64_t found = block_index_below(index, any), expected = before > 0 ? sorted[before - 1] : 0;
        ck_assert(found == expected || (found == 0 && any >> 20 != expected >> 20));
        size_t next = below(sorted, count, any);
        ck_assert_uint_eq(block_index_next(index, any), next < count ? sorted[next] : 0);
        ck_assert(block_index_has(index, any) == (next < count && sorted[next] == any));
    }
    block_index_unseal(index);
}

START_TEST(knows_what_was_added)
{
    static const uint64_t bases[] = {0x10, 0x555500000000, 0x7f0000000000, 0x7fffffe00000};
    static const uint64_t widths[] = {1 << 12, 1 << 16, 1 << 22, 1 << 28};
    for (unsigned round = 0; round < 8; round++) {
        struct block_index index;
        struct error err;
        ck_assert_ok(block_index_init(&index, &err), &err);
        compare(&index, NULL, 0);
        size_t wanted = 1 + random_number() % 5000, count = 0;
        uint64_t *sorted = calloc(wanted, sizeof *sorted);
        for (size_t i = 0; i < wanted; i++) {
            uint64_t width = widths[round % 4];
            sorted[i] = (bases[random_number() % 4] + random_number() % width) & ~(uint64_t)15;
            if (sorted[i] >= (uint64_t)1 << 47 || sorted[i] == 0)
                sorted[i] = 16;
            ck_assert_ok(block_index_add(&index, sorted[i], &err), &err);
        }
        qsort(sorted, wanted, sizeof *sorted, by_value);
        for (size_t i = 0; i < wanted; i++)
            if (count == 0 || sorted[count - 1] != sorted[i])
                sorted[count++] = sorted[i];
        compare(&index, sorted, count);
        /* Each block reaches to the next one, as far as blocks are that large. */
        for (size_t i = 0; i + 1 < count; i++)
            if (sorted[i + 1] - sorted[i] < (uint64_t)1 << 36)
                block_index_cover(&index, sorted[i], sorted[i + 1]);
        ck_assert_ok(block_index_seal(&index, &err), &err);
        for (size_t i = 0; i + 1 < count; i++)
            if (sorted[i + 1] - sorted[i] < (uint64_t)1 << 36)
                ck_assert_uint_eq(block_index_below(&index, sorted[i + 1] - 1), sorted[i]);
        block_index_unseal(&index);
        /* Single ones and ranges go. */
        size_t kept = 0;
        uint64_t from = sorted[count / 3], to = sorted[count / 2] + 1;
        block_index_remove_range(&index, from, to);
        for (size_t i = 0; i < count; i++) {
            if (sorted[i] >= from && sorted[i] < to)
                continue;
            if (random_number() % 5 == 0)
                block_index_remove(&index, sorted[i]);
            else
                sorted[kept++] = sorted[i];
        }
        block_index_remove(&index, 0x123456780);
        compare(&index, sorted, kept);
        block_index_remove_range(&index, 0, UINT64_MAX);
        compare(&index, sorted, 0);
        free(sorted);
        block_index_deinit(&index);
    }
}
END_TEST

START_TEST(finds_the_block_a_pointer_lies_in)
{
    struct block_index index;
    struct error err;
    ck_assert_ok(block_index_init(&index, &err), &err);
    uint64_t large = 0x7f1234500010, small = 0x555500000010;
    ck_assert_ok(block_index_add(&index, large, &err), &err);
    ck_assert_ok(block_index_add(&index, small, &err), &err);
    block_index_cover(&index, large,
                      large + ((uint64_t)40 << 30)); /* 40 GiB: no memory for each of its MiBs */
    ck_assert_ok(block_index_seal(&index, &err), &err);
    ck_assert_uint_eq(block_index_below(&index, large + ((uint64_t)39 << 30)), large);
    ck_assert_uint_eq(block_index_below(&index, large + 5), large);
    ck_assert_uint_eq(block_index_below(&index, large + ((uint64_t)50 << 30)), 0);
    ck_assert_uint_eq(block_index_below(&index, 0x6f0000000000), 0); /* between the two: nobody's */
    ck_assert_uint_eq(block_index_below(&index, small - 1), 0);
    ck_assert_uint_eq(block_index_below(&index, UINT64_MAX), 0);
    ck_assert_uint_lt(index.slab_count, 8);
    block_index_deinit(&index);
}
END_TEST

START_TEST(refuses_what_is_no_address)
{
    struct block_index index;
    struct error err;
    ck_assert_ok(block_index_init(&index, &err), &err);
    ck_assert(!block_index_add(&index, (uint64_t)1 << 47, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "no address of a block: 0x800000000000");
    ck_assert(!block_index_add(&index, 0x1008, &err));
    block_index_cover(&index, UINT64_MAX - 5, UINT64_MAX);
    block_index_cover(&index, 5, 4);
    ck_assert(!block_index_has(&index, UINT64_MAX - 15));
    block_index_deinit(&index);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("block_index");
    TCase *tests = tcase_create("block_index");
    tcase_add_test(tests, knows_what_was_added);
    tcase_add_test(tests, finds_the_block_a_pointer_lies_in);
    tcase_add_test(tests, refuses_what_is_no_address);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
