#include "formats/snapshot/snapshot_copy.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "formats/snapshot/snapshot_reader.h"
#include "tests/support/encode_snapshot.h"
#include "tests/support/make_snapshot.h"
#include "tests/support/support.h"

static struct error err;

static bool copy(const char *from, const char *to, struct snapshot_copy_options options)
{
    err = (struct error){0};
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    options.fd = fd;
    bool done = snapshot_copy(from, &options, &err);
    close(fd);
    return done;
}

static struct heap *read_back(const char *path)
{
    struct heap *heap = snapshot_open(path, &err);
    ck_assert_ok(heap != NULL, &err);
    return heap;
}

/* Stored and compressed ones, of both writers, with blocks large and small; copied twice. */
START_TEST(a_copy_is_the_same_heap)
{
    struct model *m = model_create(7, _i == 0 ? 60 : 90000, 3);
    const char *from = test_file("from"), *to = test_file("to"), *again = test_file("again");
    for (int way = 0; way < 4; way++) {
        if (way < 2) {
            make_snapshot(m, from, way);
        } else {
            struct encoder e;
            encode_model(&e, m, way == 2 ? 1000 : 65536);
            write_file(from, e.data, e.size);
            encode_free(&e);
        }
        const struct snapshot_zstd *zstd = way % 2 ? &make_snapshot_zstd : NULL;
        ck_assert_ok(copy(from, to, (struct snapshot_copy_options){.zstd = zstd}), &err);
        ck_assert_ok(copy(to, again, (struct snapshot_copy_options){.zstd = &make_snapshot_zstd}), &err);
        for (int i = 0; i < 2; i++) {
            struct heap *heap = read_back(i ? again : to);
            ck_assert(heap->complete);
            ck_assert_uint_eq(heap->warning_count, 0);
            check_heap_is_model(heap, m);
            heap_destroy(heap);
        }
    }
    model_destroy(m);
}
END_TEST

START_TEST(compression_makes_it_smaller)
{
    struct model *m = model_create(8, 50000, 2);
    const char *from = test_file("from"), *to = test_file("to");
    make_snapshot(m, from, false);
    ck_assert_ok(copy(from, to, (struct snapshot_copy_options){.zstd = &make_snapshot_zstd}), &err);
    size_t before, after;
    free(read_whole_file(from, &before));
    free(read_whole_file(to, &after));
    ck_assert_uint_lt(after, before * 9 / 10);
    model_destroy(m);
}
END_TEST

/* A block of a kind that nobody knows yet comes through as it is. */
START_TEST(unknown_blocks_stay)
{
    static const char text[] =
        "something of a later version, long enough to be compressed, compressed, compressed";
    const char *from = test_file("from"), *to = test_file("to");
    struct encoder e;
    encode_start(&e, 1, 7);
    encode_block(&e, 77, 5, 3, 99);
    encode_stream(&e, 31, text, sizeof text);
    encode_block_end(&e);
    encode_finish(&e);
    write_file(from, e.data, e.size);
    encode_free(&e);
    ck_assert_ok(copy(from, to, (struct snapshot_copy_options){.zstd = &make_snapshot_zstd}), &err);
    struct snapshot_file file;
    ck_assert_ok(snapshot_file_open(&file, to, (struct snapshot_faults){0}, &err), &err);
    ck_assert_uint_eq(file.header.minor, 7);
    ck_assert_uint_eq(file.entry_count, 1);
    const struct snapshot_entry *entry = &file.entries[0];
    ck_assert_uint_eq(entry->kind, 77);
    ck_assert_uint_eq(entry->items, 3);
    ck_assert_uint_eq(entry->first, 5);
    ck_assert_uint_eq(entry->extra, 99);
    const uint8_t *data;
    size_t size;
    ck_assert_ok(snapshot_file_read(&file, entry, &err), &err);
    ck_assert_ok(snapshot_file_stream(&file, 31, &data, &size, &err), &err);
    ck_assert_uint_eq(size, sizeof text);
    ck_assert_int_eq(memcmp(data, text, size), 0);
    snapshot_file_close(&file);
}
END_TEST

static bool even_object(void *context, uint64_t object, unsigned kind, const uint8_t *text, uint64_t length)
{
    (void)context, (void)kind, (void)text, (void)length;
    return object % 2 == 0;
}

static bool third_string(void *context, uint64_t string, const uint8_t *text, uint64_t length)
{
    (void)context, (void)text, (void)length;
    return string % 3 == 0;
}

START_TEST(what_does_not_stay_is_gone)
{
    struct model *m = model_create(10, 3000, 2);
    const char *from = test_file("from"), *to = test_file("to");
    make_snapshot(m, from, true);
    struct snapshot_copy_options options = {
        .zstd = &make_snapshot_zstd, .keep_preview = even_object, .keep_string = third_string};
    ck_assert_ok(copy(from, to, options), &err);
    struct heap *heap = read_back(to);
    ck_assert(heap->complete);
    ck_assert_uint_eq(heap->object_count, m->object_count);
    ck_assert_ok(heap_load_previews(heap, &err), &err);
    size_t kept = 0;
    for (uint32_t i = 0; i < m->preview_count; i++) {
        const struct model_preview *p = &m->previews[i];
        struct heap_preview preview;
        bool has = heap_preview(heap, p->id, &preview);
        ck_assert_int_eq(has, p->id % 2 == 0);
        if (!has)
            continue;
        kept++;
        ck_assert_uint_eq(preview.kind, p->kind);
        ck_assert_uint_eq(preview.full_length, p->full_length);
        ck_assert_uint_eq(preview.length, p->length);
        ck_assert_int_eq(memcmp(preview.text, p->text, p->length), 0);
    }
    ck_assert_uint_gt(kept, 10);
    struct heap *before = read_back(from);
    ck_assert_uint_eq(heap->string_count, before->string_count);
    for (string_id id = 1; id <= before->string_count; id++)
        ck_assert_str_eq(heap_string(heap, id, NULL), id % 3 == 0 ? heap_string(before, id, NULL) : "");
    heap_destroy(before);
    const struct heap_fact *values = heap_fact(heap, "values");
    ck_assert(values && values->type == HEAP_FACT_U64 && values->u64 == 0);
    heap_destroy(heap);
    model_destroy(m);
}
END_TEST

/* A copy of a damaged file has no faults of its own, but says that it is not complete. */
START_TEST(damage_is_not_copied_away)
{
    struct model *m = model_create(11, 2000, 2);
    const char *from = test_file("from"), *to = test_file("to");
    struct encoder e;
    encode_model(&e, m, 100);
    for (int way = 0; way < 2; way++) {
        size_t size = way ? e.size : e.size / 2;
        if (way)
            e.data[e.size / 2] ^= 1;
        write_file(from, e.data, size);
        ck_assert_ok(copy(from, to, (struct snapshot_copy_options){.zstd = &make_snapshot_zstd}), &err);
        struct heap *heap = read_back(to);
        ck_assert(!heap->complete);
        ck_assert_uint_gt(heap->warning_count, 0);
        bool said = false;
        for (uint32_t i = 0; i < heap->warning_count; i++)
            said = said || strstr(heap->warnings[i], "copied from a damaged file");
        ck_assert(said);
        heap_destroy(heap);
    }
    encode_free(&e);
    model_destroy(m);
}
END_TEST

START_TEST(what_cannot_be_copied_is_an_error)
{
    const char *from = test_file("from"), *to = test_file("to");
    write_file(from, "no snapshot", 11);
    ck_assert(!copy(from, to, (struct snapshot_copy_options){0}));
    ck_assert_error(&err, ERROR_BAD_INPUT, "not a snapshot");
    ck_assert(!copy(test_file("missing"), to, (struct snapshot_copy_options){0}));
    ck_assert_error(&err, ERROR_SYSTEM, "missing");
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    struct model *m = model_create(12, 20000, 2);
    const char *from = test_file("from"), *to = test_file("to");
    make_snapshot(m, from, false);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    for (rlim_t limit = 0; limit < 60000; limit = limit * 2 + 40) {
        small = (struct rlimit){limit, old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        bool done = copy(from, to, (struct snapshot_copy_options){0});
        setrlimit(RLIMIT_FSIZE, &old);
        ck_assert(!done);
        ck_assert_error(&err, ERROR_SYSTEM, "cannot write the snapshot");
    }
    model_destroy(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot_copy");
    TCase *tests = tcase_create("copy");
    tcase_add_loop_test(tests, a_copy_is_the_same_heap, 0, 2);
    tcase_add_test(tests, compression_makes_it_smaller);
    tcase_add_test(tests, unknown_blocks_stay);
    tcase_add_test(tests, what_does_not_stay_is_gone);
    tcase_add_test(tests, damage_is_not_copied_away);
    tcase_add_test(tests, what_cannot_be_copied_is_an_error);
    tcase_add_test(tests, a_full_disk_is_an_error);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
