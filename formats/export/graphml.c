#include "formats/export/reference_graph.h"

#include <inttypes.h>

/* XML 1.0 has no way to write most control characters: they become U+FFFD. */
static void put_escaped(const char *text, struct text_buffer *to)
{
    for (const char *c = text; *c; c++) {
        switch (*c) {
        case '&':
            text_buffer_add(to, "&amp;");
            break;
        case '<':
            text_buffer_add(to, "&lt;");
            break;
        case '>':
            text_buffer_add(to, "&gt;");
            break;
        case '"':
            text_buffer_add(to, "&quot;");
            break;
        default:
            if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t')
                text_buffer_add(to, "\xef\xbf\xbd");
            else
                text_buffer_add_n(to, c, 1);
        }
    }
}

static void put_text(const char *key, const char *text, struct text_buffer *to)
{
    text_buffer_format(to, "<data key=\"%s\">", key);
    put_escaped(text, to);
    text_buffer_add(to, "</data>");
}

static void put_number(const char *key, uint64_t value, struct text_buffer *to)
{
    text_buffer_format(to, "<data key=\"%s\">%" PRIu64 "</data>", key, value);
}

static void put_keys(struct text_buffer *to)
{
    static const struct {
        const char *of, *name, *type;
    } keys[] = {{"node", "address", "string"}, {"node", "type", "string"},    {"node", "value", "string"},
                {"node", "shallow", "long"},   {"node", "objects", "long"},   {"node", "root", "string"},
                {"node", "target", "boolean"}, {"edge", "kind", "string"},    {"edge", "name", "string"},
                {"edge", "count", "long"},     {"edge", "certain", "boolean"}};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        text_buffer_format(to, "  <key id=\"%s\" for=\"%s\" attr.name=\"%s\" attr.type=\"%s\"/>\n",
                           keys[i].name, keys[i].of, keys[i].name, keys[i].type);
}

void export_graphml(const struct reference_graph *graph, struct text_buffer *to)
{
    text_buffer_add(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n");
    put_keys(to);
    text_buffer_add(to, "  <graph edgedefault=\"directed\">\n");
    for (size_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        text_buffer_format(to, "    <node id=\"n%zu\">", i);
        if (node->address)
            text_buffer_format(to, "<data key=\"address\">0x%" PRIx64 "</data>", node->address);
        put_text("type", node->type, to);
        put_text("value", node->text, to);
        put_number("shallow", node->shallow, to);
        put_number("objects", node->objects, to);
        put_text("root", node->root, to);
        put_text("target", node->target ? "true" : "false", to);
        text_buffer_add(to, "</node>\n");
    }
    for (size_t i = 0; i < graph->edge_count; i++) {
        const struct graph_edge *edge = &graph->edges[i];
        text_buffer_format(to, "    <edge source=\"n%zu\" target=\"n%zu\">", edge->source, edge->target);
        put_text("kind", edge->kind, to);
        put_text("name", edge->name, to);
        put_number("count", edge->count, to);
        put_text("certain", edge->uncertain ? "false" : "true", to);
        text_buffer_add(to, "</edge>\n");
    }
    text_buffer_add(to, "  </graph>\n</graphml>\n");
}
