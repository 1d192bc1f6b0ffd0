/* new_file.h -- a file that appears under its name only when it is whole.
 *
 * Written beside its place under a temporary name, then renamed; what does not become whole (an error, a full
 * disk, Ctrl-C) is removed. What is no regular file (a device, a named pipe) is written as it is. One at a
 * time is removed when a signal ends the program.
 */
#ifndef HELDBY_NEW_FILE_H
#define HELDBY_NEW_FILE_H

#include "lib/base/error.h"

struct new_file {
    int fd;                 /* open for writing */
    const char *name;       /* as given, for errors; borrowed */
    char *path, *temporary; /* NULL: written in place */
};

/* A file that is there keeps its permissions. On false nothing needs to be done. */
bool new_file_open(struct new_file *file, const char *name, struct error *err);
/* The same for what has a process's memory in it: a new one is its owner's only, from the start. */
bool new_file_open_private(struct new_file *file, const char *name, struct error *err);
/* Writes it to the disk, closes it, gives it its name. On false it is gone. */
bool new_file_keep(struct new_file *file, struct error *err);
void new_file_drop(struct new_file *file); /* closes and removes; all zero, dropped or kept is fine */

#endif
