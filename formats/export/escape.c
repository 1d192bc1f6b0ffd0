#include "formats/export/escape.h"

size_t escape_next(const char *text, uint32_t *code)
{
    const unsigned char *s = (const unsigned char *)text;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80   ? 1
                    : s[0] < 0xc2 ? 0
                    : s[0] < 0xe0 ? 2
                    : s[0] < 0xf0 ? 3
                    : s[0] < 0xf5 ? 4
                                  : 0;
    uint32_t value = length == 1 ? s[0] : length ? s[0] & (0xffu >> (length + 1)) : 0;
    for (size_t i = 1; i < length; i++) { /* the terminator is no continuation byte */
        if ((s[i] & 0xc0) != 0x80) {
            length = 0;
            break;
        }
        value = value << 6 | (s[i] & 0x3fu);
    }
    if (length > 1 && (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)))
        length = 0;
    *code = length ? value : 0xfffd;
    return length ? length : 1;
}

bool escape_is_plain(uint32_t code)
{
    return code >= 0x20 && !(code >= 0x7f && code < 0xa0) && code != 0xfffe && code != 0xffff;
}

size_t escape_span(const char *text, const char *special)
{
    size_t length = 0;
    for (; text[length] >= 0x20 && text[length] < 0x7f; length++)
        for (const char *c = special; *c; c++)
            if (text[length] == *c)
                return length;
    return length;
}

void escape_copy(const char *text, size_t bytes, struct text_buffer *to)
{
    if (bytes == 1 && (unsigned char)*text >= 0x80)
        text_buffer_add(to, ESCAPE_REPLACEMENT);
    else
        text_buffer_add_n(to, text, bytes);
}
