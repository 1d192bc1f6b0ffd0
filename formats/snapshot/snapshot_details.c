#include "formats/snapshot/snapshot_details.h"

#include <stdlib.h>
#include <string.h>

void snapshot_source_destroy(struct snapshot_source *s)
{
    if (!s)
        return;
    snapshot_file_close(&s->file);
    free(s->size);
    free(s->refcount);
    free(s->flags);
    free(s->place);
    free(s);
}

/* An error of a block gets its place, as it goes to the user alone. */
static bool failed(const struct snapshot_source *s, const struct snapshot_entry *entry,
                   const struct error *why, struct error *err)
{
    if (why->code != ERROR_BAD_INPUT) {
        if (err)
            *err = *why;
        return false;
    }
    return error_bad_input(err, s->file.view.path, entry->offset, "block %u (%s): %.400s", entry->sequence,
                           snapshot_kind_name(entry->kind), why->message);
}

static bool decode_details(struct snapshot_source *s, const struct snapshot_entry *entry, uint64_t *size,
                           uint64_t *refcount, uint8_t *flags, struct error *err)
{
    struct snapshot_column sizes, refcounts;
    const uint8_t *bytes;
    struct snapshot_file *f = &s->file;
    if (!snapshot_file_read(f, entry, err) ||
        !snapshot_file_column(f, OBJECTS_SIZE, entry->items, false, &sizes, err) ||
        !snapshot_file_column(f, OBJECTS_REFCOUNT, entry->items, false, &refcounts, err) ||
        !snapshot_file_bytes(f, OBJECTS_FLAGS, entry->items, &bytes, err))
        return false;
    snapshot_column_read(&sizes, size, entry->items);
    snapshot_column_read(&refcounts, refcount, entry->items);
    if (entry->items > 0)
        memcpy(flags, bytes, entry->items);
    const struct heap *heap = s->heap;
    const shape_id *shape = heap->shape + entry->first;
    for (uint32_t i = 0; i < entry->items; i++)
        size[i] = size[i] ? size[i] - 1 : heap->shapes[shape[i]].base_size;
    return true;
}

/* The objects are the first blocks of that kind, without gaps, up to the heap's last object. */
static bool is_used(const struct snapshot_source *s, const struct snapshot_entry *entry)
{
    return entry->kind == SNAPSHOT_OBJECTS && entry->items > 0 &&
           entry->first + entry->items - 1 <= s->heap->object_count;
}

static bool load_details(void *self, uint64_t *size, uint64_t *refcount, uint8_t *flags, struct error *err)
{
    struct snapshot_source *s = self;
    for (size_t i = 0; i < s->file.entry_count; i++) {
        const struct snapshot_entry *entry = &s->file.entries[i];
        struct error why;
        if (is_used(s, entry) && !decode_details(s, entry, size + entry->first, refcount + entry->first,
                                                 flags + entry->first, &why))
            return failed(s, entry, &why, err);
    }
    snapshot_file_rest(&s->file);
    return true;
}

static bool make_room(struct snapshot_source *s, struct error *err)
{
    if (!s->size)
        s->size = malloc(SNAPSHOT_OBJECTS_PER_BLOCK * sizeof *s->size);
    if (!s->refcount)
        s->refcount = malloc(SNAPSHOT_OBJECTS_PER_BLOCK * sizeof *s->refcount);
    if (!s->flags)
        s->flags = malloc(SNAPSHOT_OBJECTS_PER_BLOCK);
    return (s->size && s->refcount && s->flags) || error_no_memory(err);
}

static bool each_details(void *self, heap_details_visitor *visit, void *context, struct error *err)
{
    struct snapshot_source *s = self;
    s->cached = NULL;
    if (!make_room(s, err))
        return false;
    for (size_t i = 0; i < s->file.entry_count; i++) {
        const struct snapshot_entry *entry = &s->file.entries[i];
        struct error why;
        if (!is_used(s, entry))
            continue;
        if (!decode_details(s, entry, s->size, s->refcount, s->flags, &why))
            return failed(s, entry, &why, err);
        visit(context, (object_id)entry->first, entry->items, s->size, s->refcount, s->flags);
    }
    snapshot_file_rest(&s->file);
    return true;
}

static const struct snapshot_entry *entry_of(const struct snapshot_source *s, object_id id)
{
    for (size_t i = 0; i < s->file.entry_count; i++) {
        const struct snapshot_entry *entry = &s->file.entries[i];
        if (is_used(s, entry) && id >= entry->first && id - entry->first < entry->items)
            return entry;
    }
    return NULL;
}

static bool detail(void *self, object_id id, struct heap_detail *ret, struct error *err)
{
    struct snapshot_source *s = self;
    bool hit = s->cached && id >= s->cached->first && id - s->cached->first < s->cached->items;
    if (!hit) {
        const struct snapshot_entry *entry = entry_of(s, id);
        if (!entry)
            return error_set(err, ERROR_NOT_FOUND, "no object %u", id);
        if (!make_room(s, err))
            return false;
        struct error why;
        s->cached = NULL;
        if (!decode_details(s, entry, s->size, s->refcount, s->flags, &why))
            return failed(s, entry, &why, err);
        s->cached = entry;
    }
    size_t at = (size_t)(id - s->cached->first);
    *ret = (struct heap_detail){.size = s->size[at], .refcount = s->refcount[at], .flags = s->flags[at]};
    return true;
}

static bool load_block_of_previews(struct snapshot_source *s, const struct snapshot_entry *entry,
                                   struct error *err)
{
    struct snapshot_column object, full_length, length;
    const uint8_t *kind, *text;
    size_t left;
    struct snapshot_file *f = &s->file;
    if (!snapshot_file_read(f, entry, err) ||
        !snapshot_file_column(f, PREVIEWS_OBJECT, entry->items, false, &object, err) ||
        !snapshot_file_bytes(f, PREVIEWS_KIND, entry->items, &kind, err) ||
        !snapshot_file_column(f, PREVIEWS_FULL_LENGTH, entry->items, false, &full_length, err) ||
        !snapshot_file_column(f, PREVIEWS_LENGTH, entry->items, false, &length, err) ||
        !snapshot_file_stream(f, PREVIEWS_TEXT, &text, &left, err))
        return false;
    uint64_t id = 0;
    for (uint32_t i = 0; i < entry->items; i++) {
        id += (uint64_t)snapshot_unzigzag(snapshot_column_next(&object));
        uint64_t full = snapshot_column_next(&full_length), size = snapshot_column_next(&length);
        if (size > left)
            return error_set(err, ERROR_BAD_INPUT, "a text of %llu bytes, %zu left", (unsigned long long)size,
                             left);
        /* Previews of lost objects are lost with them; kinds of a newer version say nothing to us. */
        bool usable =
            id >= 1 && id <= s->heap->object_count && kind[i] > PREVIEW_NONE && kind[i] < PREVIEW_KINDS;
        if (usable && !heap_add_preview(s->heap, (object_id)id, (enum preview_kind)kind[i], full, text,
                                        (uint32_t)size, err))
            return false;
        text += size;
        left -= (size_t)size;
    }
    if (left != 0)
        return error_set(err, ERROR_BAD_INPUT, "%zu bytes after the last text", left);
    return true;
}

static bool check_previews(void *self, struct error *err)
{
    struct snapshot_source *s = self;
    for (size_t i = 0; i < s->file.entry_count; i++) {
        const struct snapshot_entry *entry = &s->file.entries[i];
        struct error why;
        if (entry->kind == SNAPSHOT_PREVIEWS && !snapshot_file_read(&s->file, entry, &why))
            return failed(s, entry, &why, err);
    }
    snapshot_file_rest(&s->file);
    return true;
}

static bool load_previews(void *self, struct error *err)
{
    struct snapshot_source *s = self;
    uint64_t count = 0;
    for (size_t i = 0; i < s->file.entry_count; i++)
        count += s->file.entries[i].kind == SNAPSHOT_PREVIEWS ? s->file.entries[i].items : 0;
    heap_expect_previews(s->heap, count);
    for (size_t i = 0; i < s->file.entry_count; i++) {
        const struct snapshot_entry *entry = &s->file.entries[i];
        struct error why;
        if (entry->kind == SNAPSHOT_PREVIEWS && !load_block_of_previews(s, entry, &why))
            return failed(s, entry, &why, err);
    }
    snapshot_file_rest(&s->file);
    return true;
}

/* Greater places than 32 bits hold are unknown. */
static bool decode_places(struct snapshot_source *s, const struct snapshot_entry *entry, uint32_t *to,
                          struct error *err)
{
    struct snapshot_column column;
    uint64_t chunk[SNAPSHOT_CHUNK];
    if (!snapshot_file_read(&s->file, entry, err) ||
        !snapshot_file_column(&s->file, PLACES_PLACE, entry->items, false, &column, err))
        return false;
    while (column.left > 0) {
        uint32_t n = column.left < SNAPSHOT_CHUNK ? column.left : SNAPSHOT_CHUNK;
        snapshot_column_read(&column, chunk, n);
        for (uint32_t i = 0; i < n; i++)
            to[i] = chunk[i] < UINT32_MAX ? (uint32_t)chunk[i] : UINT32_MAX;
        to += n;
    }
    return true;
}

static bool place(void *self, uint64_t index, uint32_t *ret, bool *decoded)
{
    struct snapshot_source *s = self;
    const struct snapshot_entry *cached = s->cached_places;
    if (!cached || index < cached->first || index - cached->first >= cached->items) {
        cached = NULL;
        for (size_t i = 0; i < s->file.entry_count && !cached; i++) {
            const struct snapshot_entry *entry = &s->file.entries[i];
            if (entry->kind == SNAPSHOT_PLACES && index >= entry->first &&
                index - entry->first < entry->items)
                cached = entry;
        }
        if (!s->place)
            s->place = malloc(SNAPSHOT_PLACES_PER_BLOCK * sizeof *s->place);
        s->cached_places = NULL;
        *decoded = true;
        struct error ignored;
        if (!cached || !s->place || !decode_places(s, cached, s->place, &ignored))
            return false;
        s->cached_places = cached;
    }
    *ret = s->place[index - cached->first];
    return true;
}

static bool load_places(void *self, uint32_t *to, uint64_t count, struct error *err)
{
    struct snapshot_source *s = self;
    for (size_t i = 0; i < s->file.entry_count; i++) {
        const struct snapshot_entry *entry = &s->file.entries[i];
        struct error why;
        if (entry->kind == SNAPSHOT_PLACES && entry->first < count && entry->items <= count - entry->first &&
            !decode_places(s, entry, to + entry->first, &why))
            return failed(s, entry, &why, err);
    }
    snapshot_file_rest(&s->file);
    return true;
}

static void close_source(void *self)
{
    snapshot_source_destroy(self);
}

struct heap_source snapshot_source_functions(struct snapshot_source *source)
{
    return (struct heap_source){
        .self = source,
        .load_details = load_details,
        .each_details = each_details,
        .detail = detail,
        .check_previews = check_previews,
        .load_previews = load_previews,
        .place = place,
        .load_places = load_places,
        .close = close_source,
    };
}
