/* tree.h -- the breadth-first tree of everything roots reach: for questions about many objects at once.
 *
 * The same lengths and preferences as in paths.h, found forwards in one pass: each reached object is visited
 * once, after the object it hangs under, level by level.
 *
 * In a heap with native memory the runtime's objects hang under the runtime's roots if these lead to them
 * without it; then come blocks and what they lead to, then what only words of native memory lead to: first
 * variables, then mappings, stacks and registers.
 */
#ifndef HELDBY_TREE_H
#define HELDBY_TREE_H

#include "lib/graph/edges.h"
#include "lib/graph/found_references.h"
#include "lib/graph/roots.h"

struct tree_visit {
    object_id object;
    object_id parent; /* 0: under a root directly */
    object_id via;    /* not 0: the parent's transparent dict or frame, which holds the object */
    uint32_t root;    /* parent 0: index into heap->roots */
    uint64_t edge;    /* parent not 0: in edges.item, of via or else of the parent; or TREE_TYPE_EDGE */
};

#define TREE_TYPE_EDGE UINT64_MAX /* the object is its parent's type */

struct tree_options {
    const struct object_set *transparent;  /* graph.transparent, or from graph_find_transparent */
    const struct object_set *avoid;        /* may be NULL: never visited */
    const bool *avoid_roots;               /* [root_count], or NULL: roots that hold nothing */
    bool follow_types;                     /* an object also holds its type */
    const struct found_references *claims; /* as in struct path_query */
    /* Called once per object reached; may be NULL. False stops with its error. */
    bool (*visit)(void *self, const struct tree_visit *visit, struct error *err);
    void *self;
    object_id *parent; /* [object_count + 1], zeroed, or NULL: filled with via or parent, a raw chain */
};

/* O(objects + references); 4 bytes per object reached and 2 bits per object. */
bool tree_walk(const struct heap *heap, const struct roots *roots, const struct tree_options *options,
               struct error *err);

#endif
