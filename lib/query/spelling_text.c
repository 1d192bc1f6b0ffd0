/* repr() of the simple values, as CPython writes it. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/query/spelling.h"

static const char ellipsis[] = "…";

bool spelling_is_identifier(const char *text, size_t length)
{
    if (!length || (text[0] >= '0' && text[0] <= '9'))
        return false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        /* Which letters beyond ASCII Python takes is Unicode's business; all of them are letters here. */
        if (!(c >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
              (c >= 'A' && c <= 'Z')))
            return false;
    }
    return true;
}

/* The bytes of the code point at `text`, and its value; 1 and the byte itself with *bad set if it is not
 * well-formed. */
static size_t decode(const char *text, size_t length, uint32_t *ret, bool *bad)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t size = s[0] < 0x80                   ? 1
                  : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                  : (s[0] & 0xf0) == 0xe0       ? 3
                  : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                : 0;
    *bad = !size || size > length;
    *ret = s[0];
    if (*bad)
        return 1;
    uint32_t value = size == 1 ? s[0] : s[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            *bad = true;
            return 1;
        }
        value = value << 6 | (s[i] & 0x3f);
    }
    *ret = value;
    return size;
}

static bool prefers_double_quotes(const char *text, size_t length)
{
    return memchr(text, '\'', length) && !memchr(text, '"', length);
}

/* Spaces other than ' ', and what is invisible: repr() escapes all that str.isprintable() refuses; these are
 * the common ones. */
static bool is_invisible(uint32_t c)
{
    return (c >= 0x7f && c <= 0xa0) || c == 0xad || c == 0x1680 || (c >= 0x2000 && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000 ||
           (c >= 0xd800 && c <= 0xf8ff) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
           (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe || c >= 0xe0000;
}

static void add_escaped(uint32_t c, struct text_buffer *to)
{
    if (c == '\n')
        text_buffer_add(to, "\\n");
    else if (c == '\r')
        text_buffer_add(to, "\\r");
    else if (c == '\t')
        text_buffer_add(to, "\\t");
    else if (c <= 0xff)
        text_buffer_format(to, "\\x%02x", (unsigned)c);
    else if (c <= 0xffff)
        text_buffer_format(to, "\\u%04x", (unsigned)c);
    else
        text_buffer_format(to, "\\U%08x", (unsigned)c);
}

static void add_quoted(uint32_t c, const char *bytes, size_t size, char quote, struct text_buffer *to)
{
    if (c == (uint32_t)quote || c == '\\') {
        text_buffer_add_n(to, "\\", 1);
        text_buffer_add_n(to, bytes, size);
    } else if (c < 0x20 || is_invisible(c))
        add_escaped(c, to);
    else
        text_buffer_add_n(to, bytes, size);
}

void spelling_str(const char *text, size_t length, size_t most, bool more, struct text_buffer *to)
{
    char quote = prefers_double_quotes(text, length) ? '"' : '\'';
    text_buffer_add_n(to, &quote, 1);
    size_t at = 0;
    for (size_t count = 0; at < length && (!most || count < most); count++) {
        uint32_t c;
        bool bad;
        size_t size = decode(text + at, length - at, &c, &bad);
        if (bad)
            add_escaped(c, to);
        else
            add_quoted(c, text + at, size, quote, to);
        at += size;
    }
    if (at < length || more)
        text_buffer_add(to, ellipsis);
    text_buffer_add_n(to, &quote, 1);
}

void spelling_bytes(const char *text, size_t length, size_t most, bool more, struct text_buffer *to)
{
    char quote = prefers_double_quotes(text, length) ? '"' : '\'';
    size_t shown = most && length > most ? most : length;
    text_buffer_add_n(to, "b", 1);
    text_buffer_add_n(to, &quote, 1);
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x7f)
            add_escaped(c, to);
        else
            add_quoted(c, text + i, 1, quote, to);
    }
    if (shown < length || more)
        text_buffer_add(to, ellipsis);
    text_buffer_add_n(to, &quote, 1);
}

void spelling_float(double value, struct text_buffer *to)
{
    if (isnan(value)) {
        text_buffer_add(to, "nan");
        return;
    }
    if (isinf(value)) {
        text_buffer_add(to, value < 0 ? "-inf" : "inf");
        return;
    }
    /* The fewest digits that read back the same; glibc's conversions are exact. */
    char text[40], digits[24];
    int count = 1;
    for (; count <= 17; count++) {
        snprintf(text, sizeof text, "%.*e", count - 1, value);
        if (strtod(text, NULL) == value)
            break;
    }
    size_t digit_count = 0;
    const char *at = text;
    for (; *at && *at != 'e'; at++)
        if (*at >= '0' && *at <= '9' && digit_count < sizeof digits - 1)
            digits[digit_count++] = *at;
    digits[digit_count] = '\0';
    int exponent = *at ? (int)strtol(at + 1, NULL, 10) : 0;
    if (signbit(value))
        text_buffer_add_n(to, "-", 1);
    int length = (int)digit_count;
    if (exponent < -4 || exponent >= 16) { /* where float.__repr__ changes to an exponent */
        text_buffer_add_n(to, digits, 1);
        if (length > 1)
            text_buffer_format(to, ".%s", digits + 1);
        text_buffer_format(to, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    } else if (exponent < 0) {
        text_buffer_add(to, "0.");
        for (int i = -1; i > exponent; i--)
            text_buffer_add_n(to, "0", 1);
        text_buffer_add(to, digits);
    } else {
        for (int i = 0; i <= exponent; i++)
            text_buffer_add_n(to, i < length ? &digits[i] : "0", 1);
        text_buffer_format(to, ".%s", length > exponent + 1 ? digits + exponent + 1 : "0");
    }
}
