/* Full stacks, told by where the fault and the stack pointer were. */
#include "formats/extract/stack_overflow.h"

#include <signal.h>

#include "tests/support/support.h"

enum { PAGE = 4096 };
#define STACK UINT64_C(0x7ffc00000000)
#define OTHER UINT64_C(0x7ff000000000)

/* A process with a stack of 16 pages, a guard below it if `guard`, and code elsewhere, that died of `number`
 * with this stack pointer and this address. */
static bool full(int number, uint64_t sp, uint64_t address, bool guard)
{
    static uint8_t bytes[16 * PAGE];
    struct image_thread thread = {.tid = 1};
    struct process_image image = {.threads = &thread,
                                  .thread_count = 1,
                                  .signal = number,
                                  .signal_code = SEGV_MAPERR,
                                  .signal_address = address};
    struct error err;
    struct memory_region stack = {.start = STACK,
                                  .end = STACK + sizeof bytes,
                                  .data = bytes,
                                  .present = sizeof bytes,
                                  .access = MEMORY_READ | MEMORY_WRITE,
                                  .mapping = MEMORY_NO_MAPPING},
                         code = {.start = OTHER,
                                 .end = OTHER + PAGE,
                                 .data = bytes,
                                 .present = PAGE,
                                 .access = MEMORY_READ | MEMORY_EXECUTE,
                                 .mapping = 0},
                         below = {.start = STACK - PAGE, .end = STACK, .mapping = MEMORY_NO_MAPPING};
    thread.registers[REGISTER_RSP] = sp;
    address_space_init(&image.space);
    ck_assert_ok(address_space_add(&image.space, &stack, &err), &err);
    ck_assert_ok(address_space_add(&image.space, &code, &err), &err);
    if (guard)
        ck_assert_ok(address_space_add(&image.space, &below, &err), &err);
    ck_assert_ok(address_space_seal(&image.space, &err), &err);
    bool ret = is_stack_overflow(&image);
    address_space_deinit(&image.space);
    return ret;
}

START_TEST(stacks)
{
    for (int guard = 0; guard < 2; guard++) {
        ck_assert(full(SIGSEGV, STACK, STACK - 8, guard));           /* a push at the very end */
        ck_assert(full(SIGSEGV, STACK + 64, STACK - 100, guard));    /* a frame that is not taken yet */
        ck_assert(full(SIGSEGV, STACK - 2048, STACK - 1024, guard)); /* one that is */
        ck_assert(full(SIGSEGV, STACK - (12 << 20), STACK - (6 << 20), guard)); /* a large one */
        ck_assert(!full(SIGSEGV, STACK + 64, 0x18, guard));                     /* a null pointer */
        ck_assert(!full(SIGSEGV, STACK + 64, STACK + 128, guard));       /* the stack itself, as code */
        ck_assert(!full(SIGSEGV, STACK + 64, STACK + 16 * PAGE, guard)); /* behind its upper end */
        ck_assert(!full(SIGSEGV, STACK + 8 * PAGE, STACK - (1 << 20), guard));
        ck_assert(!full(SIGABRT, STACK, STACK - 8, guard));
        ck_assert(!full(SIGSEGV, OTHER - 64, OTHER - 100, guard)); /* what is above is no stack */
        ck_assert(!full(SIGSEGV, 0, 8, guard));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stack_overflow");
    TCase *tests = tcase_create("stacks");
    tcase_add_test(tests, stacks);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
