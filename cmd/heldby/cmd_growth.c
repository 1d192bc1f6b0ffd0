/* heldby growth: what rose at every step of a row of snapshots, and how fast. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/facts.h"
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

static void json_rows(struct output *out, const struct growth *growth, const char *name, bool by_peak)
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
        if (by_peak) { /* as objgraph.growth returns them */
            json_u64(j, "count", row->counts[growth->heap_count - 1]);
            json_u64(j, "peak", row->peak);
            json_u64(j, "delta", row->over_peak);
        }
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

/* Objects per step: +4.5, and whole where a tenth says nothing. */
static char *rate_text(double rate, char *out, size_t size)
{
    double size_of = rate < 0 ? -rate : rate;
    int64_t whole = (int64_t)(rate < 0 ? rate - 0.5 : rate + 0.5);
    if (size_of >= 100 || (double)(int64_t)rate == rate)
        return text_delta(whole, out, size);
    snprintf(out, size, "%+.1f", rate);
    return out;
}

/* `parts`: what rose at every step stands apart from what changed otherwise. */
static void print_rows(struct output *out, const struct growth *growth, const char *name, bool by_peak,
                       bool parts)
{
    struct column columns[MOST_COLUMNS + 6] = {{NULL, "per step", CELL_RIGHT, STYLE_STRONG},
                                               {NULL, "size per step", CELL_DELTA_BYTES, STYLE_STRONG}};
    if (by_peak) {
        columns[0] = (struct column){NULL, "above peak", CELL_DELTA, STYLE_STRONG};
        columns[1] = (struct column){NULL, "peak", CELL_COUNT, STYLE_PLAIN};
    }
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
    bool parted = by_peak || !parts;
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
        char rate[40];
        if (by_peak) {
            table_i64(&table, (int64_t)row->over_peak);
            table_u64(&table, row->peak);
        } else {
            table_text(&table, rate_text(row->per_step, rate, sizeof rate));
            table_i64(&table, (int64_t)row->bytes_per_step);
        }
        for (size_t c = 0; c < count; c++)
            table_u64(&table, row->counts[chosen[c]]);
        table_u64(&table, row->shallow[growth->heap_count - 1]);
        table_text(&table, row->name);
    }
    table_end(&table);
    output_more(out, shown, changed);
}

static void print_peak_summary(struct output *out, const struct growth *growth, bool by_path)
{
    if (growth->row_count == 0)
        output_print(out, "no %s exceeds its peak in snapshot #%zu\n", by_path ? "path" : "type",
                     growth->heap_count);
    else
        output_print(out, "%s%zu %s%s than in any snapshot before #%zu\n\n", output_style(out, STYLE_STRONG),
                     growth->row_count,
                     by_path ? (growth->row_count == 1 ? "path holds more" : "paths hold more")
                             : (growth->row_count == 1 ? "type has more objects" : "types have more objects"),
                     out->colored ? output_style(out, STYLE_PLAIN) : "", growth->heap_count);
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
static void print_hint(struct output *out, const struct growth *growth, bool by_peak, const char *path)
{
    const char *type = NULL;
    for (size_t i = 0; i < (by_peak ? growth->row_count : growth->rising_count); i++) {
        if (!type || (!strchr(type, '.') && strchr(growth->rows[i].name, '.')))
            type = growth->rows[i].name;
    }
    if (type)
        output_hint(out, "says who holds them", "path", path, "--type", type, NULL);
}

/* Capture time and process of the file before. */
struct previous {
    bool timed, known, restarted; /* restarted: the files are of several processes */
    double time;
    uint64_t pid;
};

/* A shell sorts app.10.held before app.2.held, and a restart is no step of growth: both are said. */
static bool add_doubts(const struct opened *opened, struct previous *before, struct notes *notes,
                       struct error *err)
{
    struct previous now = {0};
    char text[1024];
    now.timed = fact_f64(opened->heap, "capture_time", &now.time);
    now.known = fact_u64(opened->heap, "pid", &now.pid);
    struct previous last = *before;
    *before = now;
    before->restarted = last.restarted || (last.known && now.known && last.pid != now.pid);
    if (last.known && now.known && last.pid != now.pid) {
        snprintf(text, sizeof text, "%s is of process %" PRIu64 ", the file before it of %" PRIu64,
                 opened->path, now.pid, last.pid);
        return notes_add_text(notes, text, err);
    }
    if (last.timed && now.timed && now.time < last.time) {
        snprintf(text, sizeof text, "%s is older than the file before it: the oldest comes first",
                 opened->path);
        return notes_add_text(notes, text, err);
    }
    return true;
}

static bool add_file(const struct invocation *in, const char *path, struct growth *growth,
                     struct previous *before, struct notes *notes, struct error *err)
{
    struct opened opened;
    if (!opened_init(&opened, in, path, err))
        return false;
    bool done = notes_add(notes, opened.heap, err) && add_doubts(&opened, before, notes, err) &&
                growth_add(growth, opened.view, err);
    done = opened_answered(&opened, done, err);
    opened_deinit(&opened);
    return done;
}

static bool answer(const struct invocation *in, struct output *out, struct growth *growth,
                   struct notes *notes, const struct condition *condition, struct error *err)
{
    bool by_path = strcmp(option_text(in, "by", "type"), "path") == 0, by_peak = option_given(in, "peak");
    const char *name = by_path ? "expression" : "type";
    struct previous before = {0};
    for (size_t i = 0; i < in->operand_count; i++) {
        if (!add_file(in, in->operands[i], growth, &before, notes, err))
            return false;
    }
    if (!growth_finish(growth, err) ||
        (growth->native_left_out && !notes_add_text(notes, NATIVE_LEFT_OUT, err)))
        return false;
    document_begin(out, notes, in->operands, in->operand_count, true);
    if (out->as_json) {
        json_u64(&out->json, "rising", growth->rising_count);
        json_rows(out, growth, name, by_peak);
    } else {
        size_t changed = 0;
        for (size_t i = 0; i < growth->row_count; i++)
            changed += !is_flat(&growth->rows[i], growth->heap_count);
        if (by_peak)
            print_peak_summary(out, growth, by_path);
        else
            print_summary(out, growth, by_path, changed);
        print_rows(out, growth, by_path ? "via" : "type", by_peak, !before.restarted);
        if (!by_path)
            print_hint(out, growth, by_peak, in->operands[in->operand_count - 1]);
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
    struct growth_options options = {.by = strcmp(option_text(in, "by", "type"), "path") == 0 ? GROWTH_PATH
                                                                                              : GROWTH_TYPE,
                                     .tracked = option_given(in, "tracked"),
                                     .peak = option_given(in, "peak")};
    const char *text = option_text(in, "fail-if", NULL);
    struct condition *condition = NULL;
    if (text && !(condition = condition_create(text, growth_columns(options.by), err)))
        return false;
    struct growth growth;
    struct notes notes;
    notes_init(&notes, true);
    bool done = growth_begin(&growth, &options, err);
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
