/* path_levels.h -- in a heap with native memory beside a runtime's objects, which chains are tried first.
 *
 * A chain from the runtime's own roots through its own objects comes before one that passes blocks of native
 * memory, and that before one that begins at a word of native memory: what the runtime says is known, words
 * are guesses. So a core and the hook's snapshot of one program give the same path. A heap of one sort has
 * one level.
 */
#ifndef HELDBY_PATH_LEVELS_H
#define HELDBY_PATH_LEVELS_H

#include "lib/graph/paths.h"
#include "lib/query/view.h"

enum path_level {
    PATH_RUNTIME, /* the runtime's roots, no block on the way; the target may be one */
    PATH_BLOCKS,  /* the runtime's roots, through blocks */
    PATH_WORDS,   /* any root */
    PATH_LEVELS
};

/* The first level that says anything for this heap: PATH_RUNTIME if it is mixed, else PATH_WORDS. */
enum path_level path_first_level(const struct view *view);

/* paths_find on one level; the query's own avoid and avoid_roots hold beside. */
bool path_level_find(struct view *view, const struct path_query *query, enum path_level level,
                     struct chain **ret, uint32_t *count, struct error *err);
/* The first of `from` and the levels after it that has chains. */
bool path_levels_find(struct view *view, const struct path_query *query, enum path_level from,
                      struct chain **ret, uint32_t *count, struct error *err);

#endif
