#include "cmd/hook/child.h"

#include "cmd/hook/handler.h"
#include "cmd/hook/os.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void close_all_descriptors(void)
{
    if (syscall(SYS_close_range, 0U, ~0U, 0U) == 0)
        return;
    struct rlimit limit; /* before Linux 5.9 */
    int most = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
    for (int fd = 0; fd < most; fd++)
        close(fd);
}

/* The program's handlers must not run in its copy, and what is meant for the program must not end the walk.
 */
static void reset_signals(void)
{
    struct sigaction standard = {.sa_handler = SIG_DFL}, ignored = {.sa_handler = SIG_IGN};
    for (int number = 1; number <= SIGRTMAX; number++)
        if (number != SIGKILL && number != SIGSTOP && (number < 32 || number >= SIGRTMIN))
            (void)handler_real_sigaction(number, &standard, NULL);
    static const int unwanted[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ, SIGTSTP};
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        (void)handler_real_sigaction(unwanted[i], &ignored, NULL);
    sigset_t kept;
    sigfillset(&kept);
    static const int needed[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGALRM};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        sigdelset(&kept, needed[i]);
    sigprocmask(SIG_SETMASK, &kept, NULL);
}

/* Under memory pressure this copy goes first, it dumps no core, and the program's soft limit on memory is not
 * its own. */
static void set_limits(void)
{
    prctl(PR_SET_NAME, "heldby-walker");
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)os_write_all(fd, "1000", 4);
        close(fd);
    }
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_AS, &limit);
    }
    limit = (struct rlimit){1, 1}; /* 1, not 0: Linux pipes cores to a handler with 0, and to none with 1 */
    (void)setrlimit(RLIMIT_CORE, &limit);
}

static void say(struct capture_shared *shared, int error, const char *text)
{
    shared->error_errno = error;
    size_t length = strlen(text);
    if (length >= sizeof shared->error_text)
        length = sizeof shared->error_text - 1;
    memcpy(shared->error_text, text, length);
    shared->error_text[length] = '\0';
}

static int capture(const struct child_task *task)
{
    struct capture_shared *shared = task->request->shared;
    int fd = output_open(task->output);
    if (fd < 0) {
        say(shared, errno, "cannot create the temporary file");
        return errno;
    }
    task->request->fd = fd;
    int error = cpython_capture(task->request);
    if (error) {
        if (!shared->error_errno)
            shared->error_errno = error;
        return error;
    }
    if (fsync(fd) != 0 && errno != EINVAL) {
        say(shared, errno, "cannot write the file out");
        return errno;
    }
    close(fd);
    error = output_publish(task->output);
    if (error)
        say(shared, error, "cannot give the file its name");
    else
        memcpy(task->final_path, task->output->final, sizeof task->output->final);
    return error;
}

_Noreturn void child_run(const struct child_task *task)
{
    reset_signals();
    close_all_descriptors();
    set_limits();
    uint64_t seconds = task->request->walk_limit_ns / 1000000000;
    if (seconds > 0)
        alarm((unsigned)seconds + 1);
    int error = capture(task);
    if (error)
        output_remove(task->output); /* the parent does so too, but may be gone */
    for (;;)
        syscall(SYS_exit_group, error ? 1 : 0);
}
