#include "lib/query/info.h"

#include <stdlib.h>
#include <string.h>

#include "lib/graph/fates.h"
#include "lib/graph/reachability.h"
#include "lib/query/spelling.h"

static int largest_first(const void *a, const void *b)
{
    const struct info_family *x = a, *y = b;
    if (x->shallow != y->shallow)
        return x->shallow > y->shallow ? -1 : 1;
    return strcmp(x->name, y->name);
}

static void count_object(struct info *ret, const struct heap *heap, const struct object_set *reached,
                         object_id id)
{
    struct heap_detail detail;
    heap_detail(heap, id, &detail);
    struct info_family *family = &ret->families[heap_family(heap, id)];
    family->count++;
    family->shallow += detail.size;
    ret->shallow += detail.size;
    ret->tracked += (detail.flags & OBJECT_TRACKED) != 0;
    ret->partial += (detail.flags & OBJECT_PARTIAL) != 0;
    ret->immortal += heap_is_immortal(heap, &detail);
    if (!object_set_has(reached, id)) {
        ret->unreachable++;
        ret->unreachable_bytes += detail.size;
    }
}

/* In a heap with native memory as `unreachable` sees it: a word may be a leftover. */
static bool mark_reached(const struct heap *heap, struct object_set *reached, struct error *err)
{
    struct fates fates;
    if (!(heap_contents(heap) & HEAP_HAS_BLOCKS))
        return reachability_mark(heap, true, reached, err);
    if (!fates_find(heap, &fates, err))
        return false;
    *reached = fates.reached;
    fates.reached = (struct object_set){0};
    for (size_t word = 0; word <= reached->limit >> 6; word++)
        reached->bits[word] |= fates.saved.bits[word];
    fates_free(&fates);
    return true;
}

bool info_create(struct info *ret, struct view *view, struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct object_set reached = {0};
    *ret = (struct info){.objects = heap->object_count, .roots = heap->root_count, .types = heap->type_count};
    if (!view_details(view, err) || !mark_reached(heap, &reached, err))
        return false;
    for (uint64_t i = 0; i < heap->edges.item_count; i++)
        ret->edges += heap->edges.item[i] != 0;
    for (unsigned f = 0; f < FAMILIES; f++)
        ret->families[f] = (struct info_family){.family = f, .name = spelling_family(f)};
    for (object_id id = 1; id <= heap->object_count; id++)
        count_object(ret, heap, &reached, id);
    object_set_free(&reached);
    for (unsigned f = 0; f < FAMILIES; f++)
        if (ret->families[f].count)
            ret->families[ret->family_count++] = ret->families[f];
    qsort(ret->families, ret->family_count, sizeof *ret->families, largest_first);
    return true;
}
