/* Native roots: words of registers, stacks, thread-local memory, the modules' data and other mappings that
 * refer to a block or an object. All are uncertain: a word is no more than a word. */
#include "formats/extract/roots.h"

#include <stdio.h>
#include <stdlib.h>

#include "formats/extract/threads.h"

enum { PIECE = 1 << 20 }; /* bytes of memory looked at in one go */

/* ---- putting a root ---- */

static bool put_root(struct root_search *s, const struct root_place *at, uint32_t target)
{
    bool found;
    uint64_t key = number_map_mix((uint64_t)at->kind << 56 ^ (uint64_t)at->thread << 32 ^ at->frame);
    key = number_map_mix(key + at->name);
    key = number_map_mix(key + target) | 1;
    if (number_map_put(&s->seen, key, &found) == NULL)
        return error_no_memory(s->x->err);
    if (found)
        return true;
    snapshot_writer_root(s->x->writer, &(struct snapshot_root){.kind = at->kind,
                                                               .reference = REFERENCE_POINTER,
                                                               .certainty = CERTAINTY_UNCERTAIN,
                                                               .name = at->name,
                                                               .number = at->number,
                                                               .target = target,
                                                               .thread = at->thread,
                                                               .frame = at->frame});
    s->x->roots++;
    return true;
}

static bool put_resolved(struct root_search *s, const struct root_range *range, uint64_t address, size_t i)
{
    struct extraction *x = s->x;
    const struct batch *b = &x->batch;
    if (!target_holds(b->class[i]))
        return true;
    uint32_t target = extraction_id(x, b->word[i], b->number[i]);
    if (target == 0)
        return true;
    struct root_place place = root_place_of(s, range, address);
    return put_root(s, &place, target);
}

/* Every word of a range. */
static bool search(struct root_search *s, const struct root_range *range)
{
    struct extraction *x = s->x;
    struct batch *b = &x->batch;
    uint64_t start = (range->start + 7) & ~UINT64_C(7);
    for (uint64_t from = start; from < range->end;) {
        uint64_t size = range->end - from < PIECE ? range->end - from : PIECE;
        batch_empty(b);
        if (batch_scan(x, from, 0, size) == UINT64_MAX)
            return false;
        batch_resolve(x);
        for (size_t i = 0; i < b->count; i++)
            if (!put_resolved(s, range, from + 8 * b->place[i], i))
                return false;
        from += size;
    }
    batch_empty(b);
    return true;
}

/* The same, but for what the allocators keep there for themselves. */
static bool search_around_owned(struct root_search *s, struct root_range range)
{
    const struct glibc_heap *h = &s->x->heap;
    uint64_t end = range.end;
    size_t low = 0, high = h->own_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (h->own[middle].end > range.start)
            high = middle;
        else
            low = middle + 1;
    }
    for (; range.start < end; low++) {
        bool owned = low < h->own_count && h->own[low].start < end;
        range.end = owned ? h->own[low].start : end;
        if (range.start < range.end && !search(s, &range))
            return false;
        range.start = owned ? h->own[low].end : end;
    }
    return true;
}

/* ---- memory that is not in use ---- */

struct unused {
    struct root_search *s;
    struct claims found;
    bool failed;
};

static void put_unused(void *context, uint64_t start, uint64_t end)
{
    struct unused *u = context;
    u->failed = u->failed || !claims_add(&u->found, start, end, CLAIM_NONE, 0, u->s->x->err);
}

static bool find_unused(struct root_search *s)
{
    struct unused u = {.s = s};
    if (s->x->python != NULL)
        cpython_core_unused(s->x->python, put_unused, &u);
    bool done = !u.failed && claims_merge(&s->unused, &u.found, s->x->err);
    claims_free(&u.found);
    return done;
}

/* What is in use of a range. */
static bool search_used(struct root_search *s, struct root_range range)
{
    uint64_t end = range.end;
    for (size_t i = claims_from(&s->unused, range.start); range.start < end; i++) {
        bool unused = i < s->unused.count && s->unused.items[i].start < end;
        range.end = unused ? s->unused.items[i].start : end;
        if (range.start < range.end && !search_around_owned(s, range))
            return false;
        range.start = unused ? s->unused.items[i].end : end;
    }
    return true;
}

/* ---- the places to look at ---- */

static bool registers(struct root_search *s)
{
    static const struct {
        enum image_register number;
        const char *name;
    } general[] = {
        {REGISTER_RAX, "rax"}, {REGISTER_RBX, "rbx"}, {REGISTER_RCX, "rcx"}, {REGISTER_RDX, "rdx"},
        {REGISTER_RSI, "rsi"}, {REGISTER_RDI, "rdi"}, {REGISTER_RBP, "rbp"}, {REGISTER_RSP, "rsp"},
        {REGISTER_R8, "r8"},   {REGISTER_R9, "r9"},   {REGISTER_R10, "r10"}, {REGISTER_R11, "r11"},
        {REGISTER_R12, "r12"}, {REGISTER_R13, "r13"}, {REGISTER_R14, "r14"}, {REGISTER_R15, "r15"},
    };
    struct extraction *x = s->x;
    uint32_t names[sizeof general / sizeof general[0]] = {0};
    for (uint32_t t = 0; t < x->image->thread_count; t++) {
        for (size_t i = 0; i < sizeof general / sizeof general[0]; i++) {
            uint64_t word = x->image->threads[t].registers[general[i].number], start;
            uint32_t number;
            if (word - x->lowest > x->span)
                continue;
            enum target_class class = extraction_resolve(x, word, &start, &number);
            uint32_t target = target_holds(class) ? extraction_id(x, start, number) : 0;
            if (target == 0)
                continue;
            if (names[i] == 0)
                names[i] = snapshot_writer_string(x->writer, general[i].name, strlen(general[i].name));
            struct root_place place = {.kind = ROOT_REGISTER, .name = names[i], .thread = root_thread(s, t)};
            if (!put_root(s, &place, target))
                return false;
        }
    }
    return true;
}

static bool stacks(struct root_search *s)
{
    struct extraction *x = s->x;
    for (size_t i = 0; i < x->stacks.count; i++) {
        const struct thread_stack *k = &x->stacks.items[i];
        uint64_t at = k->from;
        root_frames(s, k->thread);
        while (at < k->to) { /* the thread's TLS lies in it, and is searched by itself */
            uint64_t next = k->to;
            size_t low = threads_tls_from(x, at);
            if (low < x->tls.count && x->tls.items[low].start < next)
                next = x->tls.items[low].start;
            struct root_range range = {.kind = ROOT_NATIVE_STACK,
                                       .start = at,
                                       .end = next,
                                       .base = x->image->threads[k->thread].registers[REGISTER_RSP],
                                       .thread = k->thread};
            if (next > at && !search(s, &range))
                return false;
            at = next < k->to ? x->tls.items[low].end : next;
        }
    }
    return true;
}

static bool thread_memory(struct root_search *s)
{
    const struct extraction *x = s->x;
    for (size_t i = 0; i < x->tls.count; i++) {
        const struct tls_block *b = &x->tls.items[i];
        struct root_range range = {.kind = ROOT_TLS,
                                   .start = b->start,
                                   .end = b->end,
                                   .base = b->start,
                                   .module = b->module != UINT32_MAX ? &x->image->modules[b->module] : NULL,
                                   .thread = b->thread};
        if (!search_around_owned(s, range))
            return false;
    }
    return true;
}

static bool module_data(struct root_search *s)
{
    const struct process_image *image = s->x->image;
    for (size_t i = 0; i < image->module_count; i++) {
        const struct image_module *m = &image->modules[i];
        for (uint32_t k = 0; k < m->data_count; k++) {
            struct root_range range = {.kind = ROOT_MODULE_DATA,
                                       .start = m->data[k].start,
                                       .end = m->data[k].end,
                                       .base = m->data[k].start,
                                       .module = m};
            if (!search_used(s, range))
                return false;
        }
    }
    return true;
}

/* Memory without a file holds what was written to it, also where it must not be written to any more. */
static bool is_searched(const struct memory_region *r)
{
    bool written = r->access & MEMORY_WRITE || (r->access & MEMORY_READ && r->mapping == MEMORY_NO_MAPPING);
    return written && r->present != 0 && r->origin == MEMORY_DUMPED;
}

/* What nobody owns, and files that the program can write to. */
static bool mapping(struct root_search *s, uint64_t start, uint64_t end, uint64_t base, const char *file)
{
    struct root_range range = {.kind = ROOT_MAPPING, .start = start, .end = end, .base = base, .file = file};
    const struct tls_block *b = threads_tls_at(s->x, start);
    if (b != NULL && b->end >= end) /* searched as such */
        return true;
    return search_used(s, range);
}

static bool mapped_file(struct root_search *s, const struct memory_region *r, const struct claim *claim)
{
    const struct image_mapping *m = &s->x->image->mappings[claim->which];
    return mapping(s, claim->start > r->start ? claim->start : r->start,
                   claim->end < r->end ? claim->end : r->end, m->start, m->path);
}

static bool mappings(struct root_search *s)
{
    struct extraction *x = s->x;
    const struct claims *c = &x->claims;
    for (size_t i = 0; i < x->space->region_count; i++) {
        const struct memory_region *r = &x->space->regions[i];
        if (!is_searched(r))
            continue;
        uint64_t at = r->start;
        for (size_t k = claims_from(c, at); at < r->end; k++) {
            const struct claim *claim = k < c->count && c->items[k].start < r->end ? &c->items[k] : NULL;
            uint64_t gap_end = claim != NULL ? claim->start : r->end;
            if (gap_end > at && !mapping(s, at, gap_end, r->start, NULL))
                return false;
            if (claim == NULL)
                break;
            if (claim->owner == CLAIM_FILE && !mapped_file(s, r, claim))
                return false;
            at = claim->end;
        }
    }
    return true;
}

bool extraction_roots(struct extraction *x)
{
    struct root_search s = {.x = x};
    bool done = root_search_init(&s) && find_unused(&s);
    for (uint32_t t = 0; done && t < x->image->thread_count; t++) /* the one that crashed comes first */
        root_thread(&s, t);
    done = done && registers(&s) && thread_memory(&s) && stacks(&s) && module_data(&s) && mappings(&s);
    root_search_free(&s);
    return done;
}
