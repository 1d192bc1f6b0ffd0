/* table.h -- rows and columns: aligned text, or an array of JSON objects, from the same calls.
 *
 * Cells are given in the order of the columns; after the last one the row is complete. Widths come from the
 * first TABLE_MEASURED rows, so that a table of millions of rows streams. In text a column whose title is
 * NULL is left out; in JSON one whose key is NULL. CELL_RIGHT is text set to the right.
 */
#ifndef HELDBY_TABLE_H
#define HELDBY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct output;

enum { TABLE_MEASURED = 500, TABLE_COLUMNS = 24 };

enum cell_kind {
    CELL_TEXT,
    CELL_RIGHT,
    CELL_COUNT,
    CELL_BYTES,
    CELL_DELTA,
    CELL_DELTA_BYTES,
    CELL_ADDRESS,
    CELL_BOOL
};

struct column {
    const char *key, *title;
    enum cell_kind kind;
    unsigned style; /* enum style */
};

struct table {
    struct output *out;
    const struct column *columns;
    size_t count, at, rows;
    char **cells; /* [TABLE_MEASURED * count] until the widths are known */
    size_t width[TABLE_COLUMNS];
    bool measured;
};

/* `key` is the JSON array's. At most TABLE_COLUMNS columns, borrowed until table_end. */
void table_begin(struct table *t, struct output *out, const char *key, const struct column *columns,
                 size_t count);
void table_text(struct table *t, const char *text); /* NULL: none */
void table_text_n(struct table *t, const char *text, size_t length);
void table_u64(struct table *t, uint64_t value); /* COUNT, BYTES, ADDRESS */
void table_i64(struct table *t, int64_t value);  /* DELTA, DELTA_BYTES */
void table_bool(struct table *t, bool value);
void table_none(struct table *t); /* null, or an empty place */
void table_end(struct table *t);

#endif
