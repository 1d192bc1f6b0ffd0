#include "formats/glibc/glibc_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/vector.h"

const struct glibc_layout glibc_layouts[2] = {
    {.fastbins = 16, .top = 96, .bins = 112, .next = 2160, .system_mem = 2184, .size = 2200},
    {.fastbins = 0, .top = 8, .bins = 24, .next = 2072, .system_mem = 2096, .size = 2112},
};

const uint8_t *glibc_view_slow(struct glibc_view *view, uint64_t address, uint64_t size)
{
    const struct memory_region *r = address_space_region(view->space, address);
    if (r == NULL || r->present == 0)
        return NULL;
    if (address - r->start < r->present) {
        view->data = r->data;
        view->start = r->start;
        view->end = r->start + r->present;
        if (view->end - address >= size)
            return view->data + (address - view->start);
    }
    return address_space_slow(view->space, address, size);
}

/* `items` is the address of a pointer of any type: it is copied in and out. */
bool glibc_grow(struct glibc_search *s, void *items, size_t *capacity, size_t wanted, size_t item_size)
{
    void *array;
    memcpy(&array, items, sizeof array);
    if (!vector_reserve(&array, capacity, wanted, item_size, s->err)) {
        s->failed = true;
        return false;
    }
    memcpy(items, &array, sizeof array);
    return true;
}

bool glibc_warn(struct glibc_search *s, const char *format, ...)
{
    struct glibc_heap *heap = s->heap;
    if (heap->warning_count >= 64)
        return true;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!glibc_grow(s, &heap->warnings, &s->warning_capacity, heap->warning_count + 1, sizeof(char *)))
        return false;
    if ((heap->warnings[heap->warning_count] = strdup(text)) == NULL) {
        s->failed = true;
        return error_no_memory(s->err);
    }
    heap->warning_count++;
    return true;
}

static bool add_range(struct glibc_search *s, struct glibc_range **ranges, size_t *count, size_t *capacity,
                      uint64_t start, uint64_t end)
{
    if (start >= end)
        return true;
    if (!glibc_grow(s, ranges, capacity, *count + 1, sizeof **ranges))
        return false;
    (*ranges)[(*count)++] = (struct glibc_range){start, end};
    return true;
}

bool glibc_claim(struct glibc_search *s, uint64_t start, uint64_t end)
{
    return add_range(s, &s->claimed, &s->claimed_count, &s->claimed_capacity, start, end);
}

bool glibc_own(struct glibc_search *s, uint64_t start, uint64_t end)
{
    return add_range(s, &s->heap->own, &s->heap->own_count, &s->own_capacity, start, end);
}

bool glibc_repaired(struct glibc_search *s, uint64_t start, uint64_t end)
{
    return add_range(s, &s->heap->repaired, &s->heap->repaired_count, &s->repaired_capacity, start, end);
}

bool glibc_segment(struct glibc_search *s, uint64_t start, uint64_t end, uint32_t arena, bool damaged)
{
    struct glibc_heap *heap = s->heap;
    if (start >= end)
        return true;
    if (!glibc_grow(s, &heap->segments, &s->segment_capacity, heap->segment_count + 1,
                    sizeof *heap->segments))
        return false;
    heap->segments[heap->segment_count++] =
        (struct glibc_segment){.start = start, .end = end, .arena = arena, .damaged = damaged};
    return glibc_claim(s, start, end);
}

bool glibc_spend(struct glibc_search *s, uint64_t steps)
{
    if (s->budget < steps) {
        s->budget = 0;
        return false;
    }
    s->budget -= steps;
    return true;
}

bool glibc_anonymous(const struct memory_region *region)
{
    return region->mapping == MEMORY_NO_MAPPING && (region->access & MEMORY_WRITE) != 0 &&
           region->origin != MEMORY_FILLED;
}

uint64_t glibc_memory_end(const struct glibc_search *s, uint64_t address)
{
    const struct memory_region *r = address_space_region(s->space, address);
    if (r == NULL)
        return 0;
    const struct memory_region *last = s->space->regions + s->space->region_count - 1;
    while (r < last && r[1].start == r->end && glibc_anonymous(&r[1]))
        r++;
    return r->end;
}

uint64_t glibc_present_from(const struct glibc_search *s, uint64_t address, uint64_t end)
{
    size_t low = 0, high = s->space->region_count; /* the first that ends behind the address */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->space->regions[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < s->space->region_count && s->space->regions[low].start < end; low++) {
        const struct memory_region *r = &s->space->regions[low];
        if (address < r->start)
            address = r->start;
        if (address - r->start < r->present)
            return address;
    }
    return end;
}
