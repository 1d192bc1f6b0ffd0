/* components.h -- reference cycles: the strongly connected components of the graph.
 *
 * A component is the largest set of objects in which each leads to each other one; only those that hold a
 * cycle count: of two objects or more, or of one that refers to itself. Every object is in one at most. Weak
 * references are not followed. An object holds its class when that was made at run time, as it does in
 * Python (TYPE_HEAP), so a set of objects to leave out is what keeps components apart: almost everything
 * hangs together through modules and classes.
 */
#ifndef HELDBY_COMPONENTS_H
#define HELDBY_COMPONENTS_H

#include "lib/graph/object_set.h"

struct components {
    uint32_t count;
    uint64_t
        *start; /* [count + 1]: the members of c are member[start[c]] to member[start[c + 1]] (exclusive) */
    object_id *member; /* ascending in each; components by their first member */
    uint32_t *of;      /* [object_count + 1]: 1 + the object's component; 0: it is in none */
};

/* `without` (may be NULL): objects that are left out, as if they were not there. O(objects + references); 12
 * bytes an object while it works, 4 and the members after it. *ret needs components_free only on true. */
bool components_find(const struct heap *heap, const struct object_set *without, struct components *ret,
                     struct error *err);
void components_free(struct components *components);

#endif
