/* name_table.h -- rows by name, for answers that bring several heaps together: ids differ, names are the
 * same. */
#ifndef HELDBY_NAME_TABLE_H
#define HELDBY_NAME_TABLE_H

#include "lib/base/arena.h"

struct name_table {
    const char **name; /* [count], copies */
    uint32_t count;
    size_t capacity;
    uint32_t *slot; /* open addressing: row + 1, 0 empty */
    size_t mask;
    struct arena texts;
};

/* The row of a name, a new one if it is not in yet. UINT32_MAX: no memory. A table starts all zero. */
uint32_t name_table_row(struct name_table *table, const char *name, size_t length, struct error *err);
void name_table_free(struct name_table *table);

#endif
