/* glibc_walk.h -- the state of one walk from chunk to chunk, between glibc_walk.c and glibc_resync.c. */
#ifndef HELDBY_GLIBC_WALK_H
#define HELDBY_GLIBC_WALK_H

#include "formats/glibc/glibc_private.h"

struct glibc_walker {
    struct glibc_search *s;
    const struct glibc_walk *walk;
    struct block_record *record; /* of the index, for the KiB `kib` */
    uint64_t kib;
    uint64_t last;    /* the chunk before, 0: none */
    uint64_t segment; /* where the current one begins */
    bool damaged;
    struct glibc_bytes used, free;
};

struct glibc_place { /* where the walk stands */
    uint64_t at, head;
    bool over;
    enum glibc_end end;
};

static inline bool glibc_add_used(struct glibc_walker *w, uint64_t chunk, uint64_t size)
{
    uint64_t address = chunk + 16;
    w->used.count++;
    w->used.bytes += size;
    if (__builtin_expect(address >> 10 != w->kib, 0)) {
        if (!block_index_add(w->s->index, address, w->s->err)) {
            w->s->failed = true;
            return false;
        }
        w->record = block_index_record(w->s->index, address);
        w->kib = address >> 10;
    } else {
        w->record->starts |= UINT64_C(1) << (address >> 4 & 63);
        if (address > w->s->index->highest)
            w->s->index->highest = address;
    }
    if ((address ^ (address + size)) >> 20 != 0)
        block_index_cover(w->s->index, address, chunk + size + 8);
    if (__builtin_expect(size - 0x250 <= 0xc0, 0))
        glibc_tcache_seen(w->s, address, size);
    return true;
}

static inline void glibc_add_free(struct glibc_walker *w, uint64_t bytes)
{
    w->free.count++;
    w->free.bytes += bytes;
}

/* Do a chunk's neighbours in a bin point back to it? */
bool glibc_is_linked(struct glibc_search *s, uint64_t chunk);
/* The walk is over at `at`. */
bool glibc_stop(struct glibc_walker *w, struct glibc_place *place, uint64_t at, enum glibc_end end);
/* Behind a gap that is no chunk: on at `to`. */
void glibc_go_on(struct glibc_walker *w, struct glibc_place *place, uint64_t to);
/* Behind memory of others (someone else called sbrk), bytes that are no chunk, or bytes that are not here:
 * where the next run of chunks begins; 0: nowhere. */
uint64_t glibc_next_run(struct glibc_walker *w, uint64_t from);
/* The memory breaks off inside the chunk at place->at, or just behind it. */
bool glibc_cut_off(struct glibc_walker *w, struct glibc_place *place, uint64_t size);
/* The bytes at place->at are no chunk head. */
bool glibc_resynchronise(struct glibc_walker *w, struct glibc_place *place);

#endif
