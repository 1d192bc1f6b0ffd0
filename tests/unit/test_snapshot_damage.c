/* Cut, flipped and hostile snapshots: refused in one line, or recovered and said so; never a crash, never a
 * silent lie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "formats/snapshot/snapshot_layout.h"
#include "formats/snapshot/snapshot_reader.h"
#include "lib/heap/heap_verify.h"
#include "tests/support/encode_snapshot.h"
#include "tests/support/make_snapshot.h"
#include "tests/support/support.h"

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER
#endif
#endif

static struct error err;

static struct heap *open_bytes(const void *data, size_t size)
{
    /* Tens of thousands of them: in memory, because a real file takes ten times as long. */
    static int fd = -1;
    char path[64];
    if (fd < 0)
        fd = memfd_create("damaged", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    must(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    memset(&err, 0, sizeof err);
    struct heap *heap = snapshot_open(path, &err);
    if (!heap)
        ck_assert_msg(err.code == ERROR_BAD_INPUT && err.message[0] && !strchr(err.message, '\n'),
                      "error %d: %s", (int)err.code, err.message);
    return heap;
}

static const char *text_of(const struct model *m, string_id id)
{
    return m->strings[id];
}

static bool is_text(const struct heap *heap, string_id id, const char *wanted)
{
    const char *text = heap_string(heap, id, NULL);
    return strcmp(text, wanted) == 0 || strcmp(text, "<lost>") == 0;
}

/* Whatever is in the heap is in the model; what is missing is counted. */
static void check_is_part(struct heap *heap, const struct model *m)
{
    uint64_t missing = 0;
    must(!heap->complete);
    must(heap->warning_count > 0);
    must(heap->object_count <= m->object_count);
    for (object_id id = 1; id <= heap->object_count; id++) {
        must(heap->address[id] == m->address[id]);
        must(heap->shape[id] == m->shape[id]);
        uint64_t start = csr_start(&heap->edges, id), end = csr_end(&heap->edges, id);
        uint64_t degree = m->start[id + 1] - m->start[id];
        must(end - start <= degree);
        missing += degree - (end - start);
        for (uint64_t i = 0; i < end - start; i++) {
            object_id target = heap->edges.item[start + i], wanted = m->targets[m->start[id] + i];
            must(target == wanted || target == 0);
            missing += target != wanted;
        }
        type_id type = heap_type_of(heap, id);
        must(is_text(heap, heap->types[type].name, text_of(m, m->types[m->shapes[m->shape[id]].type].name)));
        struct heap_detail detail;
        if (heap_detail(heap, id, &detail)) {
            must(detail.size == m->details[id].size);
            must(detail.refcount == m->details[id].refcount);
        }
    }
    must(heap->edges_lost >= missing);
    for (uint32_t i = 0, k = 0; i < heap->root_count; i++) {
        while (k < m->root_count &&
               (m->roots[k].target != heap->roots[i].target || m->roots[k].kind != heap->roots[i].kind))
            k++;
        must(k++ < m->root_count);
    }
    ck_assert_ok(heap_load_previews(heap, &err), &err);
    for (uint32_t i = 0; i < m->preview_count; i++) {
        struct heap_preview preview;
        if (heap_preview(heap, m->previews[i].id, &preview)) {
            must(preview.length == m->previews[i].length);
            must(memcmp(preview.text, m->previews[i].text, preview.length) == 0);
        }
    }
    ck_assert_ok(heap_load_details(heap, &err), &err);
    must(heap_verify(heap, NULL, NULL, &err) != UINT64_MAX);
}

/* A small snapshot of many blocks; odd numbers: by the hook's writer, compressed where it pays. */
static unsigned char *small(struct model *m, int number, size_t *size)
{
    if (number % 2 == 0) {
        struct encoder e;
        encode_model(&e, m, 7);
        unsigned char *data = malloc(e.size);
        ck_assert_ptr_nonnull(data);
        memcpy(data, e.data, e.size);
        *size = e.size;
        encode_free(&e);
        return data;
    }
    const char *path = test_file("small");
    make_snapshot(m, path, true);
    return read_whole_file(path, size);
}

START_TEST(cut_at_every_byte)
{
    struct model *m = model_create(21, 20, 2);
    size_t size;
    unsigned opened = 0;
    unsigned char *data = small(m, _i, &size);
    for (size_t n = 0; n < size; n++) {
        struct heap *heap = open_bytes(data, n);
        if (!heap)
            continue;
        opened++;
        check_is_part(heap, m);
        heap_destroy(heap);
    }
    ck_assert_uint_gt(opened, size / 2);
    struct heap *heap = open_bytes(data, size);
    ck_assert(heap && heap->complete);
    check_heap_is_model(heap, m);
    heap_destroy(heap);
    free(data);
    model_destroy(m);
}
END_TEST

START_TEST(one_bit_flipped_in_every_byte)
{
    struct model *m = model_create(22, 20, 2);
    size_t size;
    unsigned opened = 0;
    unsigned char *data = small(m, _i, &size);
    for (size_t at = 0; at < size; at++) {
        for (unsigned bit = (unsigned)(at % 3); bit < 8; bit += 3) {
            data[at] = (unsigned char)(data[at] ^ 1u << bit);
            struct heap *heap = open_bytes(data, size);
            data[at] = (unsigned char)(data[at] ^ 1u << bit);
            if (!heap)
                continue;
            opened++;
            check_is_part(heap, m);
            heap_destroy(heap);
        }
    }
    ck_assert_uint_gt(opened, size);
    free(data);
    model_destroy(m);
}
END_TEST

/* The same with checksums that match: then anything may come out, but safely. */
START_TEST(one_byte_changed_and_signed)
{
    struct model *m = model_create(23, 20, 2);
    size_t size;
    unsigned char *data = small(m, _i, &size), *copy = malloc(size);
    ck_assert_ptr_nonnull(copy);
    for (size_t at = 64; at < size; at++) {
        static const unsigned char changes[] = {0x01, 0x10, 0x80, 0xff};
        for (size_t k = 0; k < sizeof changes; k++) {
            memcpy(copy, data, size);
            copy[at] ^= changes[k];
            encode_fix_checksums(copy, size);
            struct heap *heap = open_bytes(copy, size);
            if (!heap)
                continue;
            must(heap_verify(heap, NULL, NULL, &err) != UINT64_MAX);
            if (!heap_load_details(heap, &err))
                ck_assert_int_eq((int)err.code, (int)ERROR_BAD_INPUT);
            struct heap_preview preview;
            (void)heap_preview(heap, 1, &preview);
            bool failed = heap_previews_failed(heap, &err);
            if (failed)
                ck_assert_int_eq((int)err.code, (int)ERROR_BAD_INPUT);
            ck_assert_int_eq(failed, !heap_load_previews(heap, &err));
            heap_destroy(heap);
        }
    }
    free(copy);
    free(data);
    model_destroy(m);
}
END_TEST

START_TEST(garbage_after_the_end)
{
    struct model *m = model_create(24, 20, 2);
    size_t size;
    unsigned char *data = small(m, 0, &size);
    data = realloc(data, size + 5);
    memset(data + size, 'x', 5);
    struct heap *heap = open_bytes(data, size + 5);
    ck_assert_ptr_nonnull(heap);
    ck_assert(!heap->complete);
    ck_assert_ptr_nonnull(strstr(heap->warnings[1], "5 bytes follow the end"));
    check_heap_is_model(heap, m);
    heap_destroy(heap);
    free(data);
    model_destroy(m);
}
END_TEST

/* One damaged block of each kind: what depends on it is lost, the rest is there under its own ids. */
START_TEST(one_block_lost)
{
    struct model *m = model_create(25, 60, 2);
    struct encoder e;
    encode_model(&e, m, 16);
    unsigned seen[SNAPSHOT_BLOCK_KINDS] = {0};
    for (uint32_t i = 0; i < e.block_count; i++) {
        unsigned char *byte = e.data + e.offsets[i] + 50;
        *byte ^= 1;
        struct heap *heap = open_bytes(e.data, e.size);
        *byte ^= 1;
        ck_assert_ptr_nonnull(heap);
        check_is_part(heap, m);
        uint64_t kind = e.kinds[i], items = e.items[i], first = e.firsts[i];
        seen[kind]++;
        bool objects_end = kind == SNAPSHOT_OBJECTS || kind == SNAPSHOT_SHAPES;
        if (objects_end) {
            ck_assert_uint_lt(heap->object_count, m->object_count);
            ck_assert_uint_eq(heap->objects_lost, m->object_count - heap->object_count);
            if (kind == SNAPSHOT_OBJECTS)
                ck_assert_uint_eq(heap->object_count, first - 1);
        } else {
            ck_assert_uint_eq(heap->object_count, m->object_count);
            ck_assert_uint_eq(heap->objects_lost, 0);
        }
        if (kind == SNAPSHOT_EDGES) {
            ck_assert_uint_eq(heap->edges_lost, items);
            for (uint64_t k = 0; k < heap->edges.item_count; k++)
                ck_assert_uint_eq(heap->edges.item[k], k - first < items ? 0 : m->targets[k]);
        } else if (!objects_end) {
            ck_assert_uint_eq(heap->edges_lost, 0);
        }
        if (kind == SNAPSHOT_STRINGS) {
            ck_assert_uint_ge(heap->string_count, first); /* a placeholder at least */
            for (uint64_t k = 1; k <= heap->string_count; k++)
                ck_assert_str_eq(heap_string(heap, (string_id)k, NULL),
                                 k - first < items ? "<lost>" : m->strings[k]);
        }
        if (kind == SNAPSHOT_TYPES)
            ck_assert_str_eq(heap_string(heap, heap->types[first].name, NULL), "<lost>");
        ck_assert_uint_eq(heap->root_count, kind == SNAPSHOT_ROOTS ? 0
                                            : objects_end          ? heap->root_count
                                                                   : m->root_count);
        heap_destroy(heap);
    }
    for (unsigned kind = 1; kind < SNAPSHOT_BLOCK_KINDS; kind++)
        ck_assert_uint_gt(seen[kind], 0);
    encode_free(&e);
    model_destroy(m);
}
END_TEST

/* A valid start, to which each hostile block is added. */
static void begin(struct encoder *e)
{
    static const uint64_t one[] = {1}, zero[] = {0};
    encode_start(e, 1, 0);
    encode_block(e, SNAPSHOT_STRINGS, 1, 1, 0);
    encode_column(e, 0, one, 1);
    encode_stream(e, 2, "T", 1);
    encode_block_end(e);
    encode_block(e, SNAPSHOT_TYPES, 1, 1, 0);
    for (uint16_t id = 0; id <= 18; id += 2)
        encode_column(e, id, id == 0 ? one : zero, 1);
    encode_column(e, 20, zero, 0);
    encode_column(e, 22, zero, 0);
    encode_block_end(e);
    encode_block(e, SNAPSHOT_SHAPES, 1, 1, 0);
    for (uint16_t id = 0; id <= 8; id += 2)
        encode_column(e, id, id == 0 || id == 4 ? one : zero, 1);
    for (uint16_t id = 10; id <= 16; id += 2)
        encode_column(e, id, zero, 0);
    encode_block_end(e);
}

/* A block of objects with these addresses' count, shape and degree codes. */
static void objects(struct encoder *e, uint64_t first, uint32_t items, uint64_t shape, uint64_t degree_code)
{
    uint64_t *values = calloc(items + 1, sizeof *values);
    unsigned char *flags = calloc(items + 1, 1);
    ck_assert(values && flags);
    encode_block(e, SNAPSHOT_OBJECTS, first, items, 0);
    for (uint32_t i = 0; i < items; i++)
        values[i] = 16 * (first + i);
    encode_addresses(e, 0, values, items);
    for (uint32_t i = 0; i < items; i++)
        values[i] = shape;
    encode_column(e, 2, values, items);
    memset(values, 0, items * sizeof *values);
    encode_column(e, 4, values, items);
    encode_column(e, 6, values, items);
    encode_stream(e, 8, flags, items);
    for (uint32_t i = 0; i < items; i++)
        values[i] = degree_code;
    encode_column(e, 10, values, items);
    encode_block_end(e);
    free(values);
    free(flags);
}

/* The file opens with a warning that contains `part`, and `count` objects. */
static void opens(struct encoder *e, uint32_t count, const char *part)
{
    encode_finish(e);
    struct heap *heap = open_bytes(e->data, e->size);
    ck_assert_msg(heap != NULL, "%s", err.message);
    ck_assert_uint_eq(heap->object_count, count);
    ck_assert(!heap->complete);
    bool said = false;
    for (uint32_t i = 0; i < heap->warning_count; i++)
        said = said || strstr(heap->warnings[i], part);
    ck_assert_msg(said, "\"%s\" is not in \"%s\"", part, heap->warning_count ? heap->warnings[0] : "nothing");
    ck_assert_uint_ne(heap_verify(heap, NULL, NULL, &err), UINT64_MAX);
    heap_destroy(heap);
    encode_free(e);
}

START_TEST(hostile_objects)
{
    struct encoder e;
    begin(&e);
    objects(&e, 1, 3, 1, 0);
    objects(&e, 4, 2, 2, 0);
    opens(&e, 3, "an object of shape 2, there are 1");
    begin(&e);
    objects(&e, 1, 3, 0, 0);
    opens(&e, 0, "an object of shape 0");
    begin(&e);
    objects(&e, 1, 3, UINT64_MAX, 0);
    opens(&e, 0, "an object of shape 18446744073709551615");
    begin(&e);
    objects(&e, 1, 3, ((uint64_t)1 << 32) + 1, 0);
    opens(&e, 0, "an object of shape 4294967297");
    begin(&e);
    objects(&e, 1, 3, 1, 1); /* -1 references */
    opens(&e, 0, "how many references object 1 has");
    begin(&e);
    objects(&e, 1, 3, 1, UINT64_MAX - 1);
    opens(&e, 0, "how many references object 1 has");
    begin(&e);
    objects(&e, 1, 3, 1, (uint64_t)1 << 40); /* 2^39 each, none of which are there */
    opens(&e, 3, "references, the file gives 0");
    begin(&e);
    objects(&e, 1, 65537, 1, 0);
    opens(&e, 0, "65537 items, 65536 is the most");
    begin(&e);
    objects(&e, 1, 3, 1, 0);
    objects(&e, 3, 3, 1, 0);
    opens(&e, 3, "starts at item 3, not 4");
    begin(&e);
    objects(&e, 1, 3, 1, 0);
    objects(&e, 5, 3, 1, 0);
    opens(&e, 3, "1 items before item 5 are missing");
    begin(&e);
    objects(&e, 1, 3, 1, 0);
    objects(&e, UINT32_MAX - 1, 3, 1, 0);
    opens(&e, 3, "beyond all limits");
    begin(&e);
    objects(&e, 0, 3, 1, 0);
    opens(&e, 0, "starts at item 0, not 1");
}
END_TEST

static void edges(struct encoder *e, uint64_t first, uint32_t items, uint64_t new_id, uint64_t code)
{
    uint64_t *codes = calloc(items + 1, sizeof *codes);
    ck_assert_ptr_nonnull(codes);
    for (uint32_t i = 0; i < items; i++)
        codes[i] = code;
    encode_block(e, SNAPSHOT_EDGES, first, items, new_id);
    encode_column(e, 0, codes, items);
    encode_block_end(e);
    free(codes);
}

START_TEST(hostile_edges)
{
    struct encoder e;
    begin(&e);
    objects(&e, 1, 3, 1, 2);
    edges(&e, 0, 3, 0, 0);
    opens(&e, 3, "the next new object is 0");
    begin(&e);
    objects(&e, 1, 3, 1, 2);
    edges(&e, 0, 3, UINT64_MAX, 0);
    opens(&e, 3, "the next new object is 18446744073709551615");
    begin(&e);
    objects(&e, 1, 3, 1, 2);
    edges(&e, 0, 3, UINT32_MAX, 0);
    opens(&e, 3, "a target that is no object number");
    begin(&e);
    objects(&e, 1, 3, 1, 2);
    edges(&e, 0, 3, 3, 0); /* objects 3, 4, 5 */
    opens(&e, 3, "the file gives 3 of at least 5");
    begin(&e);
    objects(&e, 1, 3, 1, 2);
    edges(&e, 0, 4, 1, 1);
    opens(&e, 3, "the objects have 3 references, the file gives 4");
    begin(&e);
    objects(&e, 1, 3, 1, 2);
    edges(&e, 1, 2, 1, 1);
    opens(&e, 3, "1 items before item 1 are missing");
    begin(&e);
    objects(&e, 1, 3, 1, 2);
    edges(&e, (uint64_t)1 << 60, 2, 1, 1);
    opens(&e, 3, "beyond all limits");
    begin(&e);
    objects(&e, 1, 3, 1, 2);
    edges(&e, (uint64_t)1 << 50, 2, 1, 1);
    opens(&e, 3, "items before item");
    begin(&e);
    objects(&e, 1, 3, 1, 2);
    edges(&e, 0, 300000, 1, 1);
    opens(&e, 3, "300000 items, 262144 is the most");
}
END_TEST

/* Streams that lie about themselves. */
START_TEST(hostile_streams)
{
    static unsigned char zeros[1 << 20], frame[1 << 16];
    struct encoder e;
    encode_start(&e, 1, 0);
    encode_block(&e, 1, 0, 0, 0);
    encode_compressed(&e, 0, zeros, sizeof zeros);
    size_t frame_size = e.streams_size;
    memcpy(frame, e.streams, frame_size);
    encode_free(&e);
    struct lie {
        uint8_t compression;
        uint32_t raw_size;
        size_t stored_size;
        const char *message;
    } lies[] = {
        {1, 16 << 20, frame_size, "is not a zstd frame of 16777216 bytes"},
        {1, 8, frame_size, "is not a zstd frame of 8 bytes"},
        {1, sizeof zeros, frame_size - 1, "zstd: Src size is incorrect"},
        {1, sizeof zeros, 0, "is not a zstd frame"},
        {1, UINT32_MAX, frame_size, "has 4294967295 bytes"},
        {2, 8, 8, "compressed in an unknown way, 2"},
        {0, 9, 8, "has 9 bytes, stored as 8"},
        {0, 0, 0, "0 bytes of lengths for 262144 values"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        begin(&e);
        encode_block(&e, SNAPSHOT_STRINGS, 2, 262144, 0);
        encode_raw(&e, 0, lies[i].compression, lies[i].raw_size, frame, lies[i].stored_size);
        encode_stream(&e, 1, NULL, 0);
        encode_stream(&e, 2, NULL, 0);
        encode_block_end(&e);
        opens(&e, 0, lies[i].message);
    }
    begin(&e);
    encode_block(&e, SNAPSHOT_STRINGS, 2, 1, 0);
    encode_stream(&e, 0, "\1", 1);
    encode_stream(&e, 1, "\7", 1);
    encode_stream(&e, 2, "abc", 3);
    encode_block_end(&e);
    opens(&e, 0, "a text of 7 bytes, 3 left");
    begin(&e);
    encode_block(&e, SNAPSHOT_STRINGS, 2, 1, 0);
    for (unsigned i = 0; i < 33; i++)
        encode_stream(&e, (uint16_t)i, "", 0);
    encode_block_end(&e);
    opens(&e, 0, "33 streams");
    begin(&e);
    encode_block(&e, SNAPSHOT_STRINGS, 2, 1, 0);
    encode_stream(&e, 0, "", 0);
    encode_stream(&e, 0, "", 0);
    encode_block_end(&e);
    opens(&e, 0, "stream 0 comes twice");
    begin(&e);
    encode_block(&e, SNAPSHOT_STRINGS, 2, 1, 0);
    encode_block_end(&e);
    opens(&e, 0, "stream 0 is missing");
    begin(&e);
    encode_block(&e, SNAPSHOT_FACTS, 0, UINT16_MAX, 0);
    encode_stream(&e, 0, "\1\1n\377\377\377\377", 7);
    encode_block_end(&e);
    opens(&e, 0, "truncated value: 4294967295 bytes wanted, 0 left");
}
END_TEST

/* Few bytes that promise much; memory must follow what there is, not what is promised. */
START_TEST(hostile_counts)
{
#ifndef ADDRESS_SANITIZER /* reserves terabytes of address space */
    struct rlimit limit = {1 << 30, 1 << 30};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
#endif
    static const uint64_t many[] = {UINT32_MAX};
    struct encoder e;
    begin(&e);
    encode_block(&e, SNAPSHOT_STRINGS, 2, UINT32_MAX, 0);
    encode_block_end(&e);
    opens(&e, 0, "4294967295 items, 262144 is the most");
    begin(&e);
    encode_block(&e, SNAPSHOT_SHAPES, 2, 1, 0);
    for (uint16_t id = 0; id <= 16; id += 2)
        encode_column(&e, id, many, 1);
    encode_block_end(&e);
    opens(&e, 0, "more than 262144 items in all");
    begin(&e);
    encode_block(&e, SNAPSHOT_TYPES, 2, 1, 0);
    for (uint16_t id = 0; id <= 22; id += 2)
        encode_column(&e, id, many, 1);
    encode_block_end(&e);
    opens(&e, 0, "more than 262144 items in all");
    begin(&e);
    encode_block(&e, SNAPSHOT_OBJECTS, 1, 65536, 0);
    encode_block_end(&e);
    opens(&e, 0, "stream 0 is missing");
    /* A damaged block before 2^31 strings: the gap is greater than the block can have held. */
    begin(&e);
    size_t start = e.size;
    encode_block(&e, SNAPSHOT_STRINGS, 2, 1, 0);
    encode_block_end(&e);
    e.data[start + 40] ^= 1;
    encode_block(&e, SNAPSHOT_STRINGS, (uint64_t)1 << 31, 1, 0);
    encode_column(&e, 0, many + 1, 0);
    encode_block_end(&e);
    opens(&e, 0, "items before item 2147483648 are missing");
}
END_TEST

START_TEST(tables_that_refer_to_nothing)
{
    static const uint64_t nine[] = {9}, none = 0;
    struct encoder e;
    begin(&e);
    encode_block(&e, SNAPSHOT_THREADS, 1, 1, 0);
    for (uint16_t id = 0; id <= 8; id += 2)
        encode_column(&e, id, nine, 1);
    encode_block_end(&e);
    opens(&e, 0, "string 9 is not in the file");
    begin(&e);
    encode_block(&e, SNAPSHOT_ROOTS, 0, 1, 0);
    for (uint16_t id = 0; id <= 14; id += 2)
        encode_column(&e, id, nine, 1);
    encode_block_end(&e);
    opens(&e, 0, "string 9 is not in the file");
    begin(&e);
    encode_block(&e, SNAPSHOT_ROOTS, 0, 1, 0);
    for (uint16_t id = 0; id <= 14; id += 2)
        encode_column(&e, id, id == 6 ? nine + 1 : nine, id == 6 ? 0 : 1);
    encode_block_end(&e);
    opens(&e, 0, "column 6");
    begin(&e);
    encode_block(&e, SNAPSHOT_ROOTS, 0, 1, 0);
    for (uint16_t id = 0; id <= 14; id += 2)
        encode_column(&e, id, id == 6 ? &none : nine, 1);
    encode_block_end(&e);
    opens(&e, 0, "object 9 is not in the file");
    begin(&e);
    encode_block(&e, SNAPSHOT_SHAPES, 2, 1, 0);
    for (uint16_t id = 0; id <= 8; id += 2)
        encode_column(&e, id, id == 8 ? nine + 1 : nine, id == 8 ? 0 : 1);
    encode_block_end(&e);
    opens(&e, 0, "column 8");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot_damage");
    TCase *tests = tcase_create("snapshot_damage");
    tcase_add_loop_test(tests, cut_at_every_byte, 0, 2);
    tcase_add_loop_test(tests, one_bit_flipped_in_every_byte, 0, 2);
    tcase_add_loop_test(tests, one_byte_changed_and_signed, 0, 2);
    tcase_add_test(tests, garbage_after_the_end);
    tcase_add_test(tests, one_block_lost);
    tcase_add_test(tests, hostile_objects);
    tcase_add_test(tests, hostile_edges);
    tcase_add_test(tests, hostile_streams);
    tcase_add_test(tests, hostile_counts);
    tcase_add_test(tests, tables_that_refer_to_nothing);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
