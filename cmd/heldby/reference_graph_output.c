/* A tree of references as a graph: each object once, however often the tree shows it. JSON, DOT and GraphML.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "cmd/heldby/graph_output.h"
#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/reference_output.h"

/* Tree nodes of one object make one node of the graph, at the first of them. */
struct merged {
    size_t first; /* tree node */
    uint32_t depth;
    uint64_t objects, hidden;
    bool target;
};

static int compare_places(const void *a, const void *b)
{
    const object_id *x = *(const object_id *const *)a, *y = *(const object_id *const *)b;
    if (*x != *y)
        return *x < *y ? -1 : 1;
    return (x > y) - (x < y);
}

/* By tree node; what belongs together is added up in the entry of the first. */
static struct merged *merge_nodes(const struct reference_tree *tree, struct error *err)
{
    size_t count = tree->node_count;
    object_id *ids = calloc(count + 1, sizeof *ids);
    object_id **order = calloc(count + 1, sizeof *order);
    struct merged *merged = calloc(count + 1, sizeof *merged);
    if (!ids || !order || !merged) {
        error_no_memory(err);
        free(merged);
        merged = NULL;
    }
    for (size_t i = 0; merged && i < count; i++) {
        ids[i] = tree->nodes[i].object;
        order[i] = &ids[i];
    }
    if (merged && count)
        qsort(order, count, sizeof *order, compare_places);
    for (size_t i = 0; merged && i < count; i++) {
        size_t place = (size_t)(order[i] - ids);
        const struct reference_node *n = &tree->nodes[place];
        bool same = i && *order[i] && *order[i] == *order[i - 1];
        size_t first = same ? merged[order[i - 1] - ids].first : place;
        struct merged *to = &merged[first];
        if (!same)
            *to = (struct merged){.depth = n->depth};
        merged[place].first = first;
        to->depth = n->depth < to->depth ? n->depth : to->depth;
        to->objects = n->objects > to->objects ? n->objects : to->objects;
        to->hidden += n->hidden_nodes;
        to->target = to->target || n->depth == 0;
    }
    free(ids);
    free(order);
    return merged;
}

/* All roots of one object, best first; of a group that of the first. */
static bool roots_json(struct json *j, struct view *view, const struct reference_node *n, struct arena *arena,
                       struct error *err)
{
    uint32_t first, end;
    const struct roots *roots = view_roots(view, err);
    if (!roots)
        return false;
    json_begin_array(j, "roots");
    bool ok = true;
    if (n->root != PATH_NO_ROOT && roots_of(roots, n->object, &first, &end))
        for (; ok && first < end; first++) {
            struct root_row root;
            ok = root_row_fill(view, roots->order[first], arena, &root, err);
            if (ok)
                root_json(j, NULL, &root);
        }
    json_end_array(j);
    return ok;
}

static bool node_json(struct json *j, struct view *view, const struct reference_node *n,
                      const struct merged *merged, struct graph_texts *texts, struct error *err)
{
    struct root_row root = {.kind = ROOT_NONE};
    struct arena arena = {0};
    struct graph_node node;
    uint64_t unexplained = 0;
    bool ok = n->root != PATH_NO_ROOT ? root_row_fill(view, n->root, &arena, &root, err)
                                      : !n->orphan || view_unexplained(view, n->object, &unexplained, err);
    ok = ok && (!unexplained || root_row_from_c(view, n->object, unexplained, &arena, &root, err)) &&
         graph_node_fill(view, n->object, texts, &node, err);
    if (ok) {
        json_begin_object(j, NULL);
        json_address(j, "address", node.address);
        json_text(j, "type", n->type);
        json_u64(j, "shallow", node.shallow);
        json_u64(j, "refcount", node.refcount);
        json_text(j, "preview", node.text);
        json_bool(j, "finalizer", node.finalizer);
        root_json(j, "root", &root);
        ok = roots_json(j, view, n, &arena, err);
        json_u64(j, "objects", merged->objects);
        json_u64(j, "depth", merged->depth);
        json_u64(j, "hidden", merged->hidden);
        json_end_object(j);
    }
    arena_free(&arena);
    return ok;
}

static void edges_json(struct json *j, const struct heap *heap, const struct reference_tree *tree,
                       enum reference_direction direction)
{
    json_begin_array(j, "edges");
    for (size_t i = 0; i < tree->node_count; i++) {
        const struct reference_node *n = &tree->nodes[i];
        if (n->parent == REFERENCE_NO_PARENT || !n->object)
            continue;
        uint64_t here = heap->address[n->object], there = heap->address[tree->nodes[n->parent].object];
        json_begin_object(j, NULL);
        json_address(j, "source", direction == REFERENCES_IN ? here : there);
        json_address(j, "target", direction == REFERENCES_IN ? there : here);
        json_text(j, "kind", n->kind_name);
        json_text(j, "name", n->name);
        json_u64(j, "count", n->count);
        json_bool(j, "certain", !n->uncertain);
        json_end_object(j);
    }
    json_end_array(j);
}

bool reference_tree_json(struct output *out, struct view *view, const struct reference_tree *tree,
                         enum reference_direction direction, struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct json *j = &out->json;
    struct graph_texts texts = {0};
    struct merged *merged = merge_nodes(tree, err);
    if (!merged)
        return false;
    bool done = true, cut = tree->deeper;
    uint64_t targets = 0;
    json_begin_array(j, "targets");
    for (size_t i = 0; i < tree->node_count; i++) {
        if (tree->nodes[i].depth == 0) {
            json_address(j, NULL, heap->address[tree->nodes[i].object]);
            targets += tree->nodes[i].objects;
        }
    }
    json_end_array(j);
    json_u64(j, "targets_total", targets); /* more than the array has, when alike ones are one node */
    json_begin_array(j, "nodes");
    for (size_t i = 0; i < tree->node_count && done; i++) {
        const struct reference_node *n = &tree->nodes[i];
        cut = cut || n->hidden_nodes;
        if (n->object && merged[i].first == i)
            done = node_json(j, view, n, &merged[i], &texts, err);
    }
    json_end_array(j);
    edges_json(j, heap, tree, direction);
    json_bool(j, "cut", cut);
    graph_texts_free(&texts);
    free(merged);
    return done;
}

struct graph_maker {
    struct view *view;
    const struct reference_tree *tree;
    const struct merged *merged;
    bool inward;
    struct graph_sink sink;
    struct graph_texts texts;
};

static struct graph_name name_of(const struct reference_node *n)
{
    return n->object ? (struct graph_name){'n', n->object} : (struct graph_name){'r', n->root};
}

static bool write_node(struct graph_maker *m, size_t index, struct error *err)
{
    const struct reference_node *n = &m->tree->nodes[index];
    const struct merged *merged = &m->merged[index];
    struct graph_node node;
    if (n->object) {
        if (!graph_node_fill(m->view, n->object, &m->texts, &node, err))
            return false;
        uint64_t unexplained = 0;
        if (n->orphan && !view_unexplained(m->view, n->object, &unexplained, err))
            return false;
        if (unexplained) {
            text_buffer_clear(&m->texts.root);
            text_buffer_format(&m->texts.root, "<held from C ×%" PRIu64 ">", unexplained);
            node.root = text_buffer_text(&m->texts.root);
        }
        if (merged->objects > 1)
            node.text = node.root = "";
    } else {
        node = (struct graph_node){
            .name = name_of(n), .type = n->label, .text = "", .root = n->label, .items = -1};
    }
    node.objects = merged->objects;
    node.depth = merged->depth;
    node.hidden = merged->hidden;
    node.target = merged->target;
    node.inward = m->inward;
    return graph_sink_node(&m->sink, &node, err);
}

static bool write_edge(struct graph_maker *m, const struct reference_node *n, struct error *err)
{
    const struct reference_node *parent = &m->tree->nodes[n->parent];
    const struct graph_edge edge = {.source = name_of(m->inward ? n : parent),
                                    .target = name_of(m->inward ? parent : n),
                                    .kind = n->kind_name,
                                    .name = n->name,
                                    .text = n->text,
                                    .source_type = "",
                                    .target_type = "",
                                    .count = n->count,
                                    .uncertain = n->uncertain,
                                    .weak = reference_kind_is_loose(n->kind)};
    return graph_sink_edge(&m->sink, &edge, err);
}

bool reference_tree_export(struct output *out, struct view *view, const struct reference_tree *tree,
                           enum reference_direction direction, const char *format, struct error *err)
{
    struct merged *merged = merge_nodes(tree, err);
    struct graph_maker m = {
        .view = view, .tree = tree, .merged = merged, .inward = direction == REFERENCES_IN};
    if (!merged)
        return false;
    graph_sink_begin(&m.sink, out, graph_format_find(format));
    bool ok = true;
    for (size_t i = 0; ok && i < tree->node_count; i++)
        if (merged[i].first == i)
            ok = write_node(&m, i, err);
    for (size_t i = 0; ok && i < tree->node_count; i++)
        if (tree->nodes[i].parent != REFERENCE_NO_PARENT)
            ok = write_edge(&m, &tree->nodes[i], err);
    struct error late;
    ok = graph_sink_end(&m.sink, ok ? err : &late) && ok;
    graph_texts_free(&m.texts);
    free(merged);
    return ok;
}
