/* setup.h -- what has to be installed in Python itself, for the triggers that were asked for.
 *
 * HELDBY_AT_EXIT registers a C function with Python's atexit module, as early as can be, so that it runs
 * last; HELDBY_ON_MEMORY_ERROR wraps the allocators (memory_error.h). Both need the GIL and a running
 * interpreter: the main thread does it between two bytecodes. The helper watches for the interpreter's start;
 * on a busy machine a short program may be over before the helper runs at all, so the interpreter's own calls
 * of sigaction while it starts are an occasion, too. Without those settings nothing is done.
 */
#ifndef HELDBY_HOOK_SETUP_H
#define HELDBY_HOOK_SETUP_H

#include <stdint.h>

void setup_step(uint64_t now_ns);        /* by the helper */
uint64_t setup_next_ns(uint64_t now_ns); /* when to call setup_step next; 0 = never */
void setup_at_sigaction(void);           /* the program calls sigaction */
void setup_now(void);                    /* with the GIL held */

#endif
