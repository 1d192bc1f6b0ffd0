/* heldby show: one object: what it is, what holds it, what it holds. */
#include <inttypes.h>
#include <string.h>

#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/expression.h"
#include "lib/query/show.h"
#include "lib/query/spelling.h"

static void label(struct output *out, const char *text)
{
    output_print(out, "  %s%-10s%s", output_style(out, STYLE_DIM), text,
                 out->colored ? output_style(out, STYLE_PLAIN) : "");
}

/* "3, all found", "5: 3 found, 2 held from C or by a running function's stack" */
static void print_refcount(struct output *out, const struct shown *shown)
{
    char a[40], b[40], c[40];
    const char *count = text_count(shown->row.refcount, a, sizeof a), *between = ": ";
    label(out, "refcount");
    if (!shown->counted)
        output_print(out, "immortal");
    else if (shown->missing || shown->native) {
        output_print(out, "%s", count);
        if (shown->found || !shown->native) {
            output_print(out, ": %s found", shown->found ? text_count(shown->found, b, sizeof b) : "none");
            between = ", ";
        }
        if (shown->native)
            output_print(out, "%s%s found in native memory", between, text_count(shown->native, b, sizeof b));
        if (shown->missing)
            output_print(out, ", %s that nothing here explains (C code, or an expression's stack)",
                         text_count(shown->missing, c, sizeof c));
    } else
        output_print(out, "%s, all found", count);
    if (shown->weak)
        output_print(out, "; %s weak", text_count(shown->weak, b, sizeof b));
    output_print(out, "\n");
}

static void print_flags(struct output *out, const struct shown *shown)
{
    char tracked[80];
    snprintf(tracked, sizeof tracked, "tracked by the garbage collector%s%.0u",
             shown->flags & OBJECT_FROZEN ? "" : ", generation ",
             shown->flags & OBJECT_FROZEN ? 0 : shown->generation);
    if (!(shown->flags & OBJECT_FROZEN) && shown->generation == 0)
        snprintf(tracked, sizeof tracked, "tracked by the garbage collector, generation 0");
    const struct {
        bool holds;
        const char *text;
    } flags[] = {{shown->flags & OBJECT_TRACKED, tracked},
                 {!(shown->flags & OBJECT_TRACKED), "not tracked by the garbage collector"},
                 {shown->flags & OBJECT_FROZEN, "frozen"},
                 {shown->flags & OBJECT_STATIC, "static"},
                 {shown->flags & OBJECT_INTERNED, "interned"},
                 {shown->finalizer, "has a finalizer"},
                 {shown->flags & OBJECT_PARTIAL, "not wholly read: a pointer in it was bad"}};
    const char *between = "";
    label(out, "flags");
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (flags[i].holds) {
            output_print(out, "%s%s", between, flags[i].text);
            between = ", ";
        }
    }
    output_print(out, "\n");
}

static const char *label_words(enum type_label label)
{
    static const char *const words[TYPE_LABELS] = {
        "the runtime", "the symbol of its vtable", "RTTI", "DWARF", "a known structure", "its size alone"};
    return words[label];
}

static void print_head(struct output *out, const struct shown *shown)
{
    const struct object_row *row = &shown->row;
    char a[40], b[40];
    output_text(out, STYLE_TYPE, row->type, SIZE_MAX);
    output_print(out, "  0x%" PRIx64 "  @%" PRIu32 "\n", row->address, row->id);
    if (shown->path) {
        label(out, "path");
        output_text(out, STYLE_NAME, shown->path, SIZE_MAX);
        output_print(out, "\n");
        if (shown->root_count == 0) {
            label(out, "from");
            root_print(out, shown->path_root);
            output_print(out, "\n");
        }
    } else {
        label(out, "path");
        output_print(out, "none: no root reaches it\n");
    }
    if (*row->preview) {
        label(out, "value");
        output_text(out, STYLE_STRONG, row->preview, SIZE_MAX);
        output_print(out, "\n");
    }
    if (shown->length >= 0) {
        label(out, "length");
        output_print(out, "%s%s\n", text_count((uint64_t)shown->length, a, sizeof a),
                     shown->in_code_points ? " characters" : "");
    }
    if (shown->instances) {
        label(out, "instances");
        output_print(out, "%s\n", text_count(shown->instances, a, sizeof a));
    }
    label(out, "size");
    output_print(out, "%s", text_bytes(row->shallow, a, sizeof a));
    if (shown->own_dict)
        output_print(out, ", with its own dict %s", text_bytes(row->shallow + shown->own_dict, b, sizeof b));
    output_print(out, "\n");
    if (strncmp(row->type, shown->module, strlen(shown->module)) != 0 &&
        strcmp(shown->module, "builtins") != 0) {
        label(out, "module");
        output_text(out, STYLE_PLAIN, shown->module, SIZE_MAX);
        output_print(out, "\n");
    }
    if (shown->block) {
        label(out, "type from");
        output_print(out, "%s\n", label_words(shown->label));
    } else {
        print_refcount(out, shown);
        print_flags(out, shown);
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

static bool any_path(const struct reference_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].expression)
            return true;
    }
    return false;
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
                                     {"shallow", "size", CELL_BYTES, STYLE_PLAIN},
                                     {"preview", "value", CELL_TEXT, STYLE_PLAIN},
                                     {holders ? "expression" : NULL,
                                      holders && any_path(rows, count) ? "path" : NULL, CELL_TEXT,
                                      STYLE_NAME},
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
    table_begin(&table, out, key, columns, 9);
    for (size_t i = 0; i < count; i++) {
        const struct reference_row *row = &rows[i];
        char step[512];
        enum family family = heap_family(heap, row->object);
        const char *named = family == FAMILY_MODULE || family == FAMILY_TYPE ? row->preview : "";
        snprintf(step, sizeof step, "%s%s%s%s",
                 !holders ? ""
                 : *named ? named
                          : row->type,
                 !holders && *row->text == ' ' ? row->text + 1 : row->text,
                 row->uncertain && row->kind != REFERENCE_POINTER ? " (uncertain)" : "",
                 row->kind == REFERENCE_WEAK    ? " (weak)"
                 : row->kind == REFERENCE_STALE ? " (stale)"
                                                : "");
        table_text(&table, row->kind_name);
        table_text(&table, row->name);
        table_text(&table, step);
        table_u64(&table, row->address);
        table_text(&table, row->type);
        table_u64(&table, row->shallow);
        table_text(&table, row->preview);
        table_text(&table, row->expression);
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
        if (shown.block)
            json_text(j, "label", spelling_label(shown.label));
        json_text(j, "module", shown.module);
        if (shown.length >= 0)
            json_i64(j, "length", shown.length);
        else
            json_null(j, "length");
        json_u64(j, "own_dict", shown.own_dict);
        json_u64(j, "instances", shown.instances);
        json_bool(j, "tracked", shown.flags & OBJECT_TRACKED);
        if (shown.flags & OBJECT_TRACKED)
            json_u64(j, "generation", shown.generation);
        else
            json_null(j, "generation");
        json_bool(j, "frozen", shown.flags & OBJECT_FROZEN);
        json_bool(j, "static", shown.flags & OBJECT_STATIC);
        json_bool(j, "interned", shown.flags & OBJECT_INTERNED);
        json_bool(j, "finalizer", shown.finalizer);
        json_bool(j, "partial", shown.flags & OBJECT_PARTIAL);
        json_u64(j, "found", shown.found);
        if (heap_contents(opened->heap) == HEAP_IS_MIXED)
            json_u64(j, "native", shown.native);
        json_u64(j, "unexplained", shown.missing);
        json_u64(j, "weak", shown.weak);
        json_text(j, "expression", shown.path);
        json_u64(j, "in_degree", shown.in_degree);
        json_u64(j, "out_degree", shown.out_degree);
        root_json(j, "root", shown.root_count ? &shown.roots[0] : NULL);
        json_begin_array(j, "roots");
        for (size_t i = 0; i < shown.root_count && i < out->limit; i++)
            root_json(j, NULL, &shown.roots[i]);
        json_end_array(j);
        root_json(j, "path_root", shown.path_root);
        json_bool(j, "transparent", shown.transparent);
        json_u64(j, "fields_total", shown.fields_total);
        json_u64(j, "holders_total", shown.holders_total);
    } else {
        print_head(out, &shown);
    }
    print_references(out, opened->heap, "held by",
                     shown.root_count ? "held by no object, only by a root" : "held by no object", "holders",
                     shown.holders, shown.holder_count, shown.holders_total, true);
    print_references(out, opened->heap, "holds", "holds nothing", "fields", shown.fields, shown.field_count,
                     shown.fields_total, false);
    char text[24];
    if (shown.holders_total > 1)
        output_hint(out, "shows all that hold it, up to the roots", "referrers", opened->path,
                    text_address(shown.row.address, text, sizeof text), NULL);
    else
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
