/* paths.h -- shortest chains of references that end at an object, by breadth-first search over the reverse
 * edges.
 *
 * Length counts references as they are spelled: from the owner of a transparent object straight to what is in
 * it is one, and the step from a root is root_cost. Weak references are not followed; types are not edges
 * here at all. Among equally short chains the best root wins (roots.h), then the chain found first, which is
 * the same in every run. Roots on native stacks and in registers count as further away than they are
 * (root_penalty).
 */
#ifndef HELDBY_PATHS_H
#define HELDBY_PATHS_H

#include "lib/graph/edges.h"
#include "lib/graph/found_references.h"
#include "lib/graph/roots.h"

#define PATH_NO_ROOT UINT32_MAX

/* A chain: step 0 is the root's target (or the object asked from), the last one the object asked for. Every
   step but the first says by which reference the one before it holds it. Transparent objects passed through
   are steps of their own. */
struct chain_step {
    object_id object;
    uint64_t edge; /* in edges.item, of the step before; unused in step 0 */
};

struct chain {
    uint32_t root;            /* index into heap->roots, or PATH_NO_ROOT */
    uint32_t length;          /* references, as counted above */
    struct chain_step *steps; /* [step_count], freed by chain_free */
    uint32_t step_count;
};

struct path_query {
    object_id target;
    object_id from;                 /* not 0: chains from this object instead of from roots */
    const struct object_set *avoid; /* may be NULL: objects no chain may pass; the target may be in it */
    const bool *avoid_roots;        /* [heap->root_count]: roots no chain may begin at; may be NULL */
    bool
        certain; /* not from uncertain roots: a place on an expression stack may hold what was there before */
    bool runtime_roots; /* not from words of native memory */
    /* In a heap with native memory and a runtime's objects: a block or a word is taken to hold an object of
     * the runtime only where references of that are missing here. NULL: always. */
    const struct found_references *claims;
    uint32_t max; /* chains wanted, at least 1; more than 1: all shortest ones up to this many */
};

/* Finds chains: *ret is an array of *count (0: none), for chains_free. Memory: 8 bytes per object visited and
   two bits per object; with max > 1 another 4 bytes per object of the heap. False: no memory. */
bool paths_find(const struct graph *graph, const struct roots *roots, const struct path_query *query,
                struct chain **ret, uint32_t *count, struct error *err);
void chain_free(struct chain *chain);
void chains_free(struct chain *chains, uint32_t count);

/* The nearest object, `target` included, from which chains lead to `target` and that has more counted
   references (refcount) than the heap explains: something in C holds it. *ret is that chain (root =
   PATH_NO_ROOT), *unexplained the difference; *unexplained = 0 and an empty chain if there is none. Immortal
   objects are passed by. Meant for objects no root reaches. `avoid` may be NULL: objects not to pass. */
bool paths_find_unexplained(const struct graph *graph, object_id target, const struct object_set *avoid,
                            struct chain *ret, uint64_t *unexplained, struct error *err);

#endif
