/* selection.h -- which objects a question is about: by type, module, size, value. */
#ifndef HELDBY_SELECTION_H
#define HELDBY_SELECTION_H

#include <regex.h>

#include "lib/query/view.h"

/* What was asked for; NULL and 0 mean: not restricted. All given conditions must hold. */
struct selection_request {
    const char *type;   /* exact name, glob (* ? [ ]), or a name without its module */
    const char *module; /* exact name or glob of the type's module */
    const char *value;  /* POSIX extended regular expression, searched in the raw text of str and bytes and in
                           the preview of others */
    uint64_t min_size;  /* inclusive, bytes */
};

struct selection {
    bool *types; /* [type_count + 1], or NULL: all */
    struct selection_request request;
    regex_t value;
    bool no_memory; /* an object could not be tested: what was found is not all */
};

/* Compiles. ERROR_NOT_FOUND: no such type, with what comes nearest; ERROR_USAGE: a bare name that several
   types have (all are listed), or a bad expression. */
bool selection_create(struct selection *selection, struct view *view, const struct selection_request *request,
                      struct error *err);
void selection_free(struct selection *selection);
bool selection_matches(struct selection *selection, const struct view *view, object_id id);
/* All objects that match, ascending by address, for free(). *count may be 0 (then the array is still given).
 * NULL: no memory. */
object_id *selection_objects(struct selection *selection, struct view *view, size_t *count,
                             struct error *err);

/* Marks the types a name or glob means. False: none or several, as in selection_create. */
bool selection_types(const struct heap *heap, const char *name, bool *types, struct error *err);

#endif
