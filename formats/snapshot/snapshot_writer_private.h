/* snapshot_writer_private.h -- the writer's state, shared by its two halves: what is buffered, and how blocks
 * leave. */
#ifndef HELDBY_SNAPSHOT_WRITER_PRIVATE_H
#define HELDBY_SNAPSHOT_WRITER_PRIVATE_H

#include "formats/snapshot/snapshot_layout.h"
#include "formats/snapshot/snapshot_writer.h"

#include <string.h>

enum {
    TYPE_COLUMNS = 10, /* the label, which stands after the members, not counted */
    SHAPE_COLUMNS = 5,
    FIELD_COLUMNS = 4,
    THREAD_COLUMNS = 5,
    FRAME_COLUMNS = 7,
    ROOT_COLUMNS = 8,
    OBJECT_COLUMNS = 5,
    PREVIEW_COLUMNS = 3,
    CONTENTS_COLUMNS = 4,
    CONTENTS_CAPACITY = 262144, /* blocks in a file that the contents can name: 8 billion objects */
    OUT_CAPACITY = 8 << 20
};

/* An integer column while it fills: one byte per length (packed to nibbles when it leaves), values without
 * leading zeros. */
struct column {
    uint8_t *lengths, *bytes;
    uint32_t count, used, capacity;
};

struct text {
    uint8_t *bytes;
    uint32_t used, capacity;
};

struct snapshot_writer {
    int fd, os_errno;
    uint64_t offset;
    struct snapshot_zstd zstd;
    void *context, *workspace;
    size_t workspace_size;
    uint32_t sequence;

    struct text facts;
    uint32_t fact_count;
    uint64_t first_fact;

    uint32_t next_string, next_type, next_shape, next_thread, next_frame; /* ids given out next */
    struct column string_length;
    struct text string_bytes;
    struct column type[TYPE_COLUMNS], member[2], type_label;
    bool any_label; /* not written where no type has one */
    uint64_t last_type_address;
    struct column shape[SHAPE_COLUMNS], field[FIELD_COLUMNS];
    struct column thread[THREAD_COLUMNS], frame[FRAME_COLUMNS], root[ROOT_COLUMNS];
    uint64_t first_root;

    uint32_t first_object; /* of the block being filled */
    struct column object[OBJECT_COLUMNS];
    uint8_t *object_flags;
    uint64_t object_edges, block_object_edges; /* edges of all objects so far; of those before this block */
    uint64_t last_address;

    struct column edge;
    uint64_t first_edge;
    uint32_t new_id, block_new_id, last_target;
    uint32_t hub[SNAPSHOT_HUB_SLOTS];

    struct column place;
    uint64_t first_place;

    struct column preview[PREVIEW_COLUMNS];
    uint8_t *preview_kind;
    struct text preview_text;
    uint32_t last_preview;
    uint64_t first_preview;

    struct column contents[CONTENTS_COLUMNS];
    uint8_t *packed; /* scratch: lengths as nibbles */
    uint8_t *out;    /* the block being put together */
};

static inline void column_put(struct column *c, uint64_t value)
{
    unsigned bits = 64u - (unsigned)__builtin_clzll(value | 1);
    unsigned length = ((bits + 7) >> 3) - (value == 0);
    memcpy(c->bytes + c->used, &value, 8);
    c->used += length;
    c->lengths[c->count++] = (uint8_t)length;
}

static inline void column_put_address(struct column *c, uint64_t code, bool absolute)
{
    column_put(c, code);
    if (absolute) {
        c->used = c->used - c->lengths[c->count - 1] + 8;
        c->lengths[c->count - 1] = SNAPSHOT_ABSOLUTE;
    }
}

/* The code of an address in an address column; true: it is the address itself, to be written as absolute. */
static inline bool snapshot_address_code(uint64_t address, uint64_t previous, uint64_t *code)
{
    bool down = address < previous;
    uint64_t distance = down ? previous - address : address - previous;
    if (distance >> 60 != 0) {
        *code = address;
        return true;
    }
    *code = (distance & 15) == 0 ? ((distance >> 4) << 1 | down) << 1 : (distance << 1 | down) << 1 | 1;
    return false;
}

uint64_t snapshot_writer_hash(const void *data, size_t size, uint64_t seed);
void snapshot_writer_raw(struct snapshot_writer *w, const void *data, size_t size);
void snapshot_writer_flush_facts(struct snapshot_writer *w);
void snapshot_writer_flush_strings(struct snapshot_writer *w);
void snapshot_writer_flush_types(struct snapshot_writer *w);
void snapshot_writer_flush_shapes(struct snapshot_writer *w);
void snapshot_writer_flush_threads(struct snapshot_writer *w);
void snapshot_writer_flush_frames(struct snapshot_writer *w);
void snapshot_writer_flush_roots(struct snapshot_writer *w);
void snapshot_writer_flush_objects(struct snapshot_writer *w);
void snapshot_writer_flush_edges(struct snapshot_writer *w);
void snapshot_writer_flush_places(struct snapshot_writer *w);
void snapshot_writer_flush_previews(struct snapshot_writer *w);

#endif
