/* heldby retained: what would be freed with some objects, each alone and all together. */
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/reference_output.h"
#include "cmd/heldby/selectors.h"
#include "cmd/heldby/text.h"
#include "lib/query/retained.h"

static void print_head(struct output *out, const struct retained *retained)
{
    char a[40], b[40], c[40];
    output_print(out, "%s in %s object%s would be freed with %s", text_bytes(retained->total, a, sizeof a),
                 text_count(retained->objects, b, sizeof b), retained->objects == 1 ? "" : "s",
                 retained->row_count == 1 ? "it" : "them all");
    if (retained->heap_bytes && retained->rows[0].live)
        output_print(out, ", %.1f %% of %s that roots reach",
                     100.0 * (double)retained->total / (double)retained->heap_bytes,
                     text_bytes(retained->heap_bytes, c, sizeof c));
    output_print(out, "\n\n");
}

static void print_rows(struct output *out, const struct retained *retained)
{
    static const struct column columns[] = {{"retained", "retained", CELL_BYTES, STYLE_STRONG},
                                            {"objects", "objects", CELL_COUNT, STYLE_PLAIN},
                                            {"shallow", "itself", CELL_BYTES, STYLE_PLAIN},
                                            {"address", "address", CELL_ADDRESS, STYLE_PLAIN},
                                            {"ordinal", NULL, CELL_COUNT, STYLE_PLAIN},
                                            {"type", "type", CELL_TEXT, STYLE_TYPE},
                                            {"preview", "value", CELL_TEXT, STYLE_PLAIN},
                                            {"reachable", NULL, CELL_BOOL, STYLE_PLAIN},
                                            {NULL, "", CELL_TEXT, STYLE_BAD}};
    struct table table;
    table_begin(&table, out, "rows", columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < retained->row_count && i < out->limit; i++) {
        const struct retained_row *row = &retained->rows[i];
        table_u64(&table, row->retained);
        table_u64(&table, row->held);
        table_u64(&table, row->object.shallow);
        table_u64(&table, row->object.address);
        table_u64(&table, row->object.id);
        table_text(&table, row->object.type);
        table_text(&table, row->object.preview);
        table_bool(&table, row->live);
        table_text(&table, row->live ? "" : "no root reaches it");
    }
    table_end(&table);
    output_more(out, out->limit, retained->row_count);
}

static void print_types(struct output *out, const struct retained *retained)
{
    static const struct column columns[] = {{"count", "count", CELL_COUNT, STYLE_PLAIN},
                                            {"shallow", "size", CELL_BYTES, STYLE_PLAIN},
                                            {"type", "type", CELL_TEXT, STYLE_TYPE}};
    struct table table;
    output_print(out, "\nwhat that is\n");
    table_begin(&table, out, "types", columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < retained->type_count && i < out->limit; i++) {
        table_u64(&table, retained->types[i].count);
        table_u64(&table, retained->types[i].shallow);
        table_text(&table, retained->types[i].type);
    }
    table_end(&table);
    output_more(out, out->limit, retained->type_count);
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    size_t count = 0;
    object_id *objects = objects_of_operands(in, opened->view, &count, err);
    struct retained retained;
    bool done = objects && retained_create(&retained, opened->view, objects, count, err);
    free(objects);
    if (!done)
        return false;
    document_begin_one(out, opened);
    if (out->as_json) {
        json_u64(&out->json, "total", retained.total);
        json_u64(&out->json, "objects", retained.objects);
        json_u64(&out->json, "heap", retained.heap_bytes);
        json_u64(&out->json, "rows_total", retained.row_count);
    } else {
        print_head(out, &retained);
    }
    print_rows(out, &retained);
    print_types(out, &retained);
    char address[24];
    output_hint(out, "shows its largest parts", "dominators", opened->path,
                text_address(retained.rows[0].object.address, address, sizeof address), NULL);
    document_end(out);
    retained_free(&retained);
    return true;
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_retained(const struct invocation *in, struct error *err)
{
    return reference_tree_check(in, err) && output_answer(in, run, err);
}
