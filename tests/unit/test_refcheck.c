#include "lib/query/refcheck.h"

#include <string.h>

#include "lib/graph/found_references.h"
#include "lib/query/show.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

static struct error err;
static struct heap *heap;
static struct view *view;
static struct kit *kit;
static object_id app, place;

static void setup(void)
{
    kit = kit_create();
    app = kit_module(kit, "app");
    place = kit_builtin(kit, FAMILY_LIST);
    kit_global(kit, app, "PLACE", place);
    kit_detail(kit, place, 56, 1, OBJECT_TRACKED);
    heap = NULL;
    view = NULL;
}

static void teardown(void)
{
    view_destroy(view);
    heap_destroy(heap);
}

static void finish(void)
{
    heap = kit_finish(kit);
    view = view_create(heap, &err);
    ck_assert_ok(view, &err);
}

/* An object in PLACE with `more` references than that. */
static object_id placed(object_id id, uint64_t more)
{
    kit_item(kit, place, id);
    kit_detail(kit, id, 32, 1 + more, OBJECT_TRACKED);
    return id;
}

static uint32_t found_of(object_id id)
{
    struct found_references found;
    ck_assert_ok(found_references_create(&found, heap, &err), &err);
    uint32_t count = found.count[id];
    found_references_free(&found);
    return count;
}

static struct refcheck checked(const char *type, bool all)
{
    struct refcheck refcheck;
    struct refcheck_options options = {.type = type, .all = all};
    ck_assert_ok(refcheck_create(&refcheck, view, &options, &err), &err);
    return refcheck;
}

static const struct refcheck_row *row_of(const struct refcheck *refcheck, object_id id)
{
    for (size_t i = 0; i < refcheck->row_count; i++)
        if (refcheck->rows[i].id == id)
            return &refcheck->rows[i];
    return NULL;
}

static enum noise noise_of(object_id id)
{
    struct refcheck refcheck = checked(NULL, true);
    const struct refcheck_row *row = row_of(&refcheck, id);
    ck_assert_ptr_nonnull(row);
    enum noise noise = row->noise;
    refcheck_free(&refcheck);
    return noise;
}

START_TEST(what_counts)
{
    type_id type = kit_type(kit, "app.Thing", "app", FAMILY_OTHER);
    object_id thing = kit_object(kit, type), weak = kit_builtin(kit, FAMILY_WEAKREF),
              link_type = kit_type(kit, "functools._lru_list_elem", "functools", FAMILY_LRU_LINK),
              link = kit_object(kit, link_type);
    uint32_t thread = kit_thread(kit, "MainThread", 7), frame = kit_frame(kit, thread, "app", "run", 0, 0);
    kit_item(kit, place, thing);
    kit_item(kit, place, thing);
    kit_field(kit, weak, REFERENCE_WEAK, NULL, thing);
    kit_local(kit, frame, "x", thing);
    kit_root(kit, ROOT_THREAD, 0, "context", thing);
    kit_root(kit, ROOT_INTERPRETER, 0, "builtins", thing);
    kit_root(kit, ROOT_MODULE, 0, "thing", thing);
    finish();
    ck_assert_uint_eq(found_of(thing), 5); /* twice in the list, a local, a thread, the interpreter */
    ck_assert_uint_eq(found_of(link), 1);  /* the ring */
    ck_assert_uint_eq(found_of(weak), 0);
}
END_TEST

START_TEST(weak_beside_strong)
{
    type_id type = kit_type(kit, "app.Ref", "app", FAMILY_WEAKREF);
    object_id both = kit_object(kit, type), target = kit_builtin(kit, FAMILY_LIST);
    kit_field(kit, both, REFERENCE_WEAK, "<weak>", target);
    kit_field(kit, both, REFERENCE_ATTRIBUTE, "strong", target);
    finish();
    ck_assert_uint_eq(found_of(target), 1);
}
END_TEST

/* Before 3.11: a running frame's object names what the thread's roots name; a suspended one holds it. */
START_TEST(frames)
{
    object_id mine = kit_builtin(kit, FAMILY_LIST), its = kit_builtin(kit, FAMILY_LIST),
              running = kit_builtin(kit, FAMILY_FRAME), ended = kit_builtin(kit, FAMILY_FRAME);
    uint32_t thread = kit_thread(kit, "MainThread", 7), frame = kit_frame(kit, thread, "app", "run", 0, 0);
    kit_local(kit, frame, "mine", mine);
    kit_field(kit, running, REFERENCE_LOCAL, "mine", mine);
    kit_field(kit, ended, REFERENCE_LOCAL, "its", its);
    kit_detail(kit, running, 400, 1, 0);
    kit_detail(kit, ended, 400, 1, OBJECT_TRACKED);
    finish();
    ck_assert_uint_eq(found_of(mine), 1);
    ck_assert_uint_eq(found_of(its), 1);
    ck_assert_uint_eq(found_of(running), 1); /* by the thread */
    ck_assert_uint_eq(found_of(ended), 0);
}
END_TEST

/* The caller's stack holds an argument while the call goes on; what was there before does not count. */
START_TEST(arguments)
{
    object_id passed = kit_builtin(kit, FAMILY_LIST), left = kit_builtin(kit, FAMILY_LIST);
    uint32_t thread = kit_thread(kit, "MainThread", 7), callee = kit_frame(kit, thread, "app", "inner", 0, 0),
             caller = kit_frame(kit, thread, "app", "outer", 1, 0);
    kit_local(kit, callee, "argument", passed);
    kit_stack(kit, caller, 1, passed);
    kit_stack(kit, caller, 2, left);
    finish();
    ck_assert_uint_eq(found_of(passed), 2);
    ck_assert_uint_eq(found_of(left), 0);
}
END_TEST

START_TEST(rows)
{
    type_id type = kit_type(kit, "app.Thing", "app", FAMILY_OTHER);
    object_id one = placed(kit_object(kit, type), 1), three = placed(kit_object(kit, type), 3),
              none = placed(kit_object(kit, type), 0), alone = kit_builtin(kit, FAMILY_DICT),
              over = placed(kit_object(kit, type), 0), immortal = placed(kit_object(kit, type), 5);
    kit_detail(kit, alone, 64, 3, OBJECT_TRACKED);
    kit_detail(kit, over, 32, 0, OBJECT_TRACKED);
    kit_detail(kit, immortal, 32, 0xffffffff, OBJECT_IMMORTAL);
    finish();
    struct refcheck refcheck = checked(NULL, false);
    ck_assert_uint_eq(refcheck.row_count, 3);
    ck_assert_uint_eq(refcheck.rows[0].id, alone); /* as many as the next, but larger */
    ck_assert_uint_eq(refcheck.rows[0].found, 0);
    ck_assert_uint_eq(refcheck.rows[1].id, three);
    ck_assert_uint_eq(refcheck.rows[1].unexplained, 3);
    ck_assert_uint_eq(refcheck.rows[1].refcount, 4);
    ck_assert_uint_eq(refcheck.rows[1].found, 1);
    ck_assert_uint_eq(refcheck.rows[2].id, one);
    ck_assert_ptr_null(row_of(&refcheck, none));
    ck_assert_uint_eq(refcheck.unexplained, 7);
    ck_assert_uint_eq(refcheck.shallow, 64 + 32 + 32);
    ck_assert_uint_eq(refcheck.immortal, 1);
    ck_assert_uint_ge(refcheck.over, 1);
    ck_assert_ptr_null(row_of(&refcheck, over));
    ck_assert_uint_eq(refcheck.type_count, 2);
    ck_assert_str_eq(refcheck.types[0].type, "app.Thing");
    ck_assert_uint_eq(refcheck.types[0].count, 2);
    ck_assert_uint_eq(refcheck.types[0].unexplained, 4);
    ck_assert_ok(refcheck_describe(&refcheck, view, &refcheck.rows[0], &err), &err);
    ck_assert_str_eq(refcheck.rows[0].why, "only C holds it");
    ck_assert_str_eq(refcheck.rows[0].preview, "dict of 0");
    refcheck_free(&refcheck);
    refcheck = checked("app.*", false);
    ck_assert_uint_eq(refcheck.row_count, 2);
    refcheck_free(&refcheck);
    struct shown shown;
    ck_assert_ok(show_object(&shown, view, three, 0, &err), &err);
    ck_assert_uint_eq(shown.root_count, 1);
    ck_assert_str_eq(shown.roots[0].text, "<held from C ×3>");
    show_free(&shown);
}
END_TEST

START_TEST(no_such_type)
{
    finish();
    struct refcheck refcheck;
    struct refcheck_options options = {.type = "nobody.Thing"};
    ck_assert(!refcheck_create(&refcheck, view, &options, &err));
    ck_assert_error(&err, ERROR_NOT_FOUND, "nobody.Thing");
}
END_TEST

START_TEST(noise_by_value)
{
    object_id interned = placed(kit_str(kit, "name"), 2), character = placed(kit_str(kit, "x"), 1),
              text = placed(kit_str(kit, "some text"), 1), small = placed(kit_int(kit, 256), 1),
              least = placed(kit_int(kit, -5), 1), large = placed(kit_int(kit, 257), 1),
              below = placed(kit_int(kit, -6), 1), none = placed(kit_builtin(kit, FAMILY_NONE), 900),
              empty = placed(kit_builtin(kit, FAMILY_TUPLE), 1),
              tuple = placed(kit_builtin(kit, FAMILY_TUPLE), 1),
              code = placed(kit_named(kit, FAMILY_CODE, "run"), 1),
              other = placed(kit_builtin(kit, FAMILY_LIST), 1);
    kit_detail(kit, interned, 49, 3, OBJECT_INTERNED);
    kit_item(kit, tuple, text);
    kit_detail(kit, text, 49, 3, 0);
    finish();
    ck_assert_uint_eq(noise_of(interned), NOISE_INTERNED);
    ck_assert_uint_eq(noise_of(character), NOISE_CHARACTER);
    ck_assert_uint_eq(noise_of(text), NOISE_NONE);
    ck_assert_uint_eq(noise_of(small), NOISE_SMALL_INT);
    ck_assert_uint_eq(noise_of(least), NOISE_SMALL_INT);
    ck_assert_uint_eq(noise_of(large), NOISE_NONE);
    ck_assert_uint_eq(noise_of(below), NOISE_NONE);
    ck_assert_uint_eq(noise_of(none), NOISE_SINGLETON);
    ck_assert_uint_eq(noise_of(empty), NOISE_SINGLETON);
    ck_assert_uint_eq(noise_of(tuple), NOISE_NONE);
    ck_assert_uint_eq(noise_of(code), NOISE_CODE);
    ck_assert_uint_eq(noise_of(other), NOISE_NONE);
}
END_TEST

START_TEST(noise_of_modules)
{
    object_id time = kit_module(kit, "_decimal"), context = placed(kit_builtin(kit, FAMILY_DICT), 1),
              ours = placed(kit_builtin(kit, FAMILY_DICT), 1),
              doc = placed(kit_str(kit, "what app is for"), 1), attribute = placed(kit_str(kit, "PLACE"), 1),
              twice = placed(kit_str(kit, "PLACE"), 2);
    kit_global(kit, time, "DefaultContext", context);
    kit_detail(kit, context, 64, 3, OBJECT_TRACKED);
    kit_global(kit, app, "OURS", ours);
    kit_detail(kit, ours, 64, 3, OBJECT_TRACKED);
    kit_global(kit, app, "__doc__", doc);
    kit_detail(kit, doc, 64, 3, 0);
    kit_detail(kit, time, 72, 1, OBJECT_TRACKED);
    finish();
    ck_assert_uint_eq(noise_of(context), NOISE_C_MODULE);
    ck_assert_uint_eq(noise_of(ours), NOISE_NONE);
    ck_assert_uint_eq(noise_of(doc), NOISE_MODULE_NAME);
    ck_assert_uint_eq(noise_of(attribute), NOISE_ATTRIBUTE);
    ck_assert_uint_eq(noise_of(twice), NOISE_NONE);
    ck_assert_uint_eq(noise_of(time), NOISE_MODULE);
}
END_TEST

/* Iterators are on a stack while they are used; a list in such a place may only have been there. */
START_TEST(noise_of_stacks)
{
    uint32_t thread = kit_thread(kit, "MainThread", 7), frame = kit_frame(kit, thread, "app", "run", 1, 0);
    object_id iterator = placed(kit_builtin(kit, FAMILY_ITERATOR), 1),
              twice = placed(kit_builtin(kit, FAMILY_ITERATOR), 2),
              list = placed(kit_builtin(kit, FAMILY_LIST), 1);
    kit_stack(kit, frame, 0, iterator);
    kit_stack(kit, frame, 1, twice);
    kit_stack(kit, frame, 2, list);
    finish();
    ck_assert_uint_eq(noise_of(iterator), NOISE_STACK);
    ck_assert_uint_eq(noise_of(twice), NOISE_NONE);
    ck_assert_uint_eq(noise_of(list), NOISE_NONE);
    struct refcheck refcheck = checked("list", false);
    ck_assert_uint_eq(refcheck.row_count, 1);
    ck_assert_ok(refcheck_describe(&refcheck, view, &refcheck.rows[0], &err), &err);
    ck_assert_str_eq(refcheck.rows[0].why, "perhaps app.run.<stack>[2]");
    refcheck_free(&refcheck);
}
END_TEST

START_TEST(conditions)
{
    placed(kit_builtin(kit, FAMILY_DICT), 2);
    finish();
    struct refcheck refcheck = checked(NULL, false);
    ck_assert_uint_eq(refcheck.row_count, 1);
    static const struct {
        const char *text;
        bool by_type, holds;
    } cases[] = {{"type=dict,unexplained=2", false, true},
                 {"refcount=3,found=1,shallow=32,class=", false, true},
                 {"unexplained>2", false, false},
                 {"module=builtins", false, true},
                 {"type=dict,count=1,unexplained=2,shallow>0", true, true},
                 {"count>1", true, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct condition *condition =
            condition_create(cases[i].text, refcheck_columns(cases[i].by_type), &err);
        ck_assert_ok(condition, &err);
        const void *row = cases[i].by_type ? (const void *)refcheck.types : (const void *)refcheck.rows;
        ck_assert_msg(condition_holds(condition, row) == cases[i].holds, "%s", cases[i].text);
        condition_destroy(condition);
    }
    refcheck_free(&refcheck);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refcheck");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, what_counts);
    tcase_add_test(tc, weak_beside_strong);
    tcase_add_test(tc, frames);
    tcase_add_test(tc, arguments);
    tcase_add_test(tc, rows);
    tcase_add_test(tc, no_such_type);
    tcase_add_test(tc, noise_by_value);
    tcase_add_test(tc, noise_of_modules);
    tcase_add_test(tc, noise_of_stacks);
    tcase_add_test(tc, conditions);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
