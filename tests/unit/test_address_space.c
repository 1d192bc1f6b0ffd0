#include "formats/memory/address_space.h"

#include <stdlib.h>

#include "tests/support/support.h"

static struct error err;
static struct address_space space;
static uint8_t bytes[5 * 4096];

static void setup(void)
{
    address_space_init(&space);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + (i >> 8));
}

static void teardown(void)
{
    address_space_deinit(&space);
}

static void add(uint64_t start, uint64_t end, const uint8_t *data, uint64_t present)
{
    struct memory_region r = {
        .start = start, .end = end, .data = data, .present = present, .mapping = MEMORY_NO_MAPPING};
    r.origin = data != NULL ? MEMORY_DUMPED : MEMORY_ABSENT;
    ck_assert_ok(address_space_add(&space, &r, &err), &err);
}

static void seal(void)
{
    ck_assert_ok(address_space_seal(&space, &err), &err);
}

START_TEST(empty)
{
    ck_assert_ptr_null(address_space_at(&space, 0, 1));
    ck_assert_ptr_null(address_space_at(&space, UINT64_MAX, 8));
    seal();
    ck_assert_ptr_null(address_space_at(&space, 0x1000, 1));
    ck_assert_ptr_null(address_space_region(&space, 0));
    ck_assert_uint_eq(address_space_word(&space, 0x1000), 0);
}
END_TEST

START_TEST(reads_at_any_alignment)
{
    add(0x10000, 0x13000, bytes + 3, 0x3000); /* the host bytes are not aligned */
    seal();
    for (uint64_t at = 0x10000; at + 8 <= 0x13000; at += 5) {
        uint64_t v, wanted;
        must(address_space_u64(&space, at, &v));
        memcpy(&wanted, bytes + 3 + (at - 0x10000), 8);
        must(v == wanted);
    }
    ck_assert_ptr_null(address_space_at(&space, 0x13000 - 7, 8));
    ck_assert_ptr_null(address_space_at(&space, 0x10000 - 1, 2));
    ck_assert_ptr_eq(address_space_at(&space, 0x10000, 0x3000), bytes + 3);
    ck_assert_ptr_null(address_space_at(&space, 0x10000, 0x3001));
    ck_assert_ptr_null(address_space_at(&space, 0x10000, UINT64_MAX));
    ck_assert_ptr_null(address_space_at(&space, UINT64_MAX - 3, 8));
}
END_TEST

START_TEST(parts_of_pages)
{
    add(0x10100, 0x10200, bytes, 0x100);
    add(0x10200, 0x10300, bytes + 0x1000, 0x100); /* next in the process, not next here */
    seal();
    ck_assert_ptr_eq(address_space_at(&space, 0x10100, 0x100), bytes);
    ck_assert_ptr_null(address_space_at(&space, 0x101f0, 0x20));
    ck_assert_ptr_null(address_space_at(&space, 0x100ff, 1));
    uint8_t copy[0x300];
    ck_assert_uint_eq(address_space_copy(&space, 0x101f0, copy, 0x300), 0x110);
    ck_assert_int_eq(memcmp(copy, bytes + 0xf0, 0x10), 0);
    ck_assert_int_eq(memcmp(copy + 0x10, bytes + 0x1000, 0x100), 0);
    ck_assert_uint_eq(address_space_copy(&space, 0x10000, copy, 1), 0);
}
END_TEST

START_TEST(cut_regions)
{
    add(0x10000, 0x14000, bytes, 0x1800);
    seal();
    ck_assert_ptr_nonnull(address_space_at(&space, 0x11000, 0x800));
    ck_assert_ptr_null(address_space_at(&space, 0x11000, 0x801));
    ck_assert_ptr_null(address_space_at(&space, 0x12000, 1));
    const struct memory_region *r = address_space_region(&space, 0x13fff);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(r->origin, MEMORY_ABSENT);
    ck_assert_uint_eq(r->present, 0);
    ck_assert_ptr_null(address_space_region(&space, 0x14000));
}
END_TEST

START_TEST(bytes_win_over_none)
{
    add(0x10000, 0x14000, NULL, 0);
    seal();
    add(0x11000, 0x12000, bytes, 0x1000);
    seal();
    ck_assert_uint_eq(space.region_count, 3);
    ck_assert_uint_eq(space.overlaps, 0);
    ck_assert_ptr_eq(address_space_at(&space, 0x11000, 0x1000), bytes);
    ck_assert_ptr_null(address_space_at(&space, 0x12000, 1));
    ck_assert_uint_eq(address_space_region(&space, 0x10000)->end, 0x11000);
    ck_assert_uint_eq(address_space_region(&space, 0x12000)->end, 0x14000);
}
END_TEST

START_TEST(texts)
{
    memcpy(bytes, "hello", 6);
    memset(bytes + 16, 'x', 16);
    add(0x10000, 0x10020, bytes, 0x20);
    seal();
    char text[16];
    ck_assert(address_space_text(&space, 0x10000, text, sizeof text));
    ck_assert_str_eq(text, "hello");
    ck_assert(address_space_text(&space, 0x10000, text, 6));
    ck_assert(!address_space_text(&space, 0x10000, text, 5));
    ck_assert(!address_space_text(&space, 0x10010, text, sizeof text));
    ck_assert(!address_space_text(&space, 0x10018, text, sizeof text)); /* ends with the region */
    ck_assert(!address_space_text(&space, 0x20000, text, sizeof text));
    ck_assert_str_eq(text, "");
}
END_TEST

/* Against the obvious way: a page of the process belongs to the first region added that has it. */
START_TEST(overlaps_at_random)
{
    enum { PAGES = 64, REGIONS = 24 };
    srand((unsigned)_i + 1);
    const uint8_t *owner[PAGES] = {0};
    bool mapped[PAGES] = {0};
    uint64_t twice = 0;
    static uint8_t memory[REGIONS][PAGES * 4096];
    for (int i = 0; i < REGIONS; i++) {
        int start = rand() % PAGES, size = 1 + rand() % (PAGES - start < 20 ? PAGES - start : 20);
        int present = rand() % 4 == 0 ? rand() % (size + 1) : size;
        bool absent = rand() % 5 == 0;
        add((uint64_t)(start + 16) << 12, (uint64_t)(start + size + 16) << 12, absent ? NULL : memory[i],
            absent ? 0 : (uint64_t)present << 12);
        for (int k = 0; k < size; k++) {
            mapped[start + k] = true;
            if (absent || k >= present)
                continue;
            if (owner[start + k] != NULL)
                twice += 4096;
            else
                owner[start + k] = memory[i] + ((size_t)k << 12);
        }
        if (rand() % 8 == 0)
            seal();
    }
    seal();
    ck_assert_uint_eq(space.overlaps, twice);
    for (size_t k = 0; k < PAGES; k++) {
        must(address_space_at(&space, (k + 16) << 12, 4096) == owner[k]);
        const struct memory_region *r = address_space_region(&space, (k + 16) << 12);
        must((r != NULL) == mapped[k]);
        must(r == NULL || (r->present != 0) == (owner[k] != NULL));
    }
    for (size_t i = 1; i < space.region_count; i++)
        must(space.regions[i - 1].end <= space.regions[i].start);
}
END_TEST

/* Many small regions far apart must not be slow, nor need a page table each in memory. */
START_TEST(scattered)
{
    for (uint64_t i = 0; i < 20000; i++)
        add(i << 31, (i << 31) + 4096, bytes, 4096);
    seal();
    for (uint64_t i = 0; i < 20000; i++)
        must(address_space_at(&space, i << 31, 4096) == bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("address space");
    TCase *tests = tcase_create("address space");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, empty);
    tcase_add_test(tests, reads_at_any_alignment);
    tcase_add_test(tests, parts_of_pages);
    tcase_add_test(tests, cut_regions);
    tcase_add_test(tests, bytes_win_over_none);
    tcase_add_test(tests, texts);
    tcase_add_loop_test(tests, overlaps_at_random, 0, 40);
    tcase_add_test(tests, scattered);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
