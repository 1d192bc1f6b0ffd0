#include "lib/query/dominator_tree.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/graph/shape_traits.h"
#include "lib/query/spelling.h"

/* Members of a row that is not written yet: numbers of the dominator tree. */
struct group {
    uint32_t *member; /* NULL: `single` alone */
    uint32_t single;
    uint64_t count, retained, held, shallow;
    uint32_t above; /* number of the object it hangs under as written; 0: the top */
    uint32_t depth;
};

struct growing {
    struct dominator_tree *ret;
    struct view *view;
    const struct heap *heap;
    const struct dominators *d;
    const struct dominator_tree_options *options;
    struct dominator_children children;
    const struct object_set *transparent;
    uint8_t *traits;
    type_id *type; /* by type: the first of its name; NULL: not grouped */
    struct group *stack;
    size_t depth, capacity;
    uint32_t *found; /* numbers of the children being gathered */
    size_t found_count, found_capacity;
    struct text_buffer text;
    struct error *err;
};

/* ---- types of one name are one ---- */

static int by_name(const void *a, const void *b, void *context)
{
    const struct heap *heap = context;
    type_id x = *(const type_id *)a, y = *(const type_id *)b;
    int order =
        strcmp(heap_string(heap, heap->types[x].name, NULL), heap_string(heap, heap->types[y].name, NULL));
    return order ? order : (x > y) - (x < y);
}

static bool join_types(struct growing *g)
{
    const struct heap *heap = g->heap;
    size_t count = heap->type_count;
    type_id *order = malloc((count + 1) * sizeof *order);
    g->type = calloc(count + 1, sizeof *g->type);
    if (!order || !g->type) {
        free(order);
        return error_no_memory(g->err);
    }
    for (type_id t = 1; t <= count; t++)
        order[t - 1] = t;
    qsort_r(order, count, sizeof *order, by_name, (void *)(uintptr_t)heap);
    for (size_t i = 0; i < count; i++) {
        bool same = i && !strcmp(heap_string(heap, heap->types[order[i]].name, NULL),
                                 heap_string(heap, heap->types[order[i - 1]].name, NULL));
        g->type[order[i]] = same ? g->type[order[i - 1]] : order[i];
    }
    free(order);
    return true;
}

/* ---- children ---- */

/* A dict or frame that is a part of the object it hangs under. */
static bool is_folded(const struct growing *g, uint32_t parent, uint32_t child)
{
    return parent && object_set_has(g->transparent, g->d->object[child]) &&
           shape_owns_part(g->heap, g->traits, g->d->object[parent], g->d->object[child], NULL);
}

static bool gather(struct growing *g, uint32_t child)
{
    if (g->found_count == g->found_capacity &&
        !vector_reserve((void **)&g->found, &g->found_capacity, g->found_count + 1, sizeof *g->found, g->err))
        return false;
    g->found[g->found_count++] = child;
    return true;
}

static bool gather_below(struct growing *g, uint32_t number)
{
    const struct dominator_children *c = &g->children;
    for (uint32_t i = c->start[number]; i < c->start[number + 1]; i++) {
        uint32_t child = c->child[i];
        if (!number && child > g->d->live_count)
            break; /* what no root reaches has no place in it */
        if (!is_folded(g, number, child)) {
            if (!gather(g, child))
                return false;
            continue;
        }
        for (uint32_t k = c->start[child]; k < c->start[child + 1]; k++)
            if (!gather(g, c->child[k]))
                return false;
    }
    return true;
}

static int compare_numbers(const struct growing *g, uint32_t x, uint32_t y)
{
    if (g->d->retained[x] != g->d->retained[y])
        return g->d->retained[x] > g->d->retained[y] ? -1 : 1;
    uint64_t p = g->heap->address[g->d->object[x]], q = g->heap->address[g->d->object[y]];
    return p != q ? (p > q) - (p < q) : (x > y) - (x < y);
}

static int largest_number_first(const void *a, const void *b, void *context)
{
    return compare_numbers(context, *(const uint32_t *)a, *(const uint32_t *)b);
}

/* Brings the `wanted` first ones in that order to the front, in order, without sorting the millions behind
 * them. */
static void select_first(struct growing *g, size_t wanted)
{
    uint32_t *item = g->found;
    size_t low = 0, high = g->found_count;
    while (high > wanted && high - low > 16) { /* the wanted ones end between low and high */
        uint32_t pivot = item[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;;) {
            while (compare_numbers(g, item[i], pivot) < 0)
                i++;
            do
                j--;
            while (compare_numbers(g, item[j], pivot) > 0);
            if (i >= j)
                break;
            uint32_t swap = item[i];
            item[i++] = item[j];
            item[j] = swap;
        }
        size_t middle = j + 1; /* nothing before it comes after anything behind it */
        if (middle >= high)
            break;
        if (wanted < middle)
            high = middle;
        else
            low = middle;
    }
    if (wanted)
        qsort_r(item, high, sizeof *item, largest_number_first, g);
}

static int largest_group_first(const void *a, const void *b, void *context)
{
    const struct group *x = a, *y = b;
    if (x->retained != y->retained)
        return x->retained > y->retained ? -1 : 1;
    return compare_numbers(context, x->single, y->single);
}

static void add_member(const struct growing *g, struct group *group, uint32_t number)
{
    if (!group->count || g->d->retained[number] > g->d->retained[group->single])
        group->single = number;
    group->count++;
    group->retained += g->d->retained[number];
    group->held += g->d->held[number];
    group->shallow += view_size(g->view, g->d->object[number]);
}

/* The found children as one group for each type, the largest first. *ret is to be freed. */
static bool group_by_type(struct growing *g, struct group **ret, size_t *ret_count)
{
    size_t count = 0;
    uint32_t *slot = calloc((size_t)g->heap->type_count + 1, sizeof *slot);
    struct group *groups = calloc((size_t)g->heap->type_count + 1, sizeof *groups);
    if (!groups || !slot) {
        free(slot);
        free(groups);
        return error_no_memory(g->err);
    }
    for (size_t i = 0; i < g->found_count; i++) {
        type_id type = g->type[heap_type_of(g->heap, g->d->object[g->found[i]])];
        if (!slot[type])
            slot[type] = (uint32_t)++count;
        add_member(g, &groups[slot[type] - 1], g->found[i]);
    }
    free(slot);
    qsort_r(groups, count, sizeof *groups, largest_group_first, g);
    *ret = groups;
    *ret_count = count;
    return true;
}

/* The members of the first groups: those found of its type. */
static bool list_members(struct growing *g, struct group *groups, size_t count)
{
    uint32_t *slot = calloc((size_t)g->heap->type_count + 1, sizeof *slot);
    bool ok = slot || error_no_memory(g->err);
    for (size_t i = 0; ok && i < count; i++) {
        groups[i].member = malloc(groups[i].count * sizeof *groups[i].member);
        ok = groups[i].member || error_no_memory(g->err);
        if (ok)
            slot[g->type[heap_type_of(g->heap, g->d->object[groups[i].single])]] = (uint32_t)i + 1;
        groups[i].count = 0;
    }
    for (size_t i = 0; ok && i < g->found_count; i++) {
        uint32_t at = slot[g->type[heap_type_of(g->heap, g->d->object[g->found[i]])]];
        if (at)
            groups[at - 1].member[groups[at - 1].count++] = g->found[i];
    }
    free(slot);
    return ok;
}

static bool is_too_small(const struct growing *g, const struct group *parent, uint64_t retained)
{
    uint64_t whole = g->options->object ? dominators_retained(g->d, g->options->object) : g->d->retained[0];
    return parent->depth && (double)retained < g->options->least * (double)whole;
}

/* Puts the first `shown` of the types on the stack, the first one on top. */
static bool push_types(struct growing *g, const struct group *parent, struct group *groups, size_t shown)
{
    while (shown && is_too_small(g, parent, groups[shown - 1].retained))
        shown--;
    bool ok = list_members(g, groups, shown);
    for (size_t i = shown; i > 0; i--) {
        groups[i - 1].depth = parent->depth + 1;
        if (ok)
            g->stack[g->depth++] = groups[i - 1];
        else
            free(groups[i - 1].member);
    }
    return ok;
}

static void push_objects(struct growing *g, const struct group *parent, size_t shown)
{
    select_first(g, shown);
    while (shown && is_too_small(g, parent, g->d->retained[g->found[shown - 1]]))
        shown--;
    for (size_t i = shown; i > 0; i--) {
        struct group one = {.above = parent->single, .depth = parent->depth + 1};
        add_member(g, &one, g->found[i - 1]);
        g->stack[g->depth++] = one;
    }
}

/* Finds what hangs under `parent`, and puts what is to be shown of it on the stack. *children: all there are.
 */
static bool expand(struct growing *g, const struct group *parent, uint64_t *children)
{
    struct group *groups = NULL;
    g->found_count = 0;
    for (uint64_t i = 0; i < (parent->member ? parent->count : 1); i++)
        if (!gather_below(g, parent->member ? parent->member[i] : parent->single))
            return false;
    size_t count = g->found_count;
    if (g->type && !group_by_type(g, &groups, &count))
        return false;
    *children = count;
    bool deep = !g->options->depth || parent->depth < g->options->depth;
    size_t shown = !deep ? 0 : g->options->limit < count ? (size_t)g->options->limit : count;
    bool ok =
        vector_reserve((void **)&g->stack, &g->capacity, g->depth + shown + 1, sizeof *g->stack, g->err);
    if (ok && g->type)
        ok = push_types(g, parent, groups, shown);
    else if (ok)
        push_objects(g, parent, shown);
    free(groups);
    return ok;
}

/* ---- rows ---- */

/* How the object it hangs under holds it, if it does so itself or through a part. */
static void add_label(struct growing *g, object_id above, object_id object)
{
    object_id chain[3] = {above, g->d->object[g->d->parent[g->d->number[object]]], object};
    uint64_t edges[2], at = csr_start(&g->heap->edges, chain[1]);
    struct reference raw;
    struct hold hold;
    do
        if (!graph_next_reference(g->heap, chain[1], object, &at, &raw))
            return;
    while (reference_kind_is_loose(raw.kind));
    edges[1] = raw.edge;
    bool part = chain[1] != above && shape_owns_part(g->heap, g->traits, above, chain[1], &edges[0]);
    if (part && holders_fold(g->view, chain, edges, 2, &hold) == 2)
        spelling_step(g->view, &hold, &g->text);
    else if (holders_fold(g->view, chain + 1, edges + 1, 1, &hold))
        spelling_step(g->view, &hold, &g->text);
}

static bool add_root_label(struct growing *g, object_id object)
{
    const struct roots *roots = view_roots(g->view, g->err);
    uint32_t first, end;
    if (!roots)
        return false;
    if (!roots_of(roots, object, &first, &end))
        return true;
    while (first < end && view_root_is_stale(g->view, roots->order[first]))
        first++;
    if (first < end)
        spelling_root(g->view, roots->order[first], &g->text);
    return true;
}

static bool write_row(struct growing *g, const struct group *group, struct dominator_row **ret)
{
    struct dominator_tree *tree = g->ret;
    object_id object = g->d->object[group->single];
    text_buffer_clear(&g->text);
    bool ok = vector_reserve((void **)&tree->rows, &tree->capacity, tree->row_count + 1, sizeof *tree->rows,
                             g->err);
    if (!ok)
        return false;
    if (!g->type && group->above)
        add_label(g, g->d->object[group->above], object);
    else if (!g->type)
        ok = add_root_label(g, object);
    if (!ok || g->text.failed)
        return ok ? error_no_memory(g->err) : false;
    struct dominator_row *row = &tree->rows[tree->row_count++];
    *row = (struct dominator_row){.object = object,
                                  .address = g->heap->address[object],
                                  .type = heap_type_name(g->heap, object),
                                  .shallow = group->shallow,
                                  .retained = group->retained,
                                  .count = group->count,
                                  .held = group->held,
                                  .depth = group->depth};
    row->label = arena_text(&tree->arena, text_buffer_text(&g->text), g->text.length, g->err);
    *ret = row;
    return row->label != NULL;
}

static bool grow(struct growing *g)
{
    struct group top = {.single = g->options->object ? g->d->number[g->options->object] : 0};
    if (g->options->object) {
        add_member(g, &top, top.single);
        if (!vector_reserve((void **)&g->stack, &g->capacity, 1, sizeof *g->stack, g->err))
            return false;
        g->stack[g->depth++] = top;
    } else if (!expand(g, &top, &g->ret->top)) {
        return false;
    }
    while (g->depth) {
        struct group group = g->stack[--g->depth];
        struct dominator_row *row = NULL;
        bool ok = write_row(g, &group, &row) && expand(g, &group, &row->children);
        if (ok && g->options->object && !group.depth)
            g->ret->top = row->children;
        free(group.member);
        if (!ok)
            return false;
    }
    return true;
}

bool dominator_tree_create(struct dominator_tree *ret, struct view *view,
                           const struct dominator_tree_options *options, struct error *err)
{
    struct growing g = {.ret = ret, .view = view, .heap = view_heap(view), .options = options, .err = err};
    *ret = (struct dominator_tree){0};
    g.d = view_dominators(view, err);
    g.transparent = g.d ? view_transparent(view, err) : NULL;
    g.traits = g.transparent ? shape_traits(g.heap, err) : NULL;
    bool ok = g.traits && dominators_children(g.d, &g.children, err) &&
              (!options->by_type || join_types(&g)) && grow(&g);
    if (ok) {
        ret->objects = g.d->live_count;
        ret->bytes = g.d->retained[0];
        ret->unreached = g.d->count - g.d->live_count;
        for (uint32_t n = g.d->live_count + 1; n <= g.d->count; n++)
            ret->unreached_bytes += view_size(view, g.d->object[n]);
    }
    while (g.depth)
        free(g.stack[--g.depth].member);
    dominator_children_free(&g.children);
    text_buffer_free(&g.text);
    free(g.traits);
    free(g.type);
    free(g.stack);
    free(g.found);
    if (!ok)
        dominator_tree_free(ret);
    return ok;
}

void dominator_tree_free(struct dominator_tree *tree)
{
    free(tree->rows);
    arena_free(&tree->arena);
    *tree = (struct dominator_tree){0};
}
