/* target.h -- a running process as `heldby dump` sees it through /proc: is it there, whose is it, has it a
 * hook. */
#ifndef HELDBY_TARGET_H
#define HELDBY_TARGET_H

#include "lib/base/error.h"

#include <limits.h>
#include <sys/types.h>

enum { TARGET_PATH = PATH_MAX + 64 };

struct target {
    pid_t pid;
    pid_t helper;  /* thread id of the hook's helper */
    int signal;    /* the one it waits for */
    uid_t user;    /* the user its files belong to */
    bool hookless; /* there, and ours, but without a hook */
    char root[32]; /* prefix of a path of its own: "/proc/PID/root", or "" if it sees the same files as we */
};

/* Finds the helper, waiting a moment for one that is just being replaced. ERROR_SYSTEM: gone, not ours, no
 * hook. */
bool target_find(struct target *ret, pid_t pid, struct error *err);
bool target_is_alive(const struct target *t);
/* Where we see the target's `path`. */
void target_path(const struct target *t, const char *path, char out[TARGET_PATH]);

#endif
