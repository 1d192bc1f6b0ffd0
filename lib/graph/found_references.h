/* found_references.h -- how many of each object's references the snapshot explains.
 *
 * An object's refcount counts the references to it. Found are
 *   - those other objects hold: all but the weak ones;
 *   - those roots hold by a reference of their own: thread states, the interpreter, locals of running frames
 *     (a module is held by sys.modules, which is an object);
 *   - an instance's reference to its class, if the class was made at run time;
 *   - what has no place in the graph: the ring of an lru_cache holds its links, a running frame its frame
 *     object, and before 3.11 a caller keeps the arguments of a call that is going on: a place on its
 *     expression stack counts if the frame it called has the same object as a local.
 * Other places on expression stacks are uncertain and not counted, and so are words of native memory. A
 * running frame and its frame object name the same locals: they count once.
 *
 * What it does not know: references held by C, which is what refcheck is for. For an immortal object, whose
 * refcount says nothing, the count is of no use.
 */
#ifndef HELDBY_FOUND_REFERENCES_H
#define HELDBY_FOUND_REFERENCES_H

#include "lib/heap/heap.h"

struct found_references {
    uint32_t *count; /* [object_count + 1]; stays at UINT32_MAX once there */
};

/* O(objects + references), 4 bytes per object; needs no transpose and no details. False: no memory. */
bool found_references_create(struct found_references *ret, const struct heap *heap, struct error *err);
void found_references_free(struct found_references *found);

/* refcount - found, where the refcount word means something: 0 for an immortal object, for one with a start
 * value that no program reaches (FOUND_STARTS_AT), and where more was found than is counted. */
uint64_t found_references_missing(const struct found_references *found, const struct heap *heap,
                                  object_id id);

/* CPython 3.11 starts the refcounts of what is built into it at 999,999,999; half of it is no count either.
 */
#define FOUND_STARTS_AT UINT64_C(500000000)

/* The counted references in an object's refcount word; false: the word is no count. */
bool found_references_counted(const struct heap *heap, object_id id, uint64_t *refcount);

#endif
