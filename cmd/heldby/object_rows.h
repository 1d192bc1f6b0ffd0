/* object_rows.h -- the table of objects that find, and diff --objects, print. */
#ifndef HELDBY_OBJECT_ROWS_H
#define HELDBY_OBJECT_ROWS_H

#include "cmd/heldby/output.h"
#include "lib/query/rows.h"

void object_rows_print(struct output *out, const char *key, const struct object_row *rows, size_t count);
/* The same keys of one object, in an object the caller has opened. */
void object_row_json(struct json *json, const struct object_row *row);

/* The JSON of a root: {"kind": ..., "name": ..., "address": ...} and what belongs to its kind; null if there
 * is none. */
void root_json(struct json *json, const char *key, const struct root_row *root);
/* What word of native memory a root is: register, stack, module data, ... */
const char *root_native_words(enum root_kind kind);
/* The same for people: "module app", "frame app.handle, thread worker-1, app.py:41". */
void root_print(struct output *out, const struct root_row *root);

#endif
