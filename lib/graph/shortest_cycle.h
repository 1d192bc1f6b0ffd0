/* shortest_cycle.h -- one short cycle of a component, to show what the component is about.
 *
 * Breadth first from a member, inside the component: the first reference that leads back closes a shortest
 * cycle through that member.
 */
#ifndef HELDBY_SHORTEST_CYCLE_H
#define HELDBY_SHORTEST_CYCLE_H

#include "lib/graph/components.h"

#define CYCLE_TYPE_EDGE UINT64_MAX /* the next object is the class of the one before */

struct cycle_node {
    object_id object;
    uint32_t before; /* index of the node that leads here */
    uint64_t edge;   /* by this reference of the node before */
};

struct cycle_search {
    const struct heap *heap;
    const struct components *components;
    uint8_t *traits;
    uint32_t *round;         /* [object_count + 1]: the search that met the object last */
    struct cycle_node *node; /* the queue */
    size_t count, capacity;
    uint32_t rounds;
};

/* object[i] holds object[i + 1] by edge[i], the last one the first. */
struct cycle {
    object_id *object; /* [length], freed by cycle_free */
    uint64_t *edge;    /* [length]: in edges.item, or CYCLE_TYPE_EDGE */
    size_t length;
};

bool cycle_search_begin(struct cycle_search *search, const struct heap *heap,
                        const struct components *components, struct error *err);
void cycle_search_end(struct cycle_search *search);

/* A shortest cycle through `start`, which is in a component; of several the one found first, in the order in
 * which objects hold. `shorter_than`: not 0, give up (length 0) when there is none shorter. */
bool cycle_search_from(struct cycle_search *search, object_id start, size_t shorter_than, struct cycle *ret,
                       struct error *err);
void cycle_free(struct cycle *cycle);

#endif
