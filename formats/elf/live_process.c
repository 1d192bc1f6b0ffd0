#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/elf/live_parts.h"
#include "lib/base/text_buffer.h"

char *live_read(uint32_t pid, const char *name, size_t *size)
{
    char path[64];
    if (pid != 0)
        snprintf(path, sizeof path, "/proc/%" PRIu32 "/%s", pid, name);
    else
        snprintf(path, sizeof path, "%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    size_t length = 0, room = 1 << 16;
    char *text = malloc(room);
    while (text != NULL) {
        ssize_t n = read(fd, text + length, room - length - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            text[length] = 0;
            if (n < 0 && length == 0) {
                free(text);
                text = NULL;
            }
            break;
        }
        length += (size_t)n;
        if (room - length < room / 4) {
            char *grown = realloc(text, room *= 2);
            if (grown == NULL)
                free(text);
            text = grown;
        }
    }
    close(fd);
    if (size != NULL)
        *size = length;
    return text;
}

/* A number behind "Name:" in a status file; `base` 10 or 16. */
static bool status_number(const char *status, const char *name, int base, uint64_t *ret)
{
    const char *at = status != NULL ? strstr(status, name) : NULL;
    if (at == NULL)
        return false;
    *ret = strtoull(at + strlen(name), NULL, base);
    return true;
}

static bool check_program(uint32_t pid, struct error *err)
{
    char path[64];
    unsigned char start[20];
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/exe", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true; /* attaching will tell better why */
    ssize_t n = read(fd, start, sizeof start);
    close(fd);
    if (n != sizeof start || memcmp(start, ELFMAG, SELFMAG) != 0)
        return true;
    unsigned machine = (unsigned)start[18] | (unsigned)start[19] << 8;
    if (start[EI_CLASS] != ELFCLASS64 || start[EI_DATA] != ELFDATA2LSB || machine != EM_X86_64)
        return error_set(err, ERROR_BAD_INPUT,
                         "process %" PRIu32 " runs a %s program; only x86-64 can be read", pid,
                         start[EI_CLASS] == ELFCLASS32 ? "32-bit" : "foreign");
    return true;
}

/* PF_KTHREAD (linux/sched.h), in the ninth field of stat. */
static bool is_kernel_thread(uint32_t pid)
{
    char *text = live_read(pid, "stat", NULL);
    const char *at = text != NULL ? strrchr(text, ')') : NULL;
    unsigned flags = 0;
    bool kernel =
        at != NULL && sscanf(at, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 && (flags & 0x200000) != 0;
    free(text);
    return kernel;
}

static bool gone(uint32_t pid, struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "process %" PRIu32 " has ended", pid);
}

bool live_check_process(uint32_t pid, struct error *err)
{
    if (pid == (uint32_t)getpid())
        return error_set(err, ERROR_USAGE, "process %" PRIu32 " is this one", pid);
    char *status = live_read(pid, "status", NULL);
    if (status == NULL)
        return error_set(err, ERROR_SYSTEM, "there is no process %" PRIu32, pid);
    const char *state = strstr(status, "\nState:\t");
    bool dead = state != NULL && (state[8] == 'Z' || state[8] == 'X') &&
                strstr(status, "\nThreads:\t1\n") != NULL; /* else other threads go on */
    uint64_t leader = pid;
    status_number(status, "\nTgid:", 10, &leader);
    free(status);
    if (dead)
        return gone(pid, err);
    if (leader != pid)
        return error_set(err, ERROR_USAGE, "%" PRIu32 " is a thread of process %" PRIu64 "; give that one",
                         pid, leader);
    if (is_kernel_thread(pid))
        return error_set(err, ERROR_SYSTEM, "process %" PRIu32 " is a thread of the kernel: it has no memory",
                         pid);
    return check_program(pid, err);
}

uint32_t live_thread_with_memory(uint32_t pid)
{
    char path[64], byte;
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/task", pid);
    DIR *folder = opendir(path);
    uint32_t found = 0;
    for (struct dirent *entry; folder != NULL && found == 0 && (entry = readdir(folder)) != NULL;) {
        uint32_t tid = (uint32_t)strtoul(entry->d_name, NULL, 10);
        snprintf(path, sizeof path, "/proc/%" PRIu32 "/maps", tid);
        int fd = tid != 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd >= 0 && read(fd, &byte, 1) == 1)
            found = tid;
        if (fd >= 0)
            close(fd);
    }
    if (folder != NULL)
        closedir(folder);
    return found != 0 ? found : pid;
}

static const char *user_name(uint64_t uid, char *to, size_t size)
{
    struct passwd *entry = getpwuid((uid_t)uid);
    if (entry != NULL)
        snprintf(to, size, "%s", entry->pw_name);
    else
        snprintf(to, size, "%" PRIu64, uid);
    return to;
}

/* Capability 19 (linux/capability.h). */
static bool may_trace_anything(void)
{
    char *status = live_read(0, "/proc/self/status", NULL);
    uint64_t effective = 0;
    status_number(status, "\nCapEff:", 16, &effective);
    free(status);
    return effective >> 19 & 1;
}

static long trace_scope(void)
{
    char *text = live_read(0, "/proc/sys/kernel/yama/ptrace_scope", NULL);
    long scope = text != NULL ? strtol(text, NULL, 10) : 0;
    free(text);
    return scope;
}

bool live_explain_refusal(uint32_t pid, int os_errno, struct error *err)
{
    char owner[64];
    char *status = live_read(pid, "status", NULL);
    uint64_t tracer = 0, uid = 0, size;
    status_number(status, "\nTracerPid:", 10, &tracer);
    bool known = status_number(status, "\nUid:", 10, &uid);
    /* On its way out a process has no memory any more, and attaching is forbidden to all. */
    bool leaving =
        known && !status_number(status, "\nVmSize:", 10, &size) && strstr(status, "\nThreads:\t1\n") != NULL;
    free(status);
    if (os_errno == ESRCH || !known || leaving)
        return gone(pid, err);
    if (os_errno != EPERM && os_errno != EACCES) {
        error_system(err, "", os_errno, "cannot stop the process");
        return error_set(err, ERROR_SYSTEM, "cannot stop process %" PRIu32 ": %s", pid, strerror(os_errno));
    }
    if (tracer != 0) {
        char *name = live_read((uint32_t)tracer, "comm", NULL);
        if (name != NULL)
            name[strcspn(name, "\n")] = 0;
        error_set(err, ERROR_SYSTEM,
                  "process %" PRIu32 " is being traced already, by process %" PRIu64 "%s%s%s; only one can",
                  pid, tracer, name != NULL ? " (" : "", name != NULL ? name : "", name != NULL ? ")" : "");
        free(name);
    } else if (trace_scope() == 3) {
        error_set(
            err, ERROR_SYSTEM,
            "attaching is switched off until the next boot (kernel.yama.ptrace_scope is 3); take a core "
            "instead, or start the program under heldby run");
    } else if (may_trace_anything()) {
        error_set(err, ERROR_SYSTEM,
                  "attaching to process %" PRIu32
                  " is refused although CAP_SYS_PTRACE is there: it may belong to "
                  "another user namespace, or a security module (seccomp, SELinux, AppArmor) forbids it",
                  pid);
    } else if (geteuid() == 0) {
        error_set(err, ERROR_SYSTEM,
                  "attaching to process %" PRIu32
                  " is refused: root without CAP_SYS_PTRACE; in a container, start "
                  "it with --cap-add=SYS_PTRACE",
                  pid);
    } else if (uid != (uint64_t)geteuid()) {
        error_set(err, ERROR_SYSTEM,
                  "process %" PRIu32 " belongs to user %s; run this as that user, or as root", pid,
                  user_name(uid, owner, sizeof owner));
    } else if (trace_scope() == 2) {
        error_set(err, ERROR_SYSTEM,
                  "only root may attach here (kernel.yama.ptrace_scope is 2); run this as root");
    } else if (trace_scope() == 1) {
        error_set(err, ERROR_SYSTEM,
                  "only a parent may attach here (kernel.yama.ptrace_scope is 1); run this as root, or once: "
                  "sysctl kernel.yama.ptrace_scope=0");
    } else {
        error_set(err, ERROR_SYSTEM,
                  "attaching to process %" PRIu32
                  " is refused: it made itself undumpable (a set-user-ID program, "
                  "or prctl), or a container forbids it (--cap-add=SYS_PTRACE); run this as root",
                  pid);
    }
    return false;
}

static const char *keep(struct elf_image *self, const char *text, size_t length)
{
    return text != NULL ? arena_text(&self->arena, text, length, NULL) : NULL;
}

/* In another mount namespace (a container) its files are seen through /proc. In ours its paths are ours,
 * chroot or not: the kernel writes them for the reader. */
static void find_root(struct elf_image *self, uint32_t pid)
{
    char path[64];
    struct stat theirs, ours;
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/ns/mnt", pid);
    if (stat(path, &theirs) != 0 || stat("/proc/self/ns/mnt", &ours) != 0 || theirs.st_ino == ours.st_ino)
        return;
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/%s", pid, "root");
    self->sysroot = keep(self, path, strlen(path));
}

bool live_read_facts(struct elf_image *self, uint32_t pid, struct error *err)
{
    struct process_image *image = self->image;
    char path[64], link[4096];
    uint64_t number;
    size_t size;
    image->live = true;
    image->pid = pid;
    char *text = live_read(pid, "status", NULL);
    if (text == NULL)
        return gone(pid, err);
    if (status_number(text, "\nPPid:", 10, &number))
        image->ppid = (uint32_t)number;
    if (status_number(text, "\nUid:", 10, &number))
        image->uid = (uint32_t)number;
    free(text);
    uint32_t alive = live_thread_with_memory(pid);
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/exe", alive);
    ssize_t length = readlink(path, link, sizeof link);
    if (length > 0)
        image->executable = keep(self, link, (size_t)length);
    text = live_read(alive, "cmdline", &size);
    for (size_t i = 0; text != NULL && i + 1 < size; i++) {
        if (text[i] == 0)
            text[i] = ' ';
    }
    image->command = text != NULL ? keep(self, text, strnlen(text, size)) : NULL;
    free(text);
    text = live_read(alive, "auxv", &size);
    for (size_t at = 0; text != NULL && at + 16 <= size; at += 16) {
        uint64_t entry[2];
        memcpy(entry, text + at, sizeof entry);
        if (entry[0] != AT_NULL && entry[0] < sizeof image->auxv / sizeof *image->auxv)
            image->auxv[entry[0]] = entry[1];
    }
    free(text);
    if (self->sysroot == NULL)
        find_root(self, alive);
    return true;
}
