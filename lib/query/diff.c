#include "lib/query/diff.h"

#include <stdlib.h>
#include <string.h>

#include "lib/query/diff_match.h"
#include "lib/query/name_table.h"
#include "lib/query/pattern.h"
#include "lib/query/type_names.h"

/* One of the two heaps while they are compared. */
struct side {
    struct view *view;
    const struct heap *heap;
    uint32_t *type; /* row in `types` of each type id */
    struct patterns patterns;
    object_id *alone; /* asked for and in this heap only, in the order of addresses */
    size_t alone_count;
};

/* What counts together: objects of one type, or of one pattern and type. Both heaps name it the same. */
struct diffing {
    struct side side[2]; /* older, newer */
    enum diff_by by;
    bool *wanted; /* [types.count], or NULL: all */
    bool without_native;
    struct diff_match match;
    struct name_table types, groups; /* groups: "type" or "type\npattern" */
    struct diff_row *row;            /* [groups.count] */
    uint32_t *group[2];              /* by object id: row of each object; UINT32_MAX: not asked for */
};

static bool prepare(struct diffing *d, struct side *side, struct view *view, struct error *err)
{
    side->view = view;
    side->heap = view_heap(view);
    if (!view_details(view, err))
        return false;
    side->type = malloc(((size_t)side->heap->type_count + 1) * sizeof *side->type);
    if (!side->type)
        return error_no_memory(err);
    side->type[0] = name_table_row(&d->types, "", 0, err);
    for (type_id t = 1; t <= side->heap->type_count; t++) {
        const char *name = heap_string(side->heap, side->heap->types[t].name, NULL);
        side->type[t] = name_table_row(&d->types, name, strlen(name), err);
        if (side->type[t] == UINT32_MAX)
            return false;
    }
    return d->by != DIFF_PATH || patterns_create(&side->patterns, view, NULL, err);
}

/* The types asked for, by a name that either heap has. */
static bool choose_types(struct diffing *d, const char *text, struct error *err)
{
    if (!text)
        return true;
    d->wanted = calloc(d->types.count, sizeof *d->wanted);
    if (!d->wanted)
        return error_no_memory(err);
    return type_names_match(d->types.name + 1, d->types.count - 1, text, d->wanted + 1,
                            err); /* row 0 is "" */
}

/* The row of a type, or of a type and a pattern. */
static uint32_t row_of(struct diffing *d, const struct side *side, uint32_t type, uint32_t pattern,
                       struct text_buffer *text, struct error *err)
{
    text_buffer_clear(text);
    text_buffer_add(text, d->types.name[type]);
    if (d->by == DIFF_PATH) {
        text_buffer_add_n(text, "\n", 1);
        patterns_text(&side->patterns, pattern, text);
    }
    if (text->failed) {
        error_no_memory(err);
        return UINT32_MAX;
    }
    return name_table_row(&d->groups, text_buffer_text(text), text->length, err);
}

/* Pairs of (pattern, type) met so far and their rows: open addressing, so that each text is made once. */
struct pair_rows {
    uint64_t *pair; /* pattern << 32 | type, + 1; 0 empty */
    uint32_t *row;
    size_t mask, used;
};

static bool pairs_grow(struct pair_rows *p, struct error *err)
{
    size_t size = p->pair ? (p->mask + 1) * 2 : 1024;
    uint64_t *pair = calloc(size, sizeof *pair);
    uint32_t *row = malloc(size * sizeof *row);
    if (!pair || !row) {
        free(pair);
        free(row);
        return error_no_memory(err);
    }
    for (size_t i = 0; p->pair && i <= p->mask; i++) {
        if (!p->pair[i])
            continue;
        size_t at = (p->pair[i] * 0x9e3779b97f4a7c15u >> 20) & (size - 1);
        while (pair[at])
            at = (at + 1) & (size - 1);
        pair[at] = p->pair[i];
        row[at] = p->row[i];
    }
    free(p->pair);
    free(p->row);
    *p = (struct pair_rows){pair, row, size - 1, p->used};
    return true;
}

static bool group_objects(struct diffing *d, unsigned which, struct error *err)
{
    struct side *side = &d->side[which];
    const struct heap *heap = side->heap;
    struct pair_rows pairs = {0};
    struct text_buffer text = {0};
    d->group[which] = malloc(((size_t)heap->object_count + 1) * sizeof *d->group[which]);
    bool ok = d->group[which] || error_no_memory(err);
    for (object_id id = 1; ok && id <= heap->object_count; id++) {
        uint32_t type = side->type[heap_type_of(heap, id)],
                 pattern = d->by == DIFF_PATH ? side->patterns.of[id] : 0;
        uint64_t pair = ((uint64_t)pattern << 32 | type) + 1;
        if ((!pairs.pair || (pairs.used + 1) * 2 > pairs.mask) && !(ok = pairs_grow(&pairs, err)))
            break;
        size_t at = (pair * 0x9e3779b97f4a7c15u >> 20) & pairs.mask;
        while (pairs.pair[at] && pairs.pair[at] != pair)
            at = (at + 1) & pairs.mask;
        if (!pairs.pair[at]) {
            uint32_t row = UINT32_MAX;
            bool left_out = d->without_native && heap_family(heap, id) == FAMILY_NATIVE;
            if ((!d->wanted || d->wanted[type]) && !left_out &&
                (row = row_of(d, side, type, pattern, &text, err)) == UINT32_MAX)
                ok = false;
            pairs.pair[at] = pair;
            pairs.row[at] = row;
            pairs.used++;
        }
        d->group[which][id] = pairs.row[at];
    }
    free(pairs.pair);
    free(pairs.row);
    text_buffer_free(&text);
    return ok;
}

static void count_objects(struct diffing *d, unsigned which)
{
    const struct side *side = &d->side[which];
    for (object_id id = 1; id <= side->heap->object_count; id++) {
        if (d->group[which][id] == UINT32_MAX)
            continue;
        struct diff_row *row = &d->row[d->group[which][id]];
        uint64_t size = view_size(side->view, id);
        if (which) {
            row->new_count++;
            row->new_shallow += size;
        } else {
            row->old_count++;
            row->old_shallow += size;
        }
    }
}

/* Adds up what came, went and stayed. */
static void count_matches(struct diffing *d)
{
    const struct diff_match *match = &d->match;
    for (object_id id = 1; id <= d->side[0].heap->object_count; id++)
        if (!match->new_of[id] && d->group[0][id] != UINT32_MAX)
            d->row[d->group[0][id]].removed++;
    for (object_id id = 1; id <= d->side[1].heap->object_count; id++) {
        if (d->group[1][id] == UINT32_MAX)
            continue;
        struct diff_row *row = &d->row[d->group[1][id]];
        row->added += match->old_of[id] == 0;
        row->kept += match->old_of[id] != 0;
        row->possibly_reused += object_set_has(&match->doubtful, id);
    }
}

static bool list_alone(struct diffing *d, unsigned which, struct error *err)
{
    struct side *side = &d->side[which];
    const object_id *other = which ? d->match.old_of : d->match.new_of;
    side->alone = malloc(((size_t)side->heap->object_count + 1) * sizeof *side->alone);
    if (!side->alone)
        return error_no_memory(err);
    for (uint32_t i = 0; i < side->heap->object_count; i++) {
        object_id id = d->match.order[which][i];
        if (!other[id] && d->group[which][id] != UINT32_MAX)
            side->alone[side->alone_count++] = id;
    }
    return true;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static int descending(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

static bool is_changed(const struct diff_row *row)
{
    return row->delta_count || row->delta_shallow || row->added || row->removed;
}

static int sign(int64_t value)
{
    return (value > 0) - (value < 0);
}

/* What grew before what shrank, before what did neither. */
static int compare_direction(int64_t x, int64_t more_x, int64_t y, int64_t more_y)
{
    static const int place[] = {[0] = 2, [1] = 0, [2] = 1}; /* by sign, -1 as 2 */
    int a = sign(x) ? sign(x) : sign(more_x), b = sign(y) ? sign(y) : sign(more_y);
    return place[a < 0 ? 2 : a] - place[b < 0 ? 2 : b];
}

static int compare_rows(const void *a, const void *b, void *sorted_by)
{
    const struct diff_row *x = a, *y = b;
    enum diff_sort sort = *(const enum diff_sort *)sorted_by;
    int order = descending(is_changed(x), is_changed(y));
    if (!order && sort == DIFF_SHALLOW)
        order = compare_direction(x->delta_shallow, x->delta_count, y->delta_shallow, y->delta_count);
    if (!order && sort == DIFF_COUNT)
        order = compare_direction(x->delta_count, x->delta_shallow, y->delta_count, y->delta_shallow);
    if (!order && sort == DIFF_COUNT)
        order = descending(magnitude(x->delta_count), magnitude(y->delta_count));
    if (!order && sort == DIFF_ADDED)
        order = descending(x->added, y->added);
    if (!order && sort == DIFF_REMOVED)
        order = descending(x->removed, y->removed);
    if (!order && sort != DIFF_NAME)
        order = descending(magnitude(x->delta_shallow), magnitude(y->delta_shallow));
    if (!order && sort != DIFF_NAME)
        order = descending(magnitude(x->delta_count), magnitude(y->delta_count));
    if (!order && sort != DIFF_NAME)
        order = descending(x->added + x->removed, y->added + y->removed);
    if (!order && x->expression)
        order = strcmp(x->expression, y->expression);
    return order ? order : strcmp(x->type, y->type);
}

static void finish_row(struct diff_row *row)
{
    row->delta_count = (int64_t)(row->new_count - row->old_count);
    row->delta_shallow = (int64_t)(row->new_shallow - row->old_shallow);
}

static bool write_rows(struct diff *ret, struct diffing *d, enum diff_sort sort, struct error *err)
{
    size_t count = d->groups.count;
    ret->rows = arena_take(&ret->arena, count ? count : 1, sizeof *ret->rows, err);
    if (!ret->rows)
        return false;
    ret->total.type = "";
    for (size_t i = 0; i < count; i++) {
        struct diff_row *row = &ret->rows[i];
        *row = d->row[i];
        const char *name = d->groups.name[i], *line = strchr(name, '\n');
        row->type = arena_text(&ret->arena, name, line ? (size_t)(line - name) : strlen(name), err);
        if (!row->type)
            return false;
        if (line && !(row->expression = arena_text(&ret->arena, line + 1, strlen(line + 1), err)))
            return false;
        finish_row(row);
        ret->changed_count += is_changed(row);
        ret->total.old_count += row->old_count;
        ret->total.new_count += row->new_count;
        ret->total.old_shallow += row->old_shallow;
        ret->total.new_shallow += row->new_shallow;
        ret->total.added += row->added;
        ret->total.removed += row->removed;
        ret->total.kept += row->kept;
        ret->total.possibly_reused += row->possibly_reused;
    }
    ret->row_count = count;
    finish_row(&ret->total);
    qsort_r(ret->rows, count, sizeof *ret->rows, compare_rows, &sort);
    return true;
}

static bool compare(struct diff *ret, struct diffing *d, const struct diff_options *options,
                    struct error *err)
{
    if (!group_objects(d, 0, err) || !group_objects(d, 1, err))
        return false;
    d->row = calloc((size_t)d->groups.count + 1, sizeof *d->row);
    if (!d->row)
        return error_no_memory(err);
    count_objects(d, 0);
    count_objects(d, 1);
    count_matches(d);
    if (!write_rows(ret, d, options->sort, err))
        return false;
    const struct side *old = &d->side[0], *new = &d->side[1];
    return !options->objects ||
           (list_alone(d, 0, err) && list_alone(d, 1, err) &&
            object_rows_largest(new->view, new->alone, new->alone_count, options->object_limit, &ret->arena,
                                &ret->added, &ret->added_count, err) &&
            object_rows_largest(old->view, old->alone, old->alone_count, options->object_limit, &ret->arena,
                                &ret->removed, &ret->removed_count, err));
}

bool diff_create(struct diff *ret, struct view *older, struct view *newer, const struct diff_options *options,
                 struct error *err)
{
    struct diffing d = {.by = options->by,
                        .without_native = heap_native_differs(view_heap(older), view_heap(newer))};
    struct view *const views[2] = {older, newer};
    *ret = (struct diff){0};
    bool ok = prepare(&d, &d.side[0], older, err) && prepare(&d, &d.side[1], newer, err) &&
              choose_types(&d, options->type, err);
    const uint32_t *const types[2] = {d.side[0].type, d.side[1].type};
    ok = ok && diff_match_create(&d.match, views, types, options->unrelated, err) &&
         compare(ret, &d, options, err);
    diff_match_free(&d.match);
    free(d.wanted);
    for (unsigned which = 0; which < 2; which++) {
        free(d.side[which].type);
        free(d.side[which].alone);
        patterns_free(&d.side[which].patterns);
        free(d.group[which]);
    }
    free(d.row);
    name_table_free(&d.types);
    name_table_free(&d.groups);
    if (!ok)
        diff_free(ret);
    return ok;
}

void diff_free(struct diff *diff)
{
    arena_free(&diff->arena);
    *diff = (struct diff){0};
}
