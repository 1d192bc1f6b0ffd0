#include "cmd/hook/snapshot.h"

#include "cmd/hook/gil.h"
#include "cmd/hook/helper.h"
#include "cmd/hook/hook.h"
#include "cmd/hook/os.h"
#include "cmd/hook/text.h"

#include <string.h>
#include <unistd.h>

static void wait_for_lock(void)
{
    unsigned ticket = capture_take_ticket();
    for (unsigned tries = 1; !capture_is_turn(ticket); tries++) {
        os_sleep_ns(1000000);
        if (tries % 1000 == 0 &&
            !helper_is_running()) /* whoever has the capture in hand must be there to end it */
            (void)helper_start();
    }
}

/* The rest of a capture that was split, or that failed before. */
static int finish(bool wait, struct capture_result *ret)
{
    if (!wait && !capture_poll()) {
        ret->error = 0;
        ret->message[0] = '\0';
        memcpy(ret->path, capture_final_path(), strlen(capture_final_path()) + 1);
        helper_take_over();
        return 0;
    }
    capture_end(ret);
    capture_unlock();
    return ret->error;
}

int snapshot_holding_gil(const char *trigger, const char *path, bool wait, struct capture_result *ret)
{
    struct capture_order order = {.trigger = trigger, .path = path};
    void *thread = hook.python.save_thread();
    wait_for_lock();
    bool begun = capture_begin(&order);
    hook.python.restore_thread(thread);
    if (begun)
        capture_split(CAPTURE_IN_PROGRAM_THREAD, 0, cpython_gc_running(&hook.runtime));
    thread = hook.python.save_thread();
    int error = finish(wait, ret);
    hook.python.restore_thread(thread);
    return error;
}

int snapshot_without_gil(const char *trigger, const char *path, bool wait, struct capture_result *ret)
{
    struct capture_order order = {.trigger = trigger, .path = path};
    wait_for_lock();
    if (capture_begin(&order))
        gil_split(hook.settings.gil_timeout_ns);
    return finish(wait, ret);
}

bool snapshot_of_failure(const char *trigger)
{
    if (!capture_try_lock())
        return false;
    struct capture_order order = {.trigger = trigger};
    if (capture_begin(&order))
        capture_split(CAPTURE_IN_PROGRAM_THREAD, 0, cpython_gc_running(&hook.runtime));
    helper_take_over();
    return true;
}

void snapshot_wait_holding_gil(void)
{
    void *thread = hook.python.save_thread();
    uint64_t limit = os_monotonic_ns() + hook.settings.walk_timeout_ns;
    while (capture_is_running() && helper_is_running() && os_monotonic_ns() < limit)
        os_sleep_ns(1000000);
    hook.python.restore_thread(thread);
}

bool snapshot_absolute_path(const char *path, char *ret)
{
    struct text t = text_over(ret, SETTINGS_PATH);
    if (path[0] != '/') {
        if (!getcwd(ret, SETTINGS_PATH))
            return false;
        t.length = strlen(ret);
        text_put(&t, "/");
    }
    text_put(&t, path);
    return !t.cut;
}
