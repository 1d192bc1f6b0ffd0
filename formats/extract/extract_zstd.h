/* extract_zstd.h -- the compression that a snapshot writer is given: libzstd, linked. (The hook, which may
 * link nothing, opens the library by name instead: cmd/hook/zstd.c.) */
#ifndef HELDBY_EXTRACT_ZSTD_H
#define HELDBY_EXTRACT_ZSTD_H

#include "formats/snapshot/snapshot_writer.h"

const struct snapshot_zstd *extract_zstd(void);

#endif
