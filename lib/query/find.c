#include "lib/query/find.h"

#include <stdlib.h>

bool find_objects(struct found *ret, struct view *view, const struct selection_request *request,
                  uint64_t limit, struct error *err)
{
    struct selection selection;
    *ret = (struct found){0};
    size_t count = 0;
    if (!selection_create(&selection, view, request, err))
        return false;
    object_id *objects = selection_objects(&selection, view, &count, err);
    selection_free(&selection);
    bool ok = objects && view_details(view, err);
    for (size_t i = 0; ok && i < count; i++)
        ret->bytes += view_size(view, objects[i]);
    ret->objects = count;
    ok =
        ok && object_rows_largest(view, objects, count, limit, &ret->arena, &ret->rows, &ret->row_count, err);
    free(objects);
    if (!ok)
        find_free(ret);
    return ok;
}

void find_free(struct found *found)
{
    arena_free(&found->arena);
    *found = (struct found){0};
}
