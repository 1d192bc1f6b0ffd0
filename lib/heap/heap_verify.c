#include "lib/heap/heap_verify.h"

#include <stdarg.h>
#include <stdio.h>

struct audit {
    const struct heap *heap;
    heap_fault *report;
    void *context;
    uint64_t faults;
};

static void fault(struct audit *a, const char *part, uint64_t number, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void fault(struct audit *a, const char *part, uint64_t number, const char *format, ...)
{
    a->faults++;
    if (!a->report)
        return;
    char where[64], message[256];
    snprintf(where, sizeof where, "%s %llu", part, (unsigned long long)number);
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    a->report(a->context, where, message);
}

static void in_range(struct audit *a, const char *part, uint64_t number, const char *what, uint64_t id,
                     uint64_t low, uint64_t high)
{
    if (id < low || id > high)
        fault(a, part, number, "%s is %llu, not %llu to %llu", what, (unsigned long long)id,
              (unsigned long long)low, (unsigned long long)high);
}

static void verify_types(struct audit *a)
{
    const struct heap *heap = a->heap;
    for (type_id id = 1; id <= heap->type_count; id++) {
        const struct heap_type *type = &heap->types[id];
        in_range(a, "type", id, "name", type->name, 0, heap->string_count);
        in_range(a, "type", id, "module", type->module, 0, heap->string_count);
        in_range(a, "type", id, "base", type->base, 0, heap->type_count);
        in_range(a, "type", id, "object", type->object, 0, heap->object_count);
        in_range(a, "type", id, "family", (uint64_t)type->family, 0, FAMILIES - 1);
        in_range(a, "type", id, "label", type->label, 0, TYPE_LABELS - 1);
        in_range(a, "type", id, "last member", (uint64_t)type->member_start + type->member_count, 0,
                 heap->member_count);
        if (type->object && type->address && type->object <= heap->object_count &&
            heap->address[type->object] != type->address)
            fault(a, "type", id, "lies at 0x%llx, but its object at 0x%llx",
                  (unsigned long long)type->address, (unsigned long long)heap->address[type->object]);
    }
    for (uint32_t i = 0; i < heap->member_count; i++)
        in_range(a, "member", i, "name", heap->members[i].name, 0, heap->string_count);
}

static void verify_shapes(struct audit *a)
{
    const struct heap *heap = a->heap;
    for (shape_id id = 1; id <= heap->shape_count; id++) {
        const struct heap_shape *shape = &heap->shapes[id];
        in_range(a, "shape", id, "type", shape->type, 1, heap->type_count);
        in_range(a, "shape", id, "tail", shape->tail, 0, TAIL_KINDS - 1);
        in_range(a, "shape", id, "last field", (uint64_t)shape->field_start + shape->field_count, 0,
                 heap->field_count);
    }
    for (uint32_t i = 0; i < heap->field_count; i++) {
        in_range(a, "field", i, "kind", heap->fields[i].kind, 1, REFERENCE_KINDS - 1);
        in_range(a, "field", i, "certainty", heap->fields[i].certainty, 0, CERTAINTY_UNCERTAIN);
        in_range(a, "field", i, "name", heap->fields[i].name, 0, heap->string_count);
    }
}

static void verify_roots(struct audit *a)
{
    const struct heap *heap = a->heap;
    for (uint32_t id = 1; id <= heap->thread_count; id++)
        in_range(a, "thread", id, "name", heap->threads[id].name, 0, heap->string_count);
    for (uint32_t id = 1; id <= heap->frame_count; id++) {
        const struct heap_frame *frame = &heap->frames[id];
        in_range(a, "frame", id, "thread", frame->thread, 0, heap->thread_count);
        in_range(a, "frame", id, "function", frame->function, 0, heap->string_count);
        in_range(a, "frame", id, "module", frame->module, 0, heap->string_count);
        in_range(a, "frame", id, "file", frame->file, 0, heap->string_count);
        in_range(a, "frame", id, "code", frame->code, 0, heap->object_count);
    }
    for (uint32_t i = 0; i < heap->root_count; i++) {
        const struct heap_root *root = &heap->roots[i];
        in_range(a, "root", i, "kind", root->kind, 1, ROOT_KINDS - 1);
        in_range(a, "root", i, "reference", root->reference, 0, REFERENCE_KINDS - 1);
        in_range(a, "root", i, "name", root->name, 0, heap->string_count);
        in_range(a, "root", i, "target", root->target, 1, heap->object_count);
        in_range(a, "root", i, "thread", root->thread, 0, heap->thread_count);
        in_range(a, "root", i, "frame", root->frame, 0, heap->frame_count);
        if (root->kind == ROOT_FRAME && root->frame == 0)
            fault(a, "root", i, "is of a frame, but names none");
    }
}

/* Words of a block lie in it. */
static void verify_places(struct audit *a, object_id id)
{
    const struct heap *heap = a->heap;
    struct heap_detail detail;
    if (!heap_detail(heap, id, &detail))
        return;
    uint64_t fields = heap->shapes[heap->shape[id]].field_count;
    for (uint64_t edge = csr_start(&heap->edges, id) + fields; edge < csr_end(&heap->edges, id); edge++) {
        struct reference r = heap_reference(heap, id, edge);
        if (r.kind == REFERENCE_POINTER && r.number >= 0 && (uint64_t)r.number / 8 >= (detail.size + 7) / 8) {
            fault(a, "object", id, "refers to object %u at +0x%llx, but has %llu bytes", r.target,
                  (unsigned long long)r.number, (unsigned long long)detail.size);
            return;
        }
    }
}

static void verify_object(struct audit *a, object_id id)
{
    const struct heap *heap = a->heap;
    in_range(a, "object", id, "shape", heap->shape[id], 1, heap->shape_count);
    uint64_t start = csr_start(&heap->edges, id), end = csr_end(&heap->edges, id);
    if (start > end || end > heap->edges.item_count) {
        fault(a, "object", id, "references %llu to %llu of %llu", (unsigned long long)start,
              (unsigned long long)end, (unsigned long long)heap->edges.item_count);
        return;
    }
    for (uint64_t edge = start; edge < end; edge++) {
        if (heap->edges.item[edge] > heap->object_count)
            fault(a, "object", id, "refers to object %u of %u", heap->edges.item[edge], heap->object_count);
    }
    if (heap->shape[id] == 0 || heap->shape[id] > heap->shape_count)
        return;
    const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
    uint64_t degree = end - start;
    if (degree > shape->field_count && shape->tail == TAIL_NONE)
        fault(a, "object", id, "%llu references for %u fields", (unsigned long long)degree,
              shape->field_count);
    /* A cut file ends in the middle of an object's references; then an odd number of them is no fault of
     * their own. */
    bool pairs = shape->tail == TAIL_PAIRS || shape->tail == TAIL_CACHE;
    if (pairs && heap->complete && degree > shape->field_count && (degree - shape->field_count) % 2 != 0) {
        struct heap_detail detail;
        if (!heap_detail(heap, id, &detail) || !(detail.flags & OBJECT_PARTIAL))
            fault(a, "object", id, "a key without a value");
    }
    if (shape->tail == TAIL_NATIVE && heap_family(heap, id) == FAMILY_NATIVE)
        verify_places(a, id);
    if (heap->address[id] == 0)
        fault(a, "object", id, "lies at address 0");
    else if (heap_find_address(heap, heap->address[id]) != id)
        fault(a, "object", id, "lies at 0x%llx, as object %u does", (unsigned long long)heap->address[id],
              heap_find_address(heap, heap->address[id]));
}

uint64_t heap_verify(struct heap *heap, heap_fault *report, void *context, struct error *err)
{
    if (!heap_index_addresses(heap, err))
        return UINT64_MAX;
    struct error why; /* damaged ones are unknown, as said elsewhere */
    if (!heap_load_places(heap, &why) && why.code == ERROR_SYSTEM) {
        if (err)
            *err = why;
        return UINT64_MAX;
    }
    struct audit a = {.heap = heap, .report = report, .context = context};
    verify_types(&a);
    verify_shapes(&a);
    verify_roots(&a);
    if (csr_start(&heap->edges, 1) != 0)
        fault(&a, "object", 0, "has references");
    for (object_id id = 1; id <= heap->object_count; id++)
        verify_object(&a, id);
    if (csr_end(&heap->edges, heap->object_count) != heap->edges.item_count)
        fault(&a, "references", heap->edges.item_count, "belong to no object from %llu on",
              (unsigned long long)csr_end(&heap->edges, heap->object_count));
    return a.faults;
}
