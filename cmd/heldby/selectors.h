/* selectors.h -- the objects that a command's options name: --type T, --avoid SEL..., --exclude SEL... */
#ifndef HELDBY_SELECTORS_H
#define HELDBY_SELECTORS_H

#include "cmd/heldby/command.h"
#include "lib/graph/object_set.h"
#include "lib/query/view.h"

/* All objects of the types that `pattern` means, ascending by address, for free(). NULL with ERROR_NOT_FOUND
   when there is no such type or no object of it. */
object_id *objects_of_type(struct view *view, const char *pattern, size_t *count, struct error *err);

/* Every value of a repeatable option into one set, created here when there is one; otherwise *ret stays
 * empty. */
bool objects_of_option(const struct invocation *in, const char *option, struct view *view,
                       struct object_set *ret, struct error *err);

#endif
