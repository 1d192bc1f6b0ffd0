#include "lib/query/unreachable_search.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/query/name_table.h"

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_heads(const void *a, const void *b)
{
    const struct unreachable_head *x = a, *y = b;
    int order = compare(x->why, y->why);
    if (!order)
        order = compare(y->holds.bytes, x->holds.bytes);
    if (!order)
        order = compare(x->address, y->address);
    return order ? order : compare(x->object, y->object);
}

static bool write_chain(struct unreachable_search *m, struct unreachable_group *group, struct error *err)
{
    const struct unreachable_head *head = &m->ret->heads[group->first];
    struct text_buffer text = {0};
    struct cycle cycle;
    size_t count;
    group->chain = "";
    if (head->why != UNREACHABLE_CYCLE && !(head->why == UNREACHABLE_LEAKED && head->component))
        return true;
    if (!cycle_chain_find(&m->reader, &m->search, head->component - 1, &cycle, err))
        return false;
    struct cycle_step *steps = cycle_chain_steps(&m->reader, &cycle, &count, err);
    if (steps)
        cycle_chain_text(&m->reader, steps, count, group->count > 1 ? CYCLE_ALIKE : CYCLE_EXACT, &text);
    group->chain =
        steps && !text.failed ? arena_text(&m->ret->arena, text_buffer_text(&text), text.length, err) : NULL;
    if (!group->chain)
        error_no_memory(err);
    free(steps);
    cycle_free(&cycle);
    text_buffer_free(&text);
    return group->chain != NULL;
}

/* ---- which heads are alike ---- */

static bool name_types(struct unreachable_search *m, struct error *err)
{
    struct name_table names = {0};
    uint32_t count = m->heap->type_count;
    m->named = calloc((size_t)count + 1, sizeof *m->named);
    bool ok = m->named || error_no_memory(err);
    for (type_id t = 1; ok && t <= count; t++) { /* in their order, so that row n is the n-th name */
        size_t length;
        const char *name = heap_string(m->heap, m->heap->types[t].name, &length);
        uint32_t row = name_table_row(&names, name, length, err);
        ok = row != UINT32_MAX;
        m->named[t] = row;
    }
    name_table_free(&names);
    return ok;
}

static size_t slot_of(const struct unreachable_search *m, const struct unreachable_key *key)
{
    uint64_t hash =
        (key->mark[0] ^ key->mark[1] * 0xff51afd7ed558ccdu ^ (uint64_t)key->type << 8 ^ key->why) *
        0x9e3779b97f4a7c15u;
    size_t at = (hash ^ hash >> 29) & m->slot_mask;
    for (; m->slot[at]; at = (at + 1) & m->slot_mask) {
        const struct unreachable_key *other = &m->key[m->slot[at] - 1];
        if (other->mark[0] == key->mark[0] && other->mark[1] == key->mark[1] && other->why == key->why &&
            other->type == key->type)
            break;
    }
    return at;
}

static bool grow_slots(struct unreachable_search *m, struct error *err)
{
    size_t size = m->slot ? (m->slot_mask + 1) * 2 : 256;
    uint32_t *slot = calloc(size, sizeof *slot);
    if (!slot)
        return error_no_memory(err);
    free(m->slot);
    m->slot = slot;
    m->slot_mask = size - 1;
    for (size_t g = 0; g < m->ret->group_count; g++)
        m->slot[slot_of(m, &m->key[g])] = (uint32_t)g + 1;
    return true;
}

bool unreachable_join(struct unreachable_search *m, struct unreachable_head *head, const uint64_t mark[2],
                      struct error *err)
{
    struct unreachable *ret = m->ret;
    if (!m->named && !name_types(m, err))
        return false;
    if ((!m->slot || (ret->group_count + 1) * 2 > m->slot_mask) && !grow_slots(m, err))
        return false;
    struct unreachable_key key = {
        .mark = {mark[0], mark[1]}, .why = head->why, .type = m->named[heap_type_of(m->heap, head->object)]};
    size_t at = slot_of(m, &key);
    if (!m->slot[at]) {
        size_t capacity = m->group_capacity;
        if (!vector_reserve((void **)&m->key, &capacity, ret->group_count + 1, sizeof *m->key, err) ||
            !vector_reserve((void **)&ret->groups, &m->group_capacity, ret->group_count + 1,
                            sizeof *ret->groups, err))
            return false;
        m->key[ret->group_count] = key;
        ret->groups[ret->group_count++] =
            (struct unreachable_group){.why = (enum unreachable_why)head->why,
                                       .noise = (enum noise)head->noise,
                                       .type = heap_type_name(m->heap, head->object),
                                       .chain = "",
                                       .unexplained = head->unexplained};
        m->slot[at] = (uint32_t)ret->group_count;
    }
    head->group = m->slot[at] - 1;
    struct unreachable_group *group = &ret->groups[head->group];
    group->count++;
    if (head->unexplained != group->unexplained)
        group->unexplained = 0;
    return true;
}

/* ---- order ---- */

static void swap_heads(struct unreachable_head *a, struct unreachable_head *b)
{
    struct unreachable_head swap = *a;
    *a = *b;
    *b = swap;
}

/* The first `wanted` heads in order, without sorting the millions behind them. */
static void sort_heads(struct unreachable_head *item, size_t count, size_t wanted)
{
    size_t low = 0, high = count;
    while (high > wanted && high - low > 16) { /* the wanted ones end between low and high */
        struct unreachable_head pivot = item[low + (high - low) / 2];
        size_t i = low, j = high;
        for (;;) {
            while (compare_heads(&item[i], &pivot) < 0)
                i++;
            do
                j--;
            while (compare_heads(&item[j], &pivot) > 0);
            if (i >= j)
                break;
            swap_heads(&item[i++], &item[j]);
        }
        size_t middle = j + 1; /* nothing before it comes after anything behind it */
        if (middle >= high)
            break;
        if (wanted < middle)
            high = middle;
        else
            low = middle;
    }
    if (wanted && high)
        qsort(item, high, sizeof *item, compare_heads);
}

/* Sums, and the head to show of each: the first in order. */
static void sum_groups(struct unreachable *ret)
{
    for (size_t g = 0; g < ret->group_count; g++)
        ret->groups[g].first = SIZE_MAX;
    for (size_t h = 0; h < ret->head_count; h++) {
        const struct unreachable_head *head = &ret->heads[h];
        struct unreachable_group *group = &ret->groups[head->group];
        group->holds.objects += head->holds.objects;
        group->holds.bytes += head->holds.bytes;
        if (group->first == SIZE_MAX || compare_heads(head, &ret->heads[group->first]) < 0)
            group->first = h;
    }
}

static int compare_groups(const void *a, const void *b, void *context)
{
    const struct unreachable_group *x = a, *y = b;
    const struct unreachable_head *heads = context;
    int order = compare(x->why, y->why);
    if (!order)
        order = compare(y->holds.bytes, x->holds.bytes);
    return order ? order : compare_heads(&heads[x->first], &heads[y->first]);
}

bool unreachable_groups(struct unreachable_search *m, uint64_t limit, struct error *err)
{
    struct unreachable *ret = m->ret;
    uint32_t *place = malloc((ret->group_count + 1) * sizeof *place);
    if (!place)
        return error_no_memory(err);
    sort_heads(ret->heads, ret->head_count, limit < ret->head_count ? (size_t)limit : ret->head_count);
    sum_groups(ret);
    if (ret->group_count) /* glibc's: the comparison needs the heads */
        qsort_r(ret->groups, ret->group_count, sizeof *ret->groups, compare_groups, ret->heads);
    for (size_t g = 0; g < ret->group_count; g++)
        place[ret->heads[ret->groups[g].first].group] = (uint32_t)g;
    for (size_t h = 0; h < ret->head_count; h++)
        ret->heads[h].group = place[ret->heads[h].group];
    bool ok = true;
    for (size_t g = 0; ok && g < ret->group_count; g++)
        ok = write_chain(m, &ret->groups[g], err);
    free(place);
    return ok;
}
