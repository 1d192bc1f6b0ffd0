/* Any bytes as a snapshot: opening, auditing, details, previews and verify must be safe, and agree with each
 * other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "formats/snapshot/snapshot_reader.h"
#include "formats/snapshot/snapshot_verify.h"
#include "lib/heap/heap_verify.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/encode_snapshot.h"

static void use(struct heap *heap)
{
    struct heap_detail one, all;
    struct heap_preview preview;
    struct error err;
    object_id last = heap->object_count;
    bool had = heap_detail(heap, last, &one);
    expect(heap->complete == (heap->warning_count == 0));
    expect(heap_verify(heap, NULL, NULL, &err) != UINT64_MAX);
    for (object_id id = 1; id <= last; id++) {
        for (uint64_t edge = csr_start(&heap->edges, id); edge < csr_end(&heap->edges, id); edge++)
            expect(heap_reference(heap, id, edge).target <= last);
        heap_container_length(heap, id);
        expect(heap_type_name(heap, id) != NULL);
    }
    if (heap_load_details(heap, &err) && had)
        expect(heap_detail(heap, last, &all) && memcmp(&one, &all, sizeof all) == 0);
    unsigned sum = 0; /* of all text, so that a sanitizer sees it read */
    if (heap_load_previews(heap, &err)) {
        for (object_id id = 1; id <= last; id++) {
            for (uint32_t i = 0; heap_preview(heap, id, &preview) && i < preview.length; i++)
                sum += (unsigned char)preview.text[i];
        }
    }
    expect(sum < UINT32_MAX);
}

/* The first byte says whether checksums are put right, so that mutations get behind them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    if (fd < 0) {
        fd = memfd_create("snapshot", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (size == 0)
        return 0;
    uint8_t *copy = malloc(size);
    expect(copy != NULL);
    memcpy(copy, data, size);
    if (data[0] & 1)
        encode_fix_checksums(copy + 1, size - 1);
    expect(ftruncate(fd, 0) == 0 && pwrite(fd, copy + 1, size - 1, 0) == (ssize_t)(size - 1));
    free(copy);
    struct error err;
    struct snapshot_verdict verdict;
    struct heap *heap = snapshot_open(path, &err);
    expect(snapshot_verify(path, (struct snapshot_faults){0}, &verdict, &err) == (heap != NULL));
    if (!heap)
        return 0;
    expect(verdict.objects == heap->object_count && (heap->complete || verdict.faults > 0));
    use(heap);
    heap_destroy(heap);
    return 0;
}
