#include "cmd/hook/helper.h"

#include "cmd/hook/capture.h"
#include "cmd/hook/gil.h"
#include "cmd/hook/handler.h"
#include "cmd/hook/hook.h"
#include "cmd/hook/leader.h"
#include "cmd/hook/os.h"
#include "cmd/hook/request.h"
#include "cmd/hook/setup.h"
#include "cmd/hook/text.h"
#include "cmd/hook/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum helper_state { HELPER_ABSENT = 0, HELPER_STARTING, HELPER_IDLE, HELPER_BUSY, HELPER_STOPPING };

enum { TOKENS = 16 };

static atomic_int state;      /* IDLE: asleep, may be told to stop, also while a child walks */
static atomic_bool splitting; /* waiting for the GIL, or forking: cannot be told to stop */
static atomic_int thread_id;
static pthread_t thread;
static atomic_bool wake_sent;      /* one wake-up at a time is enough */
static atomic_bool signal_wanted;  /* a snapshot by signal */
static atomic_bool capture_handed; /* a capture is to be ended here */

/* Touched by the helper only. It may be stopped and replaced between any two steps, so all it knows is here.
 */
static uint64_t tokens[TOKENS]; /* dump requests not yet begun */
static size_t token_count;
static struct {
    bool running; /* the capture under way was begun here */
    bool begun;   /* and is to be split next */
    bool dump;    /* it answers `request` */
    bool retry;   /* it failed under the name that was asked for: once more under the default one */
    struct request request;
    bool queued; /* for the lock, with this ticket */
    unsigned ticket;
} current;
static struct capture_result result;
static uint64_t next_interval_ns, next_check_ns;
static uint64_t gate_ns;        /* in the child of a fork: not before this ... */
static atomic_bool gate_opened; /* ... unless Python has run again */

static const uint64_t CHECK_NS = UINT64_C(1000000000);
static uint64_t alone_ns = UINT64_C(5000000); /* to the next look whether the helper is alone; grows */

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

/* Sleeps; false if the helper is to stop, and to leave what it has in hand to its successor. */
static bool rest(uint64_t ns)
{
    atomic_store(&state, HELPER_IDLE);
    sleep_and_note(ns);
    int expected = HELPER_IDLE;
    return atomic_compare_exchange_strong(&state, &expected, HELPER_BUSY);
}

static bool end_capture(void)
{
    uint64_t pause = 200000;
    while (!capture_poll()) {
        if (!rest(pause)) {
            atomic_store(&capture_handed, true);
            return false;
        }
        pause = pause < 20000000 ? pause * 2 : pause;
    }
    capture_end(&result);
    capture_unlock();
    bool ours = current.running;
    current.running = false;
    if (!ours || !current.dump)
        return true;
    if (result.error && current.request.path[0]) {
        current.retry = true; /* where the target may not write: to the default place, the asker moves it */
    } else {
        current.dump = false;
        request_answer(&current.request, result.error, result.error ? result.message : result.path);
    }
    return true;
}

/* Waits until a capture may begin, and holds the lock then. */
static bool get_ready(void)
{
    /* Just after a fork Python rebuilds the GIL; a thread that waits for it then is lost
     * (PyOS_AfterFork_Child). */
    while (gate_ns != 0 && !atomic_load(&gate_opened) && os_monotonic_ns() < gate_ns)
        if (!rest(1000000))
            return false;
    gate_ns = 0;
    if (!current.queued)
        current.ticket = capture_take_ticket();
    current.queued = true;
    while (!capture_is_turn(current.ticket)) {
        if (!(atomic_exchange(&capture_handed, false) ? end_capture() : rest(1000000)))
            return false;
    }
    current.queued = false;
    return true;
}

static bool interval_is_over(void)
{
    return hook.settings.every_ns && os_monotonic_ns() >= next_interval_ns;
}

static bool has_order(void)
{
    return current.begun || current.retry || token_count > 0 || atomic_load(&signal_wanted) ||
           interval_is_over();
}

/* The next thing to do; false if it has come to nothing. */
static bool choose(struct capture_order *order)
{
    *order = (struct capture_order){.trigger = "dump"};
    if (current.retry) {
        current.retry = false;
        current.request.path[0] = '\0';
        return true;
    }
    if (token_count > 0) {
        uint64_t token = tokens[0];
        token_count--;
        memmove(tokens, tokens + 1, token_count * sizeof *tokens);
        current.dump = request_open(&current.request, token);
        order->path = current.request.path[0] ? current.request.path : NULL;
        return current.dump;
    }
    if (atomic_exchange(&signal_wanted, false)) {
        order->trigger = "signal";
        return true;
    }
    next_interval_ns = os_monotonic_ns() + hook.settings.every_ns;
    order->trigger = "interval";
    return hook.python.is_initialized();
}

/* The middle of a capture that was begun. */
static bool split(void)
{
    current.begun = true;
    if (!rest(0)) /* the last chance to be stopped */
        return false;
    current.begun = false;
    atomic_store(&splitting, true);
    gil_split(hook.settings.gil_timeout_ns);
    atomic_store(&splitting, false);
    return true;
}

/* One capture, or what is left of it. False if the helper is to stop. */
static bool capture(void)
{
    if (!current.begun) {
        if (!get_ready())
            return false;
        struct capture_order order;
        if (!choose(&order)) {
            capture_unlock();
            return true;
        }
        current.running = true;
        if (!capture_begin(&order))
            return end_capture();
        if (current.dump)
            request_accepted(&current.request, capture_temporary_path());
    }
    return split() && end_capture();
}

static uint64_t time_to_sleep(void)
{
    uint64_t now = os_monotonic_ns(), until = now + UINT64_C(3600000000000);
    if (hook.settings.every_ns && next_interval_ns < until)
        until = next_interval_ns;
    if (next_check_ns && next_check_ns < until)
        until = next_check_ns;
    uint64_t setup = setup_next_ns(now);
    if (setup && setup < until)
        until = setup;
    if (leader_is_gone()) {
        until = now + alone_ns < until ? now + alone_ns : until;
        alone_ns = alone_ns < UINT64_C(500000000) ? alone_ns * 2 : alone_ns;
    }
    return until > now ? until - now : 0;
}

/* False if the helper is to stop. */
static bool work(void)
{
    if (atomic_exchange(&capture_handed, false) && !end_capture())
        return false;
    while (has_order())
        if (!capture())
            return false;
    uint64_t now = os_monotonic_ns();
    if (next_check_ns && now >= next_check_ns) {
        handler_check();
        next_check_ns = now + CHECK_NS;
    }
    setup_step(now);
    return true;
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
    bool go_on = true;
    for (atomic_store(&state, HELPER_BUSY); go_on; go_on = work())
        if (!has_order() && !atomic_load(&capture_handed) &&
            ((leader_is_gone() && !leader_left_others(1)) || !rest(time_to_sleep())))
            break;
    while (sleep_and_note(0)) /* what is noted, the next helper does */
        ;
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
    enum { PAUSE_NS = 20000, MOST = 5000 };
    int expected = HELPER_IDLE;
    for (int tries = 0; !atomic_compare_exchange_strong(&state, &expected, HELPER_STOPPING); tries++) {
        /* Not yet, or no more, asleep: that is a matter of microseconds. A split waits for the GIL, which is
         * ours. */
        if (expected == HELPER_ABSENT || expected == HELPER_STOPPING || atomic_load(&splitting) ||
            tries == MOST)
            return false;
        os_sleep_ns(PAUSE_NS);
        expected = HELPER_IDLE;
    }
    pid_t id = atomic_load(&thread_id);
    atomic_store(&thread_id, 0);
    syscall(SYS_tgkill, hook.pid, id, hook.settings.signal);
    thread_join(thread, id);
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
    atomic_store(&splitting, false);
    token_count = 0;
    alone_ns = UINT64_C(5000000);
    current.running = current.begun = current.dump = current.retry = current.queued = false;
    next_interval_ns = 0;
    atomic_store(&gate_opened, false);
    gate_ns = os_monotonic_ns() + UINT64_C(1000000000);
    if (by_python && hook.python.add_pending_call)
        (void)hook.python.add_pending_call(open_gate, NULL);
}
