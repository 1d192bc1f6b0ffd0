/* Runs of alike steps, folded. */
#include "lib/query/path_runs.h"

#include <string.h>

#include "tests/support/support.h"

enum { MOST = 64 };

/* Steps as words apart by spaces, "_" for the space before an arrow; they lead to objects of the `types` (a,
 * b or c) in turn. */
static size_t steps_of(const char *words, const char *types, struct path_step *steps, char *room)
{
    static const char *const names[] = {"a", "b", "c"};
    size_t count = 0;
    strcpy(room, words);
    for (char *at = strtok(room, " "); at; at = strtok(NULL, " ")) {
        if (*at == '_')
            *at = ' ';
        ck_assert_uint_lt(count, MOST);
        steps[count] = (struct path_step){.text = at, .type = names[types[count % strlen(types)] - 'a']};
        count++;
    }
    return count;
}

static void check_text(const char *words, const char *wanted)
{
    struct path_step steps[MOST];
    struct text_buffer text = {0};
    char room[1024];
    path_runs_text(steps, steps_of(words, "a", steps, room), &text);
    ck_assert_str_eq(text_buffer_text(&text), wanted);
    text_buffer_free(&text);
}

START_TEST(expressions)
{
    check_text("", "");
    check_text(".next", ".next");
    check_text(".a .next .next .next .b", ".a.next.next.next.b"); /* three are written out */
    check_text(".a .next .next .next .next .b", ".a(.next)×4.b");
    check_text("_-> _-> _-> _->", " (->)×4");
    check_text(".n .n .n .n .m .m .m .m .m", "(.n)×4(.m)×5");
    check_text(".n [0] .n [0] .n [0] .n [0]", "(.n[0])×4");
    check_text(".n [0] .n [0] .n [0] .n [0] .n", "(.n[0])×4.n");
    check_text(".n [0] .n [0] .n [0]", ".n[0].n[0].n[0]");
    check_text(".a .b .c .d .a .b .c .d .a .b .c .d .a .b .c .d", "(.a.b.c.d)×4");
    check_text(".a .b .c .d .e .a .b .c .d .e .a .b .c .d .e .a .b .c .d .e",
               ".a.b.c.d.e.a.b.c.d.e.a.b.c.d.e.a.b.c.d.e");
}
END_TEST

START_TEST(rows)
{
    struct path_step steps[MOST] = {0};
    char room[1024];
    ck_assert_uint_eq(path_run(steps, 0), 0);
    size_t count = steps_of(".n .n .n .m", "a", steps, room);
    ck_assert_uint_eq(path_run(steps, count), 3);
    ck_assert_uint_eq(path_run(steps, 2), 2);
    ck_assert_uint_eq(path_run(steps + 3, count - 3), 1);
    steps[1].uncertain = true;
    ck_assert_uint_eq(path_run(steps, count), 1);
    count = steps_of(".n .n .n .n", "ab", steps, room); /* another type is another row */
    ck_assert_uint_eq(path_run(steps, count), 1);
}
END_TEST

START_TEST(one_more)
{
    struct path_step steps[MOST];
    struct text_buffer text = {0};
    struct error err;
    char room[1024];
    struct path path = {.start = "app.head", .steps = steps, .started = 1};
    path.step_count = steps_of(".head .n .n .n .n", "a", steps, room);
    ck_assert(path_runs_longer(&path, ".n", &text, &err));
    ck_assert_str_eq(text_buffer_text(&text), "app.head(.n)×5");
    text_buffer_clear(&text);
    path.step_count = 1;
    ck_assert(path_runs_longer(&path, ".n", &text, &err));
    ck_assert_str_eq(text_buffer_text(&text), "app.head.n");
    text_buffer_free(&text);
}
END_TEST

static void check_expanded(const char *text, const char *wanted)
{
    struct text_buffer to = {0};
    bool any = path_runs_expand(text, &to);
    ck_assert_msg(any == (wanted != NULL), "%s", text);
    if (any)
        ck_assert_str_eq(text_buffer_text(&to), wanted);
    text_buffer_free(&to);
}

START_TEST(expanded)
{
    check_expanded("app.a.next", NULL);
    check_expanded("app.a(.n)×4", "app.a.n.n.n.n");
    check_expanded("app.a(.n[0])×2.b(.c)×1 ", "app.a.n[0].n[0].b.c ");
    check_expanded("l: g -> (+0x0 ->)×4 +0x8 ->", "l: g -> +0x0 -> +0x0 -> +0x0 -> +0x0 -> +0x8 ->");
    check_expanded("t f() +0x8 (f.c:8) -> (+0x8 -> +0x0 ->)×2",
                   "t f() +0x8 (f.c:8) -> +0x8 -> +0x0 -> +0x8 -> +0x0 ->");
    check_expanded("app.a['(.n)×4']", NULL);
    check_expanded("app.a(['(.n)×4'])×2", "app.a['(.n)×4']['(.n)×4']");
    check_expanded("app.a(['\\')×3'])×2", "app.a['\\')×3']['\\')×3']");
    check_expanded("app.a(.n)×", NULL);
    check_expanded("app.a(.n)×0", NULL);
    check_expanded("app.a(.n)×99 999 999 999 999 999 999 999", NULL);
    check_expanded("app.a(.n)×60 000 000", NULL);
    check_expanded("(", NULL);
    check_expanded(")×4", NULL);
    check_expanded("[)×4", NULL);
    struct text_buffer to = {0};
    ck_assert(path_runs_expand("a(.n)×1 002", &to));
    ck_assert_uint_eq(to.length, 1 + 2 * 1002);
    text_buffer_free(&to);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("path_runs");
    TCase *tests = tcase_create("runs");
    tcase_add_test(tests, expressions);
    tcase_add_test(tests, rows);
    tcase_add_test(tests, one_more);
    tcase_add_test(tests, expanded);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
