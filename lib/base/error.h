/* error.h -- a failure with its place: what went wrong, in which file, at which byte.
 *
 * A plain value that owns nothing: copied, kept on the stack and dropped without a destructor; setting it
 * cannot fail. Fallible functions return bool (true = done) and take `struct error *` last; on false the
 * error is filled in. Wording: lower case, the fault first, no full stop. The library never prints it; main
 * does, once.
 */
#ifndef HELDBY_ERROR_H
#define HELDBY_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The values are the exit statuses of the command line. */
enum error_code {
    ERROR_NONE = 0,
    ERROR_NOT_FOUND = 1, /* what was asked for is not in the input */
    ERROR_USAGE = 2,     /* the request makes no sense */
    ERROR_BAD_INPUT = 3, /* the input is damaged or not ours */
    ERROR_SYSTEM = 4,    /* the system or the target said no; os_errno says why, 0 if unknown */
};

#define ERROR_NO_OFFSET UINT64_MAX

struct error {
    enum error_code code;
    int os_errno;       /* errno of a system call, or 0 */
    uint64_t offset;    /* byte offset in path, or ERROR_NO_OFFSET */
    char path[512];     /* the file, "" if none; cut if longer */
    char message[2048]; /* one line; cut if longer */
};

/* Each fills *err (may be NULL) and returns false, so that a caller can `return error_...(...)`. */
bool error_set(struct error *err, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool error_bad_input(struct error *err, const char *path, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* `what` failed on `path` with errno value `os_errno`: "cannot open app.held: No such file or directory". */
bool error_system(struct error *err, const char *path, int os_errno, const char *what);
bool error_no_memory(struct error *err);

/* Writes "path: +0xoffset: message" into out, always terminated; returns out. */
const char *error_text(const struct error *err, char *out, size_t size);

#endif
