/* native_found.h -- references to Python objects that words of native memory explain.
 *
 * An object's refcount may be held by C: a pointer to the start of the object in a block of malloc's, or in a
 * variable of a library, is then what counts. Pointers into the middle of an object, stale ones and words on
 * stacks and in registers explain nothing. Only where a heap has both (a core); 0 elsewhere. A word may also
 * be a copy that nothing counts, so never more are taken than are missing.
 */
#ifndef HELDBY_NATIVE_FOUND_H
#define HELDBY_NATIVE_FOUND_H

#include "lib/base/text_buffer.h"
#include "lib/query/view.h"

/* Of the references of an object that view_unexplained counts, those that native memory explains. Counted for
 * all objects at the first call: O(objects + references of blocks), 4 bytes each. False: no memory. */
bool native_found(struct view *view, object_id object, uint64_t *ret, struct error *err);

/* Appends one that does: the variable of a library, "exts.so: g_list+0x8", or else the block,
 * "malloc(24) 0x55d000013040 +0x8". Nothing if there is none. */
bool native_found_add(struct view *view, object_id object, struct text_buffer *to, struct error *err);

#endif
