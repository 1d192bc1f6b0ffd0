/* text.h -- builds one line of text in a buffer the caller owns, without stdio, locale or malloc.
 *
 * Safe in a signal handler and in a forked child. What does not fit is dropped (`cut` says so); the text is
 * always terminated.
 */
#ifndef HELDBY_HOOK_TEXT_H
#define HELDBY_HOOK_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    char *start;
    size_t size, length;
    bool cut;
};

struct text text_over(char *buffer, size_t size); /* size >= 1 */
void text_put(struct text *t, const char *s);
void text_bytes(struct text *t, const char *s, size_t length);
void text_u64(struct text *t, uint64_t value, unsigned width); /* decimal, zeros on the left up to width */
void text_i64(struct text *t, int64_t value);
void text_hex(struct text *t, uint64_t value, unsigned width);
void text_errno(struct text *t, int os_errno); /* "No space left on device" */

/* Decimal digits from *at, which is advanced; false if there are none or the number exceeds 2^63. */
bool text_read_u64(const char **at, uint64_t *ret);

#endif
