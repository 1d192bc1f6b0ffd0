/* Maps ten thousand pages that cannot merge, half of them of a file, and dies. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void **g_kept;

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 10000, fd = open(argv[0], O_RDONLY);
    g_kept = calloc((size_t)count, sizeof *g_kept);
    for (int i = 0; i < count; i++) {
        int access = i % 2 ? PROT_READ | PROT_WRITE : PROT_READ;
        char *page = i % 4 < 2 ? mmap(NULL, 4096, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                               : mmap(NULL, 4096, access, MAP_PRIVATE, fd, i % 4 == 2 ? 0 : 4096);
        if (page == MAP_FAILED)
            return 1;
        g_kept[i] = malloc(40);
        if (i % 4 == 1)
            *(void **)page = malloc(72); /* held by a mapping only */
    }
    printf("ready\n");
    fflush(stdout);
    abort();
}
