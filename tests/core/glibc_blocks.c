/* What glibc_heap_find says of a core, and how that compares with the truth a program has written down:
 *
 *      glibc_blocks CORE [TRUTH]        --print before CORE: every used block, "address size"
 *
 * One "name value" a line. Of the truth (tests/core/programs/malloc_truth.c): live, found; missing (live, not
 * found), small (found, smaller than asked for), inexact (found, not of the size that malloc_usable_size
 * gave), dead (freed, found used), smashed (damaged by the program) and smashed_found, extra (found, none of
 * the program's); coming: allocations under way, each of which may be a block that counts as dead or extra.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "formats/elf/core.h"
#include "formats/glibc/glibc_heap.h"

enum { NONE, LIVE, CHANGING, DEAD, SMASHED, COMING };
struct slot {
    uint64_t address, size, state, usable;
};

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_address(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return x->state < y->state ? -1 : x->state > y->state;
}

static int compare(const struct process_image *image, const struct glibc_heap *heap,
                   struct block_index *index, const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size < 16)
        return 4;
    uint64_t *file = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        return 4;
    uint64_t count = file[1], live = 0, found = 0, missing = 0, small = 0, inexact = 0, dead = 0,
             changing = 0, smashed = 0, smashed_found = 0, known = 0, coming = 0, absent = 0;
    struct slot *slots = (struct slot *)(file + 2);
    qsort(slots, count, sizeof *slots, by_address);
    for (uint64_t i = 0; i < count;) {
        uint64_t address = slots[i].address;
        bool has = address != 0 && block_index_has(index, address), used = false, moving = false, was = false;
        for (; i < count && slots[i].address == address; i++) {
            if (slots[i].state == LIVE || slots[i].state == SMASHED) {
                used = true;
                if (!has && address_space_at(&image->space, address - 16, 32) == NULL) {
                    absent++;
                } else if (slots[i].state == LIVE) {
                    live++;
                    found += has;
                    missing += !has;
                    if (!has && missing <= 10)
                        printf("# missing 0x%" PRIx64 " %" PRIu64 "\n", address, slots[i].size);
                    uint64_t size = has ? glibc_heap_block_size(heap, image, address) : 0;
                    if (has && size < slots[i].size) {
                        small++;
                        printf("# small 0x%" PRIx64 " %" PRIu64 "\n", address, slots[i].size);
                    }
                    if (has && slots[i].usable != 0 && size != slots[i].usable && ++inexact <= 10)
                        printf("# inexact 0x%" PRIx64 " %" PRIu64 " of %" PRIu64 "\n", address, size,
                               slots[i].usable);
                } else {
                    smashed++;
                    smashed_found += has;
                    if (!has)
                        printf("# smashed, not found 0x%" PRIx64 " %" PRIu64 "\n", address, slots[i].size);
                }
            }
            moving |= slots[i].state == CHANGING;
            was |= slots[i].state == DEAD || slots[i].state == COMING;
            coming += slots[i].state == COMING;
        }
        if (address == 0)
            continue;
        changing += moving;
        if (has && !used && !moving && was) {
            dead++;
            if (dead <= 10)
                printf("# dead 0x%" PRIx64 "\n", address);
        }
        known += has && (used || moving || was);
    }
    for (uint64_t at = block_index_next(index, 0); at != 0 && getenv("EXTRA") != NULL;
         at = block_index_next(index, at + 16)) {
        struct slot key = {.address = at};
        bool there = false;
        uint64_t low = 0, high = count;
        while (low < high) {
            uint64_t middle = low + (high - low) / 2;
            if (slots[middle].address < key.address)
                low = middle + 1;
            else
                high = middle;
        }
        there = low < count && slots[low].address == at;
        if (!there)
            printf("# extra 0x%" PRIx64 " %" PRIu64 "\n", at, glibc_heap_block_size(heap, image, at));
    }
    printf("live %" PRIu64 "\nfound %" PRIu64 "\nmissing %" PRIu64 "\nsmall %" PRIu64 "\ninexact %" PRIu64
           "\ndead %" PRIu64 "\nabsent %" PRIu64 "\nchanging %" PRIu64 "\ncoming %" PRIu64
           "\nsmashed %" PRIu64 "\nsmashed_found %" PRIu64 "\nextra %" PRIu64 "\n",
           live, found, missing, small, inexact, dead, absent, changing, coming, smashed, smashed_found,
           index->count - known);
    close(fd);
    return 0;
}

int main(int count, char **arguments)
{
    bool print = count > 1 && strcmp(arguments[1], "--print") == 0;
    if (print)
        count--, arguments++;
    if (count < 2)
        return 2;
    struct error err;
    char text[4096];
    struct core_options options = {.no_files = getenv("NO_FILES") != NULL};
    double start = cpu();
    struct process_image *image = core_open(arguments[1], &options, &err);
    double opened = cpu();
    struct block_index index;
    struct glibc_heap heap;
    if (image == NULL || !block_index_init(&index, &err) || !glibc_heap_find(&heap, image, &index, &err) ||
        !block_index_seal(&index, &err)) {
        fprintf(stderr, "glibc_blocks: %s\n", error_text(&err, text, sizeof text));
        return err.code == ERROR_NONE ? 4 : (int)err.code;
    }
    double walked = cpu();
    static const char *verdicts[] = {"found", "partly", "absent"};
    printf("verdict %s\nallocator %s\nsafe_linking %d\nopen_seconds %.3f\nwalk_seconds %.3f\nblocks %" PRIu32
           "\narenas %zu\nsegments %zu\noverhead %" PRIu64 "\nwarnings %zu\nrepaired %zu\n",
           verdicts[heap.verdict], heap.other_allocator != NULL ? heap.other_allocator : "-",
           heap.safe_linking, opened - start, walked - opened, index.count, heap.arena_count,
           heap.segment_count, heap.overhead, heap.warning_count, heap.repaired_count);
    const struct {
        const char *name;
        struct glibc_bytes bytes;
    } rows[] = {{"used", heap.used},     {"free", heap.free}, {"fastbin", heap.fastbin},
                {"tcache", heap.tcache}, {"top", heap.top},   {"mapped", heap.mapped}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("%s %" PRIu64 " %" PRIu64 "\n", rows[i].name, rows[i].bytes.count, rows[i].bytes.bytes);
    uint64_t differs = 0, covered = 0;
    for (size_t i = 0; i < heap.check_count; i++) {
        const struct glibc_check *c = &heap.checks[i];
        differs += c->known && !c->agrees;
        if (!c->agrees)
            printf("# check %s: expected %" PRIu64 ", found %" PRIu64 "%s\n", c->name, c->expected, c->found,
                   c->known ? "" : " (not known)");
    }
    uint64_t behind = 0, overlaps = 0;
    for (size_t i = 0; i < heap.segment_count; i++) {
        const struct glibc_segment *g = &heap.segments[i];
        if (getenv("SEGMENTS") != NULL)
            printf("# segment 0x%" PRIx64 " 0x%" PRIx64 " arena %d\n", g->start, g->end, (int)g->arena);
        overlaps += g->start < behind;
        behind = g->end;
        covered += g->end - g->start;
    }
    if (overlaps > 0)
        printf("overlaps %" PRIu64 "\n", overlaps);
    printf("checks %zu\nchecks_differ %" PRIu64 "\ncovered %" PRIu64 "\n", heap.check_count, differs,
           covered);
    for (size_t i = 0; i < heap.warning_count; i++)
        printf("# warning: %s\n", heap.warnings[i]);
    if (heap.used.count != index.count)
        printf("# used.count is not the index's count\nmiscounted 1\n");
    for (uint64_t at = block_index_next(&index, 0); print && at != 0; at = block_index_next(&index, at + 16))
        printf("0x%" PRIx64 " %" PRIu64 "\n", at, glibc_heap_block_size(&heap, image, at));
    int status = count > 2 ? compare(image, &heap, &index, arguments[2]) : 0;
    glibc_heap_free(&heap);
    block_index_deinit(&index);
    process_image_free(image);
    return status;
}
