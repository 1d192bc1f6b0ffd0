/* graph_format.h -- objects and the named references between them, as other tools' formats want them.
 *
 * A format is a row of functions that append to a text_buffer, piece by piece: begin, every node, every edge,
 * end. The caller empties the buffer whenever it likes, so a graph of millions of objects needs no memory
 * here. Texts are terminated and may hold any bytes: each writer escapes what its format needs, and writes
 * bytes that are not UTF-8, and characters the format cannot have, as U+FFFD.
 *
 * Nodes are named by kind and number: n12 is the object @12 in the same file, r3 a root that is no object.
 * Edges go from the holder to what it holds. Nodes must come before the edges.
 */
#ifndef HELDBY_GRAPH_FORMAT_H
#define HELDBY_GRAPH_FORMAT_H

#include "lib/base/text_buffer.h"

struct graph_name {
    char kind; /* 'n': an object; 'r': a root that is none, a frame's local variable */
    uint32_t number;
};

struct graph_node {
    struct graph_name name;
    uint64_t address; /* 0 for a root */
    const char *type; /* of the object; for a root what it is: app.handle.<locals>.x */
    const char *text; /* value or name, "" if none */
    const char *root; /* why it is a root, "" if it is none */
    uint64_t shallow; /* bytes */
    uint64_t refcount;
    uint64_t objects; /* more than 1: stands for so many alike objects; sizes and counts are of the first */
    uint64_t hidden;  /* neighbours that a limit cut off */
    int64_t items;    /* references in a container's own storage; -1: no container */
    int64_t depth;    /* steps from what was asked for; -1: nothing was */
    bool immortal;
    bool target;    /* it was asked for */
    bool module;    /* it is one */
    bool finalizer; /* its type has a __del__ of the program's, or an old tp_del */
    bool inward;    /* `hidden` are holders, not objects held */
};

struct graph_edge {
    struct graph_name source, target;
    const char *kind, *name; /* "attribute", "user"; name "" if none */
    const char *text;        /* as a step: .user */
    uint64_t count;          /* references it stands for */
    bool uncertain, weak;
    uint64_t source_address, target_address;
    const char *source_type, *target_type; /* for formats without nodes */
};

struct graph_format {
    const char *name; /* as --format has it */
    void (*begin)(struct text_buffer *to);
    void (*node)(const struct graph_node *node, struct text_buffer *to); /* NULL: has none */
    void (*edge)(const struct graph_edge *edge, struct text_buffer *to); /* NULL: has none */
    void (*end)(struct text_buffer *to);
};

/* Graphviz. Boxes as objgraph draws them: type and refcount over value or number of items; white to grey with
 * the distance from the targets, whose text is red; modules and other roots green; a red double frame: a
 * finalizer; a red box: what a limit cut off. */
extern const struct graph_format graph_format_dot;
/* GraphML 1.0, the members above as data. */
extern const struct graph_format graph_format_graphml;
/* A line for each reference, or for each object; the first line names the columns. RFC 4180, lines end with
 * LF. */
extern const struct graph_format graph_format_csv_edges;
extern const struct graph_format graph_format_csv_nodes;

#endif
