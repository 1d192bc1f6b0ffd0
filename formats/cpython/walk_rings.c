/* The collector's rings: every tracked object enters the array, in the order of its ring.
 *
 * A ring is a linked list all over the heap: each hop waits for memory, and following it in one go is a fifth
 * or more of a whole walk. So a long ring is followed from many places at once: first a few dozen members are
 * found by looking into the heap itself, then one chain of hops starts from the ring's head and from each of
 * them, all of them in step, so that their waits overlap. A chain ends where the next one began. What each
 * met is kept aside and enters the array in the ring's order, so that the array does not depend on where the
 * chains began. docs/performance.md has what that saves.
 */
#include "formats/cpython/walk.h"

enum {
    DELAY = 32,      /* places of the line below */
    SHORT = 4096,    /* objects of a ring that are followed before chains are worth their start */
    CHAINS = 64,     /* at most, with the one that starts at the head */
    POINTS = 512,    /* places of the heap that are looked into for members */
    REACH = 1 << 13, /* bytes that are looked into at each */
    FILTER = 4096,
    HEADS = 64,  /* of rings, over all interpreters; chains know no others */
    NOWHERE = 1, /* where a chain ends that is no part of a ring: nobody's start */
};

struct walk_heads {
    uint64_t at[HEADS];
    uint32_t count;
};

/* Ids are given out through a small delay line, so that the map's slots are in the cache when they are
 * written. */
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
#ifdef HELDBY_MEMORY_SPACE
    if (seen > w->most_objects)
        return true;
#endif
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

/* Looked at from time to time: a ring that runs in a circle without its head must end, too. */
static bool out_of_time(struct walk *w)
{
    if (w->deadline_ns == 0 || walk_now_ns() <= w->deadline_ns)
        return false;
    w->rings_broken = true;
    return true;
}

/* Follows the ring from `from` to its head or for `most` hops; returns where it stopped, `head` at the end.
 */
static uint64_t follow(struct walk *w, uint64_t from, uint64_t head, uint64_t tag, uint64_t most)
{
    struct arrivals a = {.fill = 0};
    uint64_t g = from, seen = 0;
    for (; seen < most && g != head && mem_plausible(g) && !full(w, seen); g = next_of(g), seen++) {
        arrive(w, &a, (g + 16) | tag);
        if (seen % 65536 == 65535 && out_of_time(w))
            break;
    }
    arrivals_end(w, &a);
    if (seen < most && g != head)
        w->rings_broken = true;
    return seen == most ? g : head;
}

/* ---- members found by looking ---- */

static bool in_heap(const struct walk *w, uint64_t address)
{
    uint32_t low = 0, high = w->area_count; /* the first area that ends after the address */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (w->areas[mid].end <= address)
            low = mid + 1;
        else
            high = mid;
    }
    return low < w->area_count && w->areas[low].start <= address && w->areas[low].end - address >= 16;
}

static bool is_type(struct walk *w, uint64_t address)
{
    return mem_plausible(address) && (in_heap(w, address) || walk_static_lookup(w, address)) &&
           mem_u64(address + TP_FLAGS) & TPFLAG_HAVE_GC;
}

/* Is it linked like a member of a ring, there and back on both sides, and followed by an object of a
 * collected type? What only looks so does no harm: a chain counts only when another one runs into its
 * beginning. */
static bool linked(struct walk *w, uint64_t g)
{
    uint64_t next = next_of(g), previous = previous_of(g);
    return next != g && mem_plausible(next) && mem_plausible(previous) && in_heap(w, next) &&
           in_heap(w, previous) && previous_of(next) == g && next_of(previous) == g && in_heap(w, g + 24) &&
           is_type(w, mem_u64(g + 16 + OB_TYPE));
}

/* The member at or after the place that lies `at` bytes into the areas taken together; 0: none within reach.
 */
static uint64_t member_near(struct walk *w, uint64_t at)
{
    uint32_t area = 0;
    while (area < w->area_count && at >= w->areas[area].end - w->areas[area].start) {
        at -= w->areas[area].end - w->areas[area].start;
        area++;
    }
    if (area == w->area_count)
        return 0;
    uint64_t g = (w->areas[area].start + at + 15) & ~UINT64_C(15), end = w->areas[area].end;
    for (uint64_t stop = g + REACH; g < stop && g + 16 <= end; g += 16)
        if (linked(w, g))
            return g;
    return 0;
}

/* ---- chains ---- */

struct chain {
    uint64_t start, at;   /* where it began; where it is */
    uint64_t end;         /* where it ended: another's start, or the head; 0: still going */
    uint64_t *block;      /* the last block of what it met */
    uint32_t first, last; /* its blocks, in w->kept; 0 none */
    uint32_t fill;        /* of the last block */
};

struct chains {
    uint64_t head;
    const struct walk_heads *heads; /* of all rings: a member found may be one of another */
    uint32_t count, live_count;
    volatile uint32_t at; /* the live chain that makes its hop */
    uint64_t most;        /* blocks that all members of the heap can fill, if that is known */
    struct chain all[CHAINS];
    struct chain *live[CHAINS];
    uint8_t filter[FILTER]; /* by address: may a chain end here? */
};

static uint32_t filter_of(uint64_t g)
{
    return (uint32_t)(g >> 4) % FILTER;
}

static struct chain *chain_from(struct chains *s, uint64_t start)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (s->all[i].start == start)
            return &s->all[i];
    return NULL;
}

static void start_chain(struct chains *s, uint64_t start)
{
    if (s->count == CHAINS || chain_from(s, start) != NULL)
        return;
    struct chain *c = &s->all[s->count++];
    *c = (struct chain){.start = start, .at = start};
    s->live[s->live_count++] = c;
    s->filter[filter_of(start)] = 1;
}

static bool is_head(const struct chains *s, uint64_t g)
{
    for (uint32_t i = 0; i < s->heads->count; i++)
        if (s->heads->at[i] == g)
            return true;
    return g == s->head;
}

static void find_members(struct walk *w, void *context)
{
    struct chains *s = context;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < w->area_count; i++)
        bytes += w->areas[i].end - w->areas[i].start;
    if (bytes > 0) /* a member takes 32 bytes at least, and each chain has a block that is not full */
        s->most = bytes / 32 / WALK_CHUNK + 2 * CHAINS;
    for (uint32_t i = 0; i < POINTS && s->count < CHAINS; i++) {
        uint32_t turned = 0; /* i with its bits turned round: however few are used, they lie spread out */
        for (uint32_t bit = 1; bit < POINTS; bit <<= 1)
            turned = turned << 1 | (i & bit ? 1 : 0);
        uint64_t g = member_near(w, bytes / POINTS * turned);
        if (g != 0 && !is_head(s, g))
            start_chain(s, g);
    }
}

/* Makes room in `c` for what comes; false: no memory, no time, or the ring runs in a circle. */
static bool next_block(struct walk *w, const struct chains *s, struct chain *c)
{
    uint32_t number = w->kept_count + 1;
    if (number > s->most || out_of_time(w)) {
        w->rings_broken = true;
        return false;
    }
    uint64_t *block = number < WALK_MAX_CHUNKS ? walk_chunk(w) : NULL;
    if (block == NULL) {
        w->memory.failed = true;
        return false;
    }
    w->kept[number] = (struct walk_kept){block, 0};
    w->kept_count = number;
    if (c->last != 0)
        w->kept[c->last].next = number;
    else
        c->first = number;
    c->last = number;
    c->block = block;
    c->fill = 0;
    return true;
}

/* Has the chain from the head come round, over those that it ran into? Broken or full: that is an end, too.
 */
static bool come_round(struct chains *s)
{
    struct chain *c = &s->all[0];
    for (uint32_t i = 0; c->end != 0 && i < s->count; i++) {
        struct chain *next = c->end == s->head ? NULL : chain_from(s, c->end);
        if (next == NULL)
            return true;
        c = next;
    }
    return c->end != 0;
}

static void end_chain(struct chains *s, uint32_t live, uint64_t end)
{
    s->live[live]->end = end;
    s->live[live] = s->live[--s->live_count];
}

/* One hop of each chain that is still going. */
static bool step(struct walk *w, struct chains *s)
{
    bool ended = false;
    for (uint32_t i = 0; i < s->live_count;) {
        struct chain *c = s->live[i];
        s->at = i;
        uint64_t g = c->at, next = next_of(g);
        mem_prefetch(next);
        if (c->fill == WALK_CHUNK || c->block == NULL) {
            if (!next_block(w, s, c))
                return true;
        }
        c->block[c->fill++] = g;
        c->at = next;
        if (__builtin_expect(s->filter[filter_of(next)], 0) &&
            (is_head(s, next) || chain_from(s, next) != NULL)) {
            end_chain(s, i, next);
            ended = true;
        } else if (__builtin_expect(!mem_plausible(next), 0)) {
            end_chain(s, i, NOWHERE);
            ended = true;
        } else {
            i++;
        }
    }
    return ended && come_round(s);
}

/* What the chains met enters the array in the ring's order; all blocks are free again afterwards. */
static void release(struct walk *w, struct chains *s, uint64_t tag)
{
    struct arrivals a = {.fill = 0};
    struct chain *c = &s->all[0];
    for (uint32_t i = 0; c != NULL && i < s->count; i++) {
        for (uint32_t k = c->first; k != 0; k = w->kept[k].next) {
            uint32_t count = k == c->last ? c->fill : WALK_CHUNK;
            for (uint32_t at = 0; at < count && !full(w, 0); at++)
                arrive(w, &a, (w->kept[k].entries[at] + 16) | tag);
            walk_chunk_free(w, w->kept[k].entries);
        }
        c->first = 0;
        c = c->end > NOWHERE && c->end != s->head ? chain_from(s, c->end) : NULL;
    }
    arrivals_end(w, &a);
    for (uint32_t i = 0; i < s->count; i++) /* of chains that were no part of this ring */
        for (uint32_t k = s->all[i].first; k != 0; k = w->kept[k].next)
            walk_chunk_free(w, w->kept[k].entries);
    w->kept_count = 0;
}

static void hops(struct walk *w, void *context)
{
    for (uint64_t steps = 0; !full(w, steps) && !step(w, context); steps++)
        ;
}

/* False: the ring does not lead back to its head. */
static bool follow_chains(struct walk *w, uint64_t from, uint64_t head, uint64_t tag,
                          const struct walk_heads *heads)
{
    static struct chains s;
    s = (struct chains){.head = head, .heads = heads, .most = WALK_MAX_CHUNKS};
    s.filter[filter_of(head)] = 1;
    for (uint32_t i = 0; i < heads->count; i++)
        s.filter[filter_of(heads->at[i])] = 1;
    start_chain(&s, from);
    if (!walk_guarded(w, find_members, &s))
        w->faults--;
    /* What only looked like a member may lead anywhere: such a chain ends where it faults. */
    while (!walk_guarded(w, hops, &s)) {
        w->faults--;
        end_chain(&s, s.at, NOWHERE);
        if (come_round(&s))
            break;
    }
    struct chain *c = &s.all[0];
    for (uint32_t i = 0; c != NULL && c->end != head && i < s.count; i++) /* a circle is no way to the head */
        c = c->end > NOWHERE ? chain_from(&s, c->end) : NULL;
    bool whole = c != NULL && c->end == head;
    release(w, &s, tag);
    return whole;
}

static uint64_t gc_state(const struct walk *w, uint64_t interpreter)
{
    return w->layout->gc == NONE ? w->runtime + w->layout->runtime_gc : interpreter + w->layout->gc;
}

/* The head of ring `number` of an interpreter; 3 is the permanent generation. */
static uint64_t head_of(const struct walk *w, uint64_t interpreter, uint64_t number)
{
    uint64_t gc = gc_state(w, interpreter);
    return number == 3 ? gc + w->layout->gc_permanent : gc + GC_GENERATIONS + number * GC_GENERATION_SIZE;
}

static void find_heads(const struct walk *w, struct walk_heads *ret)
{
    unsigned guard = 0;
    for (uint64_t i = mem_u64(w->runtime + w->layout->interpreters_head); i != 0 && guard < HEADS / 4;
         i = mem_u64(i + w->layout->interp_next), guard++)
        for (uint64_t number = 0; number < 4; number++)
            ret->at[ret->count++] = head_of(w, i, number);
}

void walk_rings(struct walk *w)
{
    struct walk_heads heads = {.count = 0};
    unsigned guard = 0;
    uint64_t next;
    find_heads(w, &heads);
    for (uint64_t i = mem_u64(w->runtime + w->layout->interpreters_head); i != 0 && guard < 1000;
         i = next, guard++) {
        next = mem_u64(i + w->layout->interp_next);
        /* A running collector keeps counts where the way back is, and a heap that changes under us may lead
         * chains astray. */
        bool steady = w->request->synchronised && mem_u32(gc_state(w, i) + w->layout->gc_collecting) == 0;
        for (uint64_t number = 0; number < 4; number++) {
            uint64_t head = head_of(w, i, number), tag = WALK_TRACKED | number << WALK_GENERATION_SHIFT;
            if (number == 3)
                tag = WALK_TRACKED | WALK_FROZEN | UINT64_C(2) << WALK_GENERATION_SHIFT;
            uint64_t from = follow(w, next_of(head), head, tag, steady ? SHORT : UINT64_MAX);
            if (from != head && !follow_chains(w, from, head, tag, &heads))
                w->rings_broken = true;
        }
        if (w->layout->gc == NONE) /* 3.8: one collector for all */
            break;
    }
    w->tracked = w->count;
}
