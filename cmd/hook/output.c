#include "cmd/hook/output.h"

#include "cmd/hook/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_ORDINAL = 1000000 };

static atomic_uint_fast64_t next_ordinal = 1;

void output_restart_ordinals(void)
{
    atomic_store(&next_ordinal, 1);
}

/* folder / [.] name . PID . N suffix; false if it does not fit. */
static bool compose(char *to, const char *folder, const char *dot, const char *name, uint64_t ordinal,
                    const char *suffix)
{
    struct text t = text_over(to, SETTINGS_PATH);
    text_put(&t, folder);
    text_put(&t, folder[1] ? "/" : "");
    text_put(&t, dot);
    text_put(&t, name);
    text_put(&t, ".");
    text_u64(&t, (uint64_t)getpid(), 0);
    text_put(&t, ".");
    text_u64(&t, ordinal, 0);
    text_put(&t, suffix);
    return !t.cut;
}

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* Folder and name of a path that was asked for. Returns 0 or an errno. */
static int split_path(struct output *o, const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return EINVAL;
    struct stat status;
    if (!slash[1] || (stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
        return EISDIR;
    struct text folder = text_over(o->folder, sizeof o->folder), final = text_over(o->final, sizeof o->final);
    text_bytes(&folder, path, slash == path ? 1 : (size_t)(slash - path));
    text_put(&final, path);
    struct text t = text_over(name, size); /* a long one is cut: it is for the temporary name only */
    text_put(&t, slash + 1);
    return folder.cut || final.cut ? ENAMETOOLONG : 0;
}

int output_plan(struct output *o, const char *folder, const char *name, const char *path)
{
    char base[160];
    o->replace = path != NULL;
    o->temporary[0] = o->final[0] = '\0';
    struct text t = text_over(o->folder, sizeof o->folder);
    text_put(&t, folder);
    int error = path ? split_path(o, path, base, sizeof base) : 0;
    if (error)
        return error;
    if (faccessat(AT_FDCWD, o->folder, W_OK | X_OK, AT_EACCESS) != 0)
        return errno;
    uint64_t ordinal = atomic_load(&next_ordinal), last = ordinal + MAX_ORDINAL;
    for (; ordinal < last; ordinal++) {
        if (!compose(o->temporary, o->folder, ".", path ? base : name, ordinal,
                     path ? ".tmp" : ".held.tmp") ||
            (!path && !compose(o->final, o->folder, "", name, ordinal, ".held")))
            return ENAMETOOLONG;
        if (!exists(o->temporary) && (path || !exists(o->final)))
            break;
    }
    o->ordinal = ordinal;
    if (!path)
        atomic_store(&next_ordinal, ordinal + 1);
    return 0;
}

int output_open(const struct output *o)
{
    int fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd >= 0)
        (void)fchmod(fd, 0600); /* a umask may have taken our own bits away */
    return fd;
}

/* rename that fails with EEXIST, on file systems that cannot do that in one step as well. */
static int rename_exclusively(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (link(from, to) == 0)
        return unlink(from) == 0 ? 0 : errno;
    if (errno == EEXIST)
        return errno;
    struct stat existing; /* no hard links either (FAT): the last resort has a window */
    if (lstat(to, &existing) == 0)
        return EEXIST;
    return rename(from, to) == 0 ? 0 : errno;
}

/* The final name of the same file with another N: NAME.PID.N.held. */
static bool renumber(struct output *o, uint64_t ordinal)
{
    char *end = o->final + strlen(o->final) - strlen(".held");
    *end = '\0';
    char *number = strrchr(o->final, '.');
    struct text t = text_over(number + 1, (size_t)(o->final + sizeof o->final - number - 1));
    text_u64(&t, ordinal, 0);
    text_put(&t, ".held");
    return !t.cut;
}

int output_publish(struct output *o)
{
    int error = 0;
    if (o->replace) {
        error = rename(o->temporary, o->final) == 0 ? 0 : errno;
    } else {
        uint64_t ordinal = o->ordinal;
        while ((error = rename_exclusively(o->temporary, o->final)) == EEXIST && ordinal < MAX_ORDINAL)
            if (!renumber(o, ++ordinal))
                return ENAMETOOLONG;
    }
    if (error)
        return error;
    int fd =
        open(o->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* so that the new name survives a power cut */
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    return 0;
}

void output_remove(const struct output *o)
{
    if (o->temporary[0])
        unlink(o->temporary);
}
