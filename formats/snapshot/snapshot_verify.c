#include "formats/snapshot/snapshot_verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "formats/snapshot/snapshot_reader.h"
#include "lib/heap/heap_verify.h"

/* What all checks report to: counts and passes on. */
struct counter {
    struct snapshot_faults next;
    uint64_t faults;
};

static void count(void *context, uint64_t offset, const char *part, const char *message)
{
    struct counter *c = context;
    c->faults++;
    if (c->next.report)
        c->next.report(c->next.context, offset, part, message);
}

static void heap_is_wrong(void *context, const char *part, const char *message)
{
    count(context, ERROR_NO_OFFSET, part, message);
}

/* Streams with greater ids come from a newer minor version; nothing is known about them. */
static const unsigned last_stream[SNAPSHOT_BLOCK_KINDS] = {
    [SNAPSHOT_FACTS] = FACTS_RECORDS,
    [SNAPSHOT_STRINGS] = STRINGS_BYTES,
    [SNAPSHOT_TYPES] = TYPES_LABEL + 1,
    [SNAPSHOT_SHAPES] = SHAPES_FIELD_NUMBER + 1,
    [SNAPSHOT_THREADS] = THREADS_INTERPRETER + 1,
    [SNAPSHOT_FRAMES] = FRAMES_CODE + 1,
    [SNAPSHOT_ROOTS] = ROOTS_FRAME + 1,
    [SNAPSHOT_OBJECTS] = OBJECTS_DEGREE + 1,
    [SNAPSHOT_EDGES] = EDGES_TARGET + 1,
    [SNAPSHOT_PREVIEWS] = PREVIEWS_TEXT,
    [SNAPSHOT_CONTENTS] = CONTENTS_FIRST + 1,
    [SNAPSHOT_PLACES] = PLACES_PLACE + 1,
};

static bool check_streams(struct snapshot_file *file, const struct snapshot_entry *entry, struct error *err)
{
    const uint8_t *data, *bytes;
    size_t size, bytes_size;
    for (unsigned i = 0; i < file->stream_count; i++) {
        unsigned id = file->streams[i].id;
        if (!snapshot_file_stream(file, id, &data, &size, err))
            return false;
        /* Of the streams known here, an even one followed by its odd one is an integer column. */
        if (id % 2 != 0 || entry->kind >= SNAPSHOT_BLOCK_KINDS || id > last_stream[entry->kind] ||
            !snapshot_file_has(file, id + 1))
            continue;
        if (!snapshot_file_stream(file, id + 1, &bytes, &bytes_size, err))
            return false;
        struct snapshot_column column;
        struct error why;
        /* An unused last nibble is 0 and reads as one more value; how many there are is checked where it is
         * known. */
        if (!snapshot_column_open(&column, data, size, bytes, bytes_size, (uint32_t)size * 2, true, &why))
            return error_set(err, ERROR_BAD_INPUT, "column %u: %.400s", id, why.message);
        if (!snapshot_column_is_shortest(&column))
            return error_set(err, ERROR_BAD_INPUT, "column %u: a value with leading zero bytes", id);
    }
    return true;
}

static bool check_details(struct snapshot_file *file, const struct snapshot_entry *entry, struct error *err)
{
    struct snapshot_column column;
    const uint8_t *bytes;
    return snapshot_file_column(file, OBJECTS_SIZE, entry->items, false, &column, err) &&
           snapshot_file_column(file, OBJECTS_REFCOUNT, entry->items, false, &column, err) &&
           snapshot_file_bytes(file, OBJECTS_FLAGS, entry->items, &bytes, err);
}

static bool check_previews(struct snapshot_file *file, const struct snapshot_entry *entry, uint64_t objects,
                           struct error *err)
{
    struct snapshot_column object, full_length, length;
    const uint8_t *kind, *text;
    size_t left;
    if (!snapshot_file_column(file, PREVIEWS_OBJECT, entry->items, false, &object, err) ||
        !snapshot_file_bytes(file, PREVIEWS_KIND, entry->items, &kind, err) ||
        !snapshot_file_column(file, PREVIEWS_FULL_LENGTH, entry->items, false, &full_length, err) ||
        !snapshot_file_column(file, PREVIEWS_LENGTH, entry->items, false, &length, err) ||
        !snapshot_file_stream(file, PREVIEWS_TEXT, &text, &left, err))
        return false;
    uint64_t id = 0;
    for (uint32_t i = 0; i < entry->items; i++) {
        id += (uint64_t)snapshot_unzigzag(snapshot_column_next(&object));
        uint64_t size = snapshot_column_next(&length);
        if (id == 0 || id > objects)
            return error_set(err, ERROR_BAD_INPUT, "a preview of object %" PRIu64 ", there are %" PRIu64, id,
                             objects);
        if (kind[i] == PREVIEW_NONE || kind[i] >= PREVIEW_KINDS)
            return error_set(err, ERROR_BAD_INPUT, "a preview of the unknown kind %u", kind[i]);
        if (size > left || size >= SNAPSHOT_MAX_STREAM)
            return error_set(err, ERROR_BAD_INPUT, "a text of %" PRIu64 " bytes, %zu left", size, left);
        left -= (size_t)size;
    }
    return left == 0 || error_set(err, ERROR_BAD_INPUT, "%zu bytes after the last text", left);
}

static bool check_places(struct snapshot_file *file, const struct snapshot_entry *entry, struct error *err)
{
    struct snapshot_column column;
    return snapshot_file_column(file, PLACES_PLACE, entry->items, false, &column, err);
}

/* Every native reference has its place. Of a damaged file that is too much to ask. */
static void count_places(struct snapshot_file *file, const struct heap *heap)
{
    uint64_t places = 0, references = heap_count_places(heap);
    for (size_t i = 0; i < file->entry_count; i++)
        places += file->entries[i].kind == SNAPSHOT_PLACES ? file->entries[i].items : 0;
    if (heap->complete && places != references)
        snapshot_file_fault(file, file->view.size, "places",
                            "there are %" PRIu64 " for %" PRIu64 " native references", places, references);
}

/* Every block on its own. `objects` is how many there are, those lost included. */
static bool check_blocks(struct snapshot_file *file, uint64_t objects, struct error *err)
{
    for (size_t i = 0; i < file->entry_count; i++) {
        const struct snapshot_entry *entry = &file->entries[i];
        struct error why;
        bool done = snapshot_file_read(file, entry, &why) && check_streams(file, entry, &why);
        if (done && entry->kind == SNAPSHOT_OBJECTS)
            done = check_details(file, entry, &why);
        else if (done && entry->kind == SNAPSHOT_PREVIEWS)
            done = check_previews(file, entry, objects, &why);
        else if (done && entry->kind == SNAPSHOT_PLACES)
            done = check_places(file, entry, &why);
        if (!done && why.code == ERROR_SYSTEM) {
            *err = why;
            return false;
        }
        if (!done)
            snapshot_entry_fault(file, entry, "%s", why.message);
    }
    return true;
}

/* The contents against the blocks that were found by walking. */
static bool check_contents(struct snapshot_file *file, struct error *err)
{
    const struct snapshot_entry *contents = &file->contents_entry;
    struct snapshot_column kind, offset, items, first;
    if (!snapshot_file_read(file, contents, err) ||
        !snapshot_file_column(file, CONTENTS_KIND, contents->items, false, &kind, err) ||
        !snapshot_file_column(file, CONTENTS_OFFSET, contents->items, false, &offset, err) ||
        !snapshot_file_column(file, CONTENTS_ITEMS, contents->items, false, &items, err) ||
        !snapshot_file_column(file, CONTENTS_FIRST, contents->items, false, &first, err))
        return false;
    size_t next = 0;
    for (uint32_t i = 0; i < contents->items; i++) {
        uint64_t k = snapshot_column_next(&kind), at = snapshot_column_next(&offset);
        uint64_t n = snapshot_column_next(&items), number = snapshot_column_next(&first);
        while (next < file->entry_count && file->entries[next].offset < at)
            snapshot_entry_fault(file, &file->entries[next++], "the contents do not name it");
        if (next == file->entry_count || file->entries[next].offset != at) {
            snapshot_file_fault(file, at, "contents",
                                "the block of %" PRIu64 " %s that should be here is lost", n,
                                snapshot_kind_name(k < SNAPSHOT_BLOCK_KINDS ? (unsigned)k : 0));
            continue;
        }
        const struct snapshot_entry *entry = &file->entries[next++];
        if (entry->kind != k || entry->items != n || entry->first != number)
            snapshot_entry_fault(file, entry, "the contents describe it differently");
    }
    while (next < file->entry_count)
        snapshot_entry_fault(file, &file->entries[next++], "the contents do not name it");
    return true;
}

/* What opening does not look at. */
static bool check_file(const char *path, struct counter *counter, const struct heap *heap, struct error *err)
{
    uint64_t objects = heap->object_count + heap->objects_lost;
    struct snapshot_file file;
    struct error why;
    if (!snapshot_file_open(&file, path, (struct snapshot_faults){0}, err)) /* its faults are known already */
        return false;
    file.faults = (struct snapshot_faults){.report = count, .context = counter};
    bool done = check_blocks(&file, objects, err);
    if (done)
        count_places(&file, heap);
    if (done && file.contents_entry.offset != 0 && !check_contents(&file, &why)) {
        done = why.code != ERROR_SYSTEM;
        if (done)
            snapshot_file_fault(&file, file.contents_entry.offset, "contents", "%s", why.message);
        else
            *err = why;
    }
    snapshot_file_close(&file);
    return done;
}

bool snapshot_verify(const char *path, struct snapshot_faults faults, struct snapshot_verdict *ret,
                     struct error *err)
{
    struct counter counter = {.next = faults};
    struct error ignored;
    err = err ? err : &ignored;
    *ret = (struct snapshot_verdict){0};
    struct heap *heap =
        snapshot_open_reporting(path, (struct snapshot_faults){.report = count, .context = &counter}, err);
    if (!heap)
        return false;
    if (counter.faults == 0 && !heap->complete) { /* found only when all was put together */
        for (uint32_t i = 0; i < heap->loss_count; i++)
            count(&counter, ERROR_NO_OFFSET, "references", heap->warnings[i]);
    }
    /* Details that cannot be decoded are a fault of their block, which check_file reports. */
    bool done = heap_load_details(heap, err) || err->code != ERROR_SYSTEM;
    done = done && check_file(path, &counter, heap, err) &&
           heap_verify(heap, heap_is_wrong, &counter, err) != UINT64_MAX;
    *ret = (struct snapshot_verdict){
        .faults = counter.faults,
        .objects = heap->object_count,
        .edges = heap->edges.item_count,
        .roots = heap->root_count,
        .objects_lost = heap->objects_lost,
        .edges_lost = heap->edges_lost,
    };
    heap_destroy(heap);
    return done;
}
