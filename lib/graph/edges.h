/* edges.h -- a heap's references in both directions: who is held by whom.
 *
 * The heap knows what each object holds; the graph adds, by one transpose, what holds each object, and which
 * objects are transparent (an instance's own dict, a generator's own frame: targets of NAMESPACE and FRAME
 * references), whose owner is said to hold what is in them.
 *
 *      target ──► reverse ──► source, source, ...   ascending; one entry per reference, so a source may
 * repeat
 *
 * Only the source is stored (4 bytes a reference): kind and name come from scanning the source's own row.
 * Weak references are in it. Types are not: that an object refers to its type is not an edge (heap.h).
 */
#ifndef HELDBY_EDGES_H
#define HELDBY_EDGES_H

#include "lib/graph/object_set.h"

struct graph {
    const struct heap *heap; /* borrowed */
    struct csr reverse;
    struct object_set transparent;
    /* Owns `reverse`. A saved index will fill it with mapped arrays and set this to what unmaps them. */
    void (*release)(struct graph *graph);
};

/* O(objects + references). NULL: no memory. The heap must outlive it. */
struct graph *graph_create(const struct heap *heap, struct error *err);
void graph_destroy(struct graph *graph); /* NULL is fine */

/* Makes the set of transparent objects alone; needs no transpose. */
bool graph_find_transparent(const struct heap *heap, struct object_set *ret, struct error *err);

/* References to an object, weak ones and repeated ones included. */
static inline uint64_t graph_in_degree(const struct graph *graph, object_id id)
{
    return csr_end(&graph->reverse, id) - csr_start(&graph->reverse, id);
}

/* Finds the next reference of `source` to `target` at or after edge `*edge`; moves *edge behind it. False: no
 * more. */
bool graph_next_reference(const struct heap *heap, object_id source, object_id target, uint64_t *edge,
                          struct reference *ret);

#endif
