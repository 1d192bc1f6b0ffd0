/* diff.h -- what came and what went between two heaps of one program, and who holds what came.
 *
 * Types match by name, and objects by address as far as an address can tell (diff_match.h): counts and bytes
 * per row are exact, added and removed are lower bounds, and objects kept that may be new ones at a used
 * address are counted. Every object is in one row of each heap, so rows add up to the whole, and with
 * DIFF_PATH the rows of a type add up to the type's. Where only one of the heaps has native memory (a core
 * beside a snapshot of the hook), its blocks are left out: they neither came nor went.
 */
#ifndef HELDBY_DIFF_H
#define HELDBY_DIFF_H

#include "lib/query/condition.h"
#include "lib/query/rows.h"

enum diff_by {
    DIFF_TYPE,
    DIFF_PATH, /* by the generalised path that holds them, app._CACHE[*].attr, and type */
};

enum diff_sort { DIFF_SHALLOW, DIFF_COUNT, DIFF_ADDED, DIFF_REMOVED, DIFF_NAME };

struct diff_options {
    enum diff_by by;
    enum diff_sort sort;
    bool unrelated;        /* heaps of two processes: no object of one is in the other */
    bool objects;          /* list the objects that came and went */
    const char *type;      /* only these types (exact, glob or bare name, of either heap), or NULL */
    uint64_t object_limit; /* listed objects of either list; 0: all */
};

struct diff_row {
    const char *type;       /* never NULL */
    const char *expression; /* DIFF_PATH: the path; else NULL */
    uint64_t old_count, new_count, old_shallow, new_shallow;
    int64_t delta_count, delta_shallow;
    uint64_t added, removed;
    uint64_t kept;            /* objects of the newer heap that were in the older one, in whatever row */
    uint64_t possibly_reused; /* of them, those that may be new ones at a used address */
};

struct diff {
    /* Rows with any difference first. By shallow size or count: what grew, then what shrank, then what only
       changed its objects, the largest change first. By objects added or removed: most first. Ties by the
       other numbers, then by name. */
    struct diff_row *rows;
    size_t row_count;     /* all rows, those without a difference included (they come last) */
    size_t changed_count; /* rows with a delta, or with objects added or removed */
    struct diff_row total;
    struct object_row *added, *removed; /* asked for by `objects`: by shallow size descending, then address */
    size_t added_count, removed_count;  /* at most object_limit; total has the whole numbers */
    struct arena arena;
};

/* Errors of type_names.h for `type`. */
bool diff_create(struct diff *ret, struct view *older, struct view *newer, const struct diff_options *options,
                 struct error *err);
void diff_free(struct diff *diff);

/* Columns of a row for --fail-if; `expression` is a column with DIFF_PATH only. */
const struct column_table *diff_columns(enum diff_by by);

#endif
