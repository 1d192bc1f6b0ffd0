/* output.h -- where an answer goes and how it looks: standard output or -o FILE, text or JSON, colour or
 * none.
 *
 * A command runs inside output_answer, which opens the destination before any work is done, and at the end
 * flushes it, notices every write error, and gives a file its final name. Rows go through a table, which
 * makes aligned text or JSON from the same calls; what is not a table is written by the command itself, once
 * in each form. Text from a snapshot is cleaned here.
 */
#ifndef HELDBY_OUTPUT_H
#define HELDBY_OUTPUT_H

#include <stdio.h>

#include "cmd/heldby/command.h"
#include "cmd/heldby/json.h"
#include "cmd/heldby/new_file.h"
#include "cmd/heldby/table.h"

enum style { STYLE_PLAIN, STYLE_STRONG, STYLE_DIM, STYLE_TYPE, STYLE_NAME, STYLE_GOOD, STYLE_BAD, STYLES };

struct output {
    FILE *to;
    bool as_json, colored, terminal;
    uint64_t limit; /* rows or children to show; UINT64_MAX for all */
    unsigned width; /* columns of the terminal; 0 when there is none to respect */
    struct json json;
    struct new_file file; /* of -o; `to` is a stream over it */
    bool begun; /* the answer's first byte is decided: from here on "nothing found" and "damaged" are answers
                   too */
    bool no_memory;
};

/* Opens the destination, calls `answer`, closes the destination. When `answer` fails before it has begun, or
   because of the system, a file given by -o is left as it was. */
bool output_answer(const struct invocation *in,
                   bool (*answer)(const struct invocation *in, struct output *out, struct error *err),
                   struct error *err);

/* The control sequence of a style, "" without colour. output_style(out, STYLE_PLAIN) ends any. */
const char *output_style(const struct output *out, enum style style);
/* Cleaned text in a style; `length` SIZE_MAX: terminated. */
void output_text(struct output *out, enum style style, const char *text, size_t length);
/* printf in text form only; for literals and numbers, never for text from a file. */
void output_print(struct output *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A last line that says what to ask next: "heldby path app.held 0x7f00  says why it is alive". The words
   after `says` are those of the command line, ended by NULL; they are quoted for a shell where need be. */
void output_hint(struct output *out, const char *says, ...) __attribute__((sentinel));
/* "… 12 more (--limit 0 shows all)" when `total` is greater than `shown`. */
void output_more(struct output *out, uint64_t shown, uint64_t total);

#endif
