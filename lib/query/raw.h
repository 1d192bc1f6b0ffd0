/* raw.h -- small look-ups in the raw graph that several answers need. */
#ifndef HELDBY_RAW_H
#define HELDBY_RAW_H

#include <string.h>

#include "lib/heap/heap.h"

/* What a named field of an object refers to, or 0; *edge (may be NULL) says where. */
static inline object_id raw_field(const struct heap *heap, object_id object, const char *name, uint64_t *edge)
{
    const struct heap_shape *shape = &heap->shapes[heap->shape[object]];
    uint64_t start = csr_start(&heap->edges, object), length = csr_end(&heap->edges, object) - start;
    for (uint32_t f = 0; f < shape->field_count && f < length; f++) {
        string_id id = heap->fields[shape->field_start + f].name;
        if (id && heap->edges.item[start + f] && !strcmp(heap_string(heap, id, NULL), name)) {
            if (edge)
                *edge = start + f;
            return heap->edges.item[start + f];
        }
    }
    return 0;
}

static inline uint64_t raw_degree(const struct heap *heap, object_id object)
{
    return csr_end(&heap->edges, object) - csr_start(&heap->edges, object);
}

static inline bool raw_name_is(const struct heap *heap, const struct reference *reference, const char *name)
{
    return reference->name && !strcmp(heap_string(heap, reference->name, NULL), name);
}

/* Code points in well-formed UTF-8. */
static inline uint64_t raw_code_points(const char *text, size_t length)
{
    uint64_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* The whole text of a str or the name of a function, module, code. False: there is none, or it is cut. */
static inline bool raw_text(const struct heap *heap, object_id object, struct heap_preview *ret)
{
    if (!object || !heap_preview(heap, object, ret))
        return false;
    if (ret->kind == PREVIEW_STR)
        return raw_code_points(ret->text, ret->length) >= ret->full_length;
    return ret->kind == PREVIEW_NAME;
}

#endif
