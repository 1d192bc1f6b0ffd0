/* noise_stack.h -- what an expression stack holds, of which only the places are known, not how many are in
 * use. */
#ifndef HELDBY_NOISE_STACK_H
#define HELDBY_NOISE_STACK_H

#include "lib/graph/roots.h"

/* How many uncertain places hold an object as far as can be told: iterators, generators and callables, which
 * are there while they are used; constants and what a thread waits on, as arguments of a call of C. */
uint64_t noise_stack_holds(const struct roots *roots, object_id object);

/* An uncertain place that may hold it: an index into heap->roots, or UINT32_MAX. */
uint32_t noise_stack_place(const struct roots *roots, object_id object);

#endif
