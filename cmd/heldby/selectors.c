#include "cmd/heldby/selectors.h"

#include <stdlib.h>

#include "lib/query/selection.h"

object_id *objects_of_type(struct view *view, const char *pattern, size_t *count, struct error *err)
{
    struct selection_request request = {.type = pattern};
    struct selection selection;
    if (!selection_create(&selection, view, &request, err))
        return NULL;
    object_id *objects = selection_objects(&selection, view, count, err);
    selection_free(&selection);
    if (objects && *count == 0) {
        free(objects);
        error_set(err, ERROR_NOT_FOUND, "there is no object of type %s", pattern);
        return NULL;
    }
    return objects;
}

bool objects_of_option(const struct invocation *in, const char *option, struct view *view,
                       struct object_set *ret, struct error *err)
{
    *ret = (struct object_set){0};
    const char *text;
    for (size_t i = 0; (text = option_item(in, option, i)); i++) {
        if (!ret->bits && !object_set_create(ret, view_heap(view), err))
            return false;
        if (!selection_add(view, text, ret, err)) {
            object_set_free(ret);
            return false;
        }
    }
    return true;
}
