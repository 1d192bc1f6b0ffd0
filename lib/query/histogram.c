#include "lib/query/histogram.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "lib/query/referrer_sets.h"
#include "lib/query/selection.h"

enum { SIZE_CLASSES = 65 };

/* A sum for each group of objects; groups with the same name become one row. */
struct groups {
    struct histogram_row *row; /* [count]; name NULL until it has objects */
    size_t count;
};

static int by_count(const void *a, const void *b)
{
    const struct histogram_row *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    if (x->shallow != y->shallow)
        return x->shallow > y->shallow ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_shallow(const void *a, const void *b)
{
    const struct histogram_row *x = a, *y = b;
    if (x->shallow != y->shallow)
        return x->shallow > y->shallow ? -1 : 1;
    return by_count(a, b);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct histogram_row *)a)->name, ((const struct histogram_row *)b)->name);
}

/* 0: size 0; n: sizes 2^(n-1) to 2^n - 1. */
static size_t size_class(uint64_t size)
{
    return size ? 64 - (size_t)__builtin_clzll(size) : 0;
}

static size_t group_of(const struct heap *heap, enum histogram_by by, const struct referrer_sets *sets,
                       object_id id, uint64_t size)
{
    switch (by) {
    case HISTOGRAM_SIZE:
        return size_class(size);
    case HISTOGRAM_REFERRER:
    case HISTOGRAM_VIA:
        return sets->of[id];
    case HISTOGRAM_TYPE:
    case HISTOGRAM_MODULE:
        break;
    }
    return heap_type_of(heap, id);
}

static const char *name_of(const struct heap *heap, enum histogram_by by, const struct referrer_sets *sets,
                           size_t group, struct arena *arena, struct error *err)
{
    struct text_buffer text = {0};
    const char *name;
    switch (by) {
    case HISTOGRAM_TYPE:
        return heap_string(heap, heap->types[group].name, NULL);
    case HISTOGRAM_MODULE:
        name = heap_string(heap, heap->types[group].module, NULL);
        return *name ? name : "builtins";
    case HISTOGRAM_SIZE:
        if (group < 2)
            text_buffer_format(&text, "%zu", group);
        else
            text_buffer_format(&text, "%llu-%llu", 1ull << (group - 1),
                               (1ull << (group - 1)) - 1 + (1ull << (group - 1)));
        break;
    case HISTOGRAM_REFERRER:
    case HISTOGRAM_VIA:
        referrer_sets_text(sets, (uint32_t)group, &text);
        break;
    }
    name = text.failed ? NULL : arena_text(arena, text_buffer_text(&text), text.length, err);
    if (!name)
        error_no_memory(err);
    text_buffer_free(&text);
    return name;
}

/* Rows that have objects and pass the filter, rows of one name merged. */
static bool collect(struct histogram *ret, const struct heap *heap, const struct histogram_options *options,
                    const struct referrer_sets *sets, const struct groups *groups, const regex_t *filter,
                    struct error *err)
{
    ret->rows = arena_take(&ret->arena, groups->count ? groups->count : 1, sizeof *ret->rows, err);
    if (!ret->rows)
        return false;
    size_t count = 0;
    for (size_t g = 0; g < groups->count; g++) {
        struct histogram_row row = groups->row[g];
        if (!row.count)
            continue;
        row.name = name_of(heap, options->by, sets, g, &ret->arena, err);
        if (!row.name)
            return false;
        if (!filter || !regexec(filter, row.name, 0, NULL, 0))
            ret->rows[count++] = row;
    }
    qsort(ret->rows, count, sizeof *ret->rows, by_name);
    for (size_t i = 0; i < count; i++) {
        struct histogram_row *last = ret->row_count ? &ret->rows[ret->row_count - 1] : NULL;
        ret->objects += ret->rows[i].count;
        ret->bytes += ret->rows[i].shallow;
        if (last && !strcmp(last->name, ret->rows[i].name)) {
            last->count += ret->rows[i].count;
            last->shallow += ret->rows[i].shallow;
        } else
            ret->rows[ret->row_count++] = ret->rows[i];
    }
    qsort(ret->rows, ret->row_count, sizeof *ret->rows,
          options->sort == HISTOGRAM_BY_COUNT ? by_count : by_shallow);
    return true;
}

static bool is_by_referrer(const struct histogram_options *options)
{
    return options->by == HISTOGRAM_REFERRER || options->by == HISTOGRAM_VIA;
}

/* Adds up the objects that are asked for; `types` NULL: of all types. */
static void count_objects(const struct view *view, const struct histogram_options *options, const bool *types,
                          const struct referrer_sets *sets, struct groups *groups)
{
    const struct heap *heap = view_heap(view);
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct heap_detail detail;
        heap_detail(heap, id, &detail);
        if ((types && !types[heap_type_of(heap, id)]) ||
            (options->tracked && !(detail.flags & OBJECT_TRACKED)))
            continue;
        struct histogram_row *row = &groups->row[group_of(heap, options->by, sets, id, detail.size)];
        row->count++;
        row->shallow += detail.size;
    }
}

static bool fill(struct histogram *ret, struct view *view, const struct histogram_options *options,
                 const regex_t *filter, struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct referrer_sets sets = {0};
    bool *types = options->type ? calloc((size_t)heap->type_count + 1, sizeof *types) : NULL;
    bool ok = (types || !options->type || error_no_memory(err)) &&
              (!types || selection_types(heap, options->type, types, err)) && view_details(view, err) &&
              (!is_by_referrer(options) ||
               referrer_sets_create(&sets, view,
                                    options->by == HISTOGRAM_VIA ? REFERRER_NAMES : REFERRER_TYPES, err));
    struct groups groups = {.count = options->by == HISTOGRAM_SIZE ? SIZE_CLASSES
                                     : is_by_referrer(options)     ? (size_t)sets.count + 1
                                                                   : (size_t)heap->type_count + 1};
    groups.row = ok ? calloc(groups.count, sizeof *groups.row) : NULL;
    ok = ok && (groups.row || error_no_memory(err));
    if (ok) {
        count_objects(view, options, types, &sets, &groups);
        ok = collect(ret, heap, options, &sets, &groups, filter, err);
    }
    free(types);
    free(groups.row);
    referrer_sets_free(&sets);
    return ok;
}

bool histogram_create(struct histogram *ret, struct view *view, const struct histogram_options *options,
                      struct error *err)
{
    regex_t filter;
    *ret = (struct histogram){0};
    if (options->filter) {
        int status = regcomp(&filter, options->filter, REG_EXTENDED | REG_NOSUB);
        if (status) {
            char why[128];
            if (status == REG_ESPACE)
                return error_no_memory(err);
            regerror(status, &filter, why, sizeof why);
            return error_set(err, ERROR_USAGE, "bad regular expression %s: %s", options->filter, why);
        }
    }
    bool ok = fill(ret, view, options, options->filter ? &filter : NULL, err);
    if (options->filter)
        regfree(&filter);
    if (!ok)
        histogram_free(ret);
    return ok;
}

void histogram_free(struct histogram *histogram)
{
    arena_free(&histogram->arena);
    *histogram = (struct histogram){0};
}
