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

/* What both commands do around it. Refuses options that do not go together, and neither OBJECT nor --type. */
bool reference_tree_check(const struct invocation *in, struct error *err);
/* --format json is --json; and JSON has no colours. */
void reference_tree_prepare(const struct invocation *in, struct output *out);
/* The whole answer in the format asked for. */
bool reference_tree_write(const struct invocation *in, struct output *out, struct opened *opened,
                          const struct reference_tree *tree, enum reference_direction direction,
                          struct error *err);

#endif
