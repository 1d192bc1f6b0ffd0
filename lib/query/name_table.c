#include "lib/query/name_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"

enum { FIRST_SLOTS = 256 };

static uint64_t hash_name(const char *name, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)name[i]) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

static bool grow(struct name_table *t, struct error *err)
{
    size_t size = t->slot ? (t->mask + 1) * 2 : FIRST_SLOTS;
    uint32_t *grown = calloc(size, sizeof *grown);
    if (!grown)
        return error_no_memory(err);
    for (uint32_t row = 0; row < t->count; row++) {
        size_t at = hash_name(t->name[row], strlen(t->name[row])) & (size - 1);
        while (grown[at])
            at = (at + 1) & (size - 1);
        grown[at] = row + 1;
    }
    free(t->slot);
    t->slot = grown;
    t->mask = size - 1;
    return true;
}

uint32_t name_table_row(struct name_table *t, const char *name, size_t length, struct error *err)
{
    if ((!t->slot || ((size_t)t->count + 1) * 2 > t->mask) && !grow(t, err))
        return UINT32_MAX;
    size_t at = hash_name(name, length) & t->mask;
    for (; t->slot[at]; at = (at + 1) & t->mask) {
        const char *known = t->name[t->slot[at] - 1];
        if (!strncmp(known, name, length) && !known[length])
            return t->slot[at] - 1;
    }
    if (!vector_reserve((void **)&t->name, &t->capacity, (size_t)t->count + 1, sizeof *t->name, err))
        return UINT32_MAX;
    const char *copy = arena_text(&t->texts, name, length, err);
    if (!copy)
        return UINT32_MAX;
    t->name[t->count] = copy;
    t->slot[at] = ++t->count;
    return t->count - 1;
}

void name_table_free(struct name_table *table)
{
    free(table->name);
    free(table->slot);
    arena_free(&table->texts);
    *table = (struct name_table){0};
}
