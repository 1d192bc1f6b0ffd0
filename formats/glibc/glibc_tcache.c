/* The threads' caches (malloc/malloc.c, struct tcache_perthread_struct): found among the used blocks of their
 * size by their content alone, no thread's registers needed. What they hold is free. */
#include "formats/glibc/glibc_private.h"

enum { MOST_BINS = 76, SMALL_BINS = 64 };

struct kind {
    uint32_t chunk; /* bytes of its chunk; 16 more where the rest was too small for a chunk of its own */
    uint32_t bins, count_size;
    bool counts_left; /* counts what still fits instead of what is in */
};

static const struct kind kinds[3] = {
    {0x250, 64, 1, false}, /* until 2.29 */
    {0x290, 64, 2, false}, /* 2.30 to 2.41 */
    {0x300, 76, 2,
     true}, /* from 2.42 on; bins 64 and up for sizes from 1 KiB to 4 MiB, one for each doubling */
};

struct cache {
    const struct kind *kind;
    uint64_t address;
    uint32_t counts[MOST_BINS];
    uint64_t entries[MOST_BINS];
    uint32_t limit; /* entries a bin can hold, where counts say what is left */
};

static bool read_cache(struct glibc_search *s, uint64_t address, uint64_t size, struct cache *ret)
{
    ret->kind = NULL;
    for (unsigned k = 0; k < 3; k++)
        if (size - kinds[k].chunk <= 16)
            ret->kind = &kinds[k];
    if (ret->kind == NULL)
        return false;
    uint32_t bins = ret->kind->bins, counts = bins * ret->kind->count_size;
    const uint8_t *p = glibc_view_at(&s->view, address, counts + bins * 8);
    if (p == NULL)
        return false;
    ret->address = address;
    ret->limit = 0;
    for (uint32_t b = 0; b < bins; b++) {
        uint16_t wide;
        memcpy(&wide, p + b * 2, 2);
        ret->counts[b] = ret->kind->count_size == 1 ? p[b] : wide;
        if (ret->counts[b] > ret->limit)
            ret->limit = ret->counts[b];
    }
    memcpy(ret->entries, p + counts, bins * 8);
    return true;
}

/* Without looking at what the entries point to. */
static bool plausible(const struct cache *c)
{
    unsigned odd = 0, filled = 0;
    bool lower = false; /* a bin below has entries: then this one is not of a cache just being emptied */
    for (uint32_t b = 0; b < c->kind->bins; b++) {
        uint64_t entry = c->entries[b];
        if ((entry & 15) != 0 || entry >= UINT64_C(1) << 47 || (entry != 0 && entry < PAGE))
            return false;
        if (c->kind->counts_left)
            odd += entry == 0 && c->counts[b] != c->limit;
        else
            odd += (entry != 0) != (c->counts[b] != 0) && (entry != 0 || lower);
        lower |= entry != 0;
        filled += entry != 0;
    }
    return odd <= 1 && (filled > 0 || (c->kind->counts_left && c->limit > 0));
}

void glibc_tcache_seen(struct glibc_search *s, uint64_t address, uint64_t size)
{
    struct cache c;
    if (!read_cache(s, address, size, &c) || !plausible(&c))
        return;
    if (glibc_grow(s, &s->tcaches, &s->tcache_capacity, s->tcache_count + 1, sizeof *s->tcaches))
        s->tcaches[s->tcache_count++] = address;
}

static uint64_t link_of(const struct glibc_search *s, uint64_t address, uint64_t raw)
{
    return s->heap->safe_linking ? raw ^ address >> 12 : raw;
}

void glibc_tcache_vote(struct glibc_search *s, uint64_t *safe, uint64_t *plain)
{
    for (size_t i = 0; i < s->tcache_count; i++) {
        struct cache c;
        uint64_t size = glibc_used_size(s, s->tcaches[i]);
        if (size == 0 || !read_cache(s, s->tcaches[i], size, &c))
            continue;
        for (uint32_t b = 0; b < c.kind->bins; b++) {
            uint64_t at = c.entries[b], raw;
            if (at == 0 || glibc_used_size(s, at) == 0 || !glibc_read(&s->view, at, &raw))
                continue;
            uint64_t next = raw ^ at >> 12;
            *plain += raw == 0 || glibc_used_size(s, raw) != 0;
            *safe += next == 0 || glibc_used_size(s, next) != 0;
        }
    }
}

static bool bin_fits(const struct cache *c, uint32_t bin, uint64_t size)
{
    if (bin < SMALL_BINS)
        return size == (bin + 2) * 16;
    uint64_t from = UINT64_C(1024) << (bin - SMALL_BINS);
    return c->kind->counts_left && size >= from && size < from * 2;
}

enum list_end {
    LIST_WHOLE,
    LIST_CUT,   /* it leads out of what a cut core has */
    LIST_BROKEN /* it leads to what is no used block of the bin's size */
};

/* How many entries a bin's list has, up to where it breaks off. */
static uint32_t list_length(struct glibc_search *s, const struct cache *c, uint32_t bin,
                            enum list_end *ret_end)
{
    uint32_t length = 0;
    *ret_end = LIST_BROKEN;
    for (uint64_t at = c->entries[bin]; at != 0; length++) {
        uint64_t raw;
        if ((at & 15) == 0 && s->missing && !glibc_read(&s->view, at, &raw)) {
            *ret_end = LIST_CUT;
            return length;
        }
        if (length > UINT16_MAX || (at & 15) != 0 || !bin_fits(c, bin, glibc_used_size(s, at)) ||
            !glibc_read(&s->view, at, &raw) || !glibc_spend(s, 1))
            return length;
        at = link_of(s, at, raw);
    }
    *ret_end = LIST_WHOLE;
    return length;
}

/* A thread may have been stopped between a list and its count, in one bin, by one; where the heap is damaged,
 * more bins can be broken. But some lists must be right to the last: a block full of pointers is not to pass
 * for a cache. Without safe-linking a list's end, a word of zeros, says little. */
static bool is_cache(struct glibc_search *s, const struct cache *c, uint32_t *lengths)
{
    unsigned odd = 0, good = 0, filled = 0, off_by_one = 0;
    for (uint32_t b = 0; b < c->kind->bins; b++) {
        enum list_end end;
        lengths[b] = list_length(s, c, b, &end);
        if (c->entries[b] == 0)
            continue;
        filled++;
        uint32_t counted = c->kind->counts_left ? c->limit - c->counts[b] : c->counts[b];
        if (end == LIST_WHOLE && lengths[b] == counted)
            good++;
        else if (end == LIST_WHOLE && (lengths[b] + 1 == counted || lengths[b] == counted + 1))
            off_by_one++;
        else if (end == LIST_WHOLE)
            odd += 2;
        else if (end != LIST_CUT)
            odd++;
    }
    if (filled == 0 || (good == 0 && filled == 1 && off_by_one == 1 && s->heap->safe_linking))
        return true;
    return good > 0 && odd + off_by_one <= (s->heap->safe_linking ? 1 + good / 3 : good / 2);
}

bool glibc_tcaches(struct glibc_search *s)
{
    for (size_t i = 0; i < s->tcache_count; i++) {
        struct cache c;
        uint32_t lengths[MOST_BINS];
        uint64_t size = glibc_used_size(s, s->tcaches[i]);
        if (size == 0 || !read_cache(s, s->tcaches[i], size, &c) || !is_cache(s, &c, lengths))
            continue;
        if (!glibc_own(s, c.address, c.address + size - 8))
            return false;
        for (uint32_t b = 0; b < c.kind->bins; b++) {
            uint64_t at = c.entries[b];
            for (uint32_t n = 0; n < lengths[b]; n++) {
                uint64_t bytes = glibc_used_size(s, at), next = link_of(s, at, glibc_word(&s->view, at));
                if (bytes == 0)
                    break; /* in two lists: freed twice */
                glibc_take_free(s, at, bytes, &s->heap->tcache);
                at = next;
            }
        }
    }
    return true;
}
