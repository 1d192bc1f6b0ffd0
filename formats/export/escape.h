/* escape.h -- goes through text of unknown origin code point by code point. */
#ifndef HELDBY_ESCAPE_H
#define HELDBY_ESCAPE_H

#include "lib/base/text_buffer.h"

#define ESCAPE_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD in UTF-8 */

/* The code point at a terminated, not empty text and its length in bytes; 0xfffd and 1 for a byte that is not
 * UTF-8. */
size_t escape_next(const char *text, uint32_t *code);

/* True for what XML 1.0 can hold and a reader gets back as it was written. */
bool escape_is_plain(uint32_t code);

/* How many of the first bytes are printable ASCII and none of `special`: they can be copied as they are. */
size_t escape_span(const char *text, const char *special);

/* Appends bytes of text as they are, or U+FFFD for a byte that is not UTF-8. */
void escape_copy(const char *text, size_t bytes, struct text_buffer *to);

#endif
