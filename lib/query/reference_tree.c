#include "lib/query/reference_tree.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/query/alike.h"
#include "lib/query/raw.h"
#include "lib/query/spelling.h"

enum { MOST_NODES = 4096 }; /* when there is a limit: what nobody will read is not looked for */

struct growing_node {
    struct reference_node node;
    object_id *member; /* ascending, in the arena of `scratch` */
    size_t member_count;
    uint32_t first_child, last_child, next; /* 0: none; node 0 is a sentinel above the targets */
    bool closed;                            /* not expanded: weak, or its type */
};

struct growing {
    struct view *view;
    const struct heap *heap;
    const struct roots *roots;
    const struct reference_tree_options *options;
    struct reference_tree *ret;
    struct growing_node *item;
    size_t count, capacity;
    struct object_set expanded;
    struct arena scratch;
    struct text_buffer text;
    struct error *err;
};

static const char *keep(struct growing *g)
{
    if (g->text.failed) {
        error_no_memory(g->err);
        return NULL;
    }
    return arena_text(&g->ret->arena, text_buffer_text(&g->text), g->text.length, g->err);
}

static int by_id(const void *a, const void *b)
{
    object_id x = *(const object_id *)a, y = *(const object_id *)b;
    return (x > y) - (x < y);
}

static uint32_t best_root(const struct growing *g, object_id object)
{
    uint32_t first, end;
    if (!object || !object_set_has(&g->roots->rooted, object) || !roots_of(g->roots, object, &first, &end))
        return PATH_NO_ROOT;
    return g->roots->order[first];
}

/* A root that is the object itself: what holds it further is not why it lives. */
static bool is_root_itself(const struct growing *g, object_id object)
{
    uint32_t first, end;
    if (!object_set_has(&g->roots->rooted, object) || !roots_of(g->roots, object, &first, &end))
        return false;
    for (; first < end; first++)
        if (root_is_target(&g->heap->roots[g->roots->order[first]]))
            return true;
    return false;
}

static bool has_member(const struct growing_node *node, object_id object)
{
    return bsearch(&object, node->member, node->member_count, sizeof object, by_id) != NULL;
}

static struct growing_node *add_node(struct growing *g, uint32_t parent, size_t members)
{
    if (!vector_reserve((void **)&g->item, &g->capacity, g->count + 1, sizeof *g->item, g->err))
        return NULL;
    struct growing_node *node = &g->item[g->count];
    *node = (struct growing_node){.member_count = members};
    node->node.root = PATH_NO_ROOT;
    node->node.parent = parent;
    node->node.type = node->node.kind_name = node->node.name = node->node.text = node->node.label = "";
    node->member = arena_take(&g->scratch, members ? members : 1, sizeof *node->member, g->err);
    if (!node->member)
        return NULL;
    struct growing_node *above = &g->item[parent];
    if (g->count) {
        node->node.depth = parent ? above->node.depth + 1 : 0;
        if (above->last_child)
            g->item[above->last_child].next = (uint32_t)g->count;
        else
            above->first_child = (uint32_t)g->count;
        above->last_child = (uint32_t)g->count;
    }
    g->count++;
    return node;
}

/* Sorts the members and takes repeated ones out; the representative is the one with the lowest address. */
static void settle_members(struct growing *g, struct growing_node *node)
{
    if (node->member_count > 1)
        qsort(node->member, node->member_count, sizeof *node->member, by_id);
    size_t distinct = 0;
    object_id lowest = node->member[0];
    for (size_t i = 0; i < node->member_count; i++) {
        if (i && node->member[i] == node->member[distinct - 1])
            continue;
        node->member[distinct++] = node->member[i];
        if (g->heap->address[node->member[i]] < g->heap->address[lowest])
            lowest = node->member[i];
    }
    node->member_count = distinct;
    node->node.objects = distinct;
    node->node.object = lowest;
    node->node.type = heap_type_name(g->heap, lowest);
    node->node.root = best_root(g, lowest);
    node->node.ends = g->options->direction == REFERENCES_IN && distinct == 1 && is_root_itself(g, lowest);
}

/* Holder and step: app.Holder.attr, dict['k7'], app._FAN. Or step and object: ['k7'] app.Session. */
static bool label_neighbour(struct growing *g, struct growing_node *node, const struct hold *hold,
                            bool differ)
{
    struct reference_node *out = &node->node;
    out->kind = hold->kind;
    out->kind_name = spelling_kind(hold->kind);
    out->uncertain = hold->certainty != CERTAINTY_EXACT;
    text_buffer_clear(&g->text);
    if (differ)
        text_buffer_add(&g->text, "*");
    else
        spelling_name(g->view, hold, &g->text);
    out->name = keep(g);
    text_buffer_clear(&g->text);
    if (differ)
        spelling_pattern(g->view, hold, &g->text);
    else
        spelling_step(g->view, hold, &g->text);
    out->text = keep(g);
    if (!out->name || !out->text)
        return false;
    text_buffer_clear(&g->text);
    enum family family = heap_family(g->heap, out->object);
    if (g->options->direction == REFERENCES_IN) {
        bool named = family == FAMILY_MODULE || family == FAMILY_TYPE || family == FAMILY_FUNCTION;
        if (named && out->objects == 1)
            spelling_object(g->view, out->object, &g->text);
        else
            text_buffer_add(&g->text, out->type);
        text_buffer_add(&g->text, out->text);
    } else {
        text_buffer_add(&g->text, out->text);
        text_buffer_add_n(&g->text, " ", 1);
        size_t before = g->text.length;
        if (out->objects == 1)
            spelling_preview(g->view, out->object, &g->text);
        if (g->text.length == before)
            text_buffer_add(&g->text, out->type);
    }
    out->label = keep(g);
    return out->label != NULL;
}

/* Nearest the answer first: modules and other roots, then the larger group; weak references last. */
struct order {
    const struct alike *group;
    const struct neighbour *first;
    const char *type;
};

static int compare_order(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    bool x_weak = x->first->hold.kind == REFERENCE_WEAK, y_weak = y->first->hold.kind == REFERENCE_WEAK;
    if (x_weak != y_weak)
        return x_weak ? 1 : -1;
    if (x->first->single != y->first->single)
        return x->first->single ? -1 : 1;
    if (x->group->count != y->group->count)
        return x->group->count > y->group->count ? -1 : 1;
    int order = strcmp(x->type, y->type);
    if (!order && x->first->address != y->first->address)
        order = x->first->address < y->first->address ? -1 : 1;
    return order ? order : (x->group > y->group) - (x->group < y->group);
}

/* Referents keep the order in which the object holds them, when they are single. */
static int compare_held(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->group->count != y->group->count)
        return x->group->count > y->group->count ? -1 : 1;
    if (x->first->hold.holder != y->first->hold.holder)
        return x->first->hold.holder < y->first->hold.holder ? -1 : 1;
    if (x->first->hold.kind != y->first->hold.kind)
        return x->first->hold.kind < y->first->hold.kind ? -1 : 1;
    if (x->first->hold.number != y->first->hold.number)
        return x->first->hold.number < y->first->hold.number ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static bool add_child(struct growing *g, uint32_t parent, const struct neighbour *item,
                      const struct alike *group)
{
    struct growing_node *node = add_node(g, parent, group->count);
    if (!node)
        return false;
    for (size_t i = 0; i < group->count; i++)
        node->member[i] = item[group->first + i].other;
    node->node.count = group->count;
    settle_members(g, node);
    node->closed = (item[group->first].hold.kind == REFERENCE_WEAK && !g->options->weak) ||
                   item[group->first].hold.kind == REFERENCE_TYPE;
    return label_neighbour(g, node, &item[group->first].hold, group->differ);
}

static bool add_children(struct growing *g, uint32_t parent, struct neighbour *item, size_t count)
{
    struct alike *groups;
    size_t group_count;
    if (!alike_find(g->heap, item, count, g->options->group, &groups, &group_count, g->err))
        return false;
    struct order *order = malloc((group_count + 1) * sizeof *order);
    bool ok = order || error_no_memory(g->err);
    for (size_t i = 0; ok && i < group_count; i++)
        order[i] = (struct order){&groups[i], &item[groups[i].first],
                                  heap_type_name(g->heap, item[groups[i].first].other)};
    if (ok)
        qsort(order, group_count, sizeof *order,
              g->options->direction == REFERENCES_IN ? compare_order : compare_held);
    size_t shown =
        g->options->limit && g->options->limit < group_count ? (size_t)g->options->limit : group_count;
    for (size_t i = 0; ok && i < group_count; i++) {
        if (i < shown)
            ok = add_child(g, parent, item, order[i].group);
        else {
            g->item[parent].node.hidden_nodes++;
            g->item[parent].node.hidden_references += order[i].group->count;
        }
    }
    free(order);
    free(groups);
    return ok;
}

/* Roots that hold a member by name are lines of their own. */
static bool add_root_children(struct growing *g, uint32_t parent)
{
    uint64_t shown = 0;
    for (size_t i = 0; i < g->item[parent].member_count; i++) {
        object_id object = g->item[parent].member[i];
        uint32_t first, end;
        if (!object_set_has(&g->roots->rooted, object) || !roots_of(g->roots, object, &first, &end))
            continue;
        for (; first < end; first++) {
            uint32_t root = g->roots->order[first];
            if (root_is_target(&g->heap->roots[root]))
                continue;
            if (g->options->limit && shown++ >= g->options->limit) {
                g->item[parent].node.hidden_nodes++;
                g->item[parent].node.hidden_references++;
                continue;
            }
            struct growing_node *node = add_node(g, parent, 0);
            if (!node)
                return false;
            struct hold hold = {.kind = g->heap->roots[root].reference,
                                .name = heap_string(g->heap, g->heap->roots[root].name, NULL),
                                .number = g->heap->roots[root].number};
            node->node.root = root;
            node->node.count = 1;
            node->node.ends = true;
            node->node.kind = hold.kind;
            node->node.kind_name = spelling_kind(hold.kind);
            node->node.uncertain = g->heap->roots[root].certainty != CERTAINTY_EXACT;
            text_buffer_clear(&g->text);
            spelling_name(g->view, &hold, &g->text);
            node->node.name = keep(g);
            text_buffer_clear(&g->text);
            spelling_step(g->view, &hold, &g->text);
            node->node.text = keep(g);
            text_buffer_clear(&g->text);
            spelling_root(g->view, root, &g->text);
            node->node.label = keep(g);
            if (!node->node.name || !node->node.text || !node->node.label)
                return false;
        }
    }
    return true;
}

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
        if (has_member(&g->item[up], object))
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
    bool ok = true, cut = (g->options->depth && node->node.depth >= g->options->depth) ||
                          (g->options->limit && g->count >= MOST_NODES);
    if (cut)
        g->ret->deeper |= fresh_count && goes_deeper(g, node);
    else if (fresh_count)
        ok = (g->options->direction == REFERENCES_OUT || add_root_children(g, index)) &&
             collect(g, fresh, fresh_count, &item, &count) && add_children(g, index, item, count);
    free(item);
    free(fresh);
    return ok;
}

/* Targets of one type make one node, or each its own. */
static bool add_targets(struct growing *g, const object_id *targets, size_t count)
{
    object_id *sorted = malloc((count + 1) * sizeof *sorted);
    bool *taken = calloc(count + 1, sizeof *taken);
    bool ok = (sorted && taken) || error_no_memory(g->err);
    for (size_t i = 0; ok && i < count; i++) {
        if (taken[i])
            continue;
        size_t members = 0;
        for (size_t j = i; j < count && (g->options->group || j == i); j++)
            if (!taken[j] && heap_type_of(g->heap, targets[j]) == heap_type_of(g->heap, targets[i])) {
                taken[j] = true;
                sorted[members++] = targets[j];
            }
        struct growing_node *node = add_node(g, 0, members);
        if (!node)
            ok = false;
        else {
            memcpy(node->member, sorted, members * sizeof *sorted);
            settle_members(g, node);
            node->node.count = 0;
            text_buffer_clear(&g->text);
            if (node->node.objects == 1)
                spelling_object(g->view, node->node.object, &g->text);
            else
                text_buffer_add(&g->text, node->node.type);
            node->node.ends = false; /* what was asked for is always expanded */
            node->node.label = keep(g);
            ok = node->node.label != NULL;
        }
    }
    free(sorted);
    free(taken);
    return ok;
}

/* Writes the nodes as a tree's lines, parents renumbered. */
static bool write_nodes(struct growing *g)
{
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

bool reference_tree_create(struct reference_tree *ret, struct view *view, const object_id *targets,
                           size_t target_count, const struct reference_tree_options *options,
                           struct error *err)
{
    struct growing g = {.view = view, .heap = view_heap(view), .options = options, .ret = ret, .err = err};
    *ret = (struct reference_tree){0};
    g.roots = view_roots(view, err);
    bool ok = g.roots && (options->direction == REFERENCES_OUT || view_graph(view, err)) &&
              object_set_create(&g.expanded, g.heap, err) && add_node(&g, 0, 0) &&
              add_targets(&g, targets, target_count);
    for (uint32_t i = 1; ok && i < g.count; i++)
        ok = expand(&g, i);
    ok = ok && write_nodes(&g);
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
