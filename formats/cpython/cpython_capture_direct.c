/* One capture from start to end: memory, fault guard, facts, rings, roots, objects. */
#include "formats/cpython/walk.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- the fault guard ---- */

enum { ALTERNATE_STACK = 64 << 10 };

static struct {
    struct walk *walk;
    pid_t thread;
    unsigned count;
    struct sigaction old[4];
    stack_t old_stack;
} guarded;
/* The last two come from a tp_traverse that asserts; inside the program they stay the program's. */
static const int fault_signals[4] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE};

static void on_fault(int number, siginfo_t *info, void *context)
{
    struct walk *w = guarded.walk;
    if (w != NULL && w->guard != NULL && (pid_t)syscall(SYS_gettid) == guarded.thread) {
        w->request->shared->error_signal = number;
        siglongjmp(*w->guard, 1);
    }
    /* Another thread's own fault, while we walk inside the program: its handler, or the default on return. */
    const struct sigaction *old = &guarded.old[0];
    for (unsigned i = 0; i < guarded.count; i++)
        if (fault_signals[i] == number)
            old = &guarded.old[i];
    if (old->sa_flags & SA_SIGINFO)
        old->sa_sigaction(number, info, context);
    else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
        old->sa_handler(number);
    else
        sigaction(number, old, NULL);
}

static bool guard_install(struct walk *w)
{
    stack_t stack = {.ss_sp = capture_alloc(&w->memory, ALTERNATE_STACK), .ss_size = ALTERNATE_STACK};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (stack.ss_sp == NULL)
        return false;
    guarded.walk = w;
    guarded.thread = (pid_t)syscall(SYS_gettid);
    guarded.count = w->request->in_process ? 2 : 4;
    sigaltstack(&stack, &guarded.old_stack);
    sigset_t set;
    sigemptyset(&set);
    for (unsigned i = 0; i < guarded.count; i++) {
        sigaction(fault_signals[i], &action, &guarded.old[i]);
        sigaddset(&set, fault_signals[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return true;
}

static void guard_remove(void)
{
    for (unsigned i = 0; i < guarded.count; i++)
        sigaction(fault_signals[i], &guarded.old[i], NULL);
    sigaltstack(&guarded.old_stack, NULL);
    guarded.walk = NULL;
}

/* ---- stages ---- */

static int fail(struct walk *w, int code, const char *text)
{
    struct capture_shared *s = w->request->shared;
    size_t n = 0;
    for (; text[n] != '\0' && n < sizeof(s->error_text) - 1; n++)
        s->error_text[n] = text[n];
    s->error_text[n] = '\0';
    s->error_errno = code;
    return code;
}

static void write_request_facts(struct walk *w)
{
    for (size_t i = 0; i < w->request->fact_count; i++) {
        const struct capture_fact *f = &w->request->facts[i];
        if (f->type == CAPTURE_U64)
            snapshot_writer_fact_u64(w->writer, f->key, f->u64);
        else if (f->type == CAPTURE_F64)
            snapshot_writer_fact_f64(w->writer, f->key, f->f64);
        else if (f->type == CAPTURE_TEXT)
            snapshot_writer_fact_text(w->writer, f->key, f->text, f->length);
        else
            snapshot_writer_fact_list(w->writer, f->key, f->text, f->length);
    }
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void write_last_facts(struct walk *w, uint64_t started_ns, double cpu_before)
{
    const struct capture_request *q = w->request;
    snapshot_writer_fact_f64(w->writer, "pause_seconds", (double)q->shared->pause_ns * 1e-9);
    snapshot_writer_fact_f64(w->writer, "walk_seconds", (double)(walk_now_ns() - started_ns) * 1e-9);
    snapshot_writer_fact_f64(w->writer, "walk_cpu_seconds", cpu_seconds() - cpu_before);
    snapshot_writer_fact_u64(w->writer, "child_memory", capture_memory_resident(&w->memory));
    snapshot_writer_fact_u64(w->writer, "objects", w->current);
    snapshot_writer_fact_u64(w->writer, "edges", w->pushed);
    snapshot_writer_fact_u64(w->writer, "roots", w->roots);
    snapshot_writer_fact_u64(w->writer, "tracked", w->tracked);
    snapshot_writer_fact_u64(w->writer, "faults", w->faults);
    const char *limits = w->limits;
    if (limits == NULL && w->interpreters > 1 && w->layout->minor >= 12)
        limits = "a sub-interpreter with a GIL of its own was not stopped";
    if (limits != NULL)
        snapshot_writer_fact_text(w->writer, "limits", limits, strlen(limits));
    snapshot_writer_fact_u64(w->writer, "interpreters", w->interpreters);
    snapshot_writer_fact_u64(w->writer, "complete", w->limits == NULL);
}

static void rings_stage(struct walk *w, void *context)
{
    (void)context;
    walk_rings(w);
}

static int stages(struct walk *w)
{
    sigjmp_buf here;
    uint64_t started = walk_now_ns();
    double cpu = cpu_seconds();
    if (sigsetjmp(here, 0) != 0)
        return fail(w, EFAULT, "a bad address outside an object's visit");
    w->guard = &here;
    if (!walk_check(w))
        return fail(w, ENOTSUP, "the interpreter's structures are not where this version has them");
    w->deadline_ns = w->request->walk_limit_ns == 0 ? 0 : started + w->request->walk_limit_ns;
    walk_static_init(w);
    write_request_facts(w);
    walk_runtime_facts(w);
    if (!walk_runtime_known(w))
        return fail(w, ENOMEM, "no memory for the walk");
    walk_hook_discount(w);
    if (!walk_guarded(w, rings_stage, NULL) || w->rings_broken)
        w->limits = "the collector's lists do not lead back to their beginning: objects may be missing";
    walk_roots(w);
    w->request->shared->error_signal = 0;
    walk_all(w);
    w->guard = &here;
    walk_identifiers_out(w);
    if (w->memory.failed)
        return fail(w, ENOMEM, "no memory for the walk");
    write_last_facts(w, started, cpu);
    int error = snapshot_writer_finish(w->writer);
    w->guard = NULL;
    w->request->shared->objects = w->count;
    return error == 0 ? 0 : fail(w, error, "cannot write the snapshot");
}

int cpython_capture(const struct capture_request *request)
{
    struct capture_memory memory;
    struct walk *w = NULL;
    void *buffers = NULL;
    size_t size = snapshot_writer_memory(request->zstd);
    uint8_t id[16] = {0};
    if (capture_memory_init(&memory)) {
        w = capture_alloc(&memory, sizeof(*w));
        buffers = capture_alloc(&memory, size);
    }
    if (w == NULL || buffers == NULL) {
        capture_memory_release(&memory);
        request->shared->error_errno = ENOMEM;
        memcpy(request->shared->error_text, "no memory for the walk", 23);
        return ENOMEM;
    }
    w->memory = memory;
    syscall(SYS_getrandom, id, sizeof(id), 1 /* GRND_NONBLOCK */);
    w->writer = snapshot_writer_begin(buffers, size, request->fd, request->zstd, id);
    int error = ENOMEM;
    if (w->writer != NULL && walk_init(w, request) && guard_install(w)) {
        error = stages(w);
        guard_remove();
    } else {
        fail(w, error, "no memory for the walk");
    }
    memory = w->memory;
    capture_memory_release(&memory);
    return error;
}
