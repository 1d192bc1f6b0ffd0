/* A small native program with a truth: a table of orders in a global, a cache in a library-like static, a
 * queue held by a thread's stack only, a leaked list. It prints what it has, and then dies, or waits for
 * lines.
 *
 *     shop [ORDERS] [wait]
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct item {
    struct item *next;
    char *name;
    long price;
};

struct order {
    struct item *items;
    struct order *parent;
    char note[40];
};

struct table {
    struct order **orders;
    long count;
    void *hidden;
};

struct table *g_table;
static struct item *leaked; /* emptied at the end */

static struct item *new_item(struct item *next, int number)
{
    struct item *item = malloc(sizeof *item);
    item->next = next;
    item->name = malloc(100);
    item->price = number;
    snprintf(item->name, 100, "item number %d", number);
    return item;
}

static struct order *new_order(int number)
{
    struct order *order = calloc(1, sizeof *order);
    snprintf(order->note, sizeof order->note, "order %d", number);
    for (int i = 0; i < 3; i++)
        order->items = new_item(order->items, number * 3 + i);
    return order;
}

static pthread_barrier_t ready;

__attribute__((noinline)) static void serve(void *volatile queue)
{
    memset((void *)queue, 'q', 777);
    printf("queue %p\n", (void *)queue);
    fflush(stdout);
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
}

static void *worker(void *unused)
{
    (void)unused;
    serve(malloc(777));
    return NULL;
}

__attribute__((noinline)) static void leak(int count)
{
    for (int i = 0; i < count; i++)
        leaked = new_item(leaked, i);
    leaked = NULL;
}

__attribute__((noinline)) static long wipe(void) /* words that a finished call left on the stack */
{
    volatile char space[4096];
    memset((void *)space, 0, sizeof space);
    return space[17];
}

__attribute__((noinline)) static void build(int count)
{
    g_table = calloc(1, sizeof *g_table);
    g_table->count = count;
    g_table->orders = calloc((size_t)count, sizeof *g_table->orders);
    for (int i = 0; i < count; i++)
        g_table->orders[i] = new_order(i);
}

__attribute__((noinline)) static void die_here(int how)
{
    if (how)
        *(volatile int *)0x18 = 1;
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 1000;
    build(count);
    leak(500);
    pthread_barrier_init(&ready, NULL, 2);
    pthread_t thread;
    pthread_attr_t attributes; /* a small stack: a small core */
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 << 10);
    pthread_create(&thread, &attributes, worker, NULL);
    pthread_barrier_wait(&ready);
    printf("table %p\norders %p\nfirst %p\nname %p\n", (void *)g_table, (void *)g_table->orders,
           (void *)g_table->orders[0], (void *)g_table->orders[count - 1]->items->name);
    printf("ready\n");
    fflush(stdout);
    wipe();
    if (argc > 2) {
        char line[100];
        while (fgets(line, sizeof line, stdin)) {
            int more = atoi(line);
            struct order **orders =
                realloc(g_table->orders, (size_t)(g_table->count + more) * sizeof *orders);
            for (int i = 0; i < more; i++)
                orders[g_table->count + i] = new_order((int)g_table->count + i);
            g_table->orders = orders;
            g_table->count += more;
            printf("done %ld\n", g_table->count);
            fflush(stdout);
        }
        return 0;
    }
    die_here(1);
    return 0;
}
