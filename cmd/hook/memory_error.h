/* memory_error.h -- a snapshot at the moment an allocation of Python fails (HELDBY_ON_MEMORY_ERROR).
 *
 * Wraps the allocators of the domains "mem" and "obj", whose callers hold the GIL, so the fork happens inside
 * the failing call: what filled the memory is still there. At most one a minute. Costs one call per
 * allocation.
 */
#ifndef HELDBY_HOOK_MEMORY_ERROR_H
#define HELDBY_HOOK_MEMORY_ERROR_H

void memory_error_watch(void); /* with the GIL held, once */

#endif
