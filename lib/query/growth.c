#include "lib/query/growth.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/query/name_table.h"
#include "lib/query/pattern.h"

struct sums {
    uint64_t count, shallow;
    uint64_t native_count, native_shallow; /* of them, blocks of native memory */
};

/* The histogram of one heap, by row of the name table. Rows that came later are not in it: they were 0. */
struct step {
    struct sums *sum;
    uint32_t sum_count;
};

struct growth_private {
    struct growth_options options;
    struct name_table names;
    bool with_native, without_native; /* some heaps have it; some of Python have not */
    struct step *steps;
    size_t capacity;
    struct arena arena; /* of the finished rows */
};

bool growth_begin(struct growth *ret, const struct growth_options *options, struct error *err)
{
    *ret = (struct growth){.private = calloc(1, sizeof *ret->private)};
    if (!ret->private)
        return error_no_memory(err);
    ret->private->options = *options;
    return true;
}

/* Row of each type or pattern of a heap; the array is for free(). */
static uint32_t *name_groups(struct growth_private *g, const struct heap *heap,
                             const struct patterns *patterns, struct error *err)
{
    size_t count = patterns ? patterns->count : (size_t)heap->type_count + 1;
    uint32_t *row = malloc(count * sizeof *row);
    struct text_buffer text = {0};
    if (!row)
        error_no_memory(err);
    for (size_t i = 0; row && i < count; i++) {
        text_buffer_clear(&text);
        if (patterns)
            patterns_text(patterns, (uint32_t)i, &text);
        else
            text_buffer_add(&text, heap_string(heap, heap->types[i].name, NULL));
        row[i] =
            text.failed ? UINT32_MAX : name_table_row(&g->names, text_buffer_text(&text), text.length, err);
        if (row[i] == UINT32_MAX) {
            free(row);
            row = NULL;
            error_no_memory(err);
        }
    }
    text_buffer_free(&text);
    return row;
}

static bool sum_up(struct growth_private *g, struct view *view, const struct patterns *patterns,
                   struct step *step, struct error *err)
{
    const struct heap *heap = view_heap(view);
    uint32_t *row = name_groups(g, heap, patterns, err);
    if (!row)
        return false;
    step->sum_count = g->names.count;
    step->sum = calloc(step->sum_count ? step->sum_count : 1, sizeof *step->sum);
    for (object_id id = 1; step->sum && id <= heap->object_count; id++) {
        struct heap_detail detail;
        heap_detail(heap, id, &detail);
        if (g->options.tracked && !(detail.flags & OBJECT_TRACKED))
            continue;
        struct sums *sum = &step->sum[row[patterns ? patterns->of[id] : heap_type_of(heap, id)]];
        sum->count++;
        sum->shallow += detail.size;
        if (heap_family(heap, id) == FAMILY_NATIVE) {
            sum->native_count++;
            sum->native_shallow += detail.size;
        }
    }
    free(row);
    return step->sum || error_no_memory(err);
}

bool growth_add(struct growth *growth, struct view *view, struct error *err)
{
    struct growth_private *g = growth->private;
    struct patterns patterns = {0};
    bool by_path = g->options.by == GROWTH_PATH;
    if (!view_details(view, err) ||
        !vector_reserve((void **)&g->steps, &g->capacity, growth->heap_count + 1, sizeof *g->steps, err) ||
        (by_path && !patterns_create(&patterns, view, NULL, err)))
        return false;
    struct step *step = &g->steps[growth->heap_count];
    *step = (struct step){0};
    bool ok = sum_up(g, view, by_path ? &patterns : NULL, step, err);
    patterns_free(&patterns);
    growth->heap_count += ok;
    if (heap_has_native(view_heap(view)))
        g->with_native = true;
    else
        g->without_native = true;
    return ok;
}

static int compare_numbers(double a, double b)
{
    return (a < b) - (a > b);
}

static int fastest_first(const void *a, const void *b)
{
    const struct growth_row *x = a, *y = b;
    if (x->every_step != y->every_step)
        return x->every_step ? -1 : 1;
    int order = compare_numbers(x->per_step, y->per_step);
    if (!order)
        order = compare_numbers(x->bytes_per_step, y->bytes_per_step);
    return order ? order : strcmp(x->name, y->name);
}

/* objgraph's order but for ties. */
static int highest_first(const void *a, const void *b)
{
    const struct growth_row *x = a, *y = b;
    if (x->over_peak != y->over_peak)
        return x->over_peak > y->over_peak ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool fill_row(struct growth *growth, uint32_t index, struct growth_row *row, struct error *err)
{
    struct growth_private *g = growth->private;
    size_t heaps = growth->heap_count;
    row->name = g->names.name[index];
    row->counts = arena_take(&g->arena, heaps, sizeof *row->counts, err);
    row->shallow = arena_take(&g->arena, heaps, sizeof *row->shallow, err);
    if (!row->counts || !row->shallow)
        return false;
    row->heap_count = heaps;
    row->every_step = true;
    for (size_t h = 0; h < heaps; h++) {
        if (index < g->steps[h].sum_count) {
            const struct sums *sum = &g->steps[h].sum[index];
            bool mixed = growth->native_left_out;
            row->counts[h] = sum->count - (mixed ? sum->native_count : 0);
            row->shallow[h] = sum->shallow - (mixed ? sum->native_shallow : 0);
        }
        row->every_step &= h == 0 || row->counts[h] > row->counts[h - 1];
    }
    for (size_t h = 0; h + 1 < heaps; h++)
        row->peak = row->counts[h] > row->peak ? row->counts[h] : row->peak;
    row->over_peak = row->counts[heaps - 1] > row->peak ? row->counts[heaps - 1] - row->peak : 0;
    double steps = (double)(heaps - 1);
    row->per_step = ((double)row->counts[heaps - 1] - (double)row->counts[0]) / steps;
    row->bytes_per_step = ((double)row->shallow[heaps - 1] - (double)row->shallow[0]) / steps;
    return true;
}

bool growth_finish(struct growth *growth, struct error *err)
{
    struct growth_private *g = growth->private;
    if (growth->heap_count < 2)
        return error_set(err, ERROR_USAGE, "growth needs at least two snapshots");
    growth->native_left_out = g->with_native && g->without_native;
    growth->rows = arena_take(&g->arena, g->names.count ? g->names.count : 1, sizeof *growth->rows, err);
    if (!growth->rows)
        return false;
    for (uint32_t i = 0; i < g->names.count; i++) {
        struct growth_row *row = &growth->rows[growth->row_count];
        if (!fill_row(growth, i, row, err))
            return false;
        bool any = false; /* a type without objects is no row */
        for (size_t h = 0; h < growth->heap_count; h++)
            any |= row->counts[h] != 0;
        any &= !g->options.peak || row->over_peak;
        growth->rising_count += any && row->every_step;
        growth->row_count += any;
        if (!any)
            *row = (struct growth_row){0};
    }
    qsort(growth->rows, growth->row_count, sizeof *growth->rows,
          g->options.peak ? highest_first : fastest_first);
    return true;
}

void growth_free(struct growth *growth)
{
    struct growth_private *g = growth->private;
    for (size_t h = 0; g && h < growth->heap_count; h++)
        free(g->steps[h].sum);
    if (g) {
        free(g->steps);
        name_table_free(&g->names);
        arena_free(&g->arena);
    }
    free(g);
    *growth = (struct growth){0};
}
