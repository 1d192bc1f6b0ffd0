/* What an object looks like: previews and keys. */
#include <math.h>
#include <string.h>

#include "lib/query/raw.h"
#include "lib/query/spelling.h"
#include "lib/query/view_private.h"

enum { KEY_DEPTH = 3, KEY_ITEMS = 8, NUMBER_BYTES = 48 };

static void add_address(const struct heap *heap, object_id object, struct text_buffer *to)
{
    text_buffer_format(to, "0x%llx", (unsigned long long)heap->address[object]);
}

void spelling_count(uint64_t count, struct text_buffer *to)
{
    uint64_t scale = 1;
    while (count / scale >= 1000)
        scale *= 1000;
    text_buffer_format(to, "%llu", (unsigned long long)(count / scale));
    for (count %= scale; scale > 1; count %= scale) {
        scale /= 1000;
        text_buffer_format(to, " %03llu", (unsigned long long)(count / scale));
    }
}

/* A value that has a literal in Python. False: nothing is known of it. */
static bool add_literal(const struct heap *heap, object_id object, size_t most, struct text_buffer *to)
{
    struct heap_preview preview;
    if (heap_family(heap, object) == FAMILY_NONE) {
        text_buffer_add(to, "None");
        return true;
    }
    if (!heap_preview(heap, object, &preview))
        return false;
    switch (preview.kind) {
    case PREVIEW_STR:
        spelling_str(preview.text, preview.length, most,
                     raw_code_points(preview.text, preview.length) < preview.full_length, to);
        return true;
    case PREVIEW_NAME: /* an identifier, written although values are switched off */
        if (heap_family(heap, object) != FAMILY_STR)
            return false;
        spelling_str(preview.text, preview.length, most, false, to);
        return true;
    case PREVIEW_BYTES:
        spelling_bytes(preview.text, preview.length, most, preview.length < preview.full_length, to);
        return true;
    case PREVIEW_INT:
        text_buffer_add_n(to, preview.text, preview.length < NUMBER_BYTES ? preview.length : NUMBER_BYTES);
        if (preview.length > NUMBER_BYTES)
            text_buffer_add(to, "…");
        return true;
    case PREVIEW_FLOAT: {
        double value;
        if (preview.length != sizeof value)
            return false;
        memcpy(&value, preview.text, sizeof value);
        spelling_float(value, to);
        return true;
    }
    case PREVIEW_BOOL:
        text_buffer_add(to, preview.length && preview.text[0] ? "True" : "False");
        return true;
    case PREVIEW_NONE:
    case PREVIEW_KINDS:
        break;
    }
    return false;
}

/* The module a function says it is of, "" if unknown. */
static bool add_module_of(const struct heap *heap, object_id function, struct text_buffer *to)
{
    struct heap_preview module;
    if (!raw_text(heap, raw_field(heap, function, "__module__", NULL), &module))
        return false;
    text_buffer_add_n(to, module.text, module.length);
    text_buffer_add_n(to, ".", 1);
    return true;
}

static bool add_name(const struct view *view, object_id object, struct text_buffer *to)
{
    const struct heap *heap = view->heap;
    enum family family = heap_family(heap, object);
    type_id type = family == FAMILY_TYPE ? view_type_of_object(view, object) : 0;
    if (type) {
        text_buffer_add(to, heap_string(heap, heap->types[type].name, NULL));
        return true;
    }
    struct heap_preview preview;
    if (!heap_preview(heap, object, &preview) || preview.kind != PREVIEW_NAME || family == FAMILY_STR)
        return false;
    if (family == FAMILY_FUNCTION)
        add_module_of(heap, object, to);
    text_buffer_add_n(to, preview.text, preview.length);
    return true;
}

void spelling_preview(const struct view *view, object_id object, struct text_buffer *to)
{
    const struct heap *heap = view->heap;
    if (!object || add_literal(heap, object, SPELLING_PREVIEW, to) || add_name(view, object, to))
        return;
    int64_t length = heap_container_length(heap, object);
    if (length >= 0) {
        text_buffer_format(to, "%s of ", heap_type_name(heap, object));
        spelling_count((uint64_t)length, to);
    }
}

static void add_unknown(const struct heap *heap, object_id object, struct text_buffer *to)
{
    text_buffer_format(to, "<%s ", heap_type_name(heap, object));
    add_address(heap, object, to);
    text_buffer_add_n(to, ">", 1);
}

static void add_key(const struct view *view, object_id object, unsigned depth, struct text_buffer *to);

static void add_tuple(const struct view *view, object_id tuple, unsigned depth, struct text_buffer *to)
{
    const struct heap *heap = view->heap;
    uint64_t start = csr_start(&heap->edges, tuple), length = 0;
    text_buffer_add_n(to, "(", 1);
    for (uint64_t i = start; i < csr_end(&heap->edges, tuple); i++) {
        struct reference item = heap_reference(heap, tuple, i);
        if (item.kind != REFERENCE_INDEX) /* a subclass with attributes */
            continue;
        if (length)
            text_buffer_add(to, ", ");
        if (length++ == KEY_ITEMS) {
            text_buffer_add(to, "…");
            break;
        }
        add_key(view, item.target, depth, to);
    }
    text_buffer_add(to, length == 1 ? ",)" : ")");
}

/* Bounded by KEY_DEPTH: keys nest no deeper than that here. */
static void add_key(const struct view *view, object_id object, unsigned depth, struct text_buffer *to)
{
    const struct heap *heap = view->heap;
    if (!object)
        text_buffer_add(to, "<none>");
    else if (add_literal(heap, object, SPELLING_KEY, to))
        return;
    else if (heap_family(heap, object) == FAMILY_TUPLE && depth < KEY_DEPTH)
        add_tuple(view, object, depth + 1, to);
    else if (heap_family(heap, object) == FAMILY_TYPE && view_type_of_object(view, object)) {
        text_buffer_add(to, "<class ");
        add_name(view, object, to);
        text_buffer_add_n(to, ">", 1);
    } else
        add_unknown(heap, object, to);
}

void spelling_key(const struct view *view, object_id object, struct text_buffer *to)
{
    add_key(view, object, 0, to);
}

void spelling_object(const struct view *view, object_id object, struct text_buffer *to)
{
    const struct heap *heap = view->heap;
    enum family family = heap_family(heap, object);
    if ((family == FAMILY_MODULE || family == FAMILY_FUNCTION || family == FAMILY_TYPE) &&
        add_name(view, object, to))
        return;
    text_buffer_format(to, "%s ", heap_type_name(heap, object));
    add_address(heap, object, to);
}
