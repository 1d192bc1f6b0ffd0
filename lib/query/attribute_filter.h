/* attribute_filter.h -- selects objects by what they hold under a name: --attr NAME=VALUE.
 *
 *      user=alice     an attribute, slot, dictionary key, field or suspended local called user refers to an
 *      'user=al*'     object whose text is alice, matches the glob al* (as in a shell),
 *      user!=alice    is another one,
 *      user~^al       has a match of the POSIX extended regular expression,
 *      number>=100    or is a number (int, float, bool) that compares so;
 *      user           there is such an attribute at all
 *
 * An instance's attributes are looked up in its own dict, which is transparent here; a dict's keys are its
 * own. The text of a str, bytes, function or module is compared without quotes, that of others as find prints
 * it (None, True, 12, dict of 3). A str longer than what the snapshot kept is known by its beginning only: =
 * and != never hold for it unless a glob ends in *. Weak references count like others.
 */
#ifndef HELDBY_ATTRIBUTE_FILTER_H
#define HELDBY_ATTRIBUTE_FILTER_H

#include "lib/query/view.h"

struct attribute_filter;

/* ERROR_USAGE: no name, a bad expression, or a text where a number is needed. */
struct attribute_filter *attribute_filter_create(struct view *view, const char *text, struct error *err);
void attribute_filter_destroy(struct attribute_filter *filter); /* NULL is fine */

/* O(references of the object and of its own dict). False with *failed set: no memory. */
bool attribute_filter_matches(struct attribute_filter *filter, object_id object, bool *failed);

#endif
