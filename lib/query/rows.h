/* rows.h -- the rows that several answers share: one object, one root. */
#ifndef HELDBY_ROWS_H
#define HELDBY_ROWS_H

#include "lib/base/arena.h"
#include "lib/query/view.h"

struct object_row {
    object_id id; /* the ordinal @N */
    uint64_t address;
    const char *type;  /* borrowed from the heap */
    uint64_t shallow;  /* bytes */
    uint64_t refcount; /* the raw word */
    bool immortal;
    const char *preview; /* "" if none */
};

/* Texts go into the arena. */
bool object_row_fill(struct view *view, object_id id, struct arena *arena, struct object_row *ret,
                     struct error *err);

/* Rows of the largest objects, at most `limit` (0: all), by shallow size descending, then in the order given.
 */
bool object_rows_largest(struct view *view, const object_id *objects, size_t count, uint64_t limit,
                         struct arena *arena, struct object_row **rows, size_t *row_count, struct error *err);

struct root_row {
    enum root_kind kind;   /* ROOT_NONE: there is none */
    const char *kind_name; /* "module", "frame", ... */
    const char *name;      /* of the module, module.function, of the thread, of the field; "" if none */
    const char *text;      /* as an expression starts: app, app.handle, <interpreter>, <held from C ×2> */
    const char *variable;  /* the reference's own name: local, field; "" if the root is the object itself */
    object_id object;      /* its target */
    uint64_t address;      /* of the target */
    enum reference_kind reference; /* 0: the root is the target itself */
    bool uncertain;
    uint64_t count; /* c_reference: unexplained references; else 0 */
    const char
        *thread; /* thread, frame and some native roots: the thread's name, "" if unknown; others NULL */
    uint64_t thread_id, native_id;
    const char *function, *module, *file; /* frame and native stack roots; others NULL */
    uint32_t line;                        /* 0 = unknown */
    int64_t offset; /* roots of native memory: bytes from the variable, mapping or stack pointer */
};

/* The row of what C holds: `count` references that nothing in the snapshot explains. */
bool root_row_from_c(struct view *view, object_id object, uint64_t count, struct arena *arena,
                     struct root_row *ret, struct error *err);

/* `root` is an index into heap->roots. */
bool root_row_fill(struct view *view, uint32_t root, struct arena *arena, struct root_row *ret,
                   struct error *err);

#endif
