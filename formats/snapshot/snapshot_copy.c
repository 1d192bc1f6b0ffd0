#include "formats/snapshot/snapshot_copy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "formats/snapshot/snapshot_file.h"
#include "formats/snapshot/snapshot_writer.h"
#include "lib/base/vector.h"
#include "lib/heap/kinds.h"

struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

struct copy {
    const struct snapshot_copy_options *options;
    struct snapshot_file file;
    struct error *err;
    void *workspace, *context; /* of compression */
    uint64_t offset;           /* in the copy */
    uint32_t sequence;
    struct bytes payload, streams[SNAPSHOT_MAX_STREAMS];
    struct snapshot_entry *written; /* what the contents will name */
    size_t written_count, written_capacity;
    uint64_t previews;
    char fault[400]; /* the first one of the file */
};

static bool room(struct bytes *b, size_t more, struct error *err)
{
    void *data = b->data;
    bool done = vector_reserve(&data, &b->capacity, b->size + more, 1, err);
    b->data = data;
    return done;
}

static bool put(struct bytes *b, const void *data, size_t size, struct error *err)
{
    if (!room(b, size, err))
        return false;
    if (size > 0)
        memcpy(b->data + b->size, data, size);
    b->size += size;
    return true;
}

static bool out(struct copy *c, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t n = write(c->options->fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_system(c->err, "", n < 0 ? errno : ENOSPC, "cannot write the snapshot");
        at += n;
        size -= (size_t)n;
        c->offset += (uint64_t)n;
    }
    return true;
}

/* ---- a block ---- */

/* Adds a stream to the payload, behind the directory; compressed where that makes it smaller. */
static bool add_stream(struct copy *c, struct snapshot_stream *stream, const uint8_t *data, size_t size)
{
    const struct snapshot_zstd *zstd = c->options->zstd;
    *stream =
        (struct snapshot_stream){.id = stream->id, .raw_size = (uint32_t)size, .stored_size = (uint32_t)size};
    if (c->context && size >= 64) {
        if (!room(&c->payload, size, c->err))
            return false;
        size_t n = zstd->compress(c->context, c->payload.data + c->payload.size, size, data, size, 1);
        if (!zstd->is_error(n) && n < size) {
            stream->compression = SNAPSHOT_ZSTD;
            stream->stored_size = (uint32_t)n;
            c->payload.size += n;
            return true;
        }
    }
    return put(&c->payload, data, size, c->err);
}

static bool begin_payload(struct copy *c, unsigned stream_count)
{
    c->payload.size = 0;
    size_t size = stream_count * sizeof(struct snapshot_stream);
    if (!room(&c->payload, size, c->err))
        return false;
    c->payload.size = size;
    return true;
}

static bool end_payload(struct copy *c, struct snapshot_entry entry, const struct snapshot_stream *streams,
                        unsigned stream_count)
{
    static const uint8_t zeros[8];
    memcpy(c->payload.data, streams, stream_count * sizeof *streams);
    if (!put(&c->payload, zeros, -c->payload.size % 8, c->err))
        return false;
    struct snapshot_block header = {.magic = SNAPSHOT_BLOCK_MAGIC,
                                    .kind = entry.kind,
                                    .stream_count = (uint16_t)stream_count,
                                    .sequence = c->sequence++,
                                    .item_count = entry.items,
                                    .first_item = entry.first,
                                    .extra = entry.extra,
                                    .payload_size = c->payload.size};
    uint64_t seed = XXH3_64bits(&header, offsetof(struct snapshot_block, checksum));
    header.checksum = XXH3_64bits_withSeed(c->payload.data, c->payload.size, seed);
    void *written = c->written;
    if (!vector_reserve(&written, &c->written_capacity, c->written_count + 1, sizeof *c->written, c->err))
        return false;
    c->written = written;
    entry.offset = c->offset;
    c->written[c->written_count++] = entry;
    return out(c, &header, sizeof header) && out(c, c->payload.data, c->payload.size);
}

static bool copy_block(struct copy *c, const struct snapshot_entry *entry)
{
    struct snapshot_stream streams[SNAPSHOT_MAX_STREAMS];
    unsigned count = c->file.stream_count;
    if (!begin_payload(c, count))
        return false;
    memcpy(streams, c->file.streams, count * sizeof *streams);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *stored = c->file.payload.data + c->file.stored_at[i];
        bool done = streams[i].compression == SNAPSHOT_STORED
                        ? add_stream(c, &streams[i], stored, streams[i].raw_size)
                        : put(&c->payload, stored, streams[i].stored_size, c->err);
        if (!done)
            return false;
    }
    return end_payload(c, *entry, streams, count);
}

/* ---- blocks made here ---- */

/* An integer column being written: the streams `at` (nibbles) and `at + 1`; `count` values so far. */
static bool put_value(struct copy *c, unsigned at, uint64_t value, uint32_t count)
{
    uint8_t length = (uint8_t)(value ? 8 - __builtin_clzll(value) / 8 : 0);
    struct bytes *lengths = &c->streams[at];
    if (count % 2 == 0 && !put(lengths, &length, 1, c->err))
        return false;
    if (count % 2 != 0)
        lengths->data[lengths->size - 1] = (uint8_t)(lengths->data[lengths->size - 1] | length << 4);
    return put(&c->streams[at + 1], &value, length, c->err);
}

static bool end_made(struct copy *c, struct snapshot_entry entry, const uint16_t *ids, unsigned count)
{
    struct snapshot_stream streams[SNAPSHOT_MAX_STREAMS] = {{0}};
    if (!begin_payload(c, count))
        return false;
    for (unsigned i = 0; i < count; i++) {
        streams[i].id = ids[i];
        if (!add_stream(c, &streams[i], c->streams[i].data, c->streams[i].size))
            return false;
        c->streams[i].size = 0;
    }
    return end_payload(c, entry, streams, count);
}

static bool too_long(struct copy *c, uint64_t size, size_t left)
{
    return error_set(c->err, ERROR_BAD_INPUT, "a text of %llu bytes, %zu left", (unsigned long long)size,
                     left);
}

/* A block of previews without those that do not stay. */
static bool filter_previews(struct copy *c, const struct snapshot_entry *entry)
{
    struct snapshot_column object, full_length, length;
    const uint8_t *kind, *text;
    size_t left;
    struct snapshot_file *f = &c->file;
    if (!snapshot_file_column(f, PREVIEWS_OBJECT, entry->items, false, &object, c->err) ||
        !snapshot_file_bytes(f, PREVIEWS_KIND, entry->items, &kind, c->err) ||
        !snapshot_file_column(f, PREVIEWS_FULL_LENGTH, entry->items, false, &full_length, c->err) ||
        !snapshot_file_column(f, PREVIEWS_LENGTH, entry->items, false, &length, c->err) ||
        !snapshot_file_stream(f, PREVIEWS_TEXT, &text, &left, c->err))
        return false;
    enum { OBJECT = 0, KIND = 2, FULL = 3, LENGTH = 5, TEXT = 7, STREAMS = 8 };
    static const uint16_t ids[STREAMS] = {
        PREVIEWS_OBJECT,          PREVIEWS_OBJECT + 1, PREVIEWS_KIND,       PREVIEWS_FULL_LENGTH,
        PREVIEWS_FULL_LENGTH + 1, PREVIEWS_LENGTH,     PREVIEWS_LENGTH + 1, PREVIEWS_TEXT};
    uint32_t kept = 0;
    uint64_t id = 0, last = 0;
    for (uint32_t i = 0; i < entry->items; i++) {
        id += (uint64_t)snapshot_unzigzag(snapshot_column_next(&object));
        uint64_t full = snapshot_column_next(&full_length), size = snapshot_column_next(&length);
        if (size > left)
            return too_long(c, size, left);
        if (c->options->keep_preview(c->options->keep_context, id, kind[i], text, size)) {
            uint64_t step = snapshot_zigzag((int64_t)(id - last));
            if (!put_value(c, OBJECT, step, kept) || !put(&c->streams[KIND], &kind[i], 1, c->err) ||
                !put_value(c, FULL, full, kept) || !put_value(c, LENGTH, size, kept) ||
                !put(&c->streams[TEXT], text, (size_t)size, c->err))
                return false;
            last = id;
            kept++;
        }
        text += size;
        left -= (size_t)size;
    }
    struct snapshot_entry made = *entry;
    made.items = kept;
    made.first = c->previews;
    c->previews += kept;
    return kept == 0 || end_made(c, made, ids, STREAMS);
}

/* A block of strings; those that do not stay are empty. */
static bool filter_strings(struct copy *c, const struct snapshot_entry *entry)
{
    struct snapshot_column length;
    const uint8_t *text;
    size_t left;
    if (!snapshot_file_column(&c->file, STRINGS_LENGTH, entry->items, false, &length, c->err) ||
        !snapshot_file_stream(&c->file, STRINGS_BYTES, &text, &left, c->err))
        return false;
    static const uint16_t ids[] = {STRINGS_LENGTH, STRINGS_LENGTH + 1, STRINGS_BYTES};
    for (uint32_t i = 0; i < entry->items; i++) {
        uint64_t size = snapshot_column_next(&length);
        if (size > left)
            return too_long(c, size, left);
        bool keep = c->options->keep_string(c->options->keep_context, entry->first + i, text, size);
        if (!put_value(c, 0, keep ? size : 0, i) ||
            !put(&c->streams[2], text, keep ? (size_t)size : 0, c->err))
            return false;
        text += size;
        left -= (size_t)size;
    }
    return end_made(c, *entry, ids, 3);
}

static bool put_fact(struct copy *c, const char *key, uint8_t type, const void *value, size_t length)
{
    uint8_t head[2] = {type, (uint8_t)strlen(key)};
    uint32_t size = (uint32_t)length;
    struct bytes *records = &c->streams[0];
    return put(records, head, 2, c->err) && put(records, key, strlen(key), c->err) &&
           put(records, &size, 4, c->err) && put(records, value, length, c->err);
}

/* A later record replaces an earlier one. */
static bool correct_facts(struct copy *c, uint64_t first)
{
    static const uint16_t ids[] = {FACTS_RECORDS};
    const uint64_t zero = 0;
    uint32_t count = 0;
    if (c->options->keep_preview) {
        count++;
        if (!put_fact(c, "values", SNAPSHOT_FACT_U64, &zero, sizeof zero))
            return false;
    }
    if (c->file.fault_count > 0) {
        count += 2;
        if (!put_fact(c, "complete", SNAPSHOT_FACT_U64, &zero, sizeof zero) ||
            !put_fact(c, "limits", SNAPSHOT_FACT_TEXT, c->fault, strlen(c->fault)))
            return false;
    }
    return count == 0 ||
           end_made(c, (struct snapshot_entry){.kind = SNAPSHOT_FACTS, .items = count, .first = first}, ids,
                    1);
}

static bool put_contents(struct copy *c)
{
    static const uint16_t ids[] = {CONTENTS_KIND,  CONTENTS_KIND + 1,  CONTENTS_OFFSET, CONTENTS_OFFSET + 1,
                                   CONTENTS_ITEMS, CONTENTS_ITEMS + 1, CONTENTS_FIRST,  CONTENTS_FIRST + 1};
    uint32_t count =
        (uint32_t)(c->written_count < SNAPSHOT_MAX_ITEMS ? c->written_count : SNAPSHOT_MAX_ITEMS);
    for (uint32_t i = 0; i < count; i++) {
        const struct snapshot_entry *e = &c->written[i];
        if (!put_value(c, 0, e->kind, i) || !put_value(c, 2, e->offset, i) || !put_value(c, 4, e->items, i) ||
            !put_value(c, 6, e->first, i))
            return false;
    }
    struct snapshot_trailer trailer = {.contents_offset = c->offset};
    if (!end_made(c, (struct snapshot_entry){.kind = SNAPSHOT_CONTENTS, .items = count}, ids, 8))
        return false;
    memcpy(trailer.magic, SNAPSHOT_TRAILER_MAGIC, sizeof trailer.magic);
    trailer.file_size = c->offset + sizeof trailer;
    trailer.checksum = XXH3_64bits(&trailer, offsetof(struct snapshot_trailer, checksum));
    return out(c, &trailer, sizeof trailer);
}

/* ---- the file ---- */

static bool put_header(struct copy *c)
{
    struct snapshot_header header = c->file.header;
    header.header_size = sizeof header;
    header.checksum = XXH3_64bits(&header, offsetof(struct snapshot_header, checksum));
    return out(c, &header, sizeof header);
}

static bool copy_all(struct copy *c)
{
    struct snapshot_file *file = &c->file;
    uint64_t facts = 0;
    if (!put_header(c))
        return false;
    for (size_t i = 0; i < file->entry_count; i++) {
        const struct snapshot_entry *entry = &file->entries[i];
        if (c->options->progress)
            c->options->progress(c->options->progress_context, entry->offset, file->view.size);
        if (!snapshot_file_read(file, entry, c->err))
            return false;
        bool done = entry->kind == SNAPSHOT_PREVIEWS && c->options->keep_preview ? filter_previews(c, entry)
                    : entry->kind == SNAPSHOT_STRINGS && c->options->keep_string ? filter_strings(c, entry)
                                                                                 : copy_block(c, entry);
        if (!done)
            return false;
        if (entry->kind == SNAPSHOT_FACTS)
            facts = entry->first + entry->items;
    }
    return correct_facts(c, facts) && put_contents(c);
}

static void keep_fault(void *context, uint64_t offset, const char *part, const char *message)
{
    struct copy *c = context;
    if (!c->fault[0])
        snprintf(c->fault, sizeof c->fault, "copied from a damaged file: %.60s at +0x%llx: %.300s", part,
                 (unsigned long long)offset, message);
}

bool snapshot_copy(const char *path, const struct snapshot_copy_options *options, struct error *err)
{
    struct copy copy = {.options = options, .err = err};
    const struct snapshot_zstd *zstd = options->zstd;
    if (!snapshot_file_open(&copy.file, path, (struct snapshot_faults){keep_fault, &copy}, err))
        return false;
    if (zstd && zstd->estimate_context) {
        size_t size = zstd->estimate_context(1);
        copy.workspace = malloc(size);
        copy.context = copy.workspace ? zstd->init_static_context(copy.workspace, size) : NULL;
    }
    bool done = (!zstd || copy.context) ? copy_all(&copy) : error_no_memory(err);
    if (!done && err && err->code == ERROR_BAD_INPUT && !*err->path)
        snprintf(err->path, sizeof err->path, "%s", path);
    snapshot_file_close(&copy.file);
    free(copy.workspace);
    free(copy.payload.data);
    for (unsigned i = 0; i < SNAPSHOT_MAX_STREAMS; i++)
        free(copy.streams[i].data);
    free(copy.written);
    return done;
}
