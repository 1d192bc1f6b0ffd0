/* cpython_core_private.h -- what the files of cpython_core share: known types, objects found, pools.
 *
 * An object is recognised by its type: word +8 is the address of a known type, the reference count is a small
 * number, and the type's size fits into the block. Types are known first: static ones in the modules' data,
 * heap types among the blocks of the allocator (they are too large for pools), both by the type that they are
 * of themselves.
 */
#ifndef HELDBY_CPYTHON_CORE_PRIVATE_H
#define HELDBY_CPYTHON_CORE_PRIVATE_H

#include "formats/cpython/cpython_core.h"
#include "formats/cpython/cpython_runtime.h"
#include "formats/cpython/walk.h"

/* How large an object is, and what memory of its own it has besides. */
enum core_extent { EXTENT_FIXED, EXTENT_ITEMS, EXTENT_STR, EXTENT_INT };

enum core_owns {
    OWNS_NOTHING,
    OWNS_LIST,
    OWNS_DICT,
    OWNS_ORDERED_DICT,
    OWNS_SET,
    OWNS_STR,
    OWNS_BYTEARRAY,
    OWNS_DEQUE,
    OWNS_ARRAY,  /* array.array */
    OWNS_NUMPY,  /* numpy.ndarray */
    OWNS_WORDS,  /* types (shared keys, doc ...) and code: whatever block a word leads to */
    OWNS_MODULE, /* the module's state */
    OWNS_SIMPLE_QUEUE,
    OWNS_ELEMENT, /* xml.etree's Element */
    OWNS_PICKLER, /* its memo */
};

struct core_type {
    uint64_t address; /* 0: a free place of the table */
    uint32_t basic, item;
    uint8_t header; /* bytes in front of the object: 0, 16 or 32 */
    uint8_t extent, owns;
    bool managed; /* 3.11, 3.12: attribute values in a block of their own, or a dict, in the pre-header */
    bool metatype;
    bool inside; /* 3.13 and later: attribute values follow the object */
};

struct core_types {
    struct core_type *table; /* open addressing by address; capacity is a power of two */
    uint32_t capacity, count, metatypes;
    unsigned shift; /* of the hash */
};

struct core_arena {
    uint64_t start, end;
};

struct core_thread {
    uint64_t ident;
    uint32_t id; /* in the snapshot */
};

struct cpython_core {
    const struct process_image *image;
    struct cpython_runtime runtime;
    struct cpython_layout layout;
    uint64_t pool_size, frame_type;
    struct core_types types;
    struct memory_text *texts; /* names of types that are not in the image; by address */
    size_t text_count, text_capacity;
    struct memory_stand_in *stand_ins; /* types whose own memory is missing; by address */
    size_t stand_in_count, stand_in_capacity;
    struct block_index objects, pools; /* where objects begin; where pools begin */
    const struct block_index *native;  /* during the walk */
    uint64_t most_blocks;              /* that so much memory can hold; damaged lists may lead in circles */
    uint64_t *owned;                   /* buffers that objects own, in order of finding */
    size_t owned_count, owned_capacity;
    struct core_arena *arenas;
    size_t arena_count;
    struct cpython_core_counts counts;
    /* PYTHONMALLOC=debug, -X dev: bytes in front of what was asked for, and all that is added (else 0). */
    uint32_t pad, padding;
    bool failed; /* no memory */
    bool partly; /* the interpreter's state, or part of it, is in memory that is not here */

    /* The walk */
    struct walk *walk;
    struct core_thread *threads; /* those that the walk has written; in the walk's memory */
    size_t thread_count;
    struct capture_memory memory;
    struct capture_shared shared;
    struct capture_request request;
    const struct cpython_native *visitor;
    bool unlisted; /* the collector's lists are not whole: whether an object is tracked is seen by its own
                      head */
    uint32_t listed,
        scanned; /* ids up to these: from the lists, through references; the rest by the scan alone */
    sigjmp_buf *volatile guard; /* where no walk is under way */
};

struct memory_view core_view(const struct cpython_core *core, sigjmp_buf *volatile *guard);
/* Calls `part` with this thread's view on the core's memory; false: it touched a bad address and was left. */
bool core_guarded(struct cpython_core *core, void (*part)(struct cpython_core *core, void *context),
                  void *context);

uint64_t core_stand_in(const struct cpython_core *core, uint64_t address);
static inline uint64_t core_word(const struct cpython_core *core, uint64_t address)
{
    uint64_t v;
    if (address_space_u64(&core->image->space, address, &v))
        return v;
    return __builtin_expect(core->stand_in_count == 0, 1) ? 0 : core_stand_in(core, address);
}

/* The next block of an index, sealed or not, slab by slab: for (struct core_blocks b = {0}; (block = ...) !=
 * 0;) */
struct core_blocks {
    uint32_t slab, record; /* the one after that of `bits` */
    uint64_t bits, base;
};
static inline uint64_t core_next_block(const struct block_index *index, struct core_blocks *b)
{
    while (b->bits == 0) {
        if (b->slab < BLOCK_SLAB_FIRST)
            b->slab = BLOCK_SLAB_FIRST;
        if (b->slab >= index->slab_count)
            return 0;
        b->base = (uint64_t)index->keys[b->slab] << 20 | (uint64_t)b->record << 10;
        b->bits = index->slabs[(uint64_t)b->slab << 10 | b->record].starts;
        b->record = (b->record + 1) & 1023;
        b->slab += b->record == 0;
    }
    uint64_t block = b->base | (uint64_t)__builtin_ctzll(b->bits) << 4;
    b->bits &= b->bits - 1;
    return block;
}

/* ---- texts ---- */

/* Names for builtin types where the image has none: by where the interpreter's modules keep these types. */
void core_texts_find(struct cpython_core *core);
void core_texts_sort(struct cpython_core *core); /* before the walk */
void core_texts_free(struct cpython_core *core);
/* A C text of the process, at most `size` - 1 bytes; false: not there. */
bool core_text(const struct cpython_core *core, uint64_t address, char *to, size_t size);

/* ---- without the interpreter's help ---- */

/* Is memory that the process could write to not here? */
bool core_memory_missing(const struct cpython_core *core);
/* PY_VERSION_HEX by what the module's files say of themselves, 0: nothing. */
uint32_t core_version_of_files(const struct cpython_core *core, const struct image_module *module);
/* By core->layout: memory itself says that there is no interpreter, or none that has modules. */
bool core_interpreter_absent(const struct cpython_core *core, uint64_t runtime);
/* What can be known of a CPython whose interpreter cannot be read; `module`: NULL, any; `runtime`: 0, not
 * known. False: not its types, either. */
bool core_find_partly(struct cpython_core *core, const struct image_module *module, uint64_t runtime,
                      uint32_t hex);
/* Builtin types whose memory is missing, by the module's file. False: no memory. */
bool core_stand_ins_find(struct cpython_core *core, const struct image_module *module);
/* The traverse function of all classes made by a class statement, by its frequency; 0: not known. */
uint64_t core_class_traverse(const struct cpython_core *core);

/* ---- types ---- */
bool core_types_init(struct core_types *types);
void core_types_free(struct core_types *types);
/* Known types in modules' data, then among the blocks of `index` (NULL: none). */
bool core_types_static(struct cpython_core *core);
bool core_types_heap(struct cpython_core *core, const struct block_index *index,
                     uint64_t (*block_size)(const struct process_image *image, uint64_t address));
/* The record of a type that is known, or turns out to be one; NULL: it is none. */
const struct core_type *core_type_learn(struct cpython_core *core, uint64_t address);

static inline const struct core_type *core_type_find(const struct core_types *types, uint64_t address)
{
    uint32_t mask = types->capacity - 1;
    uint32_t at = (uint32_t)((address >> 3) * UINT64_C(0x9E3779B97F4A7C15) >> types->shift);
    for (;; at = (at + 1) & mask) {
        const struct core_type *t = &types->table[at];
        if (t->address == address && address != 0)
            return t;
        if (t->address == 0)
            return NULL;
    }
}

/* ---- objects ---- */

/* 0 < refcount, not absurd, no address. */
static inline bool core_refcount(uint64_t refcount)
{
    return refcount - 1 < (UINT64_C(1) << 34) - 1;
}

/* Bytes in front of an object of type `t`, at `p`. A class without the flag of heap types has none, wherever
 * it lies. */
static inline unsigned core_header(const struct core_type *t, const uint8_t *p, uint64_t room)
{
    uint64_t flags = 0;
    if (__builtin_expect(t->metatype, 0) && room >= TP_FLAGS + 8) {
        memcpy(&flags, p + TP_FLAGS, 8);
        return flags & TPFLAG_HEAPTYPE ? t->header : 0;
    }
    return t->header;
}

/* Does an object of type `t` whose bytes are at `p` fit into `room` bytes? */
bool core_fits(const struct cpython_core *core, const struct core_type *t, const uint8_t *p, uint64_t room);
/* The object in an allocated block of `size` bytes at `p` in this process: its offset in the block, and
 * *type; -1: none. */
int core_object_in(const struct cpython_core *core, const uint8_t *p, uint64_t size,
                   const struct core_type **type);
/* Notes what memory an object owns; `p`: its bytes in this process, its header in front of it. */
void core_own(struct cpython_core *core, const struct core_type *t, const uint8_t *p);
/* What was noted leaves `index`, and is no object. */
bool core_disown(struct cpython_core *core, struct block_index *index,
                 uint64_t (*block_size)(const struct process_image *image, uint64_t address));
/* A dead object, kept for the next of its type, in a block of `size` bytes at `p` (cpython_core_freed.c). */
bool core_is_freed(const struct cpython_core *core, const uint8_t *p, uint64_t size);
/* The arrays that lead to such. */
void core_free_lists(const struct cpython_core *core,
                     void (*each)(void *context, uint64_t start, uint64_t end), void *context);
/* Known by the scan, or static: no block of memory that only looks like one. */
bool core_is_object(const struct cpython_core *core, uint64_t address);
bool core_is_static(const struct cpython_core *core, uint64_t address);
/* What the walk may take for an object although the scan has not found it. */
bool core_may_be_object(struct cpython_core *core, uint64_t address);

/* Objects among the allocator's blocks: they leave `index`. */
bool core_chunks(struct cpython_core *core, struct block_index *index,
                 uint64_t (*block_size)(const struct process_image *image, uint64_t address),
                 struct error *err);

/* ---- the walk ---- */

/* References of a type's objects that lie in none of their words. */
enum core_beyond {
    BEYOND_NOTHING,
    BEYOND_ITEMS,     /* behind the object's fixed part, as many as its size says */
    BEYOND_STRUCTURE, /* a structure sequence: also those that its length leaves out */
    BEYOND_MODULE,    /* in the module's state */
    BEYOND_ELEMENT,   /* xml.etree's children */
    BEYOND_QUEUE,     /* 3.13: a ring of its own */
    BEYOND_PICKLER,   /* in its memo */
    BEYOND_TEE,       /* in its words, of which not all are used */
};

/* A Pickler's tp_traverse reports its memo in later patch levels of 3.11, and since. Before that, the memo is
 * a native block like any other. */
static inline bool core_memo_traversed(const struct cpython_core *core)
{
    return core->runtime.hex >= 0x030b0300;
}

/* ---- pools ---- */
/* _PyMem_DebugRawAlloc: 8 bytes of size, the domain's letter, 7 bytes 0xfd in front; 8 bytes 0xfd behind. */
static inline bool core_is_marked(const uint8_t *p)
{
    uint64_t mark;
    memcpy(&mark, p + 8, 8);
    return (p[8] == 'o' || p[8] == 'm' || p[8] == 'r') && (mark | 0xff) == UINT64_C(0xfdfdfdfdfdfdfdff);
}
/* Marks in front of what a block of the allocator holds: twice those of a pool's if it is too large for
 * pools. */
static inline uint32_t core_marks(const struct cpython_core *core, const uint8_t *p, uint64_t size)
{
    uint32_t marks = 0;
    while (core->pad != 0 && marks < 2 * core->pad && marks + 48 <= size && core_is_marked(p + marks))
        marks += core->pad;
    return marks;
}

/* Does the allocator put marks around what it gives? Sets `pad`. */
void core_debug_find(struct cpython_core *core, const struct block_index *index);
bool core_pools(struct cpython_core *core, struct block_index *index, struct error *err);
bool core_arenas(struct cpython_core *core, const struct block_index *index,
                 uint64_t (*block_size)(const struct process_image *image, uint64_t address));
/* The pool that holds an address, 0: none. */
static inline uint64_t core_pool_of(const struct cpython_core *core, uint64_t address)
{
    uint64_t pool = address & ~(core->pool_size - 1);
    return block_index_has(&core->pools, pool) ? pool : 0;
}
uint64_t core_pool_block_size(const struct cpython_core *core, uint64_t pool);

#endif
