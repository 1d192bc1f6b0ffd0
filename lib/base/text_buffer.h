/* text_buffer.h -- a text that grows as it is written.
 *
 * Always terminated. Running out of memory is sticky: `failed` is set, later writes do nothing, and the text
 * is "" from then on; test it once at the end.
 */
#ifndef HELDBY_TEXT_BUFFER_H
#define HELDBY_TEXT_BUFFER_H

#include "lib/base/error.h"

struct text_buffer {
    char *text; /* never NULL after the first write; use text_buffer_text */
    size_t length, capacity;
    bool failed;
};

void text_buffer_free(struct text_buffer *b);
void text_buffer_clear(struct text_buffer *b);              /* keeps the memory */
void text_buffer_cut(struct text_buffer *b, size_t length); /* shortens to `length` bytes */
void text_buffer_add(struct text_buffer *b, const char *text);
void text_buffer_add_n(struct text_buffer *b, const char *text, size_t length);
void text_buffer_format(struct text_buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *text_buffer_text(const struct text_buffer *b); /* "" when empty or failed */

#endif
