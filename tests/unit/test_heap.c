#include "lib/heap/heap.h"

#include <string.h>

#include "lib/heap/heap_builder.h"
#include "tests/support/support.h"

static struct error err;
static struct heap_builder *b;

static void start(void)
{
    b = heap_builder_create("made.up", &err);
    ck_assert_ok(b != NULL, &err);
}

static string_id text(const char *s)
{
    return heap_builder_string(b, s, strlen(s), &err);
}

static shape_id shape(enum family family, enum shape_tail tail, uint64_t tail_start, uint32_t count,
                      const struct heap_field *fields)
{
    type_id type = heap_builder_type(b, &(struct heap_type){.family = family, .name = text("T")}, NULL, &err);
    return heap_builder_shape(b,
                              &(struct heap_shape){.type = type,
                                                   .tail = (uint8_t)tail,
                                                   .tail_start = tail_start,
                                                   .field_count = count,
                                                   .base_size = 56},
                              fields, &err);
}

static object_id object(shape_id s, size_t count, const object_id *targets)
{
    static uint64_t address = 0x1000;
    object_id id = heap_builder_object(b, address += 16, s, NULL, &err);
    for (size_t i = 0; i < count; i++)
        ck_assert_ok(heap_builder_edge(b, targets[i], &err), &err);
    return id;
}

static struct heap *frozen(void)
{
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(heap != NULL, &err);
    return heap;
}

static struct reference nth(const struct heap *heap, object_id id, uint64_t n)
{
    return heap_reference(heap, id, csr_start(&heap->edges, id) + n);
}

START_TEST(names_fields_and_tails)
{
    start();
    string_id name = text("attr");
    struct heap_field fields[] = {
        {.kind = REFERENCE_ATTRIBUTE, .name = name},
        {.kind = REFERENCE_FIELD, .certainty = CERTAINTY_UNCERTAIN, .number = 0x18},
    };
    object_id targets[] = {1, 2, 3, 4, 5, 6};
    object(shape(FAMILY_LIST, TAIL_INDEX, 10, 2, fields), 4, targets);
    object(shape(FAMILY_DICT, TAIL_PAIRS, 0, 0, NULL), 4, targets);
    object(shape(FAMILY_SET, TAIL_MEMBERS, 0, 0, NULL), 2, targets);
    object(shape(FAMILY_FRAME, TAIL_STACK, 0, 1, fields), 2, targets);
    object(shape(FAMILY_OTHER, TAIL_FIELDS, 0, 0, NULL), 2, targets);
    object(shape(FAMILY_LRU_LINK, TAIL_CACHE, 0, 0, NULL), 2, targets);
    object(shape(FAMILY_OTHER, TAIL_NONE, 0, 1, fields), 2, targets); /* more than the shape has */
    struct heap *heap = frozen();

    struct reference r = nth(heap, 1, 0);
    ck_assert(r.kind == REFERENCE_ATTRIBUTE && r.name == name && r.target == 1 && r.source == 1 &&
              r.edge == 0);
    r = nth(heap, 1, 1);
    ck_assert(r.kind == REFERENCE_FIELD && r.certainty == CERTAINTY_UNCERTAIN && r.number == 0x18 &&
              r.target == 2);
    r = nth(heap, 1, 3);
    ck_assert(r.kind == REFERENCE_INDEX && r.number == 11 && r.target == 4 && r.name == 0);
    r = nth(heap, 2, 2);
    ck_assert(r.kind == REFERENCE_KEY_OBJECT && r.number == 1 && r.target == 3 && r.key == 0);
    r = nth(heap, 2, 3);
    ck_assert(r.kind == REFERENCE_KEY && r.number == 1 && r.target == 4 && r.key == 3);
    r = nth(heap, 3, 1);
    ck_assert(r.kind == REFERENCE_MEMBER && r.number == 1);
    r = nth(heap, 4, 1);
    ck_assert(r.kind == REFERENCE_STACK && r.number == 0 && r.certainty == CERTAINTY_UNCERTAIN);
    r = nth(heap, 5, 1);
    ck_assert(r.kind == REFERENCE_FIELD && r.number == -2 && r.name == 0);
    r = nth(heap, 6, 1);
    ck_assert(r.kind == REFERENCE_CACHE && r.key == 1 && r.target == 2);
    r = nth(heap, 7, 1);
    ck_assert(r.kind == REFERENCE_FIELD && r.target == 2);
    ck_assert_int_eq((int)heap_family(heap, 4), (int)FAMILY_FRAME);
    ck_assert_str_eq(heap_type_name(heap, 4), "T");
    heap_destroy(heap);
}
END_TEST

START_TEST(strings_may_hold_anything)
{
    size_t length;
    start();
    string_id a = heap_builder_string(b, "a\0b", 3, &err), empty = text("");
    struct heap *heap = frozen();
    ck_assert_int_eq(memcmp(heap_string(heap, a, &length), "a\0b", 4), 0);
    ck_assert_uint_eq(length, 3);
    ck_assert_str_eq(heap_string(heap, empty, &length), "");
    ck_assert_uint_eq(length, 0);
    ck_assert_str_eq(heap_string(heap, 0, &length), "");
    ck_assert_str_eq(heap_string(heap, 99, NULL), "");
    heap_destroy(heap);
}
END_TEST

START_TEST(counts_what_containers_hold)
{
    start();
    struct heap_field split[] = {{.kind = REFERENCE_KEY}, {.kind = REFERENCE_KEY}, {.kind = REFERENCE_FIELD}};
    object_id targets[] = {1, 0, 1, 1, 1};
    object_id list = object(shape(FAMILY_LIST, TAIL_INDEX, 0, 0, NULL), 5, targets);
    object_id dict = object(shape(FAMILY_DICT, TAIL_PAIRS, 0, 0, NULL), 4, targets);
    object_id split_dict = object(shape(FAMILY_DICT, TAIL_NONE, 0, 3, split), 3, targets);
    object_id cut = object(shape(FAMILY_DICT, TAIL_NONE, 0, 3, split), 1, targets);
    object_id set = object(shape(FAMILY_SET, TAIL_MEMBERS, 0, 0, NULL), 3, targets);
    object_id empty = object(shape(FAMILY_TUPLE, TAIL_INDEX, 0, 0, NULL), 0, targets);
    object_id other = object(shape(FAMILY_MODULE, TAIL_INDEX, 0, 0, NULL), 2, targets);
    struct heap *heap = frozen();
    ck_assert_int_eq(heap_container_length(heap, list), 5);
    ck_assert_int_eq(heap_container_length(heap, dict), 2);
    ck_assert_int_eq(heap_container_length(heap, split_dict), 1);
    ck_assert_int_eq(heap_container_length(heap, cut), 1);
    ck_assert_int_eq(heap_container_length(heap, set), 3);
    ck_assert_int_eq(heap_container_length(heap, empty), 0);
    ck_assert_int_eq(heap_container_length(heap, other), -1);
    heap_destroy(heap);
}
END_TEST

START_TEST(finds_addresses_with_and_without_index)
{
    enum { COUNT = 5000 };
    start();
    shape_id s = shape(FAMILY_OTHER, TAIL_NONE, 0, 0, NULL);
    for (uint64_t i = 0; i < COUNT; i++)
        heap_builder_object(b, i == 77 ? 16 : (i + 1) * 16 + (i % 3 == 0 ? (i << 40) : 0), s, NULL, &err);
    struct heap *heap = frozen();
    for (int indexed = 0; indexed < 2; indexed++) {
        for (object_id id = 1; id <= COUNT; id += indexed ? 1 : 97) {
            object_id found = heap_find_address(heap, heap->address[id]);
            ck_assert_uint_eq(found, id == 78 ? 1 : id); /* two at one address: the first */
        }
        ck_assert_uint_eq(heap_find_address(heap, 0), 0);
        ck_assert_uint_eq(heap_find_address(heap, 17), 0);
        ck_assert_uint_eq(heap_find_address(heap, UINT64_MAX), 0);
        ck_assert_ok(heap_index_addresses(heap, &err), &err);
    }
    heap_destroy(heap);
}
END_TEST

START_TEST(details_and_previews)
{
    start();
    shape_id s = shape(FAMILY_STR, TAIL_NONE, 0, 0, NULL);
    struct heap_detail detail = {.size = 49, .refcount = 3, .flags = OBJECT_TRACKED};
    struct heap_preview preview;
    ck_assert_uint_eq(heap_builder_object(b, 16, s, &detail, &err), 1);
    for (uint64_t i = 2; i < 10; i++)
        heap_builder_object(b, i * 16, s, NULL, &err);
    /* Out of order, and one twice: the first counts. */
    ck_assert_ok(heap_builder_preview(b, 7, PREVIEW_STR, 100, "seven", 5, &err), &err);
    ck_assert_ok(heap_builder_preview(b, 2, PREVIEW_INT, 8, "42", 2, &err), &err);
    ck_assert_ok(heap_builder_preview(b, 7, PREVIEW_STR, 1, "other", 5, &err), &err);
    ck_assert_ok(heap_builder_preview(b, 9, PREVIEW_STR, 0, NULL, 0, &err), &err);
    ck_assert(!heap_builder_preview(b, 10, PREVIEW_STR, 0, "", 0, &err));
    ck_assert(!heap_builder_preview(b, 0, PREVIEW_STR, 0, "", 0, &err));
    ck_assert(!heap_builder_preview(b, 1, PREVIEW_KINDS, 0, "", 0, &err));
    struct heap *heap = frozen();
    ck_assert_ok(heap_load_previews(heap, &err), &err);
    ck_assert(heap_preview(heap, 7, &preview));
    ck_assert(preview.kind == PREVIEW_STR && preview.full_length == 100 && preview.length == 5);
    ck_assert_int_eq(memcmp(preview.text, "seven", 5), 0);
    ck_assert(heap_preview(heap, 2, &preview) && preview.kind == PREVIEW_INT && preview.length == 2);
    ck_assert(heap_preview(heap, 9, &preview) && preview.length == 0 && preview.text != NULL);
    ck_assert(!heap_preview(heap, 3, &preview));
    ck_assert(!heap_preview(heap, 0, &preview));
    ck_assert(heap_detail(heap, 1, &detail) && detail.size == 49 && detail.refcount == 3 &&
              detail.flags == OBJECT_TRACKED);
    ck_assert(heap_detail(heap, 2, &detail) && detail.size == 56 && detail.refcount == 0);
    ck_assert(!heap_detail(heap, 10, &detail) && detail.size == 0);
    heap_destroy(heap);
}
END_TEST

START_TEST(knows_what_is_immortal)
{
    struct heap_detail flagged = {.refcount = 1, .flags = OBJECT_IMMORTAL}, word = {.refcount = 0xffffffff};
    struct heap_detail mortal = {.refcount = 0x7fffffff}, high = {.refcount = 0x100000001};
    uint64_t versions[] = {0x030b02f0, 0x030c01f0};
    for (size_t i = 0; i < 2; i++) {
        start();
        heap_builder_fact(
            b, &(struct heap_fact){.key = "runtime_hex", .type = HEAP_FACT_U64, .u64 = versions[i]}, &err);
        struct heap *heap = frozen();
        ck_assert(heap_is_immortal(heap, &flagged));
        ck_assert(heap_is_immortal(heap, &word) == (i == 1));
        ck_assert(!heap_is_immortal(heap, &mortal));
        ck_assert(!heap_is_immortal(heap, &high));
        heap_destroy(heap);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("heap");
    TCase *tests = tcase_create("heap");
    tcase_add_test(tests, names_fields_and_tails);
    tcase_add_test(tests, strings_may_hold_anything);
    tcase_add_test(tests, counts_what_containers_hold);
    tcase_add_test(tests, finds_addresses_with_and_without_index);
    tcase_add_test(tests, details_and_previews);
    tcase_add_test(tests, knows_what_is_immortal);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
