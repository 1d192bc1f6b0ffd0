#include "lib/query/rows.h"

#include <stdlib.h>

#include "lib/query/spelling.h"

static const char *kept(struct text_buffer *text, struct arena *arena, struct error *err)
{
    if (text->failed) {
        error_no_memory(err);
        return NULL;
    }
    return arena_text(arena, text_buffer_text(text), text->length, err);
}

bool object_row_fill(struct view *view, object_id id, struct arena *arena, struct object_row *ret,
                     struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct heap_detail detail;
    heap_detail(heap, id, &detail);
    *ret = (struct object_row){.id = id,
                               .address = heap->address[id],
                               .type = heap_type_name(heap, id),
                               .shallow = detail.size,
                               .refcount = detail.refcount,
                               .immortal = heap_is_immortal(heap, &detail)};
    struct text_buffer text = {0};
    spelling_preview(view, id, &text);
    ret->preview = kept(&text, arena, err);
    text_buffer_free(&text);
    return ret->preview != NULL;
}

struct sized {
    uint64_t shallow;
    size_t place; /* in the list, which is in the order of addresses */
};

static int largest_first(const void *a, const void *b)
{
    const struct sized *x = a, *y = b;
    if (x->shallow != y->shallow)
        return x->shallow > y->shallow ? -1 : 1;
    return (x->place > y->place) - (x->place < y->place);
}

bool object_rows_largest(struct view *view, const object_id *objects, size_t count, uint64_t limit,
                         struct arena *arena, struct object_row **rows, size_t *row_count, struct error *err)
{
    if (!view_details(view, err))
        return false;
    struct sized *sized = malloc((count ? count : 1) * sizeof *sized);
    if (!sized)
        return error_no_memory(err);
    for (size_t i = 0; i < count; i++)
        sized[i] = (struct sized){view_size(view, objects[i]), i};
    qsort(sized, count, sizeof *sized, largest_first);
    *row_count = limit && limit < count ? (size_t)limit : count;
    *rows = arena_take(arena, *row_count ? *row_count : 1, sizeof **rows, err);
    bool ok = *rows != NULL;
    for (size_t i = 0; ok && i < *row_count; i++)
        ok = object_row_fill(view, objects[sized[i].place], arena, &(*rows)[i], err);
    free(sized);
    return ok;
}

/* An expression's start without the reference itself: app.handle, not app.handle.<locals>.session. */
static void add_place(struct view *view, uint32_t root, struct text_buffer *to)
{
    const struct heap *heap = view_heap(view);
    const struct heap_root *r = &heap->roots[root];
    struct text_buffer step = {0};
    if (root_kind_is_native(r->kind)) {
        spelling_native_root(view, root, false, to);
        return;
    }
    spelling_root(view, root, to);
    if (!root_is_target(r) &&
        (r->kind == ROOT_FRAME || r->kind == ROOT_THREAD || r->kind == ROOT_INTERPRETER)) {
        struct hold hold = {
            .kind = r->reference, .name = heap_string(heap, r->name, NULL), .number = r->number};
        spelling_step(view, &hold, &step);
        if (to->length >= step.length)
            text_buffer_cut(to, to->length - step.length);
    }
    text_buffer_free(&step);
}

bool root_row_from_c(struct view *view, object_id object, uint64_t count, struct arena *arena,
                     struct root_row *ret, struct error *err)
{
    struct text_buffer text = {0};
    text_buffer_format(&text, "<held from C ×%llu>", (unsigned long long)count);
    *ret = (struct root_row){.kind = ROOT_C_REFERENCE,
                             .kind_name = spelling_root_kind(ROOT_C_REFERENCE),
                             .name = "",
                             .variable = "",
                             .object = object,
                             .address = view_heap(view)->address[object],
                             .count = count,
                             .text = kept(&text, arena, err)};
    text_buffer_free(&text);
    return ret->text != NULL;
}

bool root_row_fill(struct view *view, uint32_t root, struct arena *arena, struct root_row *ret,
                   struct error *err)
{
    const struct heap *heap = view_heap(view);
    const struct heap_root *r = &heap->roots[root];
    struct text_buffer text = {0};
    *ret = (struct root_row){.kind = r->kind,
                             .kind_name = spelling_root_kind(r->kind),
                             .name = heap_string(heap, r->name, NULL),
                             .variable = "",
                             .object = r->target,
                             .address = heap->address[r->target],
                             .reference = root_kind_is_native(r->kind) ? REFERENCE_POINTER
                                          : root_is_target(r)          ? REFERENCE_NONE
                                                                       : r->reference,
                             .uncertain = r->certainty != CERTAINTY_EXACT};
    add_place(view, root, &text);
    ret->text = kept(&text, arena, err);
    text_buffer_free(&text);
    if (!ret->text)
        return false;
    if (!root_is_target(r) && !root_kind_is_native(r->kind)) {
        struct hold hold = {
            .kind = r->reference, .name = ret->name, .number = r->number, .object = r->target};
        struct text_buffer name = {0};
        spelling_name(view, &hold, &name);
        ret->variable = kept(&name, arena, err);
        text_buffer_free(&name);
        if (!ret->variable)
            return false;
    }
    bool has_frame = r->kind == ROOT_FRAME || (r->kind == ROOT_NATIVE_STACK && r->frame);
    uint32_t of_thread = has_frame && !r->thread ? heap->frames[r->frame].thread : r->thread;
    if (r->kind == ROOT_FRAME || r->kind == ROOT_THREAD || (root_kind_is_native(r->kind) && of_thread)) {
        const struct heap_thread *thread = &heap->threads[of_thread];
        ret->thread = heap_string(heap, thread->name, NULL);
        ret->thread_id = thread->ident;
        ret->native_id = thread->native;
        if (!root_kind_is_native(r->kind))
            ret->name = ret->kind == ROOT_FRAME ? ret->text : ret->thread;
    }
    ret->offset = r->number;
    if (has_frame) {
        const struct heap_frame *frame = &heap->frames[r->frame];
        ret->function = view_frame_function(view, r->frame);
        ret->module = heap_string(heap, frame->module, NULL);
        ret->file = heap_string(heap, frame->file, NULL);
        ret->line = frame->line;
    }
    return true;
}
