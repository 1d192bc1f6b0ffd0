/* roots.h -- the search for native roots, and what a root is called by where it was found. */
#ifndef HELDBY_ROOTS_H
#define HELDBY_ROOTS_H

#include "formats/extract/extraction.h"

struct root_range {
    enum root_kind kind;
    uint64_t start, end; /* of what is searched */
    uint64_t base;       /* where offsets begin that no symbol gives */
    const struct image_module
        *module;      /* of data and TLS; NULL in TLS: the C library's record of the thread */
    const char *file; /* of a mapping, or NULL */
    uint32_t thread;  /* of the image */
};

struct root_place { /* as the snapshot has it */
    enum root_kind kind;
    uint32_t name, thread, frame;
    int64_t number;
};

struct root_search {
    struct extraction *x;
    struct number_map seen;     /* roots already put, by hash */
    struct number_map strings;  /* names by the hash of their text */
    struct claims unused;       /* memory that holds nothing any more: not searched */
    uint32_t *threads;          /* [thread_count] ids, 0: not written yet */
    struct image_frame *frames; /* of frames_of */
    uint32_t *frame_ids;        /* [frame_count], 0: not written yet */
    size_t frame_count, frames_of;
    struct image_symbol symbol; /* the last one that was found */
    bool has_symbol;
    uint32_t symbol_name;
};

bool root_search_init(struct root_search *s);
void root_search_free(struct root_search *s);

/* The id of a thread; written when first asked for. */
uint32_t root_thread(struct root_search *s, uint32_t thread);
/* Unwinds a thread, for the places on its stack. */
void root_frames(struct root_search *s, uint32_t thread);
/* What a root at an address of a range is called. */
struct root_place root_place_of(struct root_search *s, const struct root_range *range, uint64_t address);

#endif
