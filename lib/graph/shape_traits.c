#include "lib/graph/shape_traits.h"

#include <stdlib.h>

uint8_t *shape_traits(const struct heap *heap, struct error *err)
{
    uint8_t *traits = calloc((size_t)heap->shape_count + 1, sizeof *traits);
    if (!traits) {
        error_no_memory(err);
        return NULL;
    }
    for (shape_id s = 1; s <= heap->shape_count; s++) {
        if (heap->types[heap->shapes[s].type].family == FAMILY_NATIVE)
            traits[s] |= SHAPE_IS_NATIVE;
        for (uint32_t f = 0; f < heap->shapes[s].field_count; f++) {
            uint8_t kind = heap->fields[heap->shapes[s].field_start + f].kind;
            if (reference_kind_is_loose(kind))
                traits[s] |= SHAPE_HAS_WEAK;
            else if (reference_kind_is_part(kind))
                traits[s] |= SHAPE_HAS_PART;
        }
    }
    return traits;
}

bool shape_owns_part(const struct heap *heap, const uint8_t *traits, object_id owner, object_id part,
                     uint64_t *edge)
{
    if (!(traits[heap->shape[owner]] & SHAPE_HAS_PART))
        return false;
    const struct heap_shape *shape = &heap->shapes[heap->shape[owner]];
    uint64_t start = csr_start(&heap->edges, owner), length = csr_end(&heap->edges, owner) - start;
    for (uint32_t f = 0; f < shape->field_count && f < length; f++)
        if (heap->edges.item[start + f] == part && owner != part &&
            reference_kind_is_part(heap->fields[shape->field_start + f].kind)) {
            if (edge)
                *edge = start + f;
            return true;
        }
    return false;
}

bool shape_holds(const struct heap *heap, const uint8_t *traits, object_id source, object_id target)
{
    if (!(traits[heap->shape[source]] & SHAPE_HAS_WEAK))
        return true; /* the caller knows that there is a reference */
    const struct heap_shape *shape = &heap->shapes[heap->shape[source]];
    uint64_t start = csr_start(&heap->edges, source), length = csr_end(&heap->edges, source) - start;
    for (uint64_t i = 0; i < length; i++)
        if (heap->edges.item[start + i] == target && !shape_is_weak(heap, shape, i))
            return true;
    return false;
}
