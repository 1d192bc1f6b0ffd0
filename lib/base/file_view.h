/* file_view.h -- a file open for reading at any place, with its path for errors.
 *
 * Reads copy into the caller's buffer (pread), so that a file that shrinks or changes while it is read cannot
 * fault, and a large file is never resident. The size is the one found at opening. Not for pipes: a file that
 * cannot seek is refused.
 */
#ifndef HELDBY_FILE_VIEW_H
#define HELDBY_FILE_VIEW_H

#include "lib/base/error.h"

struct file_view {
    int fd;
    uint64_t size; /* bytes, at the time of opening */
    char *path;    /* as given; owned */
};

/* On false nothing needs closing. Directories and files that cannot seek are ERROR_SYSTEM. */
bool file_view_open(struct file_view *file, const char *path, struct error *err);
/* The same for a file that is open already; `path` is what errors call it. The view closes fd, on false too.
 */
bool file_view_take(struct file_view *file, int fd, const char *path, struct error *err);
void file_view_close(struct file_view *file); /* idempotent; a zeroed struct with fd -1 is fine */

/* Exactly `size` bytes from `offset` (both in bytes; `offset + size` must be <= file->size, else
 * ERROR_BAD_INPUT). */
bool file_view_read(const struct file_view *file, uint64_t offset, void *to, size_t size, struct error *err);

#endif
