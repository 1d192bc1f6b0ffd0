/* show.h -- everything about one object: its row, what it holds, what holds it, the roots that hold it. */
#ifndef HELDBY_SHOW_H
#define HELDBY_SHOW_H

#include "lib/query/path.h"
#include "lib/query/rows.h"

struct reference_row {
    enum reference_kind kind;
    const char *kind_name; /* "attribute", ... */
    const char *name;      /* bare name, "" if none */
    const char *text;      /* as a step: .attr, ['k7'] */
    object_id object;      /* the other end */
    uint64_t address;
    const char *type;
    const char *preview;    /* of the other end, "" if none */
    uint64_t shallow;       /* of the other end, bytes */
    const char *expression; /* holders: a path to the object through this one; NULL: not asked for, or there
                               is none that does not go through the object itself */
    bool uncertain;
};

struct shown {
    struct object_row row;
    const char *module;  /* of its type */
    int64_t length;      /* items, code points of a str, bytes of a bytes; -1: it has none */
    bool in_code_points; /* length counts these */
    uint8_t flags;       /* enum object_flags */
    unsigned generation; /* of the collector, if OBJECT_TRACKED */
    bool finalizer;      /* its type has __del__ or another finalizer */
    uint64_t instances;  /* of a class: objects whose type it is */
    uint64_t own_dict;   /* shallow size of the dict that is its own; 0: it has none */
    bool block;          /* of native memory: no refcount, no flags */
    enum type_label label;
    uint64_t in_degree, out_degree;  /* raw references, weak ones included */
    uint64_t weak;                   /* weak references to it */
    bool counted;                    /* the refcount word is a count; false for immortal objects */
    uint64_t found, native, missing; /* references of the refcount: those that Python explains, those that
                                        native memory does (native_found.h), those that nothing explains */
    const char *path; /* why it is alive, the expression; NULL: no root reaches it, nothing in C holds it */
    const struct root_row *path_root; /* where that begins, or NULL */
    struct paths paths;
    struct reference_row *fields; /* what it holds, in its own order; at most the limit */
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

/* Paths are found for the object and its first few holders. O(objects + references) for the count of
   references found. */
bool show_object(struct shown *ret, struct view *view, object_id id, uint64_t limit, struct error *err);
void show_free(struct shown *shown);

#endif
