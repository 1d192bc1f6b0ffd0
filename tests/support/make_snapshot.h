/* make_snapshot.h -- writes a model as a snapshot file with the hook's own writer.
 */
#ifndef HELDBY_TEST_MAKE_SNAPSHOT_H
#define HELDBY_TEST_MAKE_SNAPSHOT_H

#include "formats/snapshot/snapshot_writer.h"
#include "tests/support/model.h"

/* libzstd, as the hook would find it. */
extern const struct snapshot_zstd make_snapshot_zstd;

void make_snapshot(const struct model *m, const char *path, bool compressed);

#endif
