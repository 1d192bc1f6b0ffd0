/* view.h -- a heap with what questions need beside it: references backwards, roots by object, function names
 * of frames.
 *
 * Each part is made at its first use and kept. Every answer of lib/query takes a view; none prints. Answers
 * own their texts (in an arena, freed with the answer) or borrow them from the heap, which must outlive them.
 * Not thread-safe.
 */
#ifndef HELDBY_VIEW_H
#define HELDBY_VIEW_H

#include "lib/graph/dominators.h"
#include "lib/graph/edges.h"
#include "lib/graph/found_references.h"
#include "lib/graph/roots.h"

struct view;

/* The heap is borrowed and must outlive the view; its previews are loaded here. NULL: *err says why. */
struct view *view_create(struct heap *heap, struct error *err);
void view_destroy(struct view *view); /* NULL is fine */

const struct heap *view_heap(const struct view *view);
/* Each makes its part at the first call: NULL with *err filled when there is no memory. */
const struct graph *view_graph(struct view *view,
                               struct error *err); /* the transpose: O(objects + references) */
const struct roots *view_roots(struct view *view, struct error *err);
const struct object_set *view_transparent(struct view *view, struct error *err); /* without the transpose */
/* All blocks of native memory; empty if there are none. Made once. */
const struct object_set *view_blocks(struct view *view, struct error *err);
/* References found, counted once; NULL: no memory. */
const struct found_references *view_found(struct view *view, struct error *err);
/* The dominator tree over the roots that hold something (stale ones do not); details are loaded for it. NULL:
 * no memory. Made once: O(objects + references), 28 bytes per object. */
const struct dominators *view_dominators(struct view *view, struct error *err);
bool view_details(struct view *view, struct error *err); /* sizes of all objects; one object needs it not */

/* References of one object that nothing in the snapshot explains (lib/graph/found_references.h): C holds
 * them. Counted for all objects at the first call, 4 bytes each. 0 for an immortal object. False: no memory.
 */
bool view_unexplained(struct view *view, object_id id, uint64_t *ret, struct error *err);

/* Is this root a word on an expression stack, or in native memory, that was left there? So it is when the
 * object's refcount is explained without it: then nothing counts the reference. False also where that cannot
 * be known. */
bool view_root_is_stale(struct view *view, uint32_t root);
/* The stale roots, and those of `more` ([root_count], or NULL): *ret, [root_count], to be freed; NULL if
 * there are none. Details should be loaded. */
bool view_roots_to_avoid(struct view *view, const bool *more, bool **ret, struct error *err);

/* Shallow size of one object; 0 if the source cannot say. */
uint64_t view_size(const struct view *view, object_id id);

/* Qualified function name of a frame, as good as it is known: from 3.11 on the frame knows it, before it is
   that of a function with the frame's code. "" if unknown. */
const char *view_frame_function(struct view *view, uint32_t frame);

/* Name of the variable a closure's cell number `index` holds, from the code of the function; "" if unknown.
 */
const char *view_cell_name(struct view *view, object_id function, uint64_t index);

#endif
