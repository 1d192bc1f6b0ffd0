/* Who owns which memory, against a map of bytes; and the table of numbers. */
#include "formats/extract/claims.h"

#include <stdlib.h>

#include "formats/extract/number_map.h"
#include "tests/support/support.h"

enum { SPACE = 400, ROUNDS = 2000 };

static uint32_t seed;

static uint32_t next_number(uint32_t limit)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % limit;
}

/* A list of random ranges, and the same in the map: what is taken stays as it is; of ranges in one list the
 * one that begins first has it, of those the longest. */
static void random_list(struct claims *list, enum claim_owner owner, uint8_t map[SPACE])
{
    struct error err;
    uint8_t best[SPACE] = {0};
    uint32_t start_of[SPACE], end_of[SPACE];
    for (uint32_t n = next_number(12); n > 0; n--) {
        uint32_t start = next_number(SPACE), end = start + next_number(60);
        end = end < SPACE ? end : SPACE;
        ck_assert_ok(claims_add(list, start, end, owner, start, &err), &err);
        for (uint32_t i = start; i < end; i++) {
            bool better = !best[i] || start < start_of[i] || (start == start_of[i] && end > end_of[i]);
            start_of[i] = better ? start : start_of[i];
            end_of[i] = better ? end : end_of[i];
            best[i] = 1;
        }
    }
    for (uint32_t i = 0; i < SPACE; i++)
        if (best[i] && map[i] == 0)
            map[i] = (uint8_t)owner;
}

static void check_claims(const struct claims *claims, const uint8_t map[SPACE])
{
    for (size_t i = 0; i < claims->count; i++) {
        ck_assert_uint_lt(claims->items[i].start, claims->items[i].end);
        ck_assert(i == 0 || claims->items[i - 1].end <= claims->items[i].start);
    }
    for (uint32_t at = 0; at < SPACE; at++) {
        size_t i = claims_from(claims, at);
        bool held = i < claims->count && claims->items[i].start <= at;
        ck_assert_int_eq(held ? (int)claims->items[i].owner : 0, map[at]);
        ck_assert(i == 0 || claims->items[i - 1].end <= at);
    }
}

START_TEST(gives_each_byte_to_the_first_owner)
{
    struct error err;
    for (seed = 1; seed < ROUNDS; seed++) {
        uint32_t kept = seed;
        struct claims claims = {0};
        uint8_t map[SPACE] = {0};
        for (enum claim_owner owner = CLAIM_HEAP; owner <= CLAIM_FILE; owner++) {
            struct claims more = {0};
            random_list(&more, owner, map);
            ck_assert_ok(claims_merge(&claims, &more, &err), &err);
            claims_free(&more);
        }
        check_claims(&claims, map);
        claims_free(&claims);
        seed = kept;
    }
}
END_TEST

START_TEST(drops_empty_ranges)
{
    struct error err;
    struct claims claims = {0}, more = {0};
    ck_assert_ok(claims_add(&more, 7, 7, CLAIM_FILE, 0, &err), &err);
    ck_assert_ok(claims_add(&more, 9, 7, CLAIM_FILE, 0, &err), &err);
    ck_assert_uint_eq(more.count, 0);
    ck_assert_ok(claims_merge(&claims, &more, &err), &err);
    ck_assert_uint_eq(claims_from(&claims, 0), 0);
    claims_free(&claims);
    claims_free(&more);
}
END_TEST

START_TEST(finds_numbers_by_key)
{
    struct number_map map = {0};
    bool found;
    ck_assert_uint_eq(number_map_get(&map, 5), 0);
    for (uint64_t i = 1; i <= 10000; i++) {
        uint32_t *value = number_map_put(&map, i * 4096, &found);
        ck_assert(value != NULL && !found && *value == 0);
        *value = (uint32_t)i;
    }
    for (uint64_t i = 1; i <= 10000; i++) {
        ck_assert_uint_eq(number_map_get(&map, i * 4096), i);
        ck_assert_uint_eq(*number_map_put(&map, i * 4096, &found), i);
        ck_assert(found);
    }
    ck_assert_uint_eq(number_map_get(&map, 4097), 0);
    ck_assert_uint_eq(number_map_get(&map, 0), 0);
    number_map_free(&map);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("claims");
    TCase *tests = tcase_create("claims");
    tcase_add_test(tests, gives_each_byte_to_the_first_owner);
    tcase_add_test(tests, drops_empty_ranges);
    tcase_add_test(tests, finds_numbers_by_key);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
