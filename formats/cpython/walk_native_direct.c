/* The program's threads as the kernel knows them: we are its child, or run inside it. */
#include "formats/cpython/walk.h"

#include <fcntl.h>
#include <unistd.h>

bool walk_native_main(const struct walk *w, uint64_t native)
{
    (void)w;
    return native == (uint64_t)getppid() || native == (uint64_t)getpid();
}

void walk_native_thread(struct walk *w, uint64_t ident, uint32_t id)
{
    (void)w, (void)ident, (void)id;
}

static size_t put_number(char *out, uint64_t value)
{
    char digits[24];
    size_t d = 0, n = 0;
    do {
        digits[d++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (d > 0)
        out[n++] = digits[--d];
    return n;
}

/* The name that the kernel knows a thread by, for threads Python has no name for. */
size_t walk_native_name(const struct walk *w, uint64_t native, char *out, size_t size)
{
    char path[96] = "/proc/";
    size_t n = strlen(path);
    n += put_number(path + n, (uint64_t)(w->request->in_process ? getpid() : getppid()));
    memcpy(path + n, "/task/", 6);
    n += 6;
    n += put_number(path + n, native);
    memcpy(path + n, "/comm", 6);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, out, size);
    if (fd >= 0)
        close(fd);
    while (got > 0 && (out[got - 1] == '\n' || (out[got - 1] & 0x80)))
        got--;
    return got > 0 ? (size_t)got : 0;
}
