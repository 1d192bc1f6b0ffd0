#include "lib/query/cycles.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/graph/shape_traits.h"
#include "lib/query/cycle_groups.h"
#include "lib/query/selection.h"

struct making {
    struct cycles *ret;
    struct view *view;
    const struct heap *heap;
    const struct cycles_options *options;
    struct object_set listed; /* by gc.garbage itself */
    uint8_t *finalizers;      /* by type */
    bool *types;              /* wanted ones, or NULL */
    struct cycle_groups groups;
    size_t capacity;
};

/* ---- what is left out ---- */

/* The dicts that are an object's namespace, and for a function the globals of its module. */
static void leave_out_namespaces(const struct heap *heap, const uint8_t *namespaces, struct object_set *set,
                                 object_id id)
{
    const struct heap_shape *shape = &heap->shapes[heap->shape[id]];
    uint64_t start = csr_start(&heap->edges, id), length = csr_end(&heap->edges, id) - start;
    for (uint32_t f = 0; f < shape->field_count && f < length; f++)
        if (heap->fields[shape->field_start + f].kind == namespaces[heap->shape[id]] &&
            heap->edges.item[start + f])
            object_set_add(set, heap->edges.item[start + f]);
}

/* By shape: the kind of its fields that lead to a module's or class's namespace, 0: it has none. */
static uint8_t *namespace_kinds(const struct heap *heap, struct error *err)
{
    uint8_t *kinds = calloc((size_t)heap->shape_count + 1, sizeof *kinds);
    if (!kinds)
        error_no_memory(err);
    for (shape_id s = 1; kinds && s <= heap->shape_count; s++) {
        enum family family = heap->types[heap->shapes[s].type].family;
        if (family == FAMILY_TYPE || family == FAMILY_MODULE)
            kinds[s] = REFERENCE_NAMESPACE;
        for (uint32_t f = 0; f < heap->shapes[s].field_count && !kinds[s]; f++)
            if (heap->fields[heap->shapes[s].field_start + f].kind == REFERENCE_GLOBALS)
                kinds[s] = REFERENCE_GLOBALS;
    }
    return kinds;
}

/* The classes and modules that a root or C holds, with their namespaces: they would make one component of
 * almost everything. Those that are garbage stay. */
static bool leave_out_classes(const struct heap *heap, const struct fates *fates, struct object_set *set,
                              struct error *err)
{
    uint8_t *kinds = namespace_kinds(heap, err);
    if (!kinds)
        return false;
    for (uint32_t i = 0; i < heap->root_count; i++) /* what sys.modules has may be of any type */
        if (heap->roots[i].kind == ROOT_MODULE)
            object_set_add(set, heap->roots[i].target);
    for (object_id id = 1; id <= heap->object_count; id++) {
        uint8_t kind = kinds[heap->shape[id]];
        enum fate fate = kind ? fate_of(fates, id) : FATE_GARBAGE;
        if (fate != FATE_REACHED && fate != FATE_HELD_FROM_C)
            continue;
        if (kind == REFERENCE_NAMESPACE)
            object_set_add(set, id);
        leave_out_namespaces(heap, kinds, set, id);
    }
    free(kinds);
    return true;
}

static bool find_components(struct making *m, struct error *err)
{
    struct cycles *ret = m->ret;
    struct object_set without = {0};
    bool ok = object_set_create(&without, m->heap, err);
    if (ok && m->options->unreached) /* what leads to one of these or from it is in no cycle of the others */
        memcpy(without.bits, ret->fates.reached.bits,
               (((size_t)without.limit >> 6) + 1) * sizeof *without.bits);
    if (ok && m->options->unreached && ret->fates.garbage_list) /* what it holds may hold it */
        object_set_drop(&without, ret->fates.garbage_list);
    if (ok && !m->options->all_edges)
        ok = leave_out_classes(m->heap, &ret->fates, &without, err);
    ok = ok && components_find(m->heap, &without, &ret->components, err);
    object_set_free(&without);
    ret->in_snapshot = ret->components.count;
    return ok;
}

/* An object's own dict or frame in the same cycle is part of the object. */
static bool hide_parts(struct making *m, struct error *err)
{
    const struct heap *heap = m->heap;
    const struct components *components = &m->ret->components;
    if (!object_set_create(&m->ret->hidden, heap, err))
        return false;
    for (uint64_t i = 0; i < components->start[components->count]; i++) {
        object_id owner = components->member[i];
        const struct heap_shape *shape = &heap->shapes[heap->shape[owner]];
        uint64_t start = csr_start(&heap->edges, owner), length = csr_end(&heap->edges, owner) - start;
        for (uint32_t f = 0; f < shape->field_count && f < length; f++) {
            object_id part = heap->edges.item[start + f];
            if (part && part != owner && reference_kind_is_part(heap->fields[shape->field_start + f].kind) &&
                components->of[part] == components->of[owner])
                object_set_add(&m->ret->hidden, part);
        }
    }
    return true;
}

/* ---- rows ---- */

static void add_member(struct making *m, struct cycle_row *row, object_id id, bool *wanted, uint64_t *types)
{
    type_id type = heap_type_of(m->heap, id);
    enum fate fate = fate_of(&m->ret->fates, id);
    row->bytes += view_size(m->view, id);
    row->fate = fate > row->fate ? fate : row->fate;
    row->listed = row->listed || object_set_has(&m->listed, id);
    cycle_marks_add(&row->marks, m->heap, m->finalizers, id);
    if (object_set_has(&m->ret->hidden, id))
        return;
    row->size++;
    *wanted = *wanted || !m->types || m->types[type];
    uint64_t hash = (type + 1) * 0x9e3779b97f4a7c15u;
    *types += hash ^ hash >> 31; /* a sum: the order does not matter */
}

static bool add_row(struct making *m, uint32_t c, struct error *err)
{
    struct cycles *ret = m->ret;
    const struct components *components = &ret->components;
    struct cycle_row row = {.component = c};
    bool wanted = false;
    uint64_t types = 0;
    for (uint64_t i = components->start[c]; i < components->start[c + 1]; i++)
        add_member(m, &row, components->member[i], &wanted, &types);
    if (!wanted || row.size < m->options->min_size || (m->options->unreached && row.fate == FATE_REACHED))
        return true;
    struct cycle cycle;
    if (!cycle_chain_find(&ret->reader, &ret->search, c, &cycle, err))
        return false;
    struct cycle_mark mark = cycle_chain_mark(&ret->reader, &cycle, row.fate == FATE_REACHED);
    row.address = m->heap->address[cycle.object[0]];
    cycle_free(&cycle);
    mark.b ^= types;
    mark.a ^= (uint64_t)row.fate << 8 | (unsigned)row.listed << 2 | (unsigned)row.marks.frozen << 1 |
              (unsigned)row.marks.legacy;
    if (!cycle_groups_add(&m->groups, &mark, &row, ret->row_count, err))
        return false;
    if (ret->row_count == m->capacity &&
        !vector_reserve((void **)&ret->rows, &m->capacity, ret->row_count + 1, sizeof *ret->rows, err))
        return false;
    ret->rows[ret->row_count++] = row;
    ret->objects += row.size;
    ret->bytes += row.bytes;
    ret->unreached += row.fate != FATE_REACHED;
    return true;
}

/* What nothing will free first, then what waits to be freed. */
static unsigned urgency(const struct cycle_row *row)
{
    static const unsigned order[] = {
        [FATE_SAVED] = 0, [FATE_GARBAGE] = 1, [FATE_HELD_FROM_C] = 2, [FATE_REACHED] = 3};
    return order[row->fate];
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_rows(const void *a, const void *b)
{
    const struct cycle_row *x = a, *y = b;
    int order = compare(urgency(x), urgency(y));
    if (!order)
        order = compare(y->bytes, x->bytes);
    if (!order)
        order = compare(y->size, x->size);
    if (!order)
        order = compare(x->address, y->address);
    return order ? order : compare(x->component, y->component);
}

struct numbered_group {
    struct cycle_group group;
    size_t number; /* before sorting */
    unsigned urgency;
    uint64_t address;
};

static int compare_groups(const void *a, const void *b)
{
    const struct numbered_group *x = a, *y = b;
    int order = compare(x->urgency, y->urgency);
    if (!order)
        order = compare(y->group.bytes, x->group.bytes);
    if (!order)
        order = compare(y->group.count, x->group.count);
    if (!order)
        order = compare(x->address, y->address);
    return order ? order : compare(x->group.first, y->group.first);
}

/* Sorts rows and groups, each group's first row being its example. */
static bool sort(struct making *m, struct error *err)
{
    struct cycles *ret = m->ret;
    size_t count = m->groups.count;
    struct numbered_group *sorted = malloc((count + 1) * sizeof *sorted);
    size_t *place = malloc((count + 1) * sizeof *place);
    ret->groups = arena_take(&ret->arena, count + 1, sizeof *ret->groups, err);
    if (!sorted || !place || !ret->groups) {
        free(sorted);
        free(place);
        return error_no_memory(err);
    }
    if (ret->row_count)
        qsort(ret->rows, ret->row_count, sizeof *ret->rows, compare_rows);
    for (size_t g = 0; g < count; g++)
        sorted[g] = (struct numbered_group){.group = m->groups.group[g], .number = g};
    for (size_t i = ret->row_count; i-- > 0;) { /* backwards: the first row of a group is what stays */
        struct numbered_group *group = &sorted[ret->rows[i].group];
        group->group.first = i;
        group->urgency = urgency(&ret->rows[i]);
        group->address = ret->rows[i].address;
    }
    if (count)
        qsort(sorted, count, sizeof *sorted, compare_groups);
    for (size_t g = 0; g < count; g++) {
        place[sorted[g].number] = g;
        ret->groups[g] = sorted[g].group;
    }
    for (size_t i = 0; i < ret->row_count; i++)
        ret->rows[i].group = place[ret->rows[i].group];
    ret->group_count = count;
    free(sorted);
    free(place);
    return true;
}

/* Many cycles of living functions are a decorator's, under as many names; garbage keeps its names. */
static enum cycle_detail detail_of(const struct cycles *cycles, const struct cycle_group *group)
{
    bool reached = cycles->rows[group->first].fate == FATE_REACHED;
    return !group->differ ? CYCLE_EXACT : reached ? CYCLE_LOOSE : CYCLE_ALIKE;
}

/* The chain of each group's example. */
static bool write_chains(struct making *m, struct error *err)
{
    struct cycles *ret = m->ret;
    struct text_buffer text = {0};
    bool ok = true;
    for (size_t g = 0; ok && g < ret->group_count; g++) {
        struct cycle_group *group = &ret->groups[g];
        size_t count;
        struct cycle_step *steps = cycles_chain(ret, &ret->rows[group->first], &count, err);
        ok = steps != NULL;
        text_buffer_clear(&text);
        if (ok)
            cycle_chain_text(&ret->reader, steps, count, detail_of(ret, group), &text);
        ok = ok && (!text.failed || error_no_memory(err)) &&
             (group->chain = arena_text(&ret->arena, text_buffer_text(&text), text.length, err));
        free(steps);
    }
    text_buffer_free(&text);
    return ok;
}

static bool prepare(struct making *m, struct error *err)
{
    struct cycles *ret = m->ret;
    if (!view_details(m->view, err) || !fates_find(m->heap, &ret->fates, err))
        return false;
    ret->reader = (struct cycle_reader){m->view, m->heap, view_transparent(m->view, err)};
    m->finalizers = finalizers_of_types(m->view, err);
    if (!ret->reader.parts || !m->finalizers || !object_set_create(&m->listed, m->heap, err))
        return false;
    object_id list = ret->fates.garbage_list;
    for (uint64_t i = list ? csr_start(&m->heap->edges, list) : 0; list && i < csr_end(&m->heap->edges, list);
         i++)
        object_set_add(&m->listed, m->heap->edges.item[i]);
    if (!m->options->type)
        return true;
    m->types = calloc((size_t)m->heap->type_count + 1, sizeof *m->types);
    return m->types ? selection_types(m->heap, m->options->type, m->types, err) : error_no_memory(err);
}

bool cycles_find(struct cycles *ret, struct view *view, const struct cycles_options *options,
                 struct error *err)
{
    struct making m = {.ret = ret, .view = view, .heap = view_heap(view), .options = options};
    *ret = (struct cycles){0};
    bool ok = prepare(&m, err) && find_components(&m, err) && hide_parts(&m, err) &&
              cycle_search_begin(&ret->search, m.heap, &ret->components, err);
    for (uint32_t c = 0; ok && c < ret->components.count; c++)
        ok = add_row(&m, c, err);
    ok = ok && sort(&m, err) && write_chains(&m, err);
    free(m.finalizers);
    free(m.types);
    object_set_free(&m.listed);
    cycle_groups_free(&m.groups);
    if (!ok)
        cycles_free(ret);
    return ok;
}

void cycles_free(struct cycles *cycles)
{
    free(cycles->rows);
    components_free(&cycles->components);
    object_set_free(&cycles->hidden);
    fates_free(&cycles->fates);
    cycle_search_end(&cycles->search);
    arena_free(&cycles->arena);
    *cycles = (struct cycles){0};
}
