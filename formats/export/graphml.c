#include <inttypes.h>

#include "formats/export/escape.h"
#include "formats/export/graph_format.h"

static void put_escaped(const char *text, struct text_buffer *to)
{
    size_t bytes;
    uint32_t code;
    for (const char *at = text; *at; at += bytes) {
        if ((bytes = escape_span(at, "&<>\"")) > 0) {
            text_buffer_add_n(to, at, bytes);
            continue;
        }
        bytes = escape_next(at, &code);
        if (code == '&')
            text_buffer_add(to, "&amp;");
        else if (code == '<')
            text_buffer_add(to, "&lt;");
        else if (code == '>')
            text_buffer_add(to, "&gt;");
        else if (code == '"')
            text_buffer_add(to, "&quot;");
        else if (!escape_is_plain(code) && code != '\n' && code != '\t')
            text_buffer_add(to, ESCAPE_REPLACEMENT); /* XML 1.0 has no way to write it */
        else
            escape_copy(at, bytes, to);
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

static void put_bool(const char *key, bool value, struct text_buffer *to)
{
    text_buffer_format(to, "<data key=\"%s\">%s</data>", key, value ? "true" : "false");
}

/* Nodes and edges never share a key's id. */
static const struct {
    const char *id, *of, *name, *type;
} keys[] = {{"address", "node", "address", "string"},
            {"type", "node", "type", "string"},
            {"value", "node", "value", "string"},
            {"shallow", "node", "shallow", "long"},
            {"refcount", "node", "refcount", "long"},
            {"immortal", "node", "immortal", "boolean"},
            {"items", "node", "items", "long"},
            {"objects", "node", "objects", "long"},
            {"root", "node", "root", "string"},
            {"depth", "node", "depth", "long"},
            {"hidden", "node", "hidden", "long"},
            {"module", "node", "module", "boolean"},
            {"finalizer", "node", "finalizer", "boolean"},
            {"target", "node", "target", "boolean"},
            {"kind", "edge", "kind", "string"},
            {"name", "edge", "name", "string"},
            {"step", "edge", "label", "string"},
            {"count", "edge", "count", "long"},
            {"weak", "edge", "weak", "boolean"},
            {"certain", "edge", "certain", "boolean"}};

static void put_begin(struct text_buffer *to)
{
    text_buffer_add(to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        text_buffer_format(to, "  <key id=\"%s\" for=\"%s\" attr.name=\"%s\" attr.type=\"%s\"/>\n",
                           keys[i].id, keys[i].of, keys[i].name, keys[i].type);
    text_buffer_add(to, "  <graph edgedefault=\"directed\">\n");
}

static void put_node(const struct graph_node *node, struct text_buffer *to)
{
    text_buffer_format(to, "    <node id=\"%c%" PRIu32 "\">", node->name.kind, node->name.number);
    if (node->address)
        text_buffer_format(to, "<data key=\"address\">0x%" PRIx64 "</data>", node->address);
    put_text("type", node->type, to);
    put_text("value", node->text, to);
    if (node->address) {
        put_number("shallow", node->shallow, to);
        put_number("refcount", node->refcount, to);
        put_bool("immortal", node->immortal, to);
    }
    if (node->items >= 0)
        put_number("items", (uint64_t)node->items, to);
    put_number("objects", node->objects, to);
    put_text("root", node->root, to);
    if (node->depth >= 0)
        put_number("depth", (uint64_t)node->depth, to);
    if (node->hidden)
        put_number("hidden", node->hidden, to);
    put_bool("module", node->module, to);
    put_bool("finalizer", node->finalizer, to);
    put_bool("target", node->target, to);
    text_buffer_add(to, "</node>\n");
}

static void put_edge(const struct graph_edge *edge, struct text_buffer *to)
{
    text_buffer_format(to, "    <edge source=\"%c%" PRIu32 "\" target=\"%c%" PRIu32 "\">", edge->source.kind,
                       edge->source.number, edge->target.kind, edge->target.number);
    put_text("kind", edge->kind, to);
    put_text("name", edge->name, to);
    put_text("step", edge->text, to);
    put_number("count", edge->count, to);
    put_bool("weak", edge->weak, to);
    put_bool("certain", !edge->uncertain, to);
    text_buffer_add(to, "</edge>\n");
}

static void put_end(struct text_buffer *to)
{
    text_buffer_add(to, "  </graph>\n</graphml>\n");
}

const struct graph_format graph_format_graphml = {
    .name = "graphml", .begin = put_begin, .node = put_node, .edge = put_edge, .end = put_end};
