#include "cmd/hook/capture.h"

#include "cmd/hook/child.h"
#include "cmd/hook/hook.h"
#include "cmd/hook/log.h"
#include "cmd/hook/objects.h"
#include "cmd/hook/os.h"
#include "cmd/hook/text.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_uint next_ticket, served; /* equal: the lock is free; else `served` holds it */

static struct {
    struct output output;
    struct facts facts;
    struct capture_request request;
    pid_t child; /* 0: none, or reaped */
    int status;  /* of the child, from waitpid */
    bool killed; /* by us, its time was over */
    bool walked; /* in process: `error` is the walker's answer */
    int error;
    bool explained; /* the message says it all, without the errno's text */
    uint64_t deadline_ns;
    char message[200];
} job;

unsigned capture_take_ticket(void)
{
    return atomic_fetch_add(&next_ticket, 1);
}

bool capture_is_turn(unsigned ticket)
{
    return atomic_load(&served) == ticket;
}

bool capture_try_lock(void)
{
    unsigned now = atomic_load(&served);
    return atomic_compare_exchange_strong(&next_ticket, &now, now + 1);
}

void capture_unlock(void)
{
    atomic_fetch_add(&served, 1);
}

bool capture_is_running(void)
{
    return atomic_load(&next_ticket) != atomic_load(&served);
}

void capture_after_fork(void)
{
    job.child = 0;
    output_restart_ordinals();
    atomic_store(&served, 0);
    atomic_store(&next_ticket, 0);
}

void capture_refuse(int error, const char *message)
{
    capture_fail(error, message);
    job.explained = true;
}

void capture_fail(int error, const char *message)
{
    job.error = error;
    struct text t = text_over(job.message, sizeof job.message);
    text_put(&t, message);
}

bool capture_begin(const struct capture_order *order)
{
    job.child = 0;
    job.status = 0;
    job.killed = job.walked = job.explained = false;
    job.error = 0;
    job.message[0] = '\0';
    memset(hook.shared, 0, sizeof *hook.shared);
    int error = output_plan(&job.output, hook.settings.folder, hook.name, order->path);
    if (error) {
        job.output.temporary[0] = '\0';
        struct text t = text_over(job.message, sizeof job.message);
        text_put(&t, "cannot create a file in ");
        text_put(&t, job.output.folder);
        job.error = error;
        return false;
    }
    facts_gather(&job.facts);
    facts_text(&job.facts, "trigger", order->trigger);
    facts_u64(&job.facts, "ordinal", job.output.ordinal);
    facts_u64(&job.facts, "values", hook.settings.value_bytes);
    return true;
}

const char *capture_final_path(void)
{
    return job.output.final;
}

const char *capture_temporary_path(void)
{
    return job.output.temporary;
}

static void prepare_request(enum capture_thread where, uint64_t gil_wait_ns, bool gc_running)
{
    facts_f64(&job.facts, "gil_wait_seconds", (double)gil_wait_ns / 1e9);
    facts_u64(&job.facts, "without_gil", where == CAPTURE_WITHOUT_GIL);
    facts_u64(&job.facts, "gc.collecting", gc_running);
    job.request = (struct capture_request){
        .runtime = &hook.runtime,
        .fd = -1,
        .zstd = hook.has_zstd ? &hook.zstd : NULL,
        .shared = &hook.shared->walk,
        .facts = job.facts.rows,
        .value_bytes = hook.settings.value_bytes,
        .excluded = hook_objects,
        .excluded_count = hook_object_count,
        .passed = hook_passed,
        .answers = hook_answers,
        .passed_count = sizeof hook_passed / sizeof *hook_passed,
        .functions = hook_functions,
        .function_count = hook_function_count,
        .calls = hook_calls,
        .call_count = HOOK_CALLS_MAX,
        .synchronised = where != CAPTURE_WITHOUT_GIL,
        .walk_limit_ns = hook.settings.walk_timeout_ns,
    };
    if (where == CAPTURE_IN_OWN_THREAD) {
        job.request.skip_native_thread = (uint64_t)os_thread_id();
        job.request.skip_ident = (uint64_t)pthread_self();
    }
}

static void walk_here(int refused)
{
    facts_text(&job.facts, "mode", "in_process");
    job.request.fact_count = job.facts.count;
    job.request.in_process = true;
    job.request.fd = output_open(&job.output);
    if (job.request.fd < 0) {
        capture_fail(errno, "cannot create the temporary file");
        return;
    }
    sigset_t faults,
        previous; /* the walker's fault guard needs them; blocked, a fault would end the program */
    sigemptyset(&faults);
    sigaddset(&faults, SIGSEGV);
    sigaddset(&faults, SIGBUS);
    pthread_sigmask(SIG_UNBLOCK, &faults, &previous);
    job.error = cpython_capture(&job.request);
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    if (job.error == EFBIG)
        os_forget_file_size_signal();
    job.walked = true;
    struct text t = text_over(job.message, sizeof job.message);
    text_put(&t, "walked in process, for fork was refused: ");
    text_errno(&t, refused);
}

void capture_split(enum capture_thread where, uint64_t gil_wait_ns, bool gc_running)
{
    uint64_t start = os_monotonic_ns();
    prepare_request(where, gil_wait_ns, gc_running);
    facts_text(&job.facts, "mode", "fork");
    job.request.fact_count = job.facts.count;
    job.deadline_ns = hook.settings.walk_timeout_ns;
    struct child_task task = {
        .request = &job.request, .output = &job.output, .final_path = hook.shared->path};
    sigset_t previous;
    os_block_all_signals(&previous); /* no handler of the program may run in the child */
    pid_t child = os_quiet_fork();
    if (child == 0)
        child_run(&task);
    int refused = errno;
    uint64_t now = os_monotonic_ns();
    if (child > 0) {
        hook.shared->walk.pause_ns = now - start;
        job.child = child;
        job.deadline_ns += now;
    } else if (where == CAPTURE_WITHOUT_GIL) {
        capture_fail(refused, "neither the GIL nor a fork could be had");
    } else {
        walk_here(refused);
    }
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
}

bool capture_poll(void)
{
    if (job.child == 0)
        return true;
    enum { GRACE_NS = 2000000000 };
    pid_t done = waitpid(job.child, &job.status, WNOHANG | __WALL);
    if (done == 0 || (done < 0 && errno == EINTR)) {
        /* The child has a watchdog of its own; this one is for a child that is stopped. */
        if (!job.killed && os_monotonic_ns() > job.deadline_ns + GRACE_NS) {
            kill(job.child, SIGKILL);
            job.killed = true;
        }
        return false;
    }
    if (done < 0) /* somebody waited for all children with __WALL: judge by the file */
        job.status = hook.shared->path[0] ? 0 : -1;
    job.child = 0;
    return true;
}

/* Turns the end of the child into error and message. */
static void judge_child(void)
{
    const struct capture_shared *walk = &hook.shared->walk;
    struct text t = text_over(job.message, sizeof job.message);
    job.explained = job.killed || !WIFEXITED(job.status);
    if (job.killed || (WIFSIGNALED(job.status) && WTERMSIG(job.status) == SIGALRM)) {
        job.error = ETIMEDOUT;
        text_put(&t, "the walk took too long and was stopped");
    } else if (job.status == -1) {
        job.error = ECHILD;
        text_put(&t, "the walk vanished: another part of the program waited for it");
    } else if (WIFSIGNALED(job.status)) {
        job.error = EIO;
        text_put(&t, "the walk was ended by signal ");
        text_i64(&t, WTERMSIG(job.status));
    } else if (WEXITSTATUS(job.status) != 0) {
        job.error = walk->error_errno ? walk->error_errno : EIO;
        char copy[sizeof walk->error_text];
        memcpy(copy, walk->error_text, sizeof copy);
        copy[sizeof copy - 1] = '\0';
        text_put(&t, copy[0] ? copy : "the walk failed");
    }
}

static void finish_here(void)
{
    char walker_text[sizeof hook.shared->walk.error_text];
    memcpy(walker_text, hook.shared->walk.error_text, sizeof walker_text);
    walker_text[sizeof walker_text - 1] = '\0';
    if (job.error)
        capture_fail(job.error, walker_text[0] ? walker_text : "the walk failed");
    else if (fsync(job.request.fd) != 0)
        capture_fail(errno, "cannot write the file out");
    close(job.request.fd);
    if (job.error == 0) {
        int error = output_publish(&job.output);
        if (error)
            capture_fail(error, "cannot give the file its name");
        else
            memcpy(hook.shared->path, job.output.final, sizeof hook.shared->path);
    }
}

static void write_log(const struct capture_result *result)
{
    char line[sizeof result->path + sizeof result->message + 64];
    struct text t = text_over(line, sizeof line);
    if (result->error) {
        text_put(&t, "no snapshot: ");
        text_put(&t, result->message);
        log_problem(line);
    } else {
        text_put(&t, "snapshot ");
        text_put(&t, result->path);
        if (result->message[0]) {
            text_put(&t, ": ");
            text_put(&t, result->message);
        }
        log_event(line);
    }
}

void capture_end(struct capture_result *ret)
{
    static struct capture_result own; /* under the lock, and too large for a small stack */
    struct capture_result *result = ret ? ret : &own;
    uint64_t pause = 200000;
    while (!capture_poll()) {
        os_sleep_ns(pause);
        pause = pause < 20000000 ? pause * 2 : pause;
    }
    if (job.walked)
        finish_here();
    else if (job.error == 0 &&
             !hook.shared->path[0]) /* a file under its final name is whole, however its writer ended */
        judge_child();
    result->error = job.error;
    result->path[0] = '\0';
    struct text t = text_over(result->message, sizeof result->message);
    text_put(&t, job.message);
    if (job.error) {
        output_remove(&job.output);
        if (!job.explained) {
            text_put(&t, ": ");
            text_errno(&t, job.error);
        }
    } else {
        memcpy(result->path, hook.shared->path, sizeof result->path);
        result->path[sizeof result->path - 1] = '\0';
    }
    write_log(result);
}
