#include "cmd/heldby/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/output.h"
#include "cmd/heldby/text.h"

enum { CELL_ROOM = 1024 };

static bool is_left(const struct column *column)
{
    return column->kind == CELL_TEXT || column->kind == CELL_ADDRESS || column->kind == CELL_BOOL;
}

void table_begin(struct table *t, struct output *out, const char *key, const struct column *columns,
                 size_t count)
{
    *t = (struct table){.out = out, .columns = columns, .count = count};
    if (out->as_json) {
        json_begin_array(&out->json, key);
        return;
    }
    t->cells = calloc(TABLE_MEASURED * count, sizeof *t->cells);
    if (!t->cells)
        out->no_memory = true;
}

static size_t last_column(const struct table *t)
{
    size_t last = 0;
    for (size_t c = 0; c < t->count; c++) {
        if (t->columns[c].title)
            last = c;
    }
    return last;
}

/* One line of cells; NULL for the titles. Spaces are held back until something follows them. */
static void print_line(struct table *t, char **cells)
{
    struct output *out = t->out;
    size_t last = last_column(t), column = 0, spaces = 0;
    for (size_t c = 0; c < t->count; c++) {
        const struct column *spec = &t->columns[c];
        if (!spec->title)
            continue;
        const char *text = !cells ? spec->title : cells[c] ? cells[c] : "";
        size_t width = text_width(text), pad = t->width[c] > width ? t->width[c] - width : 0;
        spaces += (column ? 2 : 0) + (is_left(spec) ? 0 : pad);
        column += (column ? 2 : 0) + t->width[c];
        size_t start = column - t->width[c];
        char cut[CELL_ROOM + 4];
        if (c == last && is_left(spec) && out->width > start + 8 && width > out->width - start) {
            snprintf(cut, sizeof cut, "%s", text);
            text_cut(cut, out->width - start);
            text = cut;
        }
        if (*text) {
            const char *style = output_style(out, cells ? spec->style : STYLE_DIM);
            bool styled = *style && (!cells || spec->style != STYLE_PLAIN);
            fprintf(out->to, "%*s%s%s%s", (int)spaces, "", styled ? style : "", text,
                    styled ? output_style(out, STYLE_PLAIN) : "");
            spaces = 0;
        } else {
            spaces += width;
        }
        spaces += is_left(spec) ? pad : 0;
    }
    fputc('\n', out->to);
}

/* Fixes the widths and prints what was kept. */
static void flush_rows(struct table *t)
{
    if (t->measured)
        return;
    t->measured = true;
    if (!t->cells || t->rows == 0)
        return;
    for (size_t c = 0; c < t->count; c++) {
        t->width[c] = t->columns[c].title ? text_width(t->columns[c].title) : 0;
        for (size_t r = 0; r < t->rows; r++) {
            const char *cell = t->cells[r * t->count + c];
            size_t width = cell ? text_width(cell) : 0;
            if (width > t->width[c])
                t->width[c] = width;
        }
    }
    print_line(t, NULL);
    for (size_t r = 0; r < t->rows; r++)
        print_line(t, t->cells + r * t->count);
    for (size_t i = 0; i < t->rows * t->count; i++) {
        free(t->cells[i]);
        t->cells[i] = NULL;
    }
}

static void end_row(struct table *t)
{
    t->at = 0;
    if (t->out->as_json) {
        json_end_object(&t->out->json);
    } else if (t->measured && t->cells) {
        print_line(t, t->cells);
        for (size_t c = 0; c < t->count; c++) {
            free(t->cells[c]);
            t->cells[c] = NULL;
        }
    } else if (++t->rows == TABLE_MEASURED) {
        flush_rows(t);
    }
}

static void put_cell(struct table *t, const char *text)
{
    if (t->cells && t->columns[t->at].title) {
        char *copy = strdup(text);
        if (!copy)
            t->out->no_memory = true;
        t->cells[(t->measured ? 0 : t->rows * t->count) + t->at] = copy;
    }
    if (++t->at == t->count)
        end_row(t);
}

/* In JSON: opens the row's object before its first cell and says whether the column is wanted. */
static const char *json_key(struct table *t)
{
    if (t->at == 0)
        json_begin_object(&t->out->json, NULL);
    return t->columns[t->at].key;
}

static void next_json(struct table *t)
{
    if (++t->at == t->count)
        end_row(t);
}

void table_text_n(struct table *t, const char *text, size_t length)
{
    if (t->out->as_json) {
        const char *key = json_key(t);
        if (key)
            json_text_n(&t->out->json, key, text, length);
        next_json(t);
        return;
    }
    char cell[CELL_ROOM];
    put_cell(t, text_clean(text, length, cell, sizeof cell));
}

void table_text(struct table *t, const char *text)
{
    if (text)
        table_text_n(t, text, strlen(text));
    else
        table_none(t);
}

void table_u64(struct table *t, uint64_t value)
{
    enum cell_kind kind = t->columns[t->at].kind;
    if (t->out->as_json) {
        const char *key = json_key(t);
        if (key && kind == CELL_ADDRESS)
            json_address(&t->out->json, key, value);
        else if (key)
            json_u64(&t->out->json, key, value);
        next_json(t);
        return;
    }
    char cell[40];
    if (kind == CELL_ADDRESS)
        snprintf(cell, sizeof cell, "0x%" PRIx64, value);
    else if (kind == CELL_BYTES)
        text_bytes(value, cell, sizeof cell);
    else
        text_count(value, cell, sizeof cell);
    put_cell(t, cell);
}

void table_i64(struct table *t, int64_t value)
{
    if (t->out->as_json) {
        const char *key = json_key(t);
        if (key)
            json_i64(&t->out->json, key, value);
        next_json(t);
        return;
    }
    char cell[40];
    if (t->columns[t->at].kind == CELL_DELTA_BYTES)
        text_delta_bytes(value, cell, sizeof cell);
    else
        text_delta(value, cell, sizeof cell);
    put_cell(t, cell);
}

void table_bool(struct table *t, bool value)
{
    if (t->out->as_json) {
        const char *key = json_key(t);
        if (key)
            json_bool(&t->out->json, key, value);
        next_json(t);
        return;
    }
    put_cell(t, value ? "yes" : "no");
}

void table_none(struct table *t)
{
    if (t->out->as_json) {
        const char *key = json_key(t);
        if (key)
            json_null(&t->out->json, key);
        next_json(t);
        return;
    }
    put_cell(t, "");
}

void table_end(struct table *t)
{
    if (t->out->as_json) {
        json_end_array(&t->out->json);
        return;
    }
    flush_rows(t);
    free(t->cells);
    t->cells = NULL;
}
