#include "lib/heap/heap.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/heap/heap_private.h"

enum { FIRST_IMMORTAL_PYTHON = 0x030c0000 };

void heap_destroy(struct heap *heap)
{
    if (!heap)
        return;
    struct heap_private *p = heap->private;
    if (p) {
        if (p->source.close)
            p->source.close(p->source.self);
        free(p->text);
        free(p->text_end);
        free(p->size);
        free(p->refcount);
        free(p->flags);
        free(p->previews);
        free(p->preview_bits);
        free(p->preview_rank);
        free(p->preview_text);
        free(p->slots);
        free(p->place_base);
        free(p->place);
        free(p);
    }
    for (uint32_t i = 0; i < heap->fact_count; i++) {
        free((char *)heap->facts[i].key);
        free((char *)heap->facts[i].text);
    }
    for (uint32_t i = 0; i < heap->warning_count; i++)
        free(heap->warnings[i]);
    free((char *)heap->path);
    free(heap->address);
    free(heap->shape);
    free(heap->edges.base);
    free(heap->edges.low);
    free(heap->edges.item);
    free(heap->types);
    free(heap->shapes);
    free(heap->fields);
    free(heap->members);
    free(heap->roots);
    free(heap->threads);
    free(heap->frames);
    free(heap->facts);
    free(heap->warnings);
    free(heap);
}

static void name_tail(const struct heap *heap, const struct heap_shape *shape, uint64_t place,
                      struct reference *ret)
{
    ret->number = (int64_t)(shape->tail_start + place);
    switch ((enum shape_tail)shape->tail) {
    case TAIL_INDEX:
        ret->kind = REFERENCE_INDEX;
        return;
    case TAIL_MEMBERS:
        ret->kind = REFERENCE_MEMBER;
        return;
    case TAIL_STACK:
        ret->kind = REFERENCE_STACK;
        ret->certainty = CERTAINTY_UNCERTAIN;
        return;
    case TAIL_PAIRS:
    case TAIL_CACHE:
        ret->number = (int64_t)(shape->tail_start + place / 2);
        if (place % 2 == 0) {
            ret->kind = REFERENCE_KEY_OBJECT;
            return;
        }
        ret->kind = shape->tail == TAIL_CACHE ? REFERENCE_CACHE : REFERENCE_KEY;
        ret->key = heap->edges.item[ret->edge - 1];
        return;
    case TAIL_NATIVE: {
        uint32_t at = heap_place(heap, ret->source, place);
        ret->kind = REFERENCE_POINTER;
        ret->number = at == HEAP_NO_PLACE ? -1 - (int64_t)place : (int64_t)(at >> 1) * 8;
        if (at & 1)
            ret->certainty = CERTAINTY_UNCERTAIN;
        return;
    }
    case TAIL_FIELDS:
    case TAIL_NONE:
    case TAIL_KINDS:
        break;
    }
    ret->kind = REFERENCE_FIELD;
    ret->number = -1 - ret->number; /* not an offset: found nowhere in the object's own words */
}

struct reference heap_reference(const struct heap *heap, object_id source, uint64_t edge)
{
    const struct heap_shape *shape = &heap->shapes[heap->shape[source]];
    uint64_t place = edge - csr_start(&heap->edges, source);
    struct reference ret = {.source = source, .target = heap->edges.item[edge], .edge = edge};
    if (place < shape->field_count) {
        const struct heap_field *field = &heap->fields[shape->field_start + place];
        ret.kind = (enum reference_kind)field->kind;
        ret.certainty = (enum certainty)field->certainty;
        ret.name = field->name;
        ret.number = field->number;
    } else {
        name_tail(heap, shape, place - shape->field_count, &ret);
    }
    return ret;
}

enum reference_kind heap_reference_kind(const struct heap *heap, object_id source, uint64_t edge)
{
    const struct heap_shape *shape = &heap->shapes[heap->shape[source]];
    uint64_t place = edge - csr_start(&heap->edges, source);
    if (place < shape->field_count)
        return (enum reference_kind)heap->fields[shape->field_start + place].kind;
    return shape->tail == TAIL_NATIVE ? REFERENCE_POINTER : heap_reference(heap, source, edge).kind;
}

const char *heap_string(const struct heap *heap, string_id id, size_t *length)
{
    const struct heap_private *p = heap->private;
    if (id == 0 || id > heap->string_count) {
        if (length)
            *length = 0;
        return "";
    }
    uint64_t start = p->text_end[id - 1];
    if (length)
        *length = (size_t)(p->text_end[id] - start - 1);
    return p->text + start;
}

const char *heap_type_name(const struct heap *heap, object_id id)
{
    return heap_string(heap, heap->types[heap_type_of(heap, id)].name, NULL);
}

enum family heap_family(const struct heap *heap, object_id id)
{
    return heap->types[heap_type_of(heap, id)].family;
}

enum heap_contents heap_contents(const struct heap *heap)
{
    unsigned contents = HEAP_OF_NOTHING;
    for (type_id t = 1; t <= heap->type_count; t++)
        contents |= heap->types[t].family == FAMILY_NATIVE ? HEAP_HAS_BLOCKS : HEAP_HAS_OBJECTS;
    return (enum heap_contents)contents;
}

bool heap_load_details(struct heap *heap, struct error *err)
{
    struct heap_private *p = heap->private;
    if (p->details_loaded)
        return true;
    if (!p->source.load_details)
        return error_set(err, ERROR_NOT_FOUND, "sizes and refcounts are not in this input");
    size_t count = (size_t)heap->object_count + 1;
    uint64_t *size = memory_large(count, sizeof *size);
    uint64_t *refcount = memory_large(count, sizeof *refcount);
    uint8_t *flags = memory_large(count, sizeof *flags);
    bool done = size && refcount && flags;
    if (!done) {
        error_no_memory(err);
    } else {
        size[0] = refcount[0] = flags[0] = 0;
        done = p->source.load_details(p->source.self, size, refcount, flags, err);
    }
    if (!done) {
        free(size);
        free(refcount);
        free(flags);
        return false;
    }
    p->size = size;
    p->refcount = refcount;
    p->flags = flags;
    p->details_loaded = true;
    return true;
}

bool heap_each_details(struct heap *heap, heap_details_visitor *visit, void *context, struct error *err)
{
    struct heap_private *p = heap->private;
    if (!p->details_loaded && p->source.each_details)
        return p->source.each_details(p->source.self, visit, context, err);
    if (!heap_load_details(heap, err))
        return false;
    if (heap->object_count)
        visit(context, 1, heap->object_count, p->size + 1, p->refcount + 1, p->flags + 1);
    return true;
}

bool heap_detail(const struct heap *heap, object_id id, struct heap_detail *ret)
{
    const struct heap_private *p = heap->private;
    *ret = (struct heap_detail){0};
    if (id == 0 || id > heap->object_count)
        return false;
    if (p->details_loaded) {
        *ret = (struct heap_detail){.size = p->size[id], .refcount = p->refcount[id], .flags = p->flags[id]};
        return true;
    }
    if (p->source.detail && p->source.detail(p->source.self, id, ret, NULL))
        return true;
    *ret = (struct heap_detail){0};
    return false;
}

const struct heap_fact *heap_fact(const struct heap *heap, const char *key)
{
    for (uint32_t i = 0; i < heap->fact_count; i++) {
        if (strcmp(heap->facts[i].key, key) == 0)
            return &heap->facts[i];
    }
    return NULL;
}

bool heap_has_native(const struct heap *heap)
{
    return heap_fact(heap, "source") != NULL;
}

bool heap_native_differs(const struct heap *a, const struct heap *b)
{
    return heap_has_native(a) != heap_has_native(b) && heap_fact(a, "runtime") && heap_fact(b, "runtime");
}

static bool counts(uint8_t kind)
{
    return kind == REFERENCE_INDEX || kind == REFERENCE_KEY || kind == REFERENCE_MEMBER;
}

int64_t heap_container_length(const struct heap *heap, object_id id)
{
    enum family family = heap_family(heap, id);
    if (family != FAMILY_LIST && family != FAMILY_TUPLE && family != FAMILY_DICT && family != FAMILY_SET &&
        family != FAMILY_DEQUE)
        return -1;
    const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
    uint64_t start = csr_start(&heap->edges, id), degree = csr_end(&heap->edges, id) - start;
    uint64_t fields = degree < shape->field_count ? degree : shape->field_count;
    int64_t length = 0;
    for (uint64_t i = 0; i < fields; i++) /* an unset place of a split dict is no pair */
        length += counts(heap->fields[shape->field_start + i].kind) && heap->edges.item[start + i] != 0;
    uint64_t tail = degree - fields;
    if (shape->tail == TAIL_PAIRS)
        length += (int64_t)(tail / 2);
    else if (shape->tail == TAIL_INDEX || shape->tail == TAIL_MEMBERS)
        length += (int64_t)tail;
    return length;
}

bool heap_is_immortal(const struct heap *heap, const struct heap_detail *detail)
{
    if (detail->flags & OBJECT_IMMORTAL)
        return true;
    /* PEP 683 as CPython 3.12 and later test it on 64 bits: bit 31 of the refcount word. */
    return heap->private->runtime_hex >= FIRST_IMMORTAL_PYTHON && (detail->refcount >> 31 & 1) != 0;
}
