/* capture_memory.h -- the capture's own memory: mapped in chunks, zeroed, never returned one by one, all
 * unmapped at the end.
 *
 * No malloc, no giant reservations (they fail under RLIMIT_AS): a chunk is mapped when the last one is full.
 * Failure is sticky and reported by capture_memory_failed; capture_alloc then returns NULL.
 */
#ifndef HELDBY_CAPTURE_MEMORY_H
#define HELDBY_CAPTURE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CAPTURE_CHUNK = 2 << 20, CAPTURE_MAX_CHUNKS = 1 << 16 };

struct capture_memory {
    uint8_t *free, *end; /* of the current chunk */
    struct capture_chunk {
        void *start;
        size_t size;
    } * chunks; /* [CAPTURE_MAX_CHUNKS], mapped */
    uint32_t chunk_count;
    uint64_t total; /* bytes mapped */
    bool failed;
};

bool capture_memory_init(struct capture_memory *m);
void capture_memory_release(struct capture_memory *m);
/* `size` bytes, zeroed, 64-byte aligned; larger than a chunk is fine. NULL: no memory. */
void *capture_alloc(struct capture_memory *m, size_t size);
/* A block of its own, `size` bytes at a 2 MiB boundary where possible, advised to be huge pages. */
void *capture_alloc_huge(struct capture_memory *m, size_t size);
/* Bytes of it that are in memory (touched). */
uint64_t capture_memory_resident(const struct capture_memory *m);

#endif
