#include "lib/query/show.h"

#include "lib/graph/found_references.h"
#include "lib/graph/shape_traits.h"
#include "lib/query/native_found.h"
#include "lib/query/path_runs.h"
#include "lib/query/raw.h"
#include "lib/query/spelling.h"

enum { HOLDERS_WITH_PATH = 8 }; /* each is a search of its own */

static bool fill_row(struct view *view, const struct hold *hold, object_id other, struct arena *arena,
                     struct reference_row *row, struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct text_buffer text = {0};
    *row = (struct reference_row){.kind = hold->kind,
                                  .kind_name = spelling_kind(hold->kind),
                                  .object = other,
                                  .address = heap->address[other],
                                  .type = heap_type_name(heap, other),
                                  .shallow = view_size(view, other),
                                  .uncertain = hold->certainty != CERTAINTY_EXACT};
    spelling_name(view, hold, &text);
    row->name = arena_text(arena, text_buffer_text(&text), text.length, err);
    text_buffer_clear(&text);
    spelling_step(view, hold, &text);
    row->text = arena_text(arena, text_buffer_text(&text), text.length, err);
    text_buffer_clear(&text);
    spelling_preview(view, other, &text);
    row->preview = arena_text(arena, text_buffer_text(&text), text.length, err);
    bool ok = row->name && row->text && row->preview && (!text.failed || error_no_memory(err));
    text_buffer_free(&text);
    return ok;
}

static bool fill_rows(struct view *view, const struct holds *holds, bool inwards, uint64_t limit,
                      struct arena *arena, struct reference_row **rows, size_t *count, struct error *err)
{
    *count = limit && limit < holds->count ? (size_t)limit : holds->count;
    *rows = arena_take(arena, *count ? *count : 1, sizeof **rows, err);
    if (!*rows)
        return false;
    for (size_t i = 0; i < *count; i++) {
        const struct hold *hold = &holds->item[i];
        if (!fill_row(view, hold, inwards ? hold->holder : hold->object, arena, &(*rows)[i], err))
            return false;
    }
    return true;
}

/* The roots of the snapshot; without any, C, if it has references that nothing explains. */
static bool fill_roots(struct shown *ret, struct view *view, object_id id, struct error *err)
{
    const struct roots *roots = view_roots(view, err);
    uint64_t unexplained, native;
    uint32_t first, end;
    if (!roots || !view_unexplained(view, id, &unexplained, err) || !native_found(view, id, &native, err))
        return false;
    unexplained -= native;
    uint64_t uncertain = 0; /* places on expression stacks: they may be what is missing */
    roots_of(roots, id, &first, &end);
    for (uint32_t i = first; i < end; i++)
        uncertain += view_heap(view)->roots[roots->order[i]].certainty != CERTAINTY_EXACT;
    ret->roots = arena_take(&ret->arena, (size_t)(end - first) + 1, sizeof *ret->roots, err);
    if (!ret->roots)
        return false;
    for (uint32_t i = first; i < end; i++)
        if (!view_root_is_stale(view, roots->order[i]) &&
            !root_row_fill(view, roots->order[i], &ret->arena, &ret->roots[ret->root_count++], err))
            return false;
    return ret->root_count || unexplained <= uncertain ||
           root_row_from_c(view, id, unexplained, &ret->arena, &ret->roots[ret->root_count++], err);
}

/* The best path to a holder that is not through the object, and the step to the object. */
static bool fill_expression(struct view *view, object_id object, struct reference_row *row,
                            struct arena *arena, struct error *err)
{
    struct object_set avoid = {0};
    struct paths paths;
    if (reference_kind_is_loose(row->kind) || row->object == object)
        return true;
    if (!object_set_create(&avoid, view_heap(view), err))
        return false;
    object_set_add(&avoid, object);
    struct path_options options = {.max = 1, .avoid = &avoid};
    bool ok = path_find(&paths, view, row->object, &options, err);
    object_set_free(&avoid);
    if (!ok)
        return false;
    if (paths.path_count) {
        struct text_buffer text = {0};
        ok = path_runs_longer(&paths.paths[0], row->text, &text, err);
        row->expression = ok ? arena_text(arena, text_buffer_text(&text), text.length, err) : NULL;
        ok = row->expression && (!text.failed || error_no_memory(err));
        text_buffer_free(&text);
    }
    path_free(&paths);
    return ok;
}

static bool fill_paths(struct shown *ret, struct view *view, object_id id, struct error *err)
{
    struct path_options options = {.max = 1};
    bool ok = path_find(&ret->paths, view, id, &options, err);
    if (ok && ret->paths.path_count) {
        ret->path = ret->paths.paths[0].expression;
        ret->path_root = &ret->paths.paths[0].root;
    }
    for (size_t i = 0; ok && i < ret->holder_count && i < HOLDERS_WITH_PATH; i++)
        ok = fill_expression(view, id, &ret->holders[i], &ret->arena, err);
    return ok;
}

/* A class made twice under one name is two objects: each has its own instances. */
static uint64_t count_instances(const struct heap *heap, object_id class)
{
    uint64_t count = 0;
    if (heap_family(heap, class) == FAMILY_TYPE)
        for (object_id id = 1; id <= heap->object_count; id++)
            count += heap->types[heap_type_of(heap, id)].object == class;
    return count;
}

static void fill_facts(struct shown *ret, const struct heap *heap, object_id id)
{
    struct heap_detail detail;
    struct heap_preview preview;
    const struct heap_type *type = &heap->types[heap_type_of(heap, id)];
    const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
    heap_detail(heap, id, &detail);
    ret->module = heap_string(heap, type->module, NULL);
    ret->module = *ret->module || type->family == FAMILY_NATIVE ? ret->module : "builtins";
    ret->flags = detail.flags;
    ret->generation = detail.flags >> OBJECT_GENERATION_SHIFT;
    ret->finalizer = (type->flags & TYPE_FINALIZER) != 0;
    ret->instances = count_instances(heap, id);
    ret->length = heap_container_length(heap, id);
    if (heap_preview(heap, id, &preview) && (preview.kind == PREVIEW_STR || preview.kind == PREVIEW_BYTES)) {
        ret->length = (int64_t)preview.full_length;
        ret->in_code_points = preview.kind == PREVIEW_STR;
    }
    uint64_t start = csr_start(&heap->edges, id), length = csr_end(&heap->edges, id) - start;
    for (uint32_t f = 0; f < shape->field_count && f < length; f++) {
        object_id part = heap->edges.item[start + f];
        if (part && heap->fields[shape->field_start + f].kind == REFERENCE_NAMESPACE &&
            heap_detail(heap, part, &detail))
            ret->own_dict = detail.size;
    }
}

static bool fill_references(struct shown *ret, struct view *view, object_id id, const struct holds *holders,
                            struct error *err)
{
    const struct heap *heap = view_heap(view);
    const struct graph *graph = view_graph(view, err);
    uint64_t refcount = 0;
    if (!graph || !view_unexplained(view, id, &ret->missing, err) ||
        !native_found(view, id, &ret->native, err))
        return false;
    ret->counted = found_references_counted(heap, id, &refcount);
    ret->found = ret->counted ? refcount - ret->missing : 0;
    ret->missing -= ret->native;
    ret->in_degree = graph_in_degree(graph, id);
    for (uint64_t i = csr_start(&heap->edges, id); i < csr_end(&heap->edges, id); i++)
        ret->out_degree += heap->edges.item[i] != 0;
    for (size_t i = 0; i < holders->count; i++)
        ret->weak += holders->item[i].kind == REFERENCE_WEAK;
    ret->block = heap_family(heap, id) == FAMILY_NATIVE;
    ret->label = (enum type_label)heap->types[heap_type_of(heap, id)].label;
    ret->transparent = object_set_has(&graph->transparent, id);
    return true;
}

bool show_object(struct shown *ret, struct view *view, object_id id, uint64_t limit, struct error *err)
{
    struct holds fields = {0}, holders = {0};
    *ret = (struct shown){0};
    bool ok = view_details(view, err) && object_row_fill(view, id, &ret->arena, &ret->row, err) &&
              referents_of(view, id, &fields, err) && referents_add_type(view, id, &fields, err) &&
              holders_of(view, id, &holders, err) && fill_roots(ret, view, id, err) &&
              fill_references(ret, view, id, &holders, err);
    if (ok) {
        fill_facts(ret, view_heap(view), id);
        ret->fields_total = fields.count;
        ret->holders_total = holders.count;
        ok = fill_rows(view, &fields, false, limit, &ret->arena, &ret->fields, &ret->field_count, err) &&
             fill_rows(view, &holders, true, limit, &ret->arena, &ret->holders, &ret->holder_count, err) &&
             fill_paths(ret, view, id, err);
    }
    holds_free(&fields);
    holds_free(&holders);
    if (!ok)
        show_free(ret);
    return ok;
}

void show_free(struct shown *shown)
{
    path_free(&shown->paths);
    arena_free(&shown->arena);
    *shown = (struct shown){0};
}
