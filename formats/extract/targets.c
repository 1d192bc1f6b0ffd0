/* Words to targets: bitmap and rank, in batches, so that the records are in the cache when they are used. */
#include "formats/extract/extraction.h"

#include <stdlib.h>

bool batch_init(struct batch *b, struct error *err)
{
    b->capacity = 0;
    return batch_grow(b, err);
}

void batch_free(struct batch *b)
{
    free(b->word);
    free(b->place);
    free(b->number);
    free(b->class);
    b->word = b->place = NULL;
    b->number = NULL;
    b->class = NULL;
}

bool batch_grow(struct batch *b, struct error *err)
{
    size_t capacity = b->capacity == 0 ? CANDIDATES : b->capacity * 2;
    uint64_t *word = realloc(b->word, capacity * sizeof *word);
    b->word = word != NULL ? word : b->word;
    uint64_t *place = realloc(b->place, capacity * sizeof *place);
    b->place = place != NULL ? place : b->place;
    uint32_t *number = realloc(b->number, capacity * sizeof *number);
    b->number = number != NULL ? number : b->number;
    uint8_t *class = realloc(b->class, capacity);
    b->class = class != NULL ? class : b->class;
    if (word == NULL || place == NULL || number == NULL || class == NULL)
        return error_no_memory(err);
    b->capacity = capacity;
    return true;
}

/* The size word of a chunk; blocks are asked for in the order of their addresses, mostly. */
static inline uint64_t size_word(struct extraction *x, uint64_t address)
{
    const struct memory_region *r = x->region;
    uint64_t at = address - 8, word = 0;
    if (r == NULL || at < r->start || at - r->start + 8 > r->present) {
        r = address_space_region(x->space, at);
        if (r == NULL || at - r->start + 8 > r->present)
            return address_space_word(x->space, at);
        x->region = r;
    }
    memcpy(&word, r->data + (at - r->start), 8);
    return word;
}

uint64_t extraction_block_size(struct extraction *x, uint64_t address)
{
    if (extraction_in_pool(x, address))
        return cpython_core_block_size(x->python, address);
    if (x->heap.repaired_count > 0)
        return glibc_heap_block_size(&x->heap, x->image, address);
    uint64_t word = size_word(x, address), size = word & ~UINT64_C(7), header = word & 2 ? 16 : 8;
    return size > header ? size - header : 0;
}

/* `start`: the last block that begins at or below `word`. */
static enum target_class inside(struct extraction *x, uint64_t word, uint64_t start)
{
    uint64_t size = extraction_block_size(x, start), offset = word - start;
    if (offset >= size)
        return TARGET_NONE;
    if (offset == size - 8 && (word & 15) == 0 && !extraction_in_pool(x, start))
        return TARGET_STALE; /* a chunk's header lies 16 bytes before its block: its last 8 bytes are the
                                neighbour's first */
    return TARGET_INTERIOR;
}

static enum target_class resolve_below(struct extraction *x, uint64_t word, uint64_t *ret, uint32_t *number)
{
    const struct block_record *r = block_index_record(&x->index, word);
    unsigned bit = (unsigned)(word >> 4 & 63);
    uint64_t below = r->starts & ((UINT64_C(2) << bit) - 1), start;
    uint32_t n;
    if (below != 0) {
        start = (word & ~UINT64_C(1023)) + 16 * (63 - (uint64_t)__builtin_clzll(below));
        n = r->rank + (uint32_t)__builtin_popcountll(below) - 1;
    } else {
        start = block_index_below(&x->index, word);
        if (start == 0)
            return TARGET_NONE;
        n = NO_BLOCK;
    }
    enum target_class class = inside(x, word, start);
    if (class == TARGET_NONE)
        return class;
    *ret = start;
    *number = n != NO_BLOCK ? n : block_index_number(&x->index, start);
    return class;
}

enum target_class extraction_resolve(struct extraction *x, uint64_t word, uint64_t *ret, uint32_t *number)
{
    *number = block_index_number(&x->index, word);
    if (*number != NO_BLOCK) {
        *ret = word;
        return TARGET_EXACT;
    }
    if (x->python != NULL) {
        uint64_t object = cpython_core_object_at(x->python, word);
        if (object != 0) {
            *ret = object;
            return object == word ? TARGET_EXACT : TARGET_INTERIOR;
        }
    }
    return resolve_below(x, word, ret, number);
}

uint32_t extraction_id(const struct extraction *x, uint64_t start, uint32_t number)
{
    if (number == NO_BLOCK)
        return cpython_core_id(x->python, start);
    return x->ids != NULL ? x->ids[number] : x->first_id + number;
}

/* The starts of blocks, without a call for each. */
static inline __attribute__((always_inline)) void resolve_up_to(struct extraction *x, size_t end)
{
    struct batch *b = &x->batch;
    for (size_t i = b->resolved; i < end; i++) {
        uint64_t word = b->word[i];
        const struct block_record *r = block_index_record(&x->index, word);
        unsigned bit = (unsigned)(word >> 4 & 63);
        if (__builtin_expect((word & 15) == 0 && (r->starts >> bit & 1), 1)) {
            uint64_t below = r->starts & ((UINT64_C(1) << bit) - 1);
            b->number[i] = r->rank + (uint32_t)__builtin_popcountll(below);
            b->class[i] = TARGET_EXACT;
        } else {
            b->class[i] = (uint8_t)extraction_resolve(x, word, &b->word[i], &b->number[i]);
        }
    }
}

static void resolve_plain(struct extraction *x, size_t end)
{
    resolve_up_to(x, end);
}

#if defined(__x86_64__)
/* Every x86-64 but the very first counts bits in one instruction. */
__attribute__((target("popcnt"))) static void resolve_popcnt(struct extraction *x, size_t end)
{
    resolve_up_to(x, end);
}
#endif

void batch_resolve(struct extraction *x, size_t keep)
{
    struct batch *b = &x->batch;
    size_t end = b->count > keep ? b->count - keep : 0;
    if (end <= b->resolved)
        return;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt"))
        resolve_popcnt(x, end);
    else
#endif
        resolve_plain(x, end);
    b->resolved = end;
}

/* Candidates among `count` words at `data`, the block's words from `place` on. False: no memory. */
static bool scan_words(struct extraction *x, const uint8_t *data, uint64_t count, uint64_t place)
{
    struct batch *b = &x->batch;
    const uint64_t lowest = x->lowest, span = x->span;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, data + 8 * i, 8);
        if (__builtin_expect(word - lowest > span, 1) || !extraction_may_refer(x, word))
            continue;
        if (__builtin_expect(b->count == b->capacity, 0) && !batch_grow(b, x->err))
            return false;
        __builtin_prefetch(block_index_record(&x->index, word));
        b->word[b->count] = word;
        b->place[b->count] = place + i;
        if (++b->count - b->resolved >= 2 * RESOLVE_AHEAD)
            batch_resolve(x, RESOLVE_AHEAD);
    }
    return true;
}

uint64_t batch_scan(struct extraction *x, uint64_t address, uint64_t from, uint64_t size)
{
    struct batch *b = &x->batch;
    size_t limit = b->count + MAX_CANDIDATES;
    while (from + 8 <= size) {
        const struct memory_region *r = x->region;
        uint64_t at = address + from;
        if (r == NULL || at < r->start || at - r->start + 8 > r->present)
            x->region = r = address_space_region(x->space, at);
        if (r == NULL)
            return size;
        uint64_t here = at - r->start, left = r->present > here ? r->present - here : 0,
                 words = (left < size - from ? left : size - from) / 8;
        if (words == 0) { /* not present: on with what is mapped behind it */
            uint64_t skip = r->end - at;
            from += skip < size - from ? (skip + 7) & ~UINT64_C(7) : size - from;
            continue;
        }
        if (b->count + words > limit)
            words = limit - b->count;
        if (words == 0)
            return from;
        if (!scan_words(x, r->data + here, words, from / 8))
            return UINT64_MAX;
        from += 8 * words;
    }
    return size;
}
