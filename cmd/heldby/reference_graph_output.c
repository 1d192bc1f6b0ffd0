/* A tree of references as a graph: each object once, however often the tree shows it. JSON, DOT and GraphML.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/reference_output.h"
#include "cmd/heldby/text.h"
#include "formats/export/reference_graph.h"
#include "lib/query/spelling.h"

static bool node_json(struct json *j, struct view *view, const struct reference_node *n, struct arena *arena,
                      struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct root_row root = {.kind = ROOT_NONE};
    if (n->root != PATH_NO_ROOT && !root_row_fill(view, n->root, arena, &root, err))
        return false;
    json_begin_object(j, NULL);
    json_address(j, "address", heap->address[n->object]);
    json_text(j, "type", n->type);
    json_u64(j, "shallow", view_size(view, n->object));
    root_json(j, "root", &root);
    json_u64(j, "objects", n->objects);
    json_end_object(j);
    return true;
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
    struct arena arena = {0};
    struct object_set met = {0};
    if (!object_set_create(&met, heap, err))
        return false;
    bool done = true, cut = tree->deeper;
    json_begin_array(j, "targets");
    for (size_t i = 0; i < tree->node_count; i++) {
        if (tree->nodes[i].depth == 0)
            json_address(j, NULL, heap->address[tree->nodes[i].object]);
    }
    json_end_array(j);
    json_begin_array(j, "nodes");
    for (size_t i = 0; i < tree->node_count && done; i++) {
        const struct reference_node *n = &tree->nodes[i];
        cut = cut || n->hidden_nodes;
        if (n->object && object_set_enter(&met, n->object))
            done = node_json(j, view, n, &arena, err);
    }
    json_end_array(j);
    edges_json(j, heap, tree, direction);
    json_bool(j, "cut", cut);
    object_set_free(&met);
    arena_free(&arena);
    return done;
}

struct graph_maker {
    struct view *view;
    const struct reference_tree *tree;
    struct reference_graph graph;
    struct arena arena;
    size_t *node_of; /* [tree->node_count]: index in graph.nodes */
    bool failed;
};

/* A cleaned copy: no control characters, well-formed UTF-8. */
static const char *keep(struct graph_maker *m, const char *text, struct error *err)
{
    char clean[1024];
    text_clean(text, strlen(text), clean, sizeof clean);
    const char *copy = arena_text(&m->arena, clean, strlen(clean), err);
    m->failed = m->failed || !copy;
    return copy ? copy : "";
}

static void fill_node(struct graph_maker *m, size_t index, const struct reference_node *n, struct error *err)
{
    struct graph_node *node = &m->graph.nodes[index];
    struct root_row root = {.text = ""};
    struct text_buffer preview = {0};
    if (n->root != PATH_NO_ROOT && !root_row_fill(m->view, n->root, &m->arena, &root, err))
        m->failed = true;
    if (n->object && n->objects == 1)
        spelling_preview(m->view, n->object, &preview);
    *node = (struct graph_node){.address = n->object ? view_heap(m->view)->address[n->object] : 0,
                                .type = keep(m, n->object ? n->type : n->label, err),
                                .text = keep(m, text_buffer_text(&preview), err),
                                .shallow = n->object ? view_size(m->view, n->object) : 0,
                                .objects = n->objects,
                                .root = keep(m, root.text ? root.text : "", err),
                                .target = n->depth == 0};
    text_buffer_free(&preview);
}

static int compare_places(const void *a, const void *b)
{
    const object_id *x = *(const object_id *const *)a, *y = *(const object_id *const *)b;
    if (*x != *y)
        return *x < *y ? -1 : 1;
    return (x > y) - (x < y);
}

/* Numbers the nodes: tree nodes of one object get one number, that of the first of them. */
static bool number_nodes(struct graph_maker *m, struct error *err)
{
    size_t count = m->tree->node_count;
    object_id *ids = calloc(count + 1, sizeof *ids);
    object_id **order = calloc(count + 1, sizeof *order);
    size_t *first = calloc(count + 1, sizeof *first); /* tree node -> first tree node of its object */
    bool done = ids && order && first;
    if (done) {
        for (size_t i = 0; i < count; i++) {
            ids[i] = m->tree->nodes[i].object;
            order[i] = &ids[i];
        }
        qsort(order, count, sizeof *order, compare_places);
        for (size_t i = 0; i < count; i++) {
            size_t place = (size_t)(order[i] - ids);
            bool same = i && *order[i] && *order[i] == *order[i - 1];
            first[place] = same ? first[(size_t)(order[i - 1] - ids)] : place;
        }
        for (size_t i = 0; i < count; i++) {
            if (first[i] == i) {
                m->node_of[i] = m->graph.node_count++;
                fill_node(m, m->node_of[i], &m->tree->nodes[i], err);
            } else {
                m->node_of[i] = m->node_of[first[i]];
            }
        }
    }
    free(ids);
    free(order);
    free(first);
    return done || error_no_memory(err);
}

static bool make_graph(struct graph_maker *m, enum reference_direction direction, struct error *err)
{
    size_t count = m->tree->node_count;
    m->graph.nodes = calloc(count + 1, sizeof *m->graph.nodes);
    m->graph.edges = calloc(count + 1, sizeof *m->graph.edges);
    m->node_of = calloc(count + 1, sizeof *m->node_of);
    if (!m->graph.nodes || !m->graph.edges || !m->node_of)
        return error_no_memory(err);
    if (!number_nodes(m, err))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct reference_node *n = &m->tree->nodes[i];
        if (n->parent == REFERENCE_NO_PARENT)
            continue;
        size_t here = m->node_of[i], there = m->node_of[n->parent];
        bool in = direction == REFERENCES_IN;
        m->graph.edges[m->graph.edge_count++] = (struct graph_edge){.source = in ? here : there,
                                                                    .target = in ? there : here,
                                                                    .kind = n->kind_name,
                                                                    .name = keep(m, n->name, err),
                                                                    .text = keep(m, n->text, err),
                                                                    .count = n->count,
                                                                    .uncertain = n->uncertain};
    }
    return !m->failed;
}

bool reference_tree_export(struct output *out, struct view *view, const struct reference_tree *tree,
                           enum reference_direction direction, const char *format, struct error *err)
{
    struct graph_maker m = {.view = view, .tree = tree};
    struct text_buffer text = {0};
    bool done = make_graph(&m, direction, err);
    if (done) {
        if (strcmp(format, "graphml") == 0)
            export_graphml(&m.graph, &text);
        else
            export_dot(&m.graph, &text);
        done = !text.failed || error_no_memory(err);
    }
    if (done)
        fwrite(text_buffer_text(&text), 1, text.length, out->to);
    text_buffer_free(&text);
    arena_free(&m.arena);
    free(m.graph.nodes);
    free(m.graph.edges);
    free(m.node_of);
    return done;
}
