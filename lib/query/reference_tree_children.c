#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/query/reference_tree_private.h"
#include "lib/query/spelling.h"

const char *growing_keep(struct growing *g)
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
    return view_root_is_stale(g->view, g->roots->order[first]) ? PATH_NO_ROOT : g->roots->order[first];
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

bool growing_has_member(const struct growing_node *node, object_id object)
{
    return bsearch(&object, node->member, node->member_count, sizeof object, by_id) != NULL;
}

struct growing_node *growing_add_node(struct growing *g, uint32_t parent, size_t members)
{
    if (!vector_reserve((void **)&g->item, &g->capacity, g->count + 1, sizeof *g->item, g->err))
        return NULL;
    struct growing_node *node = &g->item[g->count];
    *node = (struct growing_node){.member_count = members};
    node->node.root = PATH_NO_ROOT;
    node->node.parent = parent;
    node->node.type = node->node.kind_name = node->node.name = node->node.text = node->node.label = "";
    node->node.hidden_text = "";
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

void growing_settle_members(struct growing *g, struct growing_node *node)
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

/* A step of many alike references: [*], .*, .<locals>.* */
static void spell_alike(struct growing *g, const struct hold *hold)
{
    switch (hold->kind) {
    case REFERENCE_ATTRIBUTE:
    case REFERENCE_SLOT:
    case REFERENCE_GLOBAL:
    case REFERENCE_CLASS_ATTRIBUTE:
    case REFERENCE_FIELD:
    case REFERENCE_SELF:
    case REFERENCE_FUNCTION:
        text_buffer_add(&g->text, ".*");
        break;
    case REFERENCE_LOCAL:
        text_buffer_add(&g->text, ".<locals>.*");
        break;
    case REFERENCE_CELL:
        text_buffer_add(&g->text, ".<closure>.*");
        break;
    default:
        spelling_pattern(g->view, hold, &g->text);
    }
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
    out->name = growing_keep(g);
    text_buffer_clear(&g->text);
    if (differ)
        spell_alike(g, hold);
    else
        spelling_step(g->view, hold, &g->text);
    out->text = growing_keep(g);
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
        text_buffer_add(&g->text, out->text + (*out->text == ' ')); /* a pointer's begins with one */
        text_buffer_add_n(&g->text, " ", 1);
        size_t before = g->text.length;
        if (out->objects == 1)
            spelling_preview(g->view, out->object, &g->text);
        if (g->text.length == before)
            text_buffer_add(&g->text, out->type);
    }
    out->label = growing_keep(g);
    return out->label != NULL;
}

/* Nearest the answer first: of one object modules and other roots, of many the larger group; weak references
 * last. */
struct order {
    bool many;
    const struct alike *group;
    const struct neighbour *first;
    const char *type;
};

enum { HIDDEN_TYPES = 4 }; /* of what a limit cut off so many types are named */

struct hidden_type {
    const char *type;
    uint64_t references;
};

static int compare_order(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    bool x_weak = reference_kind_is_loose(x->first->hold.kind),
         y_weak = reference_kind_is_loose(y->first->hold.kind);
    if (x_weak != y_weak)
        return x_weak ? 1 : -1;
    if (!x->many && x->first->single != y->first->single)
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
    struct growing_node *node = growing_add_node(g, parent, group->count);
    if (!node)
        return false;
    for (size_t i = 0; i < group->count; i++)
        node->member[i] = item[group->first + i].other;
    node->node.count = group->count;
    growing_settle_members(g, node);
    node->closed = (reference_kind_is_loose(item[group->first].hold.kind) && !g->options->weak) ||
                   item[group->first].hold.kind == REFERENCE_TYPE;
    return label_neighbour(g, node, &item[group->first].hold, group->differ);
}

static int compare_types(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    return strcmp(x->type, y->type);
}

static int compare_totals(const void *a, const void *b)
{
    const struct hidden_type *x = a, *y = b;
    if (x->references != y->references)
        return x->references > y->references ? -1 : 1;
    return strcmp(x->type, y->type);
}

/* What kinds of objects a limit cut off: "242 module, 10 dict, …". */
static bool sum_up_hidden(struct growing *g, uint32_t parent, struct order *order, size_t count)
{
    struct hidden_type *types = malloc((count + 1) * sizeof *types);
    size_t type_count = 0;
    if (!types)
        return error_no_memory(g->err);
    qsort(order, count, sizeof *order, compare_types);
    for (size_t i = 0; i < count; i++) {
        if (!type_count || strcmp(types[type_count - 1].type, order[i].type) != 0)
            types[type_count++] = (struct hidden_type){.type = order[i].type};
        types[type_count - 1].references += order[i].group->count;
    }
    qsort(types, type_count, sizeof *types, compare_totals);
    text_buffer_clear(&g->text);
    for (size_t i = 0; i < type_count && i < HIDDEN_TYPES; i++) {
        text_buffer_add(&g->text, i ? ", " : "");
        if (type_count > 1) {
            spelling_count(types[i].references, &g->text);
            text_buffer_add(&g->text, " ");
        }
        text_buffer_add(&g->text, types[i].type);
    }
    if (type_count > HIDDEN_TYPES)
        text_buffer_add(&g->text, ", …");
    free(types);
    g->item[parent].node.hidden_text = growing_keep(g);
    return g->item[parent].node.hidden_text != NULL;
}

bool growing_add_children(struct growing *g, uint32_t parent, struct neighbour *item, size_t count)
{
    struct alike *groups;
    size_t group_count;
    if (!alike_find(g->heap, item, count, g->options->group, &groups, &group_count, g->err))
        return false;
    struct order *order = malloc((group_count + 1) * sizeof *order);
    bool ok = order || error_no_memory(g->err);
    for (size_t i = 0; ok && i < group_count; i++)
        order[i] = (struct order){g->item[parent].member_count > 1, &groups[i], &item[groups[i].first],
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
    if (ok && shown < group_count)
        ok = sum_up_hidden(g, parent, order + shown, group_count - shown);
    free(order);
    free(groups);
    return ok;
}

bool growing_add_root_children(struct growing *g, uint32_t parent)
{
    uint64_t shown = 0;
    for (size_t i = 0; i < g->item[parent].member_count; i++) {
        object_id object = g->item[parent].member[i];
        uint32_t first, end;
        if (!object_set_has(&g->roots->rooted, object) || !roots_of(g->roots, object, &first, &end))
            continue;
        for (; first < end; first++) {
            uint32_t root = g->roots->order[first];
            if (root_is_target(&g->heap->roots[root]) || view_root_is_stale(g->view, root) ||
                (g->options->exclude_roots && g->options->exclude_roots[root]))
                continue;
            if (g->options->limit && shown++ >= g->options->limit) {
                g->item[parent].node.hidden_nodes++;
                g->item[parent].node.hidden_references++;
                continue;
            }
            struct growing_node *node = growing_add_node(g, parent, 0);
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
            node->node.name = growing_keep(g);
            text_buffer_clear(&g->text);
            spelling_step(g->view, &hold, &g->text);
            node->node.text = growing_keep(g);
            text_buffer_clear(&g->text);
            spelling_root(g->view, root, &g->text);
            node->node.label = growing_keep(g);
            if (!node->node.name || !node->node.text || !node->node.label)
                return false;
        }
    }
    return true;
}
