#include "lib/query/alike.h"

#include <stdlib.h>
#include <string.h>

#include "lib/query/raw.h"

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

/* What may differ within a group: attributes and variables are different things, keys and indexes often are
 * not. */
static bool may_differ(const struct hold *hold)
{
    switch (hold->kind) {
    case REFERENCE_KEY:
    case REFERENCE_KEY_OBJECT:
    case REFERENCE_INDEX:
    case REFERENCE_STACK:
    case REFERENCE_MEMBER:
        return true;
    case REFERENCE_CACHE:
        return holders_is_cached_value(hold);
    default:
        return false;
    }
}

/* Equal names are the same name, whether or not they are one str object. */
static int compare_names(const struct neighbour *a, const struct neighbour *b)
{
    if (a->name.text && b->name.text) {
        size_t least = a->name.length < b->name.length ? a->name.length : b->name.length;
        int order = memcmp(a->name.text, b->name.text, least);
        return order ? order : compare(a->name.length, b->name.length);
    }
    int order = compare(!a->name.text, !b->name.text);
    if (!order)
        order = compare(a->hold.key, b->hold.key);
    /* Where there is a name, the number is a place in the row. */
    if (!order && !a->hold.key && a->hold.kind != REFERENCE_MEMBER)
        order = compare((uint64_t)a->hold.number, (uint64_t)b->hold.number);
    return order;
}

static void find_name(const struct heap *heap, struct neighbour *item)
{
    item->name = (struct heap_preview){0};
    if (*item->hold.name)
        item->name =
            (struct heap_preview){.text = item->hold.name, .length = (uint32_t)strlen(item->hold.name)};
    else if (!item->hold.key || heap_family(heap, item->hold.key) != FAMILY_STR ||
             !raw_text(heap, item->hold.key, &item->name))
        item->name.text = NULL;
}

static int compare_neighbours(const void *a, const void *b, void *context)
{
    const struct heap *heap = context;
    const struct neighbour *x = a, *y = b;
    int order = compare(x->single, y->single);
    if (!order && x->single)
        order = compare(x->other, y->other);
    if (!order)
        order = compare(heap_type_of(heap, x->other), heap_type_of(heap, y->other));
    if (!order)
        order = compare(x->hold.kind, y->hold.kind);
    if (!order)
        order = compare_names(x, y);
    if (!order)
        order = compare(x->address, y->address);
    if (!order)
        order = compare(x->other, y->other);
    if (!order)
        order = compare((uint64_t)x->hold.number, (uint64_t)y->hold.number);
    return order ? order : compare(x->hold.object ^ x->hold.holder, y->hold.object ^ y->hold.holder);
}

static bool same_sort(const struct heap *heap, const struct neighbour *a, const struct neighbour *b)
{
    return a->single == b->single && (!a->single || a->other == b->other) &&
           heap_type_of(heap, a->other) == heap_type_of(heap, b->other) && a->hold.kind == b->hold.kind;
}

/* Places in a list say little where there are several; of keys a few lines are worth reading. */
static bool too_many_names(const struct neighbour *item, size_t first, size_t end)
{
    enum reference_kind kind = item[first].hold.kind;
    size_t most = kind == REFERENCE_INDEX || kind == REFERENCE_STACK ? 1
                  : may_differ(&item[first].hold)                    ? ALIKE_NAMES
                                                                     : ALIKE_ATTRIBUTES;
    size_t names = 1;
    if (item[first].single && !may_differ(&item[first].hold))
        return false;
    for (size_t i = first + 1; i < end && names <= most; i++)
        names += compare_names(&item[i - 1], &item[i]) != 0;
    return names > most;
}

/* Moves the neighbours of [first, end), all of one type and kind, so that those whose names are shared by few
   stand last, and cuts. */
static void cut_sort(struct neighbour *item, size_t first, size_t end, struct neighbour *spare,
                     struct alike *groups, size_t *count)
{
    size_t kept = first, left = 0;
    if (end - first >= ALIKE_LEAST && too_many_names(item, first, end)) {
        groups[(*count)++] = (struct alike){first, end - first, item[first].hold.kind != REFERENCE_MEMBER};
        return;
    }
    for (size_t run = first, next; run < end; run = next) {
        for (next = run + 1; next < end && !compare_names(&item[run], &item[next]);)
            next++;
        if (next - run >= ALIKE_LEAST || !may_differ(&item[run].hold)) {
            size_t length = next - run;
            memmove(item + kept, item + run, length * sizeof *item);
            if (length >= ALIKE_LEAST)
                groups[(*count)++] = (struct alike){kept, length, false};
            else
                for (size_t i = 0; i < length; i++)
                    groups[(*count)++] = (struct alike){kept + i, 1, false};
            kept += length;
        } else {
            memcpy(spare + left, item + run, (next - run) * sizeof *item);
            left += next - run;
        }
    }
    memcpy(item + kept, spare, left * sizeof *item);
    if (left >= ALIKE_LEAST)
        groups[(*count)++] = (struct alike){kept, left, item[kept].hold.kind != REFERENCE_MEMBER};
    else
        for (size_t i = 0; i < left; i++)
            groups[(*count)++] = (struct alike){kept + i, 1, false};
}

bool alike_find(const struct heap *heap, struct neighbour *item, size_t count, bool group, struct alike **ret,
                size_t *ret_count, struct error *err)
{
    *ret_count = 0;
    *ret = malloc((count + 1) * sizeof **ret);
    struct neighbour *spare = group ? malloc((count + 1) * sizeof *spare) : NULL;
    if (!*ret || (group && !spare)) {
        free(*ret);
        free(spare);
        *ret = NULL;
        return error_no_memory(err);
    }
    for (size_t i = 0; i < count; i++)
        find_name(heap, &item[i]);
    qsort_r(item, count, sizeof *item, compare_neighbours, (void *)(uintptr_t)heap);
    for (size_t first = 0, end; first < count; first = end) {
        end = first + 1;
        if (!group) {
            (*ret)[(*ret_count)++] = (struct alike){first, 1, false};
            continue;
        }
        while (end < count && same_sort(heap, &item[first], &item[end]))
            end++;
        cut_sort(item, first, end, spare, *ret, ret_count);
    }
    free(spare);
    return true;
}
