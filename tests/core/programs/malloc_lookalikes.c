/* Blocks of the size of a thread's cache, with pointers to others and small numbers where a cache has its
 * own: no cache must be seen in them, and nothing they point to is free.
 *
 *      malloc_lookalikes FILE        the truth, as malloc_truth writes it */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 30000 };

int main(int count, char **arguments)
{
    static uint64_t file[2 + COUNT * 4];
    FILE *truth = count > 1 ? fopen(arguments[1], "w") : NULL;
    if (truth == NULL)
        return 2;
    file[0] = 0x6874757274;
    file[1] = COUNT;
    srand(7);
    for (int i = 0; i < COUNT; i++) {
        uint64_t size = (uint64_t)(i % 2 == 1 ? 640 + rand() % 130 : rand() % 200);
        uint64_t *block = malloc(size);
        if (block == NULL)
            return 2;
        memset(block, 0, size);
        for (int k = i % 2 == 1 ? rand() % 6 : 0; k > 0; k--)
            block[(uint64_t)rand() % (size / 8)] = file[2 + 4 * (rand() % i)];
        if (i % 4 == 1)
            ((uint16_t *)block)[rand() % 64] = (uint16_t)(1 + rand() % 2);
        file[2 + i * 4] = (uint64_t)block;
        file[3 + i * 4] = size;
        file[4 + i * 4] = 1;
    }
    if (fwrite(file, sizeof file, 1, truth) != 1 || fclose(truth) != 0)
        return 2;
    abort();
}
