/* expression.h -- finds the object that a command-line argument names.
 *
 * 0x7f12..., the decimal that id() printed, @N, or a path expression as heldby prints it:
 * myapp._CACHE['k7'][50].attr, myapp.main.<locals>.session. A failing expression says which step failed and
 * what is there instead.
 */
#ifndef HELDBY_EXPRESSION_H
#define HELDBY_EXPRESSION_H

#include "lib/query/view.h"

/* 0 with *err: ERROR_NOT_FOUND (no such object, or which step failed), ERROR_USAGE (it means several objects,
 * or nothing). */
object_id expression_find(struct view *view, const char *text, struct error *err);

#endif
