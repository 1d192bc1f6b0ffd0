#include "tests/support/encode_snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

static void append(unsigned char **to, size_t *size, size_t *capacity, const void *data, size_t n)
{
    if (*size + n > *capacity) {
        *capacity = (*size + n) * 2;
        *to = realloc(*to, *capacity);
        if (!*to)
            abort();
    }
    if (n)
        memcpy(*to + *size, data, n);
    *size += n;
}

static void put(unsigned char *to, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

void encode_start(struct encoder *e, uint16_t major, uint16_t minor)
{
    unsigned char header[64] = {0x89, 'H', 'E', 'L', 'D', '\r', '\n', 0x1a};
    *e = (struct encoder){0};
    put(header + 8, major, 2);
    put(header + 10, minor, 2);
    put(header + 12, 64, 4);
    header[16] = 8;
    header[17] = 1;
    memcpy(header + 24, "second capture..", 16);
    put(header + 56, XXH3_64bits(header, 56), 8);
    append(&e->data, &e->size, &e->capacity, header, sizeof header);
}

void encode_free(struct encoder *e)
{
    free(e->data);
    free(e->streams);
    *e = (struct encoder){0};
}

void encode_block(struct encoder *e, uint16_t kind, uint64_t first, uint32_t items, uint64_t extra)
{
    e->kind = kind;
    e->first = first;
    e->item_count = items;
    e->extra = extra;
    e->stream_count = 0;
    e->streams_size = 0;
}

void encode_raw(struct encoder *e, uint16_t id, uint8_t compression, uint32_t raw_size, const void *stored,
                size_t stored_size)
{
    if (e->stream_count == 64)
        abort();
    unsigned char *entry = e->directory + 16 * e->stream_count++;
    memset(entry, 0, 16);
    put(entry, id, 2);
    entry[2] = compression;
    put(entry + 8, raw_size, 4);
    put(entry + 12, stored_size, 4);
    append(&e->streams, &e->streams_size, &e->streams_capacity, stored, stored_size);
}

void encode_stream(struct encoder *e, uint16_t id, const void *data, size_t size)
{
    encode_raw(e, id, 0, (uint32_t)size, data, size);
}

void encode_compressed(struct encoder *e, uint16_t id, const void *data, size_t size)
{
    size_t room = ZSTD_compressBound(size);
    void *out = malloc(room);
    if (!out)
        abort();
    size_t stored = ZSTD_compress(out, room, data, size, 1);
    if (ZSTD_isError(stored))
        abort();
    encode_raw(e, id, 1, (uint32_t)size, out, stored);
    free(out);
}

static void column(struct encoder *e, uint16_t id, const uint64_t *values, const bool *absolute, size_t count)
{
    unsigned char *lengths = calloc(1, count / 2 + 1), *bytes = malloc(8 * count + 1);
    size_t used = 0;
    if (!lengths || !bytes)
        abort();
    for (size_t i = 0; i < count; i++) {
        unsigned length = 0, nibble;
        while (length < 8 && values[i] >> (8 * length) != 0)
            length++;
        nibble = length;
        if (absolute && absolute[i]) {
            length = 8;
            nibble = 15;
        }
        put(bytes + used, values[i], length);
        used += length;
        lengths[i / 2] = (unsigned char)(lengths[i / 2] | nibble << (i % 2 ? 4 : 0));
    }
    encode_stream(e, id, lengths, (count + 1) / 2);
    encode_stream(e, (uint16_t)(id + 1), bytes, used);
    free(lengths);
    free(bytes);
}

void encode_column(struct encoder *e, uint16_t id, const uint64_t *values, size_t count)
{
    column(e, id, values, NULL, count);
}

void encode_addresses(struct encoder *e, uint16_t id, const uint64_t *values, size_t count)
{
    uint64_t *codes = calloc(count + 1, sizeof *codes), last = 0;
    bool *absolute = calloc(count + 1, sizeof *absolute);
    if (!codes || !absolute)
        abort();
    for (size_t i = 0; i < count; last = values[i++]) {
        uint64_t down = values[i] < last, m = down ? last - values[i] : values[i] - last;
        absolute[i] = m >= (uint64_t)1 << 60;
        if (absolute[i])
            codes[i] = values[i];
        else if (m % 16 == 0)
            codes[i] = ((m >> 4) << 1 | down) << 1;
        else
            codes[i] = (m << 1 | down) << 1 | 1;
    }
    column(e, id, codes, absolute, count);
    free(codes);
    free(absolute);
}

void encode_block_end(struct encoder *e)
{
    static const unsigned char zeros[8];
    unsigned char header[48];
    size_t directory = 16 * (size_t)e->stream_count, payload = (directory + e->streams_size + 7) / 8 * 8;
    size_t start = e->size;
    put(header, 0x4b4c4248, 4);
    put(header + 4, e->kind, 2);
    put(header + 6, e->stream_count, 2);
    put(header + 8, e->sequence++, 4);
    put(header + 12, e->item_count, 4);
    put(header + 16, e->first, 8);
    put(header + 24, e->extra, 8);
    put(header + 32, payload, 8);
    append(&e->data, &e->size, &e->capacity, header, sizeof header);
    append(&e->data, &e->size, &e->capacity, e->directory, directory);
    append(&e->data, &e->size, &e->capacity, e->streams, e->streams_size);
    append(&e->data, &e->size, &e->capacity, zeros, payload - directory - e->streams_size);
    put(e->data + start + 40, XXH3_64bits_withSeed(e->data + start + 48, payload, XXH3_64bits(header, 40)),
        8);
    if (e->block_count == 4096)
        abort();
    e->kinds[e->block_count] = e->kind;
    e->offsets[e->block_count] = start;
    e->items[e->block_count] = e->item_count;
    e->firsts[e->block_count++] = e->first;
}

void encode_finish(struct encoder *e)
{
    unsigned char trailer[32] = "HELDEND\n";
    uint64_t contents = e->size;
    uint32_t n = e->block_count;
    encode_block(e, 11, 0, n, 0);
    encode_column(e, 0, e->kinds, n);
    encode_column(e, 2, e->offsets, n);
    encode_column(e, 4, e->items, n);
    encode_column(e, 6, e->firsts, n);
    encode_block_end(e);
    put(trailer + 8, contents, 8);
    put(trailer + 16, e->size + 32, 8);
    put(trailer + 24, XXH3_64bits(trailer, 24), 8);
    append(&e->data, &e->size, &e->capacity, trailer, sizeof trailer);
}

void encode_targets(const object_id *targets, size_t count, uint64_t *new_id, uint64_t *codes)
{
    uint32_t hub[256] = {0};
    int64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t target = targets[i], slot = (uint32_t)(target * 0x9E3779B1ull % 0x100000000ull) >> 24;
        if (target == *new_id) {
            codes[i] = 0;
            (*new_id)++;
        } else if (hub[slot] == target) {
            codes[i] = (uint64_t)slot * 2 + 1;
        } else {
            int64_t v = (int64_t)target - last;
            uint64_t zigzag = v >= 0 ? (uint64_t)v * 2 : (uint64_t)-v * 2 - 1;
            codes[i] = (zigzag + 1) * 2;
            last = target;
            hub[slot] = target;
            if (target >= *new_id)
                *new_id = (uint64_t)target + 1;
        }
    }
}

/* Column `id` of a table from a field of its rows. */
#define COLUMN(e, id, first, n, expression)                                                                  \
    do {                                                                                                     \
        for (uint32_t k_ = 0; k_ < (n); k_++) {                                                              \
            uint32_t i = (first) + k_;                                                                       \
            values[k_] = (uint64_t)(expression);                                                             \
        }                                                                                                    \
        encode_column((e), (id), values, (n));                                                               \
    } while (0)

static uint64_t zigzag(int64_t v)
{
    return v >= 0 ? (uint64_t)v * 2 : ~(uint64_t)v * 2 + 1;
}

static uint32_t rest(uint32_t first, uint32_t last, uint32_t items)
{
    uint32_t left = last - first + 1;
    return left < items ? left : items;
}

static void encode_facts(struct encoder *e, const struct model *m)
{
    unsigned char facts[256];
    size_t n = 0;
    facts[n++] = 1;
    facts[n++] = 3;
    memcpy(facts + n, "pid\10\0\0\0\147\22\0\0\0\0\0\0", 15);
    n += 15;
    facts[n++] = 4;
    facts[n++] = 7;
    memcpy(facts + n, "runtime\7\0\0\0cpython", 18);
    n += 18;
    facts[n++] = 1;
    facts[n++] = 7;
    memcpy(facts + n, "objects\10\0\0\0", 11);
    put(facts + n + 11, m->object_count, 8);
    n += 19;
    encode_block(e, 1, 0, 3, 0);
    encode_stream(e, 0, facts, n);
    encode_block_end(e);
}

static void encode_tables(struct encoder *e, const struct model *m, uint32_t items, uint64_t *values)
{
    for (uint32_t first = 1, n; first <= m->string_count; first += n) {
        n = rest(first, m->string_count, items);
        encode_block(e, 2, first, n, 0);
        COLUMN(e, 0, first, n, strlen(m->strings[i]));
        size_t size = 0;
        char *text = malloc((size_t)n * 24);
        if (!text)
            abort();
        for (uint32_t i = first; i < first + n; i++) {
            memcpy(text + size, m->strings[i], strlen(m->strings[i]));
            size += strlen(m->strings[i]);
        }
        encode_stream(e, 2, text, size);
        free(text);
        encode_block_end(e);
    }
    for (uint32_t first = 1, n; first <= m->type_count; first += n) {
        n = rest(first, m->type_count, items);
        const struct heap_type *end = &m->types[first + n - 1];
        uint32_t member = m->types[first].member_start,
                 members = end->member_start + end->member_count - member;
        encode_block(e, 3, first, n, 0);
        COLUMN(e, 0, first, n, m->types[i].name);
        COLUMN(e, 2, first, n, m->types[i].module);
        for (uint32_t i = 0; i < n; i++)
            values[i] = m->types[first + i].address;
        encode_addresses(e, 4, values, n);
        COLUMN(e, 6, first, n, m->types[i].object);
        COLUMN(e, 8, first, n, m->types[i].flags);
        COLUMN(e, 10, first, n, m->types[i].family);
        COLUMN(e, 12, first, n, m->types[i].basic_size);
        COLUMN(e, 14, first, n, m->types[i].item_size);
        COLUMN(e, 16, first, n, m->types[i].base);
        COLUMN(e, 18, first, n, m->types[i].member_count);
        COLUMN(e, 20, member, members, m->members[i].offset);
        COLUMN(e, 22, member, members, m->members[i].name);
        COLUMN(e, 24, first, n, m->types[i].label);
        encode_block_end(e);
    }
    for (uint32_t first = 1, n; first <= m->shape_count; first += n) {
        n = rest(first, m->shape_count, items);
        const struct heap_shape *end = &m->shapes[first + n - 1];
        uint32_t field = m->shapes[first].field_start, fields = end->field_start + end->field_count - field;
        encode_block(e, 4, first, n, 0);
        COLUMN(e, 0, first, n, m->shapes[i].type);
        COLUMN(e, 2, first, n, m->shapes[i].base_size);
        COLUMN(e, 4, first, n, m->shapes[i].tail);
        COLUMN(e, 6, first, n, m->shapes[i].tail_start);
        COLUMN(e, 8, first, n, m->shapes[i].field_count);
        COLUMN(e, 10, field, fields, m->fields[i].kind);
        COLUMN(e, 12, field, fields, m->fields[i].certainty);
        COLUMN(e, 14, field, fields, m->fields[i].name);
        COLUMN(e, 16, field, fields, zigzag(m->fields[i].number));
        encode_block_end(e);
    }
}

static void encode_roots(struct encoder *e, const struct model *m, uint64_t *values)
{
    encode_block(e, 5, 1, m->thread_count, 0);
    COLUMN(e, 0, 1, m->thread_count, m->threads[i].ident);
    COLUMN(e, 2, 1, m->thread_count, m->threads[i].native);
    COLUMN(e, 4, 1, m->thread_count, m->threads[i].name);
    COLUMN(e, 6, 1, m->thread_count, m->threads[i].flags);
    COLUMN(e, 8, 1, m->thread_count, m->threads[i].interpreter);
    encode_block_end(e);
    encode_block(e, 6, 1, m->frame_count, 0);
    COLUMN(e, 0, 1, m->frame_count, m->frames[i].thread);
    COLUMN(e, 2, 1, m->frame_count, m->frames[i].depth);
    COLUMN(e, 4, 1, m->frame_count, m->frames[i].function);
    COLUMN(e, 6, 1, m->frame_count, m->frames[i].module);
    COLUMN(e, 8, 1, m->frame_count, m->frames[i].file);
    COLUMN(e, 10, 1, m->frame_count, m->frames[i].line);
    COLUMN(e, 12, 1, m->frame_count, m->frames[i].code);
    encode_block_end(e);
    encode_block(e, 7, 0, m->root_count, 0);
    COLUMN(e, 0, 0, m->root_count, m->roots[i].kind);
    COLUMN(e, 2, 0, m->root_count, m->roots[i].reference);
    COLUMN(e, 4, 0, m->root_count, m->roots[i].certainty);
    COLUMN(e, 6, 0, m->root_count, m->roots[i].name);
    COLUMN(e, 8, 0, m->root_count, zigzag(m->roots[i].number));
    COLUMN(e, 10, 0, m->root_count, m->roots[i].target);
    COLUMN(e, 12, 0, m->root_count, m->roots[i].thread);
    COLUMN(e, 14, 0, m->root_count, m->roots[i].frame);
    encode_block_end(e);
}

static void encode_objects(struct encoder *e, const struct model *m, uint32_t items, uint64_t *values)
{
    for (uint32_t first = 1, n; first <= m->object_count; first += n) {
        n = rest(first, m->object_count, items < 65536 ? items : 65536);
        encode_block(e, 8, first, n, 0);
        encode_addresses(e, 0, m->address + first, n);
        COLUMN(e, 2, first, n, m->shape[i]);
        COLUMN(e, 4, first, n,
               m->details[i].size == m->shapes[m->shape[i]].base_size ? 0 : m->details[i].size + 1);
        COLUMN(e, 6, first, n, m->details[i].refcount);
        unsigned char *flags = malloc(n);
        if (!flags)
            abort();
        for (uint32_t i = 0; i < n; i++)
            flags[i] = m->details[first + i].flags;
        encode_stream(e, 8, flags, n);
        free(flags);
        COLUMN(e, 10, first, n,
               zigzag((int64_t)(m->start[i + 1] - m->start[i]) - m->shapes[m->shape[i]].field_count));
        encode_block_end(e);
    }
    uint64_t new_id = m->object_count / 4 + 1;
    for (uint64_t first = 0, n; first < m->edge_count; first += n) {
        n = m->edge_count - first < items ? m->edge_count - first : items;
        encode_block(e, 9, first, (uint32_t)n, new_id);
        encode_targets(m->targets + first, n, &new_id, values);
        encode_column(e, 0, values, n);
        encode_block_end(e);
    }
}

static void encode_places(struct encoder *e, const struct model *m, uint32_t items, uint64_t *values)
{
    uint64_t count = 0;
    for (object_id id = 1; id <= m->object_count; id++) {
        const struct heap_shape *shape = &m->shapes[m->shape[id]];
        uint64_t degree = m->start[id + 1] - m->start[id];
        if (shape->tail == TAIL_NATIVE && degree > shape->field_count)
            count += degree - shape->field_count;
    }
    for (uint64_t first = 0, n; first < count; first += n) {
        n = count - first < items ? count - first : items;
        encode_block(e, 12, first, (uint32_t)n, 0);
        for (uint64_t i = 0; i < n; i++)
            values[i] = model_place(first + i);
        encode_column(e, 0, values, n);
        encode_block_end(e);
    }
}

static void encode_previews(struct encoder *e, const struct model *m, uint32_t items, uint64_t *values)
{
    for (uint32_t first = 0, n; first < m->preview_count; first += n) {
        n = rest(first, m->preview_count - 1, items);
        unsigned char *kinds = malloc(n), *text = malloc((size_t)n * 24);
        size_t size = 0;
        if (!kinds || !text)
            abort();
        for (uint32_t i = 0; i < n; i++) {
            const struct model_preview *p = &m->previews[first + i];
            kinds[i] = (unsigned char)p->kind;
            memcpy(text + size, p->text, p->length);
            size += p->length;
        }
        encode_block(e, 10, first, n, 0);
        COLUMN(e, 0, first, n,
               zigzag((int64_t)m->previews[i].id - (i == first ? 0 : (int64_t)m->previews[i - 1].id)));
        encode_stream(e, 2, kinds, n);
        COLUMN(e, 4, first, n, m->previews[i].full_length);
        COLUMN(e, 6, first, n, m->previews[i].length);
        encode_stream(e, 8, text, size);
        encode_block_end(e);
        free(kinds);
        free(text);
    }
}

void encode_model(struct encoder *e, const struct model *m, uint32_t items)
{
    uint64_t *values = malloc(262144 * sizeof *values);
    if (!values)
        abort();
    encode_start(e, 1, 1);
    encode_facts(e, m);
    encode_tables(e, m, items, values);
    encode_roots(e, m, values);
    encode_objects(e, m, items, values);
    encode_places(e, m, items, values);
    encode_previews(e, m, items, values);
    encode_finish(e);
    free(values);
}

void encode_fix_checksums(unsigned char *file, size_t size)
{
    if (size < 64)
        return;
    put(file + 56, XXH3_64bits(file, 56), 8);
    size_t at = 64;
    while (size - at >= 48 && get(file + at, 4) == 0x4b4c4248) {
        uint64_t payload = get(file + at + 32, 8);
        if (payload > size - at - 48)
            break;
        put(file + at + 40, XXH3_64bits_withSeed(file + at + 48, payload, XXH3_64bits(file + at, 40)), 8);
        at += 48 + payload;
    }
    if (size - at >= 32)
        put(file + at + 24, XXH3_64bits(file + at, 24), 8);
}
