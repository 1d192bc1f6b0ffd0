#include "lib/query/condition.h"

#include "lib/query/diff.h"
#include "lib/query/growth.h"
#include "tests/support/support.h"

static struct error err;

static const struct diff_row row = {.type = "app.Session",
                                    .expression = "app._CACHE[*]",
                                    .old_count = 10,
                                    .new_count = 15,
                                    .delta_count = 5,
                                    .old_shallow = 2048,
                                    .new_shallow = 1024,
                                    .delta_shallow = -1024,
                                    .added = 7,
                                    .removed = 2};

static const struct {
    const char *text;
    bool holds;
} cases[] = {{"type=app.Session", true},
             {"type=app.Sess*", true},
             {"type==app.Session", true},
             {"type!=app.Session", false},
             {"type=other", false},
             {"type~Sess", true},
             {"type~^Sess", false},
             {"delta_count>0", true},
             {"delta_count>5", false},
             {"delta_count>=5", true},
             {"delta_count<5", false},
             {"delta_count<=5", true},
             {"delta_count=5", true},
             {"delta_count!=5", false},
             {"delta_shallow<-1000", true},
             {"delta_shallow=-1k", false},
             {"delta_shallow=-1KiB", true},
             {"old_shallow=2KiB", true},
             {"old_count=10,new_count=15,added=7,removed=2,new_shallow=1024", true},
             {"type=app.Session,delta_count>0", true},
             {"type=app.Session,delta_count>5", false},
             {"expression~^app", true}};

START_TEST(compares)
{
    struct condition *condition = condition_create(cases[_i].text, diff_columns(DIFF_PATH), &err);
    ck_assert_ok(condition, &err);
    ck_assert_msg(condition_holds(condition, &row) == cases[_i].holds, "%s", cases[_i].text);
    condition_destroy(condition);
}
END_TEST

static const struct {
    const char *text, *part;
} bad[] = {{"", "no comparison"},
           {"delta_count", "no comparison"},
           {">5", "no comparison"},
           {"delta_count>", "is no number"},
           {"delta_count>x", "is no number"},
           {"delta_count>5x", "is no number"},
           {"delta>5", "no column 'delta': there is type, old_count"},
           {"type>5", "is text"},
           {"delta_count~5", "is a number"},
           {"type~(", "regular expression"},
           {"type=a,", "no comparison"},
           {"type=a,delta>1", "no column"},
           {"expression=x", "no column"}};

START_TEST(refuses)
{
    ck_assert_ptr_null(condition_create(bad[_i].text, diff_columns(DIFF_TYPE), &err));
    ck_assert_error(&err, ERROR_USAGE, bad[_i].part);
}
END_TEST

START_TEST(growth_rows_have_columns)
{
    uint64_t counts[] = {1, 2, 5}, shallow[] = {100, 200, 50};
    struct growth_row grown = {.name = "app.T",
                               .counts = counts,
                               .shallow = shallow,
                               .heap_count = 3,
                               .every_step = true,
                               .per_step = 2};
    static const char text[] =
        "type=app.T,first_count=1,last_count=5,delta_count=4,first_shallow=100,last_shallow=50,"
        "delta_shallow=-50,every_step=1,per_step=2";
    struct condition *condition = condition_create(text, growth_columns(GROWTH_TYPE), &err);
    ck_assert_ok(condition, &err);
    ck_assert(condition_holds(condition, &grown));
    counts[0] = 2;
    ck_assert(!condition_holds(condition, &grown));
    condition_destroy(condition);
    condition = condition_create("expression=app.T", growth_columns(GROWTH_PATH), &err);
    ck_assert_ok(condition, &err);
    ck_assert(condition_holds(condition, &grown));
    condition_destroy(condition);
}
END_TEST

/* Types can have commas in their names; a comma counts where a comparison follows. */
START_TEST(commas_in_names)
{
    struct diff_row odd = row;
    odd.type = "app.T[int,str]";
    struct condition *condition =
        condition_create("type=app.T[int,str],delta_count>0", diff_columns(DIFF_TYPE), &err);
    ck_assert_ok(condition, &err);
    ck_assert(condition_holds(condition, &odd));
    condition_destroy(condition);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("condition");
    TCase *tc = tcase_create("all");
    tcase_add_loop_test(tc, compares, 0, sizeof cases / sizeof *cases);
    tcase_add_loop_test(tc, refuses, 0, sizeof bad / sizeof *bad);
    tcase_add_test(tc, growth_rows_have_columns);
    tcase_add_test(tc, commas_in_names);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
