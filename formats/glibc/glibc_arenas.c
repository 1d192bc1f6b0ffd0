/* malloc_states: found by their bins in the data of libc (or of a static program), by the ring of `next`,
 * and, independent of both, by the heap_info at the start of each heap of a thread's arena. Sources:
 * malloc/malloc.c (struct malloc_state, malloc_init_state), malloc/arena.c (heap_info, new_heap,
 * _int_new_arena). */
#include "formats/glibc/glibc_private.h"

#include <stdlib.h>

enum { MOST_ARENAS = 1 << 16 };

struct score {
    unsigned empty, linked, bad;
};

/* How the 127 bins from `bins` on look; stops at the fourth bad one. A bin is a pair fd, bk that stands for a
 * chunk 16 bytes before it. */
static struct score score_bins(struct glibc_search *s, uint64_t bins)
{
    struct score score = {0, 0, 0};
    const uint8_t *p = glibc_view_at(&s->view, bins, BINS * 16);
    if (p == NULL) {
        score.bad = BINS;
        return score;
    }
    /* The view moves on with the chunks looked at: keep the bytes. */
    uint64_t pairs[BINS * 2];
    memcpy(pairs, p, sizeof pairs);
    for (unsigned i = 0; i < BINS && score.bad < 4; i++) {
        uint64_t self = bins + i * 16 - 16, fd = pairs[i * 2], bk = pairs[i * 2 + 1];
        uint64_t back = 0, forth = 0;
        if (fd == self && bk == self)
            score.empty++;
        else if (((fd | bk) & 15) == 0 && fd != 0 && glibc_read(&s->view, fd + 24, &back) && back == self &&
                 glibc_read(&s->view, bk + 16, &forth) && forth == self)
            score.linked++;
        else
            score.bad++;
    }
    return score;
}

static bool bins_plausible(struct score score)
{
    return score.bad == 0 ? score.empty + score.linked == BINS : score.bad <= 3 && score.empty >= 4;
}

static bool arena_plausible(struct glibc_search *s, uint64_t address, const struct glibc_layout *layout)
{
    uint64_t next;
    return (address & 7) == 0 && address < UINT64_C(1) << 47 &&
           glibc_read(&s->view, address + layout->next, &next) && (next & 7) == 0 &&
           bins_plausible(score_bins(s, address + layout->bins));
}

/* The heap_info before the malloc_state of a thread's arena: its address, or 0 for the main arena. */
static uint64_t heap_before(struct glibc_search *s, uint64_t arena, uint32_t *ret_header)
{
    static const uint32_t headers[2] = {48, 32};
    for (unsigned i = 0; i < 2; i++) {
        uint64_t base = arena - headers[i];
        if ((base & (PAGE - 1)) == 0 && glibc_word(&s->view, base) == arena) {
            *ret_header = headers[i];
            return base;
        }
    }
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const struct glibc_arena *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

static int span_by_base(const void *a, const void *b)
{
    const struct glibc_span *x = a, *y = b;
    return x->base < y->base ? -1 : x->base > y->base;
}

struct glibc_arena *glibc_arena_of(const struct glibc_search *s, uint64_t address)
{
    size_t low = 0, high = s->heap->arena_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->heap->arenas[middle].address < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->heap->arena_count && s->heap->arenas[low].address == address ? &s->heap->arenas[low]
                                                                                 : NULL;
}

/* Reads a malloc_state into a new arena; not sorted in yet. */
static bool add_arena(struct glibc_search *s, uint64_t address)
{
    struct glibc_heap *heap = s->heap;
    if (heap->arena_count >= MOST_ARENAS)
        return true;
    if (!glibc_grow(s, &heap->arenas, &s->arena_capacity, heap->arena_count + 1, sizeof *heap->arenas))
        return false;
    uint32_t header, flags = (uint32_t)(glibc_word(&s->view, address) >> 32);
    heap->arenas[heap->arena_count++] = (struct glibc_arena){
        .address = address,
        .main = heap_before(s, address, &header) == 0,
        .contiguous = (flags & ARENA_NONCONTIGUOUS) == 0,
        .locked = (uint32_t)glibc_word(&s->view, address) != 0,
        .top = glibc_word(&s->view, address + s->layout->top),
        .system_mem = glibc_word(&s->view, address + s->layout->system_mem),
    };
    return true;
}

static void sort_arenas(struct glibc_search *s)
{
    struct glibc_heap *heap = s->heap;
    size_t kept = 0;
    if (heap->arena_count > 1)
        qsort(heap->arenas, heap->arena_count, sizeof *heap->arenas, by_address);
    for (size_t i = 0; i < heap->arena_count; i++)
        if (kept == 0 || heap->arenas[kept - 1].address != heap->arenas[i].address)
            heap->arenas[kept++] = heap->arenas[i];
    heap->arena_count = kept;
}

/* Does the ring of `next` from `first` come back, over plausible arenas only, with this layout? How many
 * there are, 0: it does not. */
static size_t ring_length(struct glibc_search *s, uint64_t first, const struct glibc_layout *layout)
{
    uint64_t at = first;
    for (size_t n = 1; n <= MOST_ARENAS; n++) {
        at = glibc_word(&s->view, at + layout->next);
        if (at == first)
            return n;
        if (!glibc_spend(s, BINS) || !arena_plausible(s, at, layout))
            return 0;
    }
    return 0;
}

/* Takes the ring from `first` as far as it goes. */
static bool add_ring(struct glibc_search *s, uint64_t first, bool *ret_closed)
{
    uint64_t at = first;
    *ret_closed = false;
    for (size_t n = 0; n < MOST_ARENAS; n++) {
        if (!add_arena(s, at))
            return false;
        uint64_t next = glibc_word(&s->view, at + s->layout->next);
        if (next == first) {
            *ret_closed = true;
            return true;
        }
        if (glibc_view_at(&s->view, next, s->layout->size) == NULL &&
            address_space_region(s->space, next) != NULL) { /* a cut core */
            s->missing = true;
            return true;
        }
        if (!arena_plausible(s, next, s->layout))
            return glibc_warn(s, "the ring of arenas breaks off after the arena at 0x%llx",
                              (unsigned long long)at);
        at = next;
    }
    return true;
}

/* Does an arena that is known lie over `address`? Bins moved by a few look nearly as good as the real ones.
 */
static bool overlaps(const struct glibc_search *s, uint64_t address)
{
    size_t low = 0, high = s->heap->arena_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->heap->arenas[middle].address + s->layout->size <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->heap->arena_count && s->heap->arenas[low].address < address + s->layout->size;
}

/* An arena whose bins begin at `bins`: which layout, and the whole ring. One whose ring does not close is
 * taken only if `broken`. */
static bool take_bins(struct glibc_search *s, uint64_t bins, bool broken)
{
    for (unsigned turn = 0; turn < (broken ? 4u : 2u); turn++) { /* rings that close come first */
        const struct glibc_layout *layout = &glibc_layouts[turn & 1];
        uint64_t address = bins - layout->bins;
        if (s->heap->arena_count > 0 && (s->layout != layout || overlaps(s, address)))
            continue;
        if (!arena_plausible(s, address, layout) || (turn < 2 && ring_length(s, address, layout) == 0))
            continue;
        s->layout = layout;
        bool closed;
        if (!add_ring(s, address, &closed))
            return false;
        sort_arenas(s);
        return true;
    }
    return true;
}

/* Looks for bins in [start, end). The last bin always points to itself, so that one comparison a word is
 * enough; `thorough` (libc's own data, which is small) does without that. */
static bool scan(struct glibc_search *s, uint64_t start, uint64_t end, bool thorough, bool broken)
{
    for (uint64_t at = (start + 7) & ~UINT64_C(7); at < end;) {
        const struct memory_region *r = address_space_region(s->space, at);
        if (r == NULL) { /* to the next region that begins behind */
            size_t low = 0, high = s->space->region_count;
            while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (s->space->regions[middle].start <= at)
                    low = middle + 1;
                else
                    high = middle;
            }
            if (low == s->space->region_count)
                return true;
            at = s->space->regions[low].start;
            continue;
        }
        uint64_t stop = r->start + r->present < end ? r->start + r->present : end;
        for (; at + 16 <= stop; at += 8) {
            uint64_t pair[2];
            memcpy(pair, r->data + (at - r->start), 16);
            if (thorough) {
                /* `at` as the first bin: of 127, some are empty. */
                uint64_t next;
                if (pair[0] == 0 || pair[1] == 0 || !glibc_read(&s->view, at + BINS_TO_NEXT, &next) ||
                    next == 0 || (next & 7) != 0 || !glibc_spend(s, 8) || !bins_plausible(score_bins(s, at)))
                    continue;
                if (!take_bins(s, at, broken))
                    return false;
            } else if (pair[0] == at - 16 && pair[1] == at - 16 && glibc_spend(s, BINS)) {
                if (bins_plausible(score_bins(s, at - (BINS - 1) * 16)) &&
                    !take_bins(s, at - (BINS - 1) * 16, broken))
                    return false;
            }
        }
        at = r->end;
    }
    return true;
}

static bool is_libc(const struct image_module *module)
{
    const char *name = module->name != NULL ? module->name : "";
    return strncmp(name, "libc.so", 7) == 0 || strncmp(name, "libc-2.", 7) == 0 ||
           strncmp(name, "libc_malloc_debug.so", 20) == 0; /* a second malloc, for MALLOC_CHECK_ */
}

static bool has_main(const struct glibc_search *s)
{
    for (size_t i = 0; i < s->heap->arena_count; i++)
        if (s->heap->arenas[i].main)
            return true;
    return false;
}

static bool scan_module(struct glibc_search *s, const struct image_module *module, bool thorough, bool broken)
{
    struct image_symbol symbol;
    if (s->image->symbol != NULL && s->image->symbol(s->image->self, module, "main_arena", &symbol) &&
        !symbol.tls)
        for (unsigned l = 0; l < 2; l++)
            if (symbol.size == glibc_layouts[l].size &&
                !take_bins(s, symbol.address + glibc_layouts[l].bins, true))
                return false;
    for (uint32_t i = 0; i < module->data_count; i++)
        if (!scan(s, module->data[i].start, module->data[i].end, thorough, broken))
            return false;
    return true;
}

/* By symbol and by content, from the likely places to the unlikely ones. */
static bool find_main_in(struct glibc_search *s, bool broken)
{
    bool libc = false;
    for (unsigned turn = 0; turn < 2 && !has_main(s); turn++) /* libcs first */
        for (size_t i = 0; i < s->image->module_count; i++) {
            const struct image_module *module = &s->image->modules[i];
            libc |= is_libc(module);
            if (is_libc(module) == (turn == 0) && !scan_module(s, module, turn == 0, broken))
                return false;
        }
    if (s->heap->arena_count > 0 || libc)
        return true; /* a libc whose malloc is not in use has no arena anywhere else */
    /* All memory that can be written, the small regions first: the data of a library is small. The large ones
     * only where nothing is known of modules (a cut core, one without notes). */
    static const uint64_t limits[3] = {0, 8u << 20, UINT64_C(1) << 30};
    uint64_t left = UINT64_C(4) << 30;
    for (unsigned pass = 1; pass < (s->image->module_count == 0 ? 3u : 2u) && !has_main(s); pass++)
        for (size_t i = 0; i < s->space->region_count; i++) {
            const struct memory_region *r = &s->space->regions[i];
            if (r->origin != MEMORY_DUMPED || (r->access & MEMORY_WRITE) == 0 ||
                r->present <= limits[pass - 1] || r->present > limits[pass] || r->present > left)
                continue;
            left -= r->present;
            if (!scan(s, r->start, r->start + r->present, false, broken))
                return false;
        }
    return true;
}

static bool find_main(struct glibc_search *s)
{
    if (!find_main_in(s, false))
        return false;
    return has_main(s) || find_main_in(s, true);
}

/* ---- heaps of threads' arenas
 * ------------------------------------------------------------------------------ */

/* A heap_info at `base`? */
static bool read_span(struct glibc_search *s, uint64_t base, struct glibc_span *ret)
{
    const uint8_t *p = glibc_view_at(&s->view, base, 32);
    uint64_t word[4];
    if (p == NULL)
        return false;
    memcpy(word, p, sizeof word);
    uint64_t arena = word[0], previous = word[1], size = word[2], protected = word[3];
    uint64_t header = arena & (PAGE - 1);
    if ((header != 32 && header != 48) || arena >= UINT64_C(1) << 47 || size == 0 ||
        (size & (PAGE - 1)) != 0 || (protected & (PAGE - 1)) != 0 || size > protected ||
        protected > UINT64_C(4) << 30 || (previous & (PAGE - 1)) != 0)
        return false;
    bool inside = arena == base + header;
    if (inside != (previous == 0))
        return false;
    if (!inside && (((arena - header) & (HEAP_STEP - 1)) != 0 || (previous & (HEAP_STEP - 1)) != 0))
        return false;
    /* The heaps before it say the same, as far as they are here (a cut core). */
    uint64_t first, before;
    if (!inside && ((glibc_read(&s->view, arena - header, &first) && first != arena) ||
                    (glibc_read(&s->view, previous, &before) && before != arena)))
        return false;
    *ret = (struct glibc_span){
        .base = base, .size = size, .arena = arena, .previous = previous, .header = (uint32_t)header};
    return true;
}

static bool find_spans(struct glibc_search *s)
{
    for (size_t i = 0; i < s->space->region_count; i++) {
        const struct memory_region *r = &s->space->regions[i];
        if (r->origin != MEMORY_DUMPED || r->present < PAGE)
            continue;
        uint64_t end = r->start + r->present;
        for (uint64_t at = (r->start + HEAP_STEP - 1) & ~(uint64_t)(HEAP_STEP - 1); at < end;
             at += HEAP_STEP) {
            struct glibc_span span;
            if (!read_span(s, at, &span))
                continue;
            if (!glibc_grow(s, &s->spans, &s->span_capacity, s->span_count + 1, sizeof *s->spans))
                return false;
            s->spans[s->span_count++] = span;
        }
    }
    if (s->span_count > 1)
        qsort(s->spans, s->span_count, sizeof *s->spans, span_by_base);
    /* One inside another is user data that looks like a heap: the outer one, which comes first, stays. */
    size_t kept = 0;
    for (size_t i = 0; i < s->span_count; i++)
        if (kept == 0 || s->spans[i].base >= s->spans[kept - 1].base + s->spans[kept - 1].size)
            s->spans[kept++] = s->spans[i];
    s->span_count = kept;
    return true;
}

/* Which layout a thread's arena has, when no main arena was there to tell. */
static void guess_layout(struct glibc_search *s)
{
    for (size_t i = 0; i < s->span_count; i++)
        for (unsigned l = 0; l < 2; l++)
            if (arena_plausible(s, s->spans[i].arena, &glibc_layouts[l])) {
                s->layout = &glibc_layouts[l];
                return;
            }
}

/* Heaps whose arena is not in the ring (it is broken, or the main arena is missing) bring their own. */
static bool join_spans(struct glibc_search *s)
{
    if (s->heap->arena_count == 0)
        guess_layout(s);
    size_t known = s->heap->arena_count;
    for (size_t i = 0; i < s->span_count; i++) {
        uint64_t arena = s->spans[i].arena;
        struct glibc_arena key = {.address = arena};
        if (known > 0 && bsearch(&key, s->heap->arenas, known, sizeof key, by_address) != NULL)
            continue;
        uint64_t word;
        bool readable = glibc_read(&s->view, arena, &word);
        if (s->spans[i].previous != 0 && (readable || (i > 0 && s->spans[i - 1].arena == arena)))
            continue; /* the first heap of that arena brings it */
        if (readable && !arena_plausible(s, arena, s->layout) && has_main(s))
            continue; /* user data after all */
        if (!add_arena(s, arena))
            return false;
        s->heap->arenas[s->heap->arena_count - 1].main = false;
        if (!readable)
            s->missing = true;
    }
    sort_arenas(s);
    size_t kept = 0;
    for (size_t i = 0; i < s->span_count; i++) {
        const struct glibc_arena *arena = glibc_arena_of(s, s->spans[i].arena);
        if (arena == NULL)
            continue;
        s->spans[i].number = (uint32_t)(arena - s->heap->arenas);
        s->spans[kept++] = s->spans[i];
    }
    s->span_count = kept;
    return true;
}

bool glibc_find_arenas(struct glibc_search *s)
{
    if (!find_spans(s))
        return false;
    for (size_t i = 0; i < s->image->module_count; i++) /* user data is not looked for in modules */
        for (uint32_t k = 0; k < s->image->modules[i].data_count; k++)
            if (!glibc_claim(s, s->image->modules[i].data[k].start, s->image->modules[i].data[k].end))
                return false;
    if (!find_main(s))
        return false;
    if (!has_main(s))
        s->missing = s->span_count > 0;
    return join_spans(s);
}
