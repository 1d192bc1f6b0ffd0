#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "tests/support/make_snapshot.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *init(void *workspace, size_t size)
{
    return ZSTD_initStaticCCtx(workspace, size);
}

static size_t compress(void *context, void *to, size_t to_size, const void *from, size_t from_size, int level)
{
    return ZSTD_compressCCtx(context, to, to_size, from, from_size, level);
}

const struct snapshot_zstd make_snapshot_zstd = {ZSTD_estimateCCtxSize, init, compress, ZSTD_isError};

/* The writer gives empty text the id 0, so its ids differ from the model's. */
static void write_tables(struct snapshot_writer *w, const struct model *m, const uint32_t *text)
{
    for (uint32_t i = 1; i <= m->type_count; i++) {
        const struct heap_type *t = &m->types[i];
        struct snapshot_member members[4];
        for (uint32_t k = 0; k < t->member_count; k++) {
            const struct heap_member *member = &m->members[t->member_start + k];
            members[k] = (struct snapshot_member){member->offset, text[member->name]};
        }
        struct snapshot_type type = {
            .name = text[t->name],
            .module = text[t->module],
            .object = t->object,
            .flags = t->flags,
            .family = (uint32_t)t->family,
            .base = t->base,
            .label = t->label,
            .address = t->address,
            .basic_size = t->basic_size,
            .item_size = t->item_size,
            .member_count = t->member_count,
            .members = members,
        };
        ck_assert_uint_eq(snapshot_writer_type(w, &type), i);
    }
    for (uint32_t i = 1; i <= m->shape_count; i++) {
        const struct heap_shape *s = &m->shapes[i];
        struct snapshot_field fields[4];
        for (uint32_t k = 0; k < s->field_count; k++) {
            const struct heap_field *f = &m->fields[s->field_start + k];
            fields[k] = (struct snapshot_field){f->kind, f->certainty, text[f->name], f->number};
        }
        struct snapshot_shape shape = {
            .type = s->type,
            .tail = s->tail,
            .field_count = s->field_count,
            .base_size = s->base_size,
            .tail_start = s->tail_start,
            .fields = fields,
        };
        ck_assert_uint_eq(snapshot_writer_shape(w, &shape), i);
    }
}

static void write_roots(struct snapshot_writer *w, const struct model *m, const uint32_t *text)
{
    for (uint32_t i = 1; i <= m->thread_count; i++) {
        const struct heap_thread *t = &m->threads[i];
        ck_assert_uint_eq(
            snapshot_writer_thread(w, t->ident, t->native, text[t->name], t->flags, t->interpreter), i);
    }
    for (uint32_t i = 1; i <= m->frame_count; i++) {
        const struct heap_frame *f = &m->frames[i];
        struct snapshot_frame frame = {
            f->thread, f->depth, text[f->function], text[f->module], text[f->file], f->line, f->code,
        };
        ck_assert_uint_eq(snapshot_writer_frame(w, &frame), i);
    }
    for (uint32_t i = 0; i < m->root_count; i++) {
        const struct heap_root *r = &m->roots[i];
        struct snapshot_root root = {
            r->kind, r->reference, r->certainty, text[r->name], r->target, r->thread, r->frame, r->number,
        };
        snapshot_writer_root(w, &root);
    }
}

static void write_objects(struct snapshot_writer *w, const struct model *m)
{
    uint64_t places = 0;
    snapshot_writer_first_new(w, m->object_count / 4 + 1);
    for (object_id id = 1; id <= m->object_count; id++) {
        const struct heap_shape *shape = &m->shapes[m->shape[id]];
        const struct heap_detail *d = &m->details[id];
        uint64_t size_code = d->size == shape->base_size ? 0 : d->size + 1;
        snapshot_writer_object(w, m->address[id], m->shape[id], size_code, d->refcount, d->flags,
                               (uint32_t)(m->start[id + 1] - m->start[id]), shape->field_count);
        for (uint64_t edge = m->start[id]; edge < m->start[id + 1]; edge++) {
            snapshot_writer_edge(w, m->targets[edge]);
            if (shape->tail == TAIL_NATIVE && edge - m->start[id] >= shape->field_count)
                snapshot_writer_place(w, model_place(places++));
        }
    }
    for (uint32_t i = 0; i < m->preview_count; i++) {
        const struct model_preview *p = &m->previews[i];
        snapshot_writer_preview(w, p->id, (uint8_t)p->kind, p->full_length, p->text, p->length);
    }
}

void make_snapshot(const struct model *m, const char *path, bool compressed)
{
    static const uint8_t capture_id[16] = "a made-up heap";
    const struct snapshot_zstd *zstd = compressed ? &make_snapshot_zstd : NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    size_t size = snapshot_writer_memory(zstd);
    void *memory = calloc(1, size);
    uint32_t *text = calloc(m->string_count + 1u, sizeof *text);
    ck_assert(memory && text);
    struct snapshot_writer *w = snapshot_writer_begin(memory, size, fd, zstd, capture_id);
    ck_assert_ptr_nonnull(w);
    snapshot_writer_fact_u64(w, "pid", 4711);
    snapshot_writer_fact_f64(w, "capture_time", 1.5);
    snapshot_writer_fact_text(w, "runtime", "cpython", 7);
    snapshot_writer_fact_list(w, "command", "a\0b c\0", 6);
    for (uint32_t i = 1; i <= m->string_count; i++)
        text[i] = snapshot_writer_string(w, m->strings[i], strlen(m->strings[i]));
    write_tables(w, m, text);
    write_roots(w, m, text);
    write_objects(w, m);
    snapshot_writer_fact_u64(w, "objects", m->object_count);
    snapshot_writer_fact_u64(w, "complete", 1);
    ck_assert_int_eq(snapshot_writer_finish(w), 0);
    close(fd);
    free(text);
    free(memory);
}
