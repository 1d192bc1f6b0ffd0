/* path_table.h -- the steps of a path as a table for people. */
#ifndef HELDBY_PATH_TABLE_H
#define HELDBY_PATH_TABLE_H

#include "cmd/heldby/output.h"
#include "lib/query/path.h"

/* One row for the root, when it is no object of its own, and one per step. A run of PATH_RUN_LEAST equal
 * steps or more (same spelling, same type) is one row with its count, first and last address, and the size of
 * all. Of more rows than the limit the first ones and the last one are shown. */
void path_table_print(struct output *out, const struct view *view, const struct path *path);

#endif
