/* child.h -- what the forked child does, from its first instruction to exit_group.
 *
 * It is a copy of the program with one thread, in the middle of anything: locks may be held by threads that
 * do not exist here. So only system calls and the walker's own memory: no malloc, stdio, dl*, Python.
 */
#ifndef HELDBY_HOOK_CHILD_H
#define HELDBY_HOOK_CHILD_H

#include "cmd/hook/output.h"
#include "formats/cpython/cpython.h"

struct child_task {
    struct capture_request *request;
    struct output *output;
    char *final_path; /* shared with the parent, SETTINGS_PATH bytes; filled on success */
};

_Noreturn void child_run(const struct child_task *task);

#endif
