#include "lib/heap/heap_builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/base/vector.h"
#include "lib/heap/heap_builder_private.h"

/* Room for one more item after `used` ones in a typed array. */
#define ROOM(array, capacity, used, err)                                                                     \
    room((void **)&(array), &(capacity), (used), 1, sizeof *(array), (err))

static bool room(void **items, size_t *capacity, size_t used, size_t more, size_t item_size,
                 struct error *err)
{
    if (used + more > UINT32_MAX - 1 && item_size > 1)
        return error_set(err, ERROR_BAD_INPUT, "more than %u items in one table", UINT32_MAX - 1);
    return vector_reserve(items, capacity, used + more, item_size, err);
}

struct heap_builder *heap_builder_create(const char *path, struct error *err)
{
    struct heap_builder *b = calloc(1, sizeof *b);
    struct heap *heap = calloc(1, sizeof *heap);
    struct heap_private *p = calloc(1, sizeof *p);
    char *copy = strdup(path ? path : "");
    if (!b || !heap || !p || !copy) {
        free(b);
        free(heap);
        free(p);
        free(copy);
        error_no_memory(err);
        return NULL;
    }
    heap->private = p;
    heap->path = copy;
    heap->complete = true;
    b->heap = heap;
    /* Index 0 is "none" in each of these tables, so that an id can be used without a test. */
    if (!ROOM(heap->types, b->types, 0, err) || !ROOM(heap->shapes, b->shapes, 0, err) ||
        !ROOM(heap->threads, b->threads, 0, err) || !ROOM(heap->frames, b->frames, 0, err) ||
        !ROOM(p->text_end, b->text_end, 0, err)) {
        heap_builder_destroy(b);
        return NULL;
    }
    heap->types[0] = (struct heap_type){0};
    heap->shapes[0] = (struct heap_shape){0};
    heap->threads[0] = (struct heap_thread){0};
    heap->frames[0] = (struct heap_frame){0};
    p->text_end[0] = 0;
    return b;
}

void heap_builder_destroy(struct heap_builder *b)
{
    if (!b)
        return;
    heap_destroy(b->heap);
    free(b);
}

string_id heap_builder_string(struct heap_builder *b, const char *text, size_t length, struct error *err)
{
    struct heap_private *p = b->heap->private;
    if (!ROOM(p->text_end, b->text_end, (size_t)b->heap->string_count + 1, err) ||
        !room((void **)&p->text, &b->text, b->text_size, length + 1, 1, err))
        return 0;
    if (length)
        memcpy(p->text + b->text_size, text, length);
    p->text[b->text_size + length] = '\0';
    b->text_size += length + 1;
    p->text_end[++b->heap->string_count] = b->text_size;
    return b->heap->string_count;
}

type_id heap_builder_type(struct heap_builder *b, const struct heap_type *type,
                          const struct heap_member *members, struct error *err)
{
    struct heap *heap = b->heap;
    if (!ROOM(heap->types, b->types, (size_t)heap->type_count + 1, err) ||
        !room((void **)&heap->members, &b->members, heap->member_count, type->member_count,
              sizeof *heap->members, err))
        return 0;
    struct heap_type *copy = &heap->types[++heap->type_count];
    *copy = *type;
    copy->member_start = heap->member_count;
    if (type->member_count)
        memcpy(heap->members + heap->member_count, members, type->member_count * sizeof *members);
    heap->member_count += type->member_count;
    return heap->type_count;
}

shape_id heap_builder_shape(struct heap_builder *b, const struct heap_shape *shape,
                            const struct heap_field *fields, struct error *err)
{
    struct heap *heap = b->heap;
    if (!ROOM(heap->shapes, b->shapes, (size_t)heap->shape_count + 1, err) ||
        !room((void **)&heap->fields, &b->fields, heap->field_count, shape->field_count, sizeof *heap->fields,
              err))
        return 0;
    struct heap_shape *copy = &heap->shapes[++heap->shape_count];
    *copy = *shape;
    copy->field_start = heap->field_count;
    if (shape->field_count)
        memcpy(heap->fields + heap->field_count, fields, shape->field_count * sizeof *fields);
    heap->field_count += shape->field_count;
    return heap->shape_count;
}

uint32_t heap_builder_thread(struct heap_builder *b, const struct heap_thread *thread, struct error *err)
{
    if (!ROOM(b->heap->threads, b->threads, (size_t)b->heap->thread_count + 1, err))
        return 0;
    b->heap->threads[++b->heap->thread_count] = *thread;
    return b->heap->thread_count;
}

uint32_t heap_builder_frame(struct heap_builder *b, const struct heap_frame *frame, struct error *err)
{
    if (!ROOM(b->heap->frames, b->frames, (size_t)b->heap->frame_count + 1, err))
        return 0;
    b->heap->frames[++b->heap->frame_count] = *frame;
    return b->heap->frame_count;
}

bool heap_builder_root(struct heap_builder *b, const struct heap_root *root, struct error *err)
{
    if (!ROOM(b->heap->roots, b->roots, b->heap->root_count, err))
        return false;
    b->heap->roots[b->heap->root_count++] = *root;
    return true;
}

bool heap_builder_fact(struct heap_builder *b, const struct heap_fact *fact, struct error *err)
{
    struct heap *heap = b->heap;
    struct heap_fact copy = *fact;
    bool has_text = fact->type == HEAP_FACT_TEXT || fact->type == HEAP_FACT_LIST;
    copy.length = has_text ? fact->length : 0;
    char *text = malloc((size_t)copy.length + 1);
    char *key = strdup(fact->key);
    if (!text || !key || !ROOM(heap->facts, b->facts, heap->fact_count, err)) {
        free(text);
        free(key);
        return error_no_memory(err);
    }
    if (copy.length)
        memcpy(text, fact->text, copy.length);
    text[copy.length] = '\0';
    copy.text = text;
    copy.key = key;
    struct heap_fact *old = (struct heap_fact *)heap_fact(heap, key);
    if (old) {
        free((char *)old->key);
        free((char *)old->text);
        *old = copy;
    } else {
        heap->facts[heap->fact_count++] = copy;
    }
    return true;
}

const struct heap_fact *heap_builder_find_fact(const struct heap_builder *b, const char *key)
{
    return heap_fact(b->heap, key);
}

bool heap_builder_warning(struct heap_builder *b, const char *format, ...)
{
    struct heap *heap = b->heap;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    char *copy = strdup(line);
    if (!copy || !ROOM(heap->warnings, b->warnings, heap->warning_count, NULL)) {
        free(copy);
        return false;
    }
    heap->warnings[heap->warning_count++] = copy;
    return true;
}

void heap_builder_lost(struct heap_builder *b, uint64_t objects, uint64_t edges)
{
    b->heap->objects_lost += objects;
    b->heap->edges_lost += edges;
    b->heap->complete = false;
}

void heap_builder_source(struct heap_builder *b, const struct heap_source *source)
{
    b->heap->private->source = *source;
}

/* Notes where the edges of `row` start: at the end of what there is. */
static bool start_row(struct heap_builder *b, uint32_t row, struct error *err)
{
    struct csr *edges = &b->heap->edges;
    if (!ROOM(edges->low, b->low, row, err))
        return false;
    if (row % 65536 == 0) {
        if (!ROOM(edges->base, b->base, row / 65536, err))
            return false;
        edges->base[row / 65536] = edges->item_count;
    }
    uint64_t low = edges->item_count - edges->base[row / 65536];
    if (low > UINT32_MAX)
        return error_set(err, ERROR_BAD_INPUT, "more than 2^32 references in 65536 objects");
    edges->low[row] = (uint32_t)low;
    return true;
}

/* The rows of "none", and of the end, which moves with each object. */
static bool first_rows(struct heap_builder *b, struct error *err)
{
    struct heap *heap = b->heap;
    struct heap_private *p = heap->private;
    if (!ROOM(heap->address, b->address, 0, err) || !ROOM(heap->shape, b->shape, 0, err) ||
        !ROOM(p->size, b->size, 0, err) || !ROOM(p->refcount, b->refcount, 0, err) ||
        !ROOM(p->flags, b->flags, 0, err) || !start_row(b, 0, err) || !start_row(b, 1, err))
        return false;
    heap->address[0] = p->size[0] = p->refcount[0] = 0;
    heap->shape[0] = 0;
    p->flags[0] = 0;
    return true;
}

object_id heap_builder_object(struct heap_builder *b, uint64_t address, shape_id shape,
                              const struct heap_detail *detail, struct error *err)
{
    struct heap *heap = b->heap;
    struct heap_private *p = heap->private;
    if (b->columns) {
        error_set(err, ERROR_USAGE, "objects one by one after whole columns");
        return 0;
    }
    if (!heap->address && !first_rows(b, err))
        return 0;
    size_t id = (size_t)heap->object_count + 1;
    if (!ROOM(heap->address, b->address, id, err) || !ROOM(heap->shape, b->shape, id, err) ||
        !ROOM(p->size, b->size, id, err) || !ROOM(p->refcount, b->refcount, id, err) ||
        !ROOM(p->flags, b->flags, id, err) || !start_row(b, (uint32_t)id + 1, err))
        return 0;
    heap->object_count = (uint32_t)id;
    heap->address[id] = address;
    heap->shape[id] = shape;
    uint64_t base_size = shape <= heap->shape_count ? heap->shapes[shape].base_size : 0;
    p->size[id] = detail ? detail->size : base_size;
    p->refcount[id] = detail ? detail->refcount : 0;
    p->flags[id] = detail ? detail->flags : 0;
    return heap->object_count;
}

bool heap_builder_edge(struct heap_builder *b, object_id target, struct error *err)
{
    struct heap *heap = b->heap;
    struct csr *edges = &heap->edges;
    if (b->columns || heap->object_count == 0)
        return error_set(err, ERROR_USAGE, "a reference without an object");
    size_t used = (size_t)edges->item_count;
    void *items = edges->item;
    bool done = vector_reserve(&items, &b->item, used + 1, sizeof *edges->item, err);
    edges->item = items;
    if (!done)
        return false;
    edges->item[edges->item_count++] = target;
    return start_row(b, heap->object_count + 1, err);
}

bool heap_builder_place(struct heap_builder *b, uint32_t place, struct error *err)
{
    struct heap_private *p = b->heap->private;
    if (!vector_reserve((void **)&p->place, &p->place_capacity, (size_t)p->place_count + 1, sizeof *p->place,
                        err))
        return false;
    p->place[p->place_count++] = place;
    return true;
}

bool heap_builder_preview(struct heap_builder *b, object_id id, enum preview_kind kind, uint64_t full_length,
                          const void *text, uint32_t length, struct error *err)
{
    return heap_add_preview(b->heap, id, kind, full_length, text, length, err);
}

bool heap_builder_columns(struct heap_builder *b, uint32_t object_count, uint64_t edge_count,
                          struct heap_columns *ret, struct error *err)
{
    struct heap *heap = b->heap;
    *ret = (struct heap_columns){0};
    if (b->columns ? object_count > heap->object_count || edge_count > heap->edges.item_count
                   : heap->address != NULL)
        return error_set(err, ERROR_USAGE, "columns cannot grow");
    if (!b->columns) {
        size_t rows = (size_t)object_count + 1;
        heap->address = memory_large(rows, sizeof *heap->address);
        heap->shape = memory_large(rows, sizeof *heap->shape);
        heap->edges.low = memory_large(rows + 1, sizeof *heap->edges.low);
        heap->edges.base = calloc((rows >> 16) + 1, sizeof *heap->edges.base);
        heap->edges.item = memory_large((size_t)edge_count, sizeof *heap->edges.item);
        if (!heap->address || !heap->shape || !heap->edges.low || !heap->edges.base || !heap->edges.item)
            return error_no_memory(err);
        heap->address[0] = 0;
        heap->shape[0] = 0;
        heap->edges.low[0] = 0;
        b->columns = true;
    }
    heap->object_count = object_count;
    heap->edges.item_count = edge_count;
    *ret = (struct heap_columns){.address = heap->address, .shape = heap->shape, .edges = heap->edges};
    return true;
}
