/* reference_tree_private.h -- a tree of references while it grows; for the files of lib/query that make it
 * up.
 */
#ifndef HELDBY_REFERENCE_TREE_PRIVATE_H
#define HELDBY_REFERENCE_TREE_PRIVATE_H

#include "lib/query/alike.h"
#include "lib/query/reference_tree.h"
#include "lib/base/text_buffer.h"

struct growing_node {
    struct reference_node node;
    object_id *member; /* ascending, in the arena of `scratch` */
    size_t member_count;
    uint32_t first_child, last_child, next; /* 0: none; node 0 is a sentinel above the targets */
    bool closed;                            /* not expanded: weak, or its type */
    bool on_line;                           /* costs no line of its own */
};

struct growing {
    struct view *view;
    const struct heap *heap;
    const struct roots *roots;
    const struct reference_tree_options *options;
    struct reference_tree *ret;
    struct growing_node *item;
    size_t count, capacity;
    uint64_t lines; /* nodes but for those that go on a line of their parent's kind */
    struct object_set expanded;
    struct arena scratch;
    struct text_buffer text;
    struct error *err;
};

/* The text just spelled, kept with the tree. NULL: no memory. */
const char *growing_keep(struct growing *g);
/* A child of `parent` with room for so many members. NULL: no memory. */
struct growing_node *growing_add_node(struct growing *g, uint32_t parent, size_t members);
/* Sorts the members and takes repeated ones out; the representative is the one with the lowest address. */
void growing_settle_members(struct growing *g, struct growing_node *node);
bool growing_has_member(const struct growing_node *node, object_id object);

/* The neighbours become children, alike ones together; roots that hold a member by name, lines of their own.
 */
bool growing_add_children(struct growing *g, uint32_t parent, struct neighbour *item, size_t count);
bool growing_add_root_children(struct growing *g, uint32_t parent);

/* Writes the nodes as a tree's lines, parents renumbered; siblings with the nearest root beneath first. */
bool growing_write(struct growing *g);

#endif
