/* Two libcs in one process (dlmopen), each with a malloc of its own, used in turn:
 *
 *      malloc_twice FILE        the truth, as malloc_truth writes it */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 6000 };

int main(int count, char **arguments)
{
    static uint64_t file[2 + COUNT * 4];
    void *library = dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW);
    void *(*other)(size_t) = library != NULL ? (void *(*)(size_t))dlsym(library, "malloc") : NULL;
    FILE *truth = count > 1 ? fopen(arguments[1], "w") : NULL;
    if (other == NULL || truth == NULL)
        return 2;
    file[0] = 0x6874757274;
    file[1] = COUNT;
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t size = i % 1000 == 999 ? 300000 : 20 + i % 900;
        void *block = i % 2 == 0 ? malloc(size) : other(size);
        file[2 + i * 4] = (uint64_t)block;
        file[3 + i * 4] = size;
        file[4 + i * 4] = 1;
    }
    if (fwrite(file, sizeof file, 1, truth) != 1 || fclose(truth) != 0)
        return 2;
    abort();
}
