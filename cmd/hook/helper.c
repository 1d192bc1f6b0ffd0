#include "cmd/hook/helper.h"

#include "cmd/hook/capture.h"
#include "cmd/hook/gil.h"
#include "cmd/hook/handler.h"
#include "cmd/hook/hook.h"
#include "cmd/hook/os.h"
#include "cmd/hook/request.h"
#include "cmd/hook/setup.h"
#include "cmd/hook/text.h"
#include "cmd/hook/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum helper_state { HELPER_ABSENT = 0, HELPER_STARTING, HELPER_IDLE, HELPER_BUSY, HELPER_STOPPING };

enum { TOKENS = 16 };

static atomic_int state;
static atomic_int thread_id;
static pthread_t thread;
static atomic_bool wake_sent;      /* one wake-up at a time is enough */
static atomic_bool signal_wanted;  /* a snapshot by signal */
static atomic_bool capture_handed; /* a capture to be ended here */
static uint64_t tokens[TOKENS];    /* dump requests not yet answered; helper only */
static size_t token_count;
static uint64_t next_interval_ns, next_check_ns;
static uint64_t gate_ns;        /* in the child of a fork: not before this ... */
static atomic_bool gate_opened; /* ... unless Python has run again */

static const uint64_t CHECK_NS = UINT64_C(1000000000);

bool helper_is_running(void)
{
    int now = atomic_load(&state);
    return now == HELPER_IDLE || now == HELPER_BUSY || now == HELPER_STARTING;
}

void helper_wake(void)
{
    pid_t id = atomic_load(&thread_id);
    if (id != 0 && !atomic_exchange(&wake_sent, true))
        syscall(SYS_tgkill, hook.pid, id, hook.settings.signal);
}

void helper_request_signal(void)
{
    atomic_store(&signal_wanted, true);
    helper_wake();
}

void helper_take_over(void)
{
    atomic_store(&capture_handed, true);
    helper_wake();
}

/* Sorts a signal that the helper dequeued. */
static void note(const siginfo_t *info)
{
    uint64_t value = (uint64_t)(uintptr_t)info->si_value.sival_ptr;
    atomic_store(&wake_sent, false); /* whatever it was: a wake-up may have merged with it */
    if (info->si_code == SI_TKILL && info->si_pid == hook.pid)
        return;
    if (info->si_code == SI_QUEUE && request_is_token(value)) {
        bool known = token_count == TOKENS;
        for (size_t i = 0; i < token_count; i++)
            known = known || tokens[i] == value;
        if (!known)
            tokens[token_count++] = value;
    } else { /* sent to the process, while all of its threads block it */
        atomic_store(&signal_wanted, true);
        handler_hand_on(info);
    }
}

/* Sleeps at most `ns` and notes what comes; false if nothing came. */
static bool sleep_and_note(uint64_t ns)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, hook.settings.signal);
    struct timespec wait = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    siginfo_t info;
    /* Not libc's sigtimedwait: it turns SI_TKILL, our own wake-up, into SI_USER. */
    if (syscall(SYS_rt_sigtimedwait, &set, &info, &wait, _NSIG / 8) != hook.settings.signal)
        return false;
    note(&info);
    return true;
}

static void end_capture(struct capture_result *result)
{
    uint64_t pause = 200000;
    while (!capture_poll()) {
        sleep_and_note(pause);
        pause = pause < 20000000 ? pause * 2 : pause;
    }
    capture_end(result);
    capture_unlock();
}

static void take_lock(void)
{
    while (!capture_try_lock()) {
        if (atomic_exchange(&capture_handed, false))
            end_capture(NULL);
        else
            sleep_and_note(2000000);
    }
}

/* Just after a fork Python rebuilds the GIL; a thread that waits for it then would be lost
 * (PyOS_AfterFork_Child). */
static void wait_at_gate(void)
{
    while (gate_ns != 0 && !atomic_load(&gate_opened) && os_monotonic_ns() < gate_ns)
        sleep_and_note(1000000);
    gate_ns = 0;
}

static struct capture_result result; /* helper only: too large for a small stack */

static void snapshot(const struct capture_order *order, struct request *request)
{
    wait_at_gate();
    take_lock();
    if (capture_begin(order)) {
        if (request)
            request_accepted(request, capture_temporary_path());
        gil_split(hook.settings.gil_timeout_ns);
    }
    end_capture(&result);
}

static void answer_dump(uint64_t token)
{
    static struct request request;
    if (!request_open(&request, token))
        return;
    struct capture_order order = {.trigger = "dump", .path = request.path[0] ? request.path : NULL};
    snapshot(&order, &request);
    if (result.error &&
        order.path) { /* where the target may not write: the default place, the asker moves it */
        order.path = NULL;
        snapshot(&order, &request);
    }
    request_answer(&request, result.error, result.error ? result.message : result.path);
}

static uint64_t time_to_sleep(uint64_t now)
{
    uint64_t until = now + UINT64_C(3600000000000);
    if (hook.settings.every_ns && next_interval_ns < until)
        until = next_interval_ns;
    if (next_check_ns && next_check_ns < until)
        until = next_check_ns;
    uint64_t setup = setup_next_ns(now);
    if (setup && setup < until)
        until = setup;
    return until > now ? until - now : 0;
}

static bool has_work(void)
{
    return token_count > 0 || atomic_load(&signal_wanted) || atomic_load(&capture_handed);
}

static void work(void)
{
    if (atomic_exchange(&capture_handed, false))
        end_capture(NULL);
    while (token_count > 0) {
        uint64_t token = tokens[0];
        token_count--;
        for (size_t i = 0; i < token_count; i++)
            tokens[i] = tokens[i + 1];
        answer_dump(token);
    }
    if (atomic_exchange(&signal_wanted, false))
        snapshot(&(struct capture_order){.trigger = "signal"}, NULL);
    uint64_t now = os_monotonic_ns();
    if (hook.settings.every_ns && now >= next_interval_ns) {
        if (hook.python.is_initialized())
            snapshot(&(struct capture_order){.trigger = "interval"}, NULL);
        next_interval_ns = os_monotonic_ns() + hook.settings.every_ns;
    }
    if (next_check_ns && now >= next_check_ns) {
        handler_check();
        next_check_ns = now + CHECK_NS;
    }
    setup_step(now);
}

static void *helper_main(void *unused)
{
    (void)unused;
    char name[16];
    struct text t = text_over(name, sizeof name);
    text_put(&t, "heldby:");
    text_i64(&t, hook.settings.signal);
    prctl(PR_SET_NAME, name);
    atomic_store(&thread_id, os_thread_id());
    uint64_t now = os_monotonic_ns();
    if (next_interval_ns == 0)
        next_interval_ns = now + hook.settings.every_ns;
    next_check_ns = handler_interposes() ? 0 : now + CHECK_NS;
    atomic_store(&state, HELPER_IDLE);
    for (;;) {
        if (!has_work())
            sleep_and_note(time_to_sleep(os_monotonic_ns()));
        int expected = HELPER_IDLE;
        if (!atomic_compare_exchange_strong(&state, &expected, HELPER_BUSY))
            break; /* asked to stop; what was noted waits for the next helper */
        work();
        atomic_store(&state, HELPER_IDLE);
    }
    return NULL;
}

int helper_start(void)
{
    int expected = HELPER_ABSENT;
    if (!atomic_compare_exchange_strong(&state, &expected, HELPER_STARTING))
        return 0;
    atomic_store(&wake_sent, false);
    int error = thread_start(&thread, helper_main, NULL);
    if (error)
        atomic_store(&state, HELPER_ABSENT);
    return error;
}

bool helper_stop(void)
{
    int expected = HELPER_IDLE;
    if (!atomic_compare_exchange_strong(&state, &expected, HELPER_STOPPING))
        return false;
    pid_t id = atomic_load(&thread_id);
    atomic_store(&thread_id, 0);
    syscall(SYS_tgkill, hook.pid, id, hook.settings.signal);
    pthread_join(thread, NULL);
    /* The join returns before the kernel has taken the thread off its count, which is what Python looks at.
     */
    for (int tries = 0; tries < 2000 && syscall(SYS_tgkill, hook.pid, id, 0) == 0; tries++)
        os_sleep_ns(10000);
    atomic_store(&state, HELPER_ABSENT);
    return true;
}

static int open_gate(void *unused)
{
    (void)unused;
    atomic_store(&gate_opened, true);
    return 0;
}

void helper_after_fork(bool by_python)
{
    atomic_store(&state, HELPER_ABSENT);
    atomic_store(&thread_id, 0);
    atomic_store(&signal_wanted, false);
    atomic_store(&capture_handed, false);
    token_count = 0;
    next_interval_ns = 0;
    atomic_store(&gate_opened, false);
    gate_ns = os_monotonic_ns() + UINT64_C(1000000000);
    if (by_python && hook.python.add_pending_call)
        (void)hook.python.add_pending_call(open_gate, NULL);
}
