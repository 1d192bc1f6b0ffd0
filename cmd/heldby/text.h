/* text.h -- how single values look to people: sizes, counts, names from a file that nobody checked.
 *
 * Text that came from a snapshot may hold anything, terminal control codes included. text_clean makes it
 * harmless; nothing from a file is printed without it. Pure functions over caller's buffers; always
 * terminated, cut to fit.
 */
#ifndef HELDBY_TEXT_H
#define HELDBY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes one code point of well-formed UTF-8. Returns its bytes (1 to 4), or 0 if the bytes are not
 * well-formed. */
size_t utf8_decode(const char *text, size_t length, uint32_t *ret);

/* False for controls, and for marks that reorder or hide the text around them. */
bool text_is_printable(uint32_t code);

/* Copies text with control characters, invisible direction marks and bytes that are not UTF-8 spelled as \x1b
 * or \u202e. */
char *text_clean(const char *text, size_t length, char *out, size_t size);

/* Columns of a terminal that clean text takes: wide characters count twice, combining ones not at all. */
size_t text_width(const char *text);

/* Shortens clean text in place to at most `width` columns, with an ellipsis at the end. `text` must have room
 * for two more bytes. */
void text_cut(char *text, size_t width);

char *text_address(uint64_t value, char *out, size_t size);    /* 0x7f00 */
char *text_count(uint64_t value, char *out, size_t size);      /* 1 234 567 */
char *text_delta(int64_t value, char *out, size_t size);       /* +1 234, -5, 0 */
char *text_bytes(uint64_t value, char *out, size_t size);      /* 96 B, 1.2 KiB, 15.0 MiB */
char *text_delta_bytes(int64_t value, char *out, size_t size); /* +1.2 KiB */
char *text_seconds(double value, char *out, size_t size);      /* 14.8 ms, 3.20 s */
char *text_span(uint64_t seconds, char *out, size_t size);     /* 42 s, 3 min 20 s, 2 h 5 min, 3 d 4 h */
char *text_time(double value, bool local, char *out,
                size_t size); /* RFC 3339: UTC with Z, or local time with its offset */

#endif
