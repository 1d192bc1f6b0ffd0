#include <inttypes.h>
#include <string.h>

#include "formats/export/escape.h"
#include "formats/export/graph_format.h"

/* Inside a quoted string Graphviz reads the quote, the backslash and, in labels, HTML entities. A new line is
 * one in the label, too; other controls would get into its output. */
static void put_quoted(const char *text, struct text_buffer *to)
{
    size_t bytes;
    uint32_t code;
    for (const char *at = text; *at; at += bytes) {
        if ((bytes = escape_span(at, "\"\\&")) > 0) {
            text_buffer_add_n(to, at, bytes);
            continue;
        }
        bytes = escape_next(at, &code);
        if (code == '"' || code == '\\')
            text_buffer_format(to, "\\%c", (char)code);
        else if (code == '&')
            text_buffer_add(to, "&amp;");
        else if (code == '\n')
            text_buffer_add(to, "\\n");
        else if (!escape_is_plain(code))
            text_buffer_add(to, ESCAPE_REPLACEMENT);
        else
            escape_copy(at, bytes, to);
    }
}

static void put_line(const char *text, struct text_buffer *to)
{
    if (*text) {
        text_buffer_add(to, "\\n");
        put_quoted(text, to);
    }
}

static void put_label(const struct graph_node *node, struct text_buffer *to)
{
    if (node->objects > 1)
        text_buffer_format(to, "%" PRIu64 " × ", node->objects);
    put_quoted(node->type, to);
    if (node->address && node->objects <= 1) {
        if (node->immortal)
            text_buffer_add(to, " [immortal]");
        else
            text_buffer_format(to, " [%" PRIu64 "]", node->refcount);
    }
    if (node->items >= 0 && node->objects <= 1)
        text_buffer_format(to, "\\n%" PRId64 " item%s", node->items, node->items == 1 ? "" : "s");
    else
        put_line(node->text, to);
    if (*node->root && strcmp(node->root, node->text) != 0 && strcmp(node->root, node->type) != 0)
        put_line(node->root, to);
}

/* White to grey, a step darker with every reference away from what was asked for. */
static unsigned shade_of(const struct graph_node *node)
{
    enum { LIGHTEST = 255, STEP = 24, DARKEST = 87 };
    int64_t steps = node->depth > 0 ? node->depth : 0;
    return steps * STEP > LIGHTEST - DARKEST ? DARKEST : (unsigned)(LIGHTEST - steps * STEP);
}

/* The box that stands for what a limit cut off. */
static void put_hidden(const struct graph_node *node, struct text_buffer *to)
{
    char kind = node->name.kind;
    uint32_t number = node->name.number;
    text_buffer_format(to,
                       "    more_%c%" PRIu32 " [label=\"%" PRIu64 " more %s%s\", color=red, "
                       "fillcolor=\"#f4a6a6\", fontsize=9];\n",
                       kind, number, node->hidden, node->inward ? "referrer" : "referent",
                       node->hidden == 1 ? "" : "s");
    if (node->inward)
        text_buffer_format(to, "    more_%c%" PRIu32 " -> %c%" PRIu32, kind, number, kind, number);
    else
        text_buffer_format(to, "    %c%" PRIu32 " -> more_%c%" PRIu32, kind, number, kind, number);
    text_buffer_add(to, " [color=red, style=dotted];\n");
}

static void put_node(const struct graph_node *node, struct text_buffer *to)
{
    unsigned shade = shade_of(node);
    text_buffer_format(to, "    %c%" PRIu32 " [label=\"", node->name.kind, node->name.number);
    put_label(node, to);
    text_buffer_add(to, "\"");
    if (node->address)
        text_buffer_format(to, ", tooltip=\"0x%" PRIx64 ", %" PRIu64 " bytes\"", node->address,
                           node->shallow);
    else
        text_buffer_add(to, ", shape=ellipse");
    if (node->module || *node->root)
        text_buffer_format(to, ", fillcolor=\"#%02x%02x%02x\"", shade * 7 / 10, shade, shade * 7 / 10);
    else
        text_buffer_format(to, ", fillcolor=\"#%02x%02x%02x\"", shade, shade, shade);
    if (node->target)
        text_buffer_add(to, ", fontcolor=red");
    else if (shade < 128)
        text_buffer_add(to, ", fontcolor=white");
    if (node->finalizer)
        text_buffer_add(to, ", color=red, peripheries=2");
    text_buffer_add(to, "];\n");
    if (node->hidden)
        put_hidden(node, to);
}

static void put_edge(const struct graph_edge *edge, struct text_buffer *to)
{
    text_buffer_format(to, "    %c%" PRIu32 " -> %c%" PRIu32 " [label=\"", edge->source.kind,
                       edge->source.number, edge->target.kind, edge->target.number);
    put_quoted(edge->text, to);
    if (edge->count > 1)
        text_buffer_format(to, " ×%" PRIu64, edge->count);
    text_buffer_format(to, "\"%s];\n", edge->uncertain || edge->weak ? ", style=dashed" : "");
}

static void put_begin(struct text_buffer *to)
{
    text_buffer_add(to, "digraph heldby {\n"
                        "    graph [charset=\"UTF-8\"];\n"
                        "    node [shape=box, style=filled, fillcolor=white, fontname=\"sans-serif\"];\n"
                        "    edge [fontname=\"sans-serif\"];\n");
}

static void put_end(struct text_buffer *to)
{
    text_buffer_add(to, "}\n");
}

const struct graph_format graph_format_dot = {
    .name = "dot", .begin = put_begin, .node = put_node, .edge = put_edge, .end = put_end};
