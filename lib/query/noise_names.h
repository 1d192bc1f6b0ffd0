/* noise_names.h -- strings that C holds because they name something: documentation, attributes. */
#ifndef HELDBY_NOISE_NAMES_H
#define HELDBY_NOISE_NAMES_H

#include "lib/query/view.h"

/* Texts of all names in namespaces; made at the first question. All zero: not made yet. */
struct noise_names {
    const char **text; /* [count], ascending, none twice; borrowed from the arena */
    size_t count;
    struct arena *arena; /* owned */
    bool made;
};

void noise_names_free(struct noise_names *names);

/* True if a class, function or module has it as its __doc__. */
bool noise_names_is_documentation(struct view *view, object_id str);

/* CPython keeps the names it looked up in a cache, by the very str that was used. True for a str that is
 * itself a name in a namespace; with one reference unexplained, also for one that reads like such a name.
 * False also when there is no memory. */
bool noise_names_is_attribute(struct noise_names *names, struct view *view, object_id str,
                              uint64_t unexplained);

#endif
