#include "lib/base/file_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_view_open(struct file_view *file, const char *path, struct error *err)
{
    *file = (struct file_view){.fd = -1};
    int fd = open(path,
                  O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe must not hang us before it is refused */
    if (fd < 0)
        return error_system(err, path, errno, "cannot open");
    return file_view_take(file, fd, path, err);
}

bool file_view_take(struct file_view *file, int fd, const char *path, struct error *err)
{
    *file = (struct file_view){.fd = -1};
    struct stat status;
    int os_errno = 0;
    if (fstat(fd, &status) < 0)
        os_errno = errno;
    else if (S_ISDIR(status.st_mode))
        os_errno = EISDIR;
    else if (!S_ISREG(status.st_mode))
        os_errno = ESPIPE;
    if (os_errno) {
        close(fd);
        return error_system(err, path, os_errno, "cannot read");
    }
    char *copy = strdup(path);
    if (!copy) {
        close(fd);
        return error_no_memory(err);
    }
    *file = (struct file_view){.fd = fd, .size = (uint64_t)status.st_size, .path = copy};
    return true;
}

void file_view_close(struct file_view *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->path);
    *file = (struct file_view){.fd = -1};
}

bool file_view_read(const struct file_view *file, uint64_t offset, void *to, size_t size, struct error *err)
{
    if (offset > file->size || size > file->size - offset)
        return error_bad_input(err, file->path, offset, "%zu bytes wanted, the file ends at 0x%llx", size,
                               (unsigned long long)file->size);
    uint8_t *at = to;
    while (size > 0) {
        ssize_t n = pread(file->fd, at, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_system(err, file->path, errno, "cannot read");
        if (n == 0)
            return error_bad_input(err, file->path, offset, "the file shrank while it was read");
        at += n;
        offset += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}
