/* fold.h -- when raw references become one that a person would name; the rules behind holders.h. */
#ifndef HELDBY_FOLD_H
#define HELDBY_FOLD_H

#include "lib/query/holders.h"

/* A raw reference as it is, its field's name found out. */
struct hold fold_none(const struct view *view, const struct reference *raw);

/* `raw` leads out of a transparent part of `owner`. False: it keeps its own spelling (the part's keys, a name
   Python could not write after a dot). */
bool fold_part(const struct view *view, object_id owner, const struct reference *raw, struct hold *ret);

/* `raw` leads out of a cell. True if `tuple` is the closure of the function, with the cell in it. */
bool fold_closure(struct view *view, object_id function, object_id tuple, const struct reference *raw,
                  struct hold *ret);
/* The same when the cell's place in the closure is known. */
bool fold_closure_at(struct view *view, object_id function, uint64_t place, const struct reference *raw,
                     struct hold *ret);

#endif
