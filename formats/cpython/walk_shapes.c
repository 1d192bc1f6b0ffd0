/* Shapes: which fields an object has, stored once for all objects alike. */
#include "formats/cpython/walk.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t walk_base_size(const struct walk_type *t)
{
    return (uint64_t)t->header + t->basic_size;
}

static bool grow(struct walk *w)
{
    uint32_t capacity = w->shape_capacity == 0 ? 4096 : w->shape_capacity * 2;
    struct walk_shape_entry *bigger = capture_alloc(&w->memory, capacity * sizeof(*bigger));
    if (bigger == NULL)
        return false;
    for (uint32_t i = 0; i < w->shape_capacity; i++) {
        if (w->shapes[i].shape == 0)
            continue;
        uint32_t at = (uint32_t)w->shapes[i].hash & (capacity - 1);
        while (bigger[at].shape != 0)
            at = (at + 1) & (capacity - 1);
        bigger[at] = w->shapes[i];
    }
    w->shapes = bigger;
    w->shape_capacity = capacity;
    return true;
}

uint32_t walk_shape(struct walk *w, struct walk_type *t, const struct snapshot_field *fields, uint32_t count,
                    uint32_t tail, uint64_t tail_start)
{
    uint64_t head[3] = {t->id, tail, tail_start};
    uint64_t hash = XXH3_64bits(head, sizeof(head));
    hash = XXH3_64bits_withSeed(fields, count * sizeof(fields[0]),
                                hash); /* fields are zeroed before they are filled: no stray padding */
    if (w->shape_count * 2 >= w->shape_capacity && !grow(w))
        return 0;
    uint32_t at = (uint32_t)hash & (w->shape_capacity - 1);
    for (; w->shapes[at].shape != 0; at = (at + 1) & (w->shape_capacity - 1))
        if (w->shapes[at].hash == hash)
            return w->shapes[at].shape;
    struct snapshot_shape s = {.type = t->id,
                               .tail = tail,
                               .field_count = count,
                               .base_size = walk_base_size(t),
                               .tail_start = tail_start,
                               .fields = fields};
    w->shapes[at].hash = hash;
    w->shapes[at].shape = snapshot_writer_shape(w->writer, &s);
    w->shape_count++;
    return w->shapes[at].shape;
}
