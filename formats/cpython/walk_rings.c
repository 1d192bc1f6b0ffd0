/* The collector's rings: every tracked object enters the array, in the order of its ring.
 *
 * A ring is a linked list all over the heap: each hop waits for memory. Following it from both ends at once
 * overlaps two waits; on a shuffled heap that takes 0.55 of the time (docs/performance.md). The objects met
 * from the far end are kept aside and enter the array, in the ring's order, when the ends have met.
 */
#include "formats/cpython/walk.h"

/* Ids are given out through a small delay line, so that the map's slots are in the cache when they are
 * written. */
enum { DELAY = 32 };

struct arrivals {
    struct {
        uint32_t *slot;
        uint64_t entry;
    } line[DELAY];
    uint32_t fill, at;
};

static void settle(struct walk *w, uint32_t *slot, uint64_t entry)
{
    if (*slot == 0)
        *slot = walk_append(w, entry);
}

static void arrive(struct walk *w, struct arrivals *a, uint64_t entry)
{
    uint32_t *slot = address_map_slot(&w->map, walk_address(entry));
    __builtin_prefetch(slot, 1);
    if (a->fill == DELAY)
        settle(w, a->line[a->at].slot, a->line[a->at].entry);
    else
        a->fill++;
    a->line[a->at].slot = slot;
    a->line[a->at].entry = entry;
    a->at = (a->at + 1) % DELAY;
}

static void arrivals_end(struct walk *w, struct arrivals *a)
{
    uint32_t at = (a->at + DELAY - a->fill) % DELAY;
    for (; a->fill > 0; a->fill--, at = (at + 1) % DELAY)
        settle(w, a->line[at].slot, a->line[at].entry);
}

static bool full(const struct walk *w, uint64_t seen)
{
    return w->memory.failed || w->count >= UINT32_MAX - 2 * DELAY || seen >= UINT32_MAX;
}

static uint64_t next_of(uint64_t head)
{
    return mem_u64(head) & ~UINT64_C(3);
}

static uint64_t previous_of(uint64_t head)
{
    return mem_u64(head + 8) & ~UINT64_C(3);
}

/* From one end: for a heap that may change under us, where the way back need not be the way there. */
static void follow(struct walk *w, uint64_t head, uint64_t tag)
{
    struct arrivals a = {.fill = 0};
    uint64_t seen = 0;
    for (uint64_t g = next_of(head); g != head && mem_plausible(g) && !full(w, seen); g = next_of(g), seen++)
        arrive(w, &a, (g + 16) | tag);
    arrivals_end(w, &a);
}

/* Objects met from the far end, kept aside in chunks of their own; the array takes the chunks over
 * afterwards. */
static bool keep(struct walk *w, uint64_t kept, uint64_t entry)
{
    uint64_t chunk = kept / WALK_CHUNK;
    if (kept % WALK_CHUNK == 0) {
        if (w->spare_count > 0)
            w->kept[chunk] = w->spare[--w->spare_count];
        else
            w->kept[chunk] = capture_alloc_huge(&w->memory, WALK_CHUNK * sizeof(uint64_t));
        if (w->kept[chunk] == NULL)
            return false;
    }
    w->kept[chunk][kept % WALK_CHUNK] = entry;
    return true;
}

static void release(struct walk *w, uint64_t kept, struct arrivals *a)
{
    while (kept > 0 && !w->memory.failed) {
        kept--;
        arrive(w, a, w->kept[kept / WALK_CHUNK][kept % WALK_CHUNK]);
        if (kept % WALK_CHUNK == 0) /* read to its beginning */
            w->spare[w->spare_count++] = w->kept[kept / WALK_CHUNK];
    }
    arrivals_end(w, a);
}

static void follow_both(struct walk *w, uint64_t head, uint64_t tag)
{
    struct arrivals a = {.fill = 0};
    uint64_t forward = next_of(head), backward = previous_of(head), kept = 0;
    if (forward == head)
        return;
    while (mem_plausible(forward) && mem_plausible(backward) && !full(w, kept)) {
        arrive(w, &a, (forward + 16) | tag);
        if (forward == backward)
            break;
        if (!keep(w, kept++, (backward + 16) | tag))
            break;
        uint64_t next = next_of(forward);
        if (next == backward)
            break;
        backward = previous_of(backward);
        forward = next;
    }
    release(w, kept, &a);
}

static uint64_t gc_state(const struct walk *w, uint64_t interpreter)
{
    return w->layout->gc == NONE ? w->runtime + w->layout->runtime_gc : interpreter + w->layout->gc;
}

void walk_rings(struct walk *w)
{
    unsigned guard = 0;
    uint64_t next;
    for (uint64_t i = mem_u64(w->runtime + w->layout->interpreters_head); i != 0 && guard < 1000;
         i = next, guard++) {
        uint64_t gc = gc_state(w, i);
        next = mem_u64(i + w->layout->interp_next);
        /* A running collector keeps counts where the way back is. */
        bool steady = w->request->synchronised && mem_u32(gc + w->layout->gc_collecting) == 0;
        void (*walk)(struct walk *, uint64_t, uint64_t) = steady ? follow_both : follow;
        for (uint64_t g = 0; g < 3; g++)
            walk(w, gc + GC_GENERATIONS + g * GC_GENERATION_SIZE, WALK_TRACKED | g << WALK_GENERATION_SHIFT);
        walk(w, gc + w->layout->gc_permanent,
             WALK_TRACKED | WALK_FROZEN | UINT64_C(2) << WALK_GENERATION_SHIFT);
        if (w->layout->gc == NONE) /* 3.8: one collector for all */
            break;
    }
    w->tracked = w->count;
}
