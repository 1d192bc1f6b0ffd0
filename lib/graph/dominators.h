/* dominators.h -- what would be freed with an object: the dominator tree and retained sizes.
 *
 * An object dominates another if every chain of references from every root to that passes it. The nearest
 * such object is its parent in the dominator tree; what roots hold directly, or several ways lead to that
 * have no object in common, hangs under the virtual root. The retained size of an object is its own shallow
 * size and those of all it dominates.
 *
 *      root ─► a ─► b ─► d        tree:  a ─ b          retained(a) = a + b + c + d
 *              └──► c ─►─┘               a ─ c
 *                                        a ─ d          (held by b and by c)
 *
 * Followed is what keeps alive: weak, stale and type references do not. Roots are those of the heap, and
 * objects that need none (in a module's data, immortal); a class of living instances that nothing else holds
 * hangs under the virtual root. What no root reaches has trees of its own, which hang there, too: references
 * from there into the living part do not count.
 *
 * Semi-NCA (L. Georgiadis, "Linear-Time Algorithms for Dominators and Related Problems", 2005) on numbers in
 * depth-first preorder, with jump pointers (E. W. Myers, "An applicative random-access stack", 1983) so that
 * long lists take O(log n) an object; the lists of predecessors are made by the same search.
 */
#ifndef HELDBY_DOMINATORS_H
#define HELDBY_DOMINATORS_H

#include "lib/graph/found_references.h"
#include "lib/graph/object_set.h"

/* By number: objects have the numbers 1 to `count`, in an order in which every object comes after the one
 * that dominates it; those that roots reach come first. Number 0 is the virtual root. */
struct dominators {
    uint32_t count, live_count;
    uint32_t *number;         /* [object_count + 1]: by object; never 0 but for object 0 */
    object_id *object;        /* [count + 1]; object[0] = 0 */
    uint32_t *parent;         /* [count + 1]: number of the immediate dominator */
    uint32_t *depth;          /* [count + 1]: depth[0] = 0 */
    uint32_t *held;           /* [count + 1]: objects in the subtree, itself included */
    uint64_t *retained;       /* [count + 1]: bytes; retained[0]: of all that roots reach */
    struct object_set rooted; /* held by the virtual root, whatever else holds them */
};

struct dominators_options {
    const bool *avoid_roots;               /* [root_count], or NULL: roots that hold nothing */
    const struct found_references *claims; /* as in struct path_query; or NULL */
};

/* Details must be loaded (heap_load_details). O((objects + references) log objects), in practice linear: 0.2
 * to 0.5 us an object; 36 bytes per object and 4 per reference while it works, 28 per object after it. *ret
 * needs dominators_free only on true. ERROR_SYSTEM: no memory, or more than 2^32 references. */
bool dominators_find(const struct heap *heap, const struct dominators_options *options,
                     struct dominators *ret, struct error *err);
void dominators_free(struct dominators *dominators);

static inline bool dominators_is_live(const struct dominators *d, object_id id)
{
    return d->number[id] <= d->live_count;
}

static inline uint64_t dominators_retained(const struct dominators *d, object_id id)
{
    return d->retained[d->number[id]];
}

/* The object that dominates it immediately; 0: none, it hangs under the virtual root. */
static inline object_id dominators_parent(const struct dominators *d, object_id id)
{
    return d->object[d->parent[d->number[id]]];
}

/* The tree downwards: the children of number n are child[start[n]] to child[start[n + 1]] (exclusive),
 * numbers, ascending. */
struct dominator_children {
    uint32_t *start; /* [count + 2] */
    uint32_t *child; /* [count] */
};

bool dominators_children(const struct dominators *dominators, struct dominator_children *ret,
                         struct error *err);
void dominator_children_free(struct dominator_children *children);

#endif
