/* stacks list|overflow|thread|frame|null|recursion|wait|code|damage: a list of 100 000 blocks that g_list
 * holds, and a way to end.
 *
 * - list: abort()
 * - overflow: recursion until the stack is full; thread: the same on the stack of another thread
 * - frame: a local variable larger than the stack
 * - null: a store through a null pointer; code: a jump to the stack
 * - recursion: abort() below 4 999 calls of one place
 * - wait: six threads wait; it says `ready`
 * - damage: abort() when the head of a chunk is overwritten; it says where
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NODES = 100000, THREADS = 6, CALLS = 4999 };

struct node {
    struct node *next;
    long number;
};
struct node *g_list;

__attribute__((noinline)) static int deeper(int n)
{
    volatile char room[200];
    memset((void *)room, n, sizeof room);
    return n == 0 ? (abort(), 0) : deeper(n - 1) + room[3];
}

static void *overflow(void *unused)
{
    deeper(-1);
    return unused;
}

__attribute__((noinline)) static int large(size_t size)
{
    volatile char room[size];
    room[0] = 1;
    room[size / 2] = 1;
    return room[0];
}

static void *waits(void *unused)
{
    for (;;)
        pause();
    return unused;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "list";
    pthread_t thread;
    for (long i = 0; i < NODES; i++) {
        struct node *n = malloc(sizeof *n);
        *n = (struct node){g_list, i};
        g_list = n;
    }
    if (strcmp(how, "overflow") == 0)
        overflow(NULL);
    if (strcmp(how, "frame") == 0)
        return large(12u << 20);
    if (strcmp(how, "null") == 0)
        *(volatile int *)argv[argc] = 1;
    if (strcmp(how, "recursion") == 0)
        return deeper(CALLS - 1);
    if (strcmp(how, "code") == 0) {
        unsigned char room[64] = {0xc3};
        ((void (*)(void))room)();
    }
    if (strcmp(how, "thread") == 0) {
        pthread_create(&thread, NULL, overflow, NULL);
        pthread_join(thread, NULL);
    }
    if (strcmp(how, "damage") == 0) {
        char *first = malloc(100), *second = malloc(100);
        memset(first, 0x41, (size_t)(second - first)); /* both words of the head */
        printf("%p\n", (void *)(second - 16));
        fflush(stdout);
    }
    if (strcmp(how, "wait") == 0) {
        for (int i = 0; i < THREADS; i++)
            pthread_create(&thread, NULL, waits, NULL);
        puts("ready");
        fflush(stdout);
        waits(NULL);
    }
    abort();
}
