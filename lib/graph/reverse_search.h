/* reverse_search.h -- breadth-first search from an object to what holds it, level by level, as paths.h counts
 * levels.
 *
 * The queue is the search tree: each node knows the node it leads to, so a chain is read off by walking
 * `next`.
 */
#ifndef HELDBY_REVERSE_SEARCH_H
#define HELDBY_REVERSE_SEARCH_H

#include "lib/graph/paths.h"

struct reverse_node {
    object_id object;
    uint32_t next; /* index of the node this one holds; itself for the target */
};

struct reverse_search {
    const struct graph *graph;
    uint8_t *traits;
    const struct object_set *avoid;        /* or NULL */
    const struct found_references *claims; /* as in struct path_query; set after begin */
    struct object_set visited;
    struct object_set opened; /* transparent parts whose owners are pushed */
    uint32_t *level;          /* [object_count + 1]: level + 1, 0 = not visited; NULL unless asked for */
    struct reverse_node *node;
    size_t count, capacity;
    size_t first;   /* nodes of the newest level: node[first] to node[count - 1] */
    uint32_t depth; /* its number; the target is level 0 */
};

bool reverse_search_begin(struct reverse_search *search, const struct graph *graph, object_id target,
                          const struct object_set *avoid, bool with_levels, struct error *err);
/* Goes one level further. After it first == count if there was nothing left. False: no memory. */
bool reverse_search_step(struct reverse_search *search, struct error *err);
void reverse_search_end(struct reverse_search *search);

/* The chain from node `index` to the target, without root and length. */
bool reverse_search_chain(const struct reverse_search *search, size_t index, struct chain *ret,
                          struct error *err);

#endif
