/* api.c -- the C interface, include/heldby.h. */
#include "include/heldby.h"

#include "cmd/hook/hook.h"
#include "cmd/hook/snapshot.h"
#include "cmd/hook/text.h"
#include "cmd/hook/twin.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define HOOK_EXPORT __attribute__((visibility("default")))

static struct capture_result last;
static char problem[300];

HOOK_EXPORT int heldby_arm(void)
{
    int (*other)(void);
    void *found = twin_symbol("heldby_arm");
    memcpy(&other, &found, sizeof other);
    if (other)
        return other();
    return hook_arm(problem, sizeof problem) ? 0 : -1;
}

HOOK_EXPORT int heldby_armed(void)
{
    int (*other)(void);
    void *found = twin_symbol("heldby_armed");
    memcpy(&other, &found, sizeof other);
    return other ? other() : atomic_load(&hook.armed) && getpid() == hook.pid;
}

static int say(int error, const char *text)
{
    struct text t = text_over(problem, sizeof problem);
    text_put(&t, text);
    return error;
}

HOOK_EXPORT int heldby_snapshot(const char *path, int wait)
{
    int (*other)(const char *, int);
    void *found = twin_symbol("heldby_snapshot");
    memcpy(&other, &found, sizeof other);
    if (other)
        return other(path, wait);
    if (!heldby_armed())
        return say(ENOSYS, "the hook is not armed in this process");
    char whole[SETTINGS_PATH];
    if (path && !snapshot_absolute_path(path, whole))
        return say(ENAMETOOLONG, "the path is too long");
    struct capture_result result;
    bool ours = python_gil_is_ours(&hook.python);
    int error =
        (ours ? snapshot_holding_gil : snapshot_without_gil)("api", path ? whole : NULL, wait != 0, &result);
    if (error)
        return say(error, result.message);
    last = result;
    return 0;
}

HOOK_EXPORT const char *heldby_path(void)
{
    return last.path;
}

HOOK_EXPORT const char *heldby_problem(void)
{
    return problem;
}

HOOK_EXPORT const char *heldby_version(void)
{
    return HELDBY_VERSION;
}
