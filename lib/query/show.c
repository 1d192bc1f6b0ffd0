#include "lib/query/show.h"

#include "lib/query/raw.h"
#include "lib/query/spelling.h"

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

static bool fill_roots(struct shown *ret, struct view *view, object_id id, struct error *err)
{
    const struct roots *roots = view_roots(view, err);
    uint32_t first, end;
    if (!roots)
        return false;
    if (!roots_of(roots, id, &first, &end))
        return true;
    ret->roots = arena_take(&ret->arena, end - first, sizeof *ret->roots, err);
    if (!ret->roots)
        return false;
    for (uint32_t i = first; i < end; i++)
        if (!root_row_fill(view, roots->order[i], &ret->arena, &ret->roots[ret->root_count++], err))
            return false;
    return true;
}

bool show_object(struct shown *ret, struct view *view, object_id id, uint64_t limit, struct error *err)
{
    const struct heap *heap = view_heap(view);
    const struct graph *graph = view_graph(view, err);
    struct holds fields = {0}, holders = {0};
    *ret = (struct shown){0};
    bool ok = graph && object_row_fill(view, id, &ret->arena, &ret->row, err) &&
              referents_of(view, id, &fields, err) && referents_add_type(view, id, &fields, err) &&
              holders_of(view, id, &holders, err) && fill_roots(ret, view, id, err);
    if (ok) {
        ret->in_degree = graph_in_degree(graph, id);
        for (uint64_t i = csr_start(&heap->edges, id); i < csr_end(&heap->edges, id); i++)
            ret->out_degree += heap->edges.item[i] != 0;
        ret->transparent = object_set_has(&graph->transparent, id);
        ret->fields_total = fields.count;
        ret->holders_total = holders.count;
        ok = fill_rows(view, &fields, false, limit, &ret->arena, &ret->fields, &ret->field_count, err) &&
             fill_rows(view, &holders, true, limit, &ret->arena, &ret->holders, &ret->holder_count, err);
    }
    holds_free(&fields);
    holds_free(&holders);
    if (!ok)
        show_free(ret);
    return ok;
}

void show_free(struct shown *shown)
{
    arena_free(&shown->arena);
    *shown = (struct shown){0};
}
