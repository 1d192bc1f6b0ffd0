#include "formats/memory/block_index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { RECORDS = 1024 }; /* per slab */
#define MAP_BYTES   (sizeof(uint32_t) << 27)
#define TOP_ADDRESS (UINT64_C(1) << 47)

static size_t slab_bytes(uint32_t slabs)
{
    return (size_t)slabs * RECORDS * sizeof(struct block_record);
}

bool block_index_init(struct block_index *index, struct error *err)
{
    memset(index, 0, sizeof *index);
    index->lowest = UINT64_MAX;
    index->slab_capacity = 16;
    index->slab_count = BLOCK_SLAB_FIRST;
    void *map =
        mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    index->slab_of = map != MAP_FAILED ? map : NULL;
    void *slabs = mmap(NULL, slab_bytes(index->slab_capacity), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    index->slabs = slabs != MAP_FAILED ? slabs : NULL;
    index->keys = calloc(index->slab_capacity, sizeof *index->keys);
    if (index->slab_of != NULL && index->slabs != NULL && index->keys != NULL)
        return true;
    block_index_deinit(index);
    return error_no_memory(err);
}

void block_index_deinit(struct block_index *index)
{
    if (index->slab_of != NULL)
        munmap(index->slab_of, MAP_BYTES);
    if (index->slabs != NULL)
        munmap(index->slabs, slab_bytes(index->slab_capacity));
    free(index->keys);
    free(index->order);
    memset(index, 0, sizeof *index);
}

static bool grow(struct block_index *index, struct error *err)
{
    if (index->slab_capacity > 1u << 26)
        return error_no_memory(err);
    uint32_t wanted = index->slab_capacity * 2;
    uint32_t *keys = realloc(index->keys, wanted * sizeof *keys);
    if (keys == NULL)
        return error_no_memory(err);
    index->keys = keys;
    void *slabs = mremap(index->slabs, slab_bytes(index->slab_capacity), slab_bytes(wanted),
                         MREMAP_MAYMOVE); /* zeros */
    if (slabs == MAP_FAILED)
        return error_no_memory(err);
    index->slabs = slabs;
    index->slab_capacity = wanted;
    if (slab_bytes(wanted) >= 1u << 21)
        madvise(slabs, slab_bytes(wanted), MADV_HUGEPAGE); /* looked up at random */
    return true;
}

bool block_index_add(struct block_index *index, uint64_t address, struct error *err)
{
    if (address >= TOP_ADDRESS || (address & 15) != 0)
        return error_set(err, ERROR_BAD_INPUT, "no address of a block: 0x%llx", (unsigned long long)address);
    uint32_t *slab = &index->slab_of[address >> 20];
    if (*slab < BLOCK_SLAB_FIRST) {
        if (index->slab_count == index->slab_capacity && !grow(index, err))
            return false;
        index->keys[index->slab_count] = (uint32_t)(address >> 20);
        *slab = index->slab_count++;
    }
    block_index_record(index, address)->starts |= UINT64_C(1) << (address >> 4 & 63);
    if (address < index->lowest)
        index->lowest = address;
    if (address > index->highest)
        index->highest = address;
    return true;
}

void block_index_cover(struct block_index *index, uint64_t start, uint64_t end)
{
    if (end > TOP_ADDRESS)
        end = TOP_ADDRESS;
    if (start >= end)
        return;
    for (uint64_t key = start >> 20; key <= (end - 1) >> 20; key++)
        if (index->slab_of[key] == BLOCK_SLAB_NONE)
            index->slab_of[key] = BLOCK_SLAB_COVERED;
}

void block_index_remove(struct block_index *index, uint64_t address)
{
    if (block_index_has(index, address))
        block_index_record(index, address)->starts &= ~(UINT64_C(1) << (address >> 4 & 63));
}

/* Clears the starts of one slab that lie in [start, end). */
static void clear_slab(struct block_index *index, uint32_t slab, uint64_t start, uint64_t end)
{
    uint64_t base = (uint64_t)index->keys[slab] << 20;
    uint64_t from = start > base ? (start - base + 15) >> 4 : 0;
    uint64_t to = end - base < 1u << 20 ? (end - base + 15) >> 4 : RECORDS * 64; /* granules, exclusive */
    struct block_record *records = index->slabs + ((uint64_t)slab << 10);
    for (uint64_t g = from; g < to;) {
        uint64_t last = (g | 63) + 1 < to ? (g | 63) + 1 : to; /* exclusive, same record */
        uint64_t bits = last - g == 64 ? UINT64_MAX : ((UINT64_C(1) << (last - g)) - 1) << (g & 63);
        records[g >> 6].starts &= ~bits;
        g = last;
    }
}

void block_index_remove_range(struct block_index *index, uint64_t start, uint64_t end)
{
    if (end > TOP_ADDRESS)
        end = TOP_ADDRESS;
    if (start >= end)
        return;
    uint64_t first = start >> 20, last = (end - 1) >> 20;
    if (last - first < index->slab_count) {
        for (uint64_t key = first; key <= last; key++)
            if (index->slab_of[key] >= BLOCK_SLAB_FIRST)
                clear_slab(index, index->slab_of[key], start, end);
        return;
    }
    for (uint32_t slab = BLOCK_SLAB_FIRST; slab < index->slab_count; slab++)
        if (index->keys[slab] >= first && index->keys[slab] <= last)
            clear_slab(index, slab, start, end);
}

static int by_key(const void *a, const void *b, void *keys)
{
    uint32_t x = ((const uint32_t *)keys)[*(const uint32_t *)a],
             y = ((const uint32_t *)keys)[*(const uint32_t *)b];
    return x < y ? -1 : x > y;
}

bool block_index_seal(struct block_index *index, struct error *err)
{
    uint32_t slabs = index->slab_count - BLOCK_SLAB_FIRST;
    uint32_t *order = realloc(index->order, (slabs + 1) * sizeof *order);
    if (order == NULL)
        return error_no_memory(err);
    index->order = order;
    for (uint32_t i = 0; i < slabs; i++)
        order[i] = i + BLOCK_SLAB_FIRST;
    qsort_r(order, slabs, sizeof *order, by_key, index->keys);
    uint64_t count = 0, last = UINT64_MAX; /* last: KiB number of the last record with a start */
    for (uint32_t i = 0; i < slabs; i++) {
        struct block_record *records = index->slabs + ((uint64_t)order[i] << 10);
        uint64_t kib = (uint64_t)index->keys[order[i]] << 10;
        for (uint32_t k = 0; k < RECORDS; k++) {
            uint64_t back = last != UINT64_MAX ? kib + k - last : 0;
            records[k].rank = (uint32_t)count;
            records[k].back = back <= UINT32_MAX ? (uint32_t)back : 0; /* 4 TiB: no block reaches as far */
            if (records[k].starts != 0) {
                count += (uint32_t)__builtin_popcountll(records[k].starts);
                last = kib + k;
            }
        }
        if (count > UINT32_MAX - 1)
            return error_set(err, ERROR_BAD_INPUT, "more than 4 billion blocks");
    }
    index->count = (uint32_t)count;
    index->sealed = true;
    return true;
}

void block_index_unseal(struct block_index *index)
{
    index->sealed = false;
}

/* How many slabs lie below the MiB `key`. */
static uint32_t slabs_below(const struct block_index *index, uint64_t key)
{
    uint32_t low = 0, high = index->slab_count - BLOCK_SLAB_FIRST;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (index->keys[index->order[middle]] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The last start in a record, that of the KiB `kib`. */
static uint64_t last_start(uint64_t kib, uint64_t bits)
{
    return kib << 10 | (63u - (unsigned)__builtin_clzll(bits)) << 4;
}

uint64_t block_index_below(const struct block_index *index, uint64_t address)
{
    if (address >= TOP_ADDRESS || address < index->lowest)
        return 0;
    uint32_t slab = index->slab_of[address >> 20];
    uint64_t kib = address >> 10;
    const struct block_record *r;
    if (slab >= BLOCK_SLAB_FIRST) {
        r = block_index_record(index, address);
        uint64_t bits = r->starts & (UINT64_MAX >> (63 - (address >> 4 & 63)));
        if (bits != 0)
            return last_start(kib, bits);
    } else if (slab == BLOCK_SLAB_NONE) {
        return 0;
    } else {
        uint32_t below = slabs_below(index, address >> 20);
        if (below == 0)
            return 0;
        kib = (uint64_t)index->keys[index->order[below - 1]] << 10 | 1023;
        r = &index->slabs[(uint64_t)index->order[below - 1] << 10 | 1023];
        if (r->starts != 0)
            return last_start(kib, r->starts);
    }
    if (r->back == 0)
        return 0;
    kib -= r->back;
    r = block_index_record(index, kib << 10);
    return r->starts != 0 ? last_start(kib, r->starts) : 0;
}

uint64_t block_index_next(const struct block_index *index, uint64_t address)
{
    if (address > index->highest || address >= TOP_ADDRESS)
        return 0;
    if ((address & 15) != 0)
        address = (address | 15) + 1;
    uint32_t at = slabs_below(index, address >> 20), slabs = index->slab_count - BLOCK_SLAB_FIRST;
    for (; at < slabs; at++) {
        uint32_t slab = index->order[at];
        uint64_t base = (uint64_t)index->keys[slab] << 20;
        const struct block_record *records = index->slabs + ((uint64_t)slab << 10);
        uint64_t from = address > base ? address - base : 0;
        for (uint64_t k = from >> 10; k < RECORDS; k++) {
            uint64_t bits = records[k].starts;
            if (k == from >> 10)
                bits &= UINT64_MAX << (from >> 4 & 63);
            if (bits != 0)
                return base | k << 10 | (uint64_t)__builtin_ctzll(bits) << 4;
        }
    }
    return 0;
}
