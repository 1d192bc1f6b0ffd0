/* diff.h -- what came and what went between two heaps of one program, and who holds what came.
 *
 * Types match by name. An object is taken for the same if it has the same address and type: allocators reuse
 * addresses, so some new objects pass for old ones, and counts of added and removed are lower bounds; the
 * counts per row are exact.
 */
#ifndef HELDBY_DIFF_H
#define HELDBY_DIFF_H

#include "lib/query/condition.h"
#include "lib/query/rows.h"

enum diff_by {
    DIFF_TYPE,
    DIFF_PATH, /* by the generalised path that holds them, app._CACHE[*].attr, and type */
};

struct diff_options {
    enum diff_by by;
    bool objects;          /* list the objects that came and went */
    const char *type;      /* only these types (exact or glob), or NULL */
    uint64_t object_limit; /* listed objects of either list; 0: all */
};

struct diff_row {
    const char *type;       /* never NULL */
    const char *expression; /* DIFF_PATH: the path; else NULL */
    uint64_t old_count, new_count, old_shallow, new_shallow;
    int64_t delta_count, delta_shallow;
    uint64_t added, removed;
};

struct diff {
    /* Rows with any difference first: by |delta_shallow|, |delta_count|, added + removed, all descending,
       then by name. */
    struct diff_row *rows;
    size_t row_count;     /* all rows, those without a difference included (they come last) */
    size_t changed_count; /* rows with a delta, or with objects added or removed */
    struct diff_row total;
    struct object_row *added, *removed; /* asked for by `objects`: by shallow size descending, then address */
    size_t added_count, removed_count;  /* at most object_limit; total has the whole numbers */
    struct arena arena;
};

bool diff_create(struct diff *ret, struct view *older, struct view *newer, const struct diff_options *options,
                 struct error *err);
void diff_free(struct diff *diff);

/* Columns of a row for --fail-if; `expression` is a column with DIFF_PATH only. */
const struct column_table *diff_columns(enum diff_by by);

#endif
