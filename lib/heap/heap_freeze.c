/* The last step of building a heap: every id is checked once, so that nobody has to afterwards. */
#include <stdlib.h>
#include <string.h>

#include "lib/heap/heap_builder_private.h"

static bool bad(struct error *err, const struct heap *heap, const char *part, uint32_t id, const char *what,
                uint64_t value)
{
    return error_bad_input(err, heap->path, ERROR_NO_OFFSET, "%s %u: %s %llu", part, id, what,
                           (unsigned long long)value);
}

/* Bases must end somewhere: whoever follows them must not run in a circle. `seen` has a place per type. */
static bool bases_end(const struct heap *heap, uint32_t *seen, struct error *err)
{
    for (type_id first = 1; first <= heap->type_count; first++) {
        for (type_id id = first; id != 0 && seen[id] == 0; id = heap->types[id].base) {
            seen[id] = first;
            type_id base = heap->types[id].base;
            if (seen[base] == first && base != 0)
                return bad(err, heap, "type", id, "is its own base through type", base);
        }
    }
    return true;
}

static bool check_types(struct heap *heap, struct error *err)
{
    for (uint32_t id = 1; id <= heap->type_count; id++) {
        struct heap_type *type = &heap->types[id];
        if (type->name > heap->string_count || type->module > heap->string_count)
            return bad(err, heap, "type", id, "no string of number",
                       type->name > type->module ? type->name : type->module);
        if (type->base > heap->type_count)
            return bad(err, heap, "type", id, "no base type of number", type->base);
        if (type->label >= TYPE_LABELS)
            return bad(err, heap, "type", id, "unknown label", type->label);
        if ((unsigned)type->family >= FAMILIES)
            return bad(err, heap, "type", id, "unknown family", (unsigned)type->family);
        if (type->object > heap->object_count)
            type->object = 0;
    }
    for (uint32_t i = 0; i < heap->member_count; i++) {
        if (heap->members[i].name > heap->string_count)
            return bad(err, heap, "member", i, "no string of number", heap->members[i].name);
    }
    uint32_t *seen = calloc((size_t)heap->type_count + 1, sizeof *seen);
    if (!seen)
        return error_no_memory(err);
    bool done = bases_end(heap, seen, err);
    free(seen);
    return done;
}

static bool check_shapes(const struct heap *heap, struct error *err)
{
    for (uint32_t id = 1; id <= heap->shape_count; id++) {
        const struct heap_shape *shape = &heap->shapes[id];
        if (shape->type == 0 || shape->type > heap->type_count)
            return bad(err, heap, "shape", id, "no type of number", shape->type);
        if (shape->tail >= TAIL_KINDS)
            return bad(err, heap, "shape", id, "unknown tail", shape->tail);
    }
    for (uint32_t i = 0; i < heap->field_count; i++) {
        const struct heap_field *field = &heap->fields[i];
        if (field->kind == REFERENCE_NONE || field->kind >= REFERENCE_KINDS)
            return bad(err, heap, "field", i, "unknown kind", field->kind);
        if (field->certainty > CERTAINTY_UNCERTAIN)
            return bad(err, heap, "field", i, "unknown certainty", field->certainty);
        if (field->name > heap->string_count)
            return bad(err, heap, "field", i, "no string of number", field->name);
    }
    return true;
}

static bool check_threads(struct heap *heap, struct error *err)
{
    for (uint32_t id = 1; id <= heap->thread_count; id++) {
        if (heap->threads[id].name > heap->string_count)
            return bad(err, heap, "thread", id, "no string of number", heap->threads[id].name);
    }
    for (uint32_t id = 1; id <= heap->frame_count; id++) {
        struct heap_frame *frame = &heap->frames[id];
        if (frame->thread > heap->thread_count)
            return bad(err, heap, "frame", id, "no thread of number", frame->thread);
        string_id names[] = {frame->function, frame->module, frame->file};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (names[i] > heap->string_count)
                return bad(err, heap, "frame", id, "no string of number", names[i]);
        }
        if (frame->code > heap->object_count)
            frame->code = 0;
    }
    return true;
}

/* Roots of objects that are not there are dropped and counted. */
static bool check_roots(struct heap_builder *b, struct error *err)
{
    struct heap *heap = b->heap;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < heap->root_count; i++) {
        const struct heap_root *root = &heap->roots[i];
        if (root->kind == ROOT_NONE || root->kind >= ROOT_KINDS)
            return bad(err, heap, "root", i, "unknown kind", root->kind);
        if (root->reference >= REFERENCE_KINDS)
            return bad(err, heap, "root", i, "unknown kind of reference", root->reference);
        if (root->certainty > CERTAINTY_UNCERTAIN)
            return bad(err, heap, "root", i, "unknown certainty", root->certainty);
        if (root->name > heap->string_count)
            return bad(err, heap, "root", i, "no string of number", root->name);
        if (root->thread > heap->thread_count)
            return bad(err, heap, "root", i, "no thread of number", root->thread);
        if (root->frame > heap->frame_count)
            return bad(err, heap, "root", i, "no frame of number", root->frame);
        if (root->target == 0 || root->target > heap->object_count)
            b->lost_roots++;
        else
            heap->roots[kept++] = *root;
    }
    heap->root_count = kept;
    return true;
}

static bool check_objects(const struct heap *heap, struct error *err)
{
    for (object_id id = 1; id <= heap->object_count; id++) {
        if (heap->shape[id] - 1 >= heap->shape_count)
            return bad(err, heap, "object", id, "no shape of number", heap->shape[id]);
    }
    const struct csr *edges = &heap->edges;
    uint64_t last = 0;
    for (uint32_t row = 0; row <= heap->object_count; row++) {
        uint64_t start = csr_start(edges, row);
        if (start < last || start > edges->item_count)
            return bad(err, heap, "object", row, "references start at", start);
        last = start;
    }
    if (csr_end(edges, heap->object_count) != edges->item_count || csr_start(edges, 0) != 0 ||
        csr_end(edges, 0) != 0)
        return bad(err, heap, "object", heap->object_count, "references end at",
                   csr_end(edges, heap->object_count));
    return true;
}

static uint64_t drop_lost_targets(const struct heap *heap)
{
    uint64_t lost = 0;
    uint32_t *item = heap->edges.item, count = heap->object_count;
    for (uint64_t i = 0; i < heap->edges.item_count; i++) {
        if (item[i] > count) {
            item[i] = 0;
            lost++;
        }
    }
    return lost;
}

/* The first warning of an incomplete heap, before those that say where. */
static bool say_what_is_lost(struct heap_builder *b, struct error *err)
{
    struct heap *heap = b->heap;
    unsigned long long objects = heap->objects_lost, edges = heap->edges_lost, roots = b->lost_roots;
    bool any = objects || edges || roots;
    bool said =
        any ? heap_builder_warning(
                  b,
                  "incomplete: at least %llu objects, %llu references and %llu roots are lost; "
                  "answers are lower bounds",
                  objects, edges, roots)
            : heap_builder_warning(
                  b, "incomplete: the input is damaged, but no object or reference is known to be lost");
    if (!said)
        return error_no_memory(err);
    char *last = heap->warnings[heap->warning_count - 1];
    memmove(heap->warnings + 1, heap->warnings, (heap->warning_count - 1) * sizeof *heap->warnings);
    heap->warnings[0] = last;
    return true;
}

static bool check(struct heap_builder *b, struct error *err)
{
    struct heap *heap = b->heap;
    struct heap_columns empty;
    if (!b->columns && !heap->address && !heap_builder_columns(b, 0, 0, &empty, err))
        return false;
    if (heap->object_count == 0 && b->columns)
        heap->edges.low[1] = 0;
    if (!check_types(heap, err) || !check_shapes(heap, err) || !check_threads(heap, err) ||
        !check_roots(b, err) || !check_objects(heap, err))
        return false;
    uint64_t lost_edges = drop_lost_targets(heap);
    if (lost_edges || b->lost_roots)
        heap_builder_lost(b, 0, lost_edges);
    return heap->complete || say_what_is_lost(b, err);
}

/* What whoever captured the heap says was not captured. */
static void warn_of_limits(struct heap_builder *b)
{
    const struct heap_fact *whole = heap_fact(b->heap, "complete"), *limits = heap_fact(b->heap, "limits");
    if (!whole || whole->type != HEAP_FACT_U64 || whole->u64)
        return;
    b->heap->complete = false;
    heap_builder_warning(b, "not everything was captured%s%s", limits ? ": " : "",
                         limits && limits->type == HEAP_FACT_TEXT ? limits->text : "");
}

/* What it says besides: files that are others than those that ran, damage. Few, as every answer repeats them.
 */
static void repeat_warnings(struct heap_builder *b)
{
    enum { MOST = 6 };
    const struct heap_fact *fact = heap_fact(b->heap, "warnings");
    uint32_t count = 0, at = 0;
    if (!fact || fact->type != HEAP_FACT_LIST)
        return;
    for (; at < fact->length; at += (uint32_t)strlen(fact->text + at) + 1) {
        if (++count <= MOST)
            heap_builder_warning(b, "%s", fact->text + at);
    }
    if (count > MOST)
        heap_builder_warning(b, "and %u more warnings: heldby verify tells all", (unsigned)(count - MOST));
}

struct heap *heap_builder_freeze(struct heap_builder *b, struct error *err)
{
    bool columns = b->columns;
    if (!check(b, err)) {
        heap_builder_destroy(b);
        return NULL;
    }
    warn_of_limits(b);
    b->heap->loss_count = b->heap->warning_count;
    repeat_warnings(b);
    struct heap *heap = b->heap;
    struct heap_private *p = heap->private;
    if (!columns) /* they were given object by object */
        p->details_loaded = p->previews_loaded = p->places_loaded = true;
    const struct heap_fact *hex = heap_fact(heap, "runtime_hex");
    p->runtime_hex = hex && hex->type == HEAP_FACT_U64 ? hex->u64 : 0;
    heap_sort_previews(heap);
    free(b);
    return heap;
}
