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
static void sort(struct heap_private *p)
{
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

/* Of several previews of an object the first one stays. */
static void drop_repeated(struct heap_private *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->preview_count; i++)
        if (kept == 0 || p->previews[kept - 1].id != p->previews[i].id)
            p->previews[kept++] = p->previews[i];
    p->preview_count = kept;
}

/* One bit for each object, and the count of bits before each word: a row is found without a search. */
static void index_rows(struct heap *heap)
{
    struct heap_private *p = heap->private;
    size_t words = (size_t)heap->object_count / 64 + 1;
    free(p->preview_bits);
    free(p->preview_rank);
    p->preview_bits = NULL;
    p->preview_rank = NULL;
    if (p->preview_count == 0)
        return;
    p->preview_bits = calloc(words, sizeof *p->preview_bits);
    p->preview_rank = malloc(words * sizeof *p->preview_rank);
    if (!p->preview_bits || !p->preview_rank) { /* it goes without, only slower */
        free(p->preview_bits);
        free(p->preview_rank);
        p->preview_bits = NULL;
        p->preview_rank = NULL;
        return;
    }
    for (size_t i = 0; i < p->preview_count; i++)
        p->preview_bits[p->previews[i].id / 64] |= UINT64_C(1) << p->previews[i].id % 64;
    uint32_t before = 0;
    for (size_t i = 0; i < words; i++) {
        p->preview_rank[i] = before;
        before += (uint32_t)__builtin_popcountll(p->preview_bits[i]);
    }
}

void heap_sort_previews(struct heap *heap)
{
    sort(heap->private);
    drop_repeated(heap->private);
    index_rows(heap);
}

static size_t row_of(const struct heap_private *p, object_id id)
{
    if (p->preview_bits) {
        uint64_t word = p->preview_bits[id / 64], bit = UINT64_C(1) << id % 64;
        return word & bit ? p->preview_rank[id / 64] + (size_t)__builtin_popcountll(word & (bit - 1))
                          : p->preview_count;
    }
    size_t low = 0, high = p->preview_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->previews[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->preview_count && p->previews[low].id == id ? low : p->preview_count;
}

bool heap_check_previews(const struct heap *heap, struct error *err)
{
    const struct heap_private *p = heap->private;
    return p->previews_loaded || !p->source.check_previews || p->source.check_previews(p->source.self, err);
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

bool heap_previews_failed(const struct heap *heap, struct error *err)
{
    if (heap->private->previews_failed && err)
        *err = heap->private->preview_error;
    return heap->private->previews_failed;
}

/* To a reader a heap is the same before and after: only when they are read from the file differs. */
static bool load_late(const struct heap *heap)
{
    struct heap_private *p = heap->private;
    if (!p->previews_failed)
        p->previews_failed = !heap_load_previews((struct heap *)(uintptr_t)heap, &p->preview_error);
    return !p->previews_failed;
}

bool heap_preview(const struct heap *heap, object_id id, struct heap_preview *ret)
{
    const struct heap_private *p = heap->private;
    *ret = (struct heap_preview){.text = ""};
    if (!p->previews_loaded && !load_late(heap))
        return false;
    size_t at = id <= heap->object_count ? row_of(p, id) : p->preview_count;
    if (at == p->preview_count)
        return false;
    const struct preview_row *row = &p->previews[at];
    *ret = (struct heap_preview){
        .kind = (enum preview_kind)(row->kind_and_length >> PREVIEW_LENGTH_BITS),
        .full_length = row->full_length,
        .text = p->preview_text ? p->preview_text + row->start : "",
        .length = row->kind_and_length & ((1u << PREVIEW_LENGTH_BITS) - 1),
    };
    return true;
}
