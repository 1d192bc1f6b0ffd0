/* json.h -- writes one JSON document to a stream, piece by piece, always well-formed UTF-8.
 *
 * A key is given inside an object and NULL inside an array. Text that is not UTF-8 has each bad byte replaced
 * by U+FFFD; what would control a terminal is escaped. The layout is for people too: the first levels one
 * item a line, deeper ones on one line. Write errors are the stream's to remember (ferror).
 */
#ifndef HELDBY_JSON_H
#define HELDBY_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEEPEST = 32 };

struct json {
    FILE *to;
    unsigned depth;
    bool filled[JSON_DEEPEST]; /* something stands at this depth already */
    bool array[JSON_DEEPEST];
};

void json_begin_object(struct json *j, const char *key);
void json_end_object(struct json *j);
void json_begin_array(struct json *j, const char *key);
void json_end_array(struct json *j);

void json_text(struct json *j, const char *key, const char *text); /* NULL writes null */
void json_text_n(struct json *j, const char *key, const char *text, size_t length);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_i64(struct json *j, const char *key, int64_t value);
void json_double(struct json *j, const char *key, double value); /* not finite: null */
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
void json_address(struct json *j, const char *key, uint64_t address); /* "0x7f..." */

#endif
