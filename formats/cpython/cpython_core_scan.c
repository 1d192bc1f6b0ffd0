/* The enumeration that needs no runtime: types, blocks of the allocator, pools, buffers; and what is asked
 * about it. */
#include "formats/cpython/cpython_core_private.h"

#include <stdlib.h>

bool cpython_core_scan(struct cpython_core *core, struct block_index *index,
                       uint64_t (*block_size)(const struct process_image *image, uint64_t address),
                       struct error *err)
{
    for (size_t i = 0; i < core->image->space.region_count; i++)
        core->most_blocks += core->image->space.regions[i].present / 16;
    if (!core_types_init(&core->types) || !block_index_init(&core->objects, err) ||
        !block_index_init(&core->pools, err))
        return error_no_memory(err);
    core_debug_find(core, index);
    core_texts_find(core);
    if (!core_types_static(core) || !core_types_heap(core, index, block_size))
        return error_no_memory(err);
    if (!core_chunks(core, index, block_size, err) || !core_pools(core, index, err))
        return false;
    if (!core_disown(core, index, block_size) || !block_index_seal(&core->pools, err) ||
        !core_arenas(core, index, block_size) || !block_index_seal(&core->objects, err))
        return error_no_memory(err);
    core_texts_sort(core);
    for (size_t i = 0; i < core->arena_count; i++) { /* an arena may be a block of the allocator, too */
        uint64_t start = core->arenas[i].start;
        if (block_index_has(index, start + 16) && core_pool_of(core, start + 16) == 0)
            block_index_remove(index, start + 16);
    }
    struct cpython_core_counts *c = &core->counts;
    uint64_t pools = 0; /* that the arenas have room for */
    for (size_t i = 0; i < core->arena_count; i++) {
        uint64_t first = (core->arenas[i].start + core->pool_size - 1) & ~(core->pool_size - 1);
        pools += core->arenas[i].end > first ? (core->arenas[i].end - first) / core->pool_size : 0;
    }
    c->pool_free_bytes += pools > c->pools ? (pools - c->pools) * core->pool_size : 0;
    uint64_t known = c->object_bytes + c->buffer_bytes + c->native_block_bytes + c->pool_free_bytes;
    c->pool_overhead_bytes = c->arena_bytes > known ? c->arena_bytes - known : 0;
    return true;
}

void cpython_core_free(struct cpython_core *core)
{
    if (core == NULL)
        return;
    core_types_free(&core->types);
    core_texts_free(core);
    free(core->stand_ins);
    block_index_deinit(&core->objects);
    block_index_deinit(&core->pools);
    free(core->owned);
    free(core->arenas);
    if (core->memory.chunks != NULL)
        capture_memory_release(&core->memory);
    free(core);
}

uint64_t cpython_core_block_size(const struct cpython_core *core, uint64_t address)
{
    uint64_t pool = core_pool_of(core, address);
    return pool == 0 ? 0 : core_pool_block_size(core, pool);
}

uint64_t cpython_core_object_at(const struct cpython_core *core, uint64_t address)
{
    enum { POOL_HEADER = 48 };
    uint64_t pool = core_pool_of(core, address);
    if (pool != 0) {
        uint64_t size = core_pool_block_size(core, pool), at = address - pool;
        if (at < POOL_HEADER || size == 0)
            return 0;
        uint64_t block = pool + POOL_HEADER + (at - POOL_HEADER) / size * size;
        for (uint64_t header = 0; header <= 32 && header < size; header += 16)
            if (block_index_has(&core->objects, block + core->pad + header))
                return block + core->pad + header;
        return 0;
    }
    for (uint64_t header = 0; header <= 32; header += 16) { /* into the header in front of an object */
        uint64_t object = (address & ~UINT64_C(15)) + header;
        if (header != 0 && block_index_has(&core->objects, object) && core_pool_of(core, object) == 0) {
            const struct core_type *t = core_type_find(&core->types, core_word(core, object + OB_TYPE));
            if (t != NULL && t->header >= header)
                return object;
        }
    }
    uint64_t object = block_index_below(&core->objects, address);
    if (object == 0 || core_pool_of(core, object) != 0)
        return 0;
    const struct core_type *t = core_type_find(&core->types, core_word(core, object + OB_TYPE));
    /* most texts are smaller than their type says: that counts pointers which they do not have */
    uint64_t size = t == NULL ? 0 : t->extent == EXTENT_STR ? 16 : t->basic;
    const uint8_t *p = t == NULL ? NULL : address_space_at(&core->image->space, object, 48);
    if (p != NULL && !core_fits(core, t, p, size)) { /* with items: as many bytes as they need */
        uint64_t low = size, high = UINT64_C(1) << 40;
        while (low + 1 < high) {
            uint64_t middle = low + (high - low) / 2;
            if (core_fits(core, t, p, middle))
                high = middle;
            else
                low = middle;
        }
        size = high;
    }
    return address - object < size ? object : 0;
}

const struct cpython_core_counts *cpython_core_counted(const struct cpython_core *core)
{
    return &core->counts;
}

bool cpython_core_owns(const struct cpython_core *core, uint64_t address)
{
    size_t low = 0, high = core->arena_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (core->arenas[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < core->arena_count && core->arenas[low].start <= address;
}
