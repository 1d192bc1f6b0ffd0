#include "formats/snapshot/snapshot_writer_private.h"

#include <string.h>

/* Table blocks are flushed when they hold this many items, so that a cut file loses little. */
enum {
    STRINGS_PER_BLOCK = 8192,
    STRING_BYTES = 1 << 19,
    TYPES_PER_BLOCK = 1024,
    MEMBERS_PER_BLOCK = 8192,
    SHAPES_PER_BLOCK = 8192
};
enum {
    FIELDS_PER_BLOCK = 65536,
    THREADS_PER_BLOCK = 4096,
    FRAMES_PER_BLOCK = 8192,
    ROOTS_PER_BLOCK = 16384,
    PREVIEWS_PER_BLOCK = 32768
};
enum { PREVIEW_BYTES = 1 << 20, FACT_BYTES = 1 << 18, STRING_LIMIT = 65536 };

static size_t align_up(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

/* Two passes over the same list: with base == NULL it only adds up, else it hands out memory. */
struct carver {
    uint8_t *base;
    size_t used;
};

static void *carve(struct carver *c, size_t size)
{
    void *p = c->base == NULL ? NULL : c->base + c->used;
    c->used += align_up(size);
    return p;
}

static void carve_column(struct carver *c, struct column *column, uint32_t capacity)
{
    column->lengths = carve(c, capacity);
    column->bytes = carve(c, (size_t)capacity * 8 + 8);
    column->capacity = capacity;
}

static void carve_columns(struct carver *c, struct column *columns, size_t count, uint32_t capacity)
{
    for (size_t i = 0; i < count; i++)
        carve_column(c, &columns[i], capacity);
}

static void carve_text(struct carver *c, struct text *text, uint32_t capacity)
{
    text->bytes = carve(c, capacity);
    text->capacity = capacity;
}

static void carve_all(struct carver *c, struct snapshot_writer *w, const struct snapshot_zstd *zstd)
{
    carve(c, sizeof(*w));
    carve_text(c, &w->facts, FACT_BYTES);
    carve_column(c, &w->string_length, STRINGS_PER_BLOCK);
    carve_text(c, &w->string_bytes, STRING_BYTES);
    carve_columns(c, w->type, TYPE_COLUMNS, TYPES_PER_BLOCK);
    carve_columns(c, w->member, 2, MEMBERS_PER_BLOCK);
    carve_column(c, &w->type_label, TYPES_PER_BLOCK);
    carve_columns(c, w->shape, SHAPE_COLUMNS, SHAPES_PER_BLOCK);
    carve_columns(c, w->field, FIELD_COLUMNS, FIELDS_PER_BLOCK);
    carve_columns(c, w->thread, THREAD_COLUMNS, THREADS_PER_BLOCK);
    carve_columns(c, w->frame, FRAME_COLUMNS, FRAMES_PER_BLOCK);
    carve_columns(c, w->root, ROOT_COLUMNS, ROOTS_PER_BLOCK);
    carve_columns(c, w->object, OBJECT_COLUMNS, SNAPSHOT_OBJECTS_PER_BLOCK);
    w->object_flags = carve(c, SNAPSHOT_OBJECTS_PER_BLOCK);
    carve_column(c, &w->edge, SNAPSHOT_EDGES_PER_BLOCK);
    carve_column(c, &w->place, SNAPSHOT_PLACES_PER_BLOCK);
    carve_columns(c, w->preview, PREVIEW_COLUMNS, PREVIEWS_PER_BLOCK);
    w->preview_kind = carve(c, PREVIEWS_PER_BLOCK);
    carve_text(c, &w->preview_text, PREVIEW_BYTES);
    carve_columns(c, w->contents, CONTENTS_COLUMNS, CONTENTS_CAPACITY);
    w->packed = carve(c, CONTENTS_CAPACITY / 2 + 64);
    w->out = carve(c, OUT_CAPACITY);
    if (zstd != NULL && zstd->estimate_context != NULL) {
        w->workspace_size = zstd->estimate_context(1);
        w->workspace = carve(c, w->workspace_size);
    }
}

size_t snapshot_writer_memory(const struct snapshot_zstd *zstd)
{
    struct snapshot_writer sizes;
    struct carver c = {NULL, 0};
    carve_all(&c, &sizes, zstd);
    return c.used;
}

struct snapshot_writer *snapshot_writer_begin(void *memory, size_t size, int fd,
                                              const struct snapshot_zstd *zstd, const uint8_t capture_id[16])
{
    struct snapshot_writer *w = memory;
    struct carver c = {memory, 0};
    if (size < snapshot_writer_memory(zstd))
        return NULL;
    carve_all(&c, w, zstd);
    w->fd = fd;
    w->next_string = w->next_type = w->next_shape = w->next_thread = w->next_frame = w->first_object =
        w->new_id = 1;
    if (w->workspace != NULL) {
        w->zstd = *zstd;
        w->context = zstd->init_static_context(w->workspace, w->workspace_size);
    }
    struct snapshot_header h = {.major = SNAPSHOT_MAJOR,
                                .minor = SNAPSHOT_MINOR,
                                .header_size = sizeof(h),
                                .pointer_size = 8,
                                .byte_order = 1};
    memcpy(h.magic, SNAPSHOT_MAGIC, 8);
    memcpy(h.capture_id, capture_id, 16);
    h.checksum = snapshot_writer_hash(&h, offsetof(struct snapshot_header, checksum), 0);
    snapshot_writer_raw(w, &h, sizeof(h));
    return w;
}

/* ---- facts ---- */

static void fact(struct snapshot_writer *w, const char *key, uint8_t type, const void *value, size_t length)
{
    size_t key_length = strlen(key);
    if (key_length > 255)
        return;
    if (length > FACT_BYTES / 2)
        length = FACT_BYTES / 2;
    if (w->facts.used + 6 + key_length + length > w->facts.capacity)
        snapshot_writer_flush_facts(w);
    uint8_t *p = w->facts.bytes + w->facts.used;
    uint32_t n = (uint32_t)length;
    p[0] = type;
    p[1] = (uint8_t)key_length;
    memcpy(p + 2, key, key_length);
    memcpy(p + 2 + key_length, &n, 4);
    memcpy(p + 6 + key_length, value, length);
    w->facts.used += (uint32_t)(6 + key_length + length);
    w->fact_count++;
}

void snapshot_writer_fact_u64(struct snapshot_writer *w, const char *key, uint64_t value)
{
    fact(w, key, SNAPSHOT_FACT_U64, &value, 8);
}

void snapshot_writer_fact_f64(struct snapshot_writer *w, const char *key, double value)
{
    fact(w, key, SNAPSHOT_FACT_F64, &value, 8);
}

void snapshot_writer_fact_text(struct snapshot_writer *w, const char *key, const char *text, size_t length)
{
    fact(w, key, SNAPSHOT_FACT_TEXT, text, length);
}

void snapshot_writer_fact_list(struct snapshot_writer *w, const char *key, const char *texts, size_t length)
{
    fact(w, key, SNAPSHOT_FACT_LIST, texts, length);
}

/* ---- tables ---- */

uint32_t snapshot_writer_string(struct snapshot_writer *w, const char *text, size_t length)
{
    if (length == 0)
        return 0;
    if (length > STRING_LIMIT)
        for (length = STRING_LIMIT; length > 0 && ((uint8_t)text[length] & 0xc0) == 0x80;)
            length--;
    if (w->string_length.count == w->string_length.capacity ||
        w->string_bytes.used + length > w->string_bytes.capacity)
        snapshot_writer_flush_strings(w);
    column_put(&w->string_length, length);
    memcpy(w->string_bytes.bytes + w->string_bytes.used, text, length);
    w->string_bytes.used += (uint32_t)length;
    return w->next_string++;
}

uint32_t snapshot_writer_type(struct snapshot_writer *w, const struct snapshot_type *type)
{
    uint32_t members = type->member_count < MEMBERS_PER_BLOCK ? type->member_count : MEMBERS_PER_BLOCK;
    if (w->type[0].count == TYPES_PER_BLOCK || w->member[0].count + members > MEMBERS_PER_BLOCK)
        snapshot_writer_flush_types(w);
    uint64_t address_code;
    bool absolute = snapshot_address_code(type->address, w->last_type_address, &address_code);
    w->last_type_address = type->address;
    column_put(&w->type[0], type->name);
    column_put(&w->type[1], type->module);
    column_put_address(&w->type[2], address_code, absolute);
    column_put(&w->type[3], type->object);
    column_put(&w->type[4], type->flags);
    column_put(&w->type[5], type->family);
    column_put(&w->type[6], type->basic_size);
    column_put(&w->type[7], type->item_size);
    column_put(&w->type[8], type->base);
    column_put(&w->type[9], members);
    column_put(&w->type_label, type->label);
    w->any_label |= type->label != 0;
    for (uint32_t i = 0; i < members; i++) {
        column_put(&w->member[0], type->members[i].offset);
        column_put(&w->member[1], type->members[i].name);
    }
    return w->next_type++;
}

uint32_t snapshot_writer_shape(struct snapshot_writer *w, const struct snapshot_shape *shape)
{
    uint32_t count = shape->field_count < SNAPSHOT_MAX_FIELDS ? shape->field_count : SNAPSHOT_MAX_FIELDS;
    if (w->shape[0].count == SHAPES_PER_BLOCK || w->field[0].count + count > FIELDS_PER_BLOCK)
        snapshot_writer_flush_shapes(w);
    column_put(&w->shape[0], shape->type);
    column_put(&w->shape[1], shape->base_size);
    column_put(&w->shape[2], shape->tail);
    column_put(&w->shape[3], shape->tail_start);
    column_put(&w->shape[4], count);
    for (uint32_t i = 0; i < count; i++) {
        column_put(&w->field[0], shape->fields[i].kind);
        column_put(&w->field[1], shape->fields[i].certainty);
        column_put(&w->field[2], shape->fields[i].name);
        column_put(&w->field[3], snapshot_zigzag(shape->fields[i].number));
    }
    return w->next_shape++;
}

uint32_t snapshot_writer_thread(struct snapshot_writer *w, uint64_t ident, uint64_t native, uint32_t name,
                                uint32_t flags, uint32_t interpreter)
{
    if (w->thread[0].count == THREADS_PER_BLOCK)
        snapshot_writer_flush_threads(w);
    column_put(&w->thread[0], ident);
    column_put(&w->thread[1], native);
    column_put(&w->thread[2], name);
    column_put(&w->thread[3], flags);
    column_put(&w->thread[4], interpreter);
    return w->next_thread++;
}

uint32_t snapshot_writer_frame(struct snapshot_writer *w, const struct snapshot_frame *frame)
{
    if (w->frame[0].count == FRAMES_PER_BLOCK)
        snapshot_writer_flush_frames(w);
    column_put(&w->frame[0], frame->thread);
    column_put(&w->frame[1], frame->depth);
    column_put(&w->frame[2], frame->function);
    column_put(&w->frame[3], frame->module);
    column_put(&w->frame[4], frame->file);
    column_put(&w->frame[5], frame->line);
    column_put(&w->frame[6], frame->code);
    return w->next_frame++;
}

void snapshot_writer_root(struct snapshot_writer *w, const struct snapshot_root *root)
{
    if (w->root[0].count == ROOTS_PER_BLOCK)
        snapshot_writer_flush_roots(w);
    column_put(&w->root[0], root->kind);
    column_put(&w->root[1], root->reference);
    column_put(&w->root[2], root->certainty);
    column_put(&w->root[3], root->name);
    column_put(&w->root[4], snapshot_zigzag(root->number));
    column_put(&w->root[5], root->target);
    column_put(&w->root[6], root->thread);
    column_put(&w->root[7], root->frame);
}

/* ---- objects and edges ---- */

void snapshot_writer_first_new(struct snapshot_writer *w, uint32_t id)
{
    w->new_id = id;
    w->block_new_id = id;
}

void snapshot_writer_object(struct snapshot_writer *w, uint64_t address, uint32_t shape, uint64_t size_code,
                            uint64_t refcount, uint8_t flags, uint32_t edge_count, uint32_t fields)
{
    uint32_t n = w->object[0].count;
    uint64_t code;
    bool absolute = snapshot_address_code(address, w->last_address, &code);
    w->last_address = address;
    column_put_address(&w->object[0], code, absolute);
    column_put(&w->object[1], shape);
    column_put(&w->object[2], size_code);
    column_put(&w->object[3], refcount);
    column_put(&w->object[4], snapshot_zigzag((int64_t)edge_count - (int64_t)fields));
    w->object_flags[n] = flags;
    w->object_edges += edge_count;
    if (n + 1 == SNAPSHOT_OBJECTS_PER_BLOCK)
        snapshot_writer_flush_objects(w);
}

static inline uint64_t edge_code(uint32_t *new_id, uint32_t *last_target, uint32_t *hub, uint32_t target)
{
    if (target == *new_id) {
        ++*new_id;
        return 0;
    }
    uint32_t slot = snapshot_hub_slot(target);
    if (hub[slot] == target)
        return (uint64_t)slot << 1 | 1;
    uint64_t code = (snapshot_zigzag((int64_t)target - (int64_t)*last_target) + 1) << 1;
    *last_target = target;
    hub[slot] = target;
    if (target > *new_id)
        *new_id = target + 1;
    return code;
}

void snapshot_writer_edge(struct snapshot_writer *w, uint32_t target)
{
    column_put(&w->edge, edge_code(&w->new_id, &w->last_target, w->hub, target));
    if (w->edge.count == SNAPSHOT_EDGES_PER_BLOCK)
        snapshot_writer_flush_edges(w);
}

void snapshot_writer_place(struct snapshot_writer *w, uint64_t place)
{
    column_put(&w->place, place);
    if (w->place.count == SNAPSHOT_PLACES_PER_BLOCK)
        snapshot_writer_flush_places(w);
}

/* Room for all is there. Locals: stores of bytes could change anything else. */
static void put_edges(struct snapshot_writer *w, const uint32_t *targets, uint32_t count)
{
    uint32_t new_id = w->new_id, last_target = w->last_target;
    struct column edge = w->edge;
    for (uint32_t i = 0; i < count; i++)
        column_put(&edge, edge_code(&new_id, &last_target, w->hub, targets[i]));
    w->edge = edge;
    w->new_id = new_id;
    w->last_target = last_target;
}

static void put_places(struct snapshot_writer *w, const uint64_t *places, uint32_t count)
{
    struct column place = w->place;
    for (uint32_t i = 0; i < count; i++)
        column_put(&place, places[i]);
    w->place = place;
}

void snapshot_writer_native(struct snapshot_writer *w, const uint32_t *targets, const uint64_t *places,
                            uint32_t count)
{
    for (uint32_t n; count > 0; targets += n, places += n, count -= n) {
        uint32_t edges = SNAPSHOT_EDGES_PER_BLOCK - w->edge.count;
        uint32_t room = SNAPSHOT_PLACES_PER_BLOCK - w->place.count;
        n = edges < room ? edges : room;
        n = n < count ? n : count;
        put_edges(w, targets, n);
        put_places(w, places, n);
        if (w->edge.count == SNAPSHOT_EDGES_PER_BLOCK)
            snapshot_writer_flush_edges(w);
        if (w->place.count == SNAPSHOT_PLACES_PER_BLOCK)
            snapshot_writer_flush_places(w);
    }
}

void snapshot_writer_preview(struct snapshot_writer *w, uint32_t object, uint8_t kind, uint64_t full_length,
                             const void *text, uint32_t length)
{
    if (length > STRING_LIMIT)
        return;
    if (w->preview[0].count == PREVIEWS_PER_BLOCK || w->preview_text.used + length > w->preview_text.capacity)
        snapshot_writer_flush_previews(w);
    w->preview_kind[w->preview[0].count] = kind;
    column_put(&w->preview[0], snapshot_zigzag((int64_t)object - (int64_t)w->last_preview));
    w->last_preview = object;
    column_put(&w->preview[1], full_length);
    column_put(&w->preview[2], length);
    memcpy(w->preview_text.bytes + w->preview_text.used, text, length);
    w->preview_text.used += length;
}

uint64_t snapshot_writer_bytes(const struct snapshot_writer *w)
{
    return w->offset;
}

int snapshot_writer_errno(const struct snapshot_writer *w)
{
    return w->os_errno;
}
