/* output.h -- the names of a snapshot: a temporary one while it is written, the final one when it is whole.
 *
 *     FOLDER/.NAME.PID.N.held.tmp  ->  FOLDER/NAME.PID.N.held      (N from 1; an existing file is never
 * replaced) FOLDER/.NAME.PID.N.tmp       ->  the path that was asked for (replaced, as any tool's -o does)
 *
 * No descriptor is kept: the file is created and closed here and opened again by the child that writes it, so
 * a program that closes all descriptors meanwhile, or reuses a number, meets none of ours. Async-signal-safe,
 * no malloc.
 */
#ifndef HELDBY_HOOK_OUTPUT_H
#define HELDBY_HOOK_OUTPUT_H

#include "cmd/hook/settings.h"

struct output {
    char folder[SETTINGS_PATH];
    char temporary[SETTINGS_PATH];
    char final[SETTINGS_PATH];
    bool replace;     /* the path was asked for by name */
    uint64_t ordinal; /* N */
};

/* Chooses the names and creates the empty temporary file, mode 0600. `path` (absolute) may be NULL. Returns 0
 * or an errno. */
int output_create(struct output *o, const char *folder, const char *name, const char *path);
int output_open(const struct output *o); /* for writing; -1 with errno */
/* Gives the whole, fsync'ed file its final name (o->final; N may rise if another process took it). Returns 0
 * or an errno. */
int output_publish(struct output *o);
void output_remove(const struct output *o);
/* The child of a fork counts from 1 again. */
void output_restart_ordinals(void);

#endif
