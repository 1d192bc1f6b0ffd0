/* kept 0|1|2|3: a hundred blocks that only a table in a mapping of the program's own holds, in a place that
 * is easily taken for something else; then it dies. 0  the table cannot be written to any more 1  beside the
 * stack that the handler of the last signal runs on, in the same mapping 2  in front of a structure that
 * points to itself, as a thread's record does 3  beside the stack of the coroutine that runs, in the same
 * mapping */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { SIZE = 64 << 10, BLOCKS = 100 };

static void *map(void)
{
    return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void **table(void)
{
    void **t = map();
    for (int i = 0; i < BLOCKS; i++)
        memset(t[i] = malloc(1000), 0, 1000);
    return t;
}

static void die(int number)
{
    (void)number;
    abort();
}

static ucontext_t of_main, of_coroutine;

static void coroutine(void)
{
    abort();
}

static void prepare(int what)
{
    if (what == 3) {
        getcontext(&of_coroutine);
        of_coroutine.uc_stack = (stack_t){.ss_sp = map(), .ss_size = SIZE};
        makecontext(&of_coroutine, coroutine, 0);
    }
    if (what == 1) {
        stack_t other = {.ss_sp = map(), .ss_size = SIZE}; /* the next mapping comes to lie right below it */
        sigaltstack(&other, NULL);
        struct sigaction action = {.sa_handler = die, .sa_flags = SA_ONSTACK};
        sigaction(SIGUSR1, &action, NULL);
    }
    void **t = table();
    if (what == 0)
        mprotect(t, SIZE, PROT_READ);
    if (what == 2) {
        void **self = t + SIZE / 16;
        self[0] = self[2] = self;
    }
}

static __attribute__((noinline)) void clean(void) /* what is left on the stack */
{
    volatile char rest[64 << 10];
    for (size_t i = 0; i < sizeof rest; i++)
        rest[i] = 0;
}

int main(int count, char **arguments)
{
    int what = count > 1 ? atoi(arguments[1]) : 0;
    prepare(what);
    clean();
    if (what == 3)
        swapcontext(&of_main, &of_coroutine);
    raise(what == 1 ? SIGUSR1 : SIGABRT);
}
