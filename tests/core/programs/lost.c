/* Loses a list of 1,000 nodes of 50 bytes, says `ready`, waits for a line and dies by SIGABRT. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((noinline)) static void lose(void)
{
    void **head = NULL;
    for (int i = 0; i < 1000; i++) {
        void **node = calloc(1, 50);
        node[0] = head;
        head = node;
    }
    __asm__ volatile("" : : "r"(head) : "memory");
}

__attribute__((noinline)) static void scrub(void)
{
    volatile char space[32768];
    for (size_t i = 0; i < sizeof space; i++)
        space[i] = 0;
}

int main(void)
{
    char line[16];
    setvbuf(stdout, NULL, _IONBF, 0);
    lose();
    scrub();
    printf("ready\n");
    if (read(0, line, sizeof line) < 0)
        return 1;
    abort();
}
