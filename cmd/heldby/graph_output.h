/* graph_output.h -- objects and references on their way into a graph format: written as they come, their
 * texts cleaned. */
#ifndef HELDBY_GRAPH_OUTPUT_H
#define HELDBY_GRAPH_OUTPUT_H

#include "cmd/heldby/output.h"
#include "formats/export/graph_format.h"
#include "lib/query/holders.h"
#include "lib/query/rows.h"

/* The texts of one node or edge, and what is looked up once; begins all zero. */
struct graph_texts {
    struct text_buffer text, root, name, step;
    uint8_t *finalizers; /* by type, enum finalizer */
};
void graph_texts_free(struct graph_texts *texts);

/* Everything about an object as a node; depth -1, not a target. The texts are as the snapshot has them, and
 * live until the next call. */
bool graph_node_fill(struct view *view, object_id object, struct graph_texts *texts, struct graph_node *ret,
                     struct error *err);
/* A reference as an edge between objects. */
bool graph_edge_fill(struct view *view, const struct hold *hold, struct graph_texts *texts,
                     struct graph_edge *ret, struct error *err);
/* The format that --format names, or NULL: it is not one of formats/export. */
const struct graph_format *graph_format_find(const char *name);

enum { GRAPH_TEXT = 1024 }; /* bytes of a cleaned text; longer ones are cut */

struct graph_sink {
    struct output *out;
    const struct graph_format *format;
    struct text_buffer text;
    char clean[4][GRAPH_TEXT];
};

void graph_sink_begin(struct graph_sink *sink, struct output *out, const struct graph_format *format);
/* False: no memory, or the destination takes no more (the error of which output_answer finds). */
bool graph_sink_node(struct graph_sink *sink, const struct graph_node *node, struct error *err);
bool graph_sink_edge(struct graph_sink *sink, const struct graph_edge *edge, struct error *err);
bool graph_sink_end(struct graph_sink *sink, struct error *err); /* frees; must follow begin */

#endif
