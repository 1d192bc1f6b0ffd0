#include "lib/query/exclusion.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "lib/graph/shape_traits.h"
#include "lib/query/expression.h"
#include "lib/query/selection.h"
#include "lib/query/spelling.h"
#include "lib/query/type_names.h"

/* A name or a pattern; 'app.*' means everything of app, and app. */
struct pattern {
    const char *text;
    bool glob;
    size_t all_of; /* length of "app" in 'app.*', or 0 */
};

static struct pattern pattern_of(const char *text)
{
    struct pattern pattern = {.text = text, .glob = type_names_is_glob(text)};
    size_t length = strlen(text);
    if (length > 2 && !strcmp(text + length - 2, ".*"))
        pattern.all_of = length - 2;
    return pattern;
}

static bool matches(const struct pattern *pattern, const char *name, bool is_module)
{
    if (!strcmp(name, pattern->text))
        return true;
    if (is_module && pattern->all_of && strlen(name) == pattern->all_of &&
        !strncmp(name, pattern->text, pattern->all_of))
        return true;
    return pattern->glob && !fnmatch(pattern->text, name, 0);
}

static void add_with_namespace(struct exclusion *exclusion, const struct heap *heap, object_id id)
{
    object_set_add(&exclusion->objects, id);
    const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
    uint64_t start = csr_start(&heap->edges, id), length = csr_end(&heap->edges, id) - start;
    for (uint32_t f = 0; f < shape->field_count && f < length; f++)
        if (reference_kind_is_part(heap->fields[shape->field_start + f].kind) && heap->edges.item[start + f])
            object_set_add(&exclusion->objects, heap->edges.item[start + f]);
}

/* Objects with a name of their own, and frames, which are running functions. */
static bool add_named(struct exclusion *exclusion, struct view *view, const struct pattern *pattern,
                      bool *any, struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct text_buffer name = {0};
    for (object_id id = 1; id <= heap->object_count; id++) {
        enum family family = heap_family(heap, id);
        if (family != FAMILY_MODULE && family != FAMILY_TYPE && family != FAMILY_FUNCTION)
            continue;
        text_buffer_clear(&name);
        spelling_object(view, id, &name);
        if (matches(pattern, text_buffer_text(&name), family == FAMILY_MODULE)) {
            add_with_namespace(exclusion, heap, id);
            *any = true;
        }
    }
    for (uint32_t i = 0; i < heap->root_count; i++) {
        const struct heap_root *root = &heap->roots[i];
        if (root->kind != ROOT_FRAME || !root->frame)
            continue;
        text_buffer_clear(&name);
        text_buffer_add(&name, heap_string(heap, heap->frames[root->frame].module, NULL));
        text_buffer_add(&name, ".");
        text_buffer_add(&name, view_frame_function(view, root->frame));
        if (matches(pattern, text_buffer_text(&name), false))
            *any = exclusion->roots[i] = true;
    }
    bool ok = !name.failed || error_no_memory(err);
    text_buffer_free(&name);
    return ok;
}

static bool add_types(struct exclusion *exclusion, const struct heap *heap, const bool *types)
{
    bool any = false;
    for (object_id id = 1; id <= heap->object_count; id++)
        if (types[heap_type_of(heap, id)]) {
            object_set_add(&exclusion->objects, id);
            any = true;
        }
    return any;
}

/* Everything that bears the name. */
static bool add_name(struct exclusion *exclusion, struct view *view, const char *text, bool *any,
                     struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct pattern pattern = pattern_of(text);
    bool *types = calloc((size_t)heap->type_count + 1, sizeof *types);
    if (!types)
        return error_no_memory(err);
    for (type_id t = 1; t <= heap->type_count; t++) {
        types[t] = matches(&pattern, heap_string(heap, heap->types[t].name, NULL), false);
        *any |= types[t];
    }
    add_types(exclusion, heap, types);
    bool ok = add_named(exclusion, view, &pattern, any, err);
    struct error type_error = {0};
    if (ok && !*any) { /* a name without its module? */
        if (strpbrk(text, "*?"))
            ok = error_set(err, ERROR_NOT_FOUND, "no type, module, class or function matches %s", text);
        else if (selection_types(heap, text, types, &type_error))
            *any = true;
        else if (type_error.code != ERROR_NOT_FOUND || !strpbrk(text, "[<{."))
            ok = error_set(err, type_error.code, "%s", type_error.message);
        if (*any)
            add_types(exclusion, heap, types);
    }
    free(types);
    return ok;
}

bool exclusion_add(struct exclusion *exclusion, struct view *view, const char *text, struct error *err)
{
    const struct heap *heap = view_heap(view);
    bool any = false;
    if (!exclusion->objects.bits && !object_set_create(&exclusion->objects, heap, err))
        return false;
    if (!exclusion->roots) {
        exclusion->roots = calloc((size_t)heap->root_count + 1, sizeof *exclusion->roots);
        if (!exclusion->roots)
            return error_no_memory(err);
    }
    bool number = *text == '@' || (*text >= '0' && *text <= '9');
    if (!number && !add_name(exclusion, view, text, &any, err))
        return false;
    if (any)
        return true;
    object_id id = expression_find(view, text, err);
    if (id)
        object_set_add(&exclusion->objects, id);
    return id != 0;
}

void exclusion_free(struct exclusion *exclusion)
{
    object_set_free(&exclusion->objects);
    free(exclusion->roots);
    *exclusion = (struct exclusion){0};
}
