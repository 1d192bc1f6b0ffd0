/* reference_output.h -- prints a tree of references, for referrers and referents alike. */
#ifndef HELDBY_REFERENCE_OUTPUT_H
#define HELDBY_REFERENCE_OUTPUT_H

#include "cmd/heldby/open_heaps.h"
#include "lib/query/reference_tree.h"

bool reference_tree_print(struct output *out, struct view *view, const struct reference_tree *tree,
                          enum reference_direction direction, struct error *err);
/* `targets`, `nodes`, `edges`: an edge's source holds its target. The document is open. */
bool reference_tree_json(struct output *out, struct view *view, const struct reference_tree *tree,
                         enum reference_direction direction, struct error *err);
/* For Graphviz ("dot") or as GraphML ("graphml"). */
bool reference_tree_export(struct output *out, struct view *view, const struct reference_tree *tree,
                           enum reference_direction direction, const char *format, struct error *err);

#endif
