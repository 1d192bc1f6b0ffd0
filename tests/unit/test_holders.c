#include "lib/query/holders.h"

#include <string.h>

#include "lib/query/spelling.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

static struct error err;
static struct heap *heap;
static struct view *view;

static void open_view(struct kit *k)
{
    heap = kit_finish(k);
    view = view_create(heap, &err);
    ck_assert_ok(view, &err);
}

static void close_view(void)
{
    view_destroy(view);
    heap_destroy(heap);
}

/* The holders as "kind holder-type step" lines, in their order. */
static const char *lines(const struct holds *holds, bool inwards)
{
    static char out[4096];
    struct text_buffer text = {0};
    for (size_t i = 0; i < holds->count; i++) {
        const struct hold *hold = &holds->item[i];
        text_buffer_format(&text, "%s %s ", spelling_kind(hold->kind),
                           heap_type_name(heap, inwards ? hold->holder : hold->object));
        spelling_step(view, hold, &text);
        text_buffer_add(&text, "\n");
    }
    ck_assert_uint_lt(text.length, sizeof out);
    strcpy(out, text_buffer_text(&text));
    text_buffer_free(&text);
    return out;
}

static const char *holders(object_id object)
{
    struct holds holds = {0};
    ck_assert_ok(holders_of(view, object, &holds, &err), &err);
    const char *text = lines(&holds, true);
    holds_free(&holds);
    return text;
}

static const char *referents(object_id object)
{
    struct holds holds = {0};
    ck_assert_ok(referents_of(view, object, &holds, &err), &err);
    const char *text = lines(&holds, false);
    holds_free(&holds);
    return text;
}

START_TEST(instance_module_and_class_dicts_are_folded)
{
    struct kit *k = kit_create();
    object_id value = kit_int(k, 1);
    object_id instance = kit_instance(k, kit_type(k, "app.Node", "app", FAMILY_OTHER));
    object_id module = kit_module(k, "app"), class = kit_builtin(k, FAMILY_TYPE),
              class_dict = kit_builtin(k, FAMILY_DICT);
    kit_field(k, class, REFERENCE_NAMESPACE, "__dict__", class_dict);
    kit_attribute(k, instance, "attr", value);
    kit_global(k, module, "_X", value);
    kit_attribute(k, class, "limit", value);
    open_view(k);
    ck_assert_str_eq(holders(value),
                     "attribute app.Node .attr\nglobal module ._X\nclass_attribute type .limit\n");
    ck_assert_str_eq(referents(instance), "namespace dict .__dict__\nattribute int .attr\n");
    ck_assert_str_eq(referents(module), "namespace dict .__dict__\nglobal int ._X\n");
    close_view();
}
END_TEST

START_TEST(what_python_cannot_write_after_a_dot_stays_in_the_dict)
{
    struct kit *k = kit_create();
    object_id value = kit_int(k, 1), key = kit_str(k, "a b"), number = kit_int(k, 7);
    object_id instance = kit_instance(k, kit_type(k, "app.Node", "app", FAMILY_OTHER));
    kit_pair(k, kit_dict_of(k, instance), key, value);
    kit_pair(k, kit_dict_of(k, instance), number, value);
    open_view(k);
    ck_assert_str_eq(holders(value), "key dict ['a b']\nkey dict [7]\n");
    ck_assert_str_eq(holders(key), "key_object dict .keys()[0]\n");
    close_view();
}
END_TEST

START_TEST(a_module_dict_held_by_functions_is_not_repeated)
{
    struct kit *k = kit_create();
    object_id value = kit_int(k, 1), module = kit_module(k, "app"), dict = kit_dict_of(k, module);
    kit_global(k, module, "_X", value);
    for (int i = 0; i < 3; i++)
        kit_field(k, kit_named(k, FAMILY_FUNCTION, "f"), REFERENCE_GLOBALS, "__globals__", dict);
    open_view(k);
    ck_assert_str_eq(holders(value), "global module ._X\n");
    close_view();
}
END_TEST

START_TEST(a_dict_with_other_holders_is_shown_too)
{
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER);
    object_id value = kit_int(k, 1), instance = kit_instance(k, node), dict = kit_dict_of(k, instance);
    object_id other = kit_object(k, node), list = kit_builtin(k, FAMILY_LIST);
    kit_attribute(k, instance, "attr", value);
    kit_field(k, other, REFERENCE_NAMESPACE, "__dict__", dict); /* other.__dict__ = instance.__dict__ */
    kit_item(k, list, dict);
    open_view(k);
    ck_assert_str_eq(holders(value),
                     "attribute app.Node .attr\nattribute app.Node .attr\nkey dict ['attr']\n");
    close_view();
}
END_TEST

START_TEST(closures_are_named)
{
    struct kit *k = kit_create();
    object_id a = kit_int(k, 1), b = kit_int(k, 2), values[] = {a, b};
    const char *names[] = {"cv", "other"};
    object_id function = kit_closure(k, "outer.<locals>.inner", 2, names, values, _i);
    open_view(k);
    ck_assert_str_eq(holders(a), "cell function .<closure>.cv\n");
    ck_assert_str_eq(holders(b), "cell function .<closure>.other\n");
    ck_assert_str_eq(referents(function), "field code .__code__\nfield tuple .__closure__\ncell int "
                                          ".<closure>.cv\ncell int .<closure>.other\n");
    close_view();
}
END_TEST

START_TEST(a_cell_a_frame_shares_is_shown_too)
{
    struct kit *k = kit_create();
    object_id value = kit_int(k, 1), values[] = {value};
    const char *names[] = {"cv"};
    kit_closure(k, "inner", 1, names, values, false);
    object_id frame = kit_builtin(k, FAMILY_FRAME), cell = 0;
    for (object_id id = 1; id <= kit_count(k); id++)
        cell = id == frame - 2 ? id : cell; /* kit_closure ends with cell, name */
    kit_field(k, frame, REFERENCE_LOCAL, "cv", cell);
    open_view(k);
    ck_assert_str_eq(holders(value), "cell function .<closure>.cv\ncell cell .cell_contents\n");
    close_view();
}
END_TEST

START_TEST(generator_frames_are_folded)
{
    struct kit *k = kit_create();
    object_id value = kit_int(k, 1), pushed = kit_int(k, 2), code = kit_named(k, FAMILY_CODE, "g");
    object_id generator = kit_builtin(k, FAMILY_GENERATOR), frame = kit_builtin(k, FAMILY_FRAME);
    kit_field(k, generator, REFERENCE_FRAME, "gi_frame", frame);
    kit_field(k, frame, REFERENCE_FIELD, "f_code", code);
    kit_field(k, frame, REFERENCE_LOCAL, "item", value);
    kit_field(k, frame, REFERENCE_STACK, NULL, pushed);
    open_view(k);
    ck_assert_str_eq(holders(value), "local generator .<locals>.item\n");
    ck_assert_str_eq(holders(code), "field frame .f_code\n");
    ck_assert_str_eq(referents(generator),
                     "frame frame .gi_frame\nlocal int .<locals>.item\nstack int .<stack>[32]\n");
    close_view();
}
END_TEST

START_TEST(caches_are_folded)
{
    struct kit *k = kit_create();
    object_id linked = kit_int(k, 1), direct = kit_int(k, 2), key = kit_int(k, 7), other_key = kit_int(k, 8);
    object_id bounded = kit_builtin(k, FAMILY_LRU_CACHE), unbounded = kit_builtin(k, FAMILY_LRU_CACHE);
    object_id dict = kit_builtin(k, FAMILY_DICT), plain = kit_builtin(k, FAMILY_DICT),
              link = kit_builtin(k, FAMILY_LRU_LINK);
    kit_field(k, bounded, REFERENCE_CACHE, "<cache>", dict);
    kit_field(k, link, REFERENCE_FIELD, "<key>", key);
    kit_field(k, link, REFERENCE_FIELD, "<result>", linked);
    kit_pair(k, dict, key, link);
    kit_field(k, unbounded, REFERENCE_CACHE, "<cache>", plain);
    kit_pair(k, plain, other_key, direct);
    open_view(k);
    ck_assert_str_eq(holders(linked), "cache functools._lru_cache_wrapper .<cache>[7]\n");
    ck_assert_str_eq(holders(direct), "cache functools._lru_cache_wrapper .<cache>[8]\n");
    ck_assert_str_eq(referents(bounded), "cache dict .<cache dict>\ncache int .<cache>[7]\n");
    ck_assert_str_eq(referents(unbounded), "cache dict .<cache dict>\ncache int .<cache>[8]\n");
    close_view();
}
END_TEST

START_TEST(every_reference_counts)
{
    struct kit *k = kit_create();
    object_id value = kit_int(k, 1), list = kit_builtin(k, FAMILY_LIST), dict = kit_builtin(k, FAMILY_DICT);
    object_id key = kit_str(k, "a"), set = kit_builtin(k, FAMILY_SET), ref = kit_builtin(k, FAMILY_WEAKREF);
    kit_item(k, list, value);
    kit_item(k, list, list);
    kit_item(k, list, value);
    kit_pair(k, dict, key, value);
    kit_pair(k, dict, value, value);
    kit_member(k, set, value);
    kit_field(k, ref, REFERENCE_WEAK, NULL, value);
    open_view(k);
    ck_assert_str_eq(holders(value),
                     "index list [0]\nindex list [2]\nkey dict ['a']\nkey_object dict .keys()[1]\n"
                     "key dict [1]\nmember set {*}\nweak weakref .<weak>\n");
    ck_assert_str_eq(holders(list), "index list [1]\n");
    close_view();
}
END_TEST

/* Asking for many at once gives what asking for each gives. */
START_TEST(many_at_once)
{
    struct kit *k = kit_create();
    object_id ids[40];
    object_id module = kit_module(k, "app"), list = kit_builtin(k, FAMILY_LIST);
    for (int i = 0; i < 40; i++) {
        ids[i] = kit_instance(k, kit_type(k, "app.T", "app", FAMILY_OTHER));
        kit_item(k, list, ids[i]);
        if (i)
            kit_attribute(k, ids[i - 1], "next", ids[i]);
    }
    kit_global(k, module, "_ALL", list);
    open_view(k);
    struct holds many = {0}, each = {0};
    ck_assert_ok(holders_of_many(view, ids, 40, &many, &err), &err);
    for (int i = 0; i < 40; i++)
        ck_assert_ok(holders_of(view, ids[i], &each, &err), &err);
    ck_assert_uint_eq(many.count, 79);
    ck_assert_uint_eq(many.count, each.count);
    for (size_t i = 0; i < many.count; i++) {
        size_t same = 0;
        for (size_t j = 0; j < each.count; j++)
            same += many.item[i].holder == each.item[j].holder &&
                    many.item[i].object == each.item[j].object && many.item[i].kind == each.item[j].kind &&
                    many.item[i].number == each.item[j].number;
        ck_assert_uint_eq(same, 1);
    }
    holds_free(&many);
    holds_free(&each);
    close_view();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("holders");
    TCase *tc = tcase_create("folding");
    tcase_add_test(tc, instance_module_and_class_dicts_are_folded);
    tcase_add_test(tc, what_python_cannot_write_after_a_dot_stays_in_the_dict);
    tcase_add_test(tc, a_module_dict_held_by_functions_is_not_repeated);
    tcase_add_test(tc, a_dict_with_other_holders_is_shown_too);
    tcase_add_loop_test(tc, closures_are_named, 0, 2);
    tcase_add_test(tc, a_cell_a_frame_shares_is_shown_too);
    tcase_add_test(tc, generator_frames_are_folded);
    tcase_add_test(tc, caches_are_folded);
    tcase_add_test(tc, every_reference_counts);
    tcase_add_test(tc, many_at_once);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
