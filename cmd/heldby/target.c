#include "cmd/heldby/target.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The value of a line "KEY:\t..." of /proc/PID/status; false if there is none. */
static bool status_line(pid_t pid, const char *key, char *out, size_t size)
{
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    if (!status)
        return false;
    bool found = false;
    while (!found && fgets(line, sizeof line, status)) {
        size_t length = strlen(key);
        if (strncmp(line, key, length) == 0 && line[length] == ':') {
            snprintf(out, size, "%s", line + length + 1 + strspn(line + length + 1, " \t"));
            out[strcspn(out, "\n")] = '\0';
            found = true;
        }
    }
    fclose(status);
    return found;
}

bool target_is_alive(const struct target *t)
{
    char state[64];
    return status_line(t->pid, "State", state, sizeof state) && state[0] != 'Z' && state[0] != 'X';
}

/* The thread called heldby:SIGNAL. */
static bool find_helper(struct target *t)
{
    char path[sizeof "/proc//task//comm" + 300], name[32];
    snprintf(path, sizeof path, "/proc/%d/task", (int)t->pid);
    DIR *threads = opendir(path);
    if (!threads)
        return false;
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(threads));) {
        snprintf(path, sizeof path, "/proc/%d/task/%s/comm", (int)t->pid, entry->d_name);
        FILE *comm = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
        if (!comm)
            continue;
        int number = 0;
        char rest = 0;
        if (fgets(name, sizeof name, comm) && sscanf(name, "heldby:%d%c", &number, &rest) == 2 &&
            rest == '\n' && number > 0 && number <= 64) {
            t->helper = (pid_t)atoi(entry->d_name);
            t->signal = number;
            found = true;
        }
        fclose(comm);
    }
    closedir(threads);
    return found;
}

/* Is the hook's library mapped? True where that cannot be seen. */
static bool may_have_hook(pid_t pid)
{
    char path[64], line[PATH_MAX + 200];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "re");
    bool any = false, found = false;
    while (maps && !found && fgets(line, sizeof line, maps)) {
        any = true;
        found = strstr(line, "heldby") != NULL;
    }
    if (maps)
        fclose(maps);
    return found || !any;
}

static bool same_files(pid_t pid)
{
    char path[64], theirs[64], ours[64];
    struct stat their_root, our_root;
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", (int)pid);
    ssize_t length = readlink(path, theirs, sizeof theirs),
            own = readlink("/proc/self/ns/mnt", ours, sizeof ours);
    if (length < 0 || length != own || memcmp(theirs, ours, (size_t)length) != 0)
        return false;
    snprintf(path, sizeof path, "/proc/%d/root", (int)pid);
    return stat(path, &their_root) == 0 && stat("/", &our_root) == 0 &&
           their_root.st_dev == our_root.st_dev && their_root.st_ino == our_root.st_ino;
}

bool target_find(struct target *ret, pid_t pid, struct error *err)
{
    *ret = (struct target){.pid = pid};
    char value[128], name[64];
    if (!status_line(pid, "State", value, sizeof value))
        return error_set(err, ERROR_SYSTEM, "there is no process %d", (int)pid);
    if (value[0] == 'Z' || value[0] == 'X')
        return error_set(err, ERROR_SYSTEM, "process %d has ended", (int)pid);
    if (!status_line(pid, "Name", name, sizeof name))
        name[0] = '\0';
    int real = 0, effective = 0, saved = 0, files = 0;
    if (status_line(pid, "Uid", value, sizeof value) &&
        sscanf(value, "%d %d %d %d", &real, &effective, &saved, &files) == 4)
        ret->user = (uid_t)files;
    if (kill(pid, 0) != 0) {
        if (errno == ESRCH)
            return error_set(err, ERROR_SYSTEM, "process %d has ended", (int)pid);
        return error_set(err, ERROR_SYSTEM,
                         "process %d (%s) is not ours: it belongs to user %d, we are user %d", (int)pid, name,
                         real, (int)geteuid());
    }
    /* CPython 3.12 and later: the helper is away for an instant around each fork. */
    for (int tries = 0; !find_helper(ret); tries++) {
        if (tries == 20 || !may_have_hook(pid)) {
            ret->hookless = true;
            return error_set(err, ERROR_SYSTEM, "process %d (%s) has no hook", (int)pid, name);
        }
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    if (!same_files(pid))
        snprintf(ret->root, sizeof ret->root, "/proc/%d/root", (int)pid);
    return true;
}

void target_path(const struct target *t, const char *path, char out[TARGET_PATH])
{
    snprintf(out, TARGET_PATH, "%s%s", t->root, path);
}
