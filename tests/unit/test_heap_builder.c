#include "lib/heap/heap_builder.h"

#include <string.h>

#include "lib/heap/heap_verify.h"
#include "tests/support/support.h"

static struct error err;

static struct heap_builder *new_builder(void)
{
    struct heap_builder *b = heap_builder_create("made.up", &err);
    ck_assert_ok(b != NULL, &err);
    return b;
}

/* One type, one shape with a field and an open tail. */
static shape_id add_shape(struct heap_builder *b)
{
    struct heap_field field = {.kind = REFERENCE_ATTRIBUTE};
    type_id type = heap_builder_type(b, &(struct heap_type){0}, NULL, &err);
    shape_id shape = heap_builder_shape(
        b, &(struct heap_shape){.type = type, .field_count = 1, .tail = TAIL_INDEX}, &field, &err);
    ck_assert_uint_ne(shape, 0);
    return shape;
}

START_TEST(an_empty_heap_is_a_heap)
{
    struct heap *heap = heap_builder_freeze(new_builder(), &err);
    ck_assert_ok(heap != NULL, &err);
    ck_assert_uint_eq(heap->object_count, 0);
    ck_assert(heap->complete);
    ck_assert_uint_eq(heap_verify(heap, NULL, NULL, &err), 0);
    ck_assert_uint_eq(heap_find_address(heap, 0x10), 0);
    ck_assert_ok(heap_load_details(heap, &err), &err);
    ck_assert_ok(heap_load_previews(heap, &err), &err);
    heap_destroy(heap);
    heap_destroy(NULL);
    heap_builder_destroy(NULL);
    heap_builder_destroy(new_builder());
}
END_TEST

/* More objects than one group of 65,536 rows, with edges across the border. */
START_TEST(objects_one_by_one)
{
    enum { COUNT = 140000 };
    struct heap_builder *b = new_builder();
    shape_id shape = add_shape(b);
    for (object_id id = 1; id <= COUNT; id++) {
        ck_assert_uint_eq(heap_builder_object(b, id * 16, shape, NULL, &err), id);
        for (object_id k = 0; k < id % 4; k++)
            heap_builder_edge(b, (id * 7 + k) % (COUNT + 1), &err);
    }
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(heap != NULL, &err);
    uint64_t edge = 0;
    for (object_id id = 1; id <= COUNT; id++) {
        if (csr_start(&heap->edges, id) != edge || csr_end(&heap->edges, id) != edge + id % 4)
            ck_abort_msg("references of object %u", id);
        for (object_id k = 0; k < id % 4; k++, edge++) {
            if (heap->edges.item[edge] != (id * 7 + k) % (COUNT + 1))
                ck_abort_msg("reference %u of object %u", k, id);
        }
    }
    ck_assert_uint_eq(heap->edges.item_count, edge);
    ck_assert_uint_eq(heap_verify(heap, NULL, NULL, &err), 0);
    heap_destroy(heap);
}
END_TEST

START_TEST(whole_columns)
{
    struct heap_builder *b = new_builder();
    shape_id shape = add_shape(b);
    struct heap_columns c;
    ck_assert_ok(heap_builder_columns(b, 3, 10, &c, &err), &err);
    for (object_id id = 1; id <= 3; id++) {
        c.address[id] = id * 8;
        c.shape[id] = shape;
        c.edges.low[id] = id - 1;
    }
    c.edges.item[0] = 2;
    c.edges.item[1] = 1;
    c.edges.base[0] = 0;
    ck_assert(!heap_builder_columns(b, 4, 10, &c, &err));
    ck_assert(!heap_builder_columns(b, 3, 11, &c, &err));
    ck_assert_ok(heap_builder_columns(b, 2, 2, &c, &err), &err); /* less than promised */
    c.edges.low[3] = 2;
    ck_assert_uint_eq(heap_builder_object(b, 99, shape, NULL, &err), 0);
    ck_assert(!heap_builder_edge(b, 1, &err));
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(heap != NULL, &err);
    ck_assert_uint_eq(heap->object_count, 2);
    ck_assert_uint_eq(heap->edges.item_count, 2);
    ck_assert(!heap_load_details(heap, &err));
    ck_assert_error(&err, ERROR_NOT_FOUND, "not in this input");
    heap_destroy(heap);
}
END_TEST

START_TEST(drops_and_counts_what_leads_nowhere)
{
    struct heap_builder *b = new_builder();
    shape_id shape = add_shape(b);
    heap_builder_object(b, 16, shape, NULL, &err);
    heap_builder_edge(b, 1, &err);
    heap_builder_edge(b, 2, &err);
    heap_builder_edge(b, 0, &err);
    heap_builder_root(b, &(struct heap_root){.kind = ROOT_STATIC, .target = 7}, &err);
    heap_builder_root(b, &(struct heap_root){.kind = ROOT_MODULE, .target = 1}, &err);
    heap_builder_lost(b, 5, 6);
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(heap != NULL, &err);
    ck_assert(!heap->complete);
    ck_assert_uint_eq(heap->objects_lost, 5);
    ck_assert_uint_eq(heap->edges_lost, 7);
    ck_assert_uint_eq(heap->edges.item[0], 1);
    ck_assert_uint_eq(heap->edges.item[1], 0);
    ck_assert_uint_eq(heap->root_count, 1);
    ck_assert_uint_eq(heap->roots[0].kind, ROOT_MODULE);
    ck_assert_uint_eq(heap->warning_count, 1);
    ck_assert_str_eq(heap->warnings[0], "incomplete: at least 5 objects, 7 references and 1 roots are lost; "
                                        "answers are lower bounds");
    heap_destroy(heap);
}
END_TEST

static void refuses(struct heap_builder *b, const char *message)
{
    ck_assert_ptr_null(heap_builder_freeze(b, &err));
    ck_assert_error(&err, ERROR_BAD_INPUT, message);
}

START_TEST(refuses_ids_out_of_range)
{
    struct heap_builder *b = new_builder();
    heap_builder_type(b, &(struct heap_type){.name = 1}, NULL, &err);
    refuses(b, "type 1: no string of number 1");
    b = new_builder();
    heap_builder_type(b, &(struct heap_type){.base = 2}, NULL, &err);
    refuses(b, "type 1: no base type of number 2");
    b = new_builder();
    heap_builder_type(b, &(struct heap_type){.family = FAMILIES}, NULL, &err);
    refuses(b, "type 1: unknown family");
    b = new_builder();
    heap_builder_type(b, &(struct heap_type){.member_count = 1}, &(struct heap_member){.name = 3}, &err);
    refuses(b, "member 0: no string of number 3");
    b = new_builder();
    heap_builder_shape(b, &(struct heap_shape){.type = 1}, NULL, &err);
    refuses(b, "shape 1: no type of number 1");
    b = new_builder();
    heap_builder_type(b, &(struct heap_type){0}, NULL, &err);
    heap_builder_shape(b, &(struct heap_shape){.type = 1, .tail = TAIL_KINDS}, NULL, &err);
    refuses(b, "shape 1: unknown tail");
    b = new_builder();
    heap_builder_type(b, &(struct heap_type){0}, NULL, &err);
    heap_builder_shape(b, &(struct heap_shape){.type = 1, .field_count = 1}, &(struct heap_field){0}, &err);
    refuses(b, "field 0: unknown kind 0");
    b = new_builder();
    heap_builder_thread(b, &(struct heap_thread){.name = 1}, &err);
    refuses(b, "thread 1: no string");
    b = new_builder();
    heap_builder_frame(b, &(struct heap_frame){.thread = 1}, &err);
    refuses(b, "frame 1: no thread of number 1");
    b = new_builder();
    heap_builder_root(b, &(struct heap_root){.kind = ROOT_KINDS}, &err);
    refuses(b, "root 0: unknown kind");
    b = new_builder();
    heap_builder_root(b, &(struct heap_root){.kind = ROOT_FRAME, .frame = 1}, &err);
    refuses(b, "root 0: no frame of number 1");
    b = new_builder();
    heap_builder_object(b, 16, 1, NULL, &err);
    refuses(b, "object 1: no shape of number 1");
}
END_TEST

START_TEST(refuses_types_that_are_their_own_base)
{
    struct heap_builder *b = new_builder();
    heap_builder_type(b, &(struct heap_type){.base = 1}, NULL, &err);
    refuses(b, "is its own base");
    b = new_builder();
    heap_builder_type(b, &(struct heap_type){.base = 0}, NULL, &err);
    heap_builder_type(b, &(struct heap_type){.base = 4}, NULL, &err);
    heap_builder_type(b, &(struct heap_type){.base = 2}, NULL, &err);
    heap_builder_type(b, &(struct heap_type){.base = 3}, NULL, &err);
    refuses(b, "is its own base");
    b = new_builder();
    heap_builder_type(b, &(struct heap_type){.base = 0}, NULL, &err);
    heap_builder_type(b, &(struct heap_type){.base = 3}, NULL, &err);
    heap_builder_type(b, &(struct heap_type){.base = 1}, NULL, &err);
    heap_builder_type(b, &(struct heap_type){.base = 3}, NULL, &err);
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(heap != NULL, &err);
    heap_destroy(heap);
}
END_TEST

START_TEST(refuses_positions_that_fall)
{
    for (int wrong = 0; wrong < 4; wrong++) {
        struct heap_builder *b = new_builder();
        shape_id shape = add_shape(b);
        struct heap_columns c;
        ck_assert_ok(heap_builder_columns(b, 2, 3, &c, &err), &err);
        uint32_t low[][4] = {{0, 0, 4, 3}, {0, 2, 3, 3}, {0, 0, 2, 2}, {0, 0, 2, 1}};
        memcpy(c.edges.low, low[wrong], sizeof low[wrong]);
        memset(c.edges.item, 0, 3 * sizeof(uint32_t));
        c.shape[1] = c.shape[2] = shape;
        refuses(b, "references");
    }
}
END_TEST

START_TEST(facts_are_copied_and_replaced)
{
    char text[] = "text", key[] = "key";
    struct heap_builder *b = new_builder();
    struct heap_fact fact = {.key = key, .type = HEAP_FACT_TEXT, .text = text, .length = 4};
    ck_assert_ok(heap_builder_fact(b, &fact, &err), &err);
    memset(text, 'x', 4);
    memset(key, 'x', 3);
    ck_assert_str_eq(heap_builder_find_fact(b, "key")->text, "text");
    ck_assert_ok(
        heap_builder_fact(b, &(struct heap_fact){.key = "key", .type = HEAP_FACT_U64, .u64 = 5}, &err), &err);
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_uint_eq(heap->fact_count, 1);
    ck_assert_uint_eq(heap_fact(heap, "key")->u64, 5);
    heap_destroy(heap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("heap_builder");
    TCase *tests = tcase_create("heap_builder");
    tcase_add_test(tests, an_empty_heap_is_a_heap);
    tcase_add_test(tests, objects_one_by_one);
    tcase_add_test(tests, whole_columns);
    tcase_add_test(tests, drops_and_counts_what_leads_nowhere);
    tcase_add_test(tests, refuses_ids_out_of_range);
    tcase_add_test(tests, refuses_types_that_are_their_own_base);
    tcase_add_test(tests, refuses_positions_that_fall);
    tcase_add_test(tests, facts_are_copied_and_replaced);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
