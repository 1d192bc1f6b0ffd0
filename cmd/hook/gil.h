/* gil.h -- takes the GIL for a capture in a thread of its own, so that the wait can be given up.
 *
 * PyGILState_Ensure cannot be called off and, while the interpreter ends, may end the thread that calls it.
 * So a short-lived thread waits, makes the split (capture.h) itself and releases at once. One that was given
 * up keeps waiting, releases the GIL as soon as it gets it and ends; at most GIL_TAKERS of them can hang
 * about.
 */
#ifndef HELDBY_HOOK_GIL_H
#define HELDBY_HOOK_GIL_H

#include <stdint.h>

enum { GIL_TAKERS = 4 };

/* Splits the capture that was begun: with the GIL, or without it after `timeout_ns`. Needs the capture lock;
 * not with the GIL held. */
void gil_split(uint64_t timeout_ns);
void gil_after_fork(void); /* in the child of a fork: none of the threads exists here */

#endif
