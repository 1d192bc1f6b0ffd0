/* diff_doubt.h -- which of the objects taken for the same in two heaps may be new ones at a used address. */
#ifndef HELDBY_DIFF_DOUBT_H
#define HELDBY_DIFF_DOUBT_H

#include "lib/query/diff_match.h"

/* Fills match->doubtful, which is there and empty, and its count; what speaks against a doubt: diff_match.h.
   O(objects + references); 5 bytes per object and four bits. */
bool diff_doubt_find(struct diff_match *match, const struct heap *old, const struct heap *new,
                     struct error *err);

#endif
