#include "lib/graph/roots.h"

#include <stdlib.h>

unsigned root_rank(enum root_kind kind)
{
    switch (kind) {
    case ROOT_MODULE:
        return 0;
    case ROOT_FRAME:
        return 1;
    case ROOT_THREAD:
        return 2;
    case ROOT_INTERPRETER:
        return 3;
    case ROOT_MODULE_DATA:
    case ROOT_TLS:
        return 4;
    case ROOT_STATIC:
        return 5;
    case ROOT_IMMORTAL:
        return 6;
    case ROOT_C_REFERENCE:
        return 7;
    case ROOT_MAPPING:
        return 8;
    case ROOT_NATIVE_STACK:
        return 9;
    default:
        return 10; /* registers */
    }
}

static int compare(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

int root_compare(const struct heap *heap, uint32_t a, uint32_t b)
{
    const struct heap_root *x = &heap->roots[a], *y = &heap->roots[b];
    int order = compare(x->certainty, y->certainty);
    if (!order)
        order = compare(root_rank(x->kind), root_rank(y->kind));
    if (!order)
        order = compare(x->kind, y->kind);
    if (!order)
        order = compare(x->reference, y->reference); /* a local before a place on the stack */
    if (!order && x->frame && y->frame)              /* the outermost frame keeps it longest */
        order = compare(heap->frames[y->frame].depth, heap->frames[x->frame].depth);
    return order ? order : compare(a, b);
}

static int by_target(const void *a, const void *b, void *context)
{
    const struct heap *heap = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    int order = compare(heap->roots[x].target, heap->roots[y].target);
    return order ? order : root_compare(heap, x, y);
}

bool roots_create(struct roots *roots, const struct heap *heap, struct error *err)
{
    *roots = (struct roots){.heap = heap};
    roots->order = malloc(((size_t)heap->root_count + 1) * sizeof *roots->order);
    if (!roots->order || !object_set_create(&roots->rooted, heap, err)) {
        roots_free(roots);
        return error_no_memory(err);
    }
    for (uint32_t i = 0; i < heap->root_count; i++) {
        roots->order[i] = i;
        object_set_add(&roots->rooted, heap->roots[i].target);
    }
    /* glibc's: the comparison needs the heap. */
    qsort_r(roots->order, heap->root_count, sizeof *roots->order, by_target, (void *)(uintptr_t)heap);
    return true;
}

void roots_free(struct roots *roots)
{
    free(roots->order);
    object_set_free(&roots->rooted);
    *roots = (struct roots){0};
}

bool roots_of(const struct roots *roots, object_id id, uint32_t *first, uint32_t *end)
{
    const struct heap_root *root = roots->heap->roots;
    uint32_t low = 0, high = roots->heap->root_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (root[roots->order[middle]].target < id)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    while (low < roots->heap->root_count && root[roots->order[low]].target == id)
        low++;
    *end = low;
    return *first < *end;
}
