#include "lib/base/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void fill(struct error *err, enum error_code code, const char *path, uint64_t offset)
{
    err->code = code;
    err->os_errno = 0;
    err->offset = offset;
    snprintf(err->path, sizeof err->path, "%s", path ? path : "");
    err->message[0] = '\0';
}

bool error_set(struct error *err, enum error_code code, const char *format, ...)
{
    if (!err)
        return false;
    fill(err, code, "", ERROR_NO_OFFSET);
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool error_bad_input(struct error *err, const char *path, uint64_t offset, const char *format, ...)
{
    if (!err)
        return false;
    fill(err, ERROR_BAD_INPUT, path, offset);
    va_list args;
    va_start(args, format);
    vsnprintf(err->message, sizeof err->message, format, args);
    va_end(args);
    return false;
}

bool error_system(struct error *err, const char *path, int os_errno, const char *what)
{
    if (!err)
        return false;
    /* The path is part of the sentence, so it is not kept in `path`, where error_text would repeat it. */
    fill(err, ERROR_SYSTEM, "", ERROR_NO_OFFSET);
    err->os_errno = os_errno;
    if (path && *path)
        snprintf(err->message, sizeof err->message, "%s %s: %s", what, path, strerror(os_errno));
    else
        snprintf(err->message, sizeof err->message, "%s: %s", what, strerror(os_errno));
    return false;
}

bool error_no_memory(struct error *err)
{
    return error_set(err, ERROR_SYSTEM, "out of memory");
}

const char *error_text(const struct error *err, char *out, size_t size)
{
    if (size == 0)
        return out;
    if (err->path[0] && err->offset != ERROR_NO_OFFSET)
        snprintf(out, size, "%s: +0x%" PRIx64 ": %s", err->path, err->offset, err->message);
    else if (err->path[0])
        snprintf(out, size, "%s: %s", err->path, err->message);
    else
        snprintf(out, size, "%s", err->message);
    return out;
}
