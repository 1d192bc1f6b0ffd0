#include "cmd/hook/gil.h"

#include "cmd/hook/capture.h"
#include "cmd/hook/hook.h"
#include "cmd/hook/os.h"
#include "cmd/hook/thread.h"

#include <errno.h>
#include <pthread.h>

enum taker_state {
    TAKER_FREE = 0,
    TAKER_WAITING,   /* for the GIL */
    TAKER_HOLDING,   /* has it, splits */
    TAKER_DONE,      /* split, released */
    TAKER_GONE,      /* Python ended the thread */
    TAKER_ABANDONED, /* nobody waits for it any more */
};

struct taker {
    atomic_int state;
    uint64_t started_ns;
    pid_t id;
};

static struct taker takers[GIL_TAKERS];

enum { COLLECTOR_TRIES = 60 };

/* Waits until no collection is under way, for its lists are then in local places; at most about a quarter of
 * a second. */
static bool leave_for_collector(int tries)
{
    return cpython_gc_running(&hook.runtime) && tries < COLLECTOR_TRIES;
}

static void taker_ended(void *argument)
{
    struct taker *t = argument;
    int expected = TAKER_WAITING;
    if (!atomic_compare_exchange_strong(&t->state, &expected, TAKER_GONE))
        atomic_store(&t->state, expected == TAKER_ABANDONED ? TAKER_FREE : TAKER_GONE);
    os_futex_wake(&t->state);
}

static void take_and_split(struct taker *t)
{
    for (int tries = 0;; tries++) {
        int gil = hook.python.gil_ensure();
        int expected = TAKER_WAITING;
        if (!atomic_compare_exchange_strong(&t->state, &expected, TAKER_HOLDING)) {
            hook.python.gil_release(gil);
            atomic_store(&t->state, TAKER_FREE);
            return;
        }
        if (leave_for_collector(tries)) {
            atomic_store(&t->state, TAKER_WAITING);
            hook.python.gil_release(gil);
            os_sleep_ns(1000000 + (uint64_t)(tries % 5) * 1000000);
            continue;
        }
        capture_split(CAPTURE_IN_OWN_THREAD, os_monotonic_ns() - t->started_ns,
                      cpython_gc_running(&hook.runtime));
        hook.python.gil_release(gil);
        atomic_store(&t->state, TAKER_DONE);
        os_futex_wake(&t->state);
        return;
    }
}

static void *taker_main(void *argument)
{
    ((struct taker *)argument)->id = os_thread_id();
    pthread_cleanup_push(taker_ended, argument); /* also runs when Python calls pthread_exit */
    take_and_split(argument);
    pthread_cleanup_pop(0);
    return NULL;
}

/* Waits for the taker; false if it was given up. */
static bool wait_for(struct taker *t, uint64_t timeout_ns)
{
    for (;;) {
        int state = atomic_load(&t->state);
        if (state == TAKER_DONE || state == TAKER_GONE)
            return true;
        uint64_t waited = os_monotonic_ns() - t->started_ns;
        if (state == TAKER_WAITING && waited >= timeout_ns) {
            if (atomic_compare_exchange_strong(&t->state, &state, TAKER_ABANDONED))
                return false;
            continue;
        }
        uint64_t rest = waited < timeout_ns ? timeout_ns - waited : 0;
        os_futex_wait(&t->state, state, state == TAKER_WAITING && rest < 50000000 ? rest + 1 : 50000000);
    }
}

/* The system gives no further thread: wait here, without a limit. */
static void split_in_this_thread(uint64_t started_ns)
{
    int gil = hook.python.gil_ensure();
    capture_split(CAPTURE_IN_OWN_THREAD, os_monotonic_ns() - started_ns, cpython_gc_running(&hook.runtime));
    hook.python.gil_release(gil);
}

void gil_split(uint64_t timeout_ns)
{
    uint64_t started = os_monotonic_ns();
    if (!hook.python.is_initialized()) {
        capture_refuse(EAGAIN, "the interpreter is not running (not yet, or no more)");
        return;
    }
    if (!cpython_has_threads(&hook.runtime)) { /* 3.12 ends the process over a first thread state of ours */
        capture_refuse(ESHUTDOWN, "no thread of the program runs Python any more");
        return;
    }
    struct taker *t = NULL;
    for (size_t i = 0; i < GIL_TAKERS && !t; i++)
        if (atomic_load(&takers[i].state) == TAKER_FREE)
            t = &takers[i];
    if (!t) { /* four are waiting already: so would a fifth */
        capture_split(CAPTURE_WITHOUT_GIL, 0, cpython_gc_running(&hook.runtime));
        return;
    }
    atomic_store(&t->state, TAKER_WAITING);
    t->started_ns = started;
    pthread_t thread;
    if (thread_start(&thread, taker_main, t) != 0) {
        atomic_store(&t->state, TAKER_FREE);
        split_in_this_thread(started);
        return;
    }
    if (!wait_for(t, timeout_ns)) {
        pthread_detach(thread);
        capture_split(CAPTURE_WITHOUT_GIL, os_monotonic_ns() - started, cpython_gc_running(&hook.runtime));
        return;
    }
    if (atomic_load(&t->state) == TAKER_GONE)
        capture_refuse(ESHUTDOWN, "the interpreter is shutting down");
    thread_join(thread, t->id);
    atomic_store(&t->state, TAKER_FREE);
}

void gil_after_fork(void)
{
    for (size_t i = 0; i < GIL_TAKERS; i++)
        atomic_store(&takers[i].state, TAKER_FREE);
}
