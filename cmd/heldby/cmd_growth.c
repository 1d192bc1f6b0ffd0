/* heldby growth: what rose at every step of a row of snapshots, and how fast. */
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/growth.h"

enum { MOST_COLUMNS = 12 }; /* snapshots shown as columns; of more, the first and the last ones */

static bool is_flat(const struct growth_row *row, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (row->counts[i] != row->counts[0] || row->shallow[i] != row->shallow[0])
            return false;
    }
    return true;
}

static void json_rows(struct output *out, const struct growth *growth, const char *name)
{
    struct json *j = &out->json;
    json_begin_array(j, "rows");
    uint64_t shown = 0;
    for (size_t i = 0; i < growth->row_count && shown < out->limit; i++) {
        const struct growth_row *row = &growth->rows[i];
        if (is_flat(row, growth->heap_count))
            continue;
        shown++;
        json_begin_object(j, NULL);
        json_text(j, name, row->name);
        json_begin_array(j, "counts");
        for (size_t s = 0; s < growth->heap_count; s++)
            json_u64(j, NULL, row->counts[s]);
        json_end_array(j);
        json_begin_array(j, "shallow");
        for (size_t s = 0; s < growth->heap_count; s++)
            json_u64(j, NULL, row->shallow[s]);
        json_end_array(j);
        json_bool(j, "every_step", row->every_step);
        json_double(j, "per_step", row->per_step);
        json_double(j, "bytes_per_step", row->bytes_per_step);
        json_end_object(j);
    }
    json_end_array(j);
}

/* The snapshots that get a column: all of few; of many, the first half of the places and the last half. */
static size_t choose_columns(size_t heaps, size_t *ret)
{
    size_t count = heaps < MOST_COLUMNS ? heaps : MOST_COLUMNS;
    for (size_t i = 0; i < count; i++)
        ret[i] = i < count / 2 ? i : heaps - count + i;
    return count;
}

static void print_rows(struct output *out, const struct growth *growth, const char *name)
{
    struct column columns[MOST_COLUMNS + 6] = {{NULL, "per step", CELL_DELTA, STYLE_STRONG},
                                               {NULL, "size per step", CELL_DELTA_BYTES, STYLE_STRONG}};
    size_t chosen[MOST_COLUMNS], count = choose_columns(growth->heap_count, chosen), at = 2;
    char titles[MOST_COLUMNS][24];
    for (size_t i = 0; i < count; i++) {
        snprintf(titles[i], sizeof titles[i], "#%zu", chosen[i] + 1);
        columns[at++] = (struct column){NULL, titles[i], CELL_COUNT, STYLE_PLAIN};
    }
    columns[at++] = (struct column){NULL, "size now", CELL_BYTES, STYLE_PLAIN};
    columns[at++] = (struct column){NULL, name, CELL_TEXT, STYLE_TYPE};
    struct table table;
    uint64_t shown = 0, changed = 0;
    bool parted = false;
    table_begin(&table, out, NULL, columns, at);
    for (size_t i = 0; i < growth->row_count; i++) {
        const struct growth_row *row = &growth->rows[i];
        if (is_flat(row, growth->heap_count))
            continue;
        if (changed++ >= out->limit)
            continue;
        if (!row->every_step && !parted && shown) {
            for (size_t c = 0; c < at; c++)
                table_none(&table);
            parted = true;
        }
        shown++;
        table_i64(&table, (int64_t)(row->per_step < 0 ? row->per_step - 0.5 : row->per_step + 0.5));
        table_i64(&table, (int64_t)row->bytes_per_step);
        for (size_t c = 0; c < count; c++)
            table_u64(&table, row->counts[chosen[c]]);
        table_u64(&table, row->shallow[growth->heap_count - 1]);
        table_text(&table, row->name);
    }
    table_end(&table);
    output_more(out, shown, changed);
}

static void print_summary(struct output *out, const struct growth *growth, bool by_path, size_t changed)
{
    const char *what = by_path                     ? (growth->rising_count == 1 ? "path" : "paths")
                       : growth->rising_count == 1 ? "type"
                                                   : "types";
    if (changed == 0)
        output_print(out, "nothing changed in %zu snapshots\n", growth->heap_count);
    else if (growth->rising_count == 0)
        output_print(out, "nothing rose at every step of %zu snapshots; this changed otherwise\n\n",
                     growth->heap_count);
    else
        output_print(out, "%s%zu %s rose at every step%s of %zu snapshots%s\n\n",
                     output_style(out, STYLE_STRONG), growth->rising_count, what,
                     out->colored ? output_style(out, STYLE_PLAIN) : "", growth->heap_count,
                     growth->rising_count < changed ? "; what changed otherwise comes below" : "");
}

/* What a person asks next. Their own types before those of Python. */
static void print_hint(struct output *out, const struct growth *growth, const char *path)
{
    const char *type = NULL;
    for (size_t i = 0; i < growth->rising_count; i++) {
        if (!type || (!strchr(type, '.') && strchr(growth->rows[i].name, '.')))
            type = growth->rows[i].name;
    }
    if (type)
        output_hint(out, "says who holds them", "path", path, "--type", type, NULL);
}

static bool add_file(const char *path, struct growth *growth, struct notes *notes, struct error *err)
{
    struct opened opened;
    if (!opened_init(&opened, path, err))
        return false;
    bool done = notes_add(notes, opened.heap, err) && growth_add(growth, opened.view, err);
    opened_deinit(&opened);
    return done;
}

static bool answer(const struct invocation *in, struct output *out, struct growth *growth,
                   struct notes *notes, const struct condition *condition, struct error *err)
{
    bool by_path = strcmp(option_text(in, "by", "type"), "path") == 0;
    const char *name = by_path ? "expression" : "type";
    for (size_t i = 0; i < in->operand_count; i++) {
        if (!add_file(in->operands[i], growth, notes, err))
            return false;
    }
    if (!growth_finish(growth, err))
        return false;
    document_begin(out, notes, in->operands, in->operand_count, true);
    if (out->as_json) {
        json_u64(&out->json, "rising", growth->rising_count);
        json_rows(out, growth, name);
    } else {
        size_t changed = 0;
        for (size_t i = 0; i < growth->row_count; i++)
            changed += !is_flat(&growth->rows[i], growth->heap_count);
        print_summary(out, growth, by_path, changed);
        print_rows(out, growth, by_path ? "held through" : "type");
        if (!by_path)
            print_hint(out, growth, in->operands[in->operand_count - 1]);
    }
    document_end(out);
    for (size_t i = 0; condition && i < growth->row_count; i++) {
        if (condition_holds(condition, &growth->rows[i]))
            return error_set(err, ERROR_NOT_FOUND, "--fail-if %s holds for %s",
                             option_text(in, "fail-if", ""), growth->rows[i].name);
    }
    return true;
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    enum growth_by by = strcmp(option_text(in, "by", "type"), "path") == 0 ? GROWTH_PATH : GROWTH_TYPE;
    const char *text = option_text(in, "fail-if", NULL);
    struct condition *condition = NULL;
    if (text && !(condition = condition_create(text, growth_columns(by), err)))
        return false;
    struct growth growth;
    struct notes notes;
    notes_init(&notes, true);
    bool done = growth_begin(&growth, by, err);
    if (done) {
        done = answer(in, out, &growth, &notes, condition, err);
        growth_free(&growth);
    }
    notes_deinit(&notes);
    condition_destroy(condition);
    return done;
}

bool cmd_growth(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
