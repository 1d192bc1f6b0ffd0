#include "lib/query/diff.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "lib/graph/address_order.h"
#include "lib/query/name_table.h"
#include "lib/query/pattern.h"

/* One of the two heaps while they are compared. */
struct side {
    struct view *view;
    const struct heap *heap;
    object_id *order; /* by address */
    uint32_t *type;   /* row in `types` of each type id */
    struct patterns patterns;
    object_id *alone; /* in this heap only, in the order of addresses */
    size_t alone_count;
};

/* What counts together: objects of one type, or of one pattern and type. Both heaps name it the same. */
struct diffing {
    struct side side[2]; /* older, newer */
    enum diff_by by;
    const char *only;                /* type name or glob, or NULL */
    struct name_table types, groups; /* groups: "type" or "type\npattern" */
    struct diff_row *row;            /* [groups.count] */
    uint32_t *group[2];              /* by object id: row of each object; UINT32_MAX: not asked for */
};

static bool is_wanted(const struct diffing *d, const char *type)
{
    return !d->only || !strcmp(d->only, type) || !fnmatch(d->only, type, 0);
}

static bool prepare(struct diffing *d, struct side *side, struct view *view, struct error *err)
{
    side->view = view;
    side->heap = view_heap(view);
    if (!view_details(view, err))
        return false;
    side->order = address_order(side->heap, err);
    side->type = malloc(((size_t)side->heap->type_count + 1) * sizeof *side->type);
    side->alone = malloc(((size_t)side->heap->object_count + 1) * sizeof *side->alone);
    if (!side->order || !side->type || !side->alone)
        return error_no_memory(err);
    side->type[0] = name_table_row(&d->types, "", 0, err);
    for (type_id t = 1; t <= side->heap->type_count; t++) {
        const char *name = heap_string(side->heap, side->heap->types[t].name, NULL);
        side->type[t] = name_table_row(&d->types, name, strlen(name), err);
        if (side->type[t] == UINT32_MAX)
            return false;
    }
    return d->by != DIFF_PATH || patterns_create(&side->patterns, view, PATTERN_PATH, NULL, err);
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
            if (is_wanted(d, d->types.name[type]) &&
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

static void take_alone(struct diffing *d, unsigned which, object_id id)
{
    struct side *side = &d->side[which];
    uint32_t group = d->group[which][id];
    if (group == UINT32_MAX)
        return;
    side->alone[side->alone_count++] = id;
    if (which)
        d->row[group].added++;
    else
        d->row[group].removed++;
}

/* Merges the two orders of addresses: what has the same address and type is taken for the same object. */
static void match_objects(struct diffing *d)
{
    const struct side *old = &d->side[0], *new = &d->side[1];
    uint32_t i = 0, j = 0;
    while (i < old->heap->object_count || j < new->heap->object_count) {
        object_id a = i < old->heap->object_count ? old->order[i] : 0;
        object_id b = j < new->heap->object_count ? new->order[j] : 0;
        uint64_t at_a = a ? old->heap->address[a] : UINT64_MAX, at_b = b ? new->heap->address[b] : UINT64_MAX;
        if (a && b && at_a == at_b) {
            if (old->type[heap_type_of(old->heap, a)] != new->type[heap_type_of(new->heap, b)]) {
                take_alone(d, 0, a);
                take_alone(d, 1, b);
            }
            i++;
            j++;
        } else if (!b || (a && at_a < at_b)) {
            take_alone(d, 0, a);
            i++;
        } else {
            take_alone(d, 1, b);
            j++;
        }
    }
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

static int most_changed_first(const void *a, const void *b)
{
    const struct diff_row *x = a, *y = b;
    int order = descending(is_changed(x), is_changed(y));
    if (!order)
        order = descending(magnitude(x->delta_shallow), magnitude(y->delta_shallow));
    if (!order)
        order = descending(magnitude(x->delta_count), magnitude(y->delta_count));
    if (!order)
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

static bool write_rows(struct diff *ret, struct diffing *d, struct error *err)
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
    }
    ret->row_count = count;
    finish_row(&ret->total);
    qsort(ret->rows, count, sizeof *ret->rows, most_changed_first);
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
    match_objects(d);
    if (!write_rows(ret, d, err))
        return false;
    const struct side *old = &d->side[0], *new = &d->side[1];
    return !options->objects ||
           (object_rows_largest(new->view, new->alone, new->alone_count, options->object_limit, &ret->arena,
                                &ret->added, &ret->added_count, err) &&
            object_rows_largest(old->view, old->alone, old->alone_count, options->object_limit, &ret->arena,
                                &ret->removed, &ret->removed_count, err));
}

bool diff_create(struct diff *ret, struct view *older, struct view *newer, const struct diff_options *options,
                 struct error *err)
{
    struct diffing d = {.by = options->by, .only = options->type};
    *ret = (struct diff){0};
    bool ok = prepare(&d, &d.side[0], older, err) && prepare(&d, &d.side[1], newer, err) &&
              compare(ret, &d, options, err);
    for (unsigned which = 0; which < 2; which++) {
        free(d.side[which].order);
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
