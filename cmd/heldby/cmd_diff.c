/* heldby diff: what came and what went between two snapshots of one program. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/core_facts.h"
#include "cmd/heldby/facts.h"
#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/diff.h"

/* Seconds. The start time of a process is known in clock ticks, and the clock may be set while it runs. */
#define SAME_START 2.0

static bool has_grown(const struct diff_row *row)
{
    return row->delta_shallow > 0 || (row->delta_shallow == 0 && row->delta_count > 0);
}

static bool has_shrunk(const struct diff_row *row)
{
    return row->delta_shallow < 0 || (row->delta_shallow == 0 && row->delta_count < 0);
}

static void print_row(struct table *table, const struct diff_row *row, bool by_path)
{
    table_i64(table, row->delta_shallow);
    if (!by_path)
        table_i64(table, row->delta_count);
    table_u64(table, row->old_count);
    table_u64(table, row->new_count);
    table_u64(table, row->old_shallow);
    table_u64(table, row->new_shallow);
    table_u64(table, row->added);
    table_u64(table, row->removed);
    table_u64(table, row->possibly_reused);
    if (by_path)
        table_i64(table, row->delta_count);
    table_text(table, row->type);
    if (by_path)
        table_text(table, row->expression);
}

static void print_rows(struct output *out, const struct diff *diff, bool by_path)
{
    static const struct column by_type_columns[] = {{"delta_shallow", "size", CELL_DELTA_BYTES, STYLE_STRONG},
                                                    {"delta_count", "objects", CELL_DELTA, STYLE_STRONG},
                                                    {"old_count", "before", CELL_COUNT, STYLE_PLAIN},
                                                    {"new_count", "now", CELL_COUNT, STYLE_PLAIN},
                                                    {"old_shallow", NULL, CELL_BYTES, STYLE_PLAIN},
                                                    {"new_shallow", "size now", CELL_BYTES, STYLE_PLAIN},
                                                    {"added", "came", CELL_COUNT, STYLE_PLAIN},
                                                    {"removed", "went", CELL_COUNT, STYLE_PLAIN},
                                                    {"possibly_reused", NULL, CELL_COUNT, STYLE_PLAIN},
                                                    {"type", "type", CELL_TEXT, STYLE_TYPE}};
    /* So that a line reads "+1 000  app.Session  via app._CACHE[*]". */
    static const struct column by_path_columns[] = {{"delta_shallow", "size", CELL_DELTA_BYTES, STYLE_STRONG},
                                                    {"old_count", "before", CELL_COUNT, STYLE_PLAIN},
                                                    {"new_count", "now", CELL_COUNT, STYLE_PLAIN},
                                                    {"old_shallow", NULL, CELL_BYTES, STYLE_PLAIN},
                                                    {"new_shallow", "size now", CELL_BYTES, STYLE_PLAIN},
                                                    {"added", "came", CELL_COUNT, STYLE_PLAIN},
                                                    {"removed", "went", CELL_COUNT, STYLE_PLAIN},
                                                    {"possibly_reused", NULL, CELL_COUNT, STYLE_PLAIN},
                                                    {"delta_count", "objects", CELL_DELTA, STYLE_STRONG},
                                                    {"type", "type", CELL_TEXT, STYLE_TYPE},
                                                    {"expression", "via", CELL_TEXT, STYLE_NAME}};
    struct table table;
    table_begin(&table, out, "rows", by_path ? by_path_columns : by_type_columns,
                by_path ? sizeof by_path_columns / sizeof *by_path_columns
                        : sizeof by_type_columns / sizeof *by_type_columns);
    for (size_t i = 0; i < diff->changed_count && i < out->limit; i++)
        print_row(&table, &diff->rows[i], by_path);
    table_end(&table);
}

/* How far the numbers of objects that came and went can be trusted. */
static void print_trust(struct output *out, const struct diff *diff)
{
    char a[40], b[40];
    output_print(
        out, "\n%s%s object%s kept: same address and type (and size and value, where those cannot change)",
        output_style(out, STYLE_DIM), text_count(diff->total.kept, a, sizeof a),
        diff->total.kept == 1 ? "" : "s");
    if (diff->total.possibly_reused)
        output_print(out, "; %s may be new, at a used address",
                     text_count(diff->total.possibly_reused, b, sizeof b));
    output_print(out, "%s\n", out->colored ? output_style(out, STYLE_PLAIN) : "");
}

static void print_summary(struct output *out, const struct diff *diff, struct heap *const heaps[2],
                          bool by_path)
{
    size_t grown = 0, shrunk = 0;
    for (size_t i = 0; i < diff->changed_count; i++) {
        grown += has_grown(&diff->rows[i]);
        shrunk += has_shrunk(&diff->rows[i]);
    }
    char a[40], b[40], c[40];
    output_print(out, "%s%s, %s object%s%s", output_style(out, STYLE_STRONG),
                 text_delta_bytes(diff->total.delta_shallow, a, sizeof a),
                 text_delta(diff->total.delta_count, b, sizeof b),
                 diff->total.delta_count == 1 || diff->total.delta_count == -1 ? "" : "s",
                 out->colored ? output_style(out, STYLE_PLAIN) : "");
    double before, now;
    if (fact_f64(heaps[0], "capture_time", &before) && fact_f64(heaps[1], "capture_time", &now) &&
        now > before)
        output_print(out, " in %s",
                     now - before < 1 ? text_seconds(now - before, c, sizeof c)
                                      : text_span((uint64_t)(now - before), c, sizeof c));
    if (diff->changed_count == 0) {
        output_print(out, ": nothing changed\n");
        return;
    }
    output_print(out, ": %zu %s grew, %zu shrank\n\n", grown,
                 by_path      ? (grown == 1 ? "path" : "paths")
                 : grown == 1 ? "type"
                              : "types",
                 shrunk);
}

/* What a person asks next: who holds what grew most. Their own types before those of Python. */
static void print_hint(struct output *out, const struct diff *diff, const char *path)
{
    const struct diff_row *best = NULL;
    for (size_t i = 0; i < diff->changed_count; i++) {
        const struct diff_row *row = &diff->rows[i];
        if (row->delta_count > 0 && (!best || (!strchr(best->type, '.') && strchr(row->type, '.'))))
            best = row;
    }
    if (best)
        output_hint(out, "says who holds them", "path", path, "--type", best->type, NULL);
}

/* A core does not say when its process began; where its last module was is another in every process. */
static void take_base(void *context, const char *text)
{
    struct record r;
    record_read(&r, text);
    *(uint64_t *)context = strtoull(r.field[MODULE_START], NULL, 16);
}

/* The start is worked out from two clocks at each capture and wanders by microseconds, by more when the clock
   is set. */
static bool are_unrelated(struct heap *const heaps[2])
{
    uint64_t pid[2] = {0, 0}, base[2] = {0, 0};
    double start[2];
    bool timed = true;
    for (int i = 0; i < 2; i++) {
        timed = fact_f64(heaps[i], "start_time", &start[i]) && timed;
        fact_u64(heaps[i], "pid", &pid[i]);
        each_fact_item(heaps[i], "modules", take_base, &base[i]);
    }
    bool other_pid = pid[0] && pid[1] && pid[0] != pid[1];
    if (timed)
        return other_pid || fabs(start[0] - start[1]) > SAME_START;
    if (base[0] && base[1]) /* a copy from outside a container has another number for the same process */
        return base[0] != base[1] || (other_pid && heap_is_of_core(heaps[0]) && heap_is_of_core(heaps[1]));
    return other_pid;
}

/* Snapshots of two programs, or in the wrong order, are compared all the same, but said to be. */
static bool add_doubts(struct notes *notes, struct heap *const heaps[2], struct error *err)
{
    double time[2];
    uint64_t pid[2] = {0, 0};
    char text[200];
    for (int i = 0; i < 2; i++)
        fact_u64(heaps[i], "pid", &pid[i]);
    if (are_unrelated(heaps)) {
        snprintf(text, sizeof text,
                 "the snapshots are of two processes (%" PRIu64 " and %" PRIu64
                 "%s): counts can be compared, objects cannot: all are counted as gone, and as come",
                 pid[0], pid[1], pid[0] == pid[1] ? ", started again" : "");
        return notes_add_text(notes, text, err);
    }
    if (heap_native_differs(heaps[0], heaps[1]) && !notes_add_text(notes, NATIVE_LEFT_OUT, err))
        return false;
    if (fact_f64(heaps[0], "capture_time", &time[0]) && fact_f64(heaps[1], "capture_time", &time[1]) &&
        time[0] > time[1])
        return notes_add_text(notes,
                              "the first snapshot is the later one: what is said to have come has gone", err);
    return true;
}

/* The first row that fulfils --fail-if, or NULL. */
static const struct diff_row *find_failing(const struct diff *diff, const struct condition *condition)
{
    for (size_t i = 0; condition && i < diff->row_count; i++) {
        if (condition_holds(condition, &diff->rows[i]))
            return &diff->rows[i];
    }
    return NULL;
}

static bool print_answer(const struct invocation *in, struct output *out, const struct diff *diff,
                         struct heap *const heaps[2], struct error *err)
{
    bool by_path = strcmp(option_text(in, "by", "type"), "path") == 0;
    struct notes notes;
    notes_init(&notes, true);
    bool done = notes_add(&notes, heaps[0], err) && notes_add(&notes, heaps[1], err) &&
                add_doubts(&notes, heaps, err);
    if (done)
        document_begin(out, &notes, in->operands, 2, true);
    notes_deinit(&notes);
    if (!done)
        return false;
    if (out->as_json) {
        struct json *j = &out->json;
        json_begin_object(j, "total");
        json_i64(j, "delta_count", diff->total.delta_count);
        json_i64(j, "delta_shallow", diff->total.delta_shallow);
        json_u64(j, "added", diff->total.added);
        json_u64(j, "removed", diff->total.removed);
        json_u64(j, "kept", diff->total.kept);
        json_u64(j, "possibly_reused", diff->total.possibly_reused);
        json_end_object(j);
        json_u64(j, "rows_total", diff->changed_count);
    } else {
        print_summary(out, diff, heaps, by_path);
    }
    if (diff->changed_count || out->as_json)
        print_rows(out, diff, by_path);
    output_more(out, out->limit, diff->changed_count);
    if (option_given(in, "objects")) {
        output_print(out, "\n%scame%s\n", output_style(out, STYLE_STRONG),
                     out->colored ? output_style(out, STYLE_PLAIN) : "");
        object_rows_print(out, "added", diff->added, diff->added_count);
        output_more(out, diff->added_count, diff->total.added);
        output_print(out, "\n%swent%s\n", output_style(out, STYLE_STRONG),
                     out->colored ? output_style(out, STYLE_PLAIN) : "");
        object_rows_print(out, "removed", diff->removed, diff->removed_count);
        output_more(out, diff->removed_count, diff->total.removed);
    }
    if (!are_unrelated(heaps))
        print_trust(out, diff);
    if (!by_path && !out->as_json)
        print_hint(out, diff, in->operands[1]);
    document_end(out);
    return true;
}

static enum diff_sort chosen_sort(const struct invocation *in)
{
    static const char *const words[] = {"shallow", "count", "added", "removed", "name"};
    const char *word = option_text(in, "sort", "shallow");
    size_t sort = 0;
    while (strcmp(words[sort], word) != 0)
        sort++;
    return (enum diff_sort)sort;
}

static bool compare(const struct invocation *in, struct output *out, struct opened opened[2],
                    const struct condition *condition, struct error *err)
{
    bool by_path = strcmp(option_text(in, "by", "type"), "path") == 0;
    struct heap *const heaps[2] = {opened[0].heap, opened[1].heap};
    struct diff_options options = {.by = by_path ? DIFF_PATH : DIFF_TYPE,
                                   .sort = chosen_sort(in),
                                   .unrelated = are_unrelated(heaps),
                                   .objects = option_given(in, "objects"),
                                   .type = option_text(in, "type", NULL),
                                   .object_limit = out->limit == UINT64_MAX ? 0 : out->limit};
    struct diff diff;
    if (!diff_create(&diff, opened[0].view, opened[1].view, &options, err))
        return false;
    bool done = print_answer(in, out, &diff, heaps, err);
    const struct diff_row *failing = done ? find_failing(&diff, condition) : NULL;
    if (failing) {
        const char *name = failing->expression ? failing->expression : failing->type;
        done = error_set(err, ERROR_NOT_FOUND, "--fail-if %s holds for %s", option_text(in, "fail-if", ""),
                         name);
    }
    diff_free(&diff);
    return done;
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    bool by_path = strcmp(option_text(in, "by", "type"), "path") == 0;
    struct condition *condition = NULL;
    const char *text = option_text(in, "fail-if", NULL);
    if (text && !(condition = condition_create(text, diff_columns(by_path ? DIFF_PATH : DIFF_TYPE), err)))
        return false;
    struct opened opened[2] = {0};
    bool done = opened_init(&opened[0], in, in->operands[0], err) &&
                opened_init(&opened[1], in, in->operands[1], err) && compare(in, out, opened, condition, err);
    for (int i = 0; i < 2; i++)
        done = opened_answered(&opened[i], done, err);
    opened_deinit(&opened[0]);
    opened_deinit(&opened[1]);
    condition_destroy(condition);
    return done;
}

bool cmd_diff(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
