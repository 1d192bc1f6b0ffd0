/* snapshot_plan.h -- decides, before anything is decoded, which blocks are used and how many items there are
 * in all.
 *
 * Looks at the block headers only. Blocks that repeat items are dropped. Missing tables and edges leave a
 * gap, which is filled with placeholders; a missing block of objects ends the objects, because nothing says
 * where the references of those behind it start.
 */
#ifndef HELDBY_SNAPSHOT_PLAN_H
#define HELDBY_SNAPSHOT_PLAN_H

#include "formats/snapshot/snapshot_file.h"

struct snapshot_plan {
    uint64_t end[SNAPSHOT_BLOCK_KINDS]; /* by kind: number of the last item that is given, 0 = none; edges:
                                           how many */
    uint64_t objects_known;             /* the highest object number that any block header names */
};

/* Entries not to be used get kind 0. Faults are reported. */
void snapshot_plan_make(struct snapshot_plan *plan, struct snapshot_file *file);

#endif
