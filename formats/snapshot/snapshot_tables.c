#include "formats/snapshot/snapshot_tables.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/vector.h"

enum { MAX_COLUMNS = 13 };
#define LOST "<lost>"

/* What a block's items are decoded with. */
struct block {
    struct snapshot_tables *tables;
    const struct snapshot_entry *entry;
    struct snapshot_column columns[MAX_COLUMNS]; /* column i has stream ids 2 * i and 2 * i + 1 */
    bool has_label;                              /* types: since 1.1 */
};

static uint64_t value(struct block *b, unsigned id)
{
    return snapshot_column_next(&b->columns[id / 2]);
}

/* Columns `first` to `last` (stream ids), `count` values each. */
static bool open_columns(struct block *b, unsigned first, unsigned last, uint32_t count, struct error *err)
{
    for (unsigned id = first; id <= last; id += 2) {
        bool addresses = b->entry->kind == SNAPSHOT_TYPES && id == TYPES_ADDRESS;
        if (!snapshot_file_column(b->tables->file, id, count, addresses, &b->columns[id / 2], err))
            return false;
    }
    return true;
}

/* The sum of a column that is read later; the values say how many items of another kind follow. */
static bool sum(const struct block *b, unsigned id, uint32_t *ret, struct error *err)
{
    struct snapshot_column copy = b->columns[id / 2];
    uint64_t total = 0;
    while (copy.left > 0) {
        uint64_t n = snapshot_column_next(&copy);
        if (n > SNAPSHOT_MAX_ITEMS || (total += n) > SNAPSHOT_MAX_ITEMS)
            return error_set(err, ERROR_BAD_INPUT, "column %u: more than %d items in all", id,
                             SNAPSHOT_MAX_ITEMS);
    }
    *ret = (uint32_t)total;
    return true;
}

static uint32_t string(struct block *b, uint64_t id)
{
    struct snapshot_tables *t = b->tables;
    if (id <= t->end[SNAPSHOT_STRINGS])
        return (uint32_t)id;
    if (!t->lost_string)
        snapshot_entry_fault(t->file, b->entry, "string %llu is not in the file", (unsigned long long)id);
    t->lost_string = true;
    return (uint32_t)t->end[SNAPSHOT_STRINGS] + 1;
}

/* An id of another table, or 0 if there is no such item. */
static uint32_t item(struct block *b, unsigned kind, uint64_t id)
{
    if (id <= b->tables->end[kind])
        return (uint32_t)id;
    snapshot_entry_fault(b->tables->file, b->entry, "%s %llu is not in the file", snapshot_kind_name(kind),
                         (unsigned long long)id);
    return 0;
}

/* An object id. Those of lost objects are no fault of their own; the builder drops them. */
static object_id object(struct block *b, uint64_t id)
{
    struct snapshot_file *file = b->tables->file;
    if (id <= b->tables->end[SNAPSHOT_OBJECTS])
        return (object_id)id;
    if (file->fault_count == 0)
        snapshot_entry_fault(file, b->entry, "object %llu is not in the file", (unsigned long long)id);
    return UINT32_MAX;
}

static uint32_t small(uint64_t number)
{
    return number < UINT32_MAX ? (uint32_t)number : UINT32_MAX;
}

/* A number of a closed vocabulary; what is not in it becomes `other`. */
static uint8_t known(struct block *b, const char *what, uint64_t number, unsigned limit, unsigned other)
{
    if (number < limit)
        return (uint8_t)number;
    snapshot_entry_fault(b->tables->file, b->entry, "unknown %s %llu", what, (unsigned long long)number);
    return (uint8_t)other;
}

static bool put_fact(struct block *b, struct bytes *in, struct error *err)
{
    char key[256];
    struct heap_fact fact = {.key = key};
    uint8_t type = bytes_u8(in, "fact");
    uint8_t key_length = bytes_u8(in, "key length");
    const uint8_t *name = bytes_take(in, key_length, "key");
    fact.length = bytes_u32(in, "value length");
    const uint8_t *text = bytes_take(in, fact.length, "value");
    if (!name || !text)
        return false;
    memcpy(key, name, key_length);
    key[key_length] = '\0';
    fact.type = (enum heap_fact_type)type;
    fact.text = (const char *)text;
    if (type == SNAPSHOT_FACT_U64 || type == SNAPSHOT_FACT_I64 || type == SNAPSHOT_FACT_F64) {
        if (fact.length != 8)
            return bytes_fail(in, "fact %s: %u bytes for a number", key, fact.length);
        memcpy(&fact.u64, text, 8);
        memcpy(&fact.i64, text, 8);
        memcpy(&fact.f64, text, 8);
        fact.u64 = type == SNAPSHOT_FACT_U64 ? fact.u64 : 0;
        fact.i64 = type == SNAPSHOT_FACT_I64 ? fact.i64 : 0;
        fact.f64 = type == SNAPSHOT_FACT_F64 ? fact.f64 : 0;
    } else if (type != SNAPSHOT_FACT_TEXT && type != SNAPSHOT_FACT_LIST) {
        return true; /* of a newer minor version */
    }
    return heap_builder_fact(b->tables->builder, &fact, err);
}

static bool put_facts(struct block *b, struct error *err)
{
    const uint8_t *data;
    size_t size;
    if (!snapshot_file_stream(b->tables->file, FACTS_RECORDS, &data, &size, err))
        return false;
    struct bytes in = bytes_over(data, size, 0, NULL, err);
    for (uint32_t i = 0; i < b->entry->items; i++) {
        if (!put_fact(b, &in, err))
            return false;
    }
    if (bytes_left(&in) != 0)
        return error_set(err, ERROR_BAD_INPUT, "%zu bytes after the last fact", bytes_left(&in));
    return true;
}

static bool put_strings(struct block *b, struct error *err)
{
    const uint8_t *text;
    size_t size;
    if (!open_columns(b, STRINGS_LENGTH, STRINGS_LENGTH, b->entry->items, err) ||
        !snapshot_file_stream(b->tables->file, STRINGS_BYTES, &text, &size, err))
        return false;
    struct snapshot_column lengths = b->columns[0];
    size_t left = size;
    while (lengths.left > 0) {
        uint64_t length = snapshot_column_next(&lengths);
        if (length > left)
            return error_set(err, ERROR_BAD_INPUT, "a text of %llu bytes, %zu left",
                             (unsigned long long)length, left);
        left -= (size_t)length;
    }
    if (left != 0)
        return error_set(err, ERROR_BAD_INPUT, "%zu bytes after the last text", left);
    for (uint32_t i = 0; i < b->entry->items; i++) {
        size_t length = (size_t)value(b, STRINGS_LENGTH);
        if (!heap_builder_string(b->tables->builder, (const char *)text, length, err))
            return false;
        text += length;
        b->tables->put[SNAPSHOT_STRINGS]++;
    }
    return true;
}

static type_id type_of(struct block *b, uint64_t id)
{
    struct snapshot_tables *t = b->tables;
    if (id >= 1 && id <= t->end[SNAPSHOT_TYPES])
        return (type_id)id;
    if (!t->lost_type)
        snapshot_entry_fault(t->file, b->entry, "type %llu is not in the file", (unsigned long long)id);
    t->lost_type = true;
    return (type_id)t->end[SNAPSHOT_TYPES] + 1;
}

static bool put_type(struct block *b, uint64_t address, struct heap_member *members, struct error *err)
{
    struct heap_type type = {
        .name = string(b, value(b, TYPES_NAME)),
        .module = string(b, value(b, TYPES_MODULE)),
        .address = address,
        .object = object(b, value(b, TYPES_OBJECT)),
        .flags = small(value(b, TYPES_FLAGS)),
        .family = (enum family)known(b, "family", value(b, TYPES_FAMILY), FAMILIES, FAMILY_OTHER),
        .basic_size = value(b, TYPES_BASIC_SIZE),
        .item_size = value(b, TYPES_ITEM_SIZE),
        .base = item(b, SNAPSHOT_TYPES, value(b, TYPES_BASE)),
        .member_count = (uint32_t)value(b, TYPES_MEMBER_COUNT),
    };
    for (uint32_t i = 0; i < type.member_count; i++) {
        members[i].offset = value(b, TYPES_MEMBER_OFFSET);
        members[i].name = string(b, value(b, TYPES_MEMBER_NAME));
    }
    if (b->has_label)
        type.label = known(b, "label", value(b, TYPES_LABEL), TYPE_LABELS, LABEL_RUNTIME);
    return heap_builder_type(b->tables->builder, &type, members, err) != 0;
}

static bool put_types(struct block *b, struct error *err)
{
    uint32_t count;
    if (!open_columns(b, TYPES_NAME, TYPES_MEMBER_COUNT, b->entry->items, err) ||
        !sum(b, TYPES_MEMBER_COUNT, &count, err) ||
        !open_columns(b, TYPES_MEMBER_OFFSET, TYPES_MEMBER_NAME, count, err))
        return false;
    b->has_label = snapshot_file_has(b->tables->file, TYPES_LABEL);
    if (b->has_label && !open_columns(b, TYPES_LABEL, TYPES_LABEL, b->entry->items, err))
        return false;
    struct heap_member *members = malloc(((size_t)count + 1) * sizeof *members);
    bool done = members || error_no_memory(err);
    for (uint32_t i = 0; done && i < b->entry->items; i++) {
        uint64_t address;
        snapshot_column_read_addresses(&b->columns[TYPES_ADDRESS / 2], &address, 1);
        done = put_type(b, address, members, err);
        b->tables->put[SNAPSHOT_TYPES] += done;
    }
    free(members);
    return done;
}

/* Notes how many fields the next shape has, for the degrees of its objects. */
static bool note_shape(struct snapshot_tables *t, uint32_t field_count, struct error *err)
{
    void *counts = t->field_count;
    size_t id = (size_t)t->put[SNAPSHOT_SHAPES] + 1;
    bool done = vector_reserve(&counts, &t->field_count_capacity, id + 1, sizeof *t->field_count, err);
    t->field_count = counts;
    if (!done)
        return false;
    t->field_count[0] = SNAPSHOT_LOST_SHAPE;
    t->field_count[id] = field_count;
    t->put[SNAPSHOT_SHAPES]++;
    return true;
}

static bool put_shape(struct block *b, struct heap_field *fields, struct error *err)
{
    struct heap_shape shape = {
        .type = type_of(b, value(b, SHAPES_TYPE)),
        .base_size = value(b, SHAPES_BASE_SIZE),
        .tail = known(b, "tail", value(b, SHAPES_TAIL), TAIL_KINDS, TAIL_FIELDS),
        .tail_start = value(b, SHAPES_TAIL_START),
        .field_count = (uint32_t)value(b, SHAPES_FIELD_COUNT),
    };
    for (uint32_t i = 0; i < shape.field_count; i++) {
        uint64_t kind = value(b, SHAPES_FIELD_KIND);
        fields[i] = (struct heap_field){
            .kind = known(b, "kind of reference", kind ? kind : UINT64_MAX, REFERENCE_KINDS, REFERENCE_FIELD),
            .certainty = value(b, SHAPES_FIELD_CERTAINTY) ? CERTAINTY_UNCERTAIN : CERTAINTY_EXACT,
            .name = string(b, value(b, SHAPES_FIELD_NAME)),
            .number = snapshot_unzigzag(value(b, SHAPES_FIELD_NUMBER)),
        };
    }
    return heap_builder_shape(b->tables->builder, &shape, fields, err) != 0 &&
           note_shape(b->tables, shape.field_count, err);
}

static bool put_shapes(struct block *b, struct error *err)
{
    uint32_t count;
    if (!open_columns(b, SHAPES_TYPE, SHAPES_FIELD_COUNT, b->entry->items, err) ||
        !sum(b, SHAPES_FIELD_COUNT, &count, err) ||
        !open_columns(b, SHAPES_FIELD_KIND, SHAPES_FIELD_NUMBER, count, err))
        return false;
    struct heap_field *fields = malloc(((size_t)count + 1) * sizeof *fields);
    bool done = fields || error_no_memory(err);
    for (uint32_t i = 0; done && i < b->entry->items; i++)
        done = put_shape(b, fields, err);
    free(fields);
    return done;
}

static bool put_threads(struct block *b, struct error *err)
{
    if (!open_columns(b, THREADS_IDENT, THREADS_INTERPRETER, b->entry->items, err))
        return false;
    for (uint32_t i = 0; i < b->entry->items; i++) {
        struct heap_thread thread = {
            .ident = value(b, THREADS_IDENT),
            .native = value(b, THREADS_NATIVE),
            .name = string(b, value(b, THREADS_NAME)),
            .flags = small(value(b, THREADS_FLAGS)),
            .interpreter = small(value(b, THREADS_INTERPRETER)),
        };
        if (!heap_builder_thread(b->tables->builder, &thread, err))
            return false;
        b->tables->put[SNAPSHOT_THREADS]++;
    }
    return true;
}

static bool put_frames(struct block *b, struct error *err)
{
    if (!open_columns(b, FRAMES_THREAD, FRAMES_CODE, b->entry->items, err))
        return false;
    for (uint32_t i = 0; i < b->entry->items; i++) {
        struct heap_frame frame = {
            .thread = item(b, SNAPSHOT_THREADS, value(b, FRAMES_THREAD)),
            .depth = small(value(b, FRAMES_DEPTH)),
            .function = string(b, value(b, FRAMES_FUNCTION)),
            .module = string(b, value(b, FRAMES_MODULE)),
            .file = string(b, value(b, FRAMES_FILE)),
            .line = small(value(b, FRAMES_LINE)),
            .code = object(b, value(b, FRAMES_CODE)),
        };
        if (!heap_builder_frame(b->tables->builder, &frame, err))
            return false;
        b->tables->put[SNAPSHOT_FRAMES]++;
    }
    return true;
}

static bool put_roots(struct block *b, struct error *err)
{
    if (!open_columns(b, ROOTS_KIND, ROOTS_FRAME, b->entry->items, err))
        return false;
    for (uint32_t i = 0; i < b->entry->items; i++) {
        struct heap_root root = {
            .kind = known(b, "kind of root", value(b, ROOTS_KIND), ROOT_KINDS, ROOT_NONE),
            .reference =
                known(b, "kind of reference", value(b, ROOTS_REFERENCE), REFERENCE_KINDS, REFERENCE_FIELD),
            .certainty = value(b, ROOTS_CERTAINTY) ? CERTAINTY_UNCERTAIN : CERTAINTY_EXACT,
            .name = string(b, value(b, ROOTS_NAME)),
            .number = snapshot_unzigzag(value(b, ROOTS_NUMBER)),
            .target = object(b, value(b, ROOTS_TARGET)),
            .thread = item(b, SNAPSHOT_THREADS, value(b, ROOTS_THREAD)),
            .frame = item(b, SNAPSHOT_FRAMES, value(b, ROOTS_FRAME)),
        };
        if (root.kind == ROOT_NONE)
            snapshot_entry_fault(b->tables->file, b->entry, "root %u says nothing", i);
        else if (!heap_builder_root(b->tables->builder, &root, err))
            return false;
    }
    return true;
}

/* Placeholders up to item `upto` of a table. Nothing for facts and roots, which have no ids. */
static bool fill(struct snapshot_tables *t, unsigned kind, uint64_t upto, struct error *err)
{
    while (t->put[kind] < upto) {
        uint32_t id = 0;
        if (kind == SNAPSHOT_STRINGS) {
            id = heap_builder_string(t->builder, LOST, strlen(LOST), err);
        } else if (kind == SNAPSHOT_TYPES) {
            t->lost_string = true;
            id = heap_builder_type(
                t->builder, &(struct heap_type){.name = (string_id)t->end[SNAPSHOT_STRINGS] + 1}, NULL, err);
        } else if (kind == SNAPSHOT_SHAPES) {
            t->lost_type = true;
            struct heap_shape shape = {.type = (type_id)t->end[SNAPSHOT_TYPES] + 1, .tail = TAIL_FIELDS};
            id = heap_builder_shape(t->builder, &shape, NULL, err);
            if (id == 0 || !note_shape(t, SNAPSHOT_LOST_SHAPE, err))
                return false;
            continue;
        } else if (kind == SNAPSHOT_THREADS) {
            id = heap_builder_thread(t->builder, &(struct heap_thread){0}, err);
        } else if (kind == SNAPSHOT_FRAMES) {
            id = heap_builder_frame(t->builder, &(struct heap_frame){0}, err);
        }
        if (id == 0)
            return false;
        t->put[kind]++;
    }
    return true;
}

bool snapshot_tables_read(struct snapshot_tables *t, const struct snapshot_entry *entry, struct error *err)
{
    static bool (*const readers[SNAPSHOT_BLOCK_KINDS])(struct block *, struct error *) = {
        [SNAPSHOT_FACTS] = put_facts,   [SNAPSHOT_STRINGS] = put_strings, [SNAPSHOT_TYPES] = put_types,
        [SNAPSHOT_SHAPES] = put_shapes, [SNAPSHOT_THREADS] = put_threads, [SNAPSHOT_FRAMES] = put_frames,
        [SNAPSHOT_ROOTS] = put_roots,
    };
    if (entry->kind >= SNAPSHOT_BLOCK_KINDS || !readers[entry->kind])
        return true;
    bool has_ids = entry->kind != SNAPSHOT_FACTS && entry->kind != SNAPSHOT_ROOTS;
    struct error why;
    struct block b = {.tables = t, .entry = entry};
    if (has_ids && !fill(t, entry->kind, entry->first - 1, err))
        return false;
    if (!snapshot_file_read(t->file, entry, &why) || !readers[entry->kind](&b, &why)) {
        if (why.code == ERROR_SYSTEM) {
            *err = why;
            return false;
        }
        snapshot_entry_fault(t->file, entry, "%s", why.message);
    }
    return !has_ids || fill(t, entry->kind, entry->first - 1 + entry->items, err);
}

bool snapshot_tables_finish(struct snapshot_tables *t, struct error *err)
{
    if (t->lost_type && !fill(t, SNAPSHOT_TYPES, t->end[SNAPSHOT_TYPES] + 1, err))
        return false;
    return !t->lost_string || fill(t, SNAPSHOT_STRINGS, t->end[SNAPSHOT_STRINGS] + 1, err);
}
