/* Where the chunks break off: fenceposts, memory of others in between, heads that a thread was just writing,
 * heads that something has overwritten. */
#include "formats/glibc/glibc_walk.h"

/* The bytes from the first of the fenceposts at `at` to behind the last one; 0: none. sysmalloc closes a part
 * of the main arena with heads of size 16, an older heap of a thread's arena with one of 16 and one of 0. */
static uint64_t fence_end(struct glibc_search *s, const struct glibc_walk *walk, uint64_t at)
{
    uint64_t size, from = at, end = walk->end;
    while (at < end && at - from < 64 && glibc_read(&s->view, at + 8, &size)) {
        if ((size & ~UINT64_C(7)) == 0 && at > from && (walk->right & CHUNK_NOT_MAIN) != 0)
            return at + 16;
        if ((size & ~UINT64_C(7)) != 16)
            break;
        at += 16;
    }
    return at - from >= 32 || (at > from && at >= end) ? at : 0;
}

uint64_t glibc_next_run(struct glibc_walker *w, uint64_t from)
{
    uint64_t end = w->walk->end, top = w->walk->top;
    for (uint64_t at = from; at + 16 <= end; at += 16) {
        if (at == top)
            return at;
        if (!glibc_spend(w->s, 1))
            break;
        uint64_t head;
        if (!glibc_read(&w->s->view, at + 8, &head)) { /* a hole: on behind it */
            uint64_t present = glibc_present_from(w->s, at, end) & ~UINT64_C(15);
            at = present > at ? present - 16 : at;
            continue;
        }
        if (head < SMALLEST || (head & (8 | w->walk->wrong)) != 0 || head > end - at + 7)
            continue;
        if (glibc_run_begins(w->s, w->walk, at, 16, 0))
            return at;
    }
    return top > from && top < end ? top : 0;
}

/* A run ended in fenceposts up to `at`: others follow where memory goes on. */
static bool after_fence(struct glibc_walker *w, struct glibc_place *place, uint64_t from, uint64_t at)
{
    w->s->heap->overhead += at - from;
    if (!glibc_stop(w, place, at, GLIBC_END_FENCE) || at >= w->walk->end || w->walk->piece)
        return !w->s->failed;
    bool more = w->walk->top > at && w->walk->top < w->walk->end;
    if (!more && (w->walk->right & CHUNK_NOT_MAIN) != 0)
        return true;
    uint64_t next = glibc_next_run(w, at);
    if (next == 0)
        return true;
    w->segment = next;
    w->s->gaps += next - at;
    glibc_go_on(w, place, next);
    return true;
}

/* A free chunk [from, to) was being split: the head of its first part is written, that of the rest is not,
 * and the chunk after it still has the old prev_size (_int_malloc). Returns `to`, 0: it is not so. */
static uint64_t split_end(struct glibc_walker *w, uint64_t from, uint64_t at)
{
    if (from == 0)
        return 0;
    for (uint64_t to = at + 16; to + 16 <= w->walk->end; to += 16) {
        const uint8_t *p = glibc_view_at(&w->s->view, to, 16);
        uint64_t word[2];
        if (p == NULL || !glibc_spend(w->s, 1))
            return 0;
        memcpy(word, p, 16);
        if ((word[0] == to - from || word[0] == to - at) && (word[1] & 1) == 0 && word[1] >= SMALLEST &&
            glibc_run_begins(w->s, w->walk, to, 4, 0))
            return to;
    }
    return 0;
}

static bool tell_damage(struct glibc_walker *w, uint64_t at, uint64_t to)
{
    struct glibc_search *s = w->s;
    w->damaged = true;
    if (s->damages++ == 0)
        s->heap->damaged_at = at;
    s->damaged_bytes += to - at;
    if (s->damages > 8)
        return true;
    return glibc_warn(s,
                      "the heap is damaged at 0x%llx (overwritten chunk header): %llu bytes up to 0x%llx are "
                      "taken as one block",
                      (unsigned long long)at, (unsigned long long)(to - at), (unsigned long long)to);
}

/* What can begin inside the chunk before, whose size must then be the wrong one; 0: nothing. Memory that was
 * freed and given away again keeps old heads: it takes several, one behind the other, up to behind `at`. */
static uint64_t run_inside(struct glibc_walker *w, uint64_t last, uint64_t at)
{
    enum { ENOUGH = 4 };
    if (last == 0)
        return 0;
    for (uint64_t d = last + SMALLEST; d < at; d += 16) {
        uint64_t head, inside = d;
        unsigned n = 0;
        for (; n < ENOUGH && inside < at && glibc_spend(w->s, 1); n++) {
            if (!glibc_read(&w->s->view, inside + 8, &head) || head < SMALLEST ||
                (head & (8 | w->walk->wrong)) != 0 || head > w->walk->end - inside)
                break;
            inside += head & ~UINT64_C(7);
        }
        if (n == ENOUGH && inside <= at && glibc_run_begins(w->s, w->walk, d, 16, at))
            return d;
        if (w->s->budget == 0)
            break;
    }
    return 0;
}

bool glibc_resynchronise(struct glibc_walker *w, struct glibc_place *place)
{
    struct glibc_search *s = w->s;
    uint64_t at = place->at, end = w->walk->end, top = w->walk->top, last = w->last;
    uint64_t fence = fence_end(s, w->walk, at);
    if (fence != 0)
        return after_fence(w, place, at, fence);
    uint64_t bytes = place->head & ~UINT64_C(7);
    if (bytes == 0 && end - at <= 32) { /* the last head of an older heap */
        s->heap->overhead += end - at;
        return glibc_stop(w, place, end, GLIBC_END_FENCE);
    }
    if (top > at &&
        bytes == end - at) { /* the former top, split or merged a moment ago (use_top, _int_free) */
        glibc_add_free(w, top - at);
        w->last = 0;
        glibc_go_on(w, place, top);
        return true;
    }
    bool busy = glibc_held(s, at) || (last != 0 && glibc_held(s, last));
    uint64_t to = busy ? split_end(w, last, at) : 0;
    if (to != 0) {
        glibc_add_free(w, to - at);
        w->last = at;
        glibc_go_on(w, place, to);
        return true;
    }
    /* What says whether the chunk before is in use was overwritten too: its links tell. */
    bool used = last != 0 && block_index_has(s->index, last + 16),
         linked = last != 0 && glibc_is_linked(s, last);
    if (used && linked && glibc_word(&s->view, at) == at - last) {
        block_index_remove(s->index, last + 16);
        w->used.count--;
        w->used.bytes -= at - last;
        glibc_add_free(w, at - last);
    } else if (last != 0 && !used && !linked && !busy) {
        w->free.count--;
        w->free.bytes -= at - last;
        if (!glibc_add_used(w, last, at - last))
            return false;
    }
    to = run_inside(w, last, at);
    if (to != 0) { /* the chunk before is the damaged one */
        uint64_t wrong = at - last;
        if (block_index_has(s->index, last + 16)) {
            w->used.bytes -= wrong - (to - last);
        } else {
            w->free.count--;
            w->free.bytes -= wrong;
            if (!glibc_add_used(w, last, to - last))
                return false;
        }
        if (!glibc_repaired(s, last + 16, to + 8) || !tell_damage(w, last, to))
            return false;
        w->last = 0;
        glibc_go_on(w, place, to);
        return true;
    }
    to = glibc_next_run(w, at + 16);
    if (to == 0) {
        w->damaged = true;
        if (s->damages++ == 0)
            s->heap->damaged_at = at;
        s->missing = true;
        s->heap->overhead += end - at;
        if (!glibc_warn(s,
                        "the heap is damaged at 0x%llx: nothing that follows could be made out (%llu bytes)",
                        (unsigned long long)at, (unsigned long long)(end - at)))
            return false;
        return glibc_stop(w, place, end, GLIBC_END_LOST);
    }
    if (busy) { /* _int_realloc: the head of what it cuts off is not written yet */
        s->heap->overhead += to - at;
    } else if (glibc_is_linked(s, at)) { /* a free chunk has lost its size */
        glibc_add_free(w, to - at);
        if (!tell_damage(w, at, to))
            return false;
    } else if (!glibc_add_used(w, at, to - at) || !glibc_repaired(s, at + 16, to + 8) ||
               !tell_damage(w, at, to)) {
        return false;
    }
    w->last = 0;
    glibc_go_on(w, place, to);
    return true;
}

bool glibc_run_begins(struct glibc_search *s, const struct glibc_walk *walk, uint64_t address,
                      unsigned enough, uint64_t avoid)
{
    uint64_t at = address, size = 0, end = walk->end;
    for (unsigned n = 0;; n++) {
        if (at == walk->top && at != 0)
            return n > 0;
        const uint8_t *p = glibc_view_at(&s->view, at, 16);
        uint64_t word[2];
        if (at == avoid || at + 16 > end || !glibc_spend(s, 1))
            return false;
        if (n >= enough && at > avoid)
            return true;
        if (p == NULL)
            return n >= 4 && at > avoid;
        memcpy(word, p, 16);
        uint64_t bytes = word[1] & ~UINT64_C(7);
        if ((word[1] & CHUNK_PREVIOUS_USED) == 0) { /* the foot of the chunk before tells its size */
            if (word[0] < SMALLEST || (word[0] & 15) != 0 || (n > 0 && word[0] != size))
                return false;
        } else if (n > 0 && bytes >= SMALLEST && walk->right != 0) {
            uint64_t head = glibc_word(&s->view, at - size + 8);
            if ((head & walk->right) != walk->right)
                return false;
        }
        if (n > 0 && at > avoid && fence_end(s, walk, at) != 0)
            return true;
        if (bytes == 0 && n > 0 && end - at <= 32)
            return at > avoid;
        if (bytes < SMALLEST || (word[1] & (8 | walk->wrong)) != 0 || bytes > end - at)
            return false;
        size = bytes;
        at += bytes;
        if (at == end)
            return at > avoid;
        if (walk->top != 0 && walk->top < at && walk->top > at - size)
            return false;
    }
}
