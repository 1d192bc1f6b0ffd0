/* referrer_sets.h -- partitions all objects by the set of kinds of things that hold them.
 *
 *      {list}                       only lists hold it
 *      {dict of app.Holder, list}   an attribute of app.Holders, and lists; how many of each does not count
 *
 * Weak references do not hold, and that an object has a type does not make the object hold the type. A root
 * that refers to an object is a kind of its own, <frame>; one that is the object itself counts only where
 * nothing else holds it.
 */
#ifndef HELDBY_REFERRER_SETS_H
#define HELDBY_REFERRER_SETS_H

#include "lib/base/text_buffer.h"
#include "lib/query/referrer_labels.h"

struct referrer_sets {
    uint32_t *of;   /* [object_count + 1]: the set of each object, 0: nothing is known to hold it */
    uint32_t count; /* set ids are below it */
    struct referrer_labels labels;
    uint64_t
        *start; /* [count + 1]: members of set s are member[start[s]] to member[start[s + 1]] (exclusive) */
    uint32_t *member; /* labels, in the order of their texts */
};

/* O(objects + references), 4 bytes per object and 8 per reference of objects with several kinds of holders.
 */
bool referrer_sets_create(struct referrer_sets *ret, struct view *view, enum referrer_naming naming,
                          struct error *err);
void referrer_sets_free(struct referrer_sets *sets);

/* Members joined by ", "; "<nothing>" for set 0. */
void referrer_sets_text(const struct referrer_sets *sets, uint32_t set, struct text_buffer *to);
uint32_t referrer_sets_size(const struct referrer_sets *sets, uint32_t set);
const char *referrer_sets_member(const struct referrer_sets *sets, uint32_t set, uint32_t index);

#endif
