#include "lib/query/cycle_marks.h"

#include <string.h>

static bool comes_before(const struct heap *heap, type_id a, type_id b)
{
    return !b || strcmp(heap_string(heap, heap->types[a].name, NULL),
                        heap_string(heap, heap->types[b].name, NULL)) < 0;
}

void cycle_marks_add(struct cycle_marks *marks, const struct heap *heap, const uint8_t *finalizers,
                     object_id id)
{
    type_id type = heap_type_of(heap, id);
    struct heap_detail detail;
    if (heap->types[type].family == FAMILY_NATIVE) { /* no collector knows it */
        marks->blocks = true;
        return;
    }
    marks->objects = true;
    switch ((enum finalizer)finalizers[type]) {
    case FINALIZER_NONE:
        break;
    case FINALIZER_BUILTIN:
        marks->builtin_finalizer = true;
        break;
    case FINALIZER_LEGACY:
        if (!marks->legacy || comes_before(heap, type, marks->finalizer))
            marks->finalizer = type;
        marks->legacy = true;
        break;
    case FINALIZER_DEL:
        if (!marks->legacy && comes_before(heap, type, marks->finalizer))
            marks->finalizer = type;
        break;
    }
    if (!(heap->types[type].flags & TYPE_GC) && comes_before(heap, type, marks->unseen))
        marks->unseen = type;
    if (heap_detail(heap, id, &detail) && detail.flags & OBJECT_FROZEN)
        marks->frozen = true;
}
