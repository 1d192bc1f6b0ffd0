#include "formats/snapshot/snapshot_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"

static bool refuse(struct snapshot_file *file, uint64_t offset, struct error *err, const char *message)
{
    return error_bad_input(err, file->view.path, offset, "%s", message);
}

static bool read_header(struct snapshot_file *file, struct error *err)
{
    struct snapshot_header *h = &file->header;
    if (file->view.size == 0)
        return refuse(file, ERROR_NO_OFFSET, err, "the file is empty");
    size_t size = file->view.size < sizeof *h ? (size_t)file->view.size : sizeof *h;
    if (!file_view_read(&file->view, 0, h, size, err))
        return false;
    if (memcmp(h->magic, SNAPSHOT_MAGIC, size < sizeof h->magic ? size : sizeof h->magic) != 0)
        return refuse(file, 0, err, "not a snapshot: it does not start as one");
    if (size < sizeof *h)
        return refuse(file, file->view.size, err, "the snapshot was cut inside its header");
    if (h->major > SNAPSHOT_MAJOR)
        return error_bad_input(err, file->view.path, offsetof(struct snapshot_header, major),
                               "snapshot format %u.%u is newer than %u.%u, which this program reads",
                               h->major, h->minor, SNAPSHOT_MAJOR, SNAPSHOT_MINOR);
    if (h->checksum != snapshot_checksum(h, offsetof(struct snapshot_header, checksum)))
        return refuse(file, 0, err, "the header is damaged: its checksum does not match");
    if (h->major != SNAPSHOT_MAJOR)
        return error_bad_input(err, file->view.path, offsetof(struct snapshot_header, major),
                               "snapshot format %u.%u was never in use", h->major, h->minor);
    if (h->header_size < sizeof *h || h->header_size % 8 != 0 || h->header_size > file->view.size)
        return refuse(file, offsetof(struct snapshot_header, header_size), err,
                      "the header's size makes no sense");
    if (h->pointer_size != 8 || h->byte_order != 1)
        return refuse(file, offsetof(struct snapshot_header, pointer_size), err,
                      "a snapshot of a process that is not 64-bit and little-endian");
    return true;
}

static bool read_trailer(struct snapshot_file *file, uint64_t offset, struct snapshot_trailer *t)
{
    return file->view.size >= sizeof *t && offset <= file->view.size - sizeof *t &&
           file_view_read(&file->view, offset, t, sizeof *t, NULL) &&
           memcmp(t->magic, SNAPSHOT_TRAILER_MAGIC, sizeof t->magic) == 0 &&
           t->checksum == snapshot_checksum(t, offsetof(struct snapshot_trailer, checksum)) &&
           t->file_size == offset + sizeof *t && t->contents_offset < offset;
}

/* A block header that can be one: the limits hold and the payload lies in the file. */
static bool read_entry(const struct snapshot_file *file, uint64_t offset, struct snapshot_entry *entry,
                       struct error *err)
{
    struct snapshot_block h;
    uint64_t left = file->view.size - offset;
    *entry = (struct snapshot_entry){.offset = offset};
    if (left < sizeof h)
        return error_set(err, ERROR_BAD_INPUT, "%" PRIu64 " bytes left, a block takes at least %zu", left,
                         sizeof h);
    if (!file_view_read(&file->view, offset, &h, sizeof h, err))
        return false;
    *entry = (struct snapshot_entry){
        .offset = offset,
        .first = h.first_item,
        .extra = h.extra,
        .payload_size = h.payload_size,
        .items = h.item_count,
        .sequence = h.sequence,
        .kind = h.kind,
    };
    if (h.magic != SNAPSHOT_BLOCK_MAGIC)
        return error_set(err, ERROR_BAD_INPUT, "no block starts here");
    if (h.payload_size > SNAPSHOT_MAX_PAYLOAD || h.payload_size % 8 != 0)
        return error_set(err, ERROR_BAD_INPUT, "a payload of %" PRIu64 " bytes", h.payload_size);
    if (h.payload_size > left - sizeof h)
        return error_set(err, ERROR_BAD_INPUT,
                         "the block needs %" PRIu64 " bytes, the file has %" PRIu64 " more",
                         h.payload_size + sizeof h, left);
    return true;
}

static bool whole(struct snapshot_file *file, uint64_t offset, struct snapshot_entry *entry,
                  struct error *err)
{
    if (!read_entry(file, offset, entry, err) || !snapshot_file_read(file, entry, err))
        return false;
    uint32_t most = entry->kind == SNAPSHOT_OBJECTS ? SNAPSHOT_OBJECTS_PER_BLOCK : SNAPSHOT_MAX_ITEMS;
    if (entry->items > most)
        return error_set(err, ERROR_BAD_INPUT, "%u items, %u is the most", entry->items, most);
    return true;
}

/* Takes over the offsets of the contents block, if that is sound and they rise. */
static bool read_contents(struct snapshot_file *file, uint64_t offset, struct error *err)
{
    struct snapshot_entry entry;
    struct snapshot_column column;
    if (!whole(file, offset, &entry, err))
        return false;
    if (entry.kind != SNAPSHOT_CONTENTS)
        return error_set(err, ERROR_BAD_INPUT, "a block of %s where the contents should be",
                         snapshot_kind_name(entry.kind));
    if (!snapshot_file_column(file, CONTENTS_OFFSET, entry.items, false, &column, err))
        return false;
    uint64_t *offsets = malloc(((size_t)entry.items + 1) * sizeof *offsets);
    if (!offsets)
        return error_no_memory(err);
    snapshot_column_read(&column, offsets, entry.items);
    uint64_t last = 0;
    for (uint32_t i = 0; i < entry.items; i++) {
        uint64_t at = offsets[i];
        if (at <= last || at >= offset) {
            free(offsets);
            return error_set(err, ERROR_BAD_INPUT, "entry %u of the contents lies at 0x%" PRIx64, i, at);
        }
        last = at;
    }
    offsets[entry.items] = offset;
    file->contents = offsets;
    file->contents_count = (size_t)entry.items + 1;
    return true;
}

/* Where the walk goes on after the damaged block at `offset`, or 0. */
static uint64_t next_after(const struct snapshot_file *file, const struct snapshot_entry *damaged)
{
    for (size_t i = 0; i < file->contents_count; i++) {
        if (file->contents[i] > damaged->offset)
            return file->contents[i];
    }
    uint64_t next = damaged->offset + sizeof(struct snapshot_block) + damaged->payload_size;
    struct snapshot_entry entry;
    bool follows = damaged->payload_size > 0 && damaged->payload_size <= SNAPSHOT_MAX_PAYLOAD &&
                   next % 8 == 0 && next < file->view.size && read_entry(file, next, &entry, NULL) &&
                   (entry.sequence == damaged->sequence + 1 || entry.kind == SNAPSHOT_CONTENTS);
    return follows ? next : 0;
}

static bool keep(struct snapshot_file *file, const struct snapshot_entry *entry, struct error *err)
{
    void *entries = file->entries;
    bool done = vector_reserve(&entries, &file->entry_capacity, file->entry_count + 1, sizeof *entry, err);
    file->entries = entries;
    if (done)
        file->entries[file->entry_count++] = *entry;
    return done;
}

static void end_here(struct snapshot_file *file, uint64_t end)
{
    struct snapshot_trailer trailer;
    if (!read_trailer(file, end, &trailer))
        snapshot_file_fault(file, end, "trailer", "damaged or cut off");
    else if (trailer.file_size != file->view.size)
        snapshot_file_fault(file, trailer.file_size, "file",
                            "%" PRIu64 " bytes follow the end of the snapshot",
                            file->view.size - trailer.file_size);
}

static bool walk(struct snapshot_file *file, struct error *err)
{
    uint64_t offset = file->header.header_size;
    uint32_t sequence = 0;
    while (offset < file->view.size) {
        struct snapshot_entry entry;
        struct error why;
        if (whole(file, offset, &entry, &why)) {
            if (entry.sequence != sequence)
                snapshot_entry_fault(file, &entry, "comes where block %u should be", sequence);
            sequence = entry.sequence + 1;
            offset += sizeof(struct snapshot_block) + entry.payload_size;
            if (entry.kind == SNAPSHOT_CONTENTS) {
                file->contents_entry = entry;
                end_here(file, offset);
                return true;
            }
            if (!keep(file, &entry, err))
                return false;
            continue;
        }
        if (why.code == ERROR_SYSTEM) {
            *err = why;
            return false;
        }
        uint64_t next = next_after(file, &entry);
        if (next == 0) {
            file->cut = true;
            snapshot_file_fault(file, offset, "file", "cut off or damaged from block %u on: %s", sequence,
                                why.message);
            return true;
        }
        char part[32];
        snprintf(part, sizeof part, "block %u", sequence);
        snapshot_file_fault(file, offset, part, "%s", why.message);
        file->skipped += next - offset;
        offset = next;
        sequence++; /* taken for one block; if it was more, the next one's number says so */
    }
    file->cut = true;
    snapshot_file_fault(file, offset, "file", "cut off after block %u", sequence - 1);
    return true;
}

bool snapshot_scan(struct snapshot_file *file, struct error *err)
{
    if (!read_header(file, err))
        return false;
    struct snapshot_trailer trailer;
    struct error why;
    if (file->view.size >= sizeof trailer && read_trailer(file, file->view.size - sizeof trailer, &trailer) &&
        !read_contents(file, trailer.contents_offset, &why)) {
        if (why.code == ERROR_SYSTEM) {
            *err = why;
            return false;
        }
        snapshot_file_fault(file, trailer.contents_offset, "contents", "%s", why.message);
    }
    if (!walk(file, err))
        return false;
    if (file->entry_count == 0)
        return refuse(file, file->header.header_size, err,
                      "the snapshot was cut before its first whole block");
    return true;
}
