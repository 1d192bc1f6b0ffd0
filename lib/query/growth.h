/* growth.h -- what rose at every step through a series of heaps of one program, oldest first.
 *
 * Heaps are added one at a time and may be freed after: only their histograms are kept. Where some of them
 * have native memory (cores) and others have not (snapshots of the hook), its blocks are left out of all.
 */
#ifndef HELDBY_GROWTH_H
#define HELDBY_GROWTH_H

#include "lib/base/arena.h"
#include "lib/query/condition.h"
#include "lib/query/view.h"

enum growth_by { GROWTH_TYPE, GROWTH_PATH };

struct growth_options {
    enum growth_by by;
    bool tracked; /* only objects the garbage collector tracks */
    bool peak;    /* only rows whose last count is above all before, as objgraph.growth has it; else all */
};

struct growth_row {
    const char *name;  /* the type, or the generalised path (GROWTH_PATH) */
    uint64_t *counts;  /* [heap_count] */
    uint64_t *shallow; /* [heap_count], bytes */
    size_t heap_count; /* places in both */
    bool every_step;   /* the count rose at every step */
    double per_step;   /* objects per step, on average, first to last */
    double bytes_per_step;
    uint64_t peak;      /* the highest count before the last heap */
    uint64_t over_peak; /* how far the last count is above it, 0 if it is not */
};

struct growth {
    /* Filled by growth_finish: every_step first, then by per_step, bytes_per_step, both descending, name.
       With `peak`: by over_peak descending, name. */
    struct growth_row *rows;
    size_t row_count;
    size_t rising_count; /* rows with every_step */
    size_t heap_count;
    bool native_left_out; /* some heaps have native memory, others have not */
    struct growth_private *private;
};

bool growth_begin(struct growth *ret, const struct growth_options *options, struct error *err);
bool growth_add(struct growth *growth, struct view *view, struct error *err);
/* At least two heaps, or ERROR_USAGE. */
bool growth_finish(struct growth *growth, struct error *err);
void growth_free(struct growth *growth);

/* Columns: type or expression, first_count, last_count, delta_count, first_shallow, last_shallow,
 * delta_shallow, every_step (1 or 0), per_step, peak,
 * over_peak. */
const struct column_table *growth_columns(enum growth_by by);

#endif
