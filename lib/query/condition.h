/* condition.h -- the expressions of --fail-if: comparisons over a row's columns, joined by commas (all must
 * hold).
 *
 * type=myapp.Session,delta_count>0     operators: = != < <= > >= ; text columns know = and != (a glob is
 * fine), and ~ (a POSIX extended regular expression). Numbers may be negative, and end in k, M, G, KiB, MiB,
 * GiB; true and false are 1 and 0.
 */
#ifndef HELDBY_CONDITION_H
#define HELDBY_CONDITION_H

#include "lib/base/error.h"

enum column_kind { COLUMN_NUMBER, COLUMN_TEXT };

struct column_value {
    enum column_kind kind;
    double number;
    const char *text;
};

/* One kind of row: its columns' names, and how to read one. */
struct column_table {
    const char *const *names; /* ends with NULL */
    const enum column_kind *kinds;
    void (*read)(const void *row, size_t column, struct column_value *ret);
};

struct condition;

/* NULL: ERROR_USAGE with the place and, for a column there is not, the ones there are. */
struct condition *condition_create(const char *text, const struct column_table *columns, struct error *err);
void condition_destroy(struct condition *condition);
bool condition_holds(const struct condition *condition, const void *row);

#endif
