#include "lib/heap/heap_verify.h"

#include <stdio.h>
#include <string.h>

#include "lib/heap/heap_builder.h"
#include "tests/support/support.h"

static struct error err;
static char said[4000];

static void listen_to(void *context, const char *part, const char *message)
{
    (void)context;
    size_t used = strlen(said);
    snprintf(said + used, sizeof said - used, "%s: %s\n", part, message);
}

static struct heap *make(void)
{
    struct heap_builder *b = heap_builder_create("made.up", &err);
    struct heap_field field = {.kind = REFERENCE_SLOT};
    heap_builder_string(b, "T", 1, &err);
    heap_builder_type(b, &(struct heap_type){.name = 1, .object = 1, .address = 16}, NULL, &err);
    heap_builder_shape(b, &(struct heap_shape){.type = 1, .field_count = 1}, &field, &err);
    heap_builder_shape(b, &(struct heap_shape){.type = 1, .tail = TAIL_PAIRS}, NULL, &err);
    for (uint64_t i = 1; i <= 4; i++) {
        heap_builder_object(b, i * 16, i == 4 ? 2 : 1, NULL, &err);
        heap_builder_edge(b, (object_id)(i % 4 + 1), &err);
        if (i == 4)
            heap_builder_edge(b, 2, &err);
    }
    heap_builder_root(b, &(struct heap_root){.kind = ROOT_MODULE, .target = 1, .name = 1}, &err);
    struct heap *heap = heap_builder_freeze(b, &err);
    ck_assert_ok(heap != NULL, &err);
    said[0] = '\0';
    return heap;
}

static void check(struct heap *heap, const char *wanted)
{
    uint64_t faults = heap_verify(heap, listen_to, NULL, &err), lines = 0;
    for (const char *p = said; *p; p++)
        lines += *p == '\n';
    ck_assert_uint_eq(faults, lines);
    if (!*wanted)
        ck_assert_str_eq(said, "");
    else
        ck_assert_msg(strstr(said, wanted) != NULL, "wanted \"%s\", said \"%s\"", wanted, said);
    heap_destroy(heap);
}

START_TEST(finds_nothing_wrong_with_a_good_heap)
{
    check(make(), "");
}
END_TEST

START_TEST(sees_what_building_lets_through)
{
    struct heap *heap = make();
    heap->address[3] = 32;
    check(heap, "object 3: lies at 0x20, as object 2 does");
    heap = make();
    heap->address[2] = 0;
    check(heap, "object 2: lies at address 0");
    heap = make();
    heap->types[1].address = 48;
    check(heap, "type 1: lies at 0x30, but its object at 0x10");
    heap = make();
    heap->shape[3] = 2;
    check(heap, "object 3: a key without a value");
    heap = make();
    heap->shape[4] = 1;
    check(heap, "object 4: 2 references for 1 fields");
    heap = make();
    heap->roots[0].kind = ROOT_FRAME;
    check(heap, "root 0: is of a frame, but names none");
}
END_TEST

START_TEST(sees_every_broken_invariant)
{
    struct heap *heap = make();
    heap->edges.item[1] = 5;
    check(heap, "object 2: refers to object 5 of 4");
    heap = make();
    heap->edges.low[3] = 9;
    check(heap, "object 2: references 1 to 9 of 5");
    heap = make();
    heap->shape[1] = 3;
    check(heap, "object 1: shape is 3, not 1 to 2");
    heap = make();
    heap->shapes[2].type = 0;
    check(heap, "shape 2: type is 0, not 1 to 1");
    heap = make();
    heap->types[1].name = 2;
    check(heap, "type 1: name is 2, not 0 to 1");
    heap = make();
    heap->fields[0].kind = REFERENCE_KINDS;
    check(heap, "field 0: kind is 25");
    heap = make();
    heap->roots[0].target = 0;
    check(heap, "root 0: target is 0, not 1 to 4");
    heap = make();
    heap->edges.low[1] = 1;
    check(heap, "object 0: has references");
    heap = make();
    heap->edges.item_count = 6;
    check(heap, "references 6: belong to no object from 5 on");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("heap_verify");
    TCase *tests = tcase_create("heap_verify");
    tcase_add_test(tests, finds_nothing_wrong_with_a_good_heap);
    tcase_add_test(tests, sees_what_building_lets_through);
    tcase_add_test(tests, sees_every_broken_invariant);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
