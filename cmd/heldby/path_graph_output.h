/* path_graph_output.h -- chains as a graph for other tools: what they share once. */
#ifndef HELDBY_PATH_GRAPH_OUTPUT_H
#define HELDBY_PATH_GRAPH_OUTPUT_H

#include "cmd/heldby/graph_output.h"
#include "lib/query/path.h"

/* `target` is the object asked for. */
bool paths_export(struct output *out, struct view *view, const struct paths *paths, object_id target,
                  const struct graph_format *format, struct error *err);

#endif
