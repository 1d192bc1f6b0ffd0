/* cycle_groups.h -- brings cycles with the same mark together while they are found. */
#ifndef HELDBY_CYCLE_GROUPS_H
#define HELDBY_CYCLE_GROUPS_H

#include "lib/query/cycles.h"

struct cycle_groups {
    struct cycle_group *group; /* [count] */
    struct cycle_mark *mark;   /* [count] */
    size_t count, group_capacity, mark_capacity;
    size_t *slot; /* open addressing: group + 1, 0 empty */
    size_t mask;
};

/* Adds a row (number `place`) to the group of its mark and sets row->group. Groups start all zero. */
bool cycle_groups_add(struct cycle_groups *groups, const struct cycle_mark *mark, struct cycle_row *row,
                      size_t place, struct error *err);
void cycle_groups_free(struct cycle_groups *groups);

#endif
