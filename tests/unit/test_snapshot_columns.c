#include "formats/snapshot/snapshot_columns.h"

#include <stdlib.h>
#include <string.h>

#include "formats/snapshot/snapshot_layout.h"
#include "tests/support/encode_snapshot.h"
#include "tests/support/support.h"

/* The two streams of a column, encoded from the document, with padding after them. */
struct streams {
    uint8_t *lengths, *bytes;
    size_t lengths_size, bytes_size;
};

static struct streams encode(const uint64_t *values, size_t count, bool addresses)
{
    struct encoder e;
    encode_start(&e, 1, 0);
    encode_block(&e, 1, 0, 0, 0);
    if (addresses)
        encode_addresses(&e, 0, values, count);
    else
        encode_column(&e, 0, values, count);
    struct streams s = {.lengths_size = (count + 1) / 2};
    s.bytes_size = e.streams_size - s.lengths_size;
    s.lengths = malloc(s.lengths_size + 1);
    s.bytes = malloc(s.bytes_size + SNAPSHOT_PADDING);
    ck_assert(s.lengths && s.bytes);
    if (s.lengths_size)
        memcpy(s.lengths, e.streams, s.lengths_size);
    if (s.bytes_size)
        memcpy(s.bytes, e.streams + s.lengths_size, s.bytes_size);
    memset(s.bytes + s.bytes_size, 0xff, SNAPSHOT_PADDING);
    encode_free(&e);
    return s;
}

static void streams_free(struct streams *s)
{
    free(s->lengths);
    free(s->bytes);
}

static bool open_column(struct snapshot_column *c, const struct streams *s, uint32_t count, bool addresses,
                        struct error *err)
{
    return snapshot_column_open(c, s->lengths, s->lengths_size, s->bytes, s->bytes_size, count, addresses,
                                err);
}

static uint64_t random_state = 1;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

START_TEST(reads_integers_in_pieces_of_any_size)
{
    enum { COUNT = 3001 };
    static uint64_t values[COUNT], out[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        values[i] = i % 5 == 0 ? 0 : next_random() >> next_random() % 64;
    values[7] = UINT64_MAX;
    for (uint32_t count = COUNT - 2; count <= COUNT; count++) {
        struct streams s = encode(values, count, false);
        for (uint32_t piece = 1; piece < 40; piece += 3) {
            struct snapshot_column c;
            struct error err;
            ck_assert_ok(open_column(&c, &s, count, false, &err), &err);
            ck_assert(snapshot_column_is_shortest(&c));
            for (uint32_t at = 0; c.left > 0;) {
                uint32_t n = c.left < piece ? c.left : piece;
                snapshot_column_read(&c, out + at, n);
                at += n;
            }
            ck_assert_int_eq(memcmp(values, out, count * sizeof *out), 0);
        }
        streams_free(&s);
    }
}
END_TEST

START_TEST(reads_addresses_over_the_whole_space)
{
    uint64_t values[] = {
        0x7f0000000010,
        0x7f0000000020,
        0x7f0000000010,
        0x7f0000000011,
        0x7f0000000011,
        0x550000000000,
        0,
        UINT64_MAX,
        1,
        UINT64_MAX - 16,
        0x1000000000000000,
        0x2000000000000000,
        0x1000000000000001,
        0x0fffffffffffffff,
        0,
        0x0ffffffffffffff0,
        0,
        0x8000000000000000,
        0x7fffffffffffffff,
        16,
        8,
        24,
    };
    enum { COUNT = sizeof values / sizeof *values };
    uint64_t out[COUNT];
    struct snapshot_column c;
    struct error err;
    struct streams s = encode(values, COUNT, true);
    ck_assert_ok(open_column(&c, &s, COUNT, true, &err), &err);
    ck_assert(snapshot_column_is_shortest(&c));
    snapshot_column_read_addresses(&c, out, 5);
    snapshot_column_read_addresses(&c, out + 5, COUNT - 5);
    for (size_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(out[i], values[i]);
    ck_assert(!open_column(&c, &s, COUNT, false, &err)); /* it holds absolute ones */
    ck_assert_error(&err, ERROR_BAD_INPUT, "more than 8 bytes");
    streams_free(&s);
}
END_TEST

START_TEST(refuses_columns_that_do_not_add_up)
{
    uint64_t values[] = {1, 256, 65536};
    struct snapshot_column c;
    struct error err;
    struct streams s = encode(values, 3, false);
    ck_assert_ok(open_column(&c, &s, 3, false, &err), &err);
    ck_assert(!open_column(&c, &s, 2, false, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "2 bytes of lengths for 2 values, not 1");
    ck_assert(!open_column(&c, &s, UINT32_MAX, false, &err));
    s.bytes_size--;
    ck_assert(!open_column(&c, &s, 3, false, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "lengths add up to 6 bytes, not 5");
    s.bytes_size++;
    s.lengths[1] |= 0x10;
    ck_assert(!open_column(&c, &s, 3, false, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "a length after the last value");
    for (unsigned nibble = 9; nibble < 16; nibble++) {
        s.lengths[1] = (uint8_t)nibble;
        s.bytes_size = 3 + (nibble == 15 ? 8 : nibble);
        ck_assert(!open_column(&c, &s, 3, false, &err));
        ck_assert_error(&err, ERROR_BAD_INPUT, "more than 8 bytes");
        s.lengths[1] = 1;
        s.lengths[0] = (uint8_t)(nibble << 4);
        ck_assert_int_eq(open_column(&c, &s, 3, true, &err), nibble == 15 && s.bytes_size == 9);
        s.lengths[0] = 0x21;
    }
    streams_free(&s);
}
END_TEST

START_TEST(sees_values_that_could_be_shorter)
{
    static const uint8_t lengths[] = {0x12}, bytes[3 + SNAPSHOT_PADDING] = {1, 0, 0};
    struct snapshot_column c;
    struct error err;
    ck_assert_ok(snapshot_column_open(&c, lengths, 1, bytes, 3, 2, false, &err), &err);
    ck_assert(!snapshot_column_is_shortest(&c));
    uint64_t out[2];
    snapshot_column_read(&c, out, 2);
    ck_assert_uint_eq(out[0], 1);
    ck_assert_uint_eq(out[1], 0);
}
END_TEST

START_TEST(decodes_targets)
{
    enum { COUNT = 5000 };
    static object_id targets[COUNT];
    static uint64_t codes[COUNT];
    static uint32_t out[COUNT];
    object_id next = 100;
    unsigned hits = 0, zeros = 0;
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t dice = next_random() % 8;
        targets[i] = dice < 3   ? next++
                     : dice < 4 ? 0
                     : dice < 6 ? 1 + (object_id)(next_random() % 9)
                                : (object_id)next_random();
        if (i == COUNT / 2)
            targets[i] = UINT32_MAX;
    }
    uint64_t new_id = 100, expected_end;
    encode_targets(targets, COUNT, &new_id, codes);
    expected_end = new_id;
    for (size_t i = 0; i < COUNT; i++) {
        hits += codes[i] & 1;
        zeros += codes[i] == 0;
    }
    ck_assert_uint_gt(hits, 100);
    ck_assert_uint_gt(zeros, 0);
    struct snapshot_edges edges;
    snapshot_edges_begin(&edges, 100);
    snapshot_edges_decode(&edges, codes, out, 1234);
    snapshot_edges_decode(&edges, codes + 1234, out + 1234, COUNT - 1234);
    ck_assert_int_eq(edges.wrong != 0, 0);
    ck_assert_uint_eq(edges.new_id, expected_end);
    ck_assert_int_eq(memcmp(out, targets, sizeof out), 0);
}
END_TEST

START_TEST(notices_targets_that_are_none)
{
    /* hub slots beyond the last; a step below 0; a step beyond 2^32; new objects beyond 2^32 */
    uint64_t codes[][2] = {
        {513, 2}, {UINT64_MAX, 2}, {4, 2}, {UINT64_MAX - 1, 2}, {(((uint64_t)1 << 33) + 1) << 1, 2}};
    uint32_t out[2];
    struct snapshot_edges edges;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        snapshot_edges_begin(&edges, 1);
        snapshot_edges_decode(&edges, codes[i], out, 2);
        ck_assert_msg(edges.wrong != 0, "row %zu", i);
    }
    uint64_t new_twice[] = {0, 0};
    snapshot_edges_begin(&edges, UINT32_MAX);
    snapshot_edges_decode(&edges, new_twice, out, 1);
    ck_assert(edges.wrong == 0 && out[0] == UINT32_MAX);
    snapshot_edges_decode(&edges, new_twice, out, 1);
    ck_assert(edges.wrong != 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot_columns");
    TCase *tests = tcase_create("snapshot_columns");
    tcase_add_test(tests, reads_integers_in_pieces_of_any_size);
    tcase_add_test(tests, reads_addresses_over_the_whole_space);
    tcase_add_test(tests, refuses_columns_that_do_not_add_up);
    tcase_add_test(tests, sees_values_that_could_be_shorter);
    tcase_add_test(tests, decodes_targets);
    tcase_add_test(tests, notices_targets_that_are_none);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
