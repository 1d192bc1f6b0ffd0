/* refcheck.h -- objects with more references than the snapshot explains: something in C holds them.
 *
 * unexplained = refcount - references found (lib/graph/found_references.h says what is found) - those that
 * native memory explains (native_found.h, in cores). An object that C holds stays in the list when it is
 * known where in native memory. Objects that CPython itself is known to hold from C (noise.h) are left out
 * unless asked for. Immortal objects count no references and never are in it.
 */
#ifndef HELDBY_REFCHECK_H
#define HELDBY_REFCHECK_H

#include "lib/base/arena.h"
#include "lib/query/condition.h"
#include "lib/query/noise.h"

struct refcheck_options {
    const char *type; /* exact name or glob, or NULL: all */
    bool all;         /* noise, too */
};

struct refcheck_row {
    object_id id;
    uint64_t address, shallow, refcount, found, native, unexplained;
    const char *type, *module;
    enum noise noise;
    const char *preview; /* NULL before refcheck_describe */
    const char *why;     /* what may hold it, likewise */
};

struct refcheck_type {
    const char *type;
    uint64_t count, native, unexplained, shallow;
};

struct refcheck {
    struct refcheck_row *rows; /* most references not found first; ties: larger first, then by address */
    size_t row_count;
    struct refcheck_type *types; /* of the rows, by references not found, then by count, then by name */
    size_t type_count;
    uint64_t native, unexplained, shallow; /* of all rows */
    bool mixed;                            /* there is native memory */
    uint64_t checked;                      /* objects that count references, of the types asked for */
    uint64_t immortal;                     /* objects that do not */
    uint64_t over;               /* objects with more references found than counted: not in the rows */
    uint64_t noise[NOISE_KINDS]; /* objects of each class, whether in the rows or left out; [0] is 0 */
    struct noises *noises;       /* for refcheck_describe */
    struct arena arena;
};

/* ERROR_NOT_FOUND: no such type. Not finding anything is an answer: row_count is 0. */
bool refcheck_create(struct refcheck *ret, struct view *view, const struct refcheck_options *options,
                     struct error *err);
void refcheck_free(struct refcheck *refcheck);

/* Fills in preview and why of one row. */
bool refcheck_describe(struct refcheck *refcheck, struct view *view, struct refcheck_row *row,
                       struct error *err);

/* The columns of --fail-if: type, module, class, refcount, found, native, unexplained, shallow; by type:
 * type, count, native, unexplained, shallow. */
const struct column_table *refcheck_columns(bool by_type);

#endif
