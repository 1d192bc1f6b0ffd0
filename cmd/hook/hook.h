/* hook.h -- what one hooked process knows about itself; the single global of libheldby.so.
 *
 * Life: the constructor (LD_PRELOAD, dlopen) or PyInit_heldby calls hook_arm once. From then on everything
 * but the atomics is read-only, except in the child of a fork, where fork.c renews it before any other code
 * of the hook runs.
 */
#ifndef HELDBY_HOOK_HOOK_H
#define HELDBY_HOOK_HOOK_H

#include "cmd/hook/python.h"
#include "cmd/hook/settings.h"
#include "formats/cpython/cpython.h"

#include <stdatomic.h>
#include <sys/types.h>

/* Written by both sides of a capture; MAP_SHARED, mapped when arming, so that a process without memory can
 * still ask. */
struct shared_page {
    struct capture_shared walk;
    char path[SETTINGS_PATH]; /* child: the final name, once the file has it */
};

struct hook {
    atomic_bool armed;
    pid_t pid; /* of the process this state belongs to: a vfork child shares the memory but not the number */
    struct settings settings;
    struct cpython_runtime runtime;
    struct python python;
    struct snapshot_zstd zstd;
    bool has_zstd;
    char name[72]; /* NAME of the default file name */
    struct shared_page *shared;
};

extern struct hook hook;

/* Arms this process; idempotent. False: `problem` (a line of at most 200 bytes) says why. */
bool hook_arm(char *problem, size_t size);
/* Maps hook.shared afresh (fork children must not share it with their parent). */
bool hook_map_shared(void);

#endif
