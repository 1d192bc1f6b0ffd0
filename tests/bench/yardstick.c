/* yardstick.c -- what the hook is measured against, loaded by the measured process itself: a bare fork, and
 * nothing but following the rings of the garbage collector. Knows of CPython only that the collector's head
 * {next, prev} lies in the 16 bytes before a tracked object and that the two low bits of its words are flags
 * (3.8 to 3.13).
 */
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

__attribute__((visibility("default"))) double bench_bare_fork(void);
__attribute__((visibility("default"))) double bench_follow_ring(uint64_t object, uint64_t *count);

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Wall seconds of one clone without handlers and without an exit signal, in the parent; negative: it failed.
 */
double bench_bare_fork(void)
{
    double start = seconds_of(CLOCK_MONOTONIC);
    long child = syscall(SYS_clone, 0, 0, 0, 0, 0);
    if (child == 0)
        syscall(SYS_exit_group, 0);
    double end = seconds_of(CLOCK_MONOTONIC);
    if (child < 0 || waitpid((pid_t)child, NULL, __WALL) != (pid_t)child)
        return -1;
    return end - start;
}

/* CPU seconds to follow the ring that the tracked object at `object` is in, once round; *count gets its
   length, the head of the generation included. The caller holds the GIL. */
double bench_follow_ring(uint64_t object, uint64_t *count)
{
    const uint64_t *start = (const uint64_t *)(uintptr_t)(object - 16);
    const uint64_t *head = start;
    uint64_t n = 0;
    double begin = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    do {
        head = (const uint64_t *)(uintptr_t)(head[0] & ~(uint64_t)3);
        n++;
    } while (head != start);
    *count = n;
    return seconds_of(CLOCK_THREAD_CPUTIME_ID) - begin;
}
