#include "lib/query/spelling.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

static struct error err;
static struct text_buffer text;

static const char *repr_str(const char *value, size_t most, bool more)
{
    text_buffer_clear(&text);
    spelling_str(value, strlen(value), most, more, &text);
    return text_buffer_text(&text);
}

START_TEST(str_is_written_as_python_does)
{
    ck_assert_str_eq(repr_str("abc", 0, false), "'abc'");
    ck_assert_str_eq(repr_str("", 0, false), "''");
    ck_assert_str_eq(repr_str("it's", 0, false), "\"it's\"");
    ck_assert_str_eq(repr_str("it's \"so\"", 0, false), "'it\\'s \"so\"'");
    ck_assert_str_eq(repr_str("a\\b\n\t\r\x01\x7f", 0, false), "'a\\\\b\\n\\t\\r\\x01\\x7f'");
    ck_assert_str_eq(repr_str("ä€😀", 0, false), "'ä€😀'");
    ck_assert_str_eq(repr_str("\u00a0\u2028\u202e\U000e0001", 0, false), "'\\xa0\\u2028\\u202e\\U000e0001'");
    ck_assert_str_eq(repr_str("\xef\xbf\xbe\xf0\x9f\xbf\xbf", 0, false), "'\\ufffe\\U0001ffff'");
    ck_assert_str_eq(repr_str("abcdef", 3, false), "'abc…'");
    ck_assert_str_eq(repr_str("ä€😀x", 3, false), "'ä€😀…'");
    ck_assert_str_eq(repr_str("abc", 3, false), "'abc'");
    ck_assert_str_eq(repr_str("abc", 3, true), "'abc…'");
    ck_assert_str_eq(repr_str("\xff\x80", 0, false), "'\\xff\\x80'");
}
END_TEST

START_TEST(bytes_are_written_as_python_does)
{
    text_buffer_clear(&text);
    spelling_bytes("a'\0\xff\n\"", 6, 0, false, &text);
    ck_assert_str_eq(text_buffer_text(&text), "b'a\\'\\x00\\xff\\n\"'");
    text_buffer_clear(&text);
    spelling_bytes("abc", 3, 2, false, &text);
    ck_assert_str_eq(text_buffer_text(&text), "b'ab…'");
}
END_TEST

static const struct {
    double value;
    const char *text;
} floats[] = {{0.1, "0.1"},
              {1.0, "1.0"},
              {-0.0, "-0.0"},
              {100.0, "100.0"},
              {1e15, "1000000000000000.0"},
              {1e16, "1e+16"},
              {1.5e300, "1.5e+300"},
              {1e-4, "0.0001"},
              {1e-5, "1e-05"},
              {123456.789, "123456.789"},
              {0.30000000000000004, "0.30000000000000004"},
              {5e-324, "5e-324"},
              {1.7976931348623157e308, "1.7976931348623157e+308"},
              {INFINITY, "inf"},
              {-INFINITY, "-inf"},
              {NAN, "nan"}};

START_TEST(floats_are_written_as_python_does)
{
    text_buffer_clear(&text);
    spelling_float(floats[_i].value, &text);
    ck_assert_str_eq(text_buffer_text(&text), floats[_i].text);
}
END_TEST

START_TEST(identifiers)
{
    ck_assert(spelling_is_identifier("_a1", 3));
    ck_assert(spelling_is_identifier("größe", strlen("größe")));
    ck_assert(!spelling_is_identifier("", 0));
    ck_assert(!spelling_is_identifier("1a", 2));
    ck_assert(!spelling_is_identifier("a b", 3));
    ck_assert(!spelling_is_identifier("a.b", 3));
}
END_TEST

static const char *key(struct view *view, object_id id)
{
    text_buffer_clear(&text);
    spelling_key(view, id, &text);
    return text_buffer_text(&text);
}

static const char *preview(struct view *view, object_id id)
{
    text_buffer_clear(&text);
    spelling_preview(view, id, &text);
    return text_buffer_text(&text);
}

START_TEST(keys_and_previews)
{
    struct kit *k = kit_create();
    object_id one = kit_int(k, 1), two = kit_int(k, -2), s = kit_str(k, "it's"),
              cut = kit_str_cut(k, "abc", 1000);
    object_id pair = kit_builtin(k, FAMILY_TUPLE), single = kit_builtin(k, FAMILY_TUPLE),
              empty = kit_builtin(k, FAMILY_TUPLE);
    kit_item(k, pair, one);
    kit_item(k, pair, s);
    kit_item(k, single, pair);
    object_id self = kit_builtin(k, FAMILY_TUPLE); /* only C code makes one */
    kit_item(k, self, self);
    object_id none = kit_builtin(k, FAMILY_NONE), list = kit_builtin(k, FAMILY_LIST);
    for (int i = 0; i < 1002; i++)
        kit_item(k, list, none);
    type_id key_type = kit_type(k, "app.Key", "app", FAMILY_OTHER);
    object_id instance = kit_object(k, key_type), class = kit_builtin(k, FAMILY_TYPE);
    kit_type_object(k, key_type, class);
    object_id function = kit_named(k, FAMILY_FUNCTION, "Outer.<locals>.inner"), module = kit_str(k, "app");
    kit_field(k, function, REFERENCE_FIELD, "__module__", module);
    object_id unknown = kit_builtin(k, FAMILY_STR);
    struct heap *heap = kit_finish(k);
    struct view *view = view_create(heap, &err);
    ck_assert_ok(view, &err);
    ck_assert_str_eq(key(view, one), "1");
    ck_assert_str_eq(key(view, two), "-2");
    ck_assert_str_eq(key(view, s), "\"it's\"");
    ck_assert_str_eq(key(view, cut), "'abc…'");
    ck_assert_str_eq(key(view, pair), "(1, \"it's\")");
    ck_assert_str_eq(key(view, single), "((1, \"it's\"),)");
    ck_assert_str_eq(key(view, empty), "()");
    ck_assert_str_eq(key(view, none), "None");
    ck_assert_str_eq(key(view, class), "<class app.Key>");
    char expected[64];
    snprintf(expected, sizeof expected, "<app.Key 0x%llx>", (unsigned long long)heap->address[instance]);
    ck_assert_str_eq(key(view, instance), expected);
    snprintf(expected, sizeof expected, "<str 0x%llx>", (unsigned long long)heap->address[unknown]);
    ck_assert_str_eq(key(view, unknown), expected);
    ck_assert_ptr_nonnull(strstr(key(view, self), "<tuple 0x")); /* ends */
    ck_assert_str_eq(preview(view, list), "list of 1 002");
    ck_assert_str_eq(preview(view, empty), "tuple of 0");
    ck_assert_str_eq(preview(view, class), "app.Key");
    ck_assert_str_eq(preview(view, function), "app.Outer.<locals>.inner");
    ck_assert_str_eq(preview(view, instance), "");
    ck_assert_str_eq(preview(view, cut), "'abc…'");
    view_destroy(view);
    heap_destroy(heap);
}
END_TEST

START_TEST(every_kind_has_its_spelling)
{
    struct kit *k = kit_create();
    object_id o = kit_object(k, kit_type(k, "app.T", "app", FAMILY_OTHER)), name = kit_str(k, "k7");
    struct heap *heap = kit_finish(k);
    struct view *view = view_create(heap, &err);
    const struct {
        struct hold hold;
        const char *step, *pattern, *name;
    } cases[] = {
        {{.kind = REFERENCE_GLOBAL, .name = "_CACHE"}, "._CACHE", "._CACHE", "_CACHE"},
        {{.kind = REFERENCE_ATTRIBUTE, .name = "", .key = name}, ".k7", ".k7", "k7"},
        {{.kind = REFERENCE_ATTRIBUTE, .name = "a b"}, ".__dict__['a b']", ".__dict__['a b']", "a b"},
        {{.kind = REFERENCE_SLOT, .name = "s"}, ".s", ".s", "s"},
        {{.kind = REFERENCE_LOCAL, .name = "x"}, ".<locals>.x", ".<locals>.x", "x"},
        {{.kind = REFERENCE_LOCAL, .name = ".0"}, ".<locals>..0", ".<locals>..0", ".0"},
        {{.kind = REFERENCE_STACK, .name = "", .number = 2}, ".<stack>[2]", ".<stack>[*]", "2"},
        {{.kind = REFERENCE_KEY, .name = "", .key = name}, "['k7']", "[*]", "'k7'"},
        {{.kind = REFERENCE_KEY, .name = "it's"}, "[\"it's\"]", "[*]", "\"it's\""},
        {{.kind = REFERENCE_KEY_OBJECT, .name = "", .number = 3}, ".keys()[3]", ".keys()[*]", "3"},
        {{.kind = REFERENCE_INDEX, .name = "", .number = 50}, "[50]", "[*]", "50"},
        {{.kind = REFERENCE_MEMBER, .name = "", .number = 1}, "{*}", "{*}", ""},
        {{.kind = REFERENCE_CELL, .name = "cv", .via = o}, ".<closure>.cv", ".<closure>.cv", "cv"},
        {{.kind = REFERENCE_CELL, .name = "", .number = 1, .via = o}, ".<closure>[1]", ".<closure>[*]", "1"},
        {{.kind = REFERENCE_CACHE, .name = "", .key = name, .via = o},
         ".<cache>['k7']",
         ".<cache>[*]",
         "'k7'"},
        {{.kind = REFERENCE_CACHE, .name = "<cache>"}, ".<cache dict>", ".<cache dict>", "<cache>"},
        {{.kind = REFERENCE_FIELD, .name = "args"}, ".args", ".args", "args"},
        {{.kind = REFERENCE_FIELD, .name = "", .number = 24}, ".<field +0x18>", ".<field +0x18>", "+0x18"},
        {{.kind = REFERENCE_WEAK, .name = ""}, ".<weak>", ".<weak>", ""},
        {{.kind = REFERENCE_TYPE, .name = ""}, ".__class__", ".__class__", "__class__"},
        {{.kind = REFERENCE_BUFFER, .name = "", .number = 24}, " +0x18 ->", " +0x18 ->", "+0x18"},
        {{.kind = REFERENCE_POINTER, .name = "", .number = 64}, " +0x40 ->", " +0x40 ->", "+0x40"},
        {{.kind = REFERENCE_POINTER, .name = "", .number = 0x1000}, " +0x1000 ->", " +* ->", "+0x1000"},
        {{.kind = REFERENCE_STALE, .name = "", .number = 8}, ".<stale +0x8> ->", ".<stale +0x8> ->", "+0x8"},
        {{.kind = REFERENCE_STALE, .name = "", .number = -1}, ".<stale +?> ->", ".<stale +?> ->", "#0"},
        {{.kind = REFERENCE_POINTER, .certainty = CERTAINTY_UNCERTAIN, .name = "", .number = 64},
         ".<interior +0x40> ->",
         ".<interior +0x40> ->",
         "+0x40"},
        {{.kind = REFERENCE_NAMESPACE, .name = "__dict__"}, ".__dict__", ".__dict__", "__dict__"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hold hold = cases[i].hold;
        hold.holder = o;
        text_buffer_clear(&text);
        spelling_step(view, &hold, &text);
        ck_assert_str_eq(text_buffer_text(&text), cases[i].step);
        text_buffer_clear(&text);
        spelling_pattern(view, &hold, &text);
        ck_assert_str_eq(text_buffer_text(&text), cases[i].pattern);
        text_buffer_clear(&text);
        spelling_name(view, &hold, &text);
        ck_assert_str_eq(text_buffer_text(&text), cases[i].name);
    }
    for (enum reference_kind kind = REFERENCE_GLOBAL; kind < REFERENCE_KINDS; kind++)
        ck_assert_str_ne(spelling_kind(kind), "");
    for (enum root_kind kind = ROOT_MODULE; kind < ROOT_KINDS; kind++)
        ck_assert_str_ne(spelling_root_kind(kind), "");
    ck_assert_str_eq(spelling_kind(REFERENCE_GLOBALS), "globals");
    ck_assert_str_eq(spelling_family(FAMILY_ITERATOR), "iterator");
    view_destroy(view);
    heap_destroy(heap);
}
END_TEST

START_TEST(frames_get_the_qualified_name_of_their_function)
{
    struct kit *k = kit_create();
    object_id value = kit_int(k, 1);
    object_id function = kit_closure(k, "Server.handle", 0, NULL, NULL, true), code = 0;
    for (object_id id = function; id <= kit_count(k) && !code; id++)
        code = id == function + 1 ? id : 0; /* kit_closure makes the code right after the function */
    uint32_t thread = kit_thread(k, "worker-1", 77);
    uint32_t known = kit_frame(k, thread, "app", "handle", 0, code);
    uint32_t renamed = kit_frame(k, thread, "app", "other", 1, code);
    kit_local(k, known, "session", value);
    kit_local(k, renamed, "session", value);
    struct heap *heap = kit_finish(k);
    struct view *view = view_create(heap, &err);
    text_buffer_clear(&text);
    spelling_root(view, 0, &text);
    ck_assert_str_eq(text_buffer_text(&text), "app.Server.handle.<locals>.session");
    text_buffer_clear(&text);
    spelling_root(view, 1, &text);
    ck_assert_str_eq(text_buffer_text(&text), "app.other.<locals>.session");
    view_destroy(view);
    heap_destroy(heap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spelling");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, str_is_written_as_python_does);
    tcase_add_test(tc, bytes_are_written_as_python_does);
    tcase_add_loop_test(tc, floats_are_written_as_python_does, 0, sizeof floats / sizeof *floats);
    tcase_add_test(tc, identifiers);
    tcase_add_test(tc, keys_and_previews);
    tcase_add_test(tc, every_kind_has_its_spelling);
    tcase_add_test(tc, frames_get_the_qualified_name_of_their_function);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
