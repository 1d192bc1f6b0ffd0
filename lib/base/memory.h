/* memory.h -- memory for arrays of hundreds of megabytes that are read at random: huge pages where the system
 * has them.
 *
 * Following references is bound by TLB and cache misses; huge pages remove the first. Small sizes are a plain
 * malloc.
 */
#ifndef HELDBY_MEMORY_H
#define HELDBY_MEMORY_H

#include <stddef.h>

/* `count` items of `size` bytes, not cleared, to be given to free(). NULL: no memory, or the product
   overflows. Pages become resident when first touched, so a generous request costs nothing by itself. */
void *memory_large(size_t count, size_t size);

#endif
