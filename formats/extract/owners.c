/* Who owns which memory: the allocators, the threads' stacks, the modules, mapped files. What nobody owns is
 * a mapping of the program's own. */
#include "formats/extract/extraction.h"
#include "formats/extract/threads.h"

#include <stdlib.h>

enum { HEAP_ALIGNMENT = 64 << 20, HEAP_HEADER = 4096, PAGE = 4096 };

static bool merge(struct extraction *x, struct claims *more)
{
    bool done = claims_merge(&x->claims, more, x->err);
    claims_free(more);
    return done;
}

static bool heaps(struct extraction *x)
{
    struct claims *more = &x->more; /* freed with x, whatever happens */
    const struct glibc_heap *h = &x->heap;
    for (size_t i = 0; i < h->segment_count; i++) {
        const struct glibc_segment *s = &h->segments[i];
        uint64_t start = s->start, header = start & (HEAP_ALIGNMENT - 1);
        bool main = s->arena >= h->arena_count || h->arenas[s->arena].main;
        if (!main && header < HEAP_HEADER) /* heap_info, and malloc_state in the first heap of an arena */
            start -= header;
        if (!claims_add(more, start, s->end, CLAIM_HEAP, (uint32_t)i, x->err))
            return false;
    }
    return merge(x, more);
}

/* Pools of Python outside of malloc. */
static bool arenas(struct extraction *x)
{
    struct claims *more = &x->more;
    if (x->python == NULL)
        return true;
    for (size_t i = 0; i < x->space->region_count; i++) {
        const struct memory_region *r = &x->space->regions[i];
        uint64_t from = 0; /* where an arena began, 0: none */
        if (!(r->access & MEMORY_WRITE) || r->present == 0)
            continue;
        for (uint64_t at = r->start; at < r->end; at += PAGE) {
            bool owned = cpython_core_owns(x->python, at);
            if (owned && from == 0)
                from = at;
            if (!owned && from != 0 && !claims_add(more, from, at, CLAIM_ARENA, 0, x->err))
                return false;
            from = owned ? from : 0;
        }
        if (from != 0 && !claims_add(more, from, r->end, CLAIM_ARENA, 0, x->err))
            return false;
    }
    return merge(x, more);
}

static bool stacks(struct extraction *x)
{
    struct claims *more = &x->more;
    for (size_t i = 0; i < x->stacks.count; i++) {
        const struct thread_stack *s = &x->stacks.items[i];
        if (!claims_add(more, s->start, s->end, CLAIM_STACK, s->thread, x->err))
            return false;
    }
    return merge(x, more);
}

/* The module that a mapped file belongs to; UINT32_MAX: none. */
static uint32_t module_of(const struct process_image *image, const struct image_mapping *mapping)
{
    const struct image_module *m = process_image_module(image, mapping->start);
    bool same = m != NULL && m->path != NULL && mapping->path != NULL && strcmp(m->path, mapping->path) == 0;
    return same ? (uint32_t)(m - image->modules) : UINT32_MAX;
}

/* A module's extent may have a hole, with memory of others in it: only its writable segments and what is
 * mapped from its file are its own. */
static bool modules(struct extraction *x)
{
    const struct process_image *image = x->image;
    struct claims *more = &x->more;
    for (size_t i = 0; i < image->module_count; i++) {
        const struct image_module *m = &image->modules[i];
        for (uint32_t k = 0; k < m->data_count; k++)
            if (!claims_add(more, m->data[k].start, m->data[k].end, CLAIM_MODULE, (uint32_t)i, x->err))
                return false;
    }
    for (size_t i = 0; i < image->mapping_count; i++) {
        const struct image_mapping *m = &image->mappings[i];
        uint32_t module = module_of(image, m);
        if (module != UINT32_MAX && !claims_add(more, m->start, m->end, CLAIM_MODULE, module, x->err))
            return false;
    }
    for (size_t i = 0; !image->has_mappings && i < x->space->region_count; i++) {
        const struct memory_region *r = &x->space->regions[i];
        const struct image_module *m = process_image_module(image, r->start);
        if (m != NULL && !(r->access & MEMORY_WRITE) &&
            !claims_add(more, r->start, r->end, CLAIM_MODULE, (uint32_t)(m - image->modules), x->err))
            return false;
    }
    return merge(x, more);
}

static bool files(struct extraction *x)
{
    struct claims *more = &x->more;
    for (size_t i = 0; i < x->image->mapping_count; i++) {
        const struct image_mapping *m = &x->image->mappings[i];
        if (!claims_add(more, m->start, m->end, CLAIM_FILE, (uint32_t)i, x->err))
            return false;
    }
    return merge(x, more);
}

/* Stacks of ended threads that the C library keeps for the next ones: anonymous memory that ends with a
 * thread's control block (it points to itself: tcbhead_t, sysdeps/x86_64/nptl/tls.h) which no thread uses. */
static bool dead_stacks(struct extraction *x)
{
    struct claims *more = &x->more;
    const struct claims *c = &x->claims;
    for (size_t i = 0; i < x->space->region_count; i++) {
        const struct memory_region *r = &x->space->regions[i];
        if (!(r->access & MEMORY_WRITE) || r->present == 0)
            continue;
        uint64_t at = r->start;
        for (size_t k = claims_from(c, at); at < r->end; k++) {
            uint64_t gap_end = k < c->count && c->items[k].start < r->end ? c->items[k].start : r->end;
            if (gap_end > at && !dead_stacks_in(x, at, gap_end, more))
                return false;
            if (k >= c->count || c->items[k].start >= r->end)
                break;
            at = c->items[k].end;
        }
    }
    return merge(x, more);
}

bool extraction_claims(struct extraction *x)
{
    bool done =
        heaps(x) && arenas(x) && threads_find(x) && stacks(x) && modules(x) && files(x) && dead_stacks(x);
    threads_sort_tls(x);
    return done;
}
