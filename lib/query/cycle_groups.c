#include "lib/query/cycle_groups.h"

#include <stdlib.h>

#include "lib/base/vector.h"

static size_t *find_slot(const struct cycle_groups *groups, const struct cycle_mark *mark)
{
    size_t at = (size_t)mark->a & groups->mask;
    while (groups->slot[at] && (groups->mark[groups->slot[at] - 1].a != mark->a ||
                                groups->mark[groups->slot[at] - 1].b != mark->b))
        at = (at + 1) & groups->mask;
    return &groups->slot[at];
}

static bool grow(struct cycle_groups *groups, struct error *err)
{
    size_t slots = groups->mask ? (groups->mask + 1) * 2 : 64;
    size_t *old = groups->slot, *slot = calloc(slots, sizeof *slot);
    if (!slot)
        return error_no_memory(err);
    groups->slot = slot;
    groups->mask = slots - 1;
    for (size_t g = 0; g < groups->count; g++)
        *find_slot(groups, &groups->mark[g]) = g + 1;
    free(old);
    return true;
}

bool cycle_groups_add(struct cycle_groups *groups, const struct cycle_mark *mark, struct cycle_row *row,
                      size_t place, struct error *err)
{
    if (groups->count * 2 >= groups->mask && !grow(groups, err))
        return false;
    size_t *slot = find_slot(groups, mark);
    if (!*slot) {
        if (!vector_reserve((void **)&groups->group, &groups->group_capacity, groups->count + 1,
                            sizeof *groups->group, err) ||
            !vector_reserve((void **)&groups->mark, &groups->mark_capacity, groups->count + 1,
                            sizeof *groups->mark, err))
            return false;
        groups->group[groups->count] = (struct cycle_group){.first = place};
        groups->mark[groups->count] = *mark;
        *slot = ++groups->count;
    }
    row->group = *slot - 1;
    struct cycle_group *group = &groups->group[row->group];
    group->count++;
    group->objects += row->size;
    group->bytes += row->bytes;
    group->differ = group->differ || groups->mark[row->group].exact != mark->exact;
    return true;
}

void cycle_groups_free(struct cycle_groups *groups)
{
    free(groups->group);
    free(groups->mark);
    free(groups->slot);
    *groups = (struct cycle_groups){0};
}
