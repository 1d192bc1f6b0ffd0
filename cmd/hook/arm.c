/* arm.c -- how the hook comes to life: the constructor of the library, and hook_arm. */
#include "cmd/hook/fork.h"
#include "cmd/hook/handler.h"
#include "cmd/hook/helper.h"
#include "cmd/hook/hook.h"
#include "cmd/hook/leader.h"
#include "cmd/hook/log.h"
#include "cmd/hook/facts.h"
#include "cmd/hook/text.h"
#include "cmd/hook/twin.h"
#include "cmd/hook/zstd.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct hook hook;

bool hook_map_shared(void)
{
    void *page = mmap(NULL, sizeof *hook.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return false;
    if (hook.shared)
        munmap(hook.shared, sizeof *hook.shared);
    hook.shared = page;
    return true;
}

static bool refuse(char *problem, size_t size, const char *text, int os_errno)
{
    struct text t = text_over(problem, size);
    text_put(&t, text);
    if (os_errno) {
        text_put(&t, ": ");
        text_errno(&t, os_errno);
    }
    return false;
}

static bool has_needed_functions(const struct python *p)
{
    return p->is_initialized && p->gil_ensure && p->gil_release && p->save_thread && p->restore_thread &&
           p->add_pending_call && p->incref && p->decref && p->none && p->function_new && p->import_module &&
           p->call_method && p->error_fetch && p->error_restore && p->error_clear && p->get_allocator &&
           p->set_allocator;
}

static bool arm(char *problem, size_t size)
{
    if (hook.settings.off)
        return refuse(problem, size, "switched off by HELDBY_OFF", 0);
    if (hook.settings.signal == 0)
        return refuse(problem, size, hook.settings.problem, 0);
    if (cpython_runtime_find(&hook.runtime) != CPYTHON_FOUND)
        return refuse(problem, size, hook.runtime.problem, 0);
    python_find(&hook.python);
    if (!has_needed_functions(&hook.python))
        return refuse(problem, size, "this Python lacks a function the hook needs", 0);
    facts_program_name(hook.name, sizeof hook.name);
    hook.has_zstd = zstd_find(&hook.zstd);
    if (!hook_map_shared())
        return refuse(problem, size, "no memory", errno);
    hook.pid = getpid();
    leader_watch();
    int error = fork_watch();
    if (error)
        return refuse(problem, size, "cannot watch for forks", error);
    if (!handler_install(hook.settings.signal)) /* first: who sees the helper may send the signal */
        return refuse(problem, size, "the signal handler cannot be installed", errno);
    error = helper_start();
    if (error) {
        handler_remove();
        return refuse(problem, size, "the helper thread cannot be started", error);
    }
    atomic_store(&hook.armed, true);
    if (hook.settings.problem[0])
        log_problem(hook.settings.problem);
    return true;
}

bool hook_arm(char *problem, size_t size)
{
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    problem[0] = '\0';
    pthread_mutex_lock(&once);
    bool armed = atomic_load(&hook.armed);
    if (!armed) {
        settings_read(&hook.settings);
        armed = arm(problem, size);
    }
    pthread_mutex_unlock(&once);
    return armed;
}

/* Preloaded, or opened in a live process. Nothing at all happens where there is no Python: every program that
   the target executes inherits LD_PRELOAD. */
__attribute__((constructor)) static void on_load(void)
{
    handler_look_up();
    struct python python;
    python_find(&python);
    if (!python.is_initialized || twin_exists())
        return;
    if (python.is_initialized() && !settings_asked_for())
        return; /* opened in a live process: waits for heldby_arm or for the import to go on */
    char problem[200];
    if (!hook_arm(problem, sizeof problem) && !hook.settings.off) {
        char line[240];
        struct text t = text_over(line, sizeof line);
        text_put(&t, "the hook stays off: ");
        text_put(&t, problem);
        log_problem(line);
    }
}
