/* glibc_private.h -- what the files of formats/glibc share: the state of one search for blocks.
 *
 *      glibc_arenas.c    malloc_states and the heaps of threads' arenas
 *      glibc_main.c      where the main arena's chunks are; mp_
 *      glibc_walk.c      from chunk to chunk; glibc_resync.c: past a damaged one
 *      glibc_mapped.c    chunks with a mapping of their own
 *      glibc_lists.c     fastbins and what a thread holds in registers; glibc_tcache.c: the threads' caches
 *      glibc_checks.c    found against what the process has counted
 *      glibc_other.c     other allocators
 */
#ifndef HELDBY_GLIBC_PRIVATE_H
#define HELDBY_GLIBC_PRIVATE_H

#include "formats/glibc/glibc_heap.h"

/* malloc/malloc.c, struct malloc_state: 2.27 to 2.42 alike; 2.43 has no fastbins. */
struct glibc_layout {
    uint32_t fastbins; /* 10 of them; 0: none */
    uint32_t top, bins, next, system_mem, size;
};

enum {
    BINS = 127,           /* pairs fd, bk; the last one is never used: it points to itself */
    BINS_TO_NEXT = 2048,  /* from the first pair to `next`: 127 * 16, then the binmap */
    FASTBINS = 10,        /* of chunk sizes 0x20, 0x30, ... */
    SMALLEST = 32,        /* bytes of the smallest chunk */
    HEAP_STEP = 8u << 20, /* heaps of threads' arenas begin at multiples of 64 MiB, with huge pages of 8 */
    PAGE = 4096,
};
enum { CHUNK_PREVIOUS_USED = 1, CHUNK_MAPPED = 2, CHUNK_NOT_MAIN = 4 }; /* low bits of the size field */
enum { ARENA_NONCONTIGUOUS = 2 };                                       /* malloc_state.flags */

struct glibc_span { /* a heap of a thread's arena: heap_info, chunks */
    uint64_t base, size, arena, previous;
    uint32_t header; /* bytes of heap_info: 32 until 2.34, 48 from 2.35 on */
    uint32_t number; /* of the arena, once known */
};

struct glibc_view { /* bytes that lie next to each other here */
    const struct address_space *space;
    const uint8_t *data;
    uint64_t start, end;
};

struct glibc_search {
    struct glibc_heap *heap;
    const struct process_image *image;
    const struct address_space *space;
    struct block_index *index;
    struct error *err;
    const struct glibc_layout *layout;
    struct glibc_view view;

    struct glibc_span *spans; /* by base */
    size_t span_count, span_capacity;
    struct glibc_range *claimed; /* addresses taken by a heap; those sorted so far are searched */
    size_t claimed_count, claimed_sorted, claimed_capacity;
    uint64_t *tcaches; /* blocks that may be a thread's cache: user addresses */
    size_t tcache_count, tcache_capacity;
    uint64_t *held; /* words in registers and on top of the stacks, sorted: what a thread has at hand */
    size_t held_count;
    size_t arena_capacity, segment_capacity, check_capacity, warning_capacity, own_capacity,
        repaired_capacity;

    bool counted;           /* mp_ was found: the next two are known */
    uint64_t mapped_mem;    /* mp_.mmapped_mem */
    uint64_t gaps;          /* bytes of others between runs of the main arena */
    uint64_t mapped_number; /* mapped chunks found, cached ones too */
    uint64_t mapped_found;  /* bytes of the mappings of the mapped chunks that were found */
    uint32_t mapped_count;
    uint64_t
        budget; /* steps left for everything that tries: a hostile heap must not cost more than its bytes */
    uint32_t damages; /* so far; the first few are told one by one */
    uint64_t damaged_bytes;
    bool failed;          /* no memory; *err is filled */
    bool missing;         /* something is not there: the verdict is GLIBC_PARTLY */
    bool new_mapped_size; /* mapped chunks without their header in the size (2.43) */
};

extern const struct glibc_layout glibc_layouts[2];

/* ---- reading ---- */

const uint8_t *glibc_view_slow(struct glibc_view *view, uint64_t address, uint64_t size);

static inline const uint8_t *glibc_view_at(struct glibc_view *view, uint64_t address, uint64_t size)
{
    if (__builtin_expect(address >= view->start && address <= view->end && view->end - address >= size, 1))
        return view->data + (address - view->start);
    return glibc_view_slow(view, address, size);
}

static inline bool glibc_read(struct glibc_view *view, uint64_t address, uint64_t *ret)
{
    const uint8_t *p = glibc_view_at(view, address, 8);
    if (p == NULL)
        return false;
    memcpy(ret, p, 8);
    return true;
}

static inline uint64_t glibc_word(struct glibc_view *view, uint64_t address)
{
    uint64_t v = 0;
    glibc_read(view, address, &v);
    return v;
}

/* ---- collecting; each is false without memory (search->failed, *err filled) ---- */

bool glibc_grow(struct glibc_search *s, void *items, size_t *capacity, size_t wanted, size_t item_size);
bool glibc_warn(struct glibc_search *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool glibc_claim(struct glibc_search *s, uint64_t start, uint64_t end);
void glibc_claims_sort(struct glibc_search *s);
/* The end of the claimed range that holds an address, 0: free. After glibc_claims_sort. */
uint64_t glibc_claimed(const struct glibc_search *s, uint64_t address);
bool glibc_own(struct glibc_search *s, uint64_t start, uint64_t end);
bool glibc_segment(struct glibc_search *s, uint64_t start, uint64_t end, uint32_t arena, bool damaged);
/* The block from `start` to `end` has lost its size field. */
bool glibc_repaired(struct glibc_search *s, uint64_t start, uint64_t end);
bool glibc_held(const struct glibc_search *s, uint64_t value);
/* Tries cost: false once the budget is used up. */
bool glibc_spend(struct glibc_search *s, uint64_t steps);

/* The end of the anonymous memory an address lies in, over regions that follow each other directly, whether
 * its bytes are here or not; 0: nothing is mapped there. */
uint64_t glibc_memory_end(const struct glibc_search *s, uint64_t address);
/* The first address from `address` on whose bytes are here; `end`: none before that. */
uint64_t glibc_present_from(const struct glibc_search *s, uint64_t address, uint64_t end);
/* Anonymous memory that can be written, as far as is known. */
bool glibc_anonymous(const struct memory_region *region);

/* ---- the parts ---- */

bool glibc_find_arenas(struct glibc_search *s);
struct glibc_arena *glibc_arena_of(const struct glibc_search *s, uint64_t address); /* or NULL */

bool glibc_walk_main(struct glibc_search *s);

struct glibc_walk {      /* one run of chunks to walk */
    uint64_t start, end; /* end exclusive: chunks end there at the latest */
    uint64_t top;        /* of its arena; 0: not known */
    uint32_t arena;
    uint64_t wrong;   /* size bits that no chunk here has */
    uint64_t right;   /* size bits that every used chunk here has */
    bool last_is_top; /* without a known top, a chunk that ends at `end` is it */
    bool piece;       /* ends at its first fenceposts, whatever follows in memory */
};
enum glibc_end {
    GLIBC_END_TOP,
    GLIBC_END_FENCE,
    GLIBC_END_EXACT, /* the last chunk ends at `end` */
    GLIBC_END_LOST,  /* damaged, and nothing that follows could be made out; or cut off */
};
/* Walks, adds used blocks to the index, makes the segments. */
bool glibc_walk_run(struct glibc_search *s, const struct glibc_walk *walk, enum glibc_end *ret);
/* Does a run of chunks begin at `address`? Looks at `enough` of them, or fewer if they end as a heap ends. A
 * run that comes to `avoid` (0: none) does not count, and one that has not passed it goes on. */
bool glibc_run_begins(struct glibc_search *s, const struct glibc_walk *walk, uint64_t address,
                      unsigned enough, uint64_t avoid);

bool glibc_walk_mapped(struct glibc_search *s);
bool glibc_walk_noncontiguous(struct glibc_search *s, uint32_t arena);

/* Might the used block at `address`, of a chunk of `size` bytes, be a thread's cache? Notes it if so. */
void glibc_tcache_seen(struct glibc_search *s, uint64_t address, uint64_t size);
bool glibc_lists(struct glibc_search *s);
/* Counts for and against safe-linking by the links of all caches seen. */
void glibc_tcache_vote(struct glibc_search *s, uint64_t *safe, uint64_t *plain);
bool glibc_tcaches(struct glibc_search *s);
/* Takes one free block off the used ones. */
void glibc_take_free(struct glibc_search *s, uint64_t address, uint64_t size, struct glibc_bytes *to);
/* Is it (the user address of) a used chunk? Its size then, else 0. */
uint64_t glibc_used_size(struct glibc_search *s, uint64_t address);

bool glibc_checks(struct glibc_search *s);
/* The allocator in use as malloc instead of glibc's, after the walk; or NULL. */
const char *glibc_other_allocator(const struct process_image *image, const struct glibc_heap *heap,
                                  bool absent);

#endif
