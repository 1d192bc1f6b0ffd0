/* core_heap KIND COUNT [wait] -- builds a heap for tests/bench/core.py and dies of SIGABRT, or waits for a
 * line.
 *
 * - chain: COUNT chunks of 24 to 56 bytes; each holds the address of an earlier one, most of a near one
 * - mixed: chunks of 16 bytes to 8 KiB, most small, most bytes in large ones; 2.4 % of the words are pointers
 * - dense: chunks of 24 to 120 bytes whose words are pointers to random others, three in four
 *
 * Prints `chunks N` and `bytes N` (usable ones). A tenth of the chunks is freed again, so that there are
 * holes.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void **g_all; /* in its own block: everything is reachable */

static uint64_t state = 88172645463325252u;

static uint64_t random_word(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t size_of(const char *kind)
{
    uint64_t r = random_word();
    if (kind[0] == 'c')
        return 24 + r % 3 * 16;
    if (kind[0] == 'd')
        return 24 + r % 7 * 16;
    if (r % 100 < 80)
        return 16 + (r >> 32) % 240;
    return r % 100 < 97 ? 256 + (r >> 32) % 1500 : 2000 + (r >> 32) % 6200;
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "chain";
    size_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 2000000, kept = 0, bytes = 0;
    g_all = calloc(count, sizeof *g_all);
    if (!g_all)
        return 1;
    for (size_t i = 0; i < count; i++) {
        if (!(g_all[i] = malloc(size_of(kind))))
            return 1;
    }
    for (size_t i = 0; i < count; i++) {
        if (random_word() % 10 == 0) {
            free(g_all[i]);
            g_all[i] = NULL;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!g_all[i])
            continue;
        size_t usable = malloc_usable_size(g_all[i]), words = usable / 8;
        uint64_t *block = g_all[i];
        kept++;
        bytes += usable;
        for (size_t k = 0; k < words; k++) {
            size_t other = kind[0] == 'd' ? random_word() % count : i >= 64 ? i - random_word() % 64 : 0;
            if (kind[0] == 'd' ? random_word() % 4 != 0 : kind[0] == 'm' ? random_word() % 1000 < 24 : k == 0)
                block[k] = (uint64_t)(uintptr_t)g_all[other];
            else
                block[k] = kind[0] == 'm' && k % 2 ? 0x2020202020202020u + random_word() % 1000
                                                   : random_word() % 4096;
        }
    }
    printf("chunks %zu\nbytes %zu\nready\n", kept + 1, bytes + malloc_usable_size(g_all));
    fflush(stdout);
    if (argc > 3) {
        char line[16];
        while (fgets(line, sizeof line, stdin)) /* goes on as soon as it may */
            puts("alive"), fflush(stdout);
        return 0;
    }
    abort();
}
