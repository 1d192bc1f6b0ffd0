/* shape_traits.h -- what a traversal must look out for in the objects of a shape, so that all others go fast.
 */
#ifndef HELDBY_SHAPE_TRAITS_H
#define HELDBY_SHAPE_TRAITS_H

#include "lib/heap/heap.h"

enum shape_trait {
    SHAPE_HAS_WEAK = 1,  /* a weak or stale reference among its fields */
    SHAPE_HAS_PART = 2,  /* a NAMESPACE or FRAME reference among its fields: a transparent part */
    SHAPE_IS_NATIVE = 4, /* a block of native memory */
};

/* An array of trait bits by shape, for free(). NULL: no memory. */
uint8_t *shape_traits(const struct heap *heap, struct error *err);

static inline bool reference_kind_is_part(unsigned kind)
{
    return kind == REFERENCE_NAMESPACE || kind == REFERENCE_FRAME;
}

/* True if `owner` has `part` as its transparent part; *edge says where (may be NULL). */
bool shape_owns_part(const struct heap *heap, const uint8_t *traits, object_id owner, object_id part,
                     uint64_t *edge);

/* Given that source refers to target: true if not all of its references to it are weak or stale. */
bool shape_holds(const struct heap *heap, const uint8_t *traits, object_id source, object_id target);

/* True if the reference number `position` of an object of this shape is weak or stale: not followed. */
static inline bool shape_is_weak(const struct heap *heap, const struct heap_shape *shape, uint64_t position)
{
    return position < shape->field_count &&
           reference_kind_is_loose(heap->fields[shape->field_start + position].kind);
}

#endif
