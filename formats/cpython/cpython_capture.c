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

/* Is everything where this version has it? */
static bool check(struct walk *w)
{
    const struct cpython_layout *l = w->layout;
    w->interpreter = mem_u64(w->runtime + l->interpreters_main);
    if (!mem_plausible(w->interpreter))
        return false;
    uint64_t gc = l->gc == NONE ? w->runtime + l->runtime_gc : w->interpreter + l->gc;
    uint64_t thread = mem_u64(w->interpreter + l->threads_head),
             modules = mem_u64(w->interpreter + l->modules);
    if (l->minor <= 13 && mem_u64(gc + GC_GENERATION0) != gc + GC_GENERATIONS)
        return false;
    if (mem_plausible(thread) && mem_u64(thread + TSTATE_INTERP) != w->interpreter)
        return false;
    return mem_plausible(modules) && mem_u64(modules + OB_TYPE) == w->dict_type;
}

/* The traverse function that all classes made by a class statement share: that of an import machinery's
 * class. */
static uint64_t find_python_traverse(struct walk *w)
{
    static const char *const classes[][2] = {
        {"_frozen_importlib", "ModuleSpec"}, {"importlib._bootstrap", "ModuleSpec"}, {"os", "_Environ"}};
    uint64_t modules = mem_u64(w->interpreter + w->layout->modules);
    for (unsigned i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        uint64_t module = walk_dict_lookup(w, modules, classes[i][0]);
        if (!mem_plausible(module))
            continue;
        uint64_t found = walk_dict_lookup(w, mem_u64(module + MODULE_DICT), classes[i][1]);
        if (mem_plausible(found) && mem_u64(found + OB_TYPE) == w->type_type &&
            mem_u64(found + TP_FLAGS) & TPFLAG_HEAPTYPE)
            return mem_u64(found + TP_TRAVERSE);
    }
    return 0;
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

static void write_runtime_facts(struct walk *w)
{
    const struct capture_request *q = w->request;
    uint64_t gc = w->layout->gc == NONE ? w->runtime + w->layout->runtime_gc : w->interpreter + w->layout->gc;
    static const char *const counts[3] = {"gc.count.0", "gc.count.1", "gc.count.2"};
    static const char *const thresholds[3] = {"gc.threshold.0", "gc.threshold.1", "gc.threshold.2"};
    snapshot_writer_fact_text(w->writer, "runtime", "cpython", 7);
    snapshot_writer_fact_text(w->writer, "runtime_version", q->runtime->version, strlen(q->runtime->version));
    snapshot_writer_fact_u64(w->writer, "runtime_hex", q->runtime->hex);
    snapshot_writer_fact_u64(w->writer, "values", q->value_bytes);
    snapshot_writer_fact_text(w->writer, "mode", q->in_process ? "in_process" : "fork",
                              q->in_process ? 10 : 4);
    snapshot_writer_fact_u64(w->writer, "without_gil", !q->synchronised);
    for (uint64_t g = 0; g < 3; g++) {
        snapshot_writer_fact_u64(w->writer, thresholds[g],
                                 mem_u32(gc + GC_GENERATIONS + g * GC_GENERATION_SIZE + 16));
        snapshot_writer_fact_u64(w->writer, counts[g],
                                 mem_u32(gc + GC_GENERATIONS + g * GC_GENERATION_SIZE + 20));
    }
    snapshot_writer_fact_u64(w->writer, "gc.collecting", mem_u32(gc + w->layout->gc_collecting) != 0);
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
    const struct cpython_runtime *r = w->request->runtime;
    if (sigsetjmp(here, 0) != 0)
        return fail(w, EFAULT, "a bad address outside an object's visit");
    w->guard = &here;
    w->type_type = r->type_type, w->list_type = r->list_type, w->dict_type = r->dict_type,
    w->tuple_type = r->tuple_type;
    w->set_type = r->set_type, w->frozenset_type = r->frozenset_type, w->str_type = r->str_type,
    w->none = r->none;
    if (!check(w))
        return fail(w, ENOTSUP, "the interpreter's structures are not where this version has them");
    w->deadline_ns = w->request->walk_limit_ns == 0 ? 0 : started + w->request->walk_limit_ns;
    walk_static_init(w);
    write_request_facts(w);
    write_runtime_facts(w);
    w->python_traverse = find_python_traverse(w);
    w->type_traverse = mem_u64(w->type_type + TP_TRAVERSE);
    if (!walk_types_init(w))
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
