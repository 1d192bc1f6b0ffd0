/* The arenas that pools lie in: by the allocator's own table of them, which is a block of malloc's whose
 * entries agree with the pools found (Objects/obmalloc.c, struct arena_object: 48 bytes, the address first).
 */
#include "formats/cpython/cpython_core_private.h"

#include <stdlib.h>

enum { ENTRY = 48, POOL_ARENA = 32 };

static uint64_t arena_size(const struct cpython_core *core)
{
    return core->layout.minor >= 10 ? 1 << 20 : 256 << 10; /* ARENA_BITS; 3.8, 3.9: ARENA_SIZE */
}

/* How many of the pools lie in the arena that the table at `block` gives for their number? */
static uint32_t agree(const struct cpython_core *core, uint64_t block, uint64_t size, const uint64_t *pools,
                      uint32_t count)
{
    uint32_t agreed = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = 0;
        const uint8_t *p = address_space_at(&core->image->space, pools[i] + POOL_ARENA, 4);
        if (p != NULL)
            memcpy(&number, p, 4);
        if ((uint64_t)number * ENTRY + 8 > size)
            continue;
        uint64_t start = core_word(core, block + (uint64_t)number * ENTRY);
        agreed += start != 0 && pools[i] >= start && pools[i] - start < arena_size(core);
    }
    return agreed;
}

static int by_address(const void *a, const void *b)
{
    const struct core_arena *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static bool add(struct cpython_core *core, uint64_t start, uint64_t end, size_t *capacity)
{
    if (core->arena_count == *capacity) {
        size_t wanted = *capacity * 2 + 64;
        struct core_arena *bigger = realloc(core->arenas, wanted * sizeof(*bigger));
        if (bigger == NULL)
            return false;
        core->arenas = bigger;
        *capacity = wanted;
    }
    core->arenas[core->arena_count++] = (struct core_arena){start, end};
    return true;
}

static bool from_table(struct cpython_core *core, uint64_t block, uint64_t size)
{
    size_t capacity = core->arena_count;
    for (uint64_t at = 0; at + ENTRY <= size; at += ENTRY) {
        uint64_t start = core_word(core, block + at);
        /* unused entries are 0; those behind the end of the table are anything */
        if (start == 0 || (start & 4095) != 0 || address_space_at(&core->image->space, start, 8) == NULL)
            continue;
        if (!add(core, start, start + arena_size(core), &capacity))
            return false;
    }
    return true;
}

/* Without the table: from the first to the last of the pools that lie close together. */
static bool from_pools(struct cpython_core *core)
{
    size_t capacity = 0;
    for (uint64_t pool = block_index_next(&core->pools, 0); pool != 0;
         pool = block_index_next(&core->pools, pool + 16)) {
        struct core_arena *last = core->arena_count > 0 ? &core->arenas[core->arena_count - 1] : NULL;
        if (last != NULL && pool - last->end < 4 * core->pool_size)
            last->end = pool + core->pool_size;
        else if (!add(core, pool, pool + core->pool_size, &capacity))
            return false;
    }
    return true;
}

/* Arenas do not overlap: cuts what does, and what no pool is in although others are. */
static void tidy(struct cpython_core *core)
{
    size_t kept = 0;
    if (core->arena_count > 0)
        qsort(core->arenas, core->arena_count, sizeof(core->arenas[0]), by_address);
    for (size_t i = 0; i < core->arena_count; i++)
        if (kept == 0 || core->arenas[i].start >= core->arenas[kept - 1].end)
            core->arenas[kept++] = core->arenas[i];
    core->arena_count = kept;
    for (size_t i = 0; i < kept; i++)
        core->counts.arena_bytes += core->arenas[i].end - core->arenas[i].start;
    core->counts.arenas = kept;
}

bool core_arenas(struct cpython_core *core, const struct block_index *index,
                 uint64_t (*block_size)(const struct process_image *image, uint64_t address))
{
    enum { SAMPLE = 64 };
    uint64_t pools[SAMPLE], best = 0, best_size = 0;
    uint32_t count = 0, step = core->pools.count / SAMPLE + 1, best_agreed = 0, i = 0;
    for (uint64_t pool = block_index_next(&core->pools, 0); pool != 0 && count < SAMPLE;
         pool = block_index_next(&core->pools, pool + 16), i++)
        if (i % step == 0)
            pools[count++] = pool;
    if (count == 0)
        return true;
    struct core_blocks blocks = {0};
    for (uint64_t block; (block = core_next_block(index, &blocks)) != 0;) {
        if (core_pool_of(core, block) != 0)
            continue;
        const uint8_t *p = address_space_at(&core->image->space, block, 48);
        const uint64_t raw = block;
        block += p == NULL ? 0 : core_marks(core, p, 48);
        uint64_t first = core_word(core, block), size;
        if ((first & 4095) != 0 ||
            (size = block_size(core->image, raw)) < 16 * ENTRY) /* at least 16 entries */
            continue;
        uint32_t agreed = agree(core, block, size, pools, count);
        if (agreed > best_agreed)
            best = block, best_size = size, best_agreed = agreed;
    }
    bool done = best_agreed * 4 >= count * 3 ? from_table(core, best, best_size) : from_pools(core);
    tidy(core);
    return done;
}
