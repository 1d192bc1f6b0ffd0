#include "cmd/hook/text.h"

#include <string.h>

struct text text_over(char *buffer, size_t size)
{
    buffer[0] = '\0';
    return (struct text){.start = buffer, .size = size};
}

void text_bytes(struct text *t, const char *s, size_t length)
{
    size_t room = t->size - t->length - 1;
    if (length > room) {
        length = room;
        t->cut = true;
    }
    memcpy(t->start + t->length, s, length);
    t->length += length;
    t->start[t->length] = '\0';
}

void text_put(struct text *t, const char *s)
{
    text_bytes(t, s, strlen(s));
}

static void put_number(struct text *t, uint64_t value, unsigned width, unsigned base)
{
    char digits[64];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0 && at > 0);
    while (sizeof digits - at < width && at > 0)
        digits[--at] = '0';
    text_bytes(t, digits + at, sizeof digits - at);
}

void text_u64(struct text *t, uint64_t value, unsigned width)
{
    put_number(t, value, width, 10);
}

void text_hex(struct text *t, uint64_t value, unsigned width)
{
    put_number(t, value, width, 16);
}

void text_i64(struct text *t, int64_t value)
{
    if (value < 0)
        text_put(t, "-");
    put_number(t, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 0, 10);
}

void text_errno(struct text *t, int os_errno)
{
    const char *description = strerrordesc_np(os_errno); /* strerror may allocate */
    if (description) {
        text_put(t, description);
    } else {
        text_put(t, "error ");
        text_i64(t, os_errno);
    }
}

bool text_read_u64(const char **at, uint64_t *ret)
{
    const char *s = *at;
    uint64_t value = 0;
    if (*s < '0' || *s > '9')
        return false;
    for (; *s >= '0' && *s <= '9'; s++) {
        if (value > (UINT64_C(1) << 63) / 10 - 1)
            return false;
        value = value * 10 + (uint64_t)(*s - '0');
    }
    *at = s;
    *ret = value;
    return true;
}
