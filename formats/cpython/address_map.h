/* address_map.h -- from an object's address to its id, in the capture: three levels, direct.
 *
 *      bits 46..30        29..14           13..4
 *      top[131072] ──► middle[65536] ──► leaf[1024] of u32
 *
 * Objects start at least 16 bytes apart, so address >> 4 names one. A leaf is 4 KiB and covers 16 KiB of
 * addresses; about 18 bytes per object on usual heaps (docs/performance.md).
 */
#ifndef HELDBY_ADDRESS_MAP_H
#define HELDBY_ADDRESS_MAP_H

#include "formats/cpython/capture_memory.h"

#define ADDRESS_MAP_EXCLUDED UINT32_MAX /* not of the program: references to it are left out */

enum {
    ADDRESS_MAP_TOP = 1 << 17,
    ADDRESS_MAP_MIDDLE = 1 << 16,
    ADDRESS_MAP_LEAF = 1 << 10,
    ADDRESS_MAP_SLAB = 8 << 20
};

struct address_map {
    uint32_t ***top;
    uint8_t *slab, *slab_end; /* leaves still to hand out */
    struct capture_memory *memory;
    uint32_t scratch[ADDRESS_MAP_LEAF]; /* stands in when memory ran out; the capture then fails as a whole */
};

bool address_map_init(struct address_map *m, struct capture_memory *memory);
/* The slow path of address_map_slot: makes the levels that are missing. */
uint32_t *address_map_make(struct address_map *m, uint64_t address);

/* Where the id of `address` (below 2^47) is kept; 0 = not seen yet. Never NULL. */
static inline uint32_t *address_map_slot(struct address_map *m, uint64_t address)
{
    uint32_t **middle = m->top[address >> 30];
    if (__builtin_expect(middle != NULL, 1)) {
        uint32_t *leaf = middle[address >> 14 & (ADDRESS_MAP_MIDDLE - 1)];
        if (__builtin_expect(leaf != NULL, 1))
            return &leaf[address >> 4 & (ADDRESS_MAP_LEAF - 1)];
    }
    return address_map_make(m, address);
}

/* The id of `address`, or 0, without making anything. */
static inline uint32_t address_map_get(const struct address_map *m, uint64_t address)
{
    if (address >> 47 != 0)
        return 0;
    uint32_t **middle = m->top[address >> 30];
    uint32_t *leaf = middle == NULL ? NULL : middle[address >> 14 & (ADDRESS_MAP_MIDDLE - 1)];
    return leaf == NULL ? 0 : leaf[address >> 4 & (ADDRESS_MAP_LEAF - 1)];
}

#endif
