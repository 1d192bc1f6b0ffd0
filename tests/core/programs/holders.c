/* Blocks of which each is held from exactly one kind of place, and blocks that nothing holds. Prints what it
 * has as lines `NAME 0xADDRESS SIZE`, then `ready`, then waits for a line and dies by SIGABRT.
 *
 * Addresses are kept inverted wherever they must not be found again, and what calls leave behind on the stack
 * is overwritten.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { LOST_NODES = 5000, LOST_TREES = 300, FREED = 200, TABLE = 64 };

struct node {
    struct node *next;
    uint64_t payload[6];
};

struct tree {
    struct tree *left, *right;
    char name[64];
};

void *g_cache;
void *g_inside;                      /* points into a block, not at it */
void *g_table[TABLE];                /* g_table[7] */
static void *volatile file_static;   /* .symtab alone knows it */
static void *volatile large;         /* a mapped chunk */
static struct node *volatile g_list; /* held whole, by its head */
static __thread void *volatile t_slot[2];
static __thread char t_space[100];

void library_hold(void *global, void *kept);
void library_hold_in_thread(void *local);

static volatile uint64_t inverted[16]; /* addresses that nothing may be found by */
static pthread_barrier_t barrier;

static void *say(const char *name, void *block, size_t size)
{
    printf("%s %p %zu\n", name, block, size);
    return block;
}

__attribute__((noinline)) static void scrub(void)
{
    volatile char space[32768];
    for (size_t i = 0; i < sizeof space; i++)
        space[i] = 0;
}

__attribute__((noinline)) static void hold_in_function(void *block)
{
    static void *volatile kept_by_function;
    if (kept_by_function == NULL)
        kept_by_function = block;
}

__attribute__((noinline)) static void make_held(void)
{
    g_cache = say("global", malloc(100), 100);
    g_inside = (char *)say("interior", malloc(4000), 4000) + 1000;
    g_table[7] = say("table", malloc(56), 56);
    file_static = say("static", calloc(1, 200), 200);
    hold_in_function(say("function", calloc(1, 72), 72));
    large = say("mapped", calloc(1, 3 << 20), 3 << 20);
    library_hold(say("library_global", malloc(333), 333), say("library_static", malloc(334), 334));
    void **page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[100] = say("mapping", malloc(444), 444);
    printf("page %p 8192\n", (void *)page);
    void **alone = malloc(48); /* held by what the mapped chunk holds at its far end */
    memset(alone, 0, 48);
    alone[2] = say("second", malloc(555), 555);
    memset(alone[2], 0, 555);
    ((void **)(void *)large)[300000] = say("first", alone, 48);
    for (int i = 0; i < 1000; i++) {
        struct node *n = calloc(1, sizeof *n);
        n->next = g_list;
        g_list = n;
    }
}

/* Chains and pairs that nothing holds. */
__attribute__((noinline)) static void make_lost(void)
{
    struct node *head = NULL;
    for (int i = 0; i < LOST_NODES; i++) {
        struct node *n = calloc(1, sizeof *n);
        n->next = head;
        head = n;
    }
    printf("lost_head %p %zu\n", (void *)head, sizeof *head);
    for (int i = 0; i < LOST_TREES; i++) {
        struct tree *t = calloc(1, sizeof *t);
        t->left = calloc(1, sizeof *t);
        t->right = calloc(1, sizeof *t);
        t->left->left = t->right; /* held twice within the leak */
    }
    struct node *ring = calloc(1, 1000);
    ring->next = ring; /* a ring has no head */
    printf("lost_ring %p 1000\n", (void *)ring);
    printf("lost nodes %d %zu\nlost trees %d %zu\n", LOST_NODES, sizeof(struct node), 3 * LOST_TREES,
           sizeof(struct tree));
}

/* Freed blocks, whose pointers stay behind in freed blocks and in the caches: they are not leaked. */
__attribute__((noinline)) static void make_freed(void)
{
    void *blocks[FREED];
    for (int i = 0; i < FREED; i++)
        blocks[i] = malloc(24 + (size_t)(i % 20) * 16);
    for (int i = 0; i < FREED; i++)
        free(blocks[i]);
    memset((void *)blocks, 0, sizeof blocks);
    __asm__ volatile("" : : "r"(blocks) : "memory");
}

/* Holds a block in a variable of its own, on the stack. */
__attribute__((noinline)) static void worker(size_t size)
{
    void *volatile mine[4] = {NULL, NULL, malloc(size), NULL};
    printf("stack %p %zu\n", mine[2], size);
    fflush(stdout);
    scrub();
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
    free(mine[2]);
}

static void *run_worker(void *unused)
{
    (void)unused;
    t_slot[1] = say("thread_local", malloc(222), 222);
    t_space[0] = 1;
    library_hold_in_thread(say("library_local", malloc(223), 223));
    /* the same library once more, opened late: its thread-local memory is a block of malloc */
    void *plugin = dlopen("libholders_plugin.so", RTLD_NOW);
    void (*hold)(void *) = plugin != NULL ? (void (*)(void *))dlsym(plugin, "library_hold_in_thread") : NULL;
    if (hold != NULL)
        hold(say("plugin_local", malloc(224), 224));
    scrub();
    worker(611);
    return NULL;
}

/* In a register and nowhere else. */
static void *run_register(void *unused)
{
    (void)unused;
    void *block = malloc(712);
    printf("register %p 712\n", block);
    fflush(stdout);
    inverted[0] = ~(uint64_t)(uintptr_t)block;
    block = NULL;
    scrub();
    pthread_barrier_wait(&barrier);
    __asm__ volatile(
        "mov %0, %%rbx\n\tnot %%rbx\n\txor %%eax, %%eax\n\txor %%ecx, %%ecx\n\txor %%edx, %%edx\n"
        "1:\tpause\n\tjmp 1b"
        :
        : "r"(inverted[0])
        : "rbx", "rax", "rcx", "rdx");
    return NULL;
}

/* On a stack of its own making, a block of malloc. */
static ucontext_t outside, inside;

__attribute__((noinline)) static void on_own_stack(void)
{
    void *volatile mine[4] = {NULL, malloc(914), NULL, NULL};
    printf("coroutine %p 914\n", mine[1]);
    memset(&inside, 0, sizeof inside); /* else they hold the stack */
    memset(&outside, 0, sizeof outside);
    scrub();
    pthread_barrier_wait(&barrier);
    for (;;)
        pause();
    free(mine[1]);
}

static void *run_coroutine(void *unused)
{
    (void)unused;
    getcontext(&inside);
    inside.uc_stack.ss_size = 200000;
    inside.uc_stack.ss_sp = malloc(inside.uc_stack.ss_size);
    inside.uc_link = &outside;
    makecontext(&inside, on_own_stack, 0);
    swapcontext(&outside, &inside);
    return NULL;
}

/* Ends, and leaves its stack to the C library's store of stacks. */
static void *run_short(void *unused)
{
    void *volatile last[64];
    (void)unused;
    for (int i = 0; i < 64; i++)
        last[i] = NULL;
    last[40] = say("dead", malloc(813), 813);
    __asm__ volatile("" : : "r"(last) : "memory");
    fflush(stdout);
    return NULL;
}

int main(void)
{
    pthread_t short_one, one, two, three;
    char line[16];
    setvbuf(stdout, NULL, _IONBF, 0);
    pthread_barrier_init(&barrier, NULL, 4);
    pthread_create(&short_one, NULL, run_short, NULL);
    pthread_create(&one, NULL, run_worker, NULL);
    pthread_create(&two, NULL, run_register, NULL);
    pthread_create(&three, NULL, run_coroutine, NULL);
    pthread_join(short_one, NULL);
    make_held();
    make_lost();
    make_freed();
    scrub();
    pthread_barrier_wait(&barrier);
    usleep(50000);
    printf("ready\n");
    if (read(0, line, sizeof line) < 0)
        return 1;
    abort();
}
