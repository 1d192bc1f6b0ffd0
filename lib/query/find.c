#include "lib/query/find.h"

#include <stdlib.h>
#include <string.h>

#include "lib/query/attribute_filter.h"

struct count_range {
    uint64_t least, most; /* inclusive */
    bool exact;
};

struct finder {
    struct view *view;
    const struct find_request *request;
    struct count_range refcount;
    struct attribute_filter **attributes; /* [request->attribute_count] */
    const struct object_set *transparent;
};

static bool read_count(const char **text, uint64_t *ret)
{
    const char *start = *text;
    *ret = 0;
    for (; **text >= '0' && **text <= '9'; ++*text)
        if (__builtin_mul_overflow(*ret, 10u, ret) ||
            __builtin_add_overflow(*ret, (uint64_t)(**text - '0'), ret))
            return false;
    return *text > start;
}

/* 5, >5, >=5, <5, <=5, 2-5 */
static bool read_range(const char *text, struct count_range *ret)
{
    bool above = *text == '>', below = *text == '<', equal = (above || below) && text[1] == '=';
    const char *at = text + (above || below) + equal;
    uint64_t number, end;
    if (!read_count(&at, &number))
        return false;
    *ret = (struct count_range){number, number, !above && !below};
    if (above)
        ret->most = UINT64_MAX;
    if (below)
        ret->least = 0;
    if (above && !equal && __builtin_add_overflow(number, 1u, &ret->least))
        return false;
    if (below && !equal && __builtin_sub_overflow(number, 1u, &ret->most))
        return false;
    if (ret->exact && *at == '-') {
        at++;
        if (!read_count(&at, &end) || end < number)
            return false;
        *ret = (struct count_range){number, end, false};
    }
    return !*at;
}

static bool begin(struct finder *f, struct error *err)
{
    const struct find_request *request = f->request;
    if (request->refcount && !read_range(request->refcount, &f->refcount))
        return error_set(err, ERROR_USAGE, "--refcount wants 5, '>5', '>=5', '<5', '<=5' or 2-5, not '%s'",
                         request->refcount);
    if (request->max_size && request->max_size < request->selection.min_size)
        return error_set(err, ERROR_USAGE, "no object is both at least %llu and at most %llu bytes large",
                         (unsigned long long)request->selection.min_size,
                         (unsigned long long)request->max_size);
    f->transparent = view_transparent(f->view, err);
    if (!f->transparent)
        return false;
    f->attributes = calloc(request->attribute_count + 1, sizeof *f->attributes);
    if (!f->attributes)
        return error_no_memory(err);
    for (size_t i = 0; i < request->attribute_count; i++)
        if (!(f->attributes[i] = attribute_filter_create(f->view, request->attributes[i], err)))
            return false;
    return true;
}

static void end(struct finder *f)
{
    for (size_t i = 0; f->attributes && i < f->request->attribute_count; i++)
        attribute_filter_destroy(f->attributes[i]);
    free(f->attributes);
}

/* An instance's own dict holds what the instance is said to hold: it is not listed beside it. */
static bool is_said_by_owner(const struct finder *f, object_id id)
{
    return f->request->attribute_count && !f->request->selection.type && object_set_has(f->transparent, id);
}

static bool matches(struct finder *f, object_id id, bool *failed)
{
    const struct find_request *request = f->request;
    const struct heap *heap = view_heap(f->view);
    struct heap_detail detail;
    heap_detail(heap, id, &detail);
    if ((request->max_size && detail.size > request->max_size) ||
        (request->tracked && !(detail.flags & OBJECT_TRACKED)))
        return false;
    if (request->refcount && (detail.refcount < f->refcount.least || detail.refcount > f->refcount.most ||
                              (!f->refcount.exact && heap_is_immortal(heap, &detail))))
        return false;
    if (is_said_by_owner(f, id))
        return false;
    for (size_t i = 0; i < request->attribute_count; i++)
        if (!attribute_filter_matches(f->attributes[i], id, failed))
            return false;
    return true;
}

/* Keeps those that match the rest; *count becomes theirs. */
static bool keep_matching(struct finder *f, object_id *objects, size_t *count, struct error *err)
{
    size_t kept = 0;
    bool failed = false;
    for (size_t i = 0; i < *count && !failed; i++)
        if (matches(f, objects[i], &failed))
            objects[kept++] = objects[i];
    *count = kept;
    return !failed || error_no_memory(err);
}

static uint64_t count_searched(const struct selection *selection, const struct heap *heap)
{
    uint64_t count = 0;
    for (object_id id = 1; selection->types && id <= heap->object_count; id++)
        count += selection->types[heap_type_of(heap, id)];
    return selection->types ? count : heap->object_count;
}

bool find_objects(struct found *ret, struct view *view, const struct find_request *request, uint64_t limit,
                  struct error *err)
{
    struct finder f = {.view = view, .request = request};
    struct selection selection = {0};
    *ret = (struct found){0};
    size_t count = 0;
    bool ok = begin(&f, err) && selection_create(&selection, view, &request->selection, err);
    object_id *objects = ok ? selection_objects(&selection, view, &count, err) : NULL;
    if (objects)
        ret->searched = count_searched(&selection, view_heap(view));
    selection_free(&selection);
    ok = objects && view_details(view, err) && keep_matching(&f, objects, &count, err);
    end(&f);
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
