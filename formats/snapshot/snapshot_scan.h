/* snapshot_scan.h -- finds the whole blocks of a file, from the header on; part of snapshot_file, which calls
 * it.
 *
 * Without faults that is one walk from block to block. After a damaged block the walk goes on where the
 * contents block, or else the damaged block's own header, says that the next one starts, if one is there.
 */
#ifndef HELDBY_SNAPSHOT_SCAN_H
#define HELDBY_SNAPSHOT_SCAN_H

#include "formats/snapshot/snapshot_file.h"

/* False: not a snapshot, of a newer major version, or nothing of it is whole; or the system said no. */
bool snapshot_scan(struct snapshot_file *file, struct error *err);

/* XXH3-64 */
uint64_t snapshot_checksum(const void *data, size_t size);

#endif
