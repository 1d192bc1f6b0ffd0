/* Words to targets: bitmap and rank, in batches, so that the records are in the cache when they are used. */
#include "formats/extract/extraction.h"

#include <stdlib.h>

static bool grow(void **items, size_t count, size_t size)
{
    void *bigger = realloc(*items, count * size);
    *items = bigger != NULL ? bigger : *items;
    return bigger != NULL;
}

/* Room for `wanted` candidates. */
static bool batch_grow(struct batch *b, size_t wanted, struct error *err)
{
    size_t n = b->capacity == 0 ? CANDIDATES : b->capacity;
    while (n < wanted)
        n *= 2;
    if (!grow((void **)&b->word, n, sizeof *b->word) || !grow((void **)&b->place, n, sizeof *b->place) ||
        !grow((void **)&b->number, n, sizeof *b->number) || !grow((void **)&b->class, n, 1) ||
        !grow((void **)&b->target, n, sizeof *b->target) || !grow((void **)&b->mark, n, sizeof *b->mark) ||
        !grow((void **)&b->before, n + 1, sizeof *b->before))
        return error_no_memory(err);
    b->capacity = n;
    return true;
}

bool batch_init(struct batch *b, struct error *err)
{
    return batch_grow(b, CANDIDATES, err);
}

void batch_free(struct batch *b)
{
    free(b->word);
    free(b->place);
    free(b->number);
    free(b->class);
    free(b->target);
    free(b->mark);
    free(b->before);
    memset(b, 0, sizeof *b);
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
    uint64_t word = size_word(x, address), size = word & ~UINT64_C(7);
    if ((word & 2) != 0) /* a mapping of its own, whose size has two forms */
        return glibc_block_size(x->image, address);
    return size > 8 ? size - 8 : 0;
}

/* `start`: the last block that begins at or below `word`. */
static enum target_class inside(struct extraction *x, uint64_t word, uint64_t start)
{
    uint64_t size = extraction_block_size(x, start), offset = word - start;
    if (offset >= size)
        return TARGET_NONE;
    if (offset == size - 8 && (word & 15) == 0 && !extraction_in_pool(x, start) &&
        (size_word(x, start) & 2) == 0) /* behind a mapped chunk there is none */
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

/* The index record of a candidate: all are below 2^47. */
static inline struct block_record *record_of(const struct block_index *index, uint64_t word)
{
    return &index->slabs[(uint64_t)index->slab_of[word >> 20] << 10 | (word >> 10 & 1023)];
}

/* The starts of blocks, without a call for each. */
static inline __attribute__((always_inline)) void resolve_up_to(struct extraction *x, size_t end)
{
    struct batch *b = &x->batch;
    const struct block_index index = x->index; /* locals: stores of bytes could change anything else */
    const uint32_t *ids = x->ids;
    uint64_t *words = b->word;
    uint32_t *numbers = b->number;
    uint8_t *classes = b->class;
    for (size_t i = b->resolved; i < end; i++) {
        uint64_t word = words[i];
        const struct block_record *r = record_of(&index, word);
        uint64_t to_bit = r->starts << (~word >> 4 & 63); /* the block's own is the highest one */
        if (__builtin_expect((word & 15) == 0 && (int64_t)to_bit < 0, 1)) {
            uint32_t number = r->rank + (uint32_t)__builtin_popcountll(to_bit) - 1;
            numbers[i] = number;
            classes[i] = TARGET_EXACT;
            if (ids != NULL)
                __builtin_prefetch(&ids[number]);
        } else if (extraction_may_refer(x, word)) {
            classes[i] = (uint8_t)extraction_resolve(x, word, &words[i], &numbers[i]);
        } else {
            classes[i] = TARGET_NONE;
        }
    }
    b->resolved = end;
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

static void resolve(struct extraction *x, size_t end)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("popcnt")) {
        resolve_popcnt(x, end);
        return;
    }
#endif
    resolve_plain(x, end);
}

static void prefetch(struct extraction *x, size_t count)
{
    const uint64_t *words = x->batch.word + x->batch.prefetched;
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(record_of(&x->index, words[i]));
    x->batch.prefetched += count;
}

void batch_resolve(struct extraction *x)
{
    prefetch(x, x->batch.count - x->batch.prefetched);
    resolve(x, x->batch.count);
}

/* Index records are asked for in steps, and used when they have come. */
static void look_ahead(struct extraction *x)
{
    struct batch *b = &x->batch;
    while (b->count - b->prefetched >= PREFETCH_STEP) {
        prefetch(x, PREFETCH_STEP);
        if (b->prefetched - b->resolved > RESOLVE_AHEAD)
            resolve(x, b->prefetched - RESOLVE_AHEAD);
    }
}

/* Candidates among `count` words at `data`, the block's words from `place` on. False: no memory. */
static bool scan_words(struct extraction *x, const uint8_t *data, uint64_t count, uint64_t place)
{
    struct batch *b = &x->batch;
    if (b->count + count > b->capacity && !batch_grow(b, b->count + count, x->err))
        return false;
    const uint64_t lowest = x->lowest, span = x->span;
    uint64_t *words = b->word + b->count, *places = b->place + b->count, n = 0;
    __builtin_prefetch(data + 8 * count + SCAN_AHEAD); /* of the blocks that follow */
    for (uint64_t i = 0; i < count; i++) {             /* no branch: what is a pointer cannot be foretold */
        uint64_t word;
        memcpy(&word, data + 8 * i, 8);
        words[n] = word;
        places[n] = place + i;
        n += word - lowest <= span;
    }
    b->count += n;
    look_ahead(x);
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
