/* Previews: rows sorted by object, their text in one piece. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/memory.h"
#include "lib/base/vector.h"
#include "lib/heap/heap_builder.h"
#include "lib/heap/heap_private.h"

void heap_expect_previews(struct heap *heap, uint64_t count)
{
    struct heap_private *p = heap->private;
    if (count > heap->object_count)
        count = heap->object_count;
    if (p->previews || count == 0)
        return;
    p->previews = memory_large(count, sizeof *p->previews);
    p->preview_capacity = p->previews ? count : 0;
}

bool heap_add_preview(struct heap *heap, object_id id, enum preview_kind kind, uint64_t full_length,
                      const void *text, uint32_t length, struct error *err)
{
    struct heap_private *p = heap->private;
    if (kind <= PREVIEW_NONE || kind >= PREVIEW_KINDS || length >> PREVIEW_LENGTH_BITS)
        return error_set(err, ERROR_BAD_INPUT, "preview of object %u has kind %d and %u bytes", id, (int)kind,
                         length);
    if (id == 0 || id > heap->object_count)
        return error_set(err, ERROR_BAD_INPUT, "preview of object %u of %u", id, heap->object_count);
    void *rows = p->previews, *bytes = p->preview_text;
    bool room = vector_reserve(&rows, &p->preview_capacity, p->preview_count + 1, sizeof *p->previews, err) &&
                vector_reserve(&bytes, &p->preview_text_capacity, p->preview_text_size + length, 1, err);
    p->previews = rows;
    p->preview_text = bytes;
    if (!room)
        return false;
    p->previews[p->preview_count++] = (struct preview_row){
        .start = p->preview_text_size,
        .full_length = full_length,
        .id = id,
        .kind_and_length = (uint32_t)kind << PREVIEW_LENGTH_BITS | length,
    };
    if (length)
        memcpy(p->preview_text + p->preview_text_size, text, length);
    p->preview_text_size += length;
    return true;
}

static int by_object(const void *left, const void *right)
{
    const struct preview_row *a = left, *b = right;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return a->start < b->start ? -1 : a->start > b->start; /* the first one written wins */
}

/* Nearly all previews come in the order of their objects; the few that do not are taken out, sorted, and
 * merged in from the end. */
void heap_sort_previews(struct heap *heap)
{
    struct heap_private *p = heap->private;
    struct preview_row *rows = p->previews, *late = NULL;
    size_t count = p->preview_count, late_count = 0, kept = 0;
    object_id last = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].id >= last)
            last = rows[i].id;
        else
            late_count++;
    }
    if (late_count == 0)
        return;
    if (late_count < count / 4)
        late = malloc(late_count * sizeof *late);
    if (!late) {
        qsort(rows, count, sizeof *rows, by_object);
        return;
    }
    late_count = 0;
    last = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].id >= last) {
            last = rows[i].id;
            rows[kept++] = rows[i];
        } else {
            late[late_count++] = rows[i];
        }
    }
    qsort(late, late_count, sizeof *late, by_object);
    while (late_count > 0) {
        if (kept > 0 && by_object(&rows[kept - 1], &late[late_count - 1]) > 0) {
            rows[kept + late_count - 1] = rows[kept - 1];
            kept--;
        } else {
            rows[kept + late_count - 1] = late[late_count - 1];
            late_count--;
        }
    }
    free(late);
}

bool heap_load_previews(struct heap *heap, struct error *err)
{
    struct heap_private *p = heap->private;
    if (p->previews_loaded)
        return true;
    if (p->source.load_previews && !p->source.load_previews(p->source.self, err)) {
        p->preview_count = p->preview_text_size = 0;
        return false;
    }
    heap_sort_previews(heap);
    p->previews_loaded = true;
    return true;
}

bool heap_preview(const struct heap *heap, object_id id, struct heap_preview *ret)
{
    const struct heap_private *p = heap->private;
    *ret = (struct heap_preview){.text = ""};
    if (!p->previews_loaded)
        return false;
    size_t low = 0, high = p->preview_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->previews[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == p->preview_count || p->previews[low].id != id)
        return false;
    const struct preview_row *row = &p->previews[low];
    *ret = (struct heap_preview){
        .kind = (enum preview_kind)(row->kind_and_length >> PREVIEW_LENGTH_BITS),
        .full_length = row->full_length,
        .text = p->preview_text ? p->preview_text + row->start : "",
        .length = row->kind_and_length & ((1u << PREVIEW_LENGTH_BITS) - 1),
    };
    return true;
}
