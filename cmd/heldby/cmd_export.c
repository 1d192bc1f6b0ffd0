/* heldby export: the graph, or the surroundings of some objects, for other tools. */
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/graph_output.h"
#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/selectors.h"
#include "lib/query/neighbourhood.h"
#include "lib/query/rows.h"

enum { DEFAULT_DEPTH = 3 };

struct export
{
    struct output *out;
    struct view *view;
    const struct neighbourhood *around; /* NULL: the whole snapshot */
    bool raw;
    struct graph_sink sink;
    struct graph_texts texts;
};

static bool write_node(struct export *e, object_id object, const struct neighbour_object *near,
                       struct error *err)
{
    struct graph_node node;
    if (!graph_node_fill(e->view, object, &e->texts, &node, err))
        return false;
    if (near) {
        node.depth = near->depth;
        node.target = near->depth == 0;
        node.inward = near->hidden_referrers > 0;
        node.hidden = near->hidden_referrers ? near->hidden_referrers : near->hidden_referents;
    }
    return graph_sink_node(&e->sink, &node, err);
}

static bool json_node(struct export *e, object_id object, const struct neighbour_object *near,
                      struct error *err)
{
    struct graph_node node;
    struct root_row root = {.kind = ROOT_NONE};
    struct arena arena = {0};
    uint32_t first, end;
    const struct roots *roots = view_roots(e->view, err);
    struct json *j = &e->out->json;
    bool ok = roots && graph_node_fill(e->view, object, &e->texts, &node, err);
    if (ok && *node.root && roots_of(roots, object, &first, &end))
        ok = root_row_fill(e->view, roots->order[first], &arena, &root, err);
    if (ok) {
        json_begin_object(j, NULL);
        json_address(j, "address", node.address);
        json_text(j, "type", node.type);
        json_u64(j, "shallow", node.shallow);
        json_u64(j, "refcount", node.refcount);
        json_text(j, "preview", node.text);
        json_bool(j, "finalizer", node.finalizer);
        root_json(j, "root", &root);
        json_u64(j, "objects", 1);
        if (near) {
            json_u64(j, "depth", near->depth);
            json_u64(j, "hidden", near->hidden_referrers + near->hidden_referents);
        }
        json_end_object(j);
    }
    arena_free(&arena);
    return ok && (!ferror(e->out->to) || error_system(err, "", 0, "cannot write"));
}

static bool each_node(struct export *e,
                      bool (*write)(struct export *e, object_id object, const struct neighbour_object *near,
                                    struct error *err),
                      struct error *err)
{
    const struct heap *heap = view_heap(e->view);
    bool ok = true;
    if (e->around)
        for (size_t i = 0; ok && i < e->around->count; i++)
            ok = write(e, e->around->item[i].object, &e->around->item[i], err);
    else
        for (object_id id = 1; ok && id <= heap->object_count; id++)
            ok = write(e, id, NULL, err);
    return ok;
}

static bool write_edge(void *self, const struct hold *hold, struct error *err)
{
    struct export *e = self;
    struct graph_edge edge;
    return graph_edge_fill(e->view, hold, &e->texts, &edge, err) && graph_sink_edge(&e->sink, &edge, err);
}

static bool json_edge(void *self, const struct hold *hold, struct error *err)
{
    struct export *e = self;
    struct graph_edge edge;
    struct json *j = &e->out->json;
    if (!graph_edge_fill(e->view, hold, &e->texts, &edge, err))
        return false;
    json_begin_object(j, NULL);
    json_address(j, "source", edge.source_address);
    json_address(j, "target", edge.target_address);
    json_text(j, "kind", edge.kind);
    json_text(j, "name", edge.name);
    json_u64(j, "count", 1);
    json_bool(j, "certain", !edge.uncertain);
    json_end_object(j);
    return !ferror(e->out->to) || error_system(err, "", 0, "cannot write");
}

static bool export_json(struct export *e, const object_id *targets, size_t target_count, struct error *err)
{
    const struct heap *heap = view_heap(e->view);
    struct json *j = &e->out->json;
    json_begin_array(j, "targets");
    for (size_t i = 0; i < target_count; i++)
        json_address(j, NULL, heap->address[targets[i]]);
    json_end_array(j);
    json_begin_array(j, "nodes");
    bool ok = each_node(e, json_node, err);
    json_end_array(j);
    json_begin_array(j, "edges");
    const struct object_set *among = e->around ? &e->around->members : NULL;
    ok = ok && references_each(e->view, among, e->raw, json_edge, e, err);
    json_end_array(j);
    return ok;
}

static bool export_graph(struct export *e, const struct graph_format *format, struct error *err)
{
    const struct object_set *among = e->around ? &e->around->members : NULL;
    graph_sink_begin(&e->sink, e->out, format);
    bool ok = !format->node || each_node(e, write_node, err);
    ok = ok && (!format->edge || references_each(e->view, among, e->raw, write_edge, e, err));
    struct error late;
    return graph_sink_end(&e->sink, ok ? err : &late) && ok;
}

static const struct graph_format *chosen_format(const struct invocation *in)
{
    const char *name = option_text(in, "format", "json");
    if (strcmp(name, "csv") == 0)
        return strcmp(option_text(in, "rows", "edges"), "nodes") == 0 ? &graph_format_csv_nodes
                                                                      : &graph_format_csv_edges;
    return graph_format_find(name);
}

static bool write_all(const struct invocation *in, struct output *out, struct opened *opened,
                      const struct neighbourhood *around, const object_id *targets, size_t target_count,
                      struct error *err)
{
    struct export e = {.out = out, .view = opened->view, .around = around, .raw = option_given(in, "raw")};
    if (!around && !view_details(e.view, err))
        return false;
    if (!e.raw && !view_graph(e.view, err))
        return false;
    document_begin_one(out, opened);
    const struct graph_format *format = chosen_format(in);
    bool done = format ? export_graph(&e, format, err) : export_json(&e, targets, target_count, err);
    document_end(out);
    graph_texts_free(&e.texts);
    return done;
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    if (!option_given(in, "type") && in->operand_count < 2)
        return write_all(in, out, opened, NULL, NULL, 0, err);
    const char *direction = option_text(in, "direction", "both");
    uint64_t depth = option_number(in, "depth", DEFAULT_DEPTH);
    struct exclusion exclude;
    struct neighbourhood_options options = {.inwards = strcmp(direction, "referents") != 0,
                                            .outwards = strcmp(direction, "referrers") != 0,
                                            .depth = depth > UINT32_MAX ? 0 : (uint32_t)depth,
                                            .limit = option_number(in, "limit", 0),
                                            .exclude = &exclude.objects};
    if (!exclusion_of_option(in, "exclude", opened->view, &exclude, err))
        return false;
    size_t count = 0;
    object_id *targets = objects_of_operands(in, opened->view, &count, err);
    struct neighbourhood around = {0};
    bool done = targets && neighbourhood_create(&around, opened->view, targets, count, &options, err) &&
                write_all(in, out, opened, &around, targets, count, err);
    neighbourhood_free(&around);
    exclusion_free(&exclude);
    free(targets);
    return done;
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    out->as_json = strcmp(option_text(in, "format", "json"), "json") == 0;
    out->colored = false;
    return answer_one(in, out, answer, err);
}

bool cmd_export(const struct invocation *in, struct error *err)
{
    const char *format = option_text(in, "format", NULL);
    bool near = option_given(in, "type") || in->operand_count > 1;
    if (!format && !option_given(in, "json"))
        return usage_error(err, "export wants --format dot, graphml, json or csv");
    if (format && option_given(in, "json") && strcmp(format, "json") != 0)
        return usage_error(err, "--json and --format %s do not go together", format);
    if (option_given(in, "rows") && (!format || strcmp(format, "csv") != 0))
        return usage_error(err, "--rows is for --format csv");
    if (option_given(in, "type") && in->operand_count > 1)
        return usage_error(err, "export wants either OBJECTs or --type, not both");
    static const char *const only_near[] = {"depth", "direction", "exclude", "limit"};
    for (size_t i = 0; i < sizeof only_near / sizeof only_near[0]; i++)
        if (option_given(in, only_near[i]) && !near)
            return usage_error(err, "--%s is for the surroundings of OBJECTs, and none is given",
                               only_near[i]);
    return output_answer(in, run, err);
}
