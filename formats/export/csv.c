#include <inttypes.h>
#include <string.h>

#include "formats/export/escape.h"
#include "formats/export/graph_format.h"

/* Quoted where RFC 4180 asks for it, and where a reader might strip spaces. */
static void put_field(const char *text, struct text_buffer *to)
{
    size_t length = strlen(text), bytes;
    uint32_t code;
    bool quoted = strpbrk(text, ",\"\r\n") || (length && (text[0] == ' ' || text[length - 1] == ' '));
    text_buffer_add(to, quoted ? "\"" : "");
    for (const char *at = text; *at; at += bytes) {
        if ((bytes = escape_span(at, "\"")) > 0) {
            text_buffer_add_n(to, at, bytes);
            continue;
        }
        bytes = escape_next(at, &code);
        if (code == '"')
            text_buffer_add(to, "\"\"");
        else
            escape_copy(at, bytes, to);
    }
    text_buffer_add(to, quoted ? "\"" : "");
}

static void put_end(struct text_buffer *to)
{
    (void)to;
}

static void begin_edges(struct text_buffer *to)
{
    text_buffer_add(to, "source,source_type,kind,name,step,target,target_type,certain\n");
}

static void put_edge(const struct graph_edge *edge, struct text_buffer *to)
{
    text_buffer_format(to, "0x%" PRIx64 ",", edge->source_address);
    put_field(edge->source_type, to);
    text_buffer_add(to, ",");
    put_field(edge->kind, to);
    text_buffer_add(to, ",");
    put_field(edge->name, to);
    text_buffer_add(to, ",");
    put_field(edge->text, to);
    text_buffer_format(to, ",0x%" PRIx64 ",", edge->target_address);
    put_field(edge->target_type, to);
    text_buffer_add(to, edge->uncertain ? ",false\n" : ",true\n");
}

static void begin_nodes(struct text_buffer *to)
{
    text_buffer_add(to, "address,type,shallow,refcount,items,finalizer,root,value\n");
}

static void put_node(const struct graph_node *node, struct text_buffer *to)
{
    text_buffer_format(to, "0x%" PRIx64 ",", node->address);
    put_field(node->type, to);
    text_buffer_format(to, ",%" PRIu64 ",%" PRIu64 ",", node->shallow, node->refcount);
    if (node->items >= 0)
        text_buffer_format(to, "%" PRId64, node->items);
    text_buffer_add(to, node->finalizer ? ",true," : ",false,");
    put_field(node->root, to);
    text_buffer_add(to, ",");
    put_field(node->text, to);
    text_buffer_add(to, "\n");
}

const struct graph_format graph_format_csv_edges = {
    .name = "csv", .begin = begin_edges, .edge = put_edge, .end = put_end};
const struct graph_format graph_format_csv_nodes = {
    .name = "csv", .begin = begin_nodes, .node = put_node, .end = put_end};
