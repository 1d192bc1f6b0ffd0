#include "lib/query/unreachable_search.h"

#include <stdlib.h>
#include <string.h>

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_alike(const void *a, const void *b, void *context)
{
    const struct heap *heap = context;
    const struct unreachable_head *x = a, *y = b;
    int order = compare(x->why, y->why);
    if (!order)
        order = compare(x->mark[0], y->mark[0]);
    if (!order)
        order = compare(x->mark[1], y->mark[1]);
    if (!order)
        order = strcmp(heap_type_name(heap, x->object), heap_type_name(heap, y->object));
    if (!order)
        order = compare(y->holds.bytes, x->holds.bytes);
    return order ? order : compare(x->address, y->address);
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

static int compare_groups(const void *a, const void *b)
{
    const struct unreachable_group *x = a, *y = b;
    int order = compare(x->why, y->why);
    if (!order)
        order = compare(y->holds.bytes, x->holds.bytes);
    return order ? order : compare(x->first, y->first);
}

static bool is_alike(const struct heap *heap, const struct unreachable_head *a,
                     const struct unreachable_head *b)
{
    return a->why == b->why && a->mark[0] == b->mark[0] && a->mark[1] == b->mark[1] &&
           !strcmp(heap_type_name(heap, a->object), heap_type_name(heap, b->object));
}

static bool write_chain(struct unreachable_search *m, struct unreachable_group *group, struct error *err)
{
    const struct unreachable_head *head = &m->ret->heads[group->first];
    struct text_buffer text = {0};
    struct cycle cycle;
    size_t count;
    group->chain = "";
    if (head->why != UNREACHABLE_CYCLE)
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

bool unreachable_groups(struct unreachable_search *m, struct error *err)
{
    struct unreachable *ret = m->ret;
    const struct heap *heap = m->heap;
    size_t *place = malloc((ret->head_count + 1) * sizeof *place);
    ret->groups = arena_take(&ret->arena, ret->head_count + 1, sizeof *ret->groups, err);
    if (!place || !ret->groups) {
        free(place);
        return error_no_memory(err);
    }
    if (ret->head_count) /* glibc's: the comparison needs the heap */
        qsort_r(ret->heads, ret->head_count, sizeof *ret->heads, compare_alike, (void *)(uintptr_t)heap);
    for (size_t h = 0; h < ret->head_count; h++) {
        struct unreachable_head *head = &ret->heads[h];
        if (!h || !is_alike(heap, head - 1, head))
            ret->groups[ret->group_count++] =
                (struct unreachable_group){.why = head->why,
                                           .noise = head->noise,
                                           .type = heap_type_name(heap, head->object),
                                           .unexplained = head->unexplained};
        struct unreachable_group *group = &ret->groups[ret->group_count - 1];
        head->group = ret->group_count - 1;
        group->count++;
        group->holds.objects += head->holds.objects;
        group->holds.bytes += head->holds.bytes;
        if (head->unexplained != group->unexplained)
            group->unexplained = 0;
    }
    if (ret->head_count)
        qsort(ret->heads, ret->head_count, sizeof *ret->heads, compare_heads);
    for (size_t h = ret->head_count; h-- > 0;)
        ret->groups[ret->heads[h].group].first = h;
    if (ret->group_count)
        qsort(ret->groups, ret->group_count, sizeof *ret->groups, compare_groups);
    bool ok = true;
    for (size_t g = 0; g < ret->group_count; g++)
        place[ret->heads[ret->groups[g].first].group] = g;
    for (size_t h = 0; h < ret->head_count; h++)
        ret->heads[h].group = place[ret->heads[h].group];
    for (size_t g = 0; ok && g < ret->group_count; g++)
        ok = write_chain(m, &ret->groups[g], err);
    free(place);
    return ok;
}
