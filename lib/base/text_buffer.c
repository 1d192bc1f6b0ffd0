#include "lib/base/text_buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(struct text_buffer *b, size_t more)
{
    if (b->failed)
        return false;
    size_t wanted;
    if (__builtin_add_overflow(b->length, more, &wanted) || wanted > SIZE_MAX / 4)
        return b->failed = true, false;
    wanted++;
    if (wanted <= b->capacity)
        return true;
    size_t capacity = b->capacity ? b->capacity * 2 : 64;
    if (capacity < wanted)
        capacity = wanted;
    char *moved = realloc(b->text, capacity);
    if (!moved)
        return b->failed = true, false;
    b->text = moved;
    b->capacity = capacity;
    return true;
}

void text_buffer_free(struct text_buffer *b)
{
    free(b->text);
    *b = (struct text_buffer){0};
}

void text_buffer_clear(struct text_buffer *b)
{
    text_buffer_cut(b, 0);
}

void text_buffer_cut(struct text_buffer *b, size_t length)
{
    if (length < b->length) {
        b->length = length;
        b->text[length] = '\0';
    }
}

void text_buffer_add(struct text_buffer *b, const char *text)
{
    text_buffer_add_n(b, text, strlen(text));
}

void text_buffer_add_n(struct text_buffer *b, const char *text, size_t length)
{
    if (!reserve(b, length))
        return;
    if (length)
        memcpy(b->text + b->length, text, length);
    b->length += length;
    b->text[b->length] = '\0';
}

/* Into the room there is; once more, if that was too little. */
void text_buffer_format(struct text_buffer *b, const char *format, ...)
{
    va_list args, again;
    if (!reserve(b, 0))
        return;
    va_start(args, format);
    va_copy(again, args);
    size_t room = b->capacity - b->length;
    int length = vsnprintf(b->text + b->length, room, format, args);
    va_end(args);
    if (length < 0)
        b->failed = true;
    else if ((size_t)length < room)
        b->length += (size_t)length;
    else if (reserve(b, (size_t)length)) {
        vsnprintf(b->text + b->length, (size_t)length + 1, format, again);
        b->length += (size_t)length;
    }
    va_end(again);
}

const char *text_buffer_text(const struct text_buffer *b)
{
    return b->text && !b->failed ? b->text : "";
}
