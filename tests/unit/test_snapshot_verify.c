#include "formats/snapshot/snapshot_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/encode_snapshot.h"
#include "tests/support/make_snapshot.h"
#include "tests/support/support.h"

static struct error err;
static struct snapshot_verdict verdict;
static char said[20000];
static uint64_t first_offset;

static void listen_to(void *context, uint64_t offset, const char *part, const char *message)
{
    (void)context;
    size_t used = strlen(said);
    if (!used)
        first_offset = offset;
    snprintf(said + used, sizeof said - used, "%s: %s\n", part, message);
}

static void verify(const void *data, size_t size)
{
    const char *path = test_file("verified");
    write_file(path, data, size);
    said[0] = '\0';
    bool done = snapshot_verify(path, (struct snapshot_faults){.report = listen_to}, &verdict, &err);
    ck_assert_ok(done, &err);
    uint64_t lines = 0;
    for (const char *p = said; *p; p++)
        lines += *p == '\n';
    ck_assert_uint_eq(verdict.faults, lines);
}

static void said_that(const char *part)
{
    ck_assert_msg(strstr(said, part) != NULL, "\"%s\" is not in \"%s\"", part, said);
}

/* A heap in which verify finds nothing: no shapes of pairs, types where their objects are. */
static struct model *sound_model(uint32_t objects)
{
    struct model *m = model_create(31, objects, 2);
    for (uint32_t i = 1; i <= m->shape_count; i++)
        m->shapes[i].tail = TAIL_INDEX;
    for (uint32_t i = 1; i <= m->type_count; i++)
        m->types[i].object = 0;
    for (uint32_t i = 0; i < m->root_count; i++)
        m->roots[i].kind = ROOT_MODULE;
    for (object_id id = 1; id <= m->object_count; id++)
        m->address[id] = 0x1000 + 16 * (uint64_t)id + (id % 2 ? (uint64_t)1 << 46 : 0);
    return m;
}

START_TEST(finds_nothing_wrong_with_good_files)
{
    struct model *m = sound_model(_i == 0 ? 50 : 80000);
    for (int compressed = 0; compressed < 2; compressed++) {
        size_t size;
        const char *path = test_file("written");
        make_snapshot(m, path, compressed);
        unsigned char *data = read_whole_file(path, &size);
        verify(data, size);
        ck_assert_str_eq(said, "");
        ck_assert_uint_eq(verdict.objects, m->object_count);
        ck_assert_uint_eq(verdict.edges, m->edge_count);
        ck_assert_uint_eq(verdict.roots, m->root_count);
        ck_assert_uint_eq(verdict.objects_lost + verdict.edges_lost, 0);
        free(data);
    }
    struct encoder e;
    encode_model(&e, m, _i == 0 ? 8 : 262144);
    verify(e.data, e.size);
    ck_assert_str_eq(said, "");
    encode_free(&e);
    model_destroy(m);
}
END_TEST

/* Native references have as many places as they are, and words lie in their blocks. */
START_TEST(counts_places)
{
    struct model *m = sound_model(60);
    for (uint32_t i = 1; i <= m->shape_count; i++)
        m->shapes[i].tail = TAIL_NATIVE;
    struct encoder e;
    encode_model(&e, m, 16);
    verify(e.data, e.size);
    ck_assert_str_eq(said, "");
    uint32_t last = 0;
    for (uint32_t i = 0; i < e.block_count; i++)
        last = e.kinds[i] == SNAPSHOT_PLACES ? i : last;
    ck_assert_uint_gt(last, 0);
    e.data[e.offsets[last] + 4] = 77; /* a kind nobody knows */
    encode_fix_checksums(e.data, e.size);
    verify(e.data, e.size);
    said_that("native references");
    encode_free(&e);
    for (uint32_t i = 1; i <= m->type_count; i++)
        m->types[i].family = FAMILY_NATIVE;
    encode_model(&e, m, 16);
    verify(e.data, e.size);
    said_that("but has");
    encode_free(&e);
    model_destroy(m);
}
END_TEST

START_TEST(sees_every_flipped_bit)
{
    struct model *m = sound_model(20);
    m->shapes[1].tail = TAIL_NATIVE;
    struct encoder e;
    encode_model(&e, m, 8);
    const char *path = test_file("flipped");
    for (size_t at = 0; at < e.size; at += 1 + at % 5) {
        e.data[at] ^= 4;
        write_file(path, e.data, e.size);
        e.data[at] ^= 4;
        if (!snapshot_verify(path, (struct snapshot_faults){0}, &verdict, &err))
            ck_assert_int_eq((int)err.code, (int)ERROR_BAD_INPUT);
        else
            ck_assert_msg(verdict.faults > 0, "byte %zu", at);
    }
    encode_free(&e);
    model_destroy(m);
}
END_TEST

START_TEST(keeps_going_and_names_the_place)
{
    struct model *m = sound_model(60);
    struct encoder e;
    encode_model(&e, m, 16);
    unsigned edges = 0, previews = 0;
    uint64_t lost = 0, offset = 0;
    for (uint32_t i = 0; i < e.block_count; i++) {
        if ((e.kinds[i] == 9 && edges++ == 1) || (e.kinds[i] == 10 && previews++ == 0)) {
            e.data[e.offsets[i] + 60] ^= 1;
            lost += e.kinds[i] == 9 ? e.items[i] : 0;
            offset = offset ? offset : e.offsets[i];
        }
    }
    verify(e.data, e.size);
    ck_assert_uint_eq(first_offset, offset);
    ck_assert_uint_eq(verdict.edges_lost, lost);
    ck_assert_uint_eq(verdict.objects_lost, 0);
    said_that(": the checksum does not match");
    said_that("contents: the block of 16 edges that should be here is lost");
    said_that("contents: the block of 16 previews that should be here is lost");
    said_that("(edges): 16 items before item 32 are missing");
    encode_free(&e);
    model_destroy(m);
}
END_TEST

START_TEST(looks_at_what_opening_does_not)
{
    struct model *m = sound_model(20);
    struct encoder e;
    encode_model(&e, m, 1000);
    unsigned char *copy = malloc(e.size);
    ck_assert_ptr_nonnull(copy);
    for (uint32_t i = 0; i < e.block_count; i++) {
        const unsigned char *block = e.data + e.offsets[i];
        size_t at = e.offsets[i] + 48 + 16u * block[6];
        for (unsigned s = 0; s < block[6]; s++) {
            uint16_t id;
            uint32_t size;
            memcpy(&id, block + 48 + 16 * s, 2);
            memcpy(&size, block + 48 + 16 * s + 12, 4);
            memcpy(copy, e.data, e.size);
            bool details = e.kinds[i] == 8 && (id == 4 || id == 6);
            bool previews = e.kinds[i] == 10 && (id == 2 || id == 6);
            bool contents = e.kinds[i] == 11 && (id == 1 || id == 5);
            if (details || previews)
                copy[at] = 0xee; /* lengths of 14, kinds of 238 */
            else if (contents)
                copy[at] ^= 1;
            if (details || previews || contents) {
                encode_fix_checksums(copy, e.size);
                verify(copy, e.size);
                ck_assert_uint_gt(verdict.faults, 0);
                said_that(details ? "(objects)" : previews ? "(previews)" : "describe it differently");
            }
            at += size;
        }
    }
    free(copy);
    encode_free(&e);
    model_destroy(m);
}
END_TEST

START_TEST(sees_values_with_leading_zeros)
{
    struct encoder e;
    encode_start(&e, 1, 0);
    encode_block(&e, 2, 1, 1, 0);
    encode_stream(&e, 0, "\2", 1);
    encode_stream(&e, 1, "\3\0", 2);
    encode_stream(&e, 2, "abc", 3);
    encode_stream(&e, 40, "\2", 1); /* not a column we know */
    encode_stream(&e, 41, "\3\0\0", 3);
    encode_block_end(&e);
    encode_finish(&e);
    verify(e.data, e.size);
    ck_assert_str_eq(said, "block 0 (strings): column 0: a value with leading zero bytes\n");
    encode_free(&e);
}
END_TEST

START_TEST(gives_up_only_where_there_is_nothing)
{
    struct snapshot_faults silent = {0};
    const char *path = test_file("foreign");
    write_file(path, "foreign", 7);
    ck_assert(!snapshot_verify(path, silent, &verdict, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, "not a snapshot");
    ck_assert(!snapshot_verify(test_file("nowhere"), silent, &verdict, &err));
    ck_assert_error(&err, ERROR_SYSTEM, "No such file");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot_verify");
    TCase *tests = tcase_create("snapshot_verify");
    tcase_add_loop_test(tests, finds_nothing_wrong_with_good_files, 0, 2);
    tcase_add_test(tests, counts_places);
    tcase_add_test(tests, sees_every_flipped_bit);
    tcase_add_test(tests, keeps_going_and_names_the_place);
    tcase_add_test(tests, looks_at_what_opening_does_not);
    tcase_add_test(tests, sees_values_with_leading_zeros);
    tcase_add_test(tests, gives_up_only_where_there_is_nothing);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
