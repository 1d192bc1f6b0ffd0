#include "formats/snapshot/snapshot_reader.h"

#include <stdio.h>
#include <string.h>

#include "lib/heap/heap_verify.h"
#include "tests/support/encode_snapshot.h"
#include "tests/support/make_snapshot.h"
#include "tests/support/support.h"

static void no_fault(void *context, const char *part, const char *message)
{
    (void)context;
    /* A made-up heap may have keys without values and types at other addresses; nothing else may be wrong. */
    if (!strstr(message, "without a value") && !strstr(message, "but its object") &&
        !strstr(message, "names none") && !strstr(message, "as object") && !strstr(message, "at address 0"))
        ck_abort_msg("%s: %s", part, message);
}

static struct heap *open_whole(const char *path)
{
    struct error err;
    struct heap *heap = snapshot_open(path, &err);
    ck_assert_ok(heap != NULL, &err);
    for (uint32_t i = 0; i < heap->warning_count; i++)
        ck_abort_msg("warning: %s", heap->warnings[i]);
    ck_assert(heap->complete);
    ck_assert_uint_eq(heap->objects_lost + heap->edges_lost, 0);
    ck_assert_uint_ne(heap_verify(heap, no_fault, NULL, &err), UINT64_MAX);
    return heap;
}

static const uint32_t sizes[] = {1, 2, 17, 300, 70000, 200000};

START_TEST(reads_what_the_writer_wrote)
{
    struct model *m = model_create((uint64_t)_i + 1, sizes[_i / 2], 3);
    const char *path = test_file("written");
    make_snapshot(m, path, _i % 2);
    struct heap *heap = open_whole(path);
    check_heap_is_model(heap, m);
    heap_destroy(heap);
    model_destroy(m);
}
END_TEST

START_TEST(reads_what_the_document_says)
{
    static const uint32_t items[] = {262144, 1000, 7};
    struct model *m = model_create((uint64_t)_i + 100, _i < 3 ? 3000 : 200000, 3);
    struct encoder e;
    encode_model(&e, m, _i < 3 ? items[_i] : 262144);
    const char *path = test_file("encoded");
    write_file(path, e.data, e.size);
    struct heap *heap = open_whole(path);
    check_heap_is_model(heap, m);
    heap_destroy(heap);
    encode_free(&e);
    model_destroy(m);
}
END_TEST

START_TEST(spans_blocks)
{
    /* More than two blocks of objects and of edges. */
    struct model *m = model_create(9, 150000, 4);
    ck_assert_uint_gt(m->edge_count, 2 * 262144);
    const char *path = test_file("blocks");
    make_snapshot(m, path, true);
    struct heap *heap = open_whole(path);
    check_heap_is_model(heap, m);
    heap_destroy(heap);
    model_destroy(m);
}
END_TEST

START_TEST(reads_facts)
{
    struct model *m = model_create(3, 10, 2);
    const char *path = test_file("facts");
    make_snapshot(m, path, false);
    struct heap *heap = open_whole(path);
    ck_assert_str_eq(heap->path, path);
    const struct heap_fact *fact = heap_fact(heap, "pid");
    ck_assert_ptr_nonnull(fact);
    ck_assert_int_eq((int)fact->type, (int)HEAP_FACT_U64);
    ck_assert_uint_eq(fact->u64, 4711);
    fact = heap_fact(heap, "capture_time");
    ck_assert(fact && fact->type == HEAP_FACT_F64 && fact->f64 == 1.5);
    fact = heap_fact(heap, "runtime");
    ck_assert(fact && fact->type == HEAP_FACT_TEXT);
    ck_assert_str_eq(fact->text, "cpython");
    fact = heap_fact(heap, "command");
    ck_assert(fact && fact->type == HEAP_FACT_LIST && fact->length == 6);
    ck_assert_int_eq(memcmp(fact->text, "a\0b c\0", 6), 0);
    ck_assert_ptr_null(heap_fact(heap, "nothing"));
    heap_destroy(heap);
    model_destroy(m);
}
END_TEST

START_TEST(a_later_fact_replaces_an_earlier_one)
{
    static const unsigned char facts[] = "\1\1n\10\0\0\0\1\0\0\0\0\0\0\0"
                                         "\2\1i\10\0\0\0\377\377\377\377\377\377\377\377"
                                         "\143\3new\2\0\0\0xx"
                                         "\1\1n\10\0\0\0\2\0\0\0\0\0\0\0";
    struct encoder e;
    encode_start(&e, 1, 0);
    encode_block(&e, 1, 0, 4, 0);
    encode_stream(&e, 0, facts, sizeof facts - 1);
    encode_block_end(&e);
    encode_finish(&e);
    const char *path = test_file("later");
    write_file(path, e.data, e.size);
    struct heap *heap = open_whole(path);
    ck_assert_uint_eq(heap_fact(heap, "n")->u64, 2);
    ck_assert_int_eq(heap_fact(heap, "i")->i64, -1);
    ck_assert_ptr_null(heap_fact(heap, "new"));
    ck_assert_uint_eq(heap->fact_count, 2);
    ck_assert_uint_eq(heap->object_count, 0);
    heap_destroy(heap);
    encode_free(&e);
}
END_TEST

/* Block kinds, streams and a minor version from the future. */
START_TEST(skips_what_it_does_not_know)
{
    struct model *m = model_create(5, 40, 2);
    struct encoder plain, e;
    encode_model(&plain, m, 1000);
    encode_start(&e, 1, 7);
    for (uint32_t i = 0; plain.kinds[i] != 11; i++) {
        encode_block(&e, (uint16_t)(i % 2 ? 13 : 60000), UINT64_MAX, UINT32_MAX >> 16, UINT64_MAX);
        encode_stream(&e, 3, "unknown", 7);
        encode_block_end(&e);
        const unsigned char *block = plain.data + plain.offsets[i];
        unsigned streams = block[6];
        encode_block(&e, (uint16_t)plain.kinds[i], plain.firsts[i], (uint32_t)plain.items[i], 0);
        memcpy(&e.extra, block + 24, 8);
        size_t at = 16 * streams;
        encode_stream(&e, 40, "from the future", 15);
        for (unsigned s = 0; s < streams; s++) {
            uint16_t id;
            uint32_t size;
            memcpy(&id, block + 48 + 16 * s, 2);
            memcpy(&size, block + 48 + 16 * s + 12, 4);
            /* Compressed here, stored there: the reader must not care. */
            if (s % 2)
                encode_compressed(&e, id, block + 48 + at, size);
            else
                encode_stream(&e, id, block + 48 + at, size);
            at += size;
        }
        encode_block_end(&e);
    }
    encode_finish(&e);
    const char *path = test_file("future");
    write_file(path, e.data, e.size);
    struct heap *heap = open_whole(path);
    check_heap_is_model(heap, m);
    heap_destroy(heap);
    encode_free(&plain);
    encode_free(&e);
    model_destroy(m);
}
END_TEST

static void refuses(const void *data, size_t size, const char *message)
{
    struct error err = {0};
    const char *path = test_file("refused");
    write_file(path, data, size);
    ck_assert_ptr_null(snapshot_open(path, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, message);
    ck_assert_error(&err, ERROR_BAD_INPUT, path);
}

START_TEST(refuses_foreign_files)
{
    static char elf[4096] = "\177ELF";
    struct error err;
    refuses("", 0, "the file is empty");
    refuses(elf, sizeof elf, "not a snapshot");
    refuses("x", 1, "not a snapshot");
    refuses("\x89HELD\r\n\x1a", 8, "cut inside its header");
    ck_assert_ptr_null(snapshot_open(test_file("nowhere"), &err));
    ck_assert_error(&err, ERROR_SYSTEM, "No such file");
    ck_assert_ptr_null(snapshot_open("/tmp", &err));
    ck_assert_error(&err, ERROR_SYSTEM, "directory");
}
END_TEST

START_TEST(refuses_newer_major_versions)
{
    struct encoder e;
    encode_start(&e, 2, 3);
    refuses(e.data, e.size, "snapshot format 2.3 is newer than 1.1");
    encode_free(&e);
    encode_start(&e, 0, 9);
    refuses(e.data, e.size, "0.9 was never in use");
    encode_free(&e);
    encode_start(&e, 1, 0);
    refuses(e.data, e.size, "cut before its first whole block");
    e.data[16] = 4;
    refuses(e.data, e.size, "header is damaged");
    encode_fix_checksums(e.data, e.size);
    refuses(e.data, e.size, "not 64-bit");
    encode_free(&e);
}
END_TEST

START_TEST(probes)
{
    ck_assert(snapshot_probe((const unsigned char *)"\x89HELD\r\n\x1a...", 11));
    ck_assert(!snapshot_probe((const unsigned char *)"\x89HELD\r\n\x1a", 7));
    ck_assert(!snapshot_probe((const unsigned char *)"\177ELF....", 8));
    ck_assert(!snapshot_probe((const unsigned char *)"", 0));
}
END_TEST

START_TEST(asks_for_details_one_by_one)
{
    struct model *m = model_create(11, 70000, 1);
    const char *path = test_file("details");
    make_snapshot(m, path, true);
    struct heap *heap = open_whole(path);
    struct heap_detail detail;
    object_id ids[] = {1, 65536, 65537, 70000, 2, 69999};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        ck_assert(heap_detail(heap, ids[i], &detail));
        ck_assert_uint_eq(detail.size, m->details[ids[i]].size);
        ck_assert_uint_eq(detail.refcount, m->details[ids[i]].refcount);
        ck_assert_uint_eq(detail.flags, m->details[ids[i]].flags);
    }
    ck_assert(!heap_detail(heap, 0, &detail));
    ck_assert(!heap_detail(heap, 70001, &detail));
    struct heap_preview preview;
    ck_assert(heap_check_previews(heap, NULL));
    ck_assert(heap_preview(heap, m->previews[0].id, &preview)); /* loaded when first asked for */
    ck_assert(!heap_previews_failed(heap, NULL));
    heap_destroy(heap);
    model_destroy(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot_reader");
    TCase *tests = tcase_create("snapshot_reader");
    tcase_add_loop_test(tests, reads_what_the_writer_wrote, 0, 2 * (int)(sizeof sizes / sizeof *sizes));
    tcase_add_loop_test(tests, reads_what_the_document_says, 0, 4);
    tcase_add_test(tests, spans_blocks);
    tcase_add_test(tests, reads_facts);
    tcase_add_test(tests, a_later_fact_replaces_an_earlier_one);
    tcase_add_test(tests, skips_what_it_does_not_know);
    tcase_add_test(tests, refuses_foreign_files);
    tcase_add_test(tests, refuses_newer_major_versions);
    tcase_add_test(tests, probes);
    tcase_add_test(tests, asks_for_details_one_by_one);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
