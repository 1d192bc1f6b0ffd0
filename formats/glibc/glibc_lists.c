/* Blocks that are free although the next chunk calls them used: in fastbins, in threads' caches, and in the
 * hands of a thread that was stopped while it emptied a fastbin. */
#include "formats/glibc/glibc_private.h"

uint64_t glibc_used_size(struct glibc_search *s, uint64_t address)
{
    uint64_t head;
    if (address >= UINT64_C(1) << 47 || !block_index_has(s->index, address) ||
        !glibc_read(&s->view, address - 8, &head) || ((head & CHUNK_MAPPED) != 0 && !s->new_mapped_size))
        return 0; /* mapped chunks are cached since 2.43 only */
    return head & ~UINT64_C(7);
}

void glibc_take_free(struct glibc_search *s, uint64_t address, uint64_t size, struct glibc_bytes *to)
{
    if ((glibc_word(&s->view, address - 8) & CHUNK_MAPPED) != 0) {
        size += 16;
        s->heap->mapped.count--;
        s->heap->mapped.bytes -= size;
    }
    block_index_remove(s->index, address);
    s->heap->used.count--;
    s->heap->used.bytes -= size;
    to->count++;
    to->bytes += size;
}

static uint64_t fastbin(struct glibc_search *s, size_t arena, unsigned bin)
{
    return glibc_word(&s->view, s->heap->arenas[arena].address + s->layout->fastbins + bin * 8);
}

/* Links of fastbins lie in the first word of the block and point to a chunk (malloc/malloc.c, PROTECT_PTR).
 */
static uint64_t next_chunk(const struct glibc_search *s, uint64_t address, uint64_t raw)
{
    return s->heap->safe_linking ? raw ^ address >> 12 : raw;
}

static bool is_block_chunk(struct glibc_search *s, uint64_t chunk, uint64_t size)
{
    return chunk != 0 && glibc_used_size(s, chunk + 16) == size;
}

/* Safe-linking (2.32 and later) or not: told by the links themselves. */
static void find_linking(struct glibc_search *s)
{
    uint64_t safe = 0, plain = 0;
    for (size_t i = 0; s->layout->fastbins != 0 && i < s->heap->arena_count; i++) {
        if (s->heap->arenas[i].address == 0)
            continue;
        for (unsigned b = 0; b < FASTBINS; b++) {
            uint64_t at = fastbin(s, i, b), size = (b + 2) * 16, raw;
            if (!is_block_chunk(s, at, size) || !glibc_read(&s->view, at + 16, &raw))
                continue;
            uint64_t next = raw ^ (at + 16) >> 12;
            plain += raw == 0 || is_block_chunk(s, raw, size);
            safe += next == 0 || is_block_chunk(s, next, size);
        }
    }
    glibc_tcache_vote(s, &safe, &plain);
    s->heap->safe_linking = safe >= plain;
}

static bool empty_fastbin(struct glibc_search *s, size_t arena, unsigned bin)
{
    uint64_t size = (bin + 2) * 16;
    for (uint64_t at = fastbin(s, arena, bin); at != 0;) {
        /* Taken off the used ones, a member met again ends the walk: a list that bites its tail is finite. */
        uint64_t word;
        if (!glibc_read(&s->view, at + 8, &word) && s->missing)
            return true;
        if ((at & 15) != 0 || !is_block_chunk(s, at, size))
            return glibc_warn(s, "a list of free blocks of %llu bytes breaks off at 0x%llx",
                              (unsigned long long)size, (unsigned long long)at);
        uint64_t next = next_chunk(s, at + 16, glibc_word(&s->view, at + 16));
        glibc_take_free(s, at + 16, size, &s->heap->fastbin);
        at = next;
    }
    return true;
}

/* The arena of a chunk; NULL: not known. */
static const struct glibc_arena *arena_of_chunk(struct glibc_search *s, uint64_t chunk)
{
    if ((glibc_word(&s->view, chunk + 8) & CHUNK_NOT_MAIN) == 0) {
        for (size_t i = 0; i < s->heap->arena_count; i++)
            if (s->heap->arenas[i].main)
                return &s->heap->arenas[i];
        return NULL;
    }
    size_t low = 0, high = s->span_count; /* the last span that begins at or before it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->spans[middle].base <= chunk)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && chunk - s->spans[low - 1].base < s->spans[low - 1].size
               ? &s->heap->arenas[s->spans[low - 1].number]
               : NULL;
}

/* Is malloc_consolidate at work on the fastbin of `size`? It has emptied the bin and have_fastchunks, and
 * holds the lock, if there is more than one thread. */
static bool is_consolidating(struct glibc_search *s, uint64_t chunk, uint64_t size)
{
    const struct glibc_arena *a = arena_of_chunk(s, chunk);
    return a != NULL && a->address != 0 && (a->locked || s->image->thread_count <= 1) &&
           (uint32_t)glibc_word(&s->view, a->address + 8) == 0 &&
           glibc_word(&s->view, a->address + s->layout->fastbins + (size / 16 - 2) * 8) == 0;
}

/* malloc_consolidate takes a whole fastbin and works it off: where a thread was stopped in there, the rest
 * hangs on a pointer to a chunk in its registers. Its end, a link to nothing, is unmistakable with
 * safe-linking only. */
static void take_held(struct glibc_search *s)
{
    if (!s->heap->safe_linking || s->layout->fastbins == 0)
        return;
    for (size_t i = 0; i < s->image->thread_count * IMAGE_REGISTERS; i++) {
        uint64_t first = s->image->threads[i / IMAGE_REGISTERS].registers[i % IMAGE_REGISTERS], size;
        if (first == 0 || (first & 15) != 0)
            continue;
        size = glibc_used_size(s, first + 16);
        if (size == 0 || size > (FASTBINS + 1) * 16 || !is_consolidating(s, first, size))
            continue;
        uint64_t length = 0, at = first;
        while (at != 0 && (at & 15) == 0 && is_block_chunk(s, at, size) && glibc_spend(s, 1) &&
               length < s->heap->used.count) {
            at = next_chunk(s, at + 16, glibc_word(&s->view, at + 16));
            length++;
        }
        if (at != 0)
            continue;
        for (at = first; length > 0 && is_block_chunk(s, at, size); length--) {
            uint64_t next = next_chunk(s, at + 16, glibc_word(&s->view, at + 16));
            glibc_take_free(s, at + 16, size, &s->heap->fastbin);
            at = next;
        }
    }
}

bool glibc_lists(struct glibc_search *s)
{
    find_linking(s);
    for (size_t i = 0; s->layout->fastbins != 0 && i < s->heap->arena_count; i++)
        for (unsigned b = 0; s->heap->arenas[i].address != 0 && b < FASTBINS; b++)
            if (!empty_fastbin(s, i, b))
                return false;
    if (!glibc_tcaches(s))
        return false;
    take_held(s);
    return true;
}
