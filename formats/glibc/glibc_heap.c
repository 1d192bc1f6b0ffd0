#include "formats/glibc/glibc_private.h"

#include <stdlib.h>

uint64_t glibc_block_size(const struct process_image *image, uint64_t address)
{
    const uint8_t *p = address >= 16 ? address_space_at(&image->space, address - 16, 16) : NULL;
    uint64_t previous, size;
    if (p == NULL)
        return 0;
    memcpy(&previous, p, 8);
    memcpy(&size, p + 8, 8);
    uint64_t bytes = size & ~UINT64_C(7);
    if (bytes < SMALLEST || (bytes & 15) != 0 || bytes > UINT64_C(1) << 47)
        return 0;
    if ((size & CHUNK_MAPPED) == 0)
        return bytes - 8;
    /* Since 2.43 the size of a mapped chunk is without its header, and bit 0 of the offset is a flag; its
       last 8 bytes are not the program's either (memsize, malloc.c). */
    return (((previous & ~UINT64_C(1)) + bytes) & (PAGE - 1)) == 0 ? bytes - 16 : bytes - 8;
}

static const struct glibc_range *range_of(const struct glibc_range *ranges, size_t count, uint64_t address)
{
    size_t low = 0, high = count;
    while (low < high) { /* the first that ends behind the address */
        size_t middle = low + (high - low) / 2;
        if (ranges[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && ranges[low].start <= address ? &ranges[low] : NULL;
}

uint64_t glibc_heap_block_size(const struct glibc_heap *heap, const struct process_image *image,
                               uint64_t address)
{
    if (heap->repaired_count > 0) {
        const struct glibc_range *r = range_of(heap->repaired, heap->repaired_count, address);
        if (r != NULL && r->start == address)
            return r->end - r->start;
    }
    return glibc_block_size(image, address);
}

bool glibc_heap_owns(const struct glibc_heap *heap, uint64_t address)
{
    return range_of(heap->own, heap->own_count, address) != NULL;
}

void glibc_heap_free(struct glibc_heap *heap)
{
    for (size_t i = 0; i < heap->warning_count; i++)
        free(heap->warnings[i]);
    free(heap->warnings);
    free(heap->arenas);
    free(heap->segments);
    free(heap->checks);
    free(heap->own);
    free(heap->repaired);
    memset(heap, 0, sizeof *heap);
}

static int by_start(const void *a, const void *b)
{
    const struct glibc_range *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static int by_segment_start(const void *a, const void *b)
{
    const struct glibc_segment *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Sorts and joins ranges that overlap; returns how many are left. */
static size_t join(struct glibc_range *ranges, size_t count)
{
    size_t kept = 0;
    if (count > 1)
        qsort(ranges, count, sizeof *ranges, by_start);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && ranges[i].start < ranges[kept - 1].end) {
            if (ranges[i].end > ranges[kept - 1].end)
                ranges[kept - 1].end = ranges[i].end;
        } else {
            ranges[kept++] = ranges[i];
        }
    }
    return kept;
}

void glibc_claims_sort(struct glibc_search *s)
{
    s->claimed_count = join(s->claimed, s->claimed_count);
    s->claimed_sorted = s->claimed_count;
}

uint64_t glibc_claimed(const struct glibc_search *s, uint64_t address)
{
    const struct glibc_range *r = range_of(s->claimed, s->claimed_sorted, address);
    return r != NULL ? r->end : 0;
}

/* What threads have in registers and on top of their stacks: malloc itself keeps chunks there that it is just
 * working on. */
static bool collect_held(struct glibc_search *s)
{
    enum { WORDS = 64 };
    size_t capacity = s->image->thread_count * (IMAGE_REGISTERS + WORDS);
    if (capacity == 0)
        return true;
    s->held = malloc(capacity * sizeof *s->held);
    if (s->held == NULL) {
        s->failed = true;
        return error_no_memory(s->err);
    }
    for (size_t t = 0; t < s->image->thread_count; t++) {
        const uint64_t *registers = s->image->threads[t].registers;
        for (unsigned r = 0; r < IMAGE_REGISTERS; r++)
            s->held[s->held_count++] = registers[r];
        for (unsigned w = 0; w < WORDS; w++) {
            uint64_t v;
            if (glibc_read(&s->view, registers[REGISTER_RSP] + w * 8, &v))
                s->held[s->held_count++] = v;
        }
    }
    qsort(s->held, s->held_count, sizeof *s->held, by_value);
    return true;
}

bool glibc_held(const struct glibc_search *s, uint64_t value)
{
    return s->held_count > 0 && bsearch(&value, s->held, s->held_count, sizeof *s->held, by_value) != NULL;
}

static bool walk_spans(struct glibc_search *s)
{
    for (size_t i = 0; i < s->span_count; i++) {
        const struct glibc_span *span = &s->spans[i];
        const struct glibc_arena *arena = &s->heap->arenas[span->number];
        uint64_t first = span->base + span->header, end = span->base + span->size;
        bool has_state = arena->address == first;
        if (has_state) /* the malloc_state lies before the chunks, which are aligned by 16 */
            first = (first + s->layout->size + 15) & ~UINT64_C(15);
        if (!glibc_own(s, span->base, first))
            return false;
        s->heap->overhead += first - span->base;
        struct glibc_walk walk = {.start = first,
                                  .end = end,
                                  .top = arena->top >= first && arena->top < end ? arena->top : 0,
                                  .arena = span->number,
                                  .wrong = CHUNK_MAPPED,
                                  .right = CHUNK_NOT_MAIN};
        enum glibc_end ended;
        if (!glibc_walk_run(s, &walk, &ended))
            return false;
    }
    return true;
}

static bool find(struct glibc_search *s)
{
    if (!collect_held(s) || !glibc_find_arenas(s) || !glibc_walk_main(s) || !walk_spans(s))
        return false;
    glibc_claims_sort(s);
    for (size_t i = 0; i < s->heap->arena_count; i++)
        if (s->heap->arenas[i].main) {
            if (!glibc_walk_noncontiguous(s, (uint32_t)i))
                return false;
            glibc_claims_sort(s);
        }
    return glibc_walk_mapped(s) && glibc_lists(s) && glibc_checks(s);
}

bool glibc_heap_find(struct glibc_heap *ret, const struct process_image *image, struct block_index *index,
                     struct error *err)
{
    memset(ret, 0, sizeof *ret);
    uint64_t present = 0;
    for (size_t i = 0; i < image->space.region_count; i++)
        present += image->space.regions[i].present;
    struct glibc_search s = {.heap = ret,
                             .image = image,
                             .space = &image->space,
                             .index = index,
                             .err = err,
                             .layout = &glibc_layouts[0],
                             .view = {.space = &image->space},
                             .budget = (1u << 20) + present};
    bool done = find(&s);
    if (s.damages > 8)
        done = done && glibc_warn(&s, "%u more places of the heap are damaged", s.damages - 8);
    free(s.spans);
    free(s.claimed);
    free(s.tcaches);
    free(s.held);
    if (!done) {
        glibc_heap_free(ret);
        return false;
    }
    if (ret->segment_count > 0)
        qsort(ret->segments, ret->segment_count, sizeof *ret->segments, by_segment_start);
    ret->own_count = join(ret->own, ret->own_count);
    ret->repaired_count = join(ret->repaired, ret->repaired_count);
    bool any = ret->arena_count > 0 || ret->segment_count > 0;
    ret->other_allocator = glibc_other_allocator(image, ret, ret->used.count == 0);
    ret->verdict = !any ? GLIBC_ABSENT : s.missing ? GLIBC_PARTLY : GLIBC_FOUND;
    return true;
}
