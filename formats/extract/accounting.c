/* Every byte of memory that was dumped, counted once: what it is for. Whole pages of zeros outside the heaps
 * are counted apart: whether the process had ever touched them no core tells, and gcore and a live copy have
 * them all the same (stacks that were never used, reservations, holes of files). */
#include "formats/extract/extraction.h"

enum { PAGE = 4096 };

enum {
    MEMORY_PYTHON_OBJECTS,
    MEMORY_PYTHON_BUFFERS,
    MEMORY_PYTHON_NATIVE,
    MEMORY_PYTHON_FREE,
    MEMORY_PYTHON_OVERHEAD,
    MEMORY_MALLOC_USED,
    MEMORY_MALLOC_FREE,
    MEMORY_MALLOC_TCACHE,
    MEMORY_MALLOC_FASTBIN,
    MEMORY_MALLOC_TOP,
    MEMORY_MALLOC_OVERHEAD,
    MEMORY_STACKS,
    MEMORY_MODULES,
    MEMORY_MAPPED_FILES,
    MEMORY_RESERVED,
    MEMORY_OTHER,
    MEMORY_PARTS
};

static const char *const keys[MEMORY_PARTS] = {
    "memory.python_objects",  "memory.python_buffers", "memory.python_native",   "memory.python_free",
    "memory.python_overhead", "memory.malloc_used",    "memory.malloc_free",     "memory.malloc_tcache",
    "memory.malloc_fastbin",  "memory.malloc_top",     "memory.malloc_overhead", "memory.stacks",
    "memory.modules",         "memory.mapped_files",   "memory.reserved",        "memory.other"};

/* Bytes of the whole pages between two addresses of a region that are all zero. */
static uint64_t zeros(const struct memory_region *r, uint64_t from, uint64_t to)
{
    uint64_t n = 0;
    for (uint64_t at = (from + PAGE - 1) & ~(uint64_t)(PAGE - 1); at < to && to - at >= PAGE; at += PAGE) {
        const uint8_t *p = r->data + (at - r->start);
        uint64_t first, last;
        memcpy(&first, p, 8);
        memcpy(&last, p + PAGE - 8, 8);
        if ((first | last) == 0 && memcmp(p, p + 8, PAGE - 8) == 0)
            n += PAGE;
    }
    return n;
}

/* Adds what of a piece is not zero to its owner's bytes. */
static void add(uint64_t *part, uint64_t *zero, const struct memory_region *r, uint64_t from, uint64_t to)
{
    uint64_t n = zeros(r, from, to);
    *part += to - from - n;
    *zero += n;
}

/* What the owners of the dumped bytes are: bytes by owner; of those that nobody owns, those that the process
 * could not write to (gcore dumps what was only reserved) in *reserved. */
static void by_owner(const struct extraction *x, uint64_t ret[CLAIM_FILE + 1], uint64_t *reserved,
                     uint64_t *zero)
{
    const struct claims *c = &x->claims;
    for (size_t i = 0; i < x->space->region_count; i++) {
        const struct memory_region *r = &x->space->regions[i];
        uint64_t at = r->start, end = r->start + r->present;
        uint64_t *rest = r->access & MEMORY_WRITE ? &ret[CLAIM_NONE] : reserved;
        if (r->origin != MEMORY_DUMPED)
            continue;
        for (size_t k = claims_from(c, at); at < end && k < c->count && c->items[k].start < end; k++) {
            uint64_t from = c->items[k].start > at ? c->items[k].start : at,
                     to = c->items[k].end < end ? c->items[k].end : end;
            add(rest, zero, r, at, from);
            if (c->items[k].owner == CLAIM_HEAP || c->items[k].owner == CLAIM_ARENA)
                ret[c->items[k].owner] += to - from;
            else
                add(&ret[c->items[k].owner], zero, r, from, to);
            at = to;
        }
        add(rest, zero, r, at, end);
    }
}

/* Gives `wanted` bytes out of what is left to a part, as far as there are any. */
static void give(uint64_t *left, uint64_t *part, uint64_t wanted)
{
    uint64_t n = wanted < *left ? wanted : *left;
    *part += n;
    *left -= n;
}

/* Chunks and pools share memory: objects and arenas may lie in chunks. Sizes are exact as far as all memory
 * was dumped; where it was not, what is last in order gets less. */
static void heaps(const struct extraction *x, uint64_t chunks, uint64_t pools, uint64_t part[MEMORY_PARTS])
{
    const struct glibc_heap *h = &x->heap;
    uint64_t in_chunks = h->used.bytes > x->chunk_bytes ? h->used.bytes - x->chunk_bytes : 0, taken;
    give(&chunks, &part[MEMORY_MALLOC_FREE], h->free.bytes);
    give(&chunks, &part[MEMORY_MALLOC_TCACHE], h->tcache.bytes);
    give(&chunks, &part[MEMORY_MALLOC_FASTBIN], h->fastbin.bytes);
    give(&chunks, &part[MEMORY_MALLOC_TOP], h->top.bytes);
    if (x->python != NULL) { /* the chunks that Python's objects, buffers and arenas are in */
        const struct cpython_core_counts *n = cpython_core_counted(x->python);
        taken = in_chunks < chunks ? in_chunks : chunks;
        chunks -= taken;
        pools += taken;
        give(&pools, &part[MEMORY_PYTHON_OBJECTS], n->object_bytes + n->chunk_object_bytes);
        give(&pools, &part[MEMORY_PYTHON_BUFFERS], n->buffer_bytes + n->chunk_buffer_bytes);
        give(&pools, &part[MEMORY_PYTHON_NATIVE], x->pool_bytes);
        give(&pools, &part[MEMORY_PYTHON_FREE], n->pool_free_bytes);
        part[MEMORY_PYTHON_OVERHEAD] += pools;
        give(&chunks, &part[MEMORY_MALLOC_USED], x->chunk_bytes);
    } else {
        give(&chunks, &part[MEMORY_MALLOC_USED], h->used.bytes);
    }
    part[MEMORY_MALLOC_OVERHEAD] += chunks;
}

void facts_memory(struct extraction *x)
{
    uint64_t owner[CLAIM_FILE + 1] = {0}, part[MEMORY_PARTS] = {0}, zero = 0, all = 0;
    by_owner(x, owner, &part[MEMORY_RESERVED], &zero);
    heaps(x, owner[CLAIM_HEAP], owner[CLAIM_ARENA], part);
    part[MEMORY_STACKS] = owner[CLAIM_STACK] + owner[CLAIM_DEAD_STACK];
    part[MEMORY_MODULES] = owner[CLAIM_MODULE];
    part[MEMORY_MAPPED_FILES] = owner[CLAIM_FILE];
    part[MEMORY_OTHER] = owner[CLAIM_NONE];
    for (int i = 0; i < MEMORY_PARTS; i++) {
        snapshot_writer_fact_u64(x->writer, keys[i], part[i]);
        all += part[i];
    }
    all = x->image->counts.dumped > zero ? x->image->counts.dumped - zero : all;
    snapshot_writer_fact_u64(x->writer, "rss", all);
    snapshot_writer_fact_u64(x->writer, "core.zero", zero);
}
