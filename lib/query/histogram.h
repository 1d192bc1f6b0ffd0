/* histogram.h -- how many objects there are of what, and how large they are together. */
#ifndef HELDBY_HISTOGRAM_H
#define HELDBY_HISTOGRAM_H

#include "lib/base/arena.h"
#include "lib/query/view.h"

enum histogram_by {
    HISTOGRAM_TYPE,
    HISTOGRAM_MODULE,   /* of the type; "builtins" for those without a dot */
    HISTOGRAM_SIZE,     /* powers of two: "64-127" bytes */
    HISTOGRAM_REFERRER, /* the kinds of things that hold it: "dict of app.Holder, list" (referrer_sets.h) */
    HISTOGRAM_VIA,      /* the same by the references' names: "app.Holder.attr, list[*]" */
};
enum histogram_sort { HISTOGRAM_BY_COUNT, HISTOGRAM_BY_SHALLOW, HISTOGRAM_BY_RETAINED };

struct histogram_options {
    enum histogram_by by;
    enum histogram_sort sort; /* descending; ties by the other number, then by name */
    const char *filter;       /* POSIX extended regular expression over the rows' names, or NULL */
    const char *type;         /* only objects of this type: exact, glob or bare name; or NULL */
    bool tracked;             /* only objects the garbage collector tracks */
};

struct histogram_row {
    const char *name; /* the type, module, size class or referrers */
    uint64_t count, shallow;
    uint64_t
        retained; /* freed with the row's objects, each counted once; only if the rows are sorted by it */
    bool native;  /* by type: blocks of native memory, whose types have a label */
    enum type_label label;
};

struct histogram {
    struct histogram_row *rows;
    size_t row_count;
    uint64_t objects, bytes; /* of all rows (after the filter) */
    struct arena arena;
};

/* ERROR_USAGE: a bad filter; errors of selection_types. */
bool histogram_create(struct histogram *ret, struct view *view, const struct histogram_options *options,
                      struct error *err);
void histogram_free(struct histogram *histogram);

#endif
