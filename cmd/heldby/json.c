#include "cmd/heldby/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cmd/heldby/text.h"

/* Levels up to this one have each item on a line of its own. */
enum { JSON_LINES_TO = 2 };

static void write_text(FILE *to, const char *text, size_t length)
{
    fputc('"', to);
    for (size_t i = 0; i < length;) {
        unsigned char c = (unsigned char)text[i];
        uint32_t code;
        size_t n = utf8_decode(text + i, length - i, &code);
        if (n == 0) {
            fputs("\xef\xbf\xbd", to);
            i++;
            continue;
        }
        if (c == '"' || c == '\\')
            fprintf(to, "\\%c", c);
        else if (c == '\n')
            fputs("\\n", to);
        else if (c == '\t')
            fputs("\\t", to);
        else if (text_is_printable(code))
            fwrite(text + i, 1, n, to);
        else if (code < 0x10000)
            fprintf(to, "\\u%04x", (unsigned)code);
        else
            fprintf(to, "\\u%04x\\u%04x", (unsigned)(0xd7c0 + (code >> 10)),
                    (unsigned)(0xdc00 + (code & 0x3ff)));
        i += n;
    }
    fputc('"', to);
}

/* Comma, line break and key before a value. */
static void place(struct json *j, const char *key)
{
    unsigned depth = j->depth;
    if (depth == 0)
        return;
    if (j->filled[depth])
        fputc(',', j->to);
    if (depth <= JSON_LINES_TO)
        fprintf(j->to, "\n%*s", (int)depth * 2, "");
    else if (j->filled[depth])
        fputc(' ', j->to);
    j->filled[depth] = true;
    if (key && !j->array[depth]) {
        write_text(j->to, key, strlen(key));
        fputs(": ", j->to);
    }
}

static void open_level(struct json *j, const char *key, bool array)
{
    place(j, key);
    fputc(array ? '[' : '{', j->to);
    j->depth++;
    j->filled[j->depth] = false;
    j->array[j->depth] = array;
}

static void close_level(struct json *j)
{
    unsigned depth = j->depth--;
    if (j->filled[depth] && depth <= JSON_LINES_TO)
        fprintf(j->to, "\n%*s", (int)(depth - 1) * 2, "");
    fputc(j->array[depth] ? ']' : '}', j->to);
    if (depth == 1)
        fputc('\n', j->to);
}

void json_begin_object(struct json *j, const char *key)
{
    open_level(j, key, false);
}

void json_end_object(struct json *j)
{
    close_level(j);
}

void json_begin_array(struct json *j, const char *key)
{
    open_level(j, key, true);
}

void json_end_array(struct json *j)
{
    close_level(j);
}

void json_text_n(struct json *j, const char *key, const char *text, size_t length)
{
    place(j, key);
    write_text(j->to, text, length);
}

void json_text(struct json *j, const char *key, const char *text)
{
    if (text)
        json_text_n(j, key, text, strlen(text));
    else
        json_null(j, key);
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
    place(j, key);
    fprintf(j->to, "%" PRIu64, value);
}

void json_i64(struct json *j, const char *key, int64_t value)
{
    place(j, key);
    fprintf(j->to, "%" PRId64, value);
}

void json_double(struct json *j, const char *key, double value)
{
    place(j, key);
    if (isfinite(value))
        fprintf(j->to, "%.9g", value);
    else
        fputs("null", j->to);
}

void json_bool(struct json *j, const char *key, bool value)
{
    place(j, key);
    fputs(value ? "true" : "false", j->to);
}

void json_null(struct json *j, const char *key)
{
    place(j, key);
    fputs("null", j->to);
}

void json_address(struct json *j, const char *key, uint64_t address)
{
    place(j, key);
    fprintf(j->to, "\"0x%" PRIx64 "\"", address);
}
