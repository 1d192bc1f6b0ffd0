#include "lib/query/reference_tree.h"

#include <stdlib.h>
#include <string.h>

#include "lib/query/reference_tree_private.h"
#include "lib/query/spelling.h"

/* When there is a limit: what nobody will read is not looked for. */
enum { MOST_LINES = 4096, MOST_NODES = 1 << 20 };

static bool collect(struct growing *g, const object_id *objects, size_t count, struct neighbour **ret,
                    size_t *ret_count)
{
    struct holds holds = {0};
    bool in = g->options->direction == REFERENCES_IN, ok = true;
    if (in)
        ok = holders_of_many(g->view, objects, count, &holds, g->err);
    else
        for (size_t i = 0; ok && i < count; i++)
            ok = referents_of(g->view, objects[i], &holds, g->err) &&
                 referents_add_type(g->view, objects[i], &holds, g->err);
    struct neighbour *item = ok ? malloc((holds.count + 1) * sizeof *item) : NULL;
    if (ok && !item)
        ok = error_no_memory(g->err);
    size_t kept = 0;
    for (size_t i = 0; ok && i < holds.count; i++) {
        object_id other = in ? holds.item[i].holder : holds.item[i].object;
        if (g->options->exclude && object_set_has(g->options->exclude, other))
            continue;
        bool single =
            in && (heap_family(g->heap, other) == FAMILY_MODULE || object_set_has(&g->roots->rooted, other));
        item[kept++] = (struct neighbour){
            .hold = holds.item[i], .other = other, .address = g->heap->address[other], .single = single};
    }
    holds_free(&holds);
    *ret = item;
    *ret_count = kept;
    return ok;
}

static bool is_above(const struct growing *g, uint32_t node, object_id object)
{
    for (uint32_t up = g->item[node].node.parent; up; up = g->item[up].node.parent)
        if (growing_has_member(&g->item[up], object))
            return true;
    return false;
}

/* The members not expanded before; marks the node when there are none. */
static bool take_fresh(struct growing *g, uint32_t index, object_id **fresh, size_t *count)
{
    struct growing_node *node = &g->item[index];
    *count = 0;
    *fresh = malloc((node->member_count + 1) * sizeof **fresh);
    if (!*fresh)
        return error_no_memory(g->err);
    for (size_t i = 0; i < node->member_count; i++)
        if (object_set_enter(&g->expanded, node->member[i]))
            (*fresh)[(*count)++] = node->member[i];
    if (!*count && node->member_count) {
        node->node.cycle = is_above(g, index, node->node.object);
        node->node.repeated = !node->node.cycle;
    }
    return true;
}

static bool goes_deeper(const struct growing *g, const struct growing_node *node)
{
    const struct csr *rows = &g->heap->edges;
    if (g->options->direction == REFERENCES_IN)
        rows = &view_graph(g->view, NULL)->reverse;
    return node->node.object && csr_start(rows, node->node.object) != csr_end(rows, node->node.object);
}

static bool is_deep_enough(const struct growing *g, const struct growing_node *node)
{
    const struct reference_tree_options *options = g->options;
    uint32_t depth = node->node.depth;
    return (options->depth && depth >= options->depth) ||
           (options->limit && (g->lines >= MOST_LINES || g->count >= MOST_NODES)) ||
           (options->enough && !node->on_line && depth >= options->enough_depth &&
            g->lines >= options->enough);
}

/* An only child that is one of many like its parent costs no line of its own: a chain is read at one glance.
 */
static void count_lines(struct growing *g, uint32_t index, size_t before)
{
    const struct growing_node *node = &g->item[index];
    struct growing_node *child = &g->item[before];
    size_t children = g->count - before;
    g->lines += children;
    if (children == 1 && node->node.depth &&
        (node->node.objects > 1 ||
         (child->node.type == node->node.type && !strcmp(child->node.label, node->node.label)))) {
        child->on_line = true;
        g->lines--;
    }
}

static bool is_orphan(const struct growing *g, uint32_t index)
{
    const struct growing_node *node = &g->item[index];
    if (g->options->direction != REFERENCES_IN || node->node.root != PATH_NO_ROOT)
        return false;
    for (size_t i = 0; i < node->member_count; i++)
        if (graph_in_degree(view_graph(g->view, NULL), node->member[i]))
            return false;
    return true;
}

static bool expand(struct growing *g, uint32_t index)
{
    struct growing_node *node = &g->item[index];
    if (!node->node.object || node->node.ends || node->closed)
        return true;
    object_id *fresh;
    size_t fresh_count, count;
    struct neighbour *item = NULL;
    if (!take_fresh(g, index, &fresh, &fresh_count))
        return false;
    bool ok = true;
    if (is_deep_enough(g, node)) {
        node->node.deeper = fresh_count && goes_deeper(g, node);
        g->ret->deeper |= node->node.deeper;
    } else if (fresh_count) {
        size_t before = g->count;
        ok = (g->options->direction == REFERENCES_OUT || growing_add_root_children(g, index)) &&
             collect(g, fresh, fresh_count, &item, &count) && growing_add_children(g, index, item, count);
        if (ok && g->count > before)
            count_lines(g, index, before);
        else if (ok)
            g->item[index].node.orphan = is_orphan(g, index);
    }
    free(item);
    free(fresh);
    return ok;
}

/* Targets of one type make one node, or each its own. */
static bool add_targets(struct growing *g, const object_id *targets, size_t count)
{
    object_id *sorted = malloc((count + 1) * sizeof *sorted);
    bool *taken = calloc(count + 1, sizeof *taken);
    bool ok = (sorted && taken) || error_no_memory(g->err),
         group = g->options->group && g->options->group_targets;
    struct object_set met = {0};
    ok = ok && object_set_create(&met, g->heap, g->err);
    for (size_t i = 0; ok && i < count; i++) {
        if (taken[i] || !object_set_enter(&met, targets[i]))
            continue;
        size_t members = 0;
        for (size_t j = i; j < count && (group || j == i); j++)
            if (!taken[j] && heap_type_of(g->heap, targets[j]) == heap_type_of(g->heap, targets[i])) {
                taken[j] = true;
                sorted[members++] = targets[j];
            }
        struct growing_node *node = growing_add_node(g, 0, members);
        if (!node)
            ok = false;
        else {
            memcpy(node->member, sorted, members * sizeof *sorted);
            growing_settle_members(g, node);
            node->node.count = 0;
            text_buffer_clear(&g->text);
            if (node->node.objects == 1)
                spelling_object(g->view, node->node.object, &g->text);
            else
                text_buffer_add(&g->text, node->node.type);
            node->node.target_root = node->node.ends;
            node->node.ends = false; /* what was asked for is always expanded */
            node->node.label = growing_keep(g);
            ok = node->node.label != NULL;
        }
    }
    object_set_free(&met);
    free(sorted);
    free(taken);
    return ok;
}

bool reference_tree_create(struct reference_tree *ret, struct view *view, const object_id *targets,
                           size_t target_count, const struct reference_tree_options *options,
                           struct error *err)
{
    struct growing g = {.view = view, .heap = view_heap(view), .options = options, .ret = ret, .err = err};
    *ret = (struct reference_tree){0};
    g.roots = view_roots(view, err);
    bool ok = g.roots && (options->direction == REFERENCES_OUT || view_graph(view, err)) &&
              object_set_create(&g.expanded, g.heap, err) && growing_add_node(&g, 0, 0) &&
              add_targets(&g, targets, target_count);
    for (uint32_t i = 1; ok && i < g.count; i++)
        ok = expand(&g, i);
    ok = ok && growing_write(&g);
    free(g.item);
    object_set_free(&g.expanded);
    arena_free(&g.scratch);
    text_buffer_free(&g.text);
    if (!ok)
        reference_tree_free(ret);
    return ok;
}

void reference_tree_free(struct reference_tree *tree)
{
    arena_free(&tree->arena);
    *tree = (struct reference_tree){0};
}
