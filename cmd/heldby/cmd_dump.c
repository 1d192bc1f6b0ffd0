/* cmd_dump.c -- a snapshot of a running process: asks its hook for one and waits for it; without a hook the
 * memory is copied from outside (live_dump.h).
 *
 * The request is a small file (cmd/hook/request.h describes it); its token travels in a signal to the hook's
 * own thread, so that no system call of the program is interrupted. A standard signal may merge with another:
 * it is sent until the hook answers.
 */
#include "cmd/heldby/command.h"
#include "cmd/heldby/live_dump.h"
#include "cmd/heldby/move_file.h"
#include "cmd/heldby/target.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const uint64_t REQUEST_MAGIC =
    UINT64_C(0x68ed); /* upper 16 bits of a token: the hook takes no other */

struct request {
    uint64_t token;
    char file[TARGET_PATH];
    char temporary[PATH_MAX]; /* the hook's answers, in its own view; "" = not yet */
    char done[PATH_MAX];
    char error[400];
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    interrupted = number;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* 0, or why there is no request file in that folder. */
static int create_in(struct request *r, const char *prefix, const char *folder, const char *path, uid_t user)
{
    snprintf(r->file, sizeof r->file, "%s%s/heldby-%016llx", prefix, folder, (unsigned long long)r->token);
    int fd = open(r->file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int error = 0;
    if ((user != geteuid() && fchown(fd, user, (gid_t)-1) != 0) || dprintf(fd, "path=%s\n", path) < 0)
        error = errno;
    if (close(fd) != 0 && !error)
        error = errno;
    if (error)
        unlink(r->file);
    return error;
}

static bool create_request(struct request *r, const struct target *t, const char *path, struct error *err)
{
    uint64_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_system(err, "", errno, "cannot get random bytes");
    r->token = REQUEST_MAGIC << 48 | random >> 16;
    static const char *const folders[] = {"/tmp", "/dev/shm", "/var/tmp"};
    int error = ENOENT;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int now = create_in(r, t->root, folders[i], path, t->user);
        if (now == 0)
            return true;
        error = now != ENOENT ? now : error;
    }
    char here[64];
    snprintf(here, sizeof here, "/proc/%d/cwd", (int)t->pid);
    if (create_in(r, "", here, path, t->user) == 0)
        return true;
    return error_system(err, t->root[0] ? t->root : "/tmp", error,
                        "cannot leave a request for the process in");
}

static int send_token(const struct target *t, uint64_t token)
{
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = t->signal;
    info.si_code = SI_QUEUE;
    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_ptr = (void *)(uintptr_t)token;
    return syscall(SYS_rt_tgsigqueueinfo, t->pid, t->helper, t->signal, &info) == 0 ? 0 : errno;
}

/* Reads what the hook has answered so far; a line counts once its end is there. */
static void read_answers(struct request *r)
{
    FILE *file = fopen(r->file, "re");
    if (!file)
        return;
    char *line = NULL;
    size_t size = 0;
    for (ssize_t length; (length = getline(&line, &size, file)) > 0 && line[length - 1] == '\n';) {
        line[length - 1] = '\0';
        if (strncmp(line, "temporary=", 10) == 0)
            snprintf(r->temporary, sizeof r->temporary, "%s", line + 10);
        else if (strncmp(line, "done=", 5) == 0)
            snprintf(r->done, sizeof r->done, "%s", line + 5);
        else if (strncmp(line, "error=", 6) == 0)
            snprintf(r->error, sizeof r->error, "%s", line + 6);
    }
    free(line);
    fclose(file);
}

static void show_progress(const struct request *r, const struct target *t, double waited)
{
    static bool shown;
    if (!isatty(STDERR_FILENO) || (waited < 0.3 && !shown))
        return;
    if (r->done[0] || r->error[0]) {
        if (shown)
            fprintf(stderr, "\r\033[K");
        return;
    }
    shown = true;
    char path[TARGET_PATH];
    struct stat status;
    target_path(t, r->temporary, path);
    if (r->temporary[0] && stat(path, &status) == 0)
        fprintf(stderr, "\r\033[Kprocess %d: %.1f MB written, %.0f s", (int)t->pid,
                (double)status.st_size / 1e6, waited);
    else
        fprintf(stderr, "\r\033[Kprocess %d: %s, %.0f s", (int)t->pid,
                r->temporary[0] ? "the hook is at work" : "waiting for the hook", waited);
    fflush(stderr);
}

/* Sends until the hook begins, then waits for the end. */
static bool wait_for_answer(struct request *r, struct target *t, double timeout, struct error *err)
{
    double start = now_seconds(), sent = -1;
    long pause = 1000000;
    for (;;) {
        double now = now_seconds();
        read_answers(r);
        show_progress(r, t, now - start);
        if (r->done[0])
            return true;
        if (r->error[0])
            return error_set(err, ERROR_SYSTEM, "process %d took no snapshot: %s", (int)t->pid, r->error);
        if (interrupted)
            return error_set(err, ERROR_SYSTEM, "interrupted; process %d goes on", (int)t->pid);
        if (!target_is_alive(t))
            return error_set(err, ERROR_SYSTEM, "process %d ended before the snapshot was complete",
                             (int)t->pid);
        if (now - start > timeout)
            return error_set(err, ERROR_SYSTEM, "no snapshot of process %d within %g seconds%s", (int)t->pid,
                             timeout,
                             r->temporary[0] ? "; it is still being written"
                                             : "; it does not answer (--no-hook copies its memory "
                                               "from outside)");
        if (!r->temporary[0] && now - sent > 0.25) {
            int error = send_token(t, r->token);
            for (int tries = 0; error == ESRCH && tries < 20 && target_find(t, t->pid, err); tries++)
                error = send_token(t, r->token); /* the helper had just been replaced */
            if (error == EPERM)
                return error_set(err, ERROR_SYSTEM, "process %d is not ours: no permission to signal it",
                                 (int)t->pid);
            if (error == ESRCH && !target_find(t, t->pid, err))
                return false;
            sent = error == 0 ? now : sent;
        }
        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
        pause = pause < 30000000 ? pause + pause / 2 : pause;
    }
}

/* The absolute path of -o, whose folder must exist, before the program is asked for anything. */
static bool destination(const char *file, char out[PATH_MAX], struct error *err)
{
    char copy[PATH_MAX], folder[PATH_MAX];
    struct stat status;
    if (strlen(file) >= sizeof copy)
        return error_system(err, file, ENAMETOOLONG, "cannot write");
    if (stat(file, &status) == 0 && S_ISDIR(status.st_mode))
        return error_system(err, file, EISDIR, "cannot write");
    snprintf(copy, sizeof copy, "%s", file);
    if (!realpath(dirname(copy), folder))
        return error_system(err, file, errno, "cannot write");
    snprintf(copy, sizeof copy, "%s", file);
    if (snprintf(out, PATH_MAX, "%s/%s", folder[1] ? folder : "", basename(copy)) >= PATH_MAX)
        return error_system(err, file, ENAMETOOLONG, "cannot write");
    return true;
}

static bool ask(struct target *t, const char *file, double timeout, struct error *err)
{
    char wanted[PATH_MAX] = "";
    if (file && !destination(file, wanted, err))
        return false;
    struct request request = {0};
    /* Where the process sees other files than we do, it writes to its own folder and we fetch the file. */
    if (!create_request(&request, t, t->root[0] ? "" : wanted, err))
        return false;
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    bool done = wait_for_answer(&request, t, timeout, err);
    unlink(request.file);
    if (!done)
        return false;
    char seen[TARGET_PATH];
    target_path(t, request.done, seen);
    if (wanted[0] && (t->root[0] || strcmp(request.done, wanted) != 0) && !move_file(seen, wanted, err))
        return false;
    if (puts(wanted[0] ? wanted : seen) < 0 || fflush(stdout) != 0)
        return error_system(err, "standard output", errno, "cannot write");
    return true;
}

bool cmd_dump(const struct invocation *in, struct error *err)
{
    const char *text = in->operands[0];
    char *end = NULL;
    errno = 0;
    long pid = strtol(text, &end, 10);
    if (errno || *end || end == text || pid <= 0 || pid > INT_MAX)
        return usage_error(err, "%s is no process id", text);
    if (option_given(in, "output") && option_given(in, "dir"))
        return usage_error(err, "--dir is for names that heldby finds: give either it or -o");
    if (option_given(in, "no-hook"))
        return live_dump(in, (pid_t)pid, err);
    struct target target;
    if (!target_find(&target, (pid_t)pid, err))
        return target.hookless && live_dump(in, (pid_t)pid, err);
    char name[PATH_MAX];
    const char *file = option_text(in, "output", NULL), *folder = option_text(in, "dir", NULL);
    if (folder && !dump_name((pid_t)pid, folder, name, err))
        return false;
    return ask(&target, folder ? name : file, option_seconds(in, "timeout", 60), err);
}
