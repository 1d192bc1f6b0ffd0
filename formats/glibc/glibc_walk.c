/* From chunk to chunk (malloc/malloc.c, "struct malloc_chunk details"). A chunk is in use when the next one
 * says so. Between two chunks a thread may have been stopped anywhere inside malloc: heads and feet can be
 * half written, at one place for each such thread (comments below name the function). */
#include "formats/glibc/glibc_walk.h"

enum { AHEAD = 2048 }; /* bytes */

/* A chunk whose successor calls it free, though the successor's prev_size is not its size: either a thread is
 * in the middle of freeing or splitting it, and its links are set, or something overwrote the successor's
 * size. */
bool glibc_is_linked(struct glibc_search *s, uint64_t chunk)
{
    uint64_t fd, bk, back, forth;
    return glibc_read(&s->view, chunk + 16, &fd) && glibc_read(&s->view, chunk + 24, &bk) &&
           ((fd | bk) & 15) == 0 && glibc_read(&s->view, fd + 24, &back) &&
           glibc_read(&s->view, bk + 16, &forth) && (back == chunk || forth == chunk);
}

static bool end_segment(struct glibc_walker *w, uint64_t end)
{
    struct glibc_heap *heap = w->s->heap;
    if (w->walk->arena != UINT32_MAX)
        heap->arenas[w->walk->arena].walked += end - w->segment;
    bool done = glibc_segment(w->s, w->segment, end, w->walk->arena, w->damaged);
    w->segment = end;
    w->damaged = false;
    w->last = 0;
    return done;
}

static void add_top(struct glibc_walker *w, uint64_t bytes)
{
    w->s->heap->top.count++;
    w->s->heap->top.bytes += bytes;
}

/* The end of top, which begins at `top`. Its head may not have been written yet. */
static uint64_t top_end(struct glibc_walker *w, uint64_t top)
{
    uint64_t size, end = w->walk->end;
    if (!glibc_read(&w->s->view, top + 8, &size))
        return end;
    size &= ~UINT64_C(7);
    if (size < 16 || (size & 15) != 0 || size > end - top || ((top + size) & (PAGE - 1)) != 0)
        return end;
    return top + size;
}

bool glibc_stop(struct glibc_walker *w, struct glibc_place *place, uint64_t at, enum glibc_end end)
{
    place->over = true;
    place->end = end;
    return end_segment(w, at);
}

void glibc_go_on(struct glibc_walker *w, struct glibc_place *place, uint64_t to)
{
    place->at = to;
    place->over = !glibc_read(&w->s->view, to + 8, &place->head);
    place->end = GLIBC_END_LOST;
}

bool glibc_cut_off(struct glibc_walker *w, struct glibc_place *place, uint64_t size)
{
    struct glibc_search *s = w->s;
    s->missing = true;
    if (glibc_is_linked(s, place->at) || place->at + size == w->walk->top)
        glibc_add_free(w, size);
    else if (!glibc_add_used(w, place->at, size))
        return false;
    uint64_t end = place->at + size, next = glibc_present_from(s, end, w->walk->end);
    if (!glibc_stop(w, place, end, GLIBC_END_LOST) || next >= w->walk->end)
        return !s->failed;
    next = glibc_next_run(w, next); /* pages left out of the core (MADV_DONTDUMP) */
    if (next == 0)
        return true;
    w->segment = next;
    glibc_go_on(w, place, next);
    return true;
}

/* At top. True with place->over unset: it was not the top after all, go on. */
static bool at_top(struct glibc_walker *w, struct glibc_place *place)
{
    uint64_t at = place->at, size = place->head & ~UINT64_C(7), end = w->walk->end, head;
    /* A moment ago top was split: `top` still points to the part given away (use_top in _int_malloc). */
    if (((at + size) & (PAGE - 1)) != 0 && size >= SMALLEST && size < end - at && (size & 15) == 0 &&
        glibc_read(&w->s->view, at + size + 8, &head) && (head & 15) == 1 && head >= SMALLEST &&
        at + size + (head & ~UINT64_C(7)) <= end && ((at + size + head - 1) & (PAGE - 1)) == 0) {
        glibc_add_free(w, size);
        at += size;
    }
    uint64_t behind = top_end(w, at);
    add_top(w, behind - at);
    return glibc_stop(w, place, behind, GLIBC_END_TOP);
}

/* The last chunk before `end`. */
static bool at_end(struct glibc_walker *w, struct glibc_place *place, uint64_t size)
{
    uint64_t at = place->at, end = at + size;
    if (w->walk->last_is_top || (w->walk->right & CHUNK_NOT_MAIN) != 0 || glibc_is_linked(w->s, at))
        add_top(w, size); /* without fenceposts behind it: a top, or a moment ago one (sysmalloc) */
    else if (!glibc_add_used(w, at, size))
        return false;
    return glibc_stop(w, place, end, GLIBC_END_EXACT);
}

bool glibc_walk_run(struct glibc_search *s, const struct glibc_walk *walk, enum glibc_end *ret)
{
    struct glibc_walker w = {.s = s, .walk = walk, .kib = UINT64_MAX, .segment = walk->start};
    struct glibc_place place = {.at = walk->start};
    uint64_t end = walk->end, top = walk->top, wrong = walk->wrong | 8;
    uintptr_t ahead = 0;
    bool done = true;
    glibc_go_on(&w, &place, walk->start);
    while (done && !place.over) {
        uint64_t at = place.at, head = place.head, size = head & ~UINT64_C(7), next = at + size, behind;
        if (__builtin_expect(at == top, 0)) {
            done = at_top(&w, &place);
            continue;
        }
        if (__builtin_expect(
                size < SMALLEST || (head & wrong) != 0 || size > end - at || (top > at && top < next), 0)) {
            done = glibc_resynchronise(&w, &place);
            continue;
        }
        if (__builtin_expect(next == end, 0)) {
            done = at_end(&w, &place, size);
            continue;
        }
        const uint8_t *p = glibc_view_at(&s->view, next, 16);
        if (__builtin_expect(p == NULL, 0)) {
            done = glibc_cut_off(&w, &place, size);
            continue;
        }
        /* Where the next head is only this one tells: have the lines it may be in on their way. */
        uintptr_t here = (uintptr_t)p;
        if (ahead - here > AHEAD)
            ahead = here;
        for (; ahead < here + AHEAD; ahead += 64)
            __builtin_prefetch((const void *)ahead);
        memcpy(&behind, p + 8, 8);
        if ((behind & CHUNK_PREVIOUS_USED) != 0) {
            done = glibc_add_used(&w, at, size);
        } else {
            uint64_t previous;
            memcpy(&previous, p, 8);
            if (__builtin_expect(previous == size, 1) || glibc_is_linked(s, at))
                glibc_add_free(&w, size);
            else
                done = glibc_add_used(&w, at, size);
        }
        w.last = at;
        place.at = next;
        place.head = behind;
    }
    if (done && place.over && w.segment < place.at &&
        place.end == GLIBC_END_LOST) /* unreadable where it went on */
        done = end_segment(&w, place.at);
    s->heap->used.count += w.used.count;
    s->heap->used.bytes += w.used.bytes;
    s->heap->free.count += w.free.count;
    s->heap->free.bytes += w.free.bytes;
    *ret = place.end;
    return done && !s->failed;
}
