#include "formats/snapshot/snapshot_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include "formats/snapshot/snapshot_scan.h"

const char *snapshot_kind_name(unsigned kind)
{
    static const char *const names[SNAPSHOT_BLOCK_KINDS] = {
        "unknown", "facts",   "strings", "types",    "shapes",   "threads", "frames",
        "roots",   "objects", "edges",   "previews", "contents", "places",
    };
    return kind < SNAPSHOT_BLOCK_KINDS ? names[kind] : names[0];
}

static void report(struct snapshot_file *file, uint64_t offset, const char *part, const char *format,
                   va_list args)
{
    char message[512];
    file->fault_count++;
    if (!file->faults.report)
        return;
    vsnprintf(message, sizeof message, format, args);
    file->faults.report(file->faults.context, offset, part, message);
}

void snapshot_file_fault(struct snapshot_file *file, uint64_t offset, const char *part, const char *format,
                         ...)
{
    va_list args;
    va_start(args, format);
    report(file, offset, part, format, args);
    va_end(args);
}

void snapshot_entry_fault(struct snapshot_file *file, const struct snapshot_entry *entry, const char *format,
                          ...)
{
    char part[64];
    snprintf(part, sizeof part, "block %u (%s)", entry->sequence, snapshot_kind_name(entry->kind));
    va_list args;
    va_start(args, format);
    report(file, entry->offset, part, format, args);
    va_end(args);
}

/* Room for `size` bytes and the padding that decoders may read. The old content is of no use, so it is not
 * kept. */
static bool buffer_room(struct snapshot_buffer *buffer, size_t size, struct error *err)
{
    if (size + SNAPSHOT_PADDING <= buffer->capacity)
        return true;
    free(buffer->data);
    *buffer = (struct snapshot_buffer){0};
    buffer->data = malloc(size + SNAPSHOT_PADDING);
    if (!buffer->data)
        return error_no_memory(err);
    buffer->capacity = size + SNAPSHOT_PADDING;
    return true;
}

void snapshot_file_rest(struct snapshot_file *file)
{
    free(file->payload.data);
    file->payload = (struct snapshot_buffer){0};
    for (size_t i = 0; i < SNAPSHOT_MAX_STREAMS; i++) {
        free(file->raw[i].data);
        file->raw[i] = (struct snapshot_buffer){0};
    }
    ZSTD_freeDCtx(file->zstd);
    file->zstd = NULL;
    file->entry = NULL;
    file->stream_count = 0;
}

void snapshot_file_close(struct snapshot_file *file)
{
    snapshot_file_rest(file);
    free(file->entries);
    free(file->contents);
    file_view_close(&file->view);
}

/* The directory at the start of the payload: sizes must add up to the payload, every stream at most once. */
static bool read_directory(struct snapshot_file *file, const struct snapshot_entry *entry, unsigned count,
                           struct error *err)
{
    size_t at = count * sizeof(struct snapshot_stream);
    if (count > SNAPSHOT_MAX_STREAMS || at > entry->payload_size)
        return error_set(err, ERROR_BAD_INPUT, "%u streams in %llu bytes", count,
                         (unsigned long long)entry->payload_size);
    memcpy(file->streams, file->payload.data, at);
    for (unsigned i = 0; i < count; i++) {
        const struct snapshot_stream *s = &file->streams[i];
        if (s->compression > SNAPSHOT_ZSTD)
            return error_set(err, ERROR_BAD_INPUT, "stream %u is compressed in an unknown way, %u", s->id,
                             s->compression);
        if (s->raw_size > SNAPSHOT_MAX_STREAM ||
            (s->compression == SNAPSHOT_STORED && s->stored_size != s->raw_size))
            return error_set(err, ERROR_BAD_INPUT, "stream %u has %u bytes, stored as %u", s->id, s->raw_size,
                             s->stored_size);
        if (s->stored_size > entry->payload_size - at)
            return error_set(err, ERROR_BAD_INPUT, "stream %u ends outside its block", s->id);
        for (unsigned k = 0; k < i; k++) {
            if (file->streams[k].id == s->id)
                return error_set(err, ERROR_BAD_INPUT, "stream %u comes twice", s->id);
        }
        file->stored_at[i] = at;
        at += s->stored_size;
        file->raw[i].ready = false;
    }
    if (entry->payload_size - at > 7)
        return error_set(err, ERROR_BAD_INPUT, "%llu bytes belong to no stream",
                         (unsigned long long)(entry->payload_size - at));
    file->stream_count = count;
    return true;
}

bool snapshot_file_read(struct snapshot_file *file, const struct snapshot_entry *entry, struct error *err)
{
    struct snapshot_block header;
    file->stream_count = 0;
    file->entry = entry;
    if (!file_view_read(&file->view, entry->offset, &header, sizeof header, err) ||
        !buffer_room(&file->payload, (size_t)entry->payload_size, err) ||
        !file_view_read(&file->view, entry->offset + sizeof header, file->payload.data,
                        (size_t)entry->payload_size, err))
        return false;
    memset(file->payload.data + entry->payload_size, 0, SNAPSHOT_PADDING);
    uint64_t seed = XXH3_64bits(&header, offsetof(struct snapshot_block, checksum));
    if (XXH3_64bits_withSeed(file->payload.data, (size_t)entry->payload_size, seed) != header.checksum)
        return error_set(err, ERROR_BAD_INPUT, "the checksum does not match");
    return read_directory(file, entry, header.stream_count, err);
}

uint64_t snapshot_checksum(const void *data, size_t size)
{
    return XXH3_64bits(data, size);
}

static bool decompress(struct snapshot_file *file, unsigned i, struct error *err)
{
    const struct snapshot_stream *s = &file->streams[i];
    struct snapshot_buffer *raw = &file->raw[i];
    const uint8_t *stored = file->payload.data + file->stored_at[i];
    /* Ask the frame first, so that a lie about the size costs no memory. */
    unsigned long long content = ZSTD_getFrameContentSize(stored, s->stored_size);
    if (content == ZSTD_CONTENTSIZE_ERROR || (content != ZSTD_CONTENTSIZE_UNKNOWN && content != s->raw_size))
        return error_set(err, ERROR_BAD_INPUT, "stream %u is not a zstd frame of %u bytes", s->id,
                         s->raw_size);
    if (!file->zstd)
        file->zstd = ZSTD_createDCtx();
    if (!file->zstd)
        return error_no_memory(err);
    if (!buffer_room(raw, s->raw_size, err))
        return false;
    size_t size = ZSTD_decompressDCtx(file->zstd, raw->data, s->raw_size, stored, s->stored_size);
    if (ZSTD_isError(size))
        return error_set(err, ERROR_BAD_INPUT, "stream %u: zstd: %s", s->id, ZSTD_getErrorName(size));
    if (size != s->raw_size)
        return error_set(err, ERROR_BAD_INPUT, "stream %u decompresses to %zu bytes, not %u", s->id, size,
                         s->raw_size);
    memset(raw->data + size, 0, SNAPSHOT_PADDING);
    raw->ready = true;
    return true;
}

bool snapshot_file_stream(struct snapshot_file *file, unsigned id, const uint8_t **data, size_t *size,
                          struct error *err)
{
    *data = NULL;
    *size = 0;
    for (unsigned i = 0; i < file->stream_count; i++) {
        const struct snapshot_stream *s = &file->streams[i];
        if (s->id != id)
            continue;
        *size = s->raw_size;
        if (s->compression == SNAPSHOT_STORED) {
            *data = file->payload.data + file->stored_at[i];
            return true;
        }
        if (!file->raw[i].ready && !decompress(file, i, err))
            return false;
        *data = file->raw[i].data;
        return true;
    }
    return error_set(err, ERROR_BAD_INPUT, "stream %u is missing", id);
}

bool snapshot_file_has(const struct snapshot_file *file, unsigned id)
{
    for (unsigned i = 0; i < file->stream_count; i++) {
        if (file->streams[i].id == id)
            return true;
    }
    return false;
}

bool snapshot_file_column(struct snapshot_file *file, unsigned id, uint32_t count, bool addresses,
                          struct snapshot_column *ret, struct error *err)
{
    const uint8_t *lengths, *bytes;
    size_t lengths_size, bytes_size;
    if (!snapshot_file_stream(file, id, &lengths, &lengths_size, err) ||
        !snapshot_file_stream(file, id + 1, &bytes, &bytes_size, err))
        return false;
    struct error why;
    if (!snapshot_column_open(ret, lengths, lengths_size, bytes, bytes_size, count, addresses, &why))
        return error_set(err, ERROR_BAD_INPUT, "column %u: %.400s", id, why.message);
    return true;
}

bool snapshot_file_bytes(struct snapshot_file *file, unsigned id, uint32_t count, const uint8_t **ret,
                         struct error *err)
{
    size_t size;
    if (!snapshot_file_stream(file, id, ret, &size, err))
        return false;
    if (size != count)
        return error_set(err, ERROR_BAD_INPUT, "column %u: %zu values, not %u", id, size, count);
    return true;
}

static bool scan(struct snapshot_file *file, struct error *err)
{
    if (!snapshot_scan(file, err)) {
        snapshot_file_close(file);
        return false;
    }
    return true;
}

bool snapshot_file_open(struct snapshot_file *file, const char *path, struct snapshot_faults faults,
                        struct error *err)
{
    *file = (struct snapshot_file){.faults = faults};
    return file_view_open(&file->view, path, err) && scan(file, err);
}

bool snapshot_file_take(struct snapshot_file *file, int fd, const char *path, struct snapshot_faults faults,
                        struct error *err)
{
    *file = (struct snapshot_file){.faults = faults};
    return file_view_take(&file->view, fd, path, err) && scan(file, err);
}
