/* reachability.h -- which objects any root reaches, weak references not followed. */
#ifndef HELDBY_REACHABILITY_H
#define HELDBY_REACHABILITY_H

#include "lib/graph/object_set.h"

/* Fills *ret (created here) with the objects reached from roots and from objects that need none: those in a
 * module's data and immortal ones. `follow_types`: an object holds its type, as it does in Python. */
bool reachability_mark(const struct heap *heap, bool follow_types, struct object_set *ret, struct error *err);

/* Adds to *set what `seeds` (none may be 0) are and lead to. What is in the set before is not gone through:
 * so a set that holds an object from the start keeps away from all that only this object leads to. */
bool reachability_extend(const struct heap *heap, bool follow_types, const object_id *seeds, size_t count,
                         struct object_set *set, struct error *err);

/* The same in a heap with native memory beside a runtime's objects: a word of a block holds an object only if
 * `claims` ([object_count + 1], references nothing else explains; NULL: none) is not 0 for it. */
bool reachability_extend_claimed(const struct heap *heap, bool follow_types, const object_id *seeds,
                                 size_t count, const uint32_t *claims, struct object_set *set,
                                 struct error *err);

#endif
