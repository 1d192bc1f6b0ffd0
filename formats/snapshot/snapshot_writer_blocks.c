/* The half of the writer that puts blocks together and lets them out. */
#include "formats/snapshot/snapshot_writer_private.h"

#include <errno.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t snapshot_writer_hash(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

void snapshot_writer_raw(struct snapshot_writer *w, const void *data, size_t size)
{
    const uint8_t *p = data;
    while (size > 0 && w->os_errno == 0) {
        ssize_t n = write(w->fd, p, size);
        if (n < 0) {
            if (errno != EINTR)
                w->os_errno = errno;
        } else if (n == 0) {
            w->os_errno = ENOSPC;
        } else {
            p += n;
            size -= (size_t)n;
            w->offset += (uint64_t)n;
        }
    }
}

/* A block being put together in w->out. */
struct block {
    struct snapshot_block header;
    struct snapshot_stream streams[SNAPSHOT_MAX_STREAMS];
    const void *data[SNAPSHOT_MAX_STREAMS];
    const struct column *column[SNAPSHOT_MAX_STREAMS]; /* set for a lengths stream, packed when it leaves */
};

static void block_begin(struct block *b, uint16_t kind, uint64_t first, uint32_t count)
{
    memset(&b->header, 0, sizeof(b->header));
    b->header.magic = SNAPSHOT_BLOCK_MAGIC;
    b->header.kind = kind;
    b->header.item_count = count;
    b->header.first_item = first;
}

static void block_stream(struct block *b, uint16_t id, const void *data, uint32_t size,
                         const struct column *column)
{
    uint16_t n = b->header.stream_count++;
    b->streams[n] = (struct snapshot_stream){.id = id, .raw_size = size};
    b->data[n] = data;
    b->column[n] = column;
}

static void block_column(struct block *b, uint16_t id, const struct column *c)
{
    block_stream(b, id, NULL, (c->count + 1) / 2, c);
    block_stream(b, (uint16_t)(id + 1), c->bytes, c->used, NULL);
}

static void pack_lengths(uint8_t *packed, const struct column *c)
{
    uint32_t pairs = c->count / 2, i = 0;
    for (; i + 4 <= pairs; i += 4) { /* eight lengths to four bytes */
        uint64_t eight;
        memcpy(&eight, c->lengths + 2 * i, 8);
        eight = (eight | eight >> 4) & 0x00ff00ff00ff00ff;
        eight = (eight | eight >> 8) & 0x0000ffff0000ffff;
        uint32_t four = (uint32_t)(eight | eight >> 16);
        memcpy(packed + i, &four, 4);
    }
    for (; i < pairs; i++)
        packed[i] = (uint8_t)(c->lengths[2 * i] | c->lengths[2 * i + 1] << 4);
    if (c->count % 2 != 0)
        packed[pairs] = c->lengths[c->count - 1];
}

/* Puts one stream at `to`, compressed where that makes it smaller. */
static uint32_t stream_out(struct snapshot_writer *w, struct snapshot_stream *s, const void *data,
                           uint8_t *to, size_t room)
{
    s->stored_size = s->raw_size;
    if (w->context != NULL && s->raw_size >= 64) {
        size_t n = w->zstd.compress(w->context, to, room, data, s->raw_size, 1);
        if (!w->zstd.is_error(n) && n < s->raw_size) {
            s->compression = SNAPSHOT_ZSTD;
            s->stored_size = (uint32_t)n;
            return s->stored_size;
        }
    }
    memcpy(to, data, s->raw_size);
    return s->stored_size;
}

static void contents_add(struct snapshot_writer *w, const struct snapshot_block *h)
{
    if (h->kind == SNAPSHOT_CONTENTS || w->contents[0].count == CONTENTS_CAPACITY)
        return;
    column_put(&w->contents[0], h->kind);
    column_put(&w->contents[1], w->offset);
    column_put(&w->contents[2], h->item_count);
    column_put(&w->contents[3], h->first_item);
}

static void block_end(struct snapshot_writer *w, struct block *b)
{
    size_t directory = b->header.stream_count * sizeof(struct snapshot_stream);
    size_t used = sizeof(b->header) + directory;
    for (unsigned i = 0; i < b->header.stream_count; i++) {
        const void *data = b->data[i];
        if (b->column[i] != NULL) {
            pack_lengths(w->packed, b->column[i]);
            data = w->packed;
        }
        if (used + b->streams[i].raw_size + 8 > OUT_CAPACITY) { /* the capacities make this impossible */
            w->os_errno = EOVERFLOW;
            return;
        }
        used += stream_out(w, &b->streams[i], data, w->out + used, OUT_CAPACITY - 8 - used);
    }
    while (used % 8 != 0)
        w->out[used++] = 0;
    b->header.sequence = w->sequence++;
    b->header.payload_size = used - sizeof(b->header);
    memcpy(w->out + sizeof(b->header), b->streams, directory);
    uint64_t seed = snapshot_writer_hash(&b->header, offsetof(struct snapshot_block, checksum), 0);
    b->header.checksum = snapshot_writer_hash(w->out + sizeof(b->header), b->header.payload_size, seed);
    memcpy(w->out, &b->header, sizeof(b->header));
    contents_add(w, &b->header);
    snapshot_writer_raw(w, w->out, used);
}

static void column_reset(struct column *c)
{
    c->count = c->used = 0;
}

/* Ends a block made of columns 0, 2, 4, ... and empties them. */
static void block_columns(struct snapshot_writer *w, uint16_t kind, uint64_t first, struct column *columns,
                          uint16_t count)
{
    struct block b;
    if (columns[0].count == 0)
        return;
    block_begin(&b, kind, first, columns[0].count);
    for (uint16_t i = 0; i < count; i++)
        block_column(&b, (uint16_t)(2 * i), &columns[i]);
    block_end(w, &b);
    for (uint16_t i = 0; i < count; i++)
        column_reset(&columns[i]);
}

void snapshot_writer_flush_facts(struct snapshot_writer *w)
{
    struct block b;
    if (w->fact_count == 0)
        return;
    block_begin(&b, SNAPSHOT_FACTS, w->first_fact, w->fact_count);
    block_stream(&b, FACTS_RECORDS, w->facts.bytes, w->facts.used, NULL);
    block_end(w, &b);
    w->first_fact += w->fact_count;
    w->fact_count = 0;
    w->facts.used = 0;
}

void snapshot_writer_flush_strings(struct snapshot_writer *w)
{
    struct block b;
    uint32_t n = w->string_length.count;
    if (n == 0)
        return;
    block_begin(&b, SNAPSHOT_STRINGS, w->next_string - n, n);
    block_column(&b, STRINGS_LENGTH, &w->string_length);
    block_stream(&b, STRINGS_BYTES, w->string_bytes.bytes, w->string_bytes.used, NULL);
    block_end(w, &b);
    column_reset(&w->string_length);
    w->string_bytes.used = 0;
}

void snapshot_writer_flush_types(struct snapshot_writer *w)
{
    struct block b;
    uint32_t n = w->type[0].count;
    if (n == 0)
        return;
    snapshot_writer_flush_strings(w);
    block_begin(&b, SNAPSHOT_TYPES, w->next_type - n, n);
    for (uint16_t i = 0; i < TYPE_COLUMNS; i++)
        block_column(&b, (uint16_t)(2 * i), &w->type[i]);
    block_column(&b, TYPES_MEMBER_OFFSET, &w->member[0]);
    block_column(&b, TYPES_MEMBER_NAME, &w->member[1]);
    if (w->any_label)
        block_column(&b, TYPES_LABEL, &w->type_label);
    w->any_label = false;
    block_end(w, &b);
    for (unsigned i = 0; i < TYPE_COLUMNS; i++)
        column_reset(&w->type[i]);
    column_reset(&w->member[0]);
    column_reset(&w->member[1]);
    column_reset(&w->type_label);
    w->last_type_address = 0;
}

void snapshot_writer_flush_shapes(struct snapshot_writer *w)
{
    struct block b;
    uint32_t n = w->shape[0].count;
    if (n == 0)
        return;
    snapshot_writer_flush_types(w);
    snapshot_writer_flush_strings(w);
    block_begin(&b, SNAPSHOT_SHAPES, w->next_shape - n, n);
    for (uint16_t i = 0; i < SHAPE_COLUMNS; i++)
        block_column(&b, (uint16_t)(2 * i), &w->shape[i]);
    for (uint16_t i = 0; i < FIELD_COLUMNS; i++)
        block_column(&b, (uint16_t)(SHAPES_FIELD_KIND + 2 * i), &w->field[i]);
    block_end(w, &b);
    for (unsigned i = 0; i < SHAPE_COLUMNS; i++)
        column_reset(&w->shape[i]);
    for (unsigned i = 0; i < FIELD_COLUMNS; i++)
        column_reset(&w->field[i]);
}

void snapshot_writer_flush_threads(struct snapshot_writer *w)
{
    snapshot_writer_flush_strings(w);
    block_columns(w, SNAPSHOT_THREADS, w->next_thread - w->thread[0].count, w->thread, THREAD_COLUMNS);
}

void snapshot_writer_flush_frames(struct snapshot_writer *w)
{
    snapshot_writer_flush_threads(w);
    snapshot_writer_flush_strings(w);
    block_columns(w, SNAPSHOT_FRAMES, w->next_frame - w->frame[0].count, w->frame, FRAME_COLUMNS);
}

void snapshot_writer_flush_roots(struct snapshot_writer *w)
{
    uint32_t n = w->root[0].count;
    snapshot_writer_flush_frames(w);
    snapshot_writer_flush_strings(w);
    block_columns(w, SNAPSHOT_ROOTS, w->first_root, w->root, ROOT_COLUMNS);
    w->first_root += n;
}

void snapshot_writer_flush_objects(struct snapshot_writer *w)
{
    struct block b;
    uint32_t n = w->object[0].count;
    if (n == 0)
        return;
    snapshot_writer_flush_facts(w);
    snapshot_writer_flush_roots(w);
    snapshot_writer_flush_shapes(w);
    block_begin(&b, SNAPSHOT_OBJECTS, w->first_object, n);
    b.header.extra = w->block_object_edges;
    block_column(&b, OBJECTS_ADDRESS, &w->object[0]);
    block_column(&b, OBJECTS_SHAPE, &w->object[1]);
    block_column(&b, OBJECTS_SIZE, &w->object[2]);
    block_column(&b, OBJECTS_REFCOUNT, &w->object[3]);
    block_stream(&b, OBJECTS_FLAGS, w->object_flags, n, NULL);
    block_column(&b, OBJECTS_DEGREE, &w->object[4]);
    block_end(w, &b);
    for (unsigned i = 0; i < OBJECT_COLUMNS; i++)
        column_reset(&w->object[i]);
    w->first_object += n;
    w->block_object_edges = w->object_edges;
    w->last_address = 0;
}

void snapshot_writer_flush_edges(struct snapshot_writer *w)
{
    struct block b;
    uint32_t n = w->edge.count;
    if (n == 0)
        return;
    block_begin(&b, SNAPSHOT_EDGES, w->first_edge, n);
    b.header.extra = w->block_new_id;
    block_column(&b, EDGES_TARGET, &w->edge);
    block_end(w, &b);
    column_reset(&w->edge);
    w->first_edge += n;
    w->block_new_id = w->new_id;
    w->last_target = 0;
    memset(w->hub, 0, sizeof(w->hub));
}

void snapshot_writer_flush_places(struct snapshot_writer *w)
{
    uint32_t n = w->place.count;
    block_columns(w, SNAPSHOT_PLACES, w->first_place, &w->place, 1);
    w->first_place += n;
}

void snapshot_writer_flush_previews(struct snapshot_writer *w)
{
    struct block b;
    uint32_t n = w->preview[0].count;
    if (n == 0)
        return;
    block_begin(&b, SNAPSHOT_PREVIEWS, w->first_preview, n);
    block_column(&b, PREVIEWS_OBJECT, &w->preview[0]);
    block_stream(&b, PREVIEWS_KIND, w->preview_kind, n, NULL);
    block_column(&b, PREVIEWS_FULL_LENGTH, &w->preview[1]);
    block_column(&b, PREVIEWS_LENGTH, &w->preview[2]);
    block_stream(&b, PREVIEWS_TEXT, w->preview_text.bytes, w->preview_text.used, NULL);
    block_end(w, &b);
    for (unsigned i = 0; i < PREVIEW_COLUMNS; i++)
        column_reset(&w->preview[i]);
    w->preview_text.used = 0;
    w->last_preview = 0;
    w->first_preview += n;
}

int snapshot_writer_finish(struct snapshot_writer *w)
{
    snapshot_writer_flush_objects(w);
    snapshot_writer_flush_edges(w);
    snapshot_writer_flush_places(w);
    snapshot_writer_flush_previews(w);
    snapshot_writer_flush_roots(w);
    snapshot_writer_flush_shapes(w);
    snapshot_writer_flush_types(w);
    snapshot_writer_flush_strings(w);
    snapshot_writer_flush_facts(w);
    struct snapshot_trailer t = {.contents_offset = w->offset};
    block_columns(w, SNAPSHOT_CONTENTS, 0, w->contents, CONTENTS_COLUMNS);
    memcpy(t.magic, SNAPSHOT_TRAILER_MAGIC, 8);
    t.file_size = w->offset + sizeof(t);
    t.checksum = snapshot_writer_hash(&t, offsetof(struct snapshot_trailer, checksum), 0);
    snapshot_writer_raw(w, &t, sizeof(t));
    return w->os_errno;
}
