/* obmalloc's pools, found by their headers alone (Objects/obmalloc.c, struct pool_header; the same in 3.8
 * to 3.14):
 *
 *      +0 u32 count  +8 freeblock  +32 u32 arena  +36 u32 size class  +40 u32 next offset  +44 u32 last
 * offset
 *
 * A pool is believed if its size class, its offsets and its list of free blocks fit together. Its used blocks
 * are objects, or else entered into the index, from which the buffers that objects own are taken afterwards.
 */
#include "formats/cpython/cpython_core_private.h"

#include <stdlib.h>

enum { HEADER = 48, CLASSES = 32, MOST_BLOCKS = 1024 };

struct pool {
    uint64_t address;
    const uint8_t *p;
    uint32_t count, class, next, size, carved;
    uint64_t free[MOST_BLOCKS / 64]; /* by number of the block */
};

static uint32_t word32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static uint64_t word(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* Reads a header; false: no pool. */
static bool pool_read(const struct cpython_core *core, uint64_t address, const uint8_t *p, struct pool *pool)
{
    pool->count = word32(p);
    pool->class = word32(p + 36);
    pool->next = word32(p + 40);
    uint32_t last = word32(p + 44);
    if (pool->count == 0 || pool->count > MOST_BLOCKS || pool->class >= CLASSES)
        return false;
    pool->size = 16 * (pool->class + 1);
    if (last != core->pool_size - pool->size || pool->next < HEADER ||
        (pool->next - HEADER) % pool->size != 0 || pool->next > core->pool_size)
        return false;
    pool->address = address;
    pool->p = p;
    pool->carved = (pool->next - HEADER) / pool->size;
    if (pool->count > pool->carved)
        return false;
    memset(pool->free, 0, (pool->carved + 63) / 64 * 8);
    uint32_t free_blocks = pool->carved - pool->count;
    uint64_t block = word(p + 8);
    /* A process that died inside the allocator may have one block more or less on the list. */
    for (uint32_t i = 0; i < free_blocks + 1 && block != 0; i++) {
        uint64_t at = block - address;
        if (at < HEADER || at >= pool->next || (at - HEADER) % pool->size != 0)
            return false;
        uint64_t number = (at - HEADER) / pool->size;
        if (pool->free[number / 64] >> number % 64 & 1)
            return false;
        pool->free[number / 64] |= UINT64_C(1) << number % 64;
        block = word(p + at);
    }
    return true;
}

/* Marks a start where the index has a slab already. */
static inline void mark(struct block_index *index, uint64_t address)
{
    block_index_record(index, address)->starts |= UINT64_C(1) << (address >> 4 & 63);
}

static bool take_pool(struct cpython_core *core, struct block_index *index, const struct pool *pool,
                      struct error *err)
{
    struct cpython_core_counts *c = &core->counts;
    uint32_t used = 0, objects = 0;
    uint64_t last_object = 0;
    const uint8_t *p = pool->p + HEADER;
    for (uint32_t i = 0; i < pool->carved; i++, p += pool->size) {
        __builtin_prefetch(p + 1024);
        if (pool->free[i / 64] >> i % 64 & 1)
            continue;
        used++;
        const struct core_type *t = NULL;
        uint64_t block = pool->address + HEADER + (uint64_t)i * pool->size;
        int at = pool->size > core->padding
                     ? core_object_in(core, p + core->pad, pool->size - core->padding, &t)
                     : -1;
        if (at < 0 && pool->size > core->padding &&
            core_is_freed(core, p + core->pad, pool->size - core->padding)) {
            used--;
            continue;
        }
        if (at < 0) {
            if (!block_index_add(index, block, err))
                return false;
            continue;
        }
        uint64_t object = block + core->pad + (unsigned)at;
        if (last_object == 0 && !block_index_add(&core->objects, object, err))
            return false;
        mark(&core->objects, object);
        last_object = object;
        objects++;
        if (t->owns != OWNS_NOTHING || t->managed)
            core_own(core, t, p + core->pad + at);
    }
    if (last_object != 0 && !block_index_add(&core->objects, last_object, err))
        return false;
    c->pools++;
    c->blocks += used;
    c->pool_objects += objects;
    c->explained += objects;
    c->object_bytes += (uint64_t)objects * pool->size;
    c->native_block_bytes += (uint64_t)(used - objects) * pool->size;
    c->pool_free_bytes += (core->pool_size - HEADER) / pool->size * pool->size - (uint64_t)used * pool->size;
    return block_index_add(&core->pools, pool->address, err);
}

uint64_t core_pool_block_size(const struct cpython_core *core, uint64_t pool)
{
    const uint8_t *p = address_space_at(&core->image->space, pool, HEADER);
    return p == NULL ? 0 : 16 * ((uint64_t)(word32(p + 36) % CLASSES) + 1);
}

/* What the process writes to. (A region may begin with a module's data and go on with an arena.) */
static bool holds_pools(const struct memory_region *r)
{
    return r->origin == MEMORY_DUMPED && r->data != NULL &&
           (r->access & (MEMORY_READ | MEMORY_WRITE)) == (MEMORY_READ | MEMORY_WRITE);
}

void core_debug_find(struct cpython_core *core, const struct block_index *index)
{
    enum { SAMPLE = 4096, IN_FRONT = 16, BEHIND = 8 };
    uint32_t seen = 0, marked = 0, pools = 0;
    struct pool pool;
    for (size_t i = 0; i < core->image->space.region_count && pools < 64; i++) {
        const struct memory_region *r = &core->image->space.regions[i];
        uint64_t at = (r->start + core->pool_size - 1) & ~(core->pool_size - 1);
        for (; holds_pools(r) && pools < 64 && at + core->pool_size <= r->start + r->present;
             at += core->pool_size) {
            if (!pool_read(core, at, r->data + (at - r->start), &pool))
                continue;
            pools++;
            for (uint32_t k = 0; k < pool.carved; k++) {
                if (pool.free[k / 64] >> k % 64 & 1)
                    continue;
                seen++;
                marked += core_is_marked(pool.p + HEADER + (uint64_t)k * pool.size);
            }
        }
    }
    struct core_blocks blocks = {0};
    for (uint64_t block; pools == 0 && seen < SAMPLE && (block = core_next_block(index, &blocks)) != 0;) {
        const uint8_t *p = address_space_at(&core->image->space, block, 16);
        seen++;
        marked += p != NULL && core_is_marked(p);
    }
    if (marked * 2 > seen) {
        core->pad = IN_FRONT;
        core->padding = IN_FRONT + BEHIND;
    }
}

bool core_pools(struct cpython_core *core, struct block_index *index, struct error *err)
{
    struct pool pool;
    for (size_t i = 0; i < core->image->space.region_count; i++) {
        const struct memory_region *r = &core->image->space.regions[i];
        if (!holds_pools(r))
            continue;
        uint64_t at = (r->start + core->pool_size - 1) & ~(core->pool_size - 1);
        for (; at + core->pool_size <= r->start + r->present; at += core->pool_size) {
            const uint8_t *p = r->data + (at - r->start);
            if (!pool_read(core, at, p, &pool))
                continue;
            /* The list of free blocks jumps about in the next pool: it is to be in the cache by then. */
            for (uint64_t ahead = 0;
                 at + 2 * core->pool_size <= r->start + r->present && ahead < core->pool_size; ahead += 64)
                __builtin_prefetch(p + core->pool_size + ahead);
            if (!take_pool(core, index, &pool, err))
                return false;
        }
    }
    core->counts.pool_bytes = core->counts.pools * core->pool_size;
    return !core->failed || error_no_memory(err);
}
