/* stack_overflow.h -- did the process die because a stack was full? */
#ifndef HELDBY_EXTRACT_STACK_OVERFLOW_H
#define HELDBY_EXTRACT_STACK_OVERFLOW_H

#include "formats/memory/process_image.h"

/* A memory fault of the thread that died, next to its stack pointer, where the process had no memory of its
 * own to use: behind the lowest page of the stack, or in the guard below it. */
bool is_stack_overflow(const struct process_image *image);

#endif
