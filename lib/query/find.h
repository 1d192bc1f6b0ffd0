/* find.h -- the objects that match a selection, largest first. */
#ifndef HELDBY_FIND_H
#define HELDBY_FIND_H

#include "lib/query/rows.h"
#include "lib/query/selection.h"

/* All given conditions must hold. */
struct find_request {
    struct selection_request selection;
    uint64_t max_size;    /* inclusive, bytes; 0: not restricted */
    const char *refcount; /* "5", ">5", ">=5", "<5", "<=5", "2-5" (inclusive), or NULL. Immortal objects have
                             no count: only an exact number that is their raw word means them. */
    bool tracked;         /* only objects the garbage collector tracks */
    const char *const *attributes; /* [attribute_count], as in attribute_filter.h. An instance's own dict,
                                      which has them too, is found only when the type is asked for. */
    size_t attribute_count;
};

struct found {
    struct object_row *rows; /* by shallow size descending, then by address */
    size_t row_count;        /* at most the limit */
    uint64_t objects, bytes; /* of all that match */
    uint64_t searched;       /* objects of the type and module asked for, whatever else was asked */
    struct arena arena;
};

/* `limit` 0: all. Nothing found is an answer with 0 rows. */
bool find_objects(struct found *ret, struct view *view, const struct find_request *request, uint64_t limit,
                  struct error *err);
void find_free(struct found *found);

#endif
