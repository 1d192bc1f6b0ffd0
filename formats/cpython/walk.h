/* walk.h -- the state of one walk over a CPython heap, and the hot path that turns addresses into edges.
 *
 * The array of objects is the worklist: tracked objects enter it from the collector's rings, everything else
 * when it is first met through a reference. Ids are places in that array. An edge goes through a FIFO: its
 * slot in the address map is computed and prefetched when it is pushed, and resolved WALK_FIFO pushes later,
 * when the slot is in the cache.
 *
 *      rings ──► objects[] ──► visit ──► push(address) ──► fifo ──► id ──► snapshot_writer_edge
 *                   ▲                                        │ first sight
 *                   └────────────────────────────────────────┘
 *
 * Each visit pushes the object's edges in the order of its shape: named fields, then the tail (items, pairs
 * ...).
 */
#ifndef HELDBY_WALK_H
#define HELDBY_WALK_H

#include "formats/cpython/address_map.h"
#include "formats/cpython/cpython.h"
#include "formats/cpython/cpython_layout.h"
#ifdef HELDBY_MEMORY_SPACE
#include "formats/cpython/memory_space.h"
#else
#include "formats/cpython/memory_direct.h"
#endif
#include "lib/heap/kinds.h"

#include <setjmp.h>

enum {
    WALK_FIFO = 64,
    WALK_CHUNK = 1 << 13,      /* objects per chunk of the array: 64 KiB */
    WALK_MAX_CHUNKS = 1 << 19, /* 4 billion objects */
    WALK_MAX_FIELDS = 2048,    /* named fields of one object; further references go to its tail */
    WALK_TYPE_CACHE = 1024,
    WALK_MAX_NAMES = 4096, /* of one type */
    WALK_TEXT = 65536,
    WALK_LRU_ROOT = 56, /* of an lru_cache: the root of its list of links (Modules/_functoolsmodule.c) */
};

/* How objects of a type are visited. */
enum walk_visit {
    VISIT_LEAF, /* holds nothing */
    VISIT_STR,
    VISIT_INT,
    VISIT_BYTES,
    VISIT_BYTEARRAY,
    VISIT_FLOAT,
    VISIT_TUPLE,    /* exactly */
    VISIT_LIST,     /* exactly */
    VISIT_DICT,     /* exactly */
    VISIT_SET,      /* exactly, or frozenset */
    VISIT_INSTANCE, /* of a Python class directly on object */
    VISIT_GENERAL,  /* everything else: fields gathered, shape looked up */
};

struct walk_name { /* what lies at an offset of the objects of a type */
    uint32_t offset;
    uint8_t kind;
    bool member;   /* declared as an object by tp_members, a slot or our table: may be read directly */
    bool known;    /* by our table: a reference of its own even where tp_traverse does not say so */
    uint32_t name; /* string id */
};

struct walk_fields { /* the fields of one object while they are gathered */
    uint32_t count;
    struct snapshot_field fields[WALK_MAX_FIELDS];
    uint64_t targets[WALK_MAX_FIELDS];
};

struct walk_type {
    uint64_t address, flags, traverse; /* traverse: of the first base that is not a Python class; 0 none */
    uint32_t id;                       /* in the file */
    uint8_t visit, family, container;  /* container: VISIT_TUPLE, _LIST, _DICT, _SET, VISIT_LEAF for none */
    uint8_t header;                    /* GC head and pre-header, counted in the size */
    bool python;                       /* tp_traverse is Python's own for classes */
    bool coroutine;                    /* or async generator: has an origin or finalizer */
    bool deque, structure, has_size_word; /* structure: a structure sequence, e.g. time.struct_time */
    int64_t dict_offset;                  /* 0: none; WALK_MANAGED: pre-header */
    uint32_t basic_size, item_size,
        container_size; /* container_size: where fields beyond the container begin */
    uint32_t c_size;    /* basic size of the first base that is not a Python class */
    bool packing, buffer,
        queue; /* struct.Struct; array.array; _queue.SimpleQueue, whose items lie in a ring since 3.13 */
    bool array, dated,
        ordered; /* numpy.ndarray; datetime and time, whose last field may not exist; C's OrderedDict */
    bool lock;   /* _thread.lock, which holds nothing; behind its last byte lies what was there before */
    uint64_t container_traverse; /* of the builtin container itself */
    struct walk_name *names;     /* by offset */
    uint32_t name_count, slot_count;
    uint32_t *slots; /* offsets of Python slots, named in names */
    uint64_t keys;   /* shared-key table of instances */
    uint32_t key_count;
    uint32_t plain_shape;                           /* no fields, tail of its container */
    uint32_t instance_shape[4], instance_fields[4]; /* VISIT_INSTANCE: bit 0 inline values, bit 1 a dict */
    struct snapshot_field *last_fields;             /* of the object of this type seen last */
    uint32_t last_count, last_capacity, last_tail, last_shape;
#ifdef HELDBY_MEMORY_SPACE
    bool python_part; /* of its objects the hook reads what Python laid out, and so do we; but for pointers */
    bool planned;     /* the two below are known */
    uint8_t beyond;   /* enum core_beyond: references that are in no word of the object */
    uint64_t borrowed[32]; /* bit i: word i is no reference, although it leads to an object */
#endif
};

enum { WALK_MANAGED = INT32_MAX };

struct walk_range {
    uint64_t start, end; /* exclusive */
};

struct walk {
    const struct capture_request *request;
    const struct cpython_layout *layout;
    uint64_t runtime, interpreter; /* the main interpreter */
    struct snapshot_writer *writer;
    struct capture_memory memory;
    struct address_map map;

    uint64_t **chunks;                     /* objects: address | tag (below) */
    uint32_t count;                        /* objects known; ids 1..count */
    uint64_t *chunk_slab, *chunk_slab_end; /* chunks never used */
    uint64_t *free_chunks;                 /* chunks given back; the first word leads to the next */
    struct walk_kept {                     /* chunks in use by walk_rings.c, from 1 on */
        uint64_t *entries;
        uint32_t next; /* of the same chain; 0 none */
    } * kept;
    uint32_t kept_count;
    bool rings_broken; /* a ring leads to a bad address, or never back to its head */

    struct {
        uint32_t *slot;
        uint64_t address;
    } fifo[WALK_FIFO];
    uint32_t fifo_head, fifo_fill; /* head: the oldest */
    uint64_t pushed;               /* edges pushed in all */
    uint64_t resolved;
    uint32_t empty_slot; /* always ADDRESS_MAP_EXCLUDED: the slot of an empty place */

    struct walk_type *cache[WALK_TYPE_CACHE];
    struct walk_type **types; /* open addressing by address */
    uint32_t type_count, type_capacity;
    struct walk_type *unreadable; /* the type of objects whose type cannot be read */
    uint64_t type_type, list_type, dict_type, tuple_type, set_type, frozenset_type, str_type, python_traverse,
        type_traverse;
    uint64_t none, static_table; /* static_table: state of builtin static types, 3.12+ */

    struct {
        uint64_t keys;
        uint32_t count, shape;
    } split[1024]; /* shapes of split dicts by their shared key table */
    struct walk_shape_entry {
        uint64_t hash;
        uint32_t shape;
    } * shapes;
    uint32_t shape_count, shape_capacity;

    struct walk_fields gathered;
    struct walk_name name_scratch[WALK_MAX_NAMES + 1];
    uint32_t slot_scratch[WALK_MAX_NAMES + 1];
    struct snapshot_member member_scratch[WALK_MAX_NAMES];
    uint32_t type_depth;
    char text[WALK_TEXT];
    struct {
        uint64_t address;
        uint32_t string;
    } string_cache[4096];
    uint64_t *identifiers; /* str objects whose text is an identifier: previews for them come last */
    uint32_t identifier_count, identifier_capacity;
    uint64_t identifier_cache[4096];

    struct walk_range *statics, *areas; /* of loaded modules; writable memory of the program's own */
    uint32_t static_count, area_count;
    uint64_t gap_start[2], gap_end[2]; /* last gaps between static ranges that were looked up */

    /* The object being visited, for the fault guard. */
    sigjmp_buf *volatile guard; /* where a fault goes on */
    volatile uint32_t current;
    volatile uint64_t current_pushed;
    volatile bool visiting, prefetching;
    uint64_t faults, tracked, roots;
    const char *limits;    /* why the walk stopped early, or NULL */
    bool roots_missing;    /* something that roots are in could not be read */
    uint32_t interpreters; /* met by walk_roots */
    uint64_t deadline_ns;

    /* The state of one call of tp_traverse, see walk_general.c */
    struct walk_traverse {
        struct walk_type *type;
        uint64_t object, skip_type; /* skip_type: the one visit of its own type, left out */
        uint64_t words[256];        /* the object's own words, from offset first_word; 0 once matched */
        uint32_t first_word, word_count;
        uint32_t known; /* gathered fields that the traverse may report again */
        uint64_t known_used[WALK_MAX_FIELDS / 64];
        bool only_words; /* what is in no word belongs to a container read already */
        bool spilled;    /* fields are pushed: the rest goes straight to the tail */
        uint32_t unmatched_count;
        uint64_t unmatched[WALK_MAX_FIELDS];
    } traverse;
    volatile uint32_t skip_prefetch; /* prefetching ahead of this object faulted */
#ifdef HELDBY_MEMORY_SPACE
    struct cpython_core *core;
    /* What so much memory can hold; damaged memory may lead in circles. */
    uint64_t most_objects, most_edges, steps;
#endif
};

/* Tags in the low bits of an entry of the array. Tracked objects lie at multiples of 16; others may at
 * multiples of 8. */
enum { WALK_TRACKED = 1, WALK_FROZEN = 2, WALK_GENERATION_SHIFT = 2 };
#ifdef HELDBY_MEMORY_SPACE
enum { WALK_NATIVE = 2 }; /* without WALK_TRACKED: no object, but a native block */
#endif

static inline uint64_t walk_entry(const struct walk *w, uint32_t id)
{
    return w->chunks[id / WALK_CHUNK][id % WALK_CHUNK];
}

static inline uint64_t walk_address(uint64_t entry)
{
#ifdef HELDBY_MEMORY_SPACE
    return entry & WALK_TRACKED ? entry & ~UINT64_C(15) : entry & ~UINT64_C(7);
#else
    return entry & WALK_TRACKED ? entry & ~UINT64_C(15) : entry;
#endif
}

/* A chunk of WALK_CHUNK entries, zeroed or used before; NULL: no memory. */
uint64_t *walk_chunk(struct walk *w);
void walk_chunk_free(struct walk *w, uint64_t *chunk);
/* Makes the chunk of id `count + 1` exist; false: no memory. */
bool walk_grow(struct walk *w);

static inline uint32_t walk_append(struct walk *w, uint64_t entry)
{
    uint32_t id = w->count + 1;
    if (__builtin_expect(id % WALK_CHUNK == 0, 0) && !walk_grow(w))
        return 0;
    w->chunks[id / WALK_CHUNK][id % WALK_CHUNK] = entry;
    w->count = id;
    return id;
}

/* An address met for the first time gets an id. */
#ifdef HELDBY_MEMORY_SPACE
uint32_t walk_first_sight(struct walk *w,
                          uint64_t address); /* or ADDRESS_MAP_EXCLUDED: nothing begins there */
#else
static inline uint32_t walk_first_sight(struct walk *w, uint64_t address)
{
    return walk_append(w, address);
}
#endif

static inline void walk_resolve(struct walk *w, uint32_t *slot, uint64_t address)
{
    uint32_t id = *slot;
    if (id == 0) {
        id = walk_first_sight(w, address);
        *slot = id;
#ifdef HELDBY_MEMORY_SPACE
        if (id == ADDRESS_MAP_EXCLUDED)
            id = 0;
#endif
    } else if (__builtin_expect(id == ADDRESS_MAP_EXCLUDED, 0)) {
        id = 0;
    }
    snapshot_writer_edge(w->writer, id);
}

/* The next edge of the object being visited. 0 and implausible addresses are empty places. */
static inline void walk_push(struct walk *w, uint64_t address)
{
#ifdef HELDBY_MEMORY_SPACE
    if (__builtin_expect(w->pushed > w->most_edges, 0))
        memory_fault();
#endif
    uint32_t *slot = mem_plausible(address) ? address_map_slot(&w->map, address) : &w->empty_slot;
    __builtin_prefetch(slot, 1);
    uint32_t h = w->fifo_head;
    if (__builtin_expect(w->fifo_fill == WALK_FIFO, 1))
        walk_resolve(w, w->fifo[h].slot, w->fifo[h].address);
    else
        w->fifo_fill++;
    w->fifo[h].slot = slot;
    w->fifo[h].address = address;
    w->fifo_head = (h + 1) % WALK_FIFO;
    w->pushed++;
}

void walk_drain(struct walk *w);

/* The id of an object outside the order of edges (roots, types): given at once. 0 for none, excluded or
 * implausible. */
uint32_t walk_id(struct walk *w, uint64_t address);

/* walk.c, walk_start.c, walk_rings.c: the stages */
bool walk_init(struct walk *w, const struct capture_request *request);
bool walk_check(struct walk *w);         /* is everything where this version has it? */
bool walk_runtime_known(struct walk *w); /* once checked: types and traverse functions; false: no memory */
void walk_runtime_facts(struct walk *w);
void walk_rings(struct walk *w);
void walk_all(struct walk *w);
void walk_more(struct walk *w); /* what has been appended since */

/* walk_types.c: the record of a type, made at first sight. Never NULL. */
struct walk_type *walk_type_make(struct walk *w, uint64_t address);
static inline struct walk_type *walk_type_of(struct walk *w, uint64_t type)
{
    struct walk_type *t = w->cache[type >> 4 & (WALK_TYPE_CACHE - 1)];
    return __builtin_expect(t != NULL && t->address == type, 1) ? t : walk_type_make(w, type);
}
const struct walk_name *walk_name_at(const struct walk_type *t, uint32_t offset);
size_t walk_type_name(struct walk *w, uint64_t type, char *out, size_t size, size_t *module_length);
bool walk_types_init(struct walk *w);

/* Where an instance with a managed dict (3.11+) keeps its attributes: *values, by the class's key table, and
 * the dict returned; each may be 0. On 3.13 both can be there, and the values are the instance's. */
static inline uint64_t walk_managed(const struct walk *w, const struct walk_type *t, uint64_t object,
                                    uint64_t *values)
{
    uint64_t word = mem_u64(object - 24);
    *values = 0;
    if (w->layout->minor == 11) {
        *values = mem_u64(object - 32);
        return *values == 0 ? word : 0;
    }
    if (w->layout->minor == 12) {
        *values = word & 1 ? word + 1 : 0;
        return word & 1 ? 0 : word;
    }
    bool inside = w->layout->minor == 13 || word == 0; /* 3.14: once there is a dict, it holds the values */
    if (inside && t->flags & TPFLAG_INLINE_VALUES && mem_u8(object + t->basic_size + 3) != 0)
        *values = object + t->basic_size + 8;
    return word;
}

/* walk_shapes.c */
uint32_t walk_shape(struct walk *w, struct walk_type *t, const struct snapshot_field *fields, uint32_t count,
                    uint32_t tail, uint64_t tail_start);
uint64_t walk_base_size(const struct walk_type *t); /* the base size of every shape of a type */

/* walk_containers.c: each pushes the object's content as a tail and returns what its storage adds to the
 * size. */
uint64_t walk_tuple(struct walk *w, uint64_t object);
uint64_t walk_list(struct walk *w, uint64_t object);
uint64_t walk_dict(struct walk *w, uint64_t object,
                   bool *split); /* split: nothing pushed, see walk_split_dict */
uint64_t walk_ordered_keys(struct walk *w, uint64_t object);
uint64_t walk_set(struct walk *w, uint64_t object);
uint64_t walk_deque(struct walk *w, uint64_t object);

struct walk_keys {               /* a dict's key table */
    uint64_t entries, count;     /* count: entries in use or deleted */
    uint64_t size, usable;       /* bytes of the table; entries it has room for */
    uint32_t stride, key, value; /* offsets in an entry */
    uint64_t refcount;
};
bool walk_keys_read(const struct walk *w, uint64_t keys, struct walk_keys *ret);
/* Calls `each` for every pair; stops when it returns false. For lookups, not for the walk itself. */
void walk_dict_each(struct walk *w, uint64_t dict, bool (*each)(void *context, uint64_t key, uint64_t value),
                    void *context);
uint64_t walk_dict_lookup(struct walk *w, uint64_t dict, const char *name); /* value under a str key, or 0 */

/* walk_general.c */
void walk_general(struct walk *w, struct walk_type *t, uint64_t object, uint64_t refcount, uint8_t flags);
void walk_tail(struct walk *w, uint64_t target); /* an item of the object's tail, after all its fields */
void walk_spill(struct walk *w); /* the fields gathered are pushed: the rest goes straight to the tail */
void walk_words(struct walk *w, const struct walk_type *t, uint64_t object,
                uint32_t first); /* for w->traverse */
void walk_declared(struct walk *w, const struct walk_type *t);
void walk_field_at(struct walk *w, const struct walk_type *t, uint32_t offset, uint64_t target,
                   uint8_t certainty);

/* walk_traverse_direct.c, or cpython_core_fields.c over an image: the fields of C's own part of an object,
 * and what else its tp_traverse reports. */
void walk_reported(struct walk *w, struct walk_type *t, uint64_t object);
/* The same for w->traverse's words where there is no tp_traverse. */
void walk_known_words(struct walk *w, struct walk_type *t);
#ifdef HELDBY_MEMORY_SPACE
void walk_native(struct walk *w, uint64_t block, uint32_t id); /* visits a native block */
/* cpython_core_pointers.c: the native blocks that C's own part of an object leads to. */
void walk_pointers(struct walk *w, struct walk_type *t, uint64_t object);
size_t walk_unnamed_type(uint64_t type, char *out,
                         size_t size); /* a name for one whose own is not in the image */
#endif
void walk_field(struct walk *w, uint32_t offset, uint8_t kind, uint32_t name, int64_t number, uint64_t target,
                uint8_t certainty);

/* walk_special.c: fields of objects whose layout is known exactly; each adds to w->gathered. */
void walk_type_fields(struct walk *w, uint64_t type);
void walk_code_fields(struct walk *w, uint64_t code);
void walk_frame_fields(struct walk *w, uint64_t frame);
void walk_generator_fields(struct walk *w, struct walk_type *t, uint64_t generator);
void walk_weakref_fields(struct walk *w, uint64_t weakref);
void walk_array_fields(struct walk *w, uint64_t array); /* numpy.ndarray */
uint64_t walk_int_size(const struct walk *w, uint64_t object);
uint64_t walk_general_size(struct walk *w, struct walk_type *t, uint64_t object);
uint64_t walk_type_dict(struct walk *w, uint64_t type);       /* tp_dict, wherever the version keeps it */
uint64_t walk_type_subclasses(struct walk *w, uint64_t type); /* tp_subclasses, likewise */

/* walk_frames.c */
struct walk_frame { /* a frame, of whatever version */
    uint64_t code, globals, locals_dict, function, back, address;
    uint64_t slots;      /* address of the first local */
    uint32_t slot_count; /* locals, cells and free variables */
    uint64_t stack;      /* first value of the expression stack */
    uint32_t stack_count;
    bool stack_exact; /* the depth of the stack is known: the frame does not run just now */
    uint32_t line;
};
bool walk_frame_read(struct walk *w, uint64_t frame, struct walk_frame *ret);
/* A local or a value on an expression stack, 0 if there is none. 3.14+ has tags in the low two bits
 * (pycore_stackref.h). */
static inline uint64_t walk_local(const struct walk *w, uint64_t at)
{
    uint64_t v = mem_u64(at);
    if (w->layout->minor < 14)
        return v;
    return (v & 3) == 3 ? 0 : v & ~UINT64_C(3); /* 3: an int, no object */
}
/* Address of the str naming local `i` of `code`, or 0. */
uint64_t walk_local_name(struct walk *w, uint64_t code, uint32_t i);
uint32_t walk_line(struct walk *w, uint64_t code, uint64_t frame);
/* A word of an expression stack: an object, as far as can be told? */
bool walk_looks_like_object(struct walk *w, uint64_t word);

/* walk_roots.c */
void walk_roots(struct walk *w);

/* walk_native_direct.c, or cpython_core_native.c: the threads as the kernel knows them */
bool walk_native_main(const struct walk *w, uint64_t native); /* is it the program's main thread? */
size_t walk_native_name(const struct walk *w, uint64_t native, char *out, size_t size);
/* A thread was written as `id`. (For native roots of the same thread.) */
void walk_native_thread(struct walk *w, uint64_t ident, uint32_t id);

/* walk_hook_direct.c: what belongs to the hook itself, and to the question that is just being asked */
void walk_hook_exclude(struct walk *w);  /* first of all */
void walk_hook_discount(struct walk *w); /* before any refcount is read */
bool walk_hook_owns(const struct walk *w, uint64_t address);
/* Does `call`, the one under way in the frame or NULL, begin at slot `i` of its expression stack? Then the
 * stack ends there as far as the program is concerned. */
bool walk_hook_call(struct walk *w, const struct walk_frame *f, uint32_t i, const struct capture_call *call);
const struct capture_call *walk_hook_call_of(const struct walk *w, uint64_t thread); /* NULL: none */

/* walk_text.c */
/* UTF-8 of a str into out (at most `size` bytes, whole code points); returns the length, *full = code points.
 */
size_t walk_str(const struct walk *w, uint64_t str, char *out, size_t size, uint64_t *full);
bool walk_is_str(struct walk *w, uint64_t object);
bool walk_text_is(uint64_t text, const char *other); /* a terminated C text in the process */
bool walk_str_equals(const struct walk *w, uint64_t str, const char *text);
uint32_t walk_string_of(struct walk *w, uint64_t str);  /* string id of a str object */
uint32_t walk_string(struct walk *w, const char *text); /* string id of a C text */
void walk_identifier(struct walk *w, uint64_t str);     /* its text is an identifier: keep it whole */
void walk_identifiers(struct walk *w, uint64_t dict);   /* so are all str keys of a namespace */
void walk_identifiers_out(struct walk *w);
void walk_preview(struct walk *w, struct walk_type *t, uint64_t object, uint32_t id);
void walk_name_preview(struct walk *w, struct walk_type *t, uint64_t object, uint32_t id);

/* walk_static.c; init: walk_static_direct.c, or cpython_core_native.c over an image */
void walk_static_init(struct walk *w);
bool walk_static_lookup(struct walk *w, uint64_t address);
static inline bool walk_is_static(struct walk *w, uint64_t address)
{
    if (address - w->gap_start[0] < w->gap_end[0] - w->gap_start[0] ||
        address - w->gap_start[1] < w->gap_end[1] - w->gap_start[1])
        return false;
    return walk_static_lookup(w, address);
}

/* Calls `part` under the fault guard; false: it touched a bad address and was left. */
bool walk_guarded(struct walk *w, void (*part)(struct walk *w, void *context), void *context);

uint64_t walk_now_ns(void);

#endif
