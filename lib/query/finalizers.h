/* finalizers.h -- which types run code when one of their objects dies, and whose code that is.
 *
 * A snapshot says of a type only that it has a finalizer. Whose it is follows from the first __del__ along
 * its
 * __mro__: a function is a program's; a slot wrapper stands for C code (generators, coroutines, files); none
 * at all means the old kind, tp_del, which keeps the collector from freeing a cycle.
 */
#ifndef HELDBY_FINALIZERS_H
#define HELDBY_FINALIZERS_H

#include "lib/query/view.h"

enum finalizer {
    FINALIZER_NONE,
    FINALIZER_BUILTIN, /* in C */
    FINALIZER_DEL,     /* a __del__ written in Python */
    FINALIZER_LEGACY,  /* tp_del */
};

/* Array by type, for free(). A type that is not in the heap as an object counts as FINALIZER_DEL if it has
 * one. NULL: no memory. */
uint8_t *finalizers_of_types(const struct view *view, struct error *err);

#endif
