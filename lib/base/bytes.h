/* bytes.h -- a bounds-checked little-endian cursor over bytes it does not own.
 *
 * Every byte of an untrusted file passes through one of these. A read advances, or fails: then the cursor
 * stays where it is, `failed` is set, *err is filled once with the name and the file offset (base +
 * position), and every later read returns 0. So a record can be decoded in straight lines and `failed` tested
 * once; loops over counts that come from the file must test it in each round.
 */
#ifndef HELDBY_BYTES_H
#define HELDBY_BYTES_H

#include "lib/base/error.h"

struct bytes {
    const uint8_t *start, *pos, *end;
    uint64_t base;     /* file offset of start */
    const char *name;  /* the file, for errors; borrowed */
    struct error *err; /* borrowed; may be NULL */
    bool failed;
};

struct bytes bytes_over(const void *start, size_t size, uint64_t base, const char *name, struct error *err);
uint8_t bytes_u8(struct bytes *b, const char *what);
uint16_t bytes_u16(struct bytes *b, const char *what);
uint32_t bytes_u32(struct bytes *b, const char *what);
uint64_t bytes_u64(struct bytes *b, const char *what);
/* A pointer to the next `size` bytes, or NULL on failure. */
const uint8_t *bytes_take(struct bytes *b, uint64_t size, const char *what);
size_t bytes_left(const struct bytes *b);
uint64_t bytes_offset(const struct bytes *b); /* file offset of the next byte */
bool bytes_fail(struct bytes *b, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* always false */

#endif
