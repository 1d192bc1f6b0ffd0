/* snapshot.h -- snapshots that a thread of the program itself asks for: from Python, from C, at exit, on
 * failure. */
#ifndef HELDBY_HOOK_SNAPSHOT_H
#define HELDBY_HOOK_SNAPSHOT_H

#include "cmd/hook/capture.h"

/* Forks in this thread, which holds the GIL and gives it up while it waits. `path`: absolute, or NULL. `wait`
   false: back right after the fork, the helper does the rest, ret->path is the name the file will get.
   Returns ret->error. */
int snapshot_holding_gil(const char *trigger, const char *path, bool wait, struct capture_result *ret);
/* The same in a thread that does not hold the GIL. */
int snapshot_without_gil(const char *trigger, const char *path, bool wait, struct capture_result *ret);
/* Forks at once, keeping the GIL; the helper does the rest. False if a capture is running already. */
bool snapshot_of_failure(const char *trigger);
/* Waits for a capture under way, giving up the GIL meanwhile. */
void snapshot_wait_holding_gil(void);

/* `path` from the root on, in ret (SETTINGS_PATH bytes); false if it does not fit. */
bool snapshot_absolute_path(const char *path, char *ret);

#endif
