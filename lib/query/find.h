/* find.h -- the objects that match a selection, largest first. */
#ifndef HELDBY_FIND_H
#define HELDBY_FIND_H

#include "lib/query/rows.h"
#include "lib/query/selection.h"

struct found {
    struct object_row *rows; /* by shallow size descending, then by address */
    size_t row_count;        /* at most the limit */
    uint64_t objects, bytes; /* of all that match */
    struct arena arena;
};

/* `limit` 0: all. Nothing found is an answer with 0 rows. */
bool find_objects(struct found *ret, struct view *view, const struct selection_request *request,
                  uint64_t limit, struct error *err);
void find_free(struct found *found);

#endif
