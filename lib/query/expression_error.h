/* expression_error.h -- what to say when a text names no object: where it went wrong and what is there
 * instead.
 *
 * Each fills *err (may be NULL) and returns false.
 */
#ifndef HELDBY_EXPRESSION_ERROR_H
#define HELDBY_EXPRESSION_ERROR_H

#include "lib/query/view.h"

/* No root begins as the text does. ERROR_NOT_FOUND with the modules nearest to it, and those that have a
   global of its name; ERROR_USAGE if its brackets or quotes are not closed. */
bool expression_error_start(struct view *view, const char *text, struct error *err);

/* The text leads to `object` with its first `at` bytes and no further. ERROR_NOT_FOUND with the step that
   fails and the nearest ones there are; ERROR_USAGE as above. */
bool expression_error_step(struct view *view, object_id object, const char *text, size_t at,
                           struct error *err);

/* No object begins at the address: ERROR_NOT_FOUND with the object it lies in, if any, and the process that
   the snapshot is of. */
bool expression_error_address(struct view *view, uint64_t address, struct error *err);

#endif
