/* type_names.h -- which types a text on the command line means, and what to say when it means none or too
 * many.
 *
 *      myapp.Session   exactly this one         *.Session, myapp.*   all that match
 *      Session         the type of that name, without its module, when there is only one
 */
#ifndef HELDBY_TYPE_NAMES_H
#define HELDBY_TYPE_NAMES_H

#include "lib/base/text_buffer.h"

/* Sets matches[i] for each name that `text` means; names may repeat. False: ERROR_NOT_FOUND (none: the
   nearest ones are said), ERROR_USAGE (a bare name that several types have: all are listed), no memory. */
bool type_names_match(const char *const *names, size_t count, const char *text, bool *matches,
                      struct error *err);

/* Appends the names nearest to `text`, at most a few, as "a, b, c". False: none is near. */
bool type_names_nearest(const char *const *names, size_t count, const char *text, struct text_buffer *to);

bool type_names_is_glob(const char *text);

#endif
