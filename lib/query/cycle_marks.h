/* cycle_marks.h -- what the collector would make of a cycle: whose code runs, and whether it can free it at
 * all.
 */
#ifndef HELDBY_CYCLE_MARKS_H
#define HELDBY_CYCLE_MARKS_H

#include "lib/query/finalizers.h"

struct cycle_marks {
    type_id finalizer; /* 0, or a type of one of the objects with a __del__ in Python (or a tp_del) */
    type_id unseen;    /* 0, or a type of one of them that the collector does not know: it never finds the
                          cycle */
    bool legacy;       /* one has a tp_del: the collector puts the cycle into gc.garbage */
    bool builtin_finalizer; /* one has a finalizer in C: a generator, a file */
    bool blocks, objects;   /* it has blocks of native memory, objects of the runtime */
    bool frozen;            /* one is out of the collector's sight since gc.freeze() */
};

/* Adds what one object of the cycle says. `finalizers` as finalizers_of_types gives them. */
void cycle_marks_add(struct cycle_marks *marks, const struct heap *heap, const uint8_t *finalizers,
                     object_id id);

/* True if the collector cannot free it, whatever becomes of the program. */
static inline bool cycle_marks_uncollectable(const struct cycle_marks *marks)
{
    return marks->legacy || marks->unseen;
}

#endif
