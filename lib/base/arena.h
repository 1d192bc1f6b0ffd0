/* arena.h -- memory that is given piece by piece and freed all at once.
 *
 * For answers: their rows and texts live in one arena and go with it. Pieces are zeroed, aligned for any
 * type, and never move; a single piece cannot be freed.
 */
#ifndef HELDBY_ARENA_H
#define HELDBY_ARENA_H

#include "lib/base/error.h"

struct arena {
    struct arena_block *newest; /* all zero: an empty arena */
};

void arena_free(struct arena *arena); /* leaves it empty */

/* Each returns NULL with *err filled when there is no memory. */
void *arena_take(struct arena *arena, size_t count, size_t item_size, struct error *err);
char *arena_text(struct arena *arena, const char *text, size_t length,
                 struct error *err); /* a terminated copy */

#endif
