/* reachability.h -- which objects any root reaches, weak references not followed. */
#ifndef HELDBY_REACHABILITY_H
#define HELDBY_REACHABILITY_H

#include "lib/graph/object_set.h"

/* Fills *ret (created here) with the objects reached from roots and from objects that need none: those in a
 * module's data and immortal ones. `follow_types`: an object holds its type, as it does in Python. */
bool reachability_mark(const struct heap *heap, bool follow_types, struct object_set *ret, struct error *err);

#endif
