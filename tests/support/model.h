/* model.h -- a made-up heap as plain arrays, to be written by one implementation and compared with what
 * another reads.
 *
 * Everything follows from the seed. Ids start at 1, as in a snapshot; index 0 of each array is unused.
 */
#ifndef HELDBY_TEST_MODEL_H
#define HELDBY_TEST_MODEL_H

#include "lib/heap/heap.h"

struct model_preview {
    object_id id;
    enum preview_kind kind;
    uint64_t full_length;
    uint32_t length;
    char text[24];
};

struct model {
    uint64_t random;
    uint32_t string_count, type_count, shape_count, thread_count, frame_count, root_count, object_count,
        preview_count;
    uint32_t member_count, field_count;
    uint64_t edge_count;
    char (*strings)[24];
    struct heap_type *types;     /* member_start as in the heap */
    struct heap_member *members; /* from 0 */
    struct heap_shape *shapes;   /* field_start as in the heap */
    struct heap_field *fields;   /* from 0 */
    struct heap_thread *threads;
    struct heap_frame *frames;
    struct heap_root *roots;     /* from 0 */
    uint64_t *address;           /* [object_count + 1] */
    shape_id *shape;             /* [object_count + 1] */
    struct heap_detail *details; /* [object_count + 1] */
    uint64_t *start;    /* [object_count + 2]: edges of object i are start[i] to start[i + 1] (exclusive) */
    object_id *targets; /* [edge_count], from 0 */
    struct model_preview *previews; /* from 0 */
};

/* The place of the native reference number `index` of the heap. */
static inline uint32_t model_place(uint64_t index)
{
    return (uint32_t)((index + 1) * 0x9e3779b1u) >> index % 30 & 0x7fffffff;
}

uint64_t model_random(struct model *m); /* the next number of the seed's sequence */

/* About `edges_each` references per object on average. */
struct model *model_create(uint64_t seed, uint32_t objects, uint32_t edges_each);
void model_destroy(struct model *m);

/* Fails the running Check test where heap and model differ in anything. Loads details and previews. */
void check_heap_is_model(struct heap *heap, const struct model *m);

#endif
