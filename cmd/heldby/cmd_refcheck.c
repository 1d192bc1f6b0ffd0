/* heldby refcheck: references held from C: refcount minus references found. */
#include <string.h>

#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/refcheck.h"

static void json_summary(struct output *out, const struct refcheck *refcheck, bool all)
{
    struct json *j = &out->json;
    json_u64(j, "objects", refcheck->row_count);
    if (refcheck->mixed)
        json_u64(j, "native", refcheck->native);
    json_u64(j, "unexplained", refcheck->unexplained);
    json_u64(j, "bytes", refcheck->shallow);
    json_u64(j, "checked", refcheck->checked);
    json_u64(j, "immortal", refcheck->immortal);
    json_u64(j, "over_explained", refcheck->over);
    json_begin_object(j, all ? "noise" : "left_out");
    for (unsigned n = NOISE_NONE + 1; n < NOISE_KINDS; n++)
        if (refcheck->noise[n])
            json_u64(j, noise_name((enum noise)n), refcheck->noise[n]);
    json_end_object(j);
}

static void print_noise(struct output *out, const struct refcheck *refcheck)
{
    char a[40];
    const char *between = "";
    for (unsigned n = NOISE_NONE + 1; n < NOISE_KINDS; n++) {
        if (!refcheck->noise[n])
            continue;
        output_print(out, "%s%s %s", *between ? between : "left out as the interpreter's own: ",
                     text_count(refcheck->noise[n], a, sizeof a), noise_name((enum noise)n));
        between = ", ";
    }
    output_print(out, "%s", *between ? " (--all shows them)\n" : "");
}

static void print_foot(struct output *out, const struct refcheck *refcheck, bool all)
{
    char a[40];
    if (out->as_json)
        return;
    bool noise = false;
    for (unsigned n = NOISE_NONE + 1; n < NOISE_KINDS; n++)
        noise |= !all && refcheck->noise[n];
    if (refcheck->row_count && (refcheck->over || refcheck->immortal || noise))
        output_print(out, "\n");
    if (!all)
        print_noise(out, refcheck);
    if (refcheck->over)
        output_print(out, "%s %s found more often than counted, and not shown\n",
                     text_count(refcheck->over, a, sizeof a),
                     refcheck->over == 1 ? "object was" : "objects were");
    if (refcheck->immortal)
        output_print(out, "%s immortal %s counted and cannot be checked\n",
                     text_count(refcheck->immortal, a, sizeof a),
                     refcheck->immortal == 1 ? "object is not" : "objects are not");
}

static void print_types(struct output *out, const struct refcheck *refcheck, const char *key)
{
    bool mixed = refcheck->mixed;
    const struct column columns[] = {
        {"count", "count", CELL_COUNT, STYLE_PLAIN},
        {mixed ? "native" : NULL, refcheck->native ? "native" : NULL, CELL_COUNT, STYLE_PLAIN},
        {"unexplained", "unexplained", CELL_COUNT, STYLE_STRONG},
        {"shallow", "size", CELL_BYTES, STYLE_PLAIN},
        {"type", "type", CELL_TEXT, STYLE_TYPE}};
    struct table table;
    table_begin(&table, out, key, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < refcheck->type_count && i < out->limit; i++) {
        const struct refcheck_type *row = &refcheck->types[i];
        table_u64(&table, row->count);
        table_u64(&table, row->native);
        table_u64(&table, row->unexplained);
        table_u64(&table, row->shallow);
        table_text(&table, row->type);
    }
    table_end(&table);
    output_more(out, out->limit, refcheck->type_count);
}

static void print_objects(struct output *out, const struct refcheck *refcheck, bool all)
{
    const struct column columns[] = {
        {"unexplained", "unexplained", CELL_COUNT, STYLE_STRONG},
        {"refcount", "refcount", CELL_COUNT, STYLE_PLAIN},
        {"found", "found", CELL_COUNT, STYLE_PLAIN},
        {refcheck->mixed ? "native" : NULL, refcheck->native ? "native" : NULL, CELL_COUNT, STYLE_PLAIN},
        {"shallow", NULL, CELL_BYTES, STYLE_PLAIN},
        {"address", "address", CELL_ADDRESS, STYLE_PLAIN},
        {"class", all ? "class" : NULL, CELL_TEXT, STYLE_DIM},
        {"type", "type", CELL_TEXT, STYLE_TYPE},
        {"module", NULL, CELL_TEXT, STYLE_PLAIN},
        {"preview", "value", CELL_TEXT, STYLE_PLAIN},
        {"why", "why", CELL_TEXT, STYLE_PLAIN}};
    struct table table;
    table_begin(&table, out, "rows", columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < refcheck->row_count && i < out->limit; i++) {
        const struct refcheck_row *row = &refcheck->rows[i];
        table_u64(&table, row->unexplained);
        table_u64(&table, row->refcount);
        table_u64(&table, row->found);
        table_u64(&table, row->native);
        table_u64(&table, row->shallow);
        table_u64(&table, row->address);
        table_text(&table, noise_name(row->noise));
        table_text(&table, row->type);
        table_text(&table, row->module);
        table_text(&table, row->preview);
        table_text(&table, row->why);
    }
    table_end(&table);
    output_more(out, out->limit, refcheck->row_count);
}

static void print_answer(struct output *out, const struct refcheck *refcheck, const char *path, bool by_type,
                         bool all)
{
    char a[40], b[40], c[40], d[40];
    if (out->as_json)
        json_summary(out, refcheck, all);
    else if (refcheck->row_count && refcheck->native)
        output_print(out, "%s object%s, %s: %s reference%s from native memory, %s that nothing explains\n\n",
                     text_count(refcheck->row_count, a, sizeof a), refcheck->row_count == 1 ? "" : "s",
                     text_bytes(refcheck->shallow, b, sizeof b), text_count(refcheck->native, c, sizeof c),
                     refcheck->native == 1 ? "" : "s",
                     refcheck->unexplained ? text_count(refcheck->unexplained, d, sizeof d) : "none");
    else if (refcheck->row_count)
        output_print(out, "%s object%s, %s: %s reference%s that nothing in the snapshot explains\n\n",
                     text_count(refcheck->row_count, a, sizeof a), refcheck->row_count == 1 ? "" : "s",
                     text_bytes(refcheck->shallow, b, sizeof b),
                     text_count(refcheck->unexplained, c, sizeof c), refcheck->unexplained == 1 ? "" : "s");
    if (refcheck->row_count || out->as_json) {
        if (by_type) {
            print_types(out, refcheck, "rows");
        } else {
            print_types(out, refcheck, "types");
            output_print(out, out->as_json ? "" : "\n");
            print_objects(out, refcheck, all);
        }
    }
    print_foot(out, refcheck, all);
    if (refcheck->row_count && !by_type) {
        char text[24];
        output_hint(out, "says what is known about it", "show", path,
                    text_address(refcheck->rows[0].address, text, sizeof text), NULL);
    }
    document_end(out);
}

static bool fails(const struct refcheck *refcheck, const struct condition *condition, bool by_type,
                  const char *text, struct error *err)
{
    size_t count = by_type ? refcheck->type_count : refcheck->row_count;
    for (size_t i = 0; i < count; i++) {
        const void *row = by_type ? (const void *)&refcheck->types[i] : (const void *)&refcheck->rows[i];
        if (condition_holds(condition, row)) {
            error_set(err, ERROR_NOT_FOUND, "--fail-if %s holds for %s", text,
                      by_type ? refcheck->types[i].type : refcheck->rows[i].type);
            return true;
        }
    }
    return false;
}

static bool nothing_found(const struct refcheck *refcheck, const char *type, struct error *err)
{
    char a[40];
    return error_set(err, ERROR_NOT_FOUND,
                     "of %s objects%s%s that count references none has more than were found",
                     text_count(refcheck->checked, a, sizeof a), type ? " of type " : "", type ? type : "");
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    bool by_type = strcmp(option_text(in, "by", "object"), "type") == 0;
    const char *text = option_text(in, "fail-if", NULL);
    struct refcheck_options options = {.type = option_text(in, "type", NULL), .all = option_given(in, "all")};
    struct condition *condition = NULL;
    struct refcheck refcheck;
    if (text && !(condition = condition_create(text, refcheck_columns(by_type), err)))
        return false;
    if (!refcheck_create(&refcheck, opened->view, &options, err)) {
        condition_destroy(condition);
        return false;
    }
    bool ok = true;
    for (size_t i = 0; ok && !by_type && i < refcheck.row_count && i < out->limit; i++)
        ok = refcheck_describe(&refcheck, opened->view, &refcheck.rows[i], err);
    if (ok) {
        document_begin_one(out, opened);
        print_answer(out, &refcheck, opened->path, by_type, options.all);
        ok = !(condition && fails(&refcheck, condition, by_type, text, err));
        if (ok && !condition && !refcheck.row_count)
            ok = nothing_found(&refcheck, options.type, err);
    }
    refcheck_free(&refcheck);
    condition_destroy(condition);
    return ok;
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_refcheck(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
