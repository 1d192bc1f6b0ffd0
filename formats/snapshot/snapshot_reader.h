/* snapshot_reader.h -- opens a snapshot file as a heap.
 *
 * Reads blocks into a small buffer; the file is never resident and never mapped. Of the objects only address,
 * shape and references are decoded (about 23 bytes of memory each); sizes, refcounts, flags and previews are
 * read when the heap is asked for them, so the file stays open until heap_destroy.
 *
 * A damaged or cut file opens as far as it is whole: the heap is then not `complete`, its `warnings` say what
 * is wrong, and `objects_lost` and `edges_lost` are lower bounds. Ids stay those of the file.
 */
#ifndef HELDBY_SNAPSHOT_READER_H
#define HELDBY_SNAPSHOT_READER_H

#include "formats/snapshot/snapshot_file.h"
#include "lib/heap/heap.h"

/* Whether `size` bytes from the start of a file (8 are enough) begin a snapshot of any version. */
bool snapshot_probe(const unsigned char *start, size_t size);

/* NULL with *err filled: ERROR_BAD_INPUT (empty, foreign, of a newer major version, or nothing of it whole)
   or ERROR_SYSTEM. The caller destroys the heap. */
struct heap *snapshot_open(const char *path, struct error *err);

/* The same for a file that is open already and called `path`; takes fd over, on failure too. */
struct heap *snapshot_open_fd(int fd, const char *path, struct error *err);

/* The same with every fault reported as it is found (also shown in warnings, if few). */
struct heap *snapshot_open_reporting(const char *path, struct snapshot_faults faults, struct error *err);

#endif
