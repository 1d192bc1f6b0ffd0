/* unreachable.h -- what no root reaches: by type, and by what it begins with.
 *
 * A head is what nothing else in the unreachable part holds: an object, or a cycle (components.h) that
 * nothing outside it holds. Everything unreachable hangs under some head; where several lead to an object it
 * is counted with one, the nearest, so that the heads' figures add up to the whole. What only gc.garbage
 * holds is reached, by that list, and only summed up here.
 */
#ifndef HELDBY_UNREACHABLE_H
#define HELDBY_UNREACHABLE_H

#include "lib/base/arena.h"
#include "lib/graph/fates.h"
#include "lib/query/cycle_marks.h"
#include "lib/query/noise.h"

enum unreachable_why {
    UNREACHABLE_LEAKED, /* a block of native memory, or a cycle of blocks: no word leads to it */
    UNREACHABLE_CYCLE,  /* a cycle that waits for the collector */
    UNREACHABLE_DYING,  /* nothing refers to it: it was being freed */
    UNREACHABLE_FROM_C, /* it has more references than the snapshot explains */
    UNREACHABLE_NOISE,  /* the same, and CPython itself is known to hold it (noise.h) */
    UNREACHABLE_WHYS
};

struct unreachable_sum {
    uint64_t objects, bytes;
};

struct unreachable_type {
    const char *type; /* borrowed from the heap */
    bool native;      /* blocks of native memory, whose types have a label */
    enum type_label label;
    uint64_t count, shallow;
};

struct unreachable_head {
    uint64_t address;
    object_id object;             /* of a cycle the best known member */
    uint32_t component;           /* 1 + the cycle, 0: a single object */
    uint32_t group;               /* in groups */
    uint8_t why, noise;           /* enum unreachable_why, enum noise */
    struct cycle_marks marks;     /* of a cycle */
    uint64_t unexplained;         /* references; of a cycle the sum over it */
    struct unreachable_sum holds; /* itself and what hangs under it */
};

/* Heads of the same type for the same reason; cycles that read alike. */
struct unreachable_group {
    enum unreachable_why why;
    enum noise noise;
    const char *type;
    const char *chain;    /* of a cycle, read aloud; else "" */
    uint64_t unexplained; /* of each of the heads, 0 if they differ */
    uint64_t count;       /* heads */
    struct unreachable_sum holds;
    size_t first; /* in heads: the one to show */
};

struct unreachable {
    bool has_blocks; /* the heap has blocks of native memory */
    /* What may hold some of it all the same: "memory that is not here (20.1 MiB)"; "": all was searched. */
    char doubt[96];
    struct unreachable_sum all, saved, heap, by_why[UNREACHABLE_WHYS];
    struct unreachable_sum stuck;  /* of UNREACHABLE_CYCLE: under cycles that the collector does not free */
    struct unreachable_type *rows; /* by shallow size, then count, both descending, then name */
    size_t row_count;
    struct unreachable_head *heads; /* in the order of enum unreachable_why, then by bytes held and address;
                                       those behind the limit in no order */
    size_t head_count;
    struct unreachable_group *groups; /* in the same order */
    size_t group_count;
    struct unreachable_sum noise[NOISE_KINDS]; /* by_why[UNREACHABLE_NOISE] by class */
    struct arena arena;
};

/* Finding nothing is an answer: all.objects is 0. The first `limit` heads are brought into order (there may
 * be millions). */
bool unreachable_find(struct unreachable *ret, struct view *view, uint64_t limit, struct error *err);
void unreachable_free(struct unreachable *unreachable);

#endif
