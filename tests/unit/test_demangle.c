#include "lib/base/demangle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/support/support.h"

static void becomes(const char *mangled, const char *plain)
{
    char *found = demangle(mangled);
    if (plain == NULL)
        ck_assert_ptr_null(found);
    else
        ck_assert_str_eq(found, plain);
    free(found);
}

START_TEST(names)
{
    becomes("_ZN4shop5OrderC2Ev", "shop::Order::Order()");
    becomes("_ZTVN4shop5OrderE", "vtable for shop::Order");
    becomes("N4shop5OrderE", "shop::Order");
    becomes("St6vectorIN4shop5OrderESaIS1_EE", "std::vector<shop::Order, std::allocator<shop::Order> >");
    becomes("main.c", NULL);
    becomes("", NULL);
}
END_TEST

/* P<P<A, A>, P<A, A>> and so on: each level is twice the one below it. */
static void put_bomb(char *to, int levels)
{
    to += sprintf(to, "1PI");
    for (int i = 1; i < levels; i++)
        to += sprintf(to, "S_I");
    to += sprintf(to, "1AS0_E");
    for (int i = 2; i <= levels; i++)
        to += sprintf(to, "S%c_E", i <= 10 ? '0' + i - 1 : 'A' + i - 11);
}

START_TEST(no_bombs)
{
    char name[512];
    put_bomb(name, 3);
    becomes(name, "P<P<P<A, A>, P<A, A> >, P<P<A, A>, P<A, A> > >");
    put_bomb(name, 34);
    becomes(name, NULL);
    put_bomb(name, 12);
    clock_t start = clock();
    for (int i = 0; i < 100000; i++) /* of those that are only large, a few */
        free(demangle(name));
    ck_assert_int_lt((clock() - start) / CLOCKS_PER_SEC, 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("demangle");
    TCase *tests = tcase_create("demangle");
    tcase_add_test(tests, names);
    tcase_add_test(tests, no_bombs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
