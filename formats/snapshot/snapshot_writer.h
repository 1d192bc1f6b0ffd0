/* snapshot_writer.h -- writes a snapshot to a file descriptor, append-only, without malloc, stdio or locale.
 *
 * Runs in the forked child of a stranger's process: it uses the memory it is given and write(2), nothing
 * else. Errors are sticky: the first failed write(2) is kept in `os_errno`, everything after it is a no-op,
 * and snapshot_writer_finish says so. Compression is by function pointers, because the hook opens libzstd
 * privately; without them blocks are stored.
 *
 * Order: begin; facts, strings, types, shapes, threads, frames, roots (each buffered, flushed before whatever
 * refers to it); then objects, each followed by its edges; finish. Roots, with
 * the threads and frames they name, may also come after objects.
 */
#ifndef HELDBY_SNAPSHOT_WRITER_H
#define HELDBY_SNAPSHOT_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The part of libzstd (>= 1.4.0) that the writer calls. All NULL: no compression. */
struct snapshot_zstd {
    size_t (*estimate_context)(int level);                      /* ZSTD_estimateCCtxSize */
    void *(*init_static_context)(void *workspace, size_t size); /* ZSTD_initStaticCCtx */
    size_t (*compress)(void *context, void *to, size_t to_size, const void *from, size_t from_size,
                       int level);     /* ZSTD_compressCCtx */
    unsigned (*is_error)(size_t code); /* ZSTD_isError */
};

struct snapshot_writer;

/* Bytes of memory the writer needs for its buffers, compression workspace included. Page-aligned memory is
 * best. */
size_t snapshot_writer_memory(const struct snapshot_zstd *zstd);
/* Places a writer in `memory` (zeroed, `size` >= snapshot_writer_memory). fd stays the caller's. zstd may be
 * NULL. */
struct snapshot_writer *snapshot_writer_begin(void *memory, size_t size, int fd,
                                              const struct snapshot_zstd *zstd, const uint8_t capture_id[16]);

void snapshot_writer_fact_u64(struct snapshot_writer *w, const char *key, uint64_t value);
void snapshot_writer_fact_f64(struct snapshot_writer *w, const char *key, double value);
void snapshot_writer_fact_text(struct snapshot_writer *w, const char *key, const char *text, size_t length);
/* `texts`: NUL-ended texts one after the other, `length` bytes in all. */
void snapshot_writer_fact_list(struct snapshot_writer *w, const char *key, const char *texts, size_t length);

/* New string id. Well-formed UTF-8 is the caller's duty (utf8 of CPython's own strings is). Cut at 64 KiB. */
uint32_t snapshot_writer_string(struct snapshot_writer *w, const char *text, size_t length);

struct snapshot_type {
    uint32_t name, module, object, flags, family, base, label; /* label: enum type_label */
    uint64_t address, basic_size, item_size;
    uint32_t member_count;
    const struct snapshot_member {
        uint64_t offset;
        uint32_t name;
    } * members;
};
uint32_t snapshot_writer_type(struct snapshot_writer *w, const struct snapshot_type *type);

struct snapshot_field {
    uint8_t kind, certainty; /* enum reference_kind, enum certainty */
    uint32_t name;
    int64_t number;
};
struct snapshot_shape {
    uint32_t type, tail, field_count;
    uint64_t base_size, tail_start;
    const struct snapshot_field *fields; /* at most SNAPSHOT_MAX_FIELDS are taken */
};
enum { SNAPSHOT_MAX_FIELDS = 60000 };
uint32_t snapshot_writer_shape(struct snapshot_writer *w, const struct snapshot_shape *shape);

uint32_t snapshot_writer_thread(struct snapshot_writer *w, uint64_t ident, uint64_t native, uint32_t name,
                                uint32_t flags, uint32_t interpreter);

struct snapshot_frame {
    uint32_t thread, depth, function, module, file, line, code;
};
uint32_t snapshot_writer_frame(struct snapshot_writer *w, const struct snapshot_frame *frame);

struct snapshot_root {
    uint32_t kind, reference, certainty, name, target, thread, frame;
    int64_t number;
};
void snapshot_writer_root(struct snapshot_writer *w, const struct snapshot_root *root);

/* Before the first object: the id the next object first met through an edge will get. */
void snapshot_writer_first_new(struct snapshot_writer *w, uint32_t id);
/* The next object. Its edges are `edge_count` calls of snapshot_writer_edge, later but in object order; edge
   calls of an object may come before or after its own call. `fields` is the shape's field_count. */
void snapshot_writer_object(struct snapshot_writer *w, uint64_t address, uint32_t shape, uint64_t size_code,
                            uint64_t refcount, uint8_t flags, uint32_t edge_count, uint32_t fields);
void snapshot_writer_edge(struct snapshot_writer *w, uint32_t target);
/* Once for each edge in a native tail (TAIL_NATIVE), in the order of the edges: where the pointer stands in
   its block, byte offset / 8 << 1, and 1 if it points into its target instead of at its start. */
void snapshot_writer_place(struct snapshot_writer *w, uint64_t place);
/* The same for many edges in native tails at once, the next of their objects. */
void snapshot_writer_native(struct snapshot_writer *w, const uint32_t *targets, const uint64_t *places,
                            uint32_t count);
void snapshot_writer_preview(struct snapshot_writer *w, uint32_t object, uint8_t kind, uint64_t full_length,
                             const void *text, uint32_t length);

uint64_t snapshot_writer_bytes(const struct snapshot_writer *w); /* written so far */
int snapshot_writer_errno(const struct snapshot_writer *w);      /* 0: no failure so far */
/* Flushes, writes contents and trailer. Returns 0 or the errno of the first failed write. Does not fsync. */
int snapshot_writer_finish(struct snapshot_writer *w);

#endif
