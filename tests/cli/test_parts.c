/* Tests of text, JSON, options and tables of the command line. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/json.h"
#include "cmd/heldby/options.h"
#include "cmd/heldby/output.h"
#include "cmd/heldby/text.h"

static const char *clean(const char *text, size_t length)
{
    static char out[256];
    return text_clean(text, length, out, sizeof out);
}

START_TEST(clean_makes_controls_and_bad_bytes_visible)
{
    ck_assert_str_eq(clean("plain é 中", strlen("plain é 中")), "plain é 中");
    ck_assert_str_eq(clean("a\nb\tc\x1b[1m\x7f", 9), "a\\nb\\tc\\x1b[1m");
    ck_assert_str_eq(clean("\x7f", 1), "\\x7f");
    ck_assert_str_eq(clean("\xe2\x80\xae!", 4), "\\u202e!");
    ck_assert_str_eq(clean("\xc2\x9b", 2), "\\x9b");
    ck_assert_str_eq(clean("\xff\xc3", 2), "\\xff\\xc3");
    ck_assert_str_eq(clean("\xed\xa0\x80", 3), "\\xed\\xa0\\x80"); /* a surrogate */
    ck_assert_str_eq(clean("\xc0\xaf", 2), "\\xc0\\xaf");          /* longer than need be */
    ck_assert_str_eq(clean("a\0b", 3), "a\\x00b");
    char small[4];
    ck_assert_str_eq(text_clean("aé中", strlen("aé中"), small, sizeof small), "aé");
}
END_TEST

START_TEST(width_and_cut_count_columns)
{
    ck_assert_uint_eq(text_width("abc"), 3);
    ck_assert_uint_eq(text_width("é中"), 3);
    ck_assert_uint_eq(text_width("e\xcc\x81"), 1); /* a combining accent */
    char text[32] = "0123456789";
    text_cut(text, 10);
    ck_assert_str_eq(text, "0123456789");
    text_cut(text, 5);
    ck_assert_str_eq(text, "0123…");
    strcpy(text, "中中中");
    text_cut(text, 4);
    ck_assert_str_eq(text, "中…");
    strcpy(text, "abc");
    text_cut(text, 1);
    ck_assert_str_eq(text, "…");
}
END_TEST

START_TEST(numbers_read_well)
{
    char out[64];
    ck_assert_str_eq(text_count(0, out, sizeof out), "0");
    ck_assert_str_eq(text_count(999, out, sizeof out), "999");
    ck_assert_str_eq(text_count(1998, out, sizeof out), "1 998");
    ck_assert_str_eq(text_count(UINT64_MAX, out, sizeof out), "18 446 744 073 709 551 615");
    ck_assert_str_eq(text_delta(0, out, sizeof out), "0");
    ck_assert_str_eq(text_delta(1234, out, sizeof out), "+1 234");
    ck_assert_str_eq(text_delta(INT64_MIN, out, sizeof out), "-9 223 372 036 854 775 808");
    ck_assert_str_eq(text_bytes(0, out, sizeof out), "0 B");
    ck_assert_str_eq(text_bytes(1023, out, sizeof out), "1023 B");
    ck_assert_str_eq(text_bytes(1024, out, sizeof out), "1.0 KiB");
    ck_assert_str_eq(text_bytes((1 << 20) - 1, out, sizeof out), "1.0 MiB"); /* never "1024.0 KiB" */
    ck_assert_str_eq(text_bytes(UINT64_MAX, out, sizeof out), "16384.0 PiB");
    ck_assert_str_eq(text_delta_bytes(-2048, out, sizeof out), "-2.0 KiB");
    ck_assert_str_eq(text_seconds(0.0148, out, sizeof out), "14.8 ms");
    ck_assert_str_eq(text_seconds(0.0000148, out, sizeof out), "15 µs");
    ck_assert_str_eq(text_seconds(3.2, out, sizeof out), "3.20 s");
    ck_assert_str_eq(text_time(1790000060.5, false, out, sizeof out), "2026-09-21T14:14:20.500Z");
    ck_assert_str_eq(text_time(-1, false, out, sizeof out), "unknown");
    ck_assert_str_eq(text_time(1e300, false, out, sizeof out), "unknown");
}
END_TEST

START_TEST(json_is_escaped_and_well_formed)
{
    char *text = NULL;
    size_t size = 0;
    struct json j = {.to = open_memstream(&text, &size)};
    json_begin_object(&j, NULL);
    json_text_n(&j, "a\"", "x\\\n\x01\x7f\xff\xe2\x80\xa8é", 11);
    json_begin_array(&j, "list");
    json_begin_object(&j, NULL);
    json_address(&j, "address", 0x7f00);
    json_i64(&j, "n", -5);
    json_double(&j, "d", 0.25);
    json_double(&j, "nan", 0.0 / 0.0);
    json_text(&j, "none", NULL);
    json_end_object(&j);
    json_end_array(&j);
    json_begin_array(&j, "empty");
    json_end_array(&j);
    json_end_object(&j);
    fclose(j.to);
    ck_assert_str_eq(
        text, "{\n  \"a\\\"\": \"x\\\\\\n\\u0001\\u007f\xef\xbf\xbd\\u2028é\",\n  \"list\": [\n"
              "    {\"address\": \"0x7f00\", \"n\": -5, \"d\": 0.25, \"nan\": null, \"none\": null}\n  ],\n"
              "  \"empty\": []\n}\n");
    free(text);
}
END_TEST

static struct error err;

static bool parse(const char *command, struct invocation *in, int argc, char **argv)
{
    err = (struct error){0};
    return options_parse(command_find(command), argc, argv, 0, in, &err);
}

#define ARGS(...)                                                                                            \
    (int)(sizeof(char *[]){__VA_ARGS__} / sizeof(char *)), (char *[])                                        \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }

START_TEST(options_are_parsed_in_every_form)
{
    struct invocation in;
    ck_assert(
        parse("path", &in, ARGS("a.held", "--avoid=x", "--limit", "5", "--avoid", "y", "-oout", "--", "-1")));
    ck_assert_uint_eq(in.operand_count, 2);
    ck_assert_str_eq(in.operands[1], "-1");
    ck_assert_str_eq(option_item(&in, "avoid", 0), "x");
    ck_assert_str_eq(option_item(&in, "avoid", 1), "y");
    ck_assert_ptr_null(option_item(&in, "avoid", 2));
    ck_assert_uint_eq(option_number(&in, "limit", 20), 5);
    ck_assert_str_eq(option_text(&in, "output", ""), "out");
    ck_assert(!option_given(&in, "json"));
    invocation_deinit(&in);
    ck_assert(parse("find", &in, ARGS("f", "--min-size", "4MiB", "--min-size=0x10")));
    ck_assert_uint_eq(option_number(&in, "min-size", 0), 16); /* the last one counts */
    invocation_deinit(&in);
    /* The options of a program are its own. */
    ck_assert(parse("run", &in, ARGS("--every", "1.5", "python3", "--json", "-x")));
    ck_assert_double_eq(option_seconds(&in, "every", 0), 1.5);
    ck_assert_uint_eq(in.operand_count, 3);
    ck_assert_str_eq(in.operands[1], "--json");
    invocation_deinit(&in);
}
END_TEST

START_TEST(options_refuse_what_they_do_not_understand)
{
    static const struct {
        const char *command;
        char *args[4];
        const char *says;
    } cases[] = {{"find", {"f", "--limit", "x"}, "wants a number"},
                 {"find", {"f", "--limit", "-1"}, "wants a number"},
                 {"find", {"f", "--limit", "99999999999999999999"}, "wants a number"},
                 {"find", {"f", "--limit", "18446744073709551615k"}, "wants a number"},
                 {"find", {"f", "--limit"}, "wants a value"},
                 {"find", {"f", "--json=1"}, "takes no value"},
                 {"find", {"f", "--tpye", "x"}, "did you mean --type"},
                 {"find", {"f", "-q"}, "unknown option -q"},
                 {"run", {"--every", "-1", "x"}, "seconds"},
                 {"run", {"--every", "nan", "x"}, "seconds"},
                 {"run", {"--json", "x"}, "unknown option"},
                 {"histogram", {"f", "--by", "colour"}, "one of type|module|size|referrer"},
                 {"histogram", {"f", "--sort", "colour"}, "one of"},
                 {"histogram", {"f", "g"}, "what is 'g'"},
                 {"histogram", {NULL}, "wants FILE"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct invocation in;
        int count = 0;
        while (cases[i].args[count])
            count++;
        ck_assert(!parse(cases[i].command, &in, count, (char **)cases[i].args));
        ck_assert_int_eq(err.code, ERROR_USAGE);
        ck_assert_msg(strstr(err.message, cases[i].says), "case %zu: %s", i, err.message);
    }
}
END_TEST

START_TEST(table_is_aligned_also_beyond_what_it_measured)
{
    char *text = NULL;
    size_t size = 0;
    struct output out = {.to = open_memstream(&text, &size)};
    static const struct column columns[] = {{"n", "n", CELL_COUNT, STYLE_PLAIN},
                                            {"t", "t", CELL_TEXT, STYLE_PLAIN},
                                            {"u", "u", CELL_TEXT, STYLE_PLAIN}};
    struct table table;
    table_begin(&table, &out, "rows", columns, 3);
    for (unsigned i = 0; i < TABLE_MEASURED + 3; i++) {
        table_u64(&table, i * 10);
        table_text(&table, i % 2 ? "é" : "ab");
        table_text(&table, i == 1 ? NULL : "x");
    }
    table_end(&table);
    fclose(out.to);
    ck_assert(!out.no_memory);
    ck_assert_int_eq(strncmp(text, "    n  t   u\n    0  ab  x\n   10  é\n   20  ab  x\n", 49), 0);
    ck_assert_ptr_nonnull(strstr(text, "\n5 020  ab  x\n"));
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_parts");
    TCase *parts = tcase_create("parts");
    tcase_add_test(parts, clean_makes_controls_and_bad_bytes_visible);
    tcase_add_test(parts, width_and_cut_count_columns);
    tcase_add_test(parts, numbers_read_well);
    tcase_add_test(parts, json_is_escaped_and_well_formed);
    tcase_add_test(parts, options_are_parsed_in_every_form);
    tcase_add_test(parts, options_refuse_what_they_do_not_understand);
    tcase_add_test(parts, table_is_aligned_also_beyond_what_it_measured);
    suite_add_tcase(suite, parts);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
