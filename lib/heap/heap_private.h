/* heap_private.h -- the parts of a heap that only lib/heap sees: text, details, previews, the address index.
 */
#ifndef HELDBY_HEAP_PRIVATE_H
#define HELDBY_HEAP_PRIVATE_H

#include "lib/heap/heap.h"

enum { PREVIEW_LENGTH_BITS = 24 };

/* 24 bytes; a heap can have as many as it has objects. */
struct preview_row {
    uint64_t start; /* in preview_text */
    uint64_t full_length;
    object_id id;
    uint32_t kind_and_length; /* kind << PREVIEW_LENGTH_BITS | length */
};

struct heap_private {
    char *text;         /* all strings, each ended by a NUL */
    uint64_t *text_end; /* [string_count + 1]: where string i ends, its NUL included; [0] = 0 */
    uint64_t *size;     /* details by id, or NULL */
    uint64_t *refcount;
    uint8_t *flags;
    bool details_loaded;
    struct preview_row *previews; /* sorted by id once complete */
    size_t preview_count, preview_capacity;
    uint64_t *preview_bits; /* by id: has a preview; NULL: search the rows */
    uint32_t *preview_rank; /* rows before each word of the bits */
    char *preview_text;
    size_t preview_text_size, preview_text_capacity;
    bool previews_loaded, previews_failed;
    struct error preview_error; /* why, if they failed */
    uint32_t *slots;            /* address index: open addressing, ids, 0 = empty; NULL: none */
    uint32_t slot_shift;
    uint64_t *place_base;  /* [object_count / 64 + 1]: native references before each 64th object */
    uint64_t native_count; /* references in native tails */
    uint32_t *place;       /* [place_count], once loaded */
    uint64_t place_count;
    size_t place_capacity; /* of a heap made object by object */
    bool places_loaded;
    unsigned place_misses; /* single reads so far that had to decode a block */
    uint64_t runtime_hex;  /* fact of that name, or 0 */
    struct heap_source source;
};

/* The place of the native reference number `position` in the tail of `source`, or HEAP_NO_PLACE. */
#define HEAP_NO_PLACE UINT32_MAX
uint32_t heap_place(const struct heap *heap, object_id source, uint64_t position);

/* Brings the previews into the order heap_preview searches. */
void heap_sort_previews(struct heap *heap);

#endif
