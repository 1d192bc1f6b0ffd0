/* What was found, against what the process itself has counted. */
#include "formats/glibc/glibc_private.h"

#include <stdarg.h>
#include <stdio.h>

static bool check(struct glibc_search *s, uint64_t expected, uint64_t found, bool known, const char *format,
                  ...) __attribute__((format(printf, 5, 6)));

static bool check(struct glibc_search *s, uint64_t expected, uint64_t found, bool known, const char *format,
                  ...)
{
    struct glibc_heap *heap = s->heap;
    if (!glibc_grow(s, &heap->checks, &s->check_capacity, heap->check_count + 1, sizeof *heap->checks))
        return false;
    struct glibc_check *c = &heap->checks[heap->check_count++];
    *c = (struct glibc_check){
        .expected = expected, .found = found, .known = known, .agrees = known && expected == found};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->name, sizeof c->name, format, arguments);
    va_end(arguments);
    return true;
}

/* Arenas that come after an arena in the ring, itself included; 0: it does not close. */
static size_t ring(struct glibc_search *s, uint64_t first)
{
    uint64_t at = first;
    for (size_t n = 1; n <= s->heap->arena_count; n++) {
        at = glibc_word(&s->view, at + s->layout->next);
        if (at == first)
            return n;
    }
    return 0;
}

bool glibc_checks(struct glibc_search *s)
{
    struct glibc_heap *heap = s->heap;
    if (heap->arena_count == 0)
        return true;
    /* 2.43 loses count of the bytes of aligned blocks: a sum that is no number of pages. */
    if (!check(s, s->mapped_count, s->mapped_number, s->counted, "mapped chunks") ||
        !check(s, s->mapped_mem, s->mapped_found, s->counted && (s->mapped_mem & (PAGE - 1)) == 0,
               "mapped chunks: bytes"))
        return false;
    for (size_t i = 0; i < s->span_count; i++) /* a heap counts with its head */
        heap->arenas[s->spans[i].number].walked = 0;
    for (size_t i = 0; i < s->span_count; i++)
        heap->arenas[s->spans[i].number].walked += s->spans[i].size;
    uint64_t in_rings = 0;
    for (size_t i = 0; i < heap->arena_count; i++) {
        const struct glibc_arena *a = &heap->arenas[i];
        bool known = a->address != 0 && a->top != 0;
        /* sysmalloc counts what others took in between as its own, as long as the arena is contiguous. */
        uint64_t found = a->walked;
        if (a->main && (a->contiguous || found != a->system_mem))
            found += s->gaps;
        if (a->main && !a->contiguous && a->walked < a->system_mem && found > a->system_mem)
            known = false;
        const char *kind = a->main ? "main" : "thread";
        bool done = a->address != 0 ? check(s, a->system_mem, found, known, "%s arena 0x%llx: bytes", kind,
                                            (unsigned long long)a->address)
                                    : check(s, a->system_mem, found, known, "%s arena: bytes", kind);
        if (!done)
            return false;
        if (a->main && known)
            in_rings += ring(s, a->address);
    }
    if (!check(s, heap->arena_count, in_rings, !s->missing, "arenas in the ring"))
        return false;
    uint64_t ends = 0;
    for (size_t i = 0; i < heap->segment_count; i++)
        ends += !heap->segments[i].damaged;
    return check(s, heap->segment_count, ends, true, "runs of chunks without damage");
}
