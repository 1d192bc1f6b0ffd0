/* snapshot_verify.h -- checks everything in a snapshot and keeps going: container, columns, ids, and the heap
 * they make.
 *
 * Reads and decompresses every stream, also those that no question needs. Says what is wrong, not what to do
 * about it.
 */
#ifndef HELDBY_SNAPSHOT_VERIFY_H
#define HELDBY_SNAPSHOT_VERIFY_H

#include "formats/snapshot/snapshot_file.h"

struct snapshot_verdict {
    uint64_t faults;
    uint64_t objects, edges, roots;    /* that can still be used */
    uint64_t objects_lost, edges_lost; /* lower bounds */
};

/* Reports each fault; its offset is ERROR_NO_OFFSET where it has no place in the file. True with *ret filled,
   faults or not. False: nothing can be answered from this file (ERROR_BAD_INPUT), or the system said no. */
bool snapshot_verify(const char *path, struct snapshot_faults faults, struct snapshot_verdict *ret,
                     struct error *err);

#endif
