#include "cmd/heldby/object_rows.h"

#include <inttypes.h>

#include "cmd/heldby/text.h"

void object_rows_print(struct output *out, const char *key, const struct object_row *rows, size_t count)
{
    static const struct column columns[] = {{"address", "address", CELL_ADDRESS, STYLE_PLAIN},
                                            {"ordinal", NULL, CELL_COUNT, STYLE_PLAIN},
                                            {NULL, "object", CELL_TEXT, STYLE_DIM},
                                            {"shallow", "size", CELL_BYTES, STYLE_PLAIN},
                                            {NULL, "refs", CELL_RIGHT, STYLE_PLAIN},
                                            {"refcount", NULL, CELL_COUNT, STYLE_PLAIN},
                                            {"type", "type", CELL_TEXT, STYLE_TYPE},
                                            {"preview", "value", CELL_TEXT, STYLE_PLAIN}};
    struct table table;
    table_begin(&table, out, key, columns, 8);
    for (size_t i = 0; i < count; i++) {
        const struct object_row *row = &rows[i];
        char ordinal[24], refcount[40];
        snprintf(ordinal, sizeof ordinal, "@%" PRIu32, row->id);
        text_count(row->refcount, refcount, sizeof refcount);
        table_u64(&table, row->address);
        table_u64(&table, row->id);
        table_text(&table, ordinal);
        table_u64(&table, row->shallow);
        table_text(&table, row->immortal ? "∞" : refcount);
        table_u64(&table, row->refcount);
        table_text(&table, row->type);
        table_text(&table, row->preview);
    }
    table_end(&table);
}

void object_row_json(struct json *j, const struct object_row *row)
{
    json_address(j, "address", row->address);
    json_u64(j, "ordinal", row->id);
    json_text(j, "type", row->type);
    json_u64(j, "shallow", row->shallow);
    json_u64(j, "refcount", row->refcount);
    json_bool(j, "immortal", row->immortal);
    json_text(j, "preview", row->preview);
}

void root_json(struct json *j, const char *key, const struct root_row *root)
{
    if (!root || root->kind == ROOT_NONE) {
        json_null(j, key);
        return;
    }
    json_begin_object(j, key);
    json_text(j, "kind", root->kind_name);
    json_text(j, "name", root->name);
    json_address(j, "address", root->address);
    if (root->kind == ROOT_C_REFERENCE)
        json_u64(j, "count", root->count);
    if (root->variable && *root->variable)
        json_text(j, "variable", root->variable);
    if (root->thread) {
        json_text(j, "thread", root->thread);
        json_u64(j, "thread_id", root->thread_id);
        json_u64(j, "native_id", root->native_id);
    }
    if (root->function) {
        json_text(j, "function", root->function);
        json_text(j, "module", root->module);
        json_text(j, "file", root->file);
        if (root->line)
            json_u64(j, "line", root->line);
        else
            json_null(j, "line");
    }
    if (root_kind_is_native(root->kind)) {
        json_i64(j, "offset", root->offset);
        json_text(j, "text", root->text);
    }
    json_bool(j, "certain", !root->uncertain);
    json_end_object(j);
}

static void print_thread(struct output *out, const struct root_row *root)
{
    output_print(out, "thread ");
    if (*root->thread)
        output_text(out, STYLE_PLAIN, root->thread, SIZE_MAX);
    output_print(out, "%s(id %" PRIu64 ")", *root->thread ? " " : "", root->thread_id);
}

const char *root_native_words(enum root_kind kind)
{
    switch (kind) {
    case ROOT_REGISTER:
        return "register";
    case ROOT_NATIVE_STACK:
        return "stack";
    case ROOT_MODULE_DATA:
        return "module data";
    case ROOT_TLS:
        return "thread-local";
    default:
        return "mapping";
    }
}

void root_print(struct output *out, const struct root_row *root)
{
    if (root_kind_is_native(root->kind)) { /* what a word means is a guess, as always in native memory */
        if (root->kind == ROOT_REGISTER || root->kind == ROOT_NATIVE_STACK)
            output_print(out, "%s ", root->kind == ROOT_REGISTER ? "register" : "stack of");
        output_text(out, STYLE_NAME, root->text, SIZE_MAX);
        return;
    }
    switch (root->kind) {
    case ROOT_FRAME:
        output_print(out, "running function ");
        output_text(out, STYLE_NAME, root->name, SIZE_MAX);
        output_print(out, ", ");
        print_thread(out, root);
        if (root->file && *root->file) {
            output_print(out, ", ");
            output_text(out, STYLE_PLAIN, root->file, SIZE_MAX);
            if (root->line)
                output_print(out, ":%" PRIu32, root->line);
        }
        break;
    case ROOT_THREAD:
        print_thread(out, root);
        break;
    case ROOT_MODULE:
        output_print(out, "module ");
        output_text(out, STYLE_NAME, root->name, SIZE_MAX);
        break;
    case ROOT_C_REFERENCE:
        output_text(out, STYLE_NAME, root->text, SIZE_MAX);
        output_print(out, ": %" PRIu64 " reference%s that nothing in the snapshot explains", root->count,
                     root->count == 1 ? "" : "s");
        break;
    case ROOT_IMMORTAL:
        output_print(out, "the interpreter, for ever: the object is immortal");
        break;
    default:
        output_print(out, "the %s", root->kind_name);
        if (root->name && *root->name) {
            output_print(out, ", ");
            output_text(out, STYLE_NAME, root->name, SIZE_MAX);
        }
        break;
    }
    if (root->uncertain)
        output_print(out, " (uncertain)");
}
