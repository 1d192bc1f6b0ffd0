/* The threads of a core, as core_facts.h gives them. */
#include "cmd/heldby/core_facts.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/facts.h"

struct by_ident {
    uint64_t ident;
    uint32_t thread;
};

static int by_ident_then_order(const void *a, const void *b)
{
    const struct by_ident *x = a, *y = b;
    if (x->ident != y->ident)
        return x->ident < y->ident ? -1 : 1;
    return x->thread < y->thread ? -1 : x->thread > y->thread;
}

/* item_of[thread of the heap]: which item it is; threads with the same identifier are one. */
static void join(struct core_threads *ret, const struct heap *heap, struct by_ident *order, uint32_t *item_of)
{
    for (uint32_t t = 1; t <= heap->thread_count; t++)
        order[t - 1] = (struct by_ident){heap->threads[t].ident, t};
    qsort(order, heap->thread_count, sizeof *order, by_ident_then_order);
    for (uint32_t i = 0; i < heap->thread_count; i++) {
        const struct heap_thread *thread = &heap->threads[order[i].thread];
        if (i == 0 || order[i].ident == 0 || order[i].ident != order[i - 1].ident)
            ret->count++;
        struct core_thread *item = &ret->items[ret->count - 1];
        item->native = thread->native ? thread->native : item->native;
        item->name = thread->name ? thread->name : item->name;
        item_of[order[i].thread] = (uint32_t)(ret->count - 1);
    }
}

static int by_thread_id(const void *a, const void *b)
{
    const struct core_thread *x = a, *y = b;
    return x->native < y->native ? -1 : x->native > y->native;
}

struct by_depth {
    uint32_t depth, frame;
};

static int outermost_first(const void *a, const void *b)
{
    const struct by_depth *x = a, *y = b;
    if (x->depth != y->depth)
        return x->depth > y->depth ? -1 : 1;
    return x->frame > y->frame ? -1 : x->frame < y->frame;
}

bool core_threads_init(struct core_threads *ret, const struct heap *heap, struct error *err)
{
    size_t threads = (size_t)heap->thread_count + 1;
    uint64_t died = 0;
    *ret = (struct core_threads){0};
    ret->items = calloc(threads, sizeof *ret->items);
    ret->next = calloc((size_t)heap->frame_count + 1, sizeof *ret->next);
    struct by_ident *order = calloc(threads, sizeof *order);
    uint32_t *item_of = calloc(threads, sizeof *item_of);
    struct by_depth *frames = calloc((size_t)heap->frame_count + 1, sizeof *frames);
    bool done = ret->items && ret->next && order && item_of && frames;
    if (done) {
        join(ret, heap, order, item_of);
        for (uint32_t i = 1; i <= heap->frame_count; i++)
            frames[i - 1] = (struct by_depth){heap->frames[i].depth, i};
        qsort(frames, heap->frame_count, sizeof *frames, outermost_first);
        for (uint32_t k = 0; k < heap->frame_count; k++) { /* each goes in front */
            uint32_t i = frames[k].frame;
            const struct heap_frame *f = &heap->frames[i];
            if (f->thread == 0 || f->thread >= threads)
                continue;
            struct core_thread *item = &ret->items[item_of[f->thread]];
            uint32_t *head = f->code ? &item->python_frame : &item->native_frame;
            ret->next[i] = *head;
            *head = i;
        }
        qsort(ret->items, ret->count, sizeof *ret->items, by_thread_id);
        fact_u64(heap, "signal_thread", &died);
        for (size_t i = 0; died && i < ret->count && !ret->died; i++) {
            if (ret->items[i].native != died)
                continue;
            struct core_thread first = ret->items[i];
            memmove(ret->items + 1, ret->items, i * sizeof *ret->items);
            ret->items[0] = first;
            ret->died = true;
        }
    }
    free(order);
    free(frames);
    free(item_of);
    if (!done)
        core_threads_free(ret);
    return done || error_no_memory(err);
}

void core_threads_free(struct core_threads *threads)
{
    free(threads->items);
    free(threads->next);
    *threads = (struct core_threads){0};
}
