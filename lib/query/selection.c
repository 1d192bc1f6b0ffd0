#include "lib/query/selection.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text_buffer.h"
#include "lib/graph/address_order.h"
#include "lib/query/expression.h"
#include "lib/query/spelling.h"

enum { NAMES_SHOWN = 8 };

static bool is_glob(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

/* app.Outer.Inner: "Inner" and "Outer.Inner" are names without the module. */
static bool is_bare_name_of(const char *full, const char *name)
{
    size_t length = strlen(full), tail = strlen(name);
    return length > tail && full[length - tail - 1] == '.' && !strcmp(full + length - tail, name);
}

/* Appends a type's name to a list for an error message, once. */
static void add_listed(struct text_buffer *list, const char *name, unsigned *count)
{
    const char *text = text_buffer_text(list), *at = strstr(text, name);
    size_t length = strlen(name);
    if (at && (at == text || at[-1] == ' ') && (at[length] == ',' || !at[length]))
        return;
    if (++*count > NAMES_SHOWN)
        return;
    if (list->length)
        text_buffer_add(list, ", ");
    text_buffer_add(list, name);
}

static bool error_no_type(const struct heap *heap, const char *name, struct error *err)
{
    struct text_buffer near = {0};
    unsigned count = 0;
    const char *last = strrchr(name, '.');
    last = last && last[1] ? last + 1 : name;
    for (type_id t = 1; t <= heap->type_count; t++) {
        const char *full = heap_string(heap, heap->types[t].name, NULL);
        if (*name && strcasestr(full, last))
            add_listed(&near, full, &count);
    }
    if (count)
        error_set(err, ERROR_NOT_FOUND, "no type %s; there is %s%s", name, text_buffer_text(&near),
                  count > NAMES_SHOWN ? ", ..." : "");
    else
        error_set(err, ERROR_NOT_FOUND, "no type %s", name);
    text_buffer_free(&near);
    return false;
}

bool selection_types(const struct heap *heap, const char *name, bool *types, struct error *err)
{
    bool any = false;
    for (type_id t = 1; t <= heap->type_count; t++) {
        const char *full = heap_string(heap, heap->types[t].name, NULL);
        types[t] = !strcmp(full, name) || (is_glob(name) && !fnmatch(name, full, 0));
        any |= types[t];
    }
    if (any)
        return true;
    struct text_buffer matches = {0};
    unsigned count = 0;
    for (type_id t = 1; t <= heap->type_count && *name; t++) {
        const char *full = heap_string(heap, heap->types[t].name, NULL);
        types[t] = is_bare_name_of(full, name);
        if (types[t])
            add_listed(&matches, full, &count);
    }
    if (count > 1)
        error_set(err, ERROR_USAGE, "%s is the name of several types: %s%s", name, text_buffer_text(&matches),
                  count > NAMES_SHOWN ? ", ..." : "");
    text_buffer_free(&matches);
    return count == 1 || (count ? false : error_no_type(heap, name, err));
}

/* Keeps those types whose module matches. */
static bool restrict_module(const struct heap *heap, const char *module, bool *types, struct error *err)
{
    bool any = false;
    for (type_id t = 1; t <= heap->type_count; t++) {
        const char *of = heap_string(heap, heap->types[t].module, NULL);
        bool match = !strcmp(of, module) || (is_glob(module) && !fnmatch(module, of, 0));
        any |= match;
        types[t] = types[t] && match;
    }
    return any || error_set(err, ERROR_NOT_FOUND, "no type of a module %s", module);
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
    if (request->min_size || request->by_refcount) {
        struct heap_detail detail;
        if (!heap_detail(heap, id, &detail) || detail.size < request->min_size ||
            (request->by_refcount && detail.refcount != request->refcount))
            return false;
    }
    return !request->value || value_matches(selection, view, id);
}

object_id *selection_objects(struct selection *selection, struct view *view, size_t *count, struct error *err)
{
    const struct heap *heap = view_heap(view);
    if ((selection->request.min_size || selection->request.by_refcount) && !view_details(view, err))
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

bool selection_add(struct view *view, const char *text, struct object_set *set, struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct error type_error = {0};
    bool number = *text == '@' || (*text >= '0' && *text <= '9');
    bool *types = number ? NULL : calloc((size_t)heap->type_count + 1, 1);
    if (!number && !types)
        return error_no_memory(err);
    if (types && selection_types(heap, text, types, &type_error)) {
        for (object_id id = 1; id <= heap->object_count; id++)
            if (types[heap_type_of(heap, id)])
                object_set_add(set, id);
        free(types);
        return true;
    }
    free(types);
    if (!number && type_error.code == ERROR_USAGE) {
        if (err)
            *err = type_error;
        return false;
    }
    object_id id = expression_find(view, text, err);
    if (!id && err && !number && !strpbrk(text, "[<{"))
        *err = type_error; /* it reads like a type's name */
    if (id)
        object_set_add(set, id);
    return id != 0;
}
