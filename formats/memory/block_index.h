/* block_index.h -- which addresses begin a block of memory, and what number each block has: bitmap and rank.
 *
 * A slab is a MiB of address space: 1,024 records of {64 start bits, rank}, each for 1 KiB in granules of 16
 * bytes: 16 bytes per KiB of heap. "Does a block begin here?" is one bit test; the block's number is the rank
 * plus a popcount. Sizes are not stored: the owner of the index says how to read one from memory. (Bitmap and
 * rank: the usual succinct structure; figures in docs/performance.md.)
 *
 * Use: add, cover and remove in any order, then seal, then look up. After seal, these are not allowed until
 * block_index_unseal.
 */
#ifndef HELDBY_BLOCK_INDEX_H
#define HELDBY_BLOCK_INDEX_H

#include "lib/base/error.h"

struct block_record {
    uint64_t starts; /* bit i: a block begins at i * 16 */
    uint32_t rank;   /* blocks before this record, once sealed */
    uint32_t
        back; /* KiB from this record back to the last one before it with a start, once sealed; 0: none */
};

enum {
    BLOCK_SLAB_NONE,    /* no block begins or reaches here */
    BLOCK_SLAB_COVERED, /* no block begins here, one that began before reaches here */
    BLOCK_SLAB_FIRST,   /* the first slab with records of its own; the two above share empty ones */
};

struct block_index {
    uint32_t *slab_of;          /* [2^27] by address >> 20, reserved without commit; 0: none */
    struct block_record *slabs; /* [slab_count * 1024] */
    uint32_t *keys;             /* [slab_count] address >> 20 of each slab */
    uint32_t *order;            /* [slab_count - BLOCK_SLAB_FIRST] slabs by address, once sealed */
    uint32_t slab_count, slab_capacity;
    uint64_t lowest, highest; /* addresses of blocks lie in [lowest, highest] */
    uint32_t count;           /* blocks, once sealed */
    bool sealed;
};

bool block_index_init(struct block_index *index, struct error *err);
void block_index_deinit(struct block_index *index);
/* `address`: a multiple of 16 below 2^47, else ERROR_BAD_INPUT. There already: nothing. */
bool block_index_add(struct block_index *index, uint64_t address, struct error *err);
/* A block reaches from `start` to `end` (exclusive). To be said of every block that does not end in the MiB
 * it begins in: block_index_below looks for blocks only in MiBs that have one. */
void block_index_cover(struct block_index *index, uint64_t start, uint64_t end);
void block_index_remove(struct block_index *index, uint64_t address); /* none there: nothing */
void block_index_remove_range(struct block_index *index, uint64_t start, uint64_t end);
bool block_index_seal(struct block_index *index, struct error *err); /* more than 2^32 - 2 blocks: error */
void block_index_unseal(struct block_index *index);

static inline struct block_record *block_index_record(const struct block_index *index, uint64_t address)
{
    uint32_t slab = address < UINT64_C(1) << 47 ? index->slab_of[address >> 20] : BLOCK_SLAB_NONE;
    return &index->slabs[(uint64_t)slab << 10 | (address >> 10 & 1023)]; /* shared slabs are empty */
}

static inline bool block_index_has(const struct block_index *index, uint64_t address)
{
    return (address & 15) == 0 && block_index_record(index, address)->starts >> (address >> 4 & 63) & 1;
}

/* The number, from 0, of the block that begins at an address; UINT32_MAX: none does. */
static inline uint32_t block_index_number(const struct block_index *index, uint64_t address)
{
    const struct block_record *r = block_index_record(index, address);
    unsigned bit = (unsigned)(address >> 4 & 63);
    if ((address & 15) != 0 || !(r->starts >> bit & 1))
        return UINT32_MAX;
    return r->rank + (uint32_t)__builtin_popcountll(r->starts & ((UINT64_C(1) << bit) - 1));
}

/* The start of the last block at or below an address, 0: none, or none that could reach it. The caller
 * compares with the block's size. Sealed indexes only. */
uint64_t block_index_below(const struct block_index *index, uint64_t address);
/* The first block at or above an address, 0: none. Walking all: next(index, last + 16). Sealed indexes only.
 */
uint64_t block_index_next(const struct block_index *index, uint64_t address);

#endif
