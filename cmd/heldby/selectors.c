#include "cmd/heldby/selectors.h"

#include <stdlib.h>

#include "lib/query/expression.h"
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

object_id *objects_of_operands(const struct invocation *in, struct view *view, size_t *count,
                               struct error *err)
{
    if (option_given(in, "type"))
        return objects_of_type(view, option_text(in, "type", NULL), count, err);
    object_id *targets = calloc(in->operand_count, sizeof *targets);
    if (!targets) {
        error_no_memory(err);
        return NULL;
    }
    *count = 0;
    for (size_t i = 1; i < in->operand_count; i++) {
        object_id id = expression_find(view, in->operands[i], err);
        if (!id) {
            free(targets);
            return NULL;
        }
        targets[(*count)++] = id;
    }
    return targets;
}

bool exclusion_of_option(const struct invocation *in, const char *option, struct view *view,
                         struct exclusion *ret, struct error *err)
{
    *ret = (struct exclusion){0};
    const char *text;
    for (size_t i = 0; (text = option_item(in, option, i)); i++) {
        if (!exclusion_add(ret, view, text, err)) {
            exclusion_free(ret);
            return false;
        }
    }
    return true;
}
