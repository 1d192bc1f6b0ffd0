#include "formats/extract/number_map.h"

#include <stdlib.h>

enum { FIRST_CAPACITY = 64 };

void number_map_free(struct number_map *map)
{
    free(map->entries);
    *map = (struct number_map){0};
}

static struct number_entry *place(struct number_entry *entries, size_t capacity, uint64_t key)
{
    size_t i = number_map_mix(key) & (capacity - 1);
    while (entries[i].key != 0 && entries[i].key != key)
        i = (i + 1) & (capacity - 1);
    return &entries[i];
}

static bool grow(struct number_map *map)
{
    size_t capacity = map->capacity == 0 ? FIRST_CAPACITY : map->capacity * 2;
    struct number_entry *entries = calloc(capacity, sizeof *entries);
    if (entries == NULL)
        return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->entries[i].key != 0)
            *place(entries, capacity, map->entries[i].key) = map->entries[i];
    free(map->entries);
    map->entries = entries;
    map->capacity = capacity;
    return true;
}

uint32_t *number_map_put(struct number_map *map, uint64_t key, bool *found)
{
    if (map->count * 2 >= map->capacity && !grow(map))
        return NULL;
    struct number_entry *e = place(map->entries, map->capacity, key);
    *found = e->key != 0;
    if (!*found) {
        *e = (struct number_entry){.key = key};
        map->count++;
    }
    return &e->value;
}
