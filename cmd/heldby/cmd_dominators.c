/* heldby dominators: the dominator tree, what would be freed with what, largest first. */
#include <string.h>

#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/dominator_tree.h"
#include "lib/query/expression.h"
#include "lib/query/spelling.h"

static void json_head(struct json *j, const struct dominator_tree *tree)
{
    json_u64(j, "objects", tree->objects);
    json_u64(j, "bytes", tree->bytes);
    json_begin_object(j, "unreached");
    json_u64(j, "objects", tree->unreached);
    json_u64(j, "bytes", tree->unreached_bytes);
    json_end_object(j);
    json_u64(j, "rows_total", tree->top);
}

static void print_head(struct output *out, const struct dominator_tree *tree)
{
    char a[40], b[40];
    output_print(out, "%s object%s, %s, %s reached by roots", text_count(tree->objects, a, sizeof a),
                 tree->objects == 1 ? "" : "s", text_bytes(tree->bytes, b, sizeof b),
                 tree->objects == 1 ? "is" : "are");
    if (tree->unreached)
        output_print(out, "; %s more, %s, by none ('heldby unreachable')",
                     text_count(tree->unreached, a, sizeof a),
                     text_bytes(tree->unreached_bytes, b, sizeof b));
    output_print(out, "\n\n");
}

/* Indented by depth: app._CACHE, then ['k7'] below it. */
static void write_label(const struct dominator_row *row, uint32_t top, char *to, size_t size)
{
    enum { DEEPEST = 20 };
    uint32_t levels = row->depth > top ? row->depth - top : 0;
    int indent = (int)(2 * (levels < DEEPEST ? levels : DEEPEST));
    snprintf(to, size, "%*s%.400s", indent, "", row->label + (row->label[0] == ' ')); /* a pointer's */
}

static void print_rows(struct output *out, struct view *view, const struct dominator_tree *tree, bool by_type)
{
    const struct column columns[] = {{"retained", "retained", CELL_BYTES, STYLE_PLAIN},
                                     {NULL, "share", CELL_RIGHT, STYLE_PLAIN},
                                     {"count", by_type ? "count" : NULL, CELL_COUNT, STYLE_PLAIN},
                                     {"held", "objects", CELL_COUNT, STYLE_PLAIN},
                                     {"shallow", "itself", CELL_BYTES, STYLE_PLAIN},
                                     {"address", by_type ? NULL : "address", CELL_ADDRESS, STYLE_PLAIN},
                                     {NULL, by_type ? NULL : "held by", CELL_TEXT, STYLE_NAME},
                                     {"label", NULL, CELL_TEXT, STYLE_NAME},
                                     {NULL, "type", CELL_TEXT, STYLE_TYPE},
                                     {"type", NULL, CELL_TEXT, STYLE_TYPE},
                                     {"preview", by_type ? NULL : "value", CELL_TEXT, STYLE_PLAIN},
                                     {"depth", NULL, CELL_COUNT, STYLE_PLAIN},
                                     {"children", NULL, CELL_COUNT, STYLE_PLAIN}};
    uint32_t top = tree->row_count ? tree->rows[0].depth : 0;
    struct text_buffer preview = {0};
    struct table table;
    table_begin(&table, out, "rows", columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < tree->row_count; i++) {
        const struct dominator_row *row = &tree->rows[i];
        char share[16], label[512], type[512];
        struct dominator_row named = *row;
        snprintf(share, sizeof share, "%.1f %%",
                 tree->bytes ? 100.0 * (double)row->retained / (double)tree->bytes : 0.0);
        if (!*row->label && row->depth)
            named.label = "(several ways)";
        else
            named.label = row->label;
        write_label(&named, top, label, sizeof label);
        named.label = row->type;
        write_label(&named, top, type, sizeof type);
        text_buffer_clear(&preview);
        if (!by_type)
            spelling_preview(view, row->object, &preview);
        table_u64(&table, row->retained);
        table_text(&table, share);
        table_u64(&table, row->count);
        table_u64(&table, row->held);
        table_u64(&table, row->shallow);
        table_u64(&table, row->address);
        table_text(&table, label);
        table_text(&table, row->label);
        table_text(&table, by_type ? type : row->type);
        table_text(&table, row->type);
        table_text_n(&table, text_buffer_text(&preview), preview.length);
        table_u64(&table, row->depth);
        table_u64(&table, row->children);
    }
    table_end(&table);
    text_buffer_free(&preview);
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    const char *object = in->operands[1];
    bool by_type = strcmp(option_text(in, "by", "object"), "type") == 0;
    bool given = option_given(in, "depth");
    uint64_t depth = option_number(in, "depth", 3);
    struct dominator_tree_options options = {.by_type = by_type,
                                             .depth = depth > UINT32_MAX ? 0 : (uint32_t)depth,
                                             .limit = out->limit,
                                             .least = given ? 0 : 0.01};
    if (object && !(options.object = expression_find(opened->view, object, err)))
        return false;
    struct dominator_tree tree;
    if (!dominator_tree_create(&tree, opened->view, &options, err))
        return false;
    document_begin_one(out, opened);
    if (out->as_json)
        json_head(&out->json, &tree);
    else if (tree.row_count)
        print_head(out, &tree);
    print_rows(out, opened->view, &tree, by_type);
    output_more(out, out->limit, tree.top);
    if (tree.row_count && !by_type) {
        char address[24];
        size_t example = options.object && tree.row_count > 1 ? 1 : 0;
        text_address(tree.rows[example].address, address, sizeof address);
        output_hint(out, "shows what hangs under it", "dominators", opened->path, address, NULL);
    }
    document_end(out);
    bool found = tree.row_count > 0;
    uint64_t unreached = tree.unreached;
    dominator_tree_free(&tree);
    return found || error_set(err, ERROR_NOT_FOUND, "no root reaches any of the %llu objects",
                              (unsigned long long)unreached);
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_dominators(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
