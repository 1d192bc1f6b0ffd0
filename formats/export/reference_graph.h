/* reference_graph.h -- a few objects and the named references between them, as other tools' graph formats
 * want them.
 *
 * A plain table made by the caller; the writers only spell it. Texts may hold anything a snapshot may hold:
 * each writer escapes what its format needs. Nodes are numbered from 0 in the order given, and so named in
 * the output.
 */
#ifndef HELDBY_REFERENCE_GRAPH_H
#define HELDBY_REFERENCE_GRAPH_H

#include "lib/base/text_buffer.h"

struct graph_node {
    uint64_t address; /* 0: a root that is no object, a frame's local variable */
    const char *type; /* of the object; for a root what it is */
    const char *text; /* value or name, "" if none */
    uint64_t shallow; /* bytes */
    uint64_t objects; /* more than 1: stands for so many alike objects */
    const char *root; /* why it is a root, "" if it is none */
    bool target;      /* it was asked for */
};

struct graph_edge {
    size_t source, target;   /* nodes; the source holds the target */
    const char *kind, *name; /* "attribute", "user"; name "" if none */
    const char *text;        /* as a step: .user */
    uint64_t count;
    bool uncertain;
};

struct reference_graph {
    struct graph_node *nodes;
    struct graph_edge *edges;
    size_t node_count, edge_count;
};

/* Graphviz. Boxes as objgraph draws them: type over value; what was asked for is red, roots are green. */
void export_dot(const struct reference_graph *graph, struct text_buffer *to);
/* GraphML 1.0, with the columns as data keys. */
void export_graphml(const struct reference_graph *graph, struct text_buffer *to);

#endif
