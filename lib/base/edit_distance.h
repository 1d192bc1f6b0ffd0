/* edit_distance.h -- how far a mistyped word is from another one. */
#ifndef HELDBY_EDIT_DISTANCE_H
#define HELDBY_EDIT_DISTANCE_H

enum { EDIT_LONGEST = 127 }; /* bytes; a longer word is near to none */

/* Letters inserted, left out, changed or swapped with a neighbour (optimal string alignment), bytewise;
   UINT32_MAX when one of the words is too long. */
unsigned edit_distance(const char *a, const char *b);

#endif
