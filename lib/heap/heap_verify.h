/* heap_verify.h -- audits a frozen heap: every invariant that its readers rely on, and what merely looks
 * wrong.
 *
 * heap_builder_freeze refuses what would be unsafe; this also tells what is safe but not right (two objects
 * at one address, a key without a value). It changes nothing but the address index, which it builds.
 */
#ifndef HELDBY_HEAP_VERIFY_H
#define HELDBY_HEAP_VERIFY_H

#include "lib/heap/heap.h"

/* `part` names a table or an object ("object 7"), `message` is one line; both borrowed for the call. */
typedef void heap_fault(void *context, const char *part, const char *message);

/* Calls `report` (may be NULL) once per fault and returns their number; UINT64_MAX with *err filled: no
 * memory. */
uint64_t heap_verify(struct heap *heap, heap_fault *report, void *context, struct error *err);

#endif
