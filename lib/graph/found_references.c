#include "lib/graph/found_references.h"

#include <stdlib.h>
#include <string.h>

#include "lib/graph/roots.h"
#include "lib/graph/shape_traits.h"

enum { FRAMES_HAVE_NO_GLOBALS = 0x030b0000 }; /* 3.11: a frame borrows its globals from its function */

/* What must be looked at one by one in the objects of a shape. */
enum care { CARE_NONE, CARE_WEAK, CARE_FRAME, CARE_NATIVE };

struct counting {
    struct found_references *found;
    const struct heap *heap;
    uint64_t version;                   /* of Python: 0x030b00f0 is 3.11.0; 0: not known */
    struct object_set generator_frames; /* frame objects that are generators' own, before 3.11 */
};

static void add(struct found_references *found, object_id id, uint32_t more)
{
    if (id && found->count[id] != UINT32_MAX)
        found->count[id] = found->count[id] > UINT32_MAX - more ? UINT32_MAX : found->count[id] + more;
}

static bool field_is(const struct heap *heap, const struct heap_field *field, const char *name)
{
    return field->name && !strcmp(heap_string(heap, field->name, NULL), name);
}

static bool has_field(const struct heap *heap, object_id object, const char *name)
{
    const struct heap_shape *shape = &heap->shapes[heap->shape[object]];
    uint64_t start = csr_start(&heap->edges, object), length = csr_end(&heap->edges, object) - start;
    for (uint32_t f = 0; f < shape->field_count && f < length; f++)
        if (heap->edges.item[start + f] && field_is(heap, &heap->fields[shape->field_start + f], name))
            return true;
    return false;
}

/* From 3.11 on a frame object has its code only once the frame itself has ended: until then the thread has
 * it. Before, the collector gets a frame when it ends; a generator's is always the collector's, but knows who
 * called it only while it runs. */
static bool is_running(const struct counting *c, object_id frame)
{
    struct heap_detail detail;
    if (c->version >= FRAMES_HAVE_NO_GLOBALS)
        return !has_field(c->heap, frame, "f_code");
    if (object_set_has(&c->generator_frames, frame))
        return has_field(c->heap, frame, "f_back");
    return heap_detail(c->heap, frame, &detail) && !(detail.flags & OBJECT_TRACKED);
}

/* The same reference is a root's already. */
static bool thread_counts(const struct heap *heap, const struct heap_field *field)
{
    return field->kind == REFERENCE_LOCAL || field->kind == REFERENCE_GLOBALS ||
           field_is(heap, field, "f_code") || field_is(heap, field, "f_locals");
}

static void count_frame(const struct counting *c, object_id frame)
{
    const struct heap *heap = c->heap;
    const struct heap_shape *shape = &heap->shapes[heap->shape[frame]];
    bool running = is_running(c, frame);
    uint64_t start = csr_start(&heap->edges, frame), end = csr_end(&heap->edges, frame);
    for (uint64_t i = start; i < end; i++) {
        uint64_t position = i - start;
        const struct heap_field *field =
            position < shape->field_count ? &heap->fields[shape->field_start + position] : NULL;
        if (!field || (!reference_kind_is_loose(field->kind) && !(running && thread_counts(heap, field))))
            add(c->found, heap->edges.item[i], 1);
    }
    if (running && !object_set_has(&c->generator_frames, frame))
        add(c->found, frame, 1);
}

static void count_with_weak(const struct counting *c, object_id source)
{
    const struct heap *heap = c->heap;
    const struct heap_shape *shape = &heap->shapes[heap->shape[source]];
    uint64_t start = csr_start(&heap->edges, source), end = csr_end(&heap->edges, source);
    for (uint64_t i = start; i < end; i++)
        if (!shape_is_weak(heap, shape, i - start))
            add(c->found, heap->edges.item[i], 1);
}

static void count_edges(const struct counting *c, const uint8_t *care)
{
    const struct heap *heap = c->heap;
    for (object_id source = 1; source <= heap->object_count; source++) {
        uint64_t end = csr_end(&heap->edges, source);
        switch ((enum care)care[heap->shape[source]]) {
        case CARE_NONE:
            for (uint64_t i = csr_start(&heap->edges, source); i < end; i++)
                add(c->found, heap->edges.item[i], 1);
            break;
        case CARE_WEAK:
            count_with_weak(c, source);
            break;
        case CARE_FRAME:
            count_frame(c, source);
            break;
        case CARE_NATIVE: /* its words are guesses */
            break;
        }
    }
}

static void mark_generator_frames(struct counting *c)
{
    const struct heap *heap = c->heap;
    for (object_id id = 1; id <= heap->object_count; id++) {
        const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
        uint64_t start = csr_start(&heap->edges, id), length = csr_end(&heap->edges, id) - start;
        if (heap->types[shape->type].family != FAMILY_GENERATOR)
            continue;
        for (uint32_t f = 0; f < shape->field_count && f < length; f++)
            if (heap->fields[shape->field_start + f].kind == REFERENCE_FRAME && heap->edges.item[start + f])
                object_set_add(&c->generator_frames, heap->edges.item[start + f]);
    }
}

/* The part of a running frame that it owns; the rest it borrows, or it is the target itself. */
static bool root_counts(const struct heap_root *root, uint64_t version)
{
    if (root->certainty != CERTAINTY_EXACT)
        return false;
    switch (root->kind) {
    case ROOT_THREAD:
    case ROOT_INTERPRETER:
        return true;
    case ROOT_FRAME:
        return root->reference != REFERENCE_NONE && root->reference != REFERENCE_FRAME &&
               (root->reference != REFERENCE_GLOBALS || version < FRAMES_HAVE_NO_GLOBALS);
    default:
        return false;
    }
}

static bool is_local_of_called(const struct heap *heap, const struct heap_root *local,
                               const struct heap_frame *caller)
{
    const struct heap_frame *frame = local->frame ? &heap->frames[local->frame] : NULL;
    return frame && local->reference == REFERENCE_LOCAL && frame->thread == caller->thread &&
           frame->depth + 1 == caller->depth;
}

/* Places on the stacks of callers that are arguments of the frame called. */
static bool count_arguments(const struct counting *c, struct error *err)
{
    const struct heap *heap = c->heap;
    struct roots roots;
    if (!roots_create(&roots, heap, err))
        return false;
    for (uint32_t r = 0; r < heap->root_count; r++) {
        const struct heap_root *place = &heap->roots[r];
        uint32_t first, end;
        if (place->reference != REFERENCE_STACK || place->certainty == CERTAINTY_EXACT || !place->frame)
            continue;
        roots_of(&roots, place->target, &first, &end);
        for (uint32_t i = first; i < end; i++)
            if (is_local_of_called(heap, &heap->roots[roots.order[i]], &heap->frames[place->frame])) {
                add(c->found, place->target, 1);
                break;
            }
    }
    roots_free(&roots);
    return true;
}

/* Instances are counted by type first: a class may have ten million of them. */
static bool count_classes(struct found_references *found, const struct heap *heap, struct error *err)
{
    uint32_t *instances = calloc((size_t)heap->type_count + 1, sizeof *instances);
    if (!instances)
        return error_no_memory(err);
    for (object_id id = 1; id <= heap->object_count; id++) {
        type_id type = heap_type_of(heap, id);
        instances[type]++;
        if (heap->types[type].family == FAMILY_LRU_LINK)
            add(found, id, 1);
    }
    for (type_id t = 1; t <= heap->type_count; t++)
        if (heap->types[t].flags & TYPE_HEAP)
            add(found, heap->types[t].object, instances[t]);
    free(instances);
    return true;
}

static uint8_t *cares(const struct heap *heap, struct error *err)
{
    uint8_t *care = shape_traits(heap, err);
    for (shape_id s = 1; care && s <= heap->shape_count; s++)
        care[s] = care[s] & SHAPE_IS_NATIVE                                  ? CARE_NATIVE
                  : heap->types[heap->shapes[s].type].family == FAMILY_FRAME ? CARE_FRAME
                  : care[s] & SHAPE_HAS_WEAK                                 ? CARE_WEAK
                                                                             : CARE_NONE;
    return care;
}

bool found_references_create(struct found_references *ret, const struct heap *heap, struct error *err)
{
    const struct heap_fact *hex = heap_fact(heap, "runtime_hex");
    struct counting c = {
        .found = ret, .heap = heap, .version = hex && hex->type == HEAP_FACT_U64 ? hex->u64 : 0};
    uint8_t *care = cares(heap, err);
    ret->count = care ? calloc((size_t)heap->object_count + 1, sizeof *ret->count) : NULL;
    bool ok =
        care && ((ret->count && object_set_create(&c.generator_frames, heap, err)) || error_no_memory(err));
    ok = ok && count_classes(ret, heap, err);
    ok = ok && (c.version >= FRAMES_HAVE_NO_GLOBALS || count_arguments(&c, err));
    if (ok) {
        mark_generator_frames(&c);
        count_edges(&c, care);
        for (uint32_t r = 0; r < heap->root_count; r++)
            if (root_counts(&heap->roots[r], c.version))
                add(ret, heap->roots[r].target, 1);
    } else {
        found_references_free(ret);
    }
    object_set_free(&c.generator_frames);
    free(care);
    return ok;
}

void found_references_free(struct found_references *found)
{
    free(found->count);
    found->count = NULL;
}

bool found_references_counted(const struct heap *heap, object_id id, uint64_t *refcount)
{
    struct heap_detail detail;
    if (!heap_detail(heap, id, &detail) || heap_is_immortal(heap, &detail) ||
        detail.refcount >= FOUND_STARTS_AT)
        return false;
    *refcount = detail.refcount;
    return true;
}

uint64_t found_references_missing(const struct found_references *found, const struct heap *heap, object_id id)
{
    uint64_t refcount;
    return found_references_counted(heap, id, &refcount) && refcount > found->count[id]
               ? refcount - found->count[id]
               : 0;
}
