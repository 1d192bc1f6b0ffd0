/* Chunks with a mapping of their own (sysmalloc_mmap, mmap_set_chunk), and the parts of a main arena that
 * grew by mmap because brk could not (sysmalloc_mmap_fallback). Both lie in anonymous memory, which has
 * merged with that of others. */
#include "formats/glibc/glibc_private.h"

/* A mapped chunk whose head is at `at`: the bytes from its head to the end of its mapping, 0: none. */
static uint64_t mapped_chunk(struct glibc_search *s, uint64_t at, uint64_t start, uint64_t end, bool *ret_new)
{
    const uint8_t *p = glibc_view_at(&s->view, at, 16);
    uint64_t word[2];
    if (p == NULL)
        return 0;
    memcpy(word, p, 16);
    if ((word[1] & 15) != CHUNK_MAPPED || word[1] < SMALLEST)
        return 0;
    /* prev_size: how far behind the start of the mapping (alignment); a flag since 2.43. */
    uint64_t offset = word[0] & ~UINT64_C(1), size = word[1] & ~UINT64_C(7);
    if (offset > at - start || ((at - offset) & (PAGE - 1)) != 0 || (offset & 15) != 0)
        return 0;
    bool is_new = ((offset + size) & (PAGE - 1)) != 0;
    if (is_new)
        size += 16;
    if (((offset + size) & (PAGE - 1)) != 0 || size > end - at || (!is_new && word[0] != offset))
        return 0;
    *ret_new = is_new;
    return size;
}

static bool take_chunk(struct glibc_search *s, uint64_t at, uint64_t size)
{
    struct glibc_heap *heap = s->heap;
    uint64_t offset = glibc_word(&s->view, at) & ~UINT64_C(1);
    heap->used.count++;
    heap->used.bytes += size;
    heap->mapped.count++;
    heap->mapped.bytes += size;
    heap->overhead += offset;
    s->mapped_number++;
    s->mapped_found += offset + size;
    if (!block_index_add(s->index, at + 16, s->err)) {
        s->failed = true;
        return false;
    }
    block_index_cover(s->index, at + 16, at + size);
    return glibc_segment(s, at, at + size, UINT32_MAX, false) && glibc_claim(s, at - offset, at);
}

/* Where in its first page a head can be: at its start, or 16 bytes before a multiple of the alignment that
 * was asked for (_int_memalign). */
static const uint16_t places[] = {0, 16, 48, 112, 240, 496, 1008, 2032, 4080};

/* Is `head` the head that counts in the mapping that begins at `at`? */
static bool is_head(struct glibc_search *s, uint64_t head, uint64_t at, uint64_t end, uint64_t *ret_size)
{
    bool is_new;
    if ((glibc_word(&s->view, head) & ~UINT64_C(1)) != head - at)
        return false;
    uint64_t size = mapped_chunk(s, head, at, end, &is_new);
    if (size > 0)
        *ret_size = size;
    return size > 0;
}

/* An aligned block (_int_memalign) has its head inside the mapping; the one at the start stays as it was
 * then, also when the mapping is made smaller, larger or moved (mremap_chunk), which can leave the block
 * unaligned. Returns the head that counts, its size by *ret_size. */
static uint64_t aligned_head(struct glibc_search *s, uint64_t at, uint64_t end, uint64_t *ret_size)
{
    enum { FARTHEST = 4 << 20 }; /* larger alignments are not looked for where a block was moved */
    uint64_t total = *ret_size, stop = at + total;
    for (uint64_t alignment = 32; alignment < total; alignment *= 2) {
        /* Before 2.43 what is cut off in front is a chunk at least. */
        uint64_t first = ((at + 16 + alignment - 1) & ~(alignment - 1)) - 16;
        for (uint64_t head = first; head <= first + alignment && head + SMALLEST <= stop; head += alignment)
            if (head != at && is_head(s, head, at, end, ret_size))
                return head;
    }
    for (uint64_t head = at + PAGE - 16; head + SMALLEST <= stop && head - at < FARTHEST; head += PAGE)
        if (is_head(s, head, at, end, ret_size))
            return head;
    return at;
}

static bool scan(struct glibc_search *s, uint64_t start, uint64_t end, unsigned first, unsigned last)
{
    for (uint64_t page = start; page < end;) {
        page = (glibc_present_from(s, page, end) + PAGE - 1) & ~(uint64_t)(PAGE - 1);
        uint64_t claimed = glibc_claimed(s, page);
        if (claimed != 0) {
            page = (claimed + PAGE - 1) & ~(uint64_t)(PAGE - 1);
            continue;
        }
        uint64_t next = page + PAGE;
        for (unsigned i = first; i < last; i++) {
            bool is_new;
            uint64_t at = page + places[i], size = mapped_chunk(s, at, start, end, &is_new);
            if (size < 16 || (size < PAGE && i == 0))
                continue;
            if (is_new)
                s->new_mapped_size = true;
            if (i == 0)
                at = aligned_head(s, at, end, &size);
            if (!take_chunk(s, at, size))
                return false;
            next = at + size;
            break;
        }
        page = next;
    }
    return true;
}

static bool scan_all(struct glibc_search *s, unsigned first, unsigned last)
{
    for (size_t i = 0; i < s->space->region_count; i++) {
        const struct memory_region *r = &s->space->regions[i];
        if (!glibc_anonymous(r))
            continue;
        uint64_t end = glibc_memory_end(s, r->start);
        if (!scan(s, r->start, end, first, last))
            return false;
        while (i + 1 < s->space->region_count && s->space->regions[i + 1].start < end)
            i++;
    }
    return true;
}

bool glibc_walk_mapped(struct glibc_search *s)
{
    if (s->heap->arena_count == 0)
        return true; /* no glibc malloc: what looks like a chunk is none */
    if (s->counted && s->mapped_count == 0)
        return true;
    if (!scan_all(s, 0, 1))
        return false;
    glibc_claims_sort(s);
    if (s->counted && s->heap->mapped.count >= s->mapped_count)
        return true;
    if (!scan_all(s, 1, sizeof places / sizeof *places))
        return false;
    glibc_claims_sort(s);
    return true;
}

/* ---- the main arena where it is in pieces
 * ------------------------------------------------------------------ */

bool glibc_walk_noncontiguous(struct glibc_search *s, uint32_t arena)
{
    const struct glibc_arena *a = &s->heap->arenas[arena];
    if (a->walked >= a->system_mem || (a->contiguous && a->walked >= a->system_mem - a->system_mem / 10))
        return true;
    for (size_t i = 0; i < s->space->region_count; i++) {
        const struct memory_region *r = &s->space->regions[i];
        if (!glibc_anonymous(r))
            continue;
        uint64_t end = glibc_memory_end(s, r->start);
        uint64_t page = r->start;
        while (page < end && a->walked < a->system_mem && glibc_spend(s, 1)) {
            page = (glibc_present_from(s, page, end) + PAGE - 1) & ~(uint64_t)(PAGE - 1);
            uint64_t claimed = glibc_claimed(s, page);
            if (claimed != 0) {
                page = (claimed + PAGE - 1) & ~(uint64_t)(PAGE - 1);
                continue;
            }
            struct glibc_walk walk = {.start = page,
                                      .end = end,
                                      .top = a->top > page && a->top < end ? a->top : 0,
                                      .arena = arena,
                                      .wrong = CHUNK_MAPPED | CHUNK_NOT_MAIN,
                                      .piece = true};
            uint64_t head, previous;
            if (!glibc_read(&s->view, page + 8, &head) || !glibc_read(&s->view, page, &previous) ||
                previous != 0 || (head & 15) != CHUNK_PREVIOUS_USED || head < SMALLEST ||
                (page != a->top && !glibc_run_begins(s, &walk, page, 32, 0))) {
                page += PAGE;
                continue;
            }
            /* Up to the next fenceposts or top: what follows may be someone else's. */
            if (page == a->top)
                walk.top = page;
            uint64_t before = s->heap->segment_count;
            enum glibc_end ended;
            if (!glibc_walk_run(s, &walk, &ended))
                return false;
            a = &s->heap->arenas[arena];
            uint64_t to =
                s->heap->segment_count > before ? s->heap->segments[s->heap->segment_count - 1].end : page;
            page = to > page ? (to + PAGE - 1) & ~(uint64_t)(PAGE - 1) : page + PAGE;
        }
        while (i + 1 < s->space->region_count && s->space->regions[i + 1].start < end)
            i++;
    }
    return true;
}
