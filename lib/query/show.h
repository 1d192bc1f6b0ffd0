/* show.h -- everything about one object: its row, what it holds, what holds it, the roots that hold it. */
#ifndef HELDBY_SHOW_H
#define HELDBY_SHOW_H

#include "lib/query/rows.h"

struct reference_row {
    enum reference_kind kind;
    const char *kind_name; /* "attribute", ... */
    const char *name;      /* bare name, "" if none */
    const char *text;      /* as a step: .attr, ['k7'] */
    object_id object;      /* the other end */
    uint64_t address;
    const char *type;
    const char *preview; /* of the other end, "" if none */
    bool uncertain;
};

struct shown {
    struct object_row row;
    uint64_t in_degree, out_degree; /* raw references, weak ones included */
    struct reference_row *fields;   /* what it holds, in its own order; at most the limit */
    size_t field_count;
    uint64_t fields_total;
    struct reference_row *holders; /* what holds it; at most the limit */
    size_t holder_count;
    uint64_t holders_total;
    struct root_row *roots; /* best first, all */
    size_t root_count;
    bool transparent; /* it is some object's own dict or frame */
    struct arena arena;
};

bool show_object(struct shown *ret, struct view *view, object_id id, uint64_t limit, struct error *err);
void show_free(struct shown *shown);

#endif
