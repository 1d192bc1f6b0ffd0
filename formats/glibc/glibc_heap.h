/* glibc_heap.h -- every block of glibc's malloc in a process image: arenas, heaps, mapped chunks, free lists.
 *
 * Works from memory alone; symbols are used where there are any. Layouts of glibc 2.27 to 2.43
 * (malloc/malloc.c and malloc/arena.c of those tags), recognised from the data, not from a version. Addresses
 * of blocks are user pointers (chunk + 16), which are multiples of 16.
 */
#ifndef HELDBY_GLIBC_HEAP_H
#define HELDBY_GLIBC_HEAP_H

#include "formats/memory/block_index.h"
#include "formats/memory/process_image.h"

enum glibc_verdict {
    GLIBC_FOUND,
    GLIBC_PARTLY, /* some structures are missing (a cut core): what could be found was */
    GLIBC_ABSENT, /* no glibc malloc in use */
};

struct glibc_bytes {
    uint64_t count, bytes; /* bytes: whole chunks, headers included */
};

struct glibc_range {
    uint64_t start, end; /* end exclusive */
};

struct glibc_segment {   /* a run of chunks, next to each other */
    uint64_t start, end; /* of chunk headers; end exclusive */
    uint32_t arena;      /* index into arenas; UINT32_MAX: one mapped chunk */
    bool damaged;        /* resynchronised at least once */
};

struct glibc_arena {
    uint64_t address;                 /* of its malloc_state; 0: not found (cut core) */
    bool main, contiguous, locked;    /* locked: the process stopped inside malloc */
    uint64_t top, system_mem, walked; /* bytes: as the arena says, as walked (top included) */
};

struct glibc_check { /* one self-check, for info */
    char name[64];   /* "mapped chunks", "arena 0x7f..: bytes", ... */
    uint64_t expected, found;
    bool known, agrees; /* known: the process's own counter could be read */
};

struct glibc_heap {
    enum glibc_verdict verdict;
    struct glibc_arena *arenas;
    size_t arena_count;
    struct glibc_segment *segments; /* by address */
    size_t segment_count;
    struct glibc_bytes used, free, fastbin, tcache, top, mapped; /* mapped: also counted in used */
    uint64_t overhead; /* bytes: fenceposts, heap_info and malloc_state in thread arenas' heaps, damaged
                          stretches */
    bool safe_linking;
    struct glibc_check *checks;
    size_t check_count;
    char **warnings; /* "damaged at 0x...: skipped N bytes", one line each */
    size_t warning_count;
    uint64_t damaged_at;     /* the first place that is damaged; 0: none */
    struct glibc_range *own; /* the allocator's own data, no roots: by address, not overlapping */
    size_t own_count;
    struct glibc_range
        *repaired; /* blocks whose size field is damaged: from the block's address to its end */
    size_t repaired_count;
    const char *other_allocator; /* "jemalloc", "tcmalloc", "mimalloc", "musl": in use as malloc, not walked;
                                    or NULL. What little glibc's own has then is walked all the same */
};

/* Finds and walks everything; adds every used block to `index` (free, fastbin and tcache blocks are not in
 * it). False: no memory. Not finding a heap is no error: see verdict. */
bool glibc_heap_find(struct glibc_heap *ret, const struct process_image *image, struct block_index *index,
                     struct error *err);
void glibc_heap_free(struct glibc_heap *heap);

/* Usable bytes of the used block at `address` (malloc_usable_size: 16 less than the size of a mapped chunk
 * before 2.43, 8 less than another's), as its header says; 0: not readable, or no size at all. */
uint64_t glibc_block_size(const struct process_image *image, uint64_t address);
/* The same, with the sizes of damaged blocks as far as their neighbours tell them. */
uint64_t glibc_heap_block_size(const struct glibc_heap *heap, const struct process_image *image,
                               uint64_t address);
/* Is an address in the allocator's own data (arenas, mp_, tcache structs, heap_info)? These are no roots. */
bool glibc_heap_owns(const struct glibc_heap *heap, uint64_t address);

#endif
