/* heap.h -- a loaded heap: objects, references, types, roots, names. Immutable; made only by heap_builder.h.
 *
 * Ids are 32-bit and start at 1; 0 means none. An object's references are its edges: `edges.start(id)` to
 * `edges.start(id + 1)` (exclusive) in `edges.item`, in the order in which the object holds them. What kind
 * each is and how it is named follows from the object's shape and the edge's position (heap_reference). A
 * target of 0 is an empty place, no reference.
 *
 *      id ──► shape[id] ──► shapes[s] ──► type, fields, tail
 *      id ──► edges ──► target ids
 *
 * The reference of an object to its type is not an edge: it is types[heap_type_of(id)].object, kind
 * REFERENCE_TYPE. Sizes, refcounts and flags are "details": loaded for all with heap_load_details, or read
 * one by one with heap_detail (which a single path question does, to stay small).
 */
#ifndef HELDBY_HEAP_H
#define HELDBY_HEAP_H

#include "lib/base/error.h"
#include "lib/heap/kinds.h"

typedef uint32_t object_id;
typedef uint32_t type_id;
typedef uint32_t shape_id;
typedef uint32_t string_id;

/* Compressed sparse rows over object ids, 32 bits per row and item; 64-bit positions by a base per 65,536
 * rows. */
struct csr {
    uint64_t *base; /* [rows >> 16 + 1] */
    uint32_t *low;  /* [rows + 1]: position of row r is base[r >> 16] + low[r] */
    uint32_t *item; /* [item_count] */
    uint64_t item_count;
};

static inline uint64_t csr_start(const struct csr *c, uint32_t row)
{
    return c->base[row >> 16] + c->low[row];
}

static inline uint64_t csr_end(const struct csr *c, uint32_t row)
{
    return csr_start(c, row + 1);
}

struct heap_member {
    uint64_t offset;
    string_id name;
};

struct heap_type {
    string_id name, module; /* name is module.Qualname, "builtins." left out */
    uint64_t address;
    object_id object; /* the type as an object, or 0 */
    uint32_t flags;   /* enum type_flags */
    uint8_t label;    /* enum type_label: where the name comes from */
    enum family family;
    uint64_t basic_size, item_size;
    type_id base;
    uint32_t member_start, member_count; /* in heap->members */
};

struct heap_field {
    uint8_t kind, certainty; /* enum reference_kind, enum certainty */
    string_id name;          /* or 0 */
    int64_t number;          /* offset of an unnamed field, or index */
};

struct heap_shape {
    type_id type;
    uint32_t field_start, field_count; /* in heap->fields */
    uint8_t tail;                      /* enum shape_tail */
    uint64_t tail_start, base_size;
};

struct heap_root {
    uint8_t kind;      /* enum root_kind */
    uint8_t reference; /* enum reference_kind of the step from the root to target; 0: the root is the target
                          itself */
    uint8_t certainty;
    string_id name;         /* module, variable or field name */
    int64_t number;         /* slot of an expression stack */
    object_id target;       /* never 0 */
    uint32_t thread, frame; /* index into threads and frames, or 0 */
};

struct heap_thread {
    uint64_t ident, native;
    string_id name;
    uint32_t flags, interpreter;
};

struct heap_frame {
    uint32_t thread, depth; /* depth 0 = innermost */
    string_id function, module, file;
    uint32_t line; /* 0 = unknown */
    object_id code;
};

struct heap_detail {
    uint64_t size;     /* shallow size in bytes */
    uint64_t refcount; /* the raw word */
    uint8_t flags;     /* enum object_flags */
};

struct heap_preview {
    enum preview_kind kind;
    uint64_t full_length;
    const char *text; /* borrowed from the heap; not terminated */
    uint32_t length;
};

enum heap_fact_type { HEAP_FACT_U64 = 1, HEAP_FACT_I64, HEAP_FACT_F64, HEAP_FACT_TEXT, HEAP_FACT_LIST };

struct heap_fact {
    const char *key;
    enum heap_fact_type type;
    uint64_t u64;
    int64_t i64;
    double f64;
    const char
        *text; /* TEXT: terminated; LIST: terminated texts one after the other, `length` bytes in all */
    uint32_t length;
};

/* Sizes, refcounts and flags of `count` objects from id `first` on. */
typedef void heap_details_visitor(void *context, object_id first, uint32_t count, const uint64_t *size,
                                  const uint64_t *refcount, const uint8_t *flags);

/* Where a heap came from; lets it read details and previews later. All may be NULL. `self` is passed back. */
struct heap_source {
    void *self;
    bool (*load_details)(void *self, uint64_t *size, uint64_t *refcount, uint8_t *flags,
                         struct error *err); /* arrays by id */
    bool (*each_details)(void *self, heap_details_visitor *visit, void *context, struct error *err);
    bool (*detail)(void *self, object_id id, struct heap_detail *ret, struct error *err);
    bool (*check_previews)(void *self, struct error *err); /* are they whole, as far as checksums say? */
    bool (*load_previews)(void *self, struct error *err);  /* calls heap_add_preview for each */
    /* The places of native references (heap_load_places): one, `*decoded` set if that was work; and all, into
     * an array of `count`, those unknown left as they are. */
    bool (*place)(void *self, uint64_t index, uint32_t *ret, bool *decoded);
    bool (*load_places)(void *self, uint32_t *place, uint64_t count, struct error *err);
    void (*close)(void *self);
};

struct heap {
    const char *path; /* as given by the user */
    uint32_t object_count;
    uint64_t *address; /* [object_count + 1], [0] = 0 */
    shape_id *shape;   /* [object_count + 1] */
    struct csr edges;
    struct heap_type *types;     /* [type_count + 1], [0] unused */
    struct heap_shape *shapes;   /* [shape_count + 1] */
    struct heap_field *fields;   /* [field_count] */
    struct heap_member *members; /* [member_count] */
    struct heap_root *roots;     /* [root_count] */
    struct heap_thread *threads; /* [thread_count + 1] */
    struct heap_frame *frames;   /* [frame_count + 1] */
    struct heap_fact *facts;     /* [fact_count] */
    uint32_t type_count, shape_count, field_count, member_count, root_count, thread_count, frame_count,
        fact_count, string_count;
    bool complete;   /* nothing of the file was lost */
    char **warnings; /* [warning_count], one line each, shown with every answer */
    uint32_t warning_count;
    uint32_t loss_count; /* of these, the first: what is lost or was not captured; the rest only warns */
    uint64_t objects_lost, edges_lost; /* known losses; lower bounds */
    struct heap_private *private;      /* strings, details, previews, memory; see heap.c */
};

/* One reference, as stored: the source holds the target. */
struct reference {
    object_id source, target;
    enum reference_kind kind;
    enum certainty certainty;
    string_id name; /* attribute, slot, local, named field ... or 0 */
    object_id key;  /* REFERENCE_KEY, REFERENCE_CACHE in a pairs tail: the key object, or 0 */
    int64_t number; /* index, pair number, offset of an unnamed field, of a native pointer the byte offset in
                       its block; -1 - i: the i-th that lies at no known offset */
    uint64_t edge;  /* its place in edges.item */
};

void heap_destroy(struct heap *heap); /* NULL is fine */

/* The edge at `edge` of `source`. References in a native tail (kind REFERENCE_POINTER; uncertain: it points
 * into its target, not at its start) have their places in the file, read when first asked for: cheap for a
 * few or in ascending order, otherwise heap_load_places first. */
struct reference heap_reference(const struct heap *heap, object_id source, uint64_t edge);

/* Only its kind: cheaper. */
enum reference_kind heap_reference_kind(const struct heap *heap, object_id source, uint64_t edge);

/* Text of a string id, terminated ("" for 0); it may hold NULs, `length` (may be NULL) counts all bytes. */
const char *heap_string(const struct heap *heap, string_id id, size_t *length);

/* Kept and shown, but not followed unless asked: what it refers to is not alive because of it. */
static inline bool reference_kind_is_loose(unsigned kind)
{
    return kind == REFERENCE_WEAK || kind == REFERENCE_STALE;
}

/* Words of native memory: guesses, which hold an object of a runtime only where nothing else explains that it
 * is alive. */
static inline bool root_kind_is_native(unsigned kind)
{
    return kind >= ROOT_REGISTER;
}

static inline type_id heap_type_of(const struct heap *heap, object_id id)
{
    return heap->shapes[heap->shape[id]].type;
}
const char *heap_type_name(const struct heap *heap, object_id id);
enum family heap_family(const struct heap *heap, object_id id);

/* What there is in the heap: blocks of native memory, objects of a runtime, or both. By its types. */
enum heap_contents { HEAP_OF_NOTHING = 0, HEAP_HAS_OBJECTS = 1, HEAP_HAS_BLOCKS = 2, HEAP_IS_MIXED = 3 };
enum heap_contents heap_contents(const struct heap *heap);

/* Id of the object at an address, or 0. The first call builds nothing: a scan. Many lookups:
 * heap_index_addresses first. */
object_id heap_find_address(const struct heap *heap, uint64_t address);
bool heap_index_addresses(struct heap *heap, struct error *err);

/* All sizes, refcounts and flags into memory (17 bytes per object). Idempotent. After it heap_detail is a
 * plain read. */
bool heap_load_details(struct heap *heap, struct error *err);
/* The same without keeping them: for one pass over all objects, in ascending order, block by block. */
bool heap_each_details(struct heap *heap, heap_details_visitor *visit, void *context, struct error *err);
/* False with *ret zeroed if the source cannot say. */
bool heap_detail(const struct heap *heap, object_id id, struct heap_detail *ret);

/* The places of all native references into memory (4 bytes for each). Idempotent. */
bool heap_load_places(struct heap *heap, struct error *err);
/* How many native references there are. */
uint64_t heap_count_places(const struct heap *heap);

/* Are the previews whole, as far as can be told without reading them into memory? */
bool heap_check_previews(const struct heap *heap, struct error *err);
/* Previews into memory. Idempotent. */
bool heap_load_previews(struct heap *heap, struct error *err);
/* False if there is none. The first call loads them all; if that fails there are none, and
 * heap_previews_failed says why. */
bool heap_preview(const struct heap *heap, object_id id, struct heap_preview *ret);
/* Did a call of heap_preview fail to load them? Then *err. */
bool heap_previews_failed(const struct heap *heap, struct error *err);

const struct heap_fact *heap_fact(const struct heap *heap, const char *key); /* or NULL */
/* Are the blocks of native memory in it? They are when it is of a core or was copied from outside. */
bool heap_has_native(const struct heap *heap);
/* Of two heaps, has one Python's objects only and the other native memory too? */
bool heap_native_differs(const struct heap *a, const struct heap *b);

/* Number of references in a container's own storage: items of a list, pairs of a dict, members of a set; -1:
 * no container. */
int64_t heap_container_length(const struct heap *heap, object_id id);

/* True if the object's refcount word says "immortal" for the runtime version in the facts. */
bool heap_is_immortal(const struct heap *heap, const struct heap_detail *detail);

#endif
