/* retained.h -- what would be freed with some objects: each alone, and all of them together. */
#ifndef HELDBY_RETAINED_H
#define HELDBY_RETAINED_H

#include "lib/query/rows.h"

struct retained_row {
    struct object_row object;
    uint64_t retained; /* bytes, its own included */
    uint64_t held;     /* objects freed with it, itself included */
    bool live;         /* a root reaches it; else it counts what only garbage like it holds */
};

struct retained_type {
    const char *type; /* borrowed from the heap */
    uint64_t count, shallow;
};

struct retained {
    struct retained_row *rows; /* by retained size descending, then in the order given */
    size_t row_count;          /* each object once */
    uint64_t total, objects; /* freed with all of them: at least as much as with each alone, at most all there
                                is */
    uint64_t heap_bytes;     /* that roots reach */
    struct retained_type *types; /* what would be freed; by shallow size descending, then name */
    size_t type_count;
    struct arena arena;
};

bool retained_create(struct retained *ret, struct view *view, const object_id *objects, size_t count,
                     struct error *err);
void retained_free(struct retained *retained);

#endif
