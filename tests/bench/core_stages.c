/* core_stages CORE -- CPU seconds of each stage from a core to an answer, and of a plain sum over the same
 * memory, as lines `name value`.
 *
 * core_stages copy BYTES -- wall seconds of copying that many bytes from one touched buffer to another: what
 * no pause can be shorter than.
 *
 * The stages are those that extract() itself reports. The sum reads every present word of the writable
 * regions once, in order: what no scan can be faster than.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "formats/elf/core.h"
#include "formats/extract/extraction.h"
#include "formats/snapshot/snapshot_reader.h"
#include "lib/query/histogram.h"

static double cpu(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static double began, stage_began;
static char stage_name[40];

static void close_stage(void)
{
    double now = cpu();
    if (stage_name[0])
        printf("stage_%s %.4f\n", stage_name, now - stage_began);
    stage_name[0] = 0;
    stage_began = now;
}

static void at_stage(void *context, const char *stage, uint64_t done, uint64_t total)
{
    (void)context, (void)done, (void)total;
    if (strcmp(stage, stage_name) == 0)
        return;
    close_stage();
    snprintf(stage_name, sizeof stage_name, "%s", stage);
}

static uint64_t sum(const struct address_space *space, uint64_t *bytes)
{
    uint64_t all = 0;
    *bytes = 0;
    for (size_t i = 0; i < space->region_count; i++) {
        const struct memory_region *r = &space->regions[i];
        if (!(r->access & MEMORY_WRITE) || r->data == NULL)
            continue;
        for (uint64_t at = 0; at + 8 <= r->present; at += 8) {
            uint64_t word;
            memcpy(&word, r->data + at, 8);
            all += word;
        }
        *bytes += r->present;
    }
    return all;
}

/* The scan alone, as extraction does it: every word of every block tested, candidates resolved to blocks in
 * batches, and nothing written. */
static void scan(const struct process_image *image, struct error *err)
{
    struct extract_options options = {.pause_seconds = -1};
    struct extraction *x = calloc(1, sizeof *x);
    if (!x)
        return;
    *x = (struct extraction){.image = image, .space = &image->space, .options = &options, .err = err};
    if (!block_index_init(&x->index, err) || !glibc_heap_find(&x->heap, image, &x->index, err) ||
        !block_index_seal(&x->index, err) || !batch_init(&x->batch, err))
        return;
    x->lowest = x->index.lowest;
    x->span = x->space->regions[x->space->region_count - 1].end - x->lowest;
    if (x->span >> 47)
        x->span = (UINT64_C(1) << 47) - 1 - x->lowest;
    double start = cpu();
    uint64_t bytes = 0, candidates = 0;
    struct batch *b = &x->batch;
    for (uint32_t i = 0; i < x->index.slab_count - BLOCK_SLAB_FIRST; i++) {
        uint64_t mib = x->index.keys[x->index.order[i]];
        for (uint64_t at = mib << 20; at >> 20 == mib; at += 1024) {
            for (uint64_t starts = block_index_record(&x->index, at)->starts; starts; starts &= starts - 1) {
                uint64_t address = at + 16 * (uint64_t)__builtin_ctzll(starts),
                         size = extraction_block_size(x, address);
                bytes += size;
                for (uint64_t from = 0; from + 8 <= size;) {
                    from = batch_scan(x, address, from, size);
                    if (b->count < BATCH_WORDS && from + 8 > size)
                        break;
                    batch_resolve(x);
                    candidates += b->count;
                    batch_empty(b);
                }
            }
        }
    }
    printf("scan %.4f\nscan_bytes %llu\nscan_candidates %llu\n", cpu() - start, (unsigned long long)bytes,
           (unsigned long long)candidates);
    batch_free(b);
    glibc_heap_free(&x->heap);
    block_index_deinit(&x->index);
    free(x);
}

static int copy(size_t size)
{
    char *from = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    char *to = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (from == MAP_FAILED || to == MAP_FAILED)
        return 1;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    memcpy(to, from, size);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("copy %.4f\n", (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9 +
                              (to[size / 2] != 0));
    return 0;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    struct core_options options = {0};
    if (argc == 3)
        return copy(strtoull(argv[2], NULL, 10));
    if (argc != 2)
        return 2;
    began = cpu();
    struct process_image *image = core_open(argv[1], &options, &err);
    printf("open %.4f\n", cpu() - began);
    int fd = memfd_create("bench", MFD_CLOEXEC);
    struct extract_options as = {.fd = fd, .value_bytes = 64, .pause_seconds = -1, .progress = at_stage};
    if (!image || !extract(image, &as, &err)) {
        fprintf(stderr, "core_stages: %s\n", err.message);
        return 1;
    }
    close_stage();
    double extracted = cpu();
    printf("extract %.4f\n", extracted - began);
    uint64_t bytes, total = sum(&image->space, &bytes);
    double first = cpu();
    total += sum(&image->space, &bytes);
    total += sum(&image->space, &bytes);
    printf("sum %.4f\nsum_bytes %llu\nsum_word %llu\n", (cpu() - first) / 2, (unsigned long long)bytes,
           (unsigned long long)total);
    scan(image, &err);
    process_image_free(image);
    struct stat status;
    fstat(fd, &status);
    printf("snapshot_bytes %lld\n", (long long)status.st_size);
    double before = cpu();
    struct heap *heap = snapshot_open_fd(fd, argv[1], &err);
    printf("read %.4f\n", cpu() - before);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    struct histogram histogram;
    before = cpu();
    if (!view ||
        !histogram_create(&histogram, view, &(struct histogram_options){.sort = HISTOGRAM_BY_SHALLOW}, &err))
        return 1;
    printf("histogram %.4f\nobjects %u\nedges %llu\n", cpu() - before, heap->object_count,
           (unsigned long long)heap->edges.item_count);
    histogram_free(&histogram);
    view_destroy(view);
    heap_destroy(heap);
    return 0;
}
