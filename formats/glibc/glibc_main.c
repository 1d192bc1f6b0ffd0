/* Where the main arena's chunks are: from mp_.sbrk_base, from system_mem, or where the memory of a heap
 * begins; and mp_ itself (malloc/malloc.c, struct malloc_par). */
#include "formats/glibc/glibc_private.h"

/* Offsets from the field sbrk_base; the two words before it are mmapped_mem and max_mmapped_mem. The counters
 * are one int further away since 2.35 (hp_flags came in before them). */
enum { MP_BEFORE_OLD = 72, MP_BEFORE_NEW = 104, MP_AFTER = 40 };

struct counters {
    uint32_t maps, maps_limit, most_maps, fixed_threshold;
};

static bool read_counters(struct glibc_search *s, uint64_t mp, bool old, struct counters *ret)
{
    const uint8_t *p = glibc_view_at(&s->view, mp - (old ? 32 : 36), sizeof *ret);
    if (p == NULL)
        return false;
    memcpy(ret, p, sizeof *ret);
    return true;
}

/* How much the word at `mp` looks like sbrk_base: 0 not at all. */
static unsigned score_mp(struct glibc_search *s, uint64_t mp, bool old, struct counters *ret)
{
    uint64_t base = glibc_word(&s->view, mp), mapped = glibc_word(&s->view, mp - 16),
             most = glibc_word(&s->view, mp - 8), bins = glibc_word(&s->view, mp + 8),
             cached = glibc_word(&s->view, mp + 24);
    struct counters c;
    if (!read_counters(s, mp, old, &c) || mapped > most || c.maps > c.most_maps || c.fixed_threshold > 1 ||
        (mapped == 0 && c.maps != 0) || (most == 0) != (c.most_maps == 0) || bins > 128 ||
        cached > UINT16_MAX || base >= UINT64_C(1) << 47)
        return 0;
    /* trim_threshold, top_pad, mmap_threshold, arena_test: 2.43 has thp_mode between them and the counters.
     */
    uint64_t start = mp - (old ? 72 : 96), arenas = glibc_word(&s->view, start + 24);
    if (!old && arenas != 8 && arenas != 2 && glibc_word(&s->view, start + 16) == 8)
        start -= 8;
    uint64_t trim = glibc_word(&s->view, start), threshold = glibc_word(&s->view, start + 16);
    arenas = glibc_word(&s->view, start + 24);
    if (threshold == 0 && trim == 0)
        return 0;
    *ret = c;
    return 1u + (c.maps_limit == 65536) + (arenas == 8 || arenas == 2) + (threshold >= 128 * 1024) +
           (bins == 64) + (cached == 7 || cached == 16) + (base != 0 && glibc_memory_end(s, base) != 0);
}

/* mp_ lies in the same module's data as main_arena: the address of its sbrk_base, 0: not found. */
static uint64_t find_mp(struct glibc_search *s, uint64_t main_arena, struct counters *ret)
{
    const struct image_module *module = process_image_module(s->image, main_arena);
    struct image_symbol symbol;
    struct counters c;
    if (module != NULL && s->image->symbol != NULL &&
        s->image->symbol(s->image->self, module, "mp_", &symbol) && !symbol.tls && symbol.size >= 112 &&
        symbol.size <= 256) {
        uint64_t mp = symbol.address + symbol.size - MP_AFTER;
        if (score_mp(s, mp, symbol.size == MP_BEFORE_OLD + MP_AFTER, ret) > 0)
            return mp;
    }
    /* Both are initialised (.data): neighbours. */
    enum { NEAR = 1 << 20 };
    uint64_t from = main_arena > NEAR ? main_arena - NEAR : 0, to = main_arena + NEAR, found = 0;
    if (module != NULL && module->start > from)
        from = module->start;
    if (module != NULL && module->end < to)
        to = module->end;
    unsigned best = 4;
    for (size_t i = 0; i < s->space->region_count; i++) {
        const struct memory_region *region = &s->space->regions[i];
        if (region->end <= from || region->start >= to || (region->access & MEMORY_WRITE) == 0)
            continue;
        uint64_t start = region->start > from ? region->start : from,
                 end = region->start + region->present < to ? region->start + region->present : to;
        for (uint64_t at = (start + MP_BEFORE_NEW + 7) & ~UINT64_C(7); at + MP_AFTER <= end; at += 8) {
            if (!glibc_spend(s,
                             2)) /* a ring of thousands of arenas, each of which calls itself the main one */
                return found;
            for (unsigned old = 0; old < 2; old++) {
                unsigned score = score_mp(s, at, old, &c);
                if (score > best) {
                    best = score;
                    found = at;
                    *ret = c;
                }
            }
        }
    }
    return found;
}

static struct glibc_walk main_walk(const struct glibc_search *s, uint32_t arena, uint64_t start, uint64_t end)
{
    return (struct glibc_walk){.start = start,
                               .end = end,
                               .top = arena != UINT32_MAX ? s->heap->arenas[arena].top : 0,
                               .arena = arena,
                               .wrong = CHUNK_MAPPED | CHUNK_NOT_MAIN};
}

/* `sure`: the first chunks that must look like chunks; 0: damage may begin with the first one. */
static bool walk_from(struct glibc_search *s, uint32_t arena, uint64_t base, unsigned sure, bool *ret_walked)
{
    uint64_t start = (base + 15) & ~UINT64_C(15), end = glibc_memory_end(s, start);
    if (end == 0 || glibc_claimed(s, start) != 0)
        return true;
    struct glibc_walk walk = main_walk(s, arena, start, end);
    if (walk.top < start || walk.top >= end)
        walk.top = 0;
    if (walk.top != start && sure > 0 && !glibc_run_begins(s, &walk, start, sure, 0))
        return true;
    enum glibc_end ended;
    *ret_walked = true;
    s->heap->arenas[arena].walked += start - base;
    s->heap->overhead += start - base;
    return glibc_walk_run(s, &walk, &ended);
}

static bool walk_arena(struct glibc_search *s, uint32_t number)
{
    const struct glibc_arena *arena = &s->heap->arenas[number];
    if (!glibc_own(s, arena->address, arena->address + s->layout->size))
        return false;
    struct counters c;
    uint64_t mp = find_mp(s, arena->address, &c), base = mp != 0 ? glibc_word(&s->view, mp) : 0;
    if (mp != 0) { /* more than one: dlmopen has brought further libcs in */
        s->counted = true;
        s->mapped_count += c.maps;
        s->mapped_mem += glibc_word(&s->view, mp - 16);
        if (!glibc_own(s, mp - MP_BEFORE_OLD, mp + MP_AFTER))
            return false;
    }
    bool walked = false;
    if (arena->top == arena->address + s->layout->bins - 16 || arena->system_mem == 0)
        return true; /* never used */
    uint64_t top_size = glibc_word(&s->view, arena->top + 8) & ~UINT64_C(7);
    uint64_t counted = arena->top + top_size - arena->system_mem;
    enum { SURE = 4 };
    if (base != 0 && !walk_from(s, number, base, SURE, &walked))
        return false;
    if (!walked && arena->contiguous && !walk_from(s, number, counted, SURE, &walked))
        return false;
    const struct memory_region *r = address_space_region(s->space, arena->top);
    if (!walked && arena->contiguous && r != NULL && !walk_from(s, number, r->start, SURE, &walked))
        return false;
    if (!walked && arena->contiguous && base != 0 && r != NULL && r->start <= base && base < arena->top &&
        !walk_from(s, number, base, 0,
                   &walked)) /* damaged from the start on; what it says of itself is left */
        return false;
    if (!walked && arena->contiguous) {
        s->missing = true;
        return glibc_warn(s, "the main heap, which ends at 0x%llx, could not be walked",
                          (unsigned long long)(arena->top + top_size));
    }
    return true;
}

/* Without a main arena (a cut core): a heap begins with the first thread's cache, or right behind the
 * executable's data. */
static bool walk_unknown(struct glibc_search *s)
{
    static const uint64_t first_chunks[3] = {0x251, 0x291, 0x301};
    for (unsigned pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < s->space->region_count; i++) {
            const struct memory_region *r = &s->space->regions[i];
            if (!glibc_anonymous(r) || r->present < PAGE || glibc_claimed(s, r->start) != 0)
                continue;
            uint64_t head = glibc_word(&s->view, r->start + 8), end = glibc_memory_end(s, r->start);
            bool cache = head == first_chunks[0] || head == first_chunks[1] || head == first_chunks[2];
            struct glibc_walk walk = main_walk(s, UINT32_MAX, r->start, end);
            walk.last_is_top = true;
            if (glibc_word(&s->view, r->start) != 0 || (head & 15) != 1 || (pass == 0 && !cache) ||
                !glibc_run_begins(s, &walk, r->start, pass == 0 ? 8 : 64, 0))
                continue;
            if (!glibc_grow(s, &s->heap->arenas, &s->arena_capacity, s->heap->arena_count + 1,
                            sizeof *s->heap->arenas))
                return false;
            /* Last of all, so that the order of the others by address stays. */
            walk.arena = (uint32_t)s->heap->arena_count;
            s->heap->arenas[s->heap->arena_count++] =
                (struct glibc_arena){.address = 0, .main = true, .contiguous = true};
            s->missing = true;
            enum glibc_end ended;
            return glibc_walk_run(s, &walk, &ended);
        }
    }
    return true;
}

bool glibc_walk_main(struct glibc_search *s)
{
    for (size_t i = 0; i < s->span_count; i++)
        if (!glibc_claim(s, s->spans[i].base, s->spans[i].base + s->spans[i].size))
            return false;
    glibc_claims_sort(s);
    bool any = false;
    for (size_t i = 0; i < s->heap->arena_count; i++) {
        if (!s->heap->arenas[i].main)
            continue;
        any = true;
        if (!walk_arena(s, (uint32_t)i))
            return false;
    }
    return any || walk_unknown(s);
}
