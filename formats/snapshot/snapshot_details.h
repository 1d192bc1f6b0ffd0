/* snapshot_details.h -- what a heap reads from its snapshot only when it is asked: sizes, refcounts, flags,
 * previews.
 *
 * Keeps the file open as long as the heap lives. One block of details stays decoded, so that questions about
 * neighbours are cheap.
 */
#ifndef HELDBY_SNAPSHOT_DETAILS_H
#define HELDBY_SNAPSHOT_DETAILS_H

#include "formats/snapshot/snapshot_file.h"
#include "lib/heap/heap_builder.h"

struct snapshot_source {
    struct snapshot_file file;
    struct heap *heap;                   /* set once it is made */
    const struct snapshot_entry *cached; /* whose details are in these arrays */
    uint64_t *size, *refcount;           /* [SNAPSHOT_OBJECTS_PER_BLOCK] */
    uint8_t *flags;
    const struct snapshot_entry *cached_places; /* whose places are in this array */
    uint32_t *place;                            /* [SNAPSHOT_PLACES_PER_BLOCK] */
};

void snapshot_source_destroy(struct snapshot_source *source); /* closes the file, frees itself */
/* The functions of a heap_source over `source`. */
struct heap_source snapshot_source_functions(struct snapshot_source *source);

#endif
