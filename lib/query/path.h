/* path.h -- why an object is alive: the shortest chains of named references from a root, as expressions and
 * step by step. */
#ifndef HELDBY_PATH_H
#define HELDBY_PATH_H

#include "lib/query/exclusion.h"
#include "lib/query/rows.h"

struct path_step {
    object_id object;
    uint64_t address;
    const char *type;
    enum reference_kind kind; /* how it is held by the step before or the root; 0: it is the root itself */
    const char *kind_name;    /* as in JSON; the root's kind if kind is 0 */
    const char *name;         /* bare: _CACHE, 'k7', 50 */
    const char *text;         /* as in the expression: ._CACHE, ['k7'], [50] */
    uint64_t shallow;
    bool uncertain;
};

struct path {
    const char *expression;  /* runs of equal steps folded: app.head(.next)×99 999 (path_runs.h) */
    const char *start;       /* the expression of the root alone, before its steps */
    size_t started;          /* steps that `start` stands for: 0 or 1 */
    struct root_row root;    /* PATH_FROM_OBJECT: kind ROOT_NONE, object and text are the object's */
    struct path_step *steps; /* from the first object the root holds to the object asked for */
    size_t step_count;
};

enum path_outcome {
    PATH_FROM_ROOT,
    PATH_FROM_OBJECT, /* as asked by `from` */
    PATH_HELD_FROM_C, /* no root reaches it; something in C holds it or what leads to it */
    PATH_UNREACHABLE, /* nothing holds it but other unreachable objects: it waits for the collector */
    PATH_NONE,        /* with `avoid` or `from`: there is no such chain */
};

struct path_options {
    uint32_t max;                   /* 1: the best one; more: all shortest ones up to this many */
    object_id from;                 /* or 0 */
    const char *from_text;          /* what expressions call it, or NULL: its type and address */
    const struct object_set *avoid; /* or NULL */
    const bool *avoid_roots;        /* [heap->root_count], or NULL */
};

struct paths {
    enum path_outcome outcome;
    bool types_followed;   /* only a chain through an object's type exists */
    bool more;             /* there are more than max */
    const char *from_text; /* as in the options */
    struct path *paths;    /* best first */
    size_t path_count;     /* 0 for PATH_UNREACHABLE and PATH_NONE */
    struct arena arena;
};

bool path_find(struct paths *ret, struct view *view, object_id object, const struct path_options *options,
               struct error *err);
void path_free(struct paths *paths);

/* The same for many objects, merged: 9 874 of 10 000 via app._CACHE[*].attr */
struct path_group {
    const char *expression; /* generalised; for those no root reaches "<held from C>" or "<unreachable>" */
    uint64_t count, shallow;
    object_id example; /* the one with the lowest address */
    uint64_t example_address;
    bool reachable;
};

struct path_groups {
    struct path_group *rows; /* by count descending, then by expression */
    size_t row_count;
    uint64_t objects, bytes;
    struct arena arena;
};

/* `avoid` may be NULL. No transpose is needed. */
bool path_merge(struct path_groups *ret, struct view *view, const object_id *objects, size_t count,
                const struct exclusion *avoid, struct error *err);
void path_groups_free(struct path_groups *groups);

#endif
