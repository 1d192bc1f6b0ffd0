#include "tests/support/model.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

uint64_t model_random(struct model *m)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random;
}

static uint64_t below(struct model *m, uint64_t limit)
{
    return model_random(m) % limit;
}

static string_id any_string(struct model *m)
{
    return (string_id)below(m, m->string_count + 1u);
}

/* Numbers of every length, the extremes more often than by chance. */
static uint64_t any_number(struct model *m)
{
    switch (below(m, 8)) {
    case 0:
        return 0;
    case 1:
        return UINT64_MAX;
    default:
        return model_random(m) >> below(m, 64);
    }
}

static void make_tables(struct model *m)
{
    for (uint32_t i = 1; i <= m->string_count; i++) {
        if (i % 7 != 0)
            snprintf(m->strings[i], sizeof m->strings[i], "name%u", i);
    }
    for (uint32_t i = 1; i <= m->type_count; i++) {
        m->types[i] = (struct heap_type){
            .name = any_string(m),
            .module = any_string(m),
            .address = any_number(m),
            .object = (object_id)below(m, m->object_count + 1u),
            .flags = (uint32_t)below(m, 16),
            .family = (enum family)below(m, FAMILY_NATIVE), /* no block: their words lie in them */
            .basic_size = any_number(m),
            .item_size = any_number(m),
            .base = (type_id)below(m, i),
            .label = (uint8_t)(i % TYPE_LABELS),
            .member_start = m->member_count,
            .member_count = (uint32_t)below(m, 4),
        };
        for (uint32_t k = 0; k < m->types[i].member_count; k++)
            m->members[m->member_count++] = (struct heap_member){any_number(m), any_string(m)};
    }
    for (uint32_t i = 1; i <= m->shape_count; i++) {
        m->shapes[i] = (struct heap_shape){
            .type = (type_id)(1 + below(m, m->type_count)),
            .field_start = m->field_count,
            .field_count = (uint32_t)below(m, 4),
            .tail = (uint8_t)(1 + below(m, TAIL_KINDS - 1)),
            .tail_start = below(m, 100),
            .base_size = below(m, 1000),
        };
        for (uint32_t k = 0; k < m->shapes[i].field_count; k++)
            m->fields[m->field_count++] = (struct heap_field){
                .kind = (uint8_t)(1 + below(m, REFERENCE_KINDS - 1)),
                .certainty = (uint8_t)below(m, 2),
                .name = any_string(m),
                .number = (int64_t)any_number(m),
            };
    }
}

static void make_roots(struct model *m)
{
    for (uint32_t i = 1; i <= m->thread_count; i++)
        m->threads[i] = (struct heap_thread){any_number(m), any_number(m), any_string(m), i == 1, i};
    for (uint32_t i = 1; i <= m->frame_count; i++)
        m->frames[i] = (struct heap_frame){
            .thread = (uint32_t)below(m, m->thread_count + 1u),
            .depth = i,
            .function = any_string(m),
            .module = any_string(m),
            .file = any_string(m),
            .line = (uint32_t)below(m, 10000),
            .code = (object_id)below(m, m->object_count + 1u),
        };
    for (uint32_t i = 0; i < m->root_count; i++)
        m->roots[i] = (struct heap_root){
            .kind = (uint8_t)(1 + below(m, ROOT_KINDS - 1)),
            .reference = (uint8_t)below(m, REFERENCE_KINDS),
            .certainty = (uint8_t)below(m, 2),
            .name = any_string(m),
            .number = (int64_t)any_number(m),
            .target = (object_id)(1 + below(m, m->object_count)),
            .thread = (uint32_t)below(m, m->thread_count + 1u),
            .frame = (uint32_t)below(m, m->frame_count + 1u),
        };
}

/* Small steps, misaligned steps, steps back, and jumps over the whole address space. */
static uint64_t next_address(struct model *m, uint64_t last)
{
    switch (below(m, 16)) {
    case 0:
        return model_random(m) | 1;
    case 1:
        return last + 1 + below(m, 1000);
    case 2:
        return last - 16 * (1 + below(m, 1000));
    case 3:
        return UINT64_MAX - below(m, 3);
    default:
        return last + 16 * (1 + below(m, 8));
    }
}

static object_id any_target(struct model *m, object_id *next_new)
{
    uint64_t dice = below(m, 16);
    if (dice < 7 && *next_new <= m->object_count)
        return (*next_new)++;
    if (dice < 8)
        return 0;
    if (dice < 12)
        return (object_id)(1 + below(m, m->object_count < 20 ? m->object_count : 20));
    return (object_id)(1 + below(m, m->object_count));
}

static void make_objects(struct model *m, uint32_t edges_each)
{
    uint64_t address = 0x7f0000000000;
    object_id next_new = m->object_count / 4 + 1;
    for (object_id id = 1; id <= m->object_count; id++) {
        m->address[id] = address = next_address(m, address);
        m->shape[id] = (shape_id)(1 + below(m, m->shape_count));
        uint64_t base_size = m->shapes[m->shape[id]].base_size;
        uint64_t size = below(m, 4) ? base_size : any_number(m);
        m->details[id] = (struct heap_detail){
            .size = size == UINT64_MAX ? 0 : size,
            .refcount = any_number(m),
            .flags = (uint8_t)model_random(m),
        };
        m->start[id] = m->edge_count;
        uint64_t degree = below(m, 64) == 0 ? below(m, 32u * edges_each + 1) : below(m, 2u * edges_each + 1);
        for (uint64_t k = 0; k < degree; k++)
            m->targets[m->edge_count++] = any_target(m, &next_new);
    }
    m->start[m->object_count + 1] = m->edge_count;
    for (object_id id = 1; id <= m->object_count && m->preview_count < 1000000;
         id += 1 + (object_id)below(m, 5)) {
        struct model_preview *p = &m->previews[m->preview_count++];
        *p = (struct model_preview){.id = id, .kind = (enum preview_kind)(1 + below(m, PREVIEW_KINDS - 1))};
        p->full_length = any_number(m);
        if (below(m, 8) != 0)
            p->length = (uint32_t)snprintf(p->text, sizeof p->text, "value %u", id);
    }
}

static void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

struct model *model_create(uint64_t seed, uint32_t objects, uint32_t edges_each)
{
    struct model *m = zeroed(1, sizeof *m);
    m->random = seed * 0x9E3779B97F4A7C15u | 1;
    m->object_count = objects;
    m->string_count = 50 + objects / 100;
    m->type_count = 5 + objects / 1000;
    m->shape_count = 10 + objects / 100;
    m->thread_count = 3;
    m->frame_count = 7;
    m->root_count = 10 + objects / 1000;
    m->strings = zeroed(m->string_count + 1, sizeof *m->strings);
    m->types = zeroed(m->type_count + 1, sizeof *m->types);
    m->members = zeroed(4u * m->type_count, sizeof *m->members);
    m->shapes = zeroed(m->shape_count + 1, sizeof *m->shapes);
    m->fields = zeroed(4u * m->shape_count, sizeof *m->fields);
    m->threads = zeroed(m->thread_count + 1, sizeof *m->threads);
    m->frames = zeroed(m->frame_count + 1, sizeof *m->frames);
    m->roots = zeroed(m->root_count, sizeof *m->roots);
    m->address = zeroed(objects + 1, sizeof *m->address);
    m->shape = zeroed(objects + 1, sizeof *m->shape);
    m->details = zeroed(objects + 1, sizeof *m->details);
    m->start = zeroed(objects + 2, sizeof *m->start);
    m->targets = zeroed((size_t)objects * 32 * edges_each + 1, sizeof *m->targets);
    m->previews = zeroed(objects + 1, sizeof *m->previews);
    make_tables(m);
    make_roots(m);
    make_objects(m, edges_each);
    return m;
}

void model_destroy(struct model *m)
{
    free(m->strings);
    free(m->types);
    free(m->members);
    free(m->shapes);
    free(m->fields);
    free(m->threads);
    free(m->frames);
    free(m->roots);
    free(m->address);
    free(m->shape);
    free(m->details);
    free(m->start);
    free(m->targets);
    free(m->previews);
    free(m);
}

static void check_tables(const struct heap *heap, const struct model *m)
{
    ck_assert_uint_eq(heap->type_count, m->type_count);
    ck_assert_uint_eq(heap->member_count, m->member_count);
    for (uint32_t i = 1; i <= m->type_count; i++) {
        const struct heap_type *a = &heap->types[i], *b = &m->types[i];
        ck_assert_str_eq(heap_string(heap, a->name, NULL), m->strings[b->name]);
        ck_assert_str_eq(heap_string(heap, a->module, NULL), m->strings[b->module]);
        ck_assert_uint_eq(a->address, b->address);
        ck_assert_uint_eq(a->object, b->object);
        ck_assert_uint_eq(a->flags, b->flags);
        ck_assert_int_eq((int)a->family, (int)b->family);
        ck_assert_uint_eq(a->basic_size, b->basic_size);
        ck_assert_uint_eq(a->item_size, b->item_size);
        ck_assert_uint_eq(a->base, b->base);
        ck_assert_uint_eq(a->label, b->label);
        ck_assert_uint_eq(a->member_start, b->member_start);
        ck_assert_uint_eq(a->member_count, b->member_count);
    }
    for (uint32_t i = 0; i < m->member_count; i++) {
        ck_assert_uint_eq(heap->members[i].offset, m->members[i].offset);
        ck_assert_str_eq(heap_string(heap, heap->members[i].name, NULL), m->strings[m->members[i].name]);
    }
    ck_assert_uint_eq(heap->shape_count, m->shape_count);
    ck_assert_uint_eq(heap->field_count, m->field_count);
    for (uint32_t i = 1; i <= m->shape_count; i++) {
        const struct heap_shape *a = &heap->shapes[i], *b = &m->shapes[i];
        ck_assert_uint_eq(a->type, b->type);
        ck_assert_uint_eq(a->field_start, b->field_start);
        ck_assert_uint_eq(a->field_count, b->field_count);
        ck_assert_uint_eq(a->tail, b->tail);
        ck_assert_uint_eq(a->tail_start, b->tail_start);
        ck_assert_uint_eq(a->base_size, b->base_size);
    }
    for (uint32_t i = 0; i < m->field_count; i++) {
        const struct heap_field *a = &heap->fields[i], *b = &m->fields[i];
        ck_assert_uint_eq(a->kind, b->kind);
        ck_assert_uint_eq(a->certainty, b->certainty);
        ck_assert_str_eq(heap_string(heap, a->name, NULL), m->strings[b->name]);
        ck_assert_int_eq(a->number, b->number);
    }
}

static void check_roots(const struct heap *heap, const struct model *m)
{
    ck_assert_uint_eq(heap->thread_count, m->thread_count);
    for (uint32_t i = 1; i <= m->thread_count; i++) {
        const struct heap_thread *a = &heap->threads[i], *b = &m->threads[i];
        ck_assert_uint_eq(a->ident, b->ident);
        ck_assert_uint_eq(a->native, b->native);
        ck_assert_str_eq(heap_string(heap, a->name, NULL), m->strings[b->name]);
        ck_assert_uint_eq(a->flags, b->flags);
        ck_assert_uint_eq(a->interpreter, b->interpreter);
    }
    ck_assert_uint_eq(heap->frame_count, m->frame_count);
    for (uint32_t i = 1; i <= m->frame_count; i++) {
        const struct heap_frame *a = &heap->frames[i], *b = &m->frames[i];
        ck_assert_uint_eq(a->thread, b->thread);
        ck_assert_uint_eq(a->depth, b->depth);
        ck_assert_str_eq(heap_string(heap, a->function, NULL), m->strings[b->function]);
        ck_assert_str_eq(heap_string(heap, a->module, NULL), m->strings[b->module]);
        ck_assert_str_eq(heap_string(heap, a->file, NULL), m->strings[b->file]);
        ck_assert_uint_eq(a->line, b->line);
        ck_assert_uint_eq(a->code, b->code);
    }
    ck_assert_uint_eq(heap->root_count, m->root_count);
    for (uint32_t i = 0; i < m->root_count; i++) {
        const struct heap_root *a = &heap->roots[i], *b = &m->roots[i];
        ck_assert_uint_eq(a->kind, b->kind);
        ck_assert_uint_eq(a->reference, b->reference);
        ck_assert_uint_eq(a->certainty, b->certainty);
        ck_assert_str_eq(heap_string(heap, a->name, NULL), m->strings[b->name]);
        ck_assert_int_eq(a->number, b->number);
        ck_assert_uint_eq(a->target, b->target);
        ck_assert_uint_eq(a->thread, b->thread);
        ck_assert_uint_eq(a->frame, b->frame);
    }
}

static void check_objects(const struct heap *heap, const struct model *m)
{
    ck_assert_uint_eq(heap->object_count, m->object_count);
    ck_assert_uint_eq(heap->edges.item_count, m->edge_count);
    for (object_id id = 1; id <= m->object_count; id++) {
        /* Check's asserts are slow; millions of them are only made when they fail. */
        struct heap_detail detail;
        bool same = heap_detail(heap, id, &detail) && heap->address[id] == m->address[id] &&
                    heap->shape[id] == m->shape[id] && csr_start(&heap->edges, id) == m->start[id] &&
                    csr_end(&heap->edges, id) == m->start[id + 1] && detail.size == m->details[id].size &&
                    detail.refcount == m->details[id].refcount && detail.flags == m->details[id].flags;
        if (!same)
            ck_abort_msg("object %u differs", id);
    }
    for (uint64_t i = 0; i < m->edge_count; i++) {
        if (heap->edges.item[i] != m->targets[i])
            ck_abort_msg("target %llu is %u, not %u", (unsigned long long)i, heap->edges.item[i],
                         m->targets[i]);
    }
}

static void check_places(const struct heap *heap, const struct model *m)
{
    uint64_t index = 0;
    for (object_id id = 1; id <= m->object_count; id++) {
        const struct heap_shape *shape = &m->shapes[m->shape[id]];
        if (shape->tail != TAIL_NATIVE)
            continue;
        for (uint64_t edge = m->start[id] + shape->field_count; edge < m->start[id + 1]; edge++) {
            struct reference r = heap_reference(heap, id, edge);
            uint32_t place = model_place(index++);
            if (r.kind != REFERENCE_POINTER || r.number != (int64_t)(place >> 1) * 8 ||
                r.certainty != (place & 1 ? CERTAINTY_UNCERTAIN : CERTAINTY_EXACT))
                ck_abort_msg("object %u: native reference %llu differs", id, (unsigned long long)edge);
        }
    }
}

void check_heap_is_model(struct heap *heap, const struct model *m)
{
    struct error err;
    check_tables(heap, m);
    check_roots(heap, m);
    ck_assert_ok(heap_load_previews(heap, &err), &err);
    if (m->object_count < 1000)
        check_objects(heap, m); /* one by one, through the block cache */
    ck_assert_ok(heap_load_details(heap, &err), &err);
    check_objects(heap, m);
    check_places(heap, m); /* block by block, then all at once */
    ck_assert_ok(heap_load_places(heap, &err), &err);
    check_places(heap, m);
    uint32_t next = 0;
    for (object_id id = 1; id <= m->object_count; id++) {
        const struct model_preview *p = &m->previews[next];
        struct heap_preview preview;
        bool has = next < m->preview_count && p->id == id;
        if (heap_preview(heap, id, &preview) != has)
            ck_abort_msg("object %u: preview %s", id, has ? "missing" : "from nowhere");
        if (!has)
            continue;
        if (preview.kind != p->kind || preview.full_length != p->full_length || preview.length != p->length ||
            memcmp(preview.text, p->text, p->length) != 0)
            ck_abort_msg("object %u: preview differs", id);
        next++;
    }
}
