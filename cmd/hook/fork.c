#include "cmd/hook/fork.h"

#include "cmd/hook/capture.h"
#include "cmd/hook/gil.h"
#include "cmd/hook/helper.h"
#include "cmd/hook/hook.h"
#include "cmd/hook/leader.h"
#include "cmd/hook/log.h"
#include "cmd/hook/objects.h"
#include "cmd/hook/os.h"
#include "cmd/hook/question.h"
#include "cmd/hook/text.h"

#include <pthread.h>
#include <unistd.h>

static atomic_bool helper_stopped;

static bool is_armed_here(void)
{
    return atomic_load(&hook.armed) && getpid() == hook.pid;
}

static void start_helper(void)
{
    int error = helper_start();
    if (error == 0)
        return;
    char line[120];
    struct text t = text_over(line, sizeof line);
    text_put(&t, "the helper thread cannot be started: ");
    text_errno(&t, error);
    log_problem(line);
}

static void before(void)
{
    if (is_armed_here() && hook.runtime.hex >= 0x030c0000 && helper_stop())
        atomic_store(&helper_stopped, true);
}

static int restart(void *unused)
{
    (void)unused;
    start_helper();
    return 0;
}

static void after_in_parent(void)
{
    bool stopped = atomic_exchange(&helper_stopped, false);
    if (!is_armed_here() ||
        (!stopped && helper_is_running())) /* not running: no thread could be had the last time */
        return;
    /* Python counts the threads right after this. A thread other than the main one is warned about anyway. */
    bool counted = os_thread_id() == hook.pid && python_gil_is_ours(&hook.python);
    if (!counted || hook.python.add_pending_call(restart, NULL) != 0)
        start_helper();
}

static void after_in_child(void)
{
    atomic_store(&helper_stopped, false);
    if (!atomic_load(&hook.armed))
        return;
    hook.pid = getpid();
    capture_after_fork();
    gil_after_fork();
    hook_calls_after_fork();
    question_after_fork();
    if (!hook_map_shared()) {
        atomic_store(&hook.armed, false);
        log_problem("no memory for the hook in this child: no snapshots here");
        return;
    }
    leader_after_fork();
    helper_after_fork(python_gil_is_ours(&hook.python));
    start_helper();
}

int fork_watch(void)
{
    /* Handlers run last-in first-out before a fork, first-in first-out after it. A malloc that was preloaded
       registers its own, which lock it, at its first use: being registered after those, ours run while malloc
       works. */
    static atomic_bool watching;
    if (atomic_exchange(&watching, true))
        return 0;
    return pthread_atfork(before, after_in_parent, after_in_child);
}
