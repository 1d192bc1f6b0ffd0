/* Words left on an expression stack, told from references by the refcount. */
#include "lib/query/show.h"
#include "lib/query/view.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

/* An object in a list and on a stack, with this refcount; is the place on the stack stale? */
static bool stale(uint64_t refcount, uint8_t flags, bool certain_local, size_t *shown_roots)
{
    struct kit *k = kit_create();
    object_id object = kit_builtin(k, FAMILY_SET), list = kit_builtin(k, FAMILY_LIST);
    kit_detail(k, object, 100, refcount, flags);
    kit_item(k, list, object);
    uint32_t frame = kit_frame(k, kit_thread(k, "MainThread", 1), "app", "main", 0, 0);
    if (certain_local)
        kit_local(k, frame, "x", object);
    else
        kit_stack(k, frame, 3, object);
    struct heap *heap = kit_finish(k);
    struct error err;
    struct view *view = view_create(heap, &err);
    ck_assert_ok(view, &err);
    bool answer = view_root_is_stale(view, 0);
    struct shown shown;
    ck_assert_ok(show_object(&shown, view, object, 0, &err), &err);
    *shown_roots = shown.root_count;
    show_free(&shown);
    view_destroy(view);
    heap_destroy(heap);
    return answer;
}

START_TEST(refcount_decides)
{
    size_t roots;
    ck_assert(stale(1, 0, false, &roots)); /* the list's reference is all there is */
    ck_assert_uint_eq(roots, 0);
    ck_assert(!stale(2, 0, false, &roots)); /* one more: it may be the stack's */
    ck_assert_uint_eq(roots, 1);
    ck_assert(!stale(1, OBJECT_IMMORTAL, false, &roots)); /* its refcount says nothing */
    ck_assert_uint_eq(roots, 1);
    ck_assert(!stale(2, 0, true, &roots)); /* a local is certain */
    ck_assert_uint_eq(roots, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stale_roots");
    TCase *tests = tcase_create("stale");
    tcase_add_test(tests, refcount_decides);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
