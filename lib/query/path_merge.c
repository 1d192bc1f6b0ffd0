#include <stdlib.h>
#include <string.h>

#include "lib/graph/fates.h"
#include "lib/query/path.h"
#include "lib/query/pattern.h"

static int largest_first(const void *a, const void *b)
{
    const struct path_group *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    int order = strcmp(x->expression, y->expression);
    return order ? order
                 : (x->example_address > y->example_address) - (x->example_address < y->example_address);
}

/* The pattern of an object; those that no root reaches but C holds count as one more pattern. */
static uint32_t pattern_of(const struct patterns *patterns, const struct fates *fates, object_id object)
{
    uint32_t pattern = patterns->of[object];
    return pattern == 0 && fates && fate_of(fates, object) == FATE_HELD_FROM_C ? patterns->count : pattern;
}

/* Groups by pattern: slot[pattern] is a row's index + 1. `fates` is NULL if roots reach all objects. */
static bool gather(struct path_groups *ret, struct view *view, const struct patterns *patterns,
                   const struct fates *fates, const object_id *objects, size_t count, uint32_t *slot,
                   struct error *err)
{
    const struct heap *heap = view_heap(view);
    size_t rows = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t pattern = pattern_of(patterns, fates, objects[i]);
        if (!slot[pattern])
            slot[pattern] = (uint32_t)++rows;
    }
    ret->rows = arena_take(&ret->arena, rows ? rows : 1, sizeof *ret->rows, err);
    if (!ret->rows)
        return false;
    ret->row_count = rows;
    for (size_t i = 0; i < count; i++) {
        uint32_t pattern = pattern_of(patterns, fates, objects[i]);
        struct path_group *row = &ret->rows[slot[pattern] - 1];
        uint64_t address = heap->address[objects[i]], size = view_size(view, objects[i]);
        if (!row->count || address < row->example_address) {
            row->example = objects[i];
            row->example_address = address;
        }
        row->count++;
        row->shallow += size;
        row->reachable = pattern != 0 && pattern != patterns->count;
        ret->objects++;
        ret->bytes += size;
    }
    return true;
}

static bool group(struct path_groups *ret, struct view *view, const struct patterns *patterns,
                  const object_id *objects, size_t count, uint32_t *slot, struct error *err)
{
    bool unreached = false;
    for (size_t i = 0; i < count && !unreached; i++)
        unreached = patterns->of[objects[i]] == 0;
    struct fates fates;
    if (unreached && !fates_find(view_heap(view), &fates, err))
        return false;
    bool ok = gather(ret, view, patterns, unreached ? &fates : NULL, objects, count, slot, err);
    if (unreached)
        fates_free(&fates);
    return ok;
}

bool path_merge(struct path_groups *ret, struct view *view, const object_id *objects, size_t count,
                const struct exclusion *avoid, struct error *err)
{
    struct patterns patterns;
    *ret = (struct path_groups){0};
    if (!view_details(view, err) || !patterns_create(&patterns, view, avoid, err))
        return false;
    uint32_t *slot = calloc((size_t)patterns.count + 1, sizeof *slot);
    bool ok = slot ? group(ret, view, &patterns, objects, count, slot, err) : error_no_memory(err);
    struct text_buffer text = {0};
    for (uint32_t pattern = 0; ok && pattern <= patterns.count; pattern++) {
        if (!slot[pattern])
            continue;
        text_buffer_clear(&text);
        if (pattern == patterns.count)
            text_buffer_add(&text, "<held from C>");
        else
            patterns_text(&patterns, pattern, &text);
        const char *kept =
            text.failed ? NULL : arena_text(&ret->arena, text_buffer_text(&text), text.length, err);
        ret->rows[slot[pattern] - 1].expression = kept;
        ok = kept || error_no_memory(err);
    }
    if (ok)
        qsort(ret->rows, ret->row_count, sizeof *ret->rows, largest_first);
    text_buffer_free(&text);
    free(slot);
    patterns_free(&patterns);
    if (!ok)
        path_groups_free(ret);
    return ok;
}

void path_groups_free(struct path_groups *groups)
{
    arena_free(&groups->arena);
    *groups = (struct path_groups){0};
}
