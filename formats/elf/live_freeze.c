#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>

#include "formats/elf/live_parts.h"
#include "lib/base/vector.h"

static const double most_seconds = 5; /* for all threads to stop: one that waits for a disk cannot */

_Static_assert(sizeof(struct user_regs_struct) == IMAGE_REGISTERS * 8, "as in process_image.h");

enum { MOST_IDS = 1 << 22 }; /* PID_MAX_LIMIT (linux/threads.h) */

/* Takes note of an id; was it known? */
static bool note(struct live_threads *threads, uint32_t tid)
{
    uint8_t *byte = &threads->seen[tid % MOST_IDS / 8], bit = (uint8_t)(1u << (tid & 7));
    bool was = *byte & bit;
    *byte |= bit;
    return was;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Attaches to the threads that are not known yet; *added says how many. A thread that has just ended is none.
 */
static bool seize_new(struct live_threads *threads, size_t *added, struct error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/task", threads->pid);
    DIR *folder = opendir(path);
    *added = 0;
    if (folder == NULL)
        return live_explain_refusal(threads->pid, errno == ENOENT ? ESRCH : errno, err);
    bool done = true;
    for (struct dirent *entry; done && (entry = readdir(folder)) != NULL;) {
        uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);
        if (tid == 0 || note(threads, tid))
            continue;
        if (!vector_reserve((void **)&threads->all, &threads->capacity, threads->count + 1,
                            sizeof *threads->all, err)) {
            done = false;
            break;
        }
        if (ptrace(PTRACE_SEIZE, (pid_t)tid, NULL, NULL) != 0) {
            int failure = errno;
            char state[64], *text;
            snprintf(state, sizeof state, "task/%" PRIu32 "/stat", tid);
            text = live_read(threads->pid, state, NULL);
            const char *mark = text != NULL ? strrchr(text, ')') : NULL;
            bool gone = mark == NULL || mark[1] == 0 || mark[2] == 'Z' || mark[2] == 'X';
            free(text);
            if (!gone)
                done = live_explain_refusal(threads->pid, failure, err);
            continue;
        }
        threads->all[threads->count++] = (struct live_thread){.tid = tid};
        (*added)++;
        ptrace(PTRACE_INTERRUPT, (pid_t)tid, NULL, NULL);
    }
    closedir(folder);
    return done;
}

/* One look at a thread that was told to stop. */
static void look(struct live_thread *thread)
{
    int status;
    pid_t got = waitpid((pid_t)thread->tid, &status, __WALL | WNOHANG);
    if (got == 0)
        return;
    if (got < 0 || WIFEXITED(status) || WIFSIGNALED(status)) {
        thread->ended = got >= 0 || errno == ECHILD;
        return;
    }
    thread->stopped = true;
    if (status >> 16 == 0)                 /* else it is our interruption */
        thread->signal = WSTOPSIG(status); /* a signal was on its way: PTRACE_DETACH passes it on */
}

static bool wait_all(struct live_threads *threads, double until, struct error *err)
{
    for (size_t i = 0; i < threads->count;) {
        struct live_thread *t = &threads->all[i];
        if (!t->stopped && !t->ended)
            look(t);
        if (t->stopped || t->ended) {
            i++;
            continue;
        }
        if (now() > until)
            return error_set(err, ERROR_SYSTEM,
                             "thread %" PRIu32 " of process %" PRIu32
                             " does not stop (it waits for a disk or a network file system)",
                             t->tid, threads->pid);
        nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
    return true;
}

/* A running thread may start others until it is stopped: the list is read until nothing new is in it. */
bool live_freeze(struct live_threads *threads, uint32_t pid, struct error *err)
{
    *threads = (struct live_threads){.pid = pid, .seen = calloc(MOST_IDS / 8, 1)};
    if (threads->seen == NULL)
        return error_no_memory(err);
    double until = now() + most_seconds;
    size_t added;
    do {
        if (!seize_new(threads, &added, err) || !wait_all(threads, until, err)) {
            live_thaw(threads);
            return false;
        }
    } while (added > 0 && now() < until);
    size_t alive = 0;
    for (size_t i = 0; i < threads->count; i++)
        alive += threads->all[i].stopped;
    if (added > 0 || alive == 0) {
        live_thaw(threads);
        return error_set(err, ERROR_SYSTEM,
                         alive == 0 ? "process %" PRIu32 " has ended"
                                    : "process %" PRIu32 " starts threads faster than they can be stopped",
                         pid);
    }
    return true;
}

void live_thaw(struct live_threads *threads)
{
    for (size_t i = 0; i < threads->count; i++) {
        struct live_thread *t = &threads->all[i];
        if (t->ended)
            continue;
        if (!t->stopped) { /* only a stopped thread can be let go */
            for (int tries = 0; tries < 200 && !t->stopped && !t->ended; tries++) {
                look(t);
                nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
            }
        }
        ptrace(PTRACE_DETACH, (pid_t)t->tid, NULL, (void *)(intptr_t)t->signal);
    }
    free(threads->all);
    free(threads->seen);
    *threads = (struct live_threads){.pid = threads->pid};
}

static const char *thread_name(struct elf_image *self, uint32_t pid, uint32_t tid)
{
    char path[64];
    snprintf(path, sizeof path, "task/%" PRIu32 "/comm", tid);
    char *text = live_read(pid, path, NULL);
    const char *name = text != NULL ? arena_text(&self->arena, text, strcspn(text, "\n"), NULL) : NULL;
    free(text);
    return name;
}

bool live_read_threads(struct elf_image *self, const struct live_threads *threads, struct error *err)
{
    struct process_image *image = self->image;
    image->threads = calloc(threads->count + 1, sizeof *image->threads);
    if (image->threads == NULL)
        return error_no_memory(err);
    for (size_t i = 0; i < threads->count; i++) {
        const struct live_thread *t = &threads->all[i];
        struct user_regs_struct registers;
        if (!t->stopped || ptrace(PTRACE_GETREGS, (pid_t)t->tid, NULL, &registers) != 0)
            continue;
        struct image_thread *to = &image->threads[image->thread_count++];
        *to = (struct image_thread){.tid = t->tid, .name = thread_name(self, threads->pid, t->tid)};
        memcpy(to->registers, &registers, sizeof to->registers);
        if (t->tid == threads->pid && to != image->threads) {
            struct image_thread first = image->threads[0];
            image->threads[0] = *to;
            *to = first;
        }
    }
    image->has_notes = image->thread_count > 0;
    return image->has_notes || error_set(err, ERROR_SYSTEM, "process %" PRIu32 " has ended", threads->pid);
}
