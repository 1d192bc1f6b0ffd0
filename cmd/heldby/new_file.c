#include "cmd/heldby/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char doomed[4096]; /* removed when a signal ends us; "" = none */
static const int ending[] = {SIGINT, SIGTERM, SIGHUP};

static void remove_and_end(int number)
{
    if (doomed[0])
        unlink(doomed);
    signal(number, SIG_DFL);
    raise(number);
}

static void watch(const char *path)
{
    if (strlen(path) >= sizeof doomed)
        return;
    memcpy(doomed, path, strlen(path) + 1);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++) {
        struct sigaction old;
        if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
            sigaction(ending[i], &(struct sigaction){.sa_handler = remove_and_end}, NULL);
    }
}

static bool refuse(const char *name, int error, struct error *err)
{
    return error_system(err, name, error, "cannot write");
}

static bool open_as(struct new_file *file, const char *name, bool private, struct error *err)
{
    *file = (struct new_file){.fd = -1, .name = name};
    struct stat info;
    bool exists = stat(name, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return refuse(name, EISDIR, err);
    if (exists && !S_ISREG(info.st_mode)) {
        file->fd = open(name, O_WRONLY | O_CLOEXEC);
        return file->fd >= 0 || refuse(name, errno, err);
    }
    file->path = exists ? realpath(name, NULL) : strdup(name);
    size_t size = file->path ? strlen(file->path) + 8 : 0;
    file->temporary = size ? malloc(size) : NULL;
    if (!file->temporary) {
        free(file->path);
        *file = (struct new_file){.fd = -1};
        return error_no_memory(err);
    }
    snprintf(file->temporary, size, "%s.XXXXXX", file->path);
    file->fd = mkostemp(file->temporary, O_CLOEXEC);
    int failure = errno;
    if (file->fd < 0) {
        free(file->temporary);
        file->temporary = NULL;
    } else {
        watch(file->temporary);
        mode_t mask = umask(0);
        umask(mask);
        mode_t mode = exists ? info.st_mode & 0777 : private ? 0600 : 0666 & ~mask;
        if (fchmod(file->fd, mode) == 0)
            return true;
        failure = errno;
    }
    new_file_drop(file);
    return refuse(name, failure, err);
}

bool new_file_open(struct new_file *file, const char *name, struct error *err)
{
    return open_as(file, name, false, err);
}

bool new_file_open_private(struct new_file *file, const char *name, struct error *err)
{
    return open_as(file, name, true, err);
}

static void forget(struct new_file *file)
{
    doomed[0] = 0;
    free(file->path);
    free(file->temporary);
    *file = (struct new_file){.fd = -1};
}

void new_file_drop(struct new_file *file)
{
    if (file->temporary)
        unlink(file->temporary);
    if (file->fd > 0) /* 0: nothing was ever opened */
        close(file->fd);
    forget(file);
}

bool new_file_keep(struct new_file *file, struct error *err)
{
    const char *name = file->name;
    int failure = 0;
    if (file->temporary && fsync(file->fd) != 0 && errno != EINVAL && errno != EROFS)
        failure = errno;
    if (close(file->fd) != 0 && !failure)
        failure = errno;
    file->fd = -1;
    if (!failure && file->temporary && rename(file->temporary, file->path) != 0)
        failure = errno;
    if (failure) {
        new_file_drop(file);
        return refuse(name, failure, err);
    }
    forget(file);
    return true;
}
