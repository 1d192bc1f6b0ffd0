/* heap_builder.h -- the only way to make a heap: append tables and objects, then freeze, which checks
 * everything.
 *
 * Used by readers (whole columns at once) and by tests (object by object). All text is copied. Ids are given
 * in order, from 1. heap_builder_freeze validates: every id in range, positions monotone, families and kinds
 * known; an edge target beyond the last object becomes 0 and is counted in edges_lost (a cut file). After it
 * the heap can be trusted.
 */
#ifndef HELDBY_HEAP_BUILDER_H
#define HELDBY_HEAP_BUILDER_H

#include "lib/heap/heap.h"

struct heap_builder;

struct heap_builder *heap_builder_create(const char *path, struct error *err); /* NULL: no memory */
void heap_builder_destroy(struct heap_builder *b); /* also before freeze; NULL is fine */

/* Each returns the new id, or 0 with *err filled (no memory, or more than 2^32 - 2). */
string_id heap_builder_string(struct heap_builder *b, const char *text, size_t length, struct error *err);
type_id heap_builder_type(struct heap_builder *b, const struct heap_type *type,
                          const struct heap_member *members, struct error *err);
shape_id heap_builder_shape(struct heap_builder *b, const struct heap_shape *shape,
                            const struct heap_field *fields, struct error *err);
uint32_t heap_builder_thread(struct heap_builder *b, const struct heap_thread *thread, struct error *err);
uint32_t heap_builder_frame(struct heap_builder *b, const struct heap_frame *frame, struct error *err);
bool heap_builder_root(struct heap_builder *b, const struct heap_root *root, struct error *err);
bool heap_builder_fact(struct heap_builder *b, const struct heap_fact *fact,
                       struct error *err); /* replaces an earlier one of the same key */
const struct heap_fact *heap_builder_find_fact(const struct heap_builder *b, const char *key); /* or NULL */
bool heap_builder_warning(struct heap_builder *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void heap_builder_lost(struct heap_builder *b, uint64_t objects,
                       uint64_t edges); /* adds to the losses; heap is not complete */

/* Object by object (tests, small inputs). Edges belong to the object added last. */
object_id heap_builder_object(struct heap_builder *b, uint64_t address, shape_id shape,
                              const struct heap_detail *detail, struct error *err);
bool heap_builder_edge(struct heap_builder *b, object_id target, struct error *err);
/* The place of the edge just added, which stands in a native tail: byte offset / 8 << 1, and 1 if it points
 * into its target. Once for each such edge. */
bool heap_builder_place(struct heap_builder *b, uint32_t place, struct error *err);
bool heap_builder_preview(struct heap_builder *b, object_id id, enum preview_kind kind, uint64_t full_length,
                          const void *text, uint32_t length, struct error *err);

/* Whole columns (readers): reserves exactly, then the reader writes into the arrays it gets. `address`,
   `shape` have count + 1 places, index 0 is none's; `low` and `base` as in struct csr with rows = count + 1.
   Sizes are the reader's to bound against the file. A second call may lower the counts, when less than
   promised was found; what was written below them stays. */
struct heap_columns {
    uint64_t *address;
    shape_id *shape;
    struct csr edges;
};
bool heap_builder_columns(struct heap_builder *b, uint32_t object_count, uint64_t edge_count,
                          struct heap_columns *ret, struct error *err);

/* Details and previews come later, through the source, whose ownership passes to the heap on success. */
void heap_builder_source(struct heap_builder *b, const struct heap_source *source);

/* Checks and hands over; the builder is destroyed in either case. NULL on failure. */
struct heap *heap_builder_freeze(struct heap_builder *b, struct error *err);

/* For a source's load_previews: makes room for `count` previews, at most one per object; a wish, never an
 * error. */
void heap_expect_previews(struct heap *heap, uint64_t count);
/* Adds one preview to a frozen heap. */
bool heap_add_preview(struct heap *heap, object_id id, enum preview_kind kind, uint64_t full_length,
                      const void *text, uint32_t length, struct error *err);

#endif
