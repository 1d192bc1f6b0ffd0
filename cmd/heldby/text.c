#include "cmd/heldby/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

size_t utf8_decode(const char *text, size_t length, uint32_t *ret)
{
    const unsigned char *s = (const unsigned char *)text;
    if (length == 0)
        return 0;
    if (s[0] < 0x80) {
        *ret = s[0];
        return 1;
    }
    size_t n = s[0] >= 0xf0 && s[0] <= 0xf4  ? 4
               : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
               : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                                             : 0;
    if (n == 0 || n > length)
        return 0;
    uint32_t code = s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    *ret = code;
    return n;
}

bool text_is_printable(uint32_t c)
{
    return !(c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
             (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
             (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff));
}

char *text_clean(const char *text, size_t length, char *out, size_t size)
{
    size_t at = 0;
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t n = utf8_decode(text + i, length - i, &code);
        char spelled[16];
        const char *from = text + i;
        size_t m = n;
        if (n == 0 || !text_is_printable(code)) {
            const char *form = n == 0 || code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x";
            m = (size_t)snprintf(spelled, sizeof spelled, form,
                                 n == 0 ? (unsigned char)text[i] : (unsigned)code);
            if (n == 1 && (code == '\n' || code == '\t' || code == '\r'))
                m = (size_t)snprintf(spelled, sizeof spelled, "\\%c",
                                     code == '\n'   ? 'n'
                                     : code == '\t' ? 't'
                                                    : 'r');
            from = spelled;
            if (n == 0)
                n = 1;
        }
        if (at + m >= size)
            break;
        memcpy(out + at, from, m);
        at += m;
        i += n;
    }
    out[at] = 0;
    return out;
}

static size_t code_width(uint32_t c)
{
    if ((c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x20d0 && c <= 0x20ff) ||
        (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xfe20 && c <= 0xfe2f))
        return 0;
    if ((c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
        (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
        (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1f64f) || (c >= 0x1f900 && c <= 0x1f9ff) ||
        (c >= 0x20000 && c <= 0x3fffd))
        return 2;
    return 1;
}

size_t text_width(const char *text)
{
    size_t length = strlen(text), width = 0;
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t n = utf8_decode(text + i, length - i, &code);
        width += n ? code_width(code) : 1;
        i += n ? n : 1;
    }
    return width;
}

void text_cut(char *text, size_t width)
{
    if (width == 0 || text_width(text) <= width)
        return;
    size_t length = strlen(text), column = 0, i = 0;
    while (i < length) {
        uint32_t code = 0;
        size_t n = utf8_decode(text + i, length - i, &code);
        size_t w = n ? code_width(code) : 1;
        if (column + w > width - 1)
            break;
        column += w;
        i += n ? n : 1;
    }
    strcpy(text + i, "…");
}

char *text_address(uint64_t value, char *out, size_t size)
{
    snprintf(out, size, "0x%" PRIx64, value);
    return out;
}

char *text_count(uint64_t value, char *out, size_t size)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%" PRIu64, value);
    size_t at = 0;
    for (int i = 0; i < n && at + 2 < size; i++) {
        if (i && (n - i) % 3 == 0)
            out[at++] = ' ';
        out[at++] = digits[i];
    }
    out[at] = 0;
    return out;
}

static uint64_t magnitude(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static char *with_sign(int64_t value, char *(*spell)(uint64_t, char *, size_t), char *out, size_t size)
{
    char text[40];
    snprintf(out, size, "%s%s",
             value > 0   ? "+"
             : value < 0 ? "-"
                         : "",
             spell(magnitude(value), text, sizeof text));
    return out;
}

char *text_delta(int64_t value, char *out, size_t size)
{
    return with_sign(value, text_count, out, size);
}

char *text_bytes(uint64_t value, char *out, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double scaled = (double)value;
    size_t unit = 0;
    while (scaled >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
        scaled /= 1024;
        unit++;
    }
    if (unit == 0)
        snprintf(out, size, "%" PRIu64 " B", value);
    else
        snprintf(out, size, "%.1f %s", scaled, units[unit]);
    return out;
}

char *text_delta_bytes(int64_t value, char *out, size_t size)
{
    return with_sign(value, text_bytes, out, size);
}

char *text_seconds(double value, char *out, size_t size)
{
    if (value < 0.0009995)
        snprintf(out, size, "%.0f µs", value * 1e6);
    else if (value < 0.9995)
        snprintf(out, size, "%.1f ms", value * 1e3);
    else
        snprintf(out, size, "%.2f s", value);
    return out;
}

char *text_span(uint64_t seconds, char *out, size_t size)
{
    if (seconds >= 86400)
        snprintf(out, size, "%" PRIu64 " d %" PRIu64 " h", seconds / 86400, seconds % 86400 / 3600);
    else if (seconds >= 3600)
        snprintf(out, size, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600, seconds % 3600 / 60);
    else if (seconds >= 60)
        snprintf(out, size, "%" PRIu64 " min %" PRIu64 " s", seconds / 60, seconds % 60);
    else
        snprintf(out, size, "%" PRIu64 " s", seconds);
    return out;
}

char *text_time(double value, bool local, char *out, size_t size)
{
    char date[40], zone[8];
    if (!isfinite(value) || value < 0 || value > 253402300799.0) {
        snprintf(out, size, "unknown");
        return out;
    }
    time_t seconds = (time_t)floor(value);
    struct tm parts;
    if (!(local ? localtime_r(&seconds, &parts) : gmtime_r(&seconds, &parts))) {
        snprintf(out, size, "unknown");
        return out;
    }
    strftime(date, sizeof date, local ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%dT%H:%M:%S", &parts);
    strftime(zone, sizeof zone, "%z", &parts);
    unsigned milliseconds = (unsigned)((value - floor(value)) * 1000);
    if (local)
        snprintf(out, size, "%s %s", date, zone);
    else
        snprintf(out, size, "%s.%03uZ", date, milliseconds);
    return out;
}
