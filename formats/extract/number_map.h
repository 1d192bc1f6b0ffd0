/* number_map.h -- a hash table from a 64-bit key to a 32-bit number, for tables that grow as a heap is read.
 *
 * Open addressing, doubled at half full. Keys are mixed here; any value but 0 is a key. Nothing is removed.
 */
#ifndef HELDBY_NUMBER_MAP_H
#define HELDBY_NUMBER_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number_map {
    struct number_entry {
        uint64_t key; /* 0: empty */
        uint32_t value;
    } * entries;
    size_t count, capacity; /* capacity: a power of two, or 0 */
};

void number_map_free(struct number_map *map);
/* The value under a key; *found false and a new entry of value 0 if it was not there. NULL: no memory. The
 * pointer is good until the next call. */
uint32_t *number_map_put(struct number_map *map, uint64_t key, bool *found);

/* A 64-bit mix (the finaliser of splitmix64), for keys made of several parts. */
static inline uint64_t number_map_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* The value under a key, or 0. */
static inline uint32_t number_map_get(const struct number_map *map, uint64_t key)
{
    if (map->capacity == 0)
        return 0;
    for (size_t i = number_map_mix(key) & (map->capacity - 1);; i = (i + 1) & (map->capacity - 1)) {
        if (map->entries[i].key == key)
            return map->entries[i].value;
        if (map->entries[i].key == 0)
            return 0;
    }
}

#endif
