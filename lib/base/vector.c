#include "lib/base/vector.h"

#include <stdlib.h>

bool vector_reserve(void **items, size_t *capacity, size_t wanted, size_t item_size, struct error *err)
{
    if (wanted <= *capacity)
        return true;
    size_t grown = *capacity < 16 ? 16 : *capacity + *capacity / 2;
    if (grown < wanted)
        grown = wanted;
    size_t bytes;
    if (__builtin_mul_overflow(grown, item_size, &bytes))
        return error_no_memory(err);
    void *moved = realloc(*items, bytes);
    if (!moved)
        return error_no_memory(err);
    *items = moved;
    *capacity = grown;
    return true;
}
