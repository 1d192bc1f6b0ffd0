#include "lib/query/selection.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text_buffer.h"
#include "lib/graph/address_order.h"
#include "lib/query/expression.h"
#include "lib/query/spelling.h"
#include "lib/query/type_names.h"

bool selection_types(const struct heap *heap, const char *name, bool *types, struct error *err)
{
    const char **names = malloc(((size_t)heap->type_count + 1) * sizeof *names);
    if (!names)
        return error_no_memory(err);
    for (type_id t = 1; t <= heap->type_count; t++)
        names[t - 1] = heap_string(heap, heap->types[t].name, NULL);
    bool ok = type_names_match(names, heap->type_count, name, types + 1, err);
    free(names);
    return ok;
}

static const char *module_of(const struct heap *heap, type_id type)
{
    const char *module = heap_string(heap, heap->types[type].module, NULL);
    return *module ? module : "builtins";
}

static bool error_no_module(const struct heap *heap, const char *module, struct error *err)
{
    const char **names = malloc(((size_t)heap->type_count + 1) * sizeof *names);
    struct text_buffer near = {0};
    if (!names)
        return error_no_memory(err);
    for (type_id t = 1; t <= heap->type_count; t++)
        names[t - 1] = module_of(heap, t);
    bool any = type_names_nearest(names, heap->type_count, module, &near);
    error_set(err, ERROR_NOT_FOUND, "no module %s among those of its %u types%s%s", module, heap->type_count,
              any ? "; there is " : "", text_buffer_text(&near));
    text_buffer_free(&near);
    free(names);
    return false;
}

/* Keeps those types whose module matches. */
static bool restrict_module(const struct heap *heap, const char *module, bool *types, struct error *err)
{
    bool any = false;
    for (type_id t = 1; t <= heap->type_count; t++) {
        const char *of = module_of(heap, t);
        bool match = !strcmp(of, module) || (type_names_is_glob(module) && !fnmatch(module, of, 0));
        any |= match;
        types[t] = types[t] && match;
    }
    return any || error_no_module(heap, module, err);
}

bool selection_create(struct selection *selection, struct view *view, const struct selection_request *request,
                      struct error *err)
{
    const struct heap *heap = view_heap(view);
    *selection = (struct selection){.request = *request};
    if (request->value) {
        int status = regcomp(&selection->value, request->value, REG_EXTENDED | REG_NOSUB);
        if (status) {
            char why[128];
            regerror(status, &selection->value, why, sizeof why);
            selection->request.value = NULL;
            if (status == REG_ESPACE)
                return error_no_memory(err);
            return error_set(err, ERROR_USAGE, "bad regular expression %s: %s", request->value, why);
        }
    }
    bool ok = true;
    if (request->type || request->module) {
        selection->types = malloc((size_t)heap->type_count + 1);
        if (!selection->types)
            ok = error_no_memory(err);
        else
            memset(selection->types, true, (size_t)heap->type_count + 1);
    }
    ok = ok && (!request->type || selection_types(heap, request->type, selection->types, err)) &&
         (!request->module || restrict_module(heap, request->module, selection->types, err));
    if (!ok)
        selection_free(selection);
    return ok;
}

void selection_free(struct selection *selection)
{
    free(selection->types);
    if (selection->request.value)
        regfree(&selection->value);
    *selection = (struct selection){0};
}

static bool value_matches(struct selection *selection, const struct view *view, object_id id)
{
    struct heap_preview preview;
    struct text_buffer text = {0};
    bool raw = heap_preview(view_heap(view), id, &preview) &&
               (preview.kind == PREVIEW_STR || preview.kind == PREVIEW_BYTES || preview.kind == PREVIEW_NAME);
    if (raw)
        text_buffer_add_n(&text, preview.text, preview.length);
    else
        spelling_preview(view, id, &text);
    /* NULs end a pattern's text: they are searched as spaces. */
    for (size_t i = 0; i < text.length && !text.failed; i++)
        if (!text.text[i])
            text.text[i] = ' ';
    int status = text.length ? regexec(&selection->value, text_buffer_text(&text), 0, NULL, 0) : REG_NOMATCH;
    selection->no_memory |= text.failed || status == REG_ESPACE;
    bool match = !status;
    text_buffer_free(&text);
    return match;
}

bool selection_matches(struct selection *selection, const struct view *view, object_id id)
{
    const struct selection_request *request = &selection->request;
    const struct heap *heap = view_heap(view);
    if (selection->types && !selection->types[heap_type_of(heap, id)])
        return false;
    if (request->min_size) {
        struct heap_detail detail;
        if (!heap_detail(heap, id, &detail) || detail.size < request->min_size)
            return false;
    }
    return !request->value || value_matches(selection, view, id);
}

object_id *selection_objects(struct selection *selection, struct view *view, size_t *count, struct error *err)
{
    const struct heap *heap = view_heap(view);
    if (selection->request.min_size && !view_details(view, err))
        return NULL;
    object_id *objects = address_order(heap, err);
    if (!objects)
        return NULL;
    *count = 0;
    for (uint32_t i = 0; i < heap->object_count; i++)
        if (selection_matches(selection, view, objects[i]))
            objects[(*count)++] = objects[i];
    if (selection->no_memory) {
        free(objects);
        error_no_memory(err);
        return NULL;
    }
    return objects;
}
