/* What cycles.h says of one row, made when it is shown. */
#include <stdlib.h>
#include <string.h>

#include "lib/query/cycles.h"

struct member {
    uint64_t address;
    object_id id;
    bool first; /* the chain begins with it */
};

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->first != y->first)
        return x->first ? -1 : 1;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

object_id *cycles_members(const struct cycles *cycles, const struct cycle_row *row, size_t *count,
                          struct error *err)
{
    const struct components *components = &cycles->components;
    const struct heap *heap = cycles->reader.heap;
    struct member *member = malloc((row->size + 1) * sizeof *member);
    object_id *ret = malloc((row->size + 1) * sizeof *ret);
    *count = 0;
    if (!member || !ret) {
        free(member);
        free(ret);
        error_no_memory(err);
        return NULL;
    }
    for (uint64_t i = components->start[row->component]; i < components->start[row->component + 1]; i++) {
        object_id id = components->member[i];
        if (!object_set_has(&cycles->hidden, id))
            member[(*count)++] = (struct member){heap->address[id], id, heap->address[id] == row->address};
    }
    if (*count)
        qsort(member, *count, sizeof *member, compare_members);
    for (size_t i = 0; i < *count; i++)
        ret[i] = member[i].id;
    free(member);
    return ret;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct cycle_type *)a)->name, ((const struct cycle_type *)b)->name);
}

static int most_first(const void *a, const void *b)
{
    const struct cycle_type *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return by_name(a, b);
}

struct cycle_type *cycles_types(const struct cycles *cycles, const struct cycle_row *row, size_t *count,
                                struct error *err)
{
    size_t members;
    object_id *member = cycles_members(cycles, row, &members, err);
    struct cycle_type *type = member ? malloc((members + 1) * sizeof *type) : NULL;
    *count = 0;
    if (!type) {
        free(member);
        error_no_memory(err);
        return NULL;
    }
    for (size_t i = 0; i < members; i++)
        type[i] = (struct cycle_type){heap_type_name(cycles->reader.heap, member[i]), 1};
    free(member);
    if (members)
        qsort(type, members, sizeof *type, by_name);
    for (size_t i = 0; i < members; i++)
        if (*count && !strcmp(type[*count - 1].name, type[i].name))
            type[*count - 1].count++;
        else
            type[(*count)++] = type[i];
    if (*count)
        qsort(type, *count, sizeof *type, most_first);
    return type;
}

struct cycle_step *cycles_chain(struct cycles *cycles, const struct cycle_row *row, size_t *count,
                                struct error *err)
{
    struct cycle cycle;
    if (!cycle_chain_find(&cycles->reader, &cycles->search, row->component, &cycle, err))
        return NULL;
    struct cycle_step *steps = cycle_chain_steps(&cycles->reader, &cycle, count, err);
    cycle_free(&cycle);
    return steps;
}
