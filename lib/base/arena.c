#include "lib/base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK = 64 * 1024 };

struct arena_block {
    struct arena_block *older;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

void arena_free(struct arena *arena)
{
    while (arena->newest) {
        struct arena_block *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
}

void *arena_take(struct arena *arena, size_t count, size_t item_size, struct error *err)
{
    size_t size;
    if (__builtin_mul_overflow(count, item_size, &size) || size > SIZE_MAX / 2) {
        error_no_memory(err);
        return NULL;
    }
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct arena_block *block = arena->newest;
    if (!block || block->size - block->used < size) {
        size_t room = size > ARENA_BLOCK ? size : ARENA_BLOCK;
        struct arena_block *fresh = malloc(sizeof *fresh + room);
        if (!fresh) {
            error_no_memory(err);
            return NULL;
        }
        fresh->used = 0;
        fresh->size = room;
        if (block && size > ARENA_BLOCK) { /* a big piece goes behind, so that the open block stays open */
            fresh->older = block->older;
            block->older = fresh;
        } else {
            fresh->older = block;
            arena->newest = fresh;
        }
        block = fresh;
    }
    void *piece = block->data + block->used;
    block->used += size;
    memset(piece, 0, size);
    return piece;
}

char *arena_text(struct arena *arena, const char *text, size_t length, struct error *err)
{
    char *copy = arena_take(arena, length + 1, 1, err);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}
