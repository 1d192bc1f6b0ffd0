#include "lib/base/bytes.h"

#include <stdarg.h>
#include <stdio.h>

struct bytes bytes_over(const void *start, size_t size, uint64_t base, const char *name, struct error *err)
{
    const uint8_t *p = start;
    return (struct bytes){
        .start = p, .pos = p, .end = p ? p + size : p, .base = base, .name = name, .err = err};
}

size_t bytes_left(const struct bytes *b)
{
    return (size_t)(b->end - b->pos);
}

uint64_t bytes_offset(const struct bytes *b)
{
    return b->base + (uint64_t)(b->pos - b->start);
}

bool bytes_fail(struct bytes *b, const char *format, ...)
{
    if (b->failed)
        return false;
    b->failed = true;
    char message[sizeof b->err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return error_bad_input(b->err, b->name, bytes_offset(b), "%s", message);
}

const uint8_t *bytes_take(struct bytes *b, uint64_t size, const char *what)
{
    if (b->failed)
        return NULL;
    if (size > bytes_left(b)) {
        bytes_fail(b, "truncated %s: %llu bytes wanted, %zu left", what, (unsigned long long)size,
                   bytes_left(b));
        return NULL;
    }
    const uint8_t *at = b->pos;
    b->pos += size;
    return at;
}

static uint64_t little_endian(struct bytes *b, unsigned size, const char *what)
{
    const uint8_t *at = bytes_take(b, size, what);
    uint64_t value = 0;
    for (unsigned i = 0; at && i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

uint8_t bytes_u8(struct bytes *b, const char *what)
{
    return (uint8_t)little_endian(b, 1, what);
}

uint16_t bytes_u16(struct bytes *b, const char *what)
{
    return (uint16_t)little_endian(b, 2, what);
}

uint32_t bytes_u32(struct bytes *b, const char *what)
{
    return (uint32_t)little_endian(b, 4, what);
}

uint64_t bytes_u64(struct bytes *b, const char *what)
{
    return little_endian(b, 8, what);
}
