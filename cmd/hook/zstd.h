/* zstd.h -- the program-independent libzstd: opened privately when the hook arms, never linked.
 *
 * Only pointers are taken; the child compresses in memory of its own. Without the library snapshots are
 * stored uncompressed, in the same format. Opening it allocates, so this must not run in a trigger.
 */
#ifndef HELDBY_HOOK_ZSTD_H
#define HELDBY_HOOK_ZSTD_H

#include "formats/snapshot/snapshot_writer.h"

bool zstd_find(struct snapshot_zstd *ret); /* false: not there, or too old */

#endif
