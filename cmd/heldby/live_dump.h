/* live_dump.h -- `heldby dump` of a process without a hook: its memory is copied from outside while it stands
 * still, and read like a core. */
#ifndef HELDBY_LIVE_DUMP_H
#define HELDBY_LIVE_DUMP_H

#include "cmd/heldby/command.h"

#include <limits.h>
#include <sys/types.h>

/* The first name that is free of NAME.PID.N.held in a folder, NAME being the process's own. */
bool dump_name(pid_t pid, const char *folder, char out[PATH_MAX], struct error *err);

/* Writes the snapshot, prints its path, and says on standard error how long the process stood still. */
bool live_dump(const struct invocation *in, pid_t pid, struct error *err);

#endif
