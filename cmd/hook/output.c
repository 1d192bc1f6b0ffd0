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

static int create_exclusively(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (fd < 0)
        return errno;
    int error = fchmod(fd, 0600) == 0 ? 0 : errno; /* a umask may have taken our own bits away */
    close(fd);
    return error == EPERM ? 0 : error;
}

int output_create(struct output *o, const char *folder, const char *name, const char *path)
{
    char base[160];
    o->replace = path != NULL;
    if (path) {
        const char *slash = strrchr(path, '/');
        if (!slash || !slash[1])
            return slash ? EISDIR : EINVAL;
        size_t length = (size_t)(slash - path);
        if (length >= sizeof o->folder || strlen(path) >= sizeof o->final)
            return ENAMETOOLONG;
        memcpy(o->folder, path, length);
        o->folder[length] = '\0';
        if (length == 0)
            memcpy(o->folder, "/", 2);
        memcpy(o->final, path, strlen(path) + 1);
        struct stat existing;
        if (stat(path, &existing) == 0 && S_ISDIR(existing.st_mode))
            return EISDIR;
        struct text t = text_over(base, sizeof base);
        text_put(&t, slash + 1);
        name = base;
    } else {
        struct text t = text_over(o->folder, sizeof o->folder);
        text_put(&t, folder);
    }
    uint64_t ordinal = atomic_load(&next_ordinal);
    for (uint64_t tries = 0; tries < MAX_ORDINAL; tries++, ordinal++) {
        if (!path) {
            if (!compose(o->final, o->folder, "", name, ordinal, ".held"))
                return ENAMETOOLONG;
            struct stat existing;
            if (lstat(o->final, &existing) == 0)
                continue;
        }
        if (!compose(o->temporary, o->folder, ".", name, ordinal, path ? ".tmp" : ".held.tmp"))
            return ENAMETOOLONG;
        int error = create_exclusively(o->temporary);
        if (error == EEXIST)
            continue;
        if (error == 0) {
            o->ordinal = ordinal;
            if (!path)
                atomic_store(&next_ordinal, ordinal + 1);
        }
        return error;
    }
    return EEXIST;
}

int output_open(const struct output *o)
{
    return open(o->temporary, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
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
