/* output.h -- the names of a snapshot: a temporary one while it is written, the final one when it is whole.
 *
 *     FOLDER/.NAME.PID.N.held.tmp -> FOLDER/NAME.PID.N.held  (N from 1; no existing file is replaced)
 *     FOLDER/.NAME.PID.N.tmp -> the path that was asked for  (replaced, as any tool's -o does)
 *
 * The names are chosen, and the folder is tried, before the fork; the file is made by the child that writes
 * it. So the program holds no descriptor of ours and, if it ends before the fork, leaves nothing behind.
 * Async-signal-safe, no malloc.
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

/* Chooses the names. `path` (absolute) may be NULL. Returns 0, or an errno if nothing can be written there.
 */
int output_plan(struct output *o, const char *folder, const char *name, const char *path);
/* Creates the temporary file, mode 0600; -1 with errno. */
int output_open(const struct output *o);
/* Gives the whole, fsync'ed file its final name (o->final; N may rise if another process took it). 0 or an
 * errno. */
int output_publish(struct output *o);
void output_remove(const struct output *o);
/* The child of a fork counts from 1 again. */
void output_restart_ordinals(void);

#endif
