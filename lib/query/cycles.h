/* cycles.h -- reference cycles: what they are, whether anything still needs them, what would run when they
 * go.
 *
 * A cycle here is a strongly connected component (components.h): everything that hangs together. Classes and
 * modules that a root or C holds are left out with their namespaces, unless `all_edges` asks for them,
 * because they make one component of almost everything. Classes and modules that are garbage count like other
 * objects.
 */
#ifndef HELDBY_CYCLES_H
#define HELDBY_CYCLES_H

#include "lib/base/arena.h"
#include "lib/graph/components.h"
#include "lib/graph/fates.h"
#include "lib/query/cycle_chain.h"
#include "lib/query/cycle_marks.h"
#include "lib/query/view.h"

struct cycles_options {
    bool unreached;    /* only those that no root reaches, gc.garbage apart */
    bool all_edges;    /* leave nothing out */
    const char *type;  /* only those with an object of these types (selection.h), or NULL */
    uint64_t min_size; /* at least so many objects */
};

struct cycle_row {
    uint32_t component; /* in cycles.components */
    uint64_t size;      /* objects; own dicts and frames of its objects are not counted */
    uint64_t bytes;     /* shallow, those included */
    uint64_t address;   /* of the object the chain begins with */
    enum fate fate;     /* the worst of its objects: all share one, as each leads to all others */
    bool listed;        /* gc.garbage itself names one of its objects */
    struct cycle_marks marks;
    size_t group; /* in cycles.groups */
};

/* Cycles that read alike, with objects of the same types and of the same fate. */
struct cycle_group {
    uint64_t count, objects, bytes; /* cycles; sums over them */
    size_t first;                   /* in cycles.rows: the one to show */
    bool differ;                    /* in items or keys */
    const char *chain;              /* read aloud; stars where they differ */
};

struct cycles {
    struct cycle_row *rows; /* what is lost first (gc.garbage, garbage, held from C, reached), then by bytes
                               and size descending, then by address */
    size_t row_count;
    struct cycle_group *groups; /* in the same order */
    size_t group_count;
    uint64_t objects, bytes;
    uint64_t unreached;   /* rows whose fate is not FATE_REACHED */
    uint64_t in_snapshot; /* cycles before any of the options chose */
    struct components components;
    struct object_set hidden; /* members that are not counted in size */
    struct fates fates;
    struct cycle_reader reader;
    struct cycle_search search;
    struct arena arena;
};

bool cycles_find(struct cycles *ret, struct view *view, const struct cycles_options *options,
                 struct error *err);
void cycles_free(struct cycles *cycles);

/* Details of one row, each an array of *count for free(); NULL: no memory. Its objects, the one the chain
 * begins with first, then by address; */
object_id *cycles_members(const struct cycles *cycles, const struct cycle_row *row, size_t *count,
                          struct error *err);
/* the types of its objects, the most frequent first; */
struct cycle_type {
    const char *name; /* borrowed from the heap */
    uint64_t count;
};
struct cycle_type *cycles_types(const struct cycles *cycles, const struct cycle_row *row, size_t *count,
                                struct error *err);
/* and its own chain. */
struct cycle_step *cycles_chain(struct cycles *cycles, const struct cycle_row *row, size_t *count,
                                struct error *err);

#endif
