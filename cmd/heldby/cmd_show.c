/* heldby show: one object: what it is, what holds it, what it holds. */
#include <inttypes.h>
#include <string.h>

#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/expression.h"
#include "lib/query/show.h"

static void print_head(struct output *out, const struct heap *heap, const struct shown *shown)
{
    const struct object_row *row = &shown->row;
    struct heap_detail detail;
    char a[40], b[40];
    uint64_t strong = shown->in_degree;
    for (size_t i = 0; i < shown->holder_count; i++)
        strong -= shown->holders[i].kind == REFERENCE_WEAK;
    output_text(out, STYLE_TYPE, row->type, SIZE_MAX);
    output_print(out, "  0x%" PRIx64 "  @%" PRIu32 "\n", row->address, row->id);
    if (*row->preview) {
        output_print(out, "  value     ");
        output_text(out, STYLE_STRONG, row->preview, SIZE_MAX);
        output_print(out, "\n");
    }
    output_print(out, "  size      %s\n", text_bytes(row->shallow, a, sizeof a));
    if (row->immortal)
        output_print(out, "  refcount  immortal\n");
    else
        output_print(out, "  refcount  %s, %s from objects\n", text_count(row->refcount, a, sizeof a),
                     strong == 0               ? "none"
                     : strong == row->refcount ? "all"
                                               : text_count(strong, b, sizeof b));
    if (heap_detail(heap, row->id, &detail)) {
        const struct {
            int flag;
            const char *text;
        } flags[] = {{OBJECT_TRACKED, "tracked by the garbage collector"},
                     {OBJECT_STATIC, "static"},
                     {OBJECT_FROZEN, "frozen"},
                     {OBJECT_INTERNED, "interned"},
                     {OBJECT_PARTIAL, "not wholly read: a pointer in it was bad"}};
        const char *between = "  flags     ";
        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
            if (detail.flags & flags[i].flag) {
                output_print(out, "%s%s", between, flags[i].text);
                between = ", ";
            }
        }
        output_print(out, "%s", *between == ',' ? "\n" : "");
    }
    if (shown->transparent)
        output_print(out, "  note      it is another object's own dict or frame; its owner is said to hold "
                          "what is in it\n");
    for (size_t i = 0; i < shown->root_count && i < out->limit; i++) {
        output_print(out, "  root      ");
        root_print(out, &shown->roots[i]);
        if (shown->roots[i].variable && *shown->roots[i].variable) {
            bool stack = shown->roots[i].reference == REFERENCE_STACK;
            output_print(out, stack ? " as <stack>[" : " as ");
            output_text(out, STYLE_NAME, shown->roots[i].variable, SIZE_MAX);
            output_print(out, stack ? "]" : "");
        }
        output_print(out, "\n");
    }
}

/* Holders as "list[1]", but modules and classes by their names. */
static void print_references(struct output *out, const struct heap *heap, const char *title, const char *none,
                             const char *key, const struct reference_row *rows, size_t count, uint64_t total,
                             bool holders)
{
    struct table table;
    const struct column columns[] = {{"kind", NULL, CELL_TEXT, STYLE_PLAIN},
                                     {"name", NULL, CELL_TEXT, STYLE_PLAIN},
                                     {NULL, holders ? "holder" : "reference", CELL_TEXT, STYLE_NAME},
                                     {"address", "address", CELL_ADDRESS, STYLE_PLAIN},
                                     {"type", holders ? NULL : "type", CELL_TEXT, STYLE_TYPE},
                                     {"preview", "value", CELL_TEXT, STYLE_PLAIN},
                                     {"certain", NULL, CELL_BOOL, STYLE_PLAIN}};
    if (!out->as_json) {
        char a[40];
        if (total == 0) {
            output_print(out, "\n%s%s%s\n", output_style(out, STYLE_STRONG), none,
                         out->colored ? output_style(out, STYLE_PLAIN) : "");
            return;
        }
        output_print(out, "\n%s%s%s (%s)\n", output_style(out, STYLE_STRONG), title,
                     out->colored ? output_style(out, STYLE_PLAIN) : "", text_count(total, a, sizeof a));
    }
    table_begin(&table, out, key, columns, 7);
    for (size_t i = 0; i < count; i++) {
        const struct reference_row *row = &rows[i];
        char step[512];
        enum family family = heap_family(heap, row->object);
        const char *named = family == FAMILY_MODULE || family == FAMILY_TYPE ? row->preview : "";
        snprintf(step, sizeof step, "%s%s%s%s",
                 !holders ? ""
                 : *named ? named
                          : row->type,
                 row->text, row->uncertain ? " (uncertain)" : "",
                 row->kind == REFERENCE_WEAK ? " (weak)" : "");
        table_text(&table, row->kind_name);
        table_text(&table, row->name);
        table_text(&table, step);
        table_u64(&table, row->address);
        table_text(&table, row->type);
        table_text(&table, row->preview);
        table_bool(&table, !row->uncertain);
    }
    table_end(&table);
    output_more(out, count, total);
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    object_id id = expression_find(opened->view, in->operands[1], err);
    if (!id)
        return false;
    struct shown shown;
    if (!show_object(&shown, opened->view, id, out->limit == UINT64_MAX ? 0 : out->limit, err))
        return false;
    document_begin_one(out, opened);
    if (out->as_json) {
        struct json *j = &out->json;
        object_row_json(j, &shown.row);
        json_null(j, "retained");
        json_u64(j, "in_degree", shown.in_degree);
        json_u64(j, "out_degree", shown.out_degree);
        root_json(j, "root", shown.root_count ? &shown.roots[0] : NULL);
        json_begin_array(j, "roots");
        for (size_t i = 0; i < shown.root_count && i < out->limit; i++)
            root_json(j, NULL, &shown.roots[i]);
        json_end_array(j);
        json_bool(j, "transparent", shown.transparent);
        json_u64(j, "fields_total", shown.fields_total);
        json_u64(j, "holders_total", shown.holders_total);
    } else {
        print_head(out, opened->heap, &shown);
    }
    print_references(out, opened->heap, "held by",
                     shown.root_count ? "held by no object, only by a root" : "held by no object", "holders",
                     shown.holders, shown.holder_count, shown.holders_total, true);
    print_references(out, opened->heap, "holds", "holds nothing", "fields", shown.fields, shown.field_count,
                     shown.fields_total, false);
    char text[24];
    output_hint(out, "says why it is alive", "path", opened->path,
                text_address(shown.row.address, text, sizeof text), NULL);
    document_end(out);
    show_free(&shown);
    return true;
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_show(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
