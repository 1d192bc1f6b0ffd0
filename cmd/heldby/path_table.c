#include "cmd/heldby/path_table.h"

#include <inttypes.h>
#include <stdio.h>

#include "cmd/heldby/text.h"
#include "lib/query/path_runs.h"
#include "lib/query/spelling.h"

enum { COLUMNS = 5 };

struct rows {
    struct table table;
    const struct view *view;
    const struct path *path;
    bool root_is_step;
    struct text_buffer preview;
};

/* How many steps the row that begins at one of them stands for. */
static size_t row_steps(const struct path *path, size_t at)
{
    size_t run = path_run(path->steps + at, path->step_count - at);
    return run >= PATH_RUN_LEAST ? run : 1;
}

static void add_root(struct rows *r)
{
    const struct path *path = r->path;
    const struct heap *heap = view_heap(r->view);
    object_id first = path->root.object;
    table_text(&r->table, path->root.text);
    if (path->root.kind != ROOT_NONE && path->root.reference != REFERENCE_NONE) {
        for (int i = 1; i < COLUMNS; i++)
            table_none(&r->table);
        return;
    }
    table_text(&r->table, first ? heap_type_name(heap, first) : "");
    table_u64(&r->table, first ? view_size(r->view, first) : 0);
    table_u64(&r->table, path->root.address);
    spelling_preview(r->view, first, &r->preview);
    table_text(&r->table, text_buffer_text(&r->preview));
}

static void add_steps(struct rows *r, size_t at, size_t run)
{
    const struct path_step *step = &r->path->steps[at], *last = step + run - 1;
    const char *words = *step->text ? step->text : r->path->root.text;
    char text[560], count[40], address[80];
    bool own = r->root_is_step && at == 0;
    uint64_t bytes = 0;
    words += *words == ' ';
    const char *doubt = step->uncertain && step->kind != REFERENCE_POINTER ? " (uncertain)" : "";
    if (run > 1)
        snprintf(text, sizeof text, "  (%s)×%s%s", words, text_count(run, count, sizeof count), doubt);
    else
        snprintf(text, sizeof text, "%s%s%s", own ? "" : "  ", words, doubt);
    for (size_t i = 0; i < run; i++)
        bytes += step[i].shallow;
    text_buffer_clear(&r->preview);
    spelling_preview(r->view, last->object, &r->preview);
    table_text(&r->table, text);
    table_text(&r->table, step->type);
    table_u64(&r->table, bytes);
    if (run > 1) {
        snprintf(address, sizeof address, "0x%" PRIx64 " … 0x%" PRIx64, step->address, last->address);
        table_text(&r->table, address);
    } else {
        table_u64(&r->table, step->address);
    }
    table_text(&r->table, text_buffer_text(&r->preview));
}

static void add_more(struct rows *r, uint64_t steps)
{
    char text[96], count[40];
    snprintf(text, sizeof text, "… %s more step%s (--limit 0 shows all)",
             text_count(steps, count, sizeof count), steps == 1 ? "" : "s");
    table_text(&r->table, text);
    for (int i = 1; i < COLUMNS; i++)
        table_none(&r->table);
}

void path_table_print(struct output *out, const struct view *view, const struct path *path)
{
    static const struct column columns[COLUMNS] = {{NULL, "step", CELL_TEXT, STYLE_NAME},
                                                   {NULL, "type", CELL_TEXT, STYLE_TYPE},
                                                   {NULL, "size", CELL_BYTES, STYLE_PLAIN},
                                                   {NULL, "address", CELL_ADDRESS, STYLE_PLAIN},
                                                   {NULL, "value", CELL_TEXT, STYLE_PLAIN}};
    struct rows r = {.view = view, .path = path};
    uint64_t rows = 0, skipped = 0;
    for (size_t at = 0; at < path->step_count; at += row_steps(path, at))
        rows++;
    r.root_is_step = path->step_count && path->steps[0].object == path->root.object &&
                     path->steps[0].kind == REFERENCE_NONE;
    table_begin(&r.table, out, NULL, columns, COLUMNS);
    if (!r.root_is_step)
        add_root(&r);
    for (size_t at = 0, row = 0; at < path->step_count; row++) {
        size_t run = row_steps(path, at);
        if (rows > out->limit && row + 1 >= out->limit && row + 1 < rows) {
            skipped += run;
        } else {
            if (skipped)
                add_more(&r, skipped);
            skipped = 0;
            add_steps(&r, at, run);
        }
        at += run;
    }
    table_end(&r.table);
    text_buffer_free(&r.preview);
}
