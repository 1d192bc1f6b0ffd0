/* heldby path: why an object is alive: the shortest chain of named references from a root. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/path_graph_output.h"
#include "cmd/heldby/path_table.h"
#include "cmd/heldby/selectors.h"
#include "cmd/heldby/text.h"
#include "lib/query/expression.h"
#include "lib/query/spelling.h"

static void json_paths(struct json *j, const struct paths *paths)
{
    static const char *const outcomes[] = {"root", "object", "held_from_c", "unreachable", "none"};
    json_bool(j, "found", paths->path_count > 0);
    json_text(j, "outcome", outcomes[paths->outcome]);
    json_bool(j, "more", paths->more);
    json_bool(j, "types_followed", paths->types_followed);
    json_begin_array(j, "paths");
    for (size_t i = 0; i < paths->path_count; i++) {
        const struct path *path = &paths->paths[i];
        json_begin_object(j, NULL);
        json_text(j, "expression", path->expression);
        root_json(j, "root", &path->root);
        json_begin_array(j, "steps");
        for (size_t s = 0; s < path->step_count; s++) {
            const struct path_step *step = &path->steps[s];
            json_begin_object(j, NULL);
            json_address(j, "address", step->address);
            json_text(j, "type", step->type);
            json_text(j, "kind", step->kind_name);
            json_text(j, "name", step->name);
            json_u64(j, "shallow", step->shallow);
            json_bool(j, "certain", !step->uncertain);
            json_end_object(j);
        }
        json_end_array(j);
        json_end_object(j);
    }
    json_end_array(j);
}

static void print_path(struct output *out, const struct view *view, const struct path *path)
{
    output_text(out, STYLE_STRONG, path->expression, SIZE_MAX);
    if (path->root.kind == ROOT_NONE) {
        output_print(out, "\n\nfrom  ");
        output_text(out, STYLE_NAME, path->root.text, SIZE_MAX);
        output_print(out, ", as asked");
    } else {
        output_print(out, "\n\nheld by  ");
        root_print(out, &path->root);
    }
    output_print(out, "\n\n");
    path_table_print(out, view, path);
}

static void print_paths(struct output *out, const struct view *view, object_id object,
                        const struct paths *paths)
{
    struct text_buffer name = {0};
    spelling_object(view, object, &name);
    bool block = heap_family(view_heap(view), object) == FAMILY_NATIVE;
    switch (paths->outcome) {
    case PATH_UNREACHABLE:
        output_text(out, STYLE_STRONG, text_buffer_text(&name), SIZE_MAX);
        if (block)
            output_print(out,
                         " is unreachable\n\n"
                         "No root leads to it, and no word that is known to be in use: it has leaked, or it\n"
                         "is held by what has. 'heldby referrers' shows what refers to it.\n");
        else
            output_print(out,
                         " is unreachable\n\n"
                         "No root leads to it, and nothing in C holds it: it is garbage that waits for the\n"
                         "collector (gc.collect() would free it), or it was dying when the snapshot was\n"
                         "taken. 'heldby referrers' shows what refers to it.\n");
        break;
    case PATH_NONE:
        output_print(out, "no such path to ");
        output_text(out, STYLE_STRONG, text_buffer_text(&name), SIZE_MAX);
        output_print(out, "\n");
        break;
    case PATH_HELD_FROM_C:
    case PATH_FROM_ROOT:
    case PATH_FROM_OBJECT:
        break;
    }
    text_buffer_free(&name);
    for (size_t i = 0; i < paths->path_count; i++) {
        output_print(out, "%s", i ? "\n" : "");
        print_path(out, view, &paths->paths[i]);
    }
    if (paths->outcome == PATH_HELD_FROM_C)
        output_print(out,
                     "\nNo root leads to it: an extension module, a C stack or a register has a reference\n"
                     "that the snapshot cannot name.\n");
    if (paths->types_followed)
        output_print(out, "\nThe only way to it is through an object's type.\n");
    if (paths->more)
        output_print(out, "\n%sThere are more paths as short (--all, --max N).%s\n",
                     output_style(out, STYLE_DIM), out->colored ? output_style(out, STYLE_PLAIN) : "");
}

static bool answer_object(const struct invocation *in, struct output *out, struct opened *opened,
                          const struct exclusion *avoid, struct error *err)
{
    struct path_options options = {.max = 1};
    if (avoid) {
        options.avoid = &avoid->objects;
        options.avoid_roots = avoid->roots;
    }
    uint64_t max = option_number(in, "max", option_given(in, "all") ? out->limit : 1);
    options.max = max > UINT32_MAX || max == 0 ? UINT32_MAX : (uint32_t)max;
    const char *to = option_text(in, "to", in->operands[1]);
    object_id object = expression_find(opened->view, to, err);
    if (!object)
        return false;
    const char *from = option_text(in, "from", NULL);
    if (from && !(options.from = expression_find(opened->view, from, err)))
        return false;
    if (from && !strchr("@0123456789", *from))
        options.from_text = from; /* what starts as it was given can be given again */
    struct paths paths;
    if (!path_find(&paths, opened->view, object, &options, err))
        return false;
    document_begin_one(out, opened);
    const struct graph_format *format = graph_format_find(option_text(in, "format", ""));
    bool done = true;
    if (out->as_json)
        json_paths(&out->json, &paths);
    else if (format)
        done = paths_export(out, opened->view, &paths, object, format, err);
    else
        print_paths(out, opened->view, object, &paths);
    document_end(out);
    bool found = paths.path_count > 0;
    path_free(&paths);
    if (!done)
        return false;
    return found || error_set(err, ERROR_NOT_FOUND, "%s", "");
}

static void print_groups(struct output *out, const struct path_groups *groups)
{
    static const struct column columns[] = {{NULL, "objects", CELL_RIGHT, STYLE_PLAIN},
                                            {NULL, "size", CELL_BYTES, STYLE_PLAIN},
                                            {NULL, "held through", CELL_TEXT, STYLE_NAME},
                                            {NULL, "for example", CELL_ADDRESS, STYLE_PLAIN}};
    struct table table;
    table_begin(&table, out, NULL, columns, 4);
    size_t shown = 0;
    for (; shown < groups->row_count && shown < out->limit; shown++) {
        const struct path_group *row = &groups->rows[shown];
        char count[40], total[40], line[100];
        snprintf(line, sizeof line, "%s of %s", text_count(row->count, count, sizeof count),
                 text_count(groups->objects, total, sizeof total));
        table_text(&table, line);
        table_u64(&table, row->shallow);
        table_text(&table, row->expression);
        table_u64(&table, row->example_address);
    }
    table_end(&table);
    output_more(out, shown, groups->row_count);
}

static bool answer_type(const struct invocation *in, struct output *out, struct opened *opened,
                        const struct exclusion *avoid, struct error *err)
{
    size_t count;
    const char *type = option_text(in, "type", NULL);
    object_id *objects = objects_of_type(opened->view, type, &count, err);
    if (!objects)
        return false;
    struct path_groups groups;
    bool done = path_merge(&groups, opened->view, objects, count, avoid, err);
    free(objects);
    if (!done)
        return false;
    document_begin_one(out, opened);
    uint64_t reached = 0;
    for (size_t i = 0; i < groups.row_count; i++)
        reached += groups.rows[i].reachable ? groups.rows[i].count : 0;
    if (out->as_json) {
        struct json *j = &out->json;
        json_bool(j, "found", reached > 0);
        json_u64(j, "objects", groups.objects);
        json_u64(j, "bytes", groups.bytes);
        json_u64(j, "rows_total", groups.row_count);
        json_begin_array(j, "rows");
        for (size_t i = 0; i < groups.row_count && i < out->limit; i++) {
            const struct path_group *row = &groups.rows[i];
            json_begin_object(j, NULL);
            json_text(j, "expression", row->expression);
            json_u64(j, "count", row->count);
            json_u64(j, "shallow", row->shallow);
            json_bool(j, "reachable", row->reachable);
            json_address(j, "example", row->example_address);
            json_end_object(j);
        }
        json_end_array(j);
    } else {
        char a[40], b[40];
        const struct path_group *best = &groups.rows[0];
        if (!best->reachable && groups.row_count > 1)
            best = &groups.rows[1];
        output_text(out, STYLE_STRONG, best->expression, SIZE_MAX);
        output_print(out, "\n\n%s%s of %s objects of type ", best->reachable ? "holds " : "no root leads to ",
                     text_count(best->count, a, sizeof a), text_count(groups.objects, b, sizeof b));
        output_text(out, STYLE_TYPE, type, SIZE_MAX);
        output_print(out, ", %s in all\n", text_bytes(groups.bytes, a, sizeof a));
        if (best->reachable && reached < groups.objects)
            output_print(out, "no root leads to %s of them%s\n",
                         text_count(groups.objects - reached, a, sizeof a),
                         avoid ? " but through what --avoid names" : "");
        output_print(out, "\n");
        print_groups(out, &groups);
        if (best->reachable)
            output_hint(out, "shows one of them step by step", "path", opened->path,
                        text_address(best->example_address, a, sizeof a), NULL);
    }
    document_end(out);
    path_groups_free(&groups);
    return reached || error_set(err, ERROR_NOT_FOUND, "%s", "");
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    struct exclusion avoid;
    if (!exclusion_of_option(in, "avoid", opened->view, &avoid, err))
        return false;
    const struct exclusion *avoided = avoid.objects.bits ? &avoid : NULL;
    bool done = option_given(in, "type") ? answer_type(in, out, opened, avoided, err)
                                         : answer_object(in, out, opened, avoided, err);
    exclusion_free(&avoid);
    return done;
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    if (strcmp(option_text(in, "format", "text"), "json") == 0) {
        out->as_json = true;
        out->colored = false;
    }
    return answer_one(in, out, answer, err);
}

bool cmd_path(const struct invocation *in, struct error *err)
{
    bool by_type = option_given(in, "type"), to = option_given(in, "to");
    if (to && in->operand_count == 2)
        return usage_error(err, "path wants either an OBJECT or --to, not both");
    if (by_type && (to || in->operand_count == 2))
        return usage_error(err, "path wants either an OBJECT or --type, not both");
    if (!by_type && !to && in->operand_count < 2)
        return usage_error(err, "path wants FILE and an OBJECT, or --type T");
    const char *format = option_text(in, "format", NULL);
    if (format && option_given(in, "json") && strcmp(format, "json") != 0)
        return usage_error(err, "--json and --format %s do not go together", format);
    if (by_type && graph_format_find(format ? format : ""))
        return usage_error(err, "--type merges the paths of all objects: --format %s does not go with it",
                           format);
    if (by_type && (option_given(in, "from") || option_given(in, "all") || option_given(in, "max")))
        return usage_error(
            err, "--type merges the paths of all objects: --from, --all and --max do not go with it");
    return output_answer(in, run, err);
}
