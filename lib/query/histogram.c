#include "lib/query/histogram.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "lib/query/name_table.h"
#include "lib/query/referrer_sets.h"
#include "lib/query/selection.h"
#include "lib/query/view_private.h"

enum { SIZE_CLASSES = 65 };
#define GROUPLESS SIZE_MAX

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

static int by_retained(const void *a, const void *b)
{
    const struct histogram_row *x = a, *y = b;
    if (x->retained != y->retained)
        return x->retained > y->retained ? -1 : 1;
    return by_shallow(a, b);
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
        return *name ? name : heap->types[group].family == FAMILY_NATIVE ? "<native>" : "builtins";
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
        row.native = options->by == HISTOGRAM_TYPE && g && heap->types[g].family == FAMILY_NATIVE;
        row.label = row.native ? (enum type_label)heap->types[g].label : LABEL_RUNTIME;
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
            last->retained += ret->rows[i].retained;
        } else
            ret->rows[ret->row_count++] = ret->rows[i];
    }
    qsort(ret->rows, ret->row_count, sizeof *ret->rows,
          options->sort == HISTOGRAM_BY_COUNT      ? by_count
          : options->sort == HISTOGRAM_BY_RETAINED ? by_retained
                                                   : by_shallow);
    return true;
}

static bool is_by_referrer(const struct histogram_options *options)
{
    return options->by == HISTOGRAM_REFERRER || options->by == HISTOGRAM_VIA;
}

/* What a pass over all objects needs. */
struct counting {
    const struct heap *heap;
    const struct histogram_options *options;
    const bool *types; /* NULL: of all types */
    const struct referrer_sets *sets;
    struct groups *groups;
};

/* The group of an object that is asked for, or GROUPLESS. */
static size_t asked_group(const struct counting *c, object_id id, uint64_t size, uint8_t flags)
{
    if ((c->types && !c->types[heap_type_of(c->heap, id)]) ||
        (c->options->tracked && !(flags & OBJECT_TRACKED)))
        return GROUPLESS;
    return group_of(c->heap, c->options->by, c->sets, id, size);
}

static void count_objects(void *context, object_id first, uint32_t count, const uint64_t *size,
                          const uint64_t *refcount, const uint8_t *flags)
{
    const struct counting *c = context;
    (void)refcount;
    for (uint32_t i = 0; i < count; i++) {
        size_t group = asked_group(c, first + i, size[i], flags[i]);
        if (group == GROUPLESS)
            continue;
        c->groups->row[group].count++;
        c->groups->row[group].shallow += size[i];
    }
}

/* The first group of the same name, of types and modules: rows of one name are one. */
static bool join_groups(const struct heap *heap, const struct histogram_options *options,
                        const struct groups *groups, size_t *of, struct error *err)
{
    struct name_table names = {0};
    bool named = options->by == HISTOGRAM_TYPE || options->by == HISTOGRAM_MODULE, ok = true;
    for (size_t g = 0; ok && g < groups->count; g++) {
        of[g] = g;
        if (!named || !g)
            continue;
        const char *name = name_of(heap, options->by, NULL, g, NULL, err);
        uint32_t row = name_table_row(&names, name, strlen(name), err);
        ok = row != UINT32_MAX;
        of[g] = row;
    }
    name_table_free(&names);
    return ok;
}

/* What is freed with each group: its objects' retained sizes, but for those that hang under another of it.
 * The dominator tree is walked in depth; `inside` counts a group's objects on the way down to here. */
static bool add_retained(struct view *view, const struct counting *c, struct error *err)
{
    const struct heap *heap = c->heap;
    struct groups *groups = c->groups;
    const struct dominators *d = view_dominators(view, err);
    struct dominator_children children = {0};
    size_t *first = calloc(groups->count + 1, sizeof *first);
    uint32_t *inside = calloc(groups->count + 1, sizeof *inside);
    uint32_t *next = d ? malloc(((size_t)d->count + 1) * sizeof *next) : NULL, n = 0;
    bool ok = d && ((first && inside && next) || error_no_memory(err)) &&
              join_groups(heap, c->options, groups, first, err) && dominators_children(d, &children, err);
    if (ok)
        memcpy(next, children.start, ((size_t)d->count + 1) * sizeof *next);
    while (ok && (n || next[0] < children.start[1])) {
        bool down = next[n] < children.start[n + 1];
        uint32_t at = down ? children.child[next[n]++] : n;
        struct heap_detail detail;
        heap_detail(heap, d->object[at], &detail);
        size_t group = asked_group(c, d->object[at], detail.size, detail.flags);
        if (group != GROUPLESS && down && !inside[first[group]]++)
            groups->row[group].retained += d->retained[at];
        else if (group != GROUPLESS && !down)
            inside[first[group]]--;
        n = down ? at : d->parent[at];
    }
    free(first);
    free(inside);
    free(next);
    dominator_children_free(&children);
    return ok;
}

static bool fill(struct histogram *ret, struct view *view, const struct histogram_options *options,
                 const regex_t *filter, struct error *err)
{
    struct heap *heap = view->heap;
    struct referrer_sets sets = {0};
    bool *types = options->type ? calloc((size_t)heap->type_count + 1, sizeof *types) : NULL;
    bool ok = (types || !options->type || error_no_memory(err)) &&
              (!types || selection_types(heap, options->type, types, err)) &&
              (!is_by_referrer(options) ||
               referrer_sets_create(&sets, view,
                                    options->by == HISTOGRAM_VIA ? REFERRER_NAMES : REFERRER_TYPES, err));
    struct groups groups = {.count = options->by == HISTOGRAM_SIZE ? SIZE_CLASSES
                                     : is_by_referrer(options)     ? (size_t)sets.count + 1
                                                                   : (size_t)heap->type_count + 1};
    groups.row = ok ? calloc(groups.count, sizeof *groups.row) : NULL;
    struct counting c = {heap, options, types, &sets, &groups};
    ok = ok && (groups.row || error_no_memory(err)) && heap_each_details(heap, count_objects, &c, err) &&
         (options->sort != HISTOGRAM_BY_RETAINED || add_retained(view, &c, err)) &&
         collect(ret, heap, options, &sets, &groups, filter, err);
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
