/* heldby histogram: which types (modules, sizes, referrers), how many, how large. */
#include <string.h>

#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/histogram.h"
#include "lib/query/spelling.h"

/* Percent of all, of what the rows are sorted by. */
static double share_of(const struct histogram *histogram, const struct histogram_row *row,
                       enum histogram_sort sort)
{
    uint64_t part = sort == HISTOGRAM_BY_COUNT      ? row->count
                    : sort == HISTOGRAM_BY_RETAINED ? row->retained
                                                    : row->shallow,
             all = sort == HISTOGRAM_BY_COUNT ? histogram->objects : histogram->bytes;
    return all ? 100.0 * (double)part / (double)all : 0.0;
}

static enum histogram_sort sort_of(const char *word)
{
    return strcmp(word, "count") == 0      ? HISTOGRAM_BY_COUNT
           : strcmp(word, "retained") == 0 ? HISTOGRAM_BY_RETAINED
                                           : HISTOGRAM_BY_SHALLOW;
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    static const char *const words[] = {"type", "module", "size", "referrer", "via"};
    static const char *const unit[] = {"type", "module", "size class", "kind of referrers",
                                       "kind of references"};
    static const char *const units[] = {"types", "modules", "size classes", "kinds of referrers",
                                        "kinds of references"};
    const char *by = option_text(in, "by", "type");
    size_t kind = 0;
    while (strcmp(words[kind], by) != 0)
        kind++;
    struct histogram_options options = {.by = (enum histogram_by)kind,
                                        .sort = sort_of(option_text(in, "sort", "shallow")),
                                        .filter = option_text(in, "filter", NULL),
                                        .type = option_text(in, "type", NULL),
                                        .tracked = option_given(in, "tracked")};
    struct histogram histogram;
    if (!histogram_create(&histogram, opened->view, &options, err))
        return false;
    document_begin_one(out, opened);
    if (out->as_json) {
        json_u64(&out->json, "objects", histogram.objects);
        json_u64(&out->json, "bytes", histogram.bytes);
        json_u64(&out->json, "rows_total", histogram.row_count);
    } else if (histogram.row_count) {
        char a[40], b[40], c[40];
        output_print(out, "%s object%s, %s, in %s %s\n\n", text_count(histogram.objects, a, sizeof a),
                     histogram.objects == 1 ? "" : "s", text_bytes(histogram.bytes, b, sizeof b),
                     text_count(histogram.row_count, c, sizeof c),
                     histogram.row_count == 1 ? unit[kind] : units[kind]);
    }
    bool retained = options.sort == HISTOGRAM_BY_RETAINED; /* rows hold each other: sums would mean nothing */
    bool blocks = options.by == HISTOGRAM_TYPE && heap_contents(opened->heap) & HEAP_HAS_BLOCKS;
    const struct column columns[] = {
        {"count", "count", CELL_COUNT, STYLE_PLAIN},
        {"shallow", "size", CELL_BYTES, STYLE_PLAIN},
        {NULL, "share", CELL_RIGHT, STYLE_PLAIN},
        {NULL, retained ? NULL : "sum", CELL_RIGHT, STYLE_PLAIN},
        {"retained", retained ? "retained" : NULL, CELL_BYTES, STYLE_STRONG},
        {words[kind], words[kind], CELL_TEXT, STYLE_TYPE},
        {blocks ? "label" : NULL, blocks ? "type from" : NULL, CELL_TEXT, STYLE_DIM}};
    struct table table;
    table_begin(&table, out, "rows", columns, 7);
    double sum = 0;
    for (size_t i = 0; i < histogram.row_count && i < out->limit; i++) {
        const struct histogram_row *row = &histogram.rows[i];
        double part = share_of(&histogram, row, options.sort);
        char share[16], so_far[16];
        sum += part;
        snprintf(share, sizeof share, "%.1f %%", part);
        snprintf(so_far, sizeof so_far, "%.1f %%", sum);
        table_u64(&table, row->count);
        table_u64(&table, row->shallow);
        table_text(&table, share);
        table_text(&table, so_far);
        if (retained)
            table_u64(&table, row->retained);
        else
            table_none(&table);
        table_text(&table, row->name);
        table_text(&table, row->native ? spelling_label(row->label) : NULL);
    }
    table_end(&table);
    output_more(out, out->limit, histogram.row_count);
    document_end(out);
    bool found = histogram.row_count > 0;
    histogram_free(&histogram);
    if (!found && !options.filter)
        return error_set(err, ERROR_NOT_FOUND, "there is no object in it");
    return found || error_set(err, ERROR_NOT_FOUND, "no %s of its %u objects matches --filter '%s'",
                              words[kind], opened->heap->object_count, options.filter);
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_histogram(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
