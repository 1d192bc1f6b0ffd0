#include <stdlib.h>

#include "lib/query/reference_tree_private.h"

/* Siblings as near the answer as each other: the one with the nearest root beneath it comes first. */
struct sibling {
    uint32_t index, to_root;
    uint64_t count;
    unsigned rank; /* roots, then what is followed, then weak references */
};

static int compare_siblings(const void *a, const void *b)
{
    const struct sibling *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    if (x->to_root != y->to_root)
        return x->to_root < y->to_root ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void sort_children(struct growing *g, uint32_t parent, const uint32_t *to_root, struct sibling *spare)
{
    size_t count = 0;
    bool many = g->item[parent].member_count > 1;
    for (uint32_t at = g->item[parent].first_child; at; at = g->item[at].next) {
        const struct reference_node *n = &g->item[at].node;
        bool root = !many && (!n->object || n->ends);
        spare[count++] = (struct sibling){at, to_root[at], n->count,
                                          reference_kind_is_loose(n->kind) ? 2
                                          : root                           ? 0
                                                                           : 1};
    }
    qsort(spare, count, sizeof *spare, compare_siblings);
    for (size_t i = 0; i < count; i++) {
        uint32_t next = i + 1 < count ? spare[i + 1].index : 0;
        g->item[spare[i].index].next = next;
    }
    g->item[parent].first_child = spare[0].index;
    g->item[parent].last_child = spare[count - 1].index;
}

/* Children stand behind their parents, so one pass backwards sees all of a node's before it. */
static bool nearest_root_first(struct growing *g)
{
    uint32_t *to_root = malloc(g->count * sizeof *to_root);
    struct sibling *spare = malloc(g->count * sizeof *spare);
    bool ok = (to_root && spare) || error_no_memory(g->err);
    for (size_t i = 0; ok && i < g->count; i++)
        to_root[i] = i && (!g->item[i].node.object || g->item[i].node.ends) ? 0 : UINT32_MAX;
    for (size_t i = g->count; ok && i-- > 1;) {
        uint32_t parent = g->item[i].node.parent;
        if (to_root[i] != UINT32_MAX && to_root[i] + 1 < to_root[parent])
            to_root[parent] = to_root[i] + 1;
    }
    for (uint32_t i = 1; ok && i < g->count; i++)
        if (g->item[i].first_child)
            sort_children(g, i, to_root, spare);
    free(to_root);
    free(spare);
    return ok;
}

bool growing_write(struct growing *g)
{
    if (g->options->direction == REFERENCES_IN && !nearest_root_first(g))
        return false;
    struct reference_tree *ret = g->ret;
    uint32_t *place = malloc(g->count * sizeof *place);
    ret->nodes = arena_take(&ret->arena, g->count, sizeof *ret->nodes, g->err);
    if (!place || !ret->nodes) {
        free(place);
        return error_no_memory(g->err);
    }
    place[0] = REFERENCE_NO_PARENT;
    for (uint32_t at = g->item[0].first_child; at;) {
        struct reference_node *out = &ret->nodes[ret->node_count];
        place[at] = (uint32_t)ret->node_count++;
        *out = g->item[at].node;
        out->parent = place[g->item[at].node.parent];
        if (g->item[at].first_child) {
            at = g->item[at].first_child;
            continue;
        }
        while (at && !g->item[at].next)
            at = g->item[at].node.parent;
        at = at ? g->item[at].next : 0;
    }
    free(place);
    return true;
}
