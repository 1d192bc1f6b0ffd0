/* snapshot_copy.h -- writes a snapshot again, block by block: compressed, and if so wished without values.
 *
 * Blocks are copied as they are, those of kinds this version does not know too; only streams that are stored
 * plain get compressed. Of a damaged file what is whole is copied, and the copy says that it is not complete.
 */
#ifndef HELDBY_SNAPSHOT_COPY_H
#define HELDBY_SNAPSHOT_COPY_H

#include "lib/base/error.h"

struct snapshot_zstd;

struct snapshot_copy_options {
    int fd;                           /* open for writing, empty; stays open; need not be able to seek */
    const struct snapshot_zstd *zstd; /* or NULL: streams stay as they are */
    /* What stays of previews and of strings; both NULL: everything, else the copy says that it has no values.
     * A string that does not stay is empty. */
    bool (*keep_preview)(void *context, uint64_t object, unsigned kind, const uint8_t *text, uint64_t length);
    bool (*keep_string)(void *context, uint64_t string, const uint8_t *text, uint64_t length);
    void *keep_context;
    void (*progress)(void *context, uint64_t done, uint64_t total); /* bytes of the file; may be NULL */
    void *progress_context;
};

/* ERROR_BAD_INPUT: nothing of it is whole. ERROR_SYSTEM: it cannot be read, or the copy not written. */
bool snapshot_copy(const char *path, const struct snapshot_copy_options *options, struct error *err);

#endif
