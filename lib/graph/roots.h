/* roots.h -- which objects are held by roots, and which root a person would rather hear of.
 *
 * A root either is its target (a module, an immortal object: reference 0, cost 0) or holds it by a named
 * reference (a frame's local: cost 1), so that `app._CACHE` and `app.handle.<locals>.session` are equally
 * long.
 */
#ifndef HELDBY_ROOTS_H
#define HELDBY_ROOTS_H

#include "lib/graph/object_set.h"

struct roots {
    const struct heap *heap;  /* borrowed */
    struct object_set rooted; /* targets of roots */
    uint32_t *order; /* [heap->root_count] indexes into heap->roots: by target, then the best one first */
};

bool roots_create(struct roots *roots, const struct heap *heap, struct error *err);
void roots_free(struct roots *roots);

/* The roots of an object are order[*first] to order[*end] (exclusive), best first. False: it has none. */
bool roots_of(const struct roots *roots, object_id id, uint32_t *first, uint32_t *end);

/* Less is better: module, frame, thread, interpreter, then the others. */
unsigned root_rank(enum root_kind kind);
/* < 0 if a is the better of two roots, 0 only for the same one. Exact before uncertain, then by rank, kind,
 * frame depth, order. */
int root_compare(const struct heap *heap, uint32_t a, uint32_t b);
/* A running frame may be its target, too: the generator it runs. A word of native memory never is. */
static inline bool root_is_target(const struct heap_root *root)
{
    return !root_kind_is_native(root->kind) &&
           (root->reference == REFERENCE_NONE || root->reference == REFERENCE_FRAME);
}

static inline unsigned root_cost(const struct heap_root *root)
{
    return !root_is_target(root);
}

/* What a root of native memory costs beside: a variable names what it is for, a word on a stack or in a
 * register may be left over or gone with the next call; so of two chains to the same object that from a
 * variable is preferred unless it is this much longer. */
static inline unsigned root_penalty(const struct heap_root *root)
{
    switch (root->kind) {
    case ROOT_MAPPING:
        return 8;
    case ROOT_NATIVE_STACK:
    case ROOT_REGISTER:
        return 16;
    default:
        return 0;
    }
}

#endif
