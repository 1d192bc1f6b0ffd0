#include "cmd/hook/setup.h"

#include "cmd/hook/hook.h"
#include "cmd/hook/log.h"
#include "cmd/hook/memory_error.h"
#include "cmd/hook/objects.h"
#include "cmd/hook/os.h"
#include "cmd/hook/snapshot.h"

#include <unistd.h>

static atomic_bool started, scheduled, finished;
static uint64_t first_ns; /* when the watching began; helper only */

static bool is_needed(void)
{
    return (hook.settings.at_exit || hook.settings.on_memory_error) && !atomic_load(&scheduled) &&
           !atomic_load(&finished);
}

static void *at_exit(void *self, void *arguments)
{
    (void)self;
    (void)arguments;
    if (getpid() == hook.pid) {
        if (hook.settings.at_exit)
            (void)snapshot_holding_gil("exit", NULL, true, &(struct capture_result){0});
        else
            snapshot_wait_holding_gil(); /* the one of a MemoryError that now ends the program */
    }
    hook.python.incref(hook.python.none);
    return hook.python.none;
}

/* With the GIL; whatever fails is cleared, the program must not see it. */
static void register_at_exit(void)
{
    static struct py_method method = {.name = "heldby_at_exit", .function = at_exit, .flags = PY_NOARGS};
    const struct python *python = &hook.python;
    void *type = NULL, *value = NULL, *traceback = NULL;
    python->error_fetch(&type, &value, &traceback);
    void *function = python->function_new(&method, NULL, NULL);
    void *module = function ? python->import_module("atexit") : NULL;
    void *answer = module ? python->call_method(module, "register", "O", function) : NULL;
    if (answer)
        hook_object_add(function);
    else
        log_problem("no snapshot at exit: the function could not be registered with atexit");
    python->error_clear();
    if (answer)
        python->decref(answer);
    if (module)
        python->decref(module);
    if (function)
        python->decref(function);
    python->error_restore(type, value, traceback);
}

void setup_now(void)
{
    if (atomic_exchange(&started, true))
        return;
    if (hook.settings.at_exit || hook.settings.on_memory_error)
        register_at_exit();
    if (hook.settings.on_memory_error)
        memory_error_watch();
    atomic_store(&finished, true);
}

static int run_pending(void *unused)
{
    (void)unused;
    setup_now();
    return 0;
}

static void schedule(void)
{
    if (!atomic_exchange(&scheduled, true) && hook.python.add_pending_call(run_pending, NULL) != 0)
        atomic_store(&scheduled, false);
}

void setup_at_sigaction(void)
{
    if (is_needed() && atomic_load(&hook.armed) && os_thread_id() == hook.pid &&
        cpython_takes_calls(&hook.runtime))
        schedule();
}

void setup_step(uint64_t now_ns)
{
    if (!is_needed())
        return;
    if (first_ns == 0)
        first_ns = now_ns;
    if (hook.python.is_initialized())
        schedule();
}

uint64_t setup_next_ns(uint64_t now_ns)
{
    if (!is_needed())
        return 0;
    /* An interpreter starts within milliseconds, and a short program ends soon after; a host may take its
     * time. */
    bool young = first_ns == 0 || now_ns - first_ns < UINT64_C(3000000000);
    return now_ns + (young ? 100000 : 100000000);
}
