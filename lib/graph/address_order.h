/* address_order.h -- the objects of a heap in the order of their addresses; ids are in the order of
 * discovery. */
#ifndef HELDBY_ADDRESS_ORDER_H
#define HELDBY_ADDRESS_ORDER_H

#include "lib/heap/heap.h"

/* An array of object_count ids, ascending by address, equal addresses by id; for free(). NULL: no memory. */
object_id *address_order(const struct heap *heap, struct error *err);

#endif
