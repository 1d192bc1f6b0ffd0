/* claims.h -- who owns which addresses: each byte of the process belongs to one owner.
 *
 * Owners are merged in the order of their rank: what a stronger owner has claimed a later one does not get.
 * The allocators come first, so that a stack or an arena made inside a block of malloc stays the block's.
 */
#ifndef HELDBY_CLAIMS_H
#define HELDBY_CLAIMS_H

#include "lib/base/error.h"

enum claim_owner {
    CLAIM_NONE,
    CLAIM_HEAP,       /* chunks of malloc, and the headers of its heaps; `which`: the segment */
    CLAIM_ARENA,      /* pools of Python */
    CLAIM_STACK,      /* of a living thread; `which`: the thread */
    CLAIM_DEAD_STACK, /* kept by the C library for the next thread */
    CLAIM_MODULE,     /* the executable or a library; `which`: the module */
    CLAIM_FILE,       /* another mapped file; `which`: the mapping */
};

struct claim {
    uint64_t start, end; /* end exclusive */
    enum claim_owner owner;
    uint32_t which;
};

struct claims {
    struct claim *items; /* [count], by address, not overlapping */
    size_t count, capacity;
};

void claims_free(struct claims *claims);
/* Adds what of `more` (sorted here; overlaps inside it: the first wins) nobody owns yet. */
bool claims_merge(struct claims *claims, struct claims *more, struct error *err);
bool claims_add(struct claims *claims, uint64_t start, uint64_t end, enum claim_owner owner, uint32_t which,
                struct error *err); /* to a list that is to be merged; empty ranges are dropped */
/* The first claim that ends above an address: it holds the address, or lies behind it. Count: none. */
size_t claims_from(const struct claims *claims, uint64_t address);

#endif
