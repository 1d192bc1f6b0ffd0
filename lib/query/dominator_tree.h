/* dominator_tree.h -- the dominator tree as an answer: what would be freed with what, the largest first.
 *
 * An object's own dict (a module's, a class's, a generator's frame) is part of it, as everywhere: its bytes
 * count for its owner, and what it holds hangs under the owner. In the grouped tree objects of one type that
 * hang under the same group are one row; the figures add up, because what stands side by side in the tree has
 * nothing in common.
 */
#ifndef HELDBY_DOMINATOR_TREE_H
#define HELDBY_DOMINATOR_TREE_H

#include "lib/base/arena.h"
#include "lib/query/view.h"

struct dominator_tree_options {
    object_id object; /* its part of the tree; 0: all that roots reach */
    bool by_type;     /* one row for all of a type, with the same parent row */
    uint32_t depth;   /* levels below the top, 0: all */
    uint64_t limit;   /* children of one row, UINT64_MAX: all */
    double least;     /* below the first level only rows of at least this part of the whole; 0: all */
};

struct dominator_row {
    object_id object; /* of a group the one that retains most */
    uint64_t address;
    const char *type;
    const char *label; /* how the row above holds it: ._CACHE, ['k7']; under the top the root's expression; ""
                          where several ways lead to it. Of groups always "" */
    uint64_t shallow, retained;
    uint64_t count;    /* objects in the row: 1, or those of the group */
    uint64_t held;     /* objects in the subtree, these included */
    uint32_t depth;    /* 0: the object asked for; else 1 and more */
    uint64_t children; /* rows right below it, shown or not */
};

struct dominator_tree {
    struct dominator_row *rows; /* a row before those below it, siblings by retained size descending, then
                                   address or name */
    size_t row_count, capacity;
    uint64_t top;            /* rows at depth 1, shown or not */
    uint64_t objects, bytes; /* that roots reach */
    uint64_t unreached, unreached_bytes;
    struct arena arena;
};

bool dominator_tree_create(struct dominator_tree *ret, struct view *view,
                           const struct dominator_tree_options *options, struct error *err);
void dominator_tree_free(struct dominator_tree *tree);

#endif
