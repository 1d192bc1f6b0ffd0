#include "cmd/hook/spawn.h"

#include "cmd/hook/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK = 64 << 10, LOOK_NS = 50000000 };

enum state { STARTING, STARTED, FAILED, ENDED };

struct spawn { /* in a mapping of its own, with the stacks of both processes behind it */
    char *const *argv, *const *environment;
    const char *out, *errors;
    pid_t program, waiter, command; /* waiter 0: it is gone */
    int error, status;              /* of wait4 */
    _Atomic int state;
};

/* A system call that leaves errno alone: the two processes run in the program's memory, where errno belongs
 * to the thread that asked. */
static long call(long number, uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d)
{
    long result;
    register uintptr_t fourth __asm__("r10") = d;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static void reset_signals(void)
{
    struct {
        uintptr_t handler, flags, restorer, mask;
    } standard = {0};
    for (uintptr_t number = 1; number <= 64; number++)
        if (number != SIGKILL && number != SIGSTOP)
            (void)call(SYS_rt_sigaction, number, (uintptr_t)&standard, 0, 8);
}

static long redirect(uintptr_t fd, const char *path, uintptr_t flags)
{
    long opened = call(SYS_openat, (uintptr_t)AT_FDCWD, (uintptr_t)path, flags, 0600);
    if (opened < 0 || (uintptr_t)opened == fd)
        return opened;
    long done = call(SYS_dup2, (uintptr_t)opened, fd, 0, 0);
    (void)call(SYS_close, (uintptr_t)opened, 0, 0, 0);
    return done;
}

static void close_from(unsigned first)
{
    if (call(SYS_close_range, first, ~0U, 0, 0) == 0)
        return;
    for (unsigned fd = first; fd < 65536; fd++) /* before Linux 5.9 */
        (void)call(SYS_close, fd, 0, 0, 0);
}

static _Noreturn void leave(uintptr_t status)
{
    for (;;)
        (void)call(SYS_exit_group, status, 0, 0, 0);
}

/* Until it executes, the process that waits stands still. */
static int command(void *context)
{
    struct spawn *s = context;
    const uintptr_t create = O_WRONLY | O_CREAT | O_EXCL;
    long error = redirect(0, "/dev/null", O_RDONLY);
    if (error >= 0)
        error = redirect(1, s->out, create);
    if (error >= 0)
        error = redirect(2, s->errors, create);
    if (error >= 0) {
        uint64_t none = 0;
        close_from(3);
        (void)call(SYS_rt_sigprocmask, SIG_SETMASK, (uintptr_t)&none, 0, 8);
        error = call(SYS_execve, (uintptr_t)s->argv[0], (uintptr_t)s->argv, (uintptr_t)s->environment, 0);
    }
    s->error = (int)-error;
    leave(127);
}

static char *stack_top(struct spawn *s, int number)
{
    return (char *)s + STACK * (number + 1);
}

static int waiter(void *context)
{
    struct spawn *s = context;
    reset_signals(); /* also: where SIGCHLD is ignored, there is nothing to wait for */
    s->command = clone(command, stack_top(s, 1), CLONE_VM | CLONE_VFORK | SIGCHLD, s);
    if (s->command < 0)
        s->error = EAGAIN;
    close_from(0); /* of its own table */
    atomic_store(&s->state, s->error ? FAILED : STARTED);
    (void)call(SYS_futex, (uintptr_t)&s->state, 129 /* FUTEX_WAKE_PRIVATE */, 1, 0);
    while (s->command > 0 && call(SYS_wait4, (uintptr_t)s->command, (uintptr_t)&s->status, 0, 0) == -EINTR)
        ;
    if (!s->error)
        atomic_store(&s->state, ENDED);
    leave(0);
}

/* Waits for the waiter's end, or looks for it: WNOHANG. It may be somebody else who has reaped it. */
static bool waiter_gone(struct spawn *s, int options)
{
    pid_t ended = -1;
    errno = ECHILD;
    if (s->waiter != 0 && s->program == getpid())
        while ((ended = waitpid(s->waiter, NULL, __WALL | options)) < 0 && errno == EINTR)
            ;
    if (ended != 0)
        s->waiter = 0;
    return ended != 0;
}

static void end_command(const struct spawn *s)
{
    if (s->program == getpid())
        kill(s->command, SIGKILL);
}

static void release(struct spawn *s)
{
    (void)waiter_gone(s, 0);
    munmap(s, 2 * STACK);
}

struct spawn *spawn_start(char *const *argv, char *const *environment, const char *out, const char *errors)
{
    struct spawn *s =
        mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (s == MAP_FAILED)
        return NULL;
    *s = (struct spawn){
        .argv = argv, .environment = environment, .out = out, .errors = errors, .program = getpid()};
    sigset_t previous;
    os_block_all_signals(&previous); /* no handler of the program may run in either */
    s->waiter = clone(waiter, stack_top(s, 0), CLONE_VM, s);
    int error = s->waiter < 0 ? errno : 0;
    bool gone = false;
    while (!error && !gone && atomic_load(&s->state) == STARTING) {
        os_futex_wait((const void *)&s->state, STARTING, LOOK_NS);
        gone = waiter_gone(s, WNOHANG);
    }
    pthread_sigmask(SIG_SETMASK, &previous, NULL);
    if (gone && atomic_load(&s->state) == STARTING) {
        error = EAGAIN; /* somebody has ended it; the command may still run on its stack, which stays */
    } else if (!error && s->error) {
        error = s->error;
        release(s);
    } else if (error) {
        munmap(s, 2 * STACK);
    }
    errno = error;
    return error ? NULL : s;
}

bool spawn_ended(struct spawn *s, int *ret_status)
{
    bool gone = waiter_gone(s, WNOHANG), ended = atomic_load(&s->state) == ENDED;
    if (!gone && !ended)
        return false;
    if (!ended)
        end_command(s);
    *ret_status = !ended                 ? 128 + SIGKILL
                  : WIFEXITED(s->status) ? WEXITSTATUS(s->status)
                                         : 128 + WTERMSIG(s->status);
    release(s);
    return true;
}

void spawn_kill(struct spawn *s)
{
    if (atomic_load(&s->state) != ENDED)
        end_command(s);
    release(s);
}
