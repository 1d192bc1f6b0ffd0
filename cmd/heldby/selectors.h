/* selectors.h -- the objects that a command's options name: --type T, --avoid SEL..., --exclude SEL... */
#ifndef HELDBY_SELECTORS_H
#define HELDBY_SELECTORS_H

#include "cmd/heldby/command.h"
#include "lib/query/exclusion.h"

/* All objects of the types that `pattern` means, ascending by address, for free(). NULL with ERROR_NOT_FOUND
   when there is no such type or no object of it. */
object_id *objects_of_type(struct view *view, const char *pattern, size_t *count, struct error *err);

/* The objects a command is about: those of --type, or those its operands behind the file name; for free(). */
object_id *objects_of_operands(const struct invocation *in, struct view *view, size_t *count,
                               struct error *err);

/* Every value of a repeatable option (--exclude, --avoid) together; stays all zero when none is given. */
bool exclusion_of_option(const struct invocation *in, const char *option, struct view *view,
                         struct exclusion *ret, struct error *err);

#endif
