#include "formats/export/reference_graph.h"

#include <inttypes.h>
#include <string.h>

/* Inside a quoted string of the DOT language only the quote and the backslash mean something; controls are
   dropped because Graphviz would put them into its output. */
static void put_quoted(const char *text, struct text_buffer *to)
{
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            text_buffer_format(to, "\\%c", *c);
        else if (*c == '\n')
            text_buffer_add(to, "\\\\n");
        else
            text_buffer_add_n(to, (unsigned char)*c < 0x20 || *c == 0x7f ? "?" : c, 1);
    }
}

static void put_node(const struct graph_node *node, size_t number, struct text_buffer *to)
{
    text_buffer_format(to, "    n%zu [label=\"", number);
    if (node->objects > 1)
        text_buffer_format(to, "%" PRIu64 " × ", node->objects);
    put_quoted(node->type, to);
    if (*node->text) {
        text_buffer_add(to, "\\n");
        put_quoted(node->text, to);
    }
    if (*node->root && strcmp(node->root, node->text) != 0) {
        text_buffer_add(to, "\\n");
        put_quoted(node->root, to);
    }
    text_buffer_add(to, "\"");
    if (node->address)
        text_buffer_format(to, ", tooltip=\"0x%" PRIx64 ", %" PRIu64 " bytes\"", node->address,
                           node->shallow);
    if (node->target)
        text_buffer_add(to, ", fillcolor=\"#f4a6a6\"");
    else if (*node->root)
        text_buffer_add(to, ", fillcolor=\"#b6e3b6\"");
    if (!node->address)
        text_buffer_add(to, ", shape=ellipse");
    text_buffer_add(to, "];\n");
}

void export_dot(const struct reference_graph *graph, struct text_buffer *to)
{
    text_buffer_add(
        to,
        "digraph heldby {\n    node [shape=box, style=filled, fillcolor=white, fontname=\"sans-serif\"];\n"
        "    edge [fontname=\"sans-serif\"];\n");
    for (size_t i = 0; i < graph->node_count; i++)
        put_node(&graph->nodes[i], i, to);
    for (size_t i = 0; i < graph->edge_count; i++) {
        const struct graph_edge *edge = &graph->edges[i];
        text_buffer_format(to, "    n%zu -> n%zu [label=\"", edge->source, edge->target);
        put_quoted(edge->text, to);
        if (edge->count > 1)
            text_buffer_format(to, " ×%" PRIu64, edge->count);
        text_buffer_format(to, "\"%s];\n",
                           edge->uncertain || strcmp(edge->kind, "weak") == 0 ? ", style=dashed" : "");
    }
    text_buffer_add(to, "}\n");
}
