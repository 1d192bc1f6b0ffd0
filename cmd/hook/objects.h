/* objects.h -- the Python objects that belong to the hook: its module, its functions. Snapshots leave them
 * out.
 *
 * The hook keeps a reference to each, so that an address stands for one object for ever. Changed with the GIL
 * held.
 */
#ifndef HELDBY_HOOK_OBJECTS_H
#define HELDBY_HOOK_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

enum { HOOK_OBJECTS_MAX = 32 };
extern uint64_t hook_objects[HOOK_OBJECTS_MAX];
extern size_t hook_object_count;

void hook_object_add(void *object); /* takes a new reference of its own; NULL and known ones are ignored */

#endif
