/* address_space.h -- the memory of a dead or frozen process: which addresses have bytes, and where these are.
 *
 * Made once (add regions, then seal), read-only after. A load never faults and never guesses: an address
 * without bytes is NULL. Host addresses have no alignment: segments of a core written by gdb begin at any
 * multiple of 8, so words are loaded by memcpy (address_space_u64), never through a cast pointer.
 *
 *      address ──► page table (two levels, 4 KiB pages) ──► host pointer of that page
 *                  page not wholly inside one region ──► binary search over the regions
 */
#ifndef HELDBY_ADDRESS_SPACE_H
#define HELDBY_ADDRESS_SPACE_H

#include "lib/base/error.h"

#include <string.h>

enum memory_access { MEMORY_READ = 1, MEMORY_WRITE = 2, MEMORY_EXECUTE = 4 };

enum memory_origin {
    MEMORY_DUMPED, /* bytes of the process itself: from the core, or copied from the live process */
    MEMORY_FILLED, /* read-only bytes of a file on disk, put where the process had mapped it */
    MEMORY_ABSENT, /* mapped in the process, no bytes here */
};

#define MEMORY_NO_MAPPING UINT32_MAX

struct memory_region {
    uint64_t start, end; /* end exclusive */
    const uint8_t *data; /* the bytes of start to start + present; NULL if present is 0; borrowed */
    uint64_t present;    /* bytes; less than end - start where a file was cut */
    uint8_t access;      /* enum memory_access, as far as known */
    uint8_t origin;      /* enum memory_origin */
    uint32_t mapping;    /* index into the image's mappings, or MEMORY_NO_MAPPING: anonymous, or not known */
};

struct address_space {
    struct memory_region *regions; /* [region_count], by address, not overlapping once sealed */
    size_t region_count, region_capacity;
    const uint8_t ***pages; /* [2^17] by address >> 30, each [2^18] by page; NULL where nothing lies */
    uint64_t overlaps;      /* bytes given twice: the region added first has won */
};

void address_space_init(struct address_space *space);
void address_space_deinit(struct address_space *space);
bool address_space_add(struct address_space *space, const struct memory_region *region, struct error *err);
/* Sorts, cuts overlaps away, builds the page table. May be called again after further regions were added. */
bool address_space_seal(struct address_space *space, struct error *err);

/* Index of the first region that ends above an address; region_count: none does. */
size_t address_space_above(const struct address_space *space, uint64_t address);
/* The region that holds an address, or NULL. Its bytes need not be present there. */
const struct memory_region *address_space_region(const struct address_space *space, uint64_t address);

/* Where `size` bytes from `address` are, if all are present and next to each other here; else NULL. */
const uint8_t *address_space_slow(const struct address_space *space, uint64_t address, uint64_t size);

static inline const uint8_t *address_space_at(const struct address_space *space, uint64_t address,
                                              uint64_t size)
{
    if (__builtin_expect(address < UINT64_C(1) << 47, 1)) {
        const uint8_t **leaf = space->pages[address >> 30];
        const uint8_t *page = leaf != NULL ? leaf[address >> 12 & ((1u << 18) - 1)] : NULL;
        uint64_t at = address & 4095;
        if (__builtin_expect(page != NULL && at + size <= 4096, 1))
            return page + at;
    }
    return address_space_slow(space, address, size);
}

static inline bool address_space_u64(const struct address_space *space, uint64_t address, uint64_t *ret)
{
    const uint8_t *p = address_space_at(space, address, 8);
    if (p == NULL)
        return false;
    memcpy(ret, p, 8);
    return true;
}

/* The same with 0 for what cannot be read. */
static inline uint64_t address_space_word(const struct address_space *space, uint64_t address)
{
    uint64_t v = 0;
    address_space_u64(space, address, &v);
    return v;
}

/* Copies what is there, across regions too; returns how many bytes from the start could be had. */
uint64_t address_space_copy(const struct address_space *space, uint64_t address, void *to, uint64_t size);
/* A NUL-ended text of at most `size - 1` bytes; false: not readable or not ended within that. */
bool address_space_text(const struct address_space *space, uint64_t address, char *to, size_t size);

#endif
