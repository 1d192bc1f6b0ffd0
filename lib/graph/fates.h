/* fates.h -- what keeps each object alive, or that nothing does: the four fates of an object.
 *
 *      reached      a root leads to it, or it needs none (it lies in a module's data, it never dies)
 *      saved        only the list gc.garbage leads to it: the collector gave it up, or was told to keep it
 *      held from C  no root leads to it, but it or what leads to it has more references than the heap
 * explains garbage      nothing but other garbage refers to it: it waits for the collector, or is being freed
 *
 * `path` and `info` see it the same way. A place on an expression stack may hold what was there before: it
 * counts as a root only where references of its object would stay unexplained without it. So do words of
 * native memory where they lead to objects of the runtime; a block of native memory is reached by any word
 * that leads to it.
 */
#ifndef HELDBY_FATES_H
#define HELDBY_FATES_H

#include "lib/graph/object_set.h"

enum fate { FATE_REACHED, FATE_SAVED, FATE_HELD_FROM_C, FATE_GARBAGE };

struct fates {
    struct object_set reached, saved, from_c;
    object_id garbage_list; /* gc.garbage, or 0 */
    uint32_t *unexplained;  /* [object_count + 1]: references beyond those found (found_references.h) of
                               objects  that are not reached, 0 for others */
};

/* O(objects + references). Details should be loaded (heap_load_details), or each is read one by one. *ret
 * needs fates_free only on true. */
bool fates_find(const struct heap *heap, struct fates *ret, struct error *err);
void fates_free(struct fates *fates);

static inline enum fate fate_of(const struct fates *fates, object_id id)
{
    return object_set_has(&fates->reached, id)  ? FATE_REACHED
           : object_set_has(&fates->saved, id)  ? FATE_SAVED
           : object_set_has(&fates->from_c, id) ? FATE_HELD_FROM_C
                                                : FATE_GARBAGE;
}

/* The next object after `id` (0 to begin) that is neither reached nor saved, or 0. */
object_id fates_next_unreached(const struct fates *fates, object_id id);

#endif
