/* vector.h -- room for one more item in a growable array, for counts that are not known in advance.
 *
 * The array stays a plain pointer with a length beside it; only the capacity is extra. It does not shrink,
 * and frees nothing but what it moves: the owner calls free().
 */
#ifndef HELDBY_VECTOR_H
#define HELDBY_VECTOR_H

#include "lib/base/error.h"

/* Makes `*items` (of `item_size` bytes each, `*capacity` allocated) hold at least `wanted` items. False: no
   memory, and nothing changed. */
bool vector_reserve(void **items, size_t *capacity, size_t wanted, size_t item_size, struct error *err);

#endif
