#include "lib/query/finalizers.h"

#include <stdlib.h>

#include "lib/query/raw.h"

/* What a class's own namespace has under `name`, or 0. *known turns false if it cannot be told: there is no
 * namespace, or a key without its text. */
static object_id own_attribute(const struct heap *heap, object_id class, const char *name, bool *known)
{
    uint64_t start = csr_start(&heap->edges, class), end = csr_end(&heap->edges, class);
    size_t length = strlen(name);
    bool has_namespace = false;
    for (uint64_t i = start; i < end; i++) {
        object_id dict = heap->edges.item[i];
        if (!dict || heap_reference(heap, class, i).kind != REFERENCE_NAMESPACE)
            continue;
        has_namespace = true;
        for (uint64_t e = csr_start(&heap->edges, dict); e < csr_end(&heap->edges, dict); e++) {
            struct reference reference = heap_reference(heap, dict, e);
            struct heap_preview text;
            if (!reference.target || reference.kind == REFERENCE_KEY_OBJECT)
                continue;
            if (raw_name_is(heap, &reference, name))
                return reference.target;
            if (!reference.key)
                continue;
            if (!heap_preview(heap, reference.key, &text))
                *known = false;
            else if (text.length == length && !memcmp(text.text, name, length))
                return reference.target;
        }
    }
    *known = *known && has_namespace;
    return 0;
}

static enum finalizer kind_of(const struct heap *heap, const struct heap_type *type)
{
    if (!(type->flags & TYPE_FINALIZER))
        return FINALIZER_NONE;
    object_id mro = type->object ? raw_field(heap, type->object, "__mro__", NULL) : 0;
    bool known = mro != 0;
    for (uint64_t i = mro ? csr_start(&heap->edges, mro) : 0; mro && i < csr_end(&heap->edges, mro); i++) {
        object_id class = heap->edges.item[i],
                  found = class ? own_attribute(heap, class, "__del__", &known) : 0;
        if (!found)
            continue;
        enum family family = heap_family(heap, found);
        return family == FAMILY_DESCRIPTOR || family == FAMILY_BUILTIN ? FINALIZER_BUILTIN : FINALIZER_DEL;
    }
    return known ? FINALIZER_LEGACY : FINALIZER_DEL;
}

uint8_t *finalizers_of_types(const struct view *view, struct error *err)
{
    const struct heap *heap = view_heap(view);
    uint8_t *ret = calloc((size_t)heap->type_count + 1, sizeof *ret);
    if (!ret) {
        error_no_memory(err);
        return NULL;
    }
    for (type_id t = 1; t <= heap->type_count; t++)
        ret[t] = (uint8_t)kind_of(heap, &heap->types[t]);
    return ret;
}
