/* diff_match.h -- which objects of one heap are still there in a later heap of the same process.
 *
 * An id is an address, and allocators use addresses again, so the same address is not yet the same object.
 * Two objects at one address are taken for the same one if their types have the same name and, where these
 * cannot change during an object's life, their sizes (str, bytes, int, float, tuple, code), their values
 * (str, bytes, int, float), their names (code) and what they hold (tuple, bound method) are the same.
 *
 * What passes may still be another object. Three things speak for the same one: a chain of references from a
 * root that was there before, place by place; that nothing is known to hold it; that it alone holds a value
 * which it held before (or something of which that is true). When none does, and anything about it differs
 * (what it holds, or that nothing holds it where it was held), it is doubtful: counted as kept, and said to
 * be possibly new.
 */
#ifndef HELDBY_DIFF_MATCH_H
#define HELDBY_DIFF_MATCH_H

#include "lib/query/view.h"

struct diff_match {
    object_id *order[2];        /* ids by address: older, newer */
    object_id *old_of;          /* [newer objects + 1]: the same object in the older heap, or 0 */
    object_id *new_of;          /* [older objects + 1] */
    struct object_set doubtful; /* of ids in the newer heap */
    uint64_t kept, doubtful_count;
};

/* `type[side][t]` numbers type names alike in both heaps. `unrelated`: of two processes, nothing is the same.
   Details of both views are loaded. O(objects log objects + references). */
bool diff_match_create(struct diff_match *ret, struct view *const view[2], const uint32_t *const type[2],
                       bool unrelated, struct error *err);
/* True for values: what changes them makes another object. */
bool diff_match_has_fixed_size(enum family family);
void diff_match_free(struct diff_match *match);

#endif
