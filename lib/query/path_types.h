/* path_types.h -- a chain from a root to an object that only types lead to: a class whose last holders are
 * its instances. */
#ifndef HELDBY_PATH_TYPES_H
#define HELDBY_PATH_TYPES_H

#include "lib/graph/paths.h"
#include "lib/query/view.h"

/* Types count as held by their instances; such a step has the edge TREE_TYPE_EDGE. One walk over all objects.
 */
bool path_through_types(struct view *view, object_id object, struct chain *ret, bool *found,
                        struct error *err);

#endif
