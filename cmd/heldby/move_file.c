#include "cmd/heldby/move_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* 0 or an errno. */
static int copy_bytes(int from, int to)
{
    static char buffer[1 << 16];
    for (;;) {
        ssize_t got = read(from, buffer, sizeof buffer);
        if (got == 0)
            return fsync(to) == 0 ? 0 : errno;
        if (got < 0)
            return errno;
        for (ssize_t at = 0; at < got;) {
            ssize_t put = write(to, buffer + at, (size_t)(got - at));
            if (put < 0)
                return errno;
            at += put;
        }
    }
}

static int copy_file(const char *from, const char *to)
{
    char temporary[PATH_MAX + 32];
    snprintf(temporary, sizeof temporary, "%s.%d.tmp", to, (int)getpid());
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return errno;
    int out = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error = out < 0 ? errno : 0;
    if (out >= 0) {
        error = copy_bytes(in, out);
        if (close(out) != 0 && !error)
            error = errno;
        if (!error && rename(temporary, to) != 0)
            error = errno;
        if (error)
            unlink(temporary);
    }
    close(in);
    return error;
}

bool move_file(const char *from, const char *to, struct error *err)
{
    if (rename(from, to) == 0)
        return true;
    int error = errno == EXDEV ? copy_file(from, to) : errno;
    if (error)
        return error_set(err, ERROR_SYSTEM, "the snapshot is %s, but cannot be moved to %s: %s", from, to,
                         strerror(error));
    unlink(from);
    return true;
}
