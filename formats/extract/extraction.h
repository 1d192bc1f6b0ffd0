/* extraction.h -- the state of one extraction, shared by the files of this folder.
 *
 * A word of memory is resolved to a target: a block of native memory (by bitmap and rank), an object of
 * Python, or nothing. While Python's walk is under way native blocks have no ids yet and targets are
 * addresses; after it every block has one.
 */
#ifndef HELDBY_EXTRACTION_H
#define HELDBY_EXTRACTION_H

#include "formats/cpython/cpython_core.h"
#include "formats/extract/claims.h"
#include "formats/extract/extract.h"
#include "formats/extract/number_map.h"
#include "formats/glibc/glibc_heap.h"
#include "formats/snapshot/snapshot_writer.h"
#include "lib/heap/kinds.h"

enum target_class {
    TARGET_NONE,
    TARGET_EXACT,    /* the address of a block or object */
    TARGET_INTERIOR, /* inside one */
    TARGET_STALE,    /* the header of the chunk behind a block: a leftover of a free list */
};

static inline bool target_holds(unsigned class)
{
    return class == TARGET_EXACT || class == TARGET_INTERIOR;
}

#define NO_BLOCK UINT32_MAX /* number of a target that is an object of Python */

enum {
    CANDIDATES = 4096,        /* of a batch at first */
    MAX_CANDIDATES = 1 << 20, /* of one block; what holds more is read twice */
    BATCH_BLOCKS = 512,
    BATCH_WORDS = 1024, /* a batch is written when it holds that many candidates */
    PREFETCH_STEP = 16, /* candidates whose index records are asked for together */
    RESOLVE_AHEAD = 64, /* candidates between that and the use of the records */
    SCAN_AHEAD = 768,   /* bytes between what is scanned and what is fetched */
    STALE_FIELDS = 16,  /* leftovers of one block that are told; further ones are dropped */
    STALE_SHAPES = 4096,
    STACK_FRAMES = 1024, /* of one thread */
};

enum known_block {
    KNOWN_NOTHING,
    KNOWN_FILE,
    KNOWN_TCACHE,
    KNOWN_DTV,
    KNOWN_INTERPRETER,
    KNOWN_THREAD_STATE,
    KNOWN_KINDS
};

/* The class of blocks: one type of the snapshot. */
struct block_type {
    uint32_t type, shape; /* ids; shape: without stale fields */
    uint64_t base_size;
};

struct block_types {
    struct block_type *items; /* [count], item 0 unused */
    size_t count, capacity;
    uint32_t small[2][4096];      /* by usable size / 16: of malloc; of pools */
    struct number_map sizes;      /* larger ones of malloc */
    struct number_map classes;    /* by the address in word 0 (a vtable): type + 1, or 1: it is none */
    struct number_map class_name; /* by hash of name and label: type */
    struct number_map arrays;     /* by type of a class: the type of its arrays */
    struct number_map shapes;     /* by hash of type and stale fields */
    struct number_map known;      /* by address: enum known_block */
    uint32_t known_types[KNOWN_KINDS];
    uint32_t stale_shapes;
    uint8_t *module_mib; /* [2^24], a bit for each MiB that a module lies in: a vtable is nowhere else */
};

/* Words of blocks that may be pointers, in order, and what they turn out to be. */
struct batch {
    uint64_t *word;   /* [capacity]; once resolved, the target's start */
    uint64_t *place;  /* word of the block */
    uint32_t *number; /* once resolved: of the block, or NO_BLOCK */
    uint8_t *class;   /* enum target_class */
    uint32_t *target; /* [references] once all are resolved: the ids of those that are references, */
    uint64_t *mark;   /* and their places as the writer takes them */
    uint32_t *before; /* [count + 1] references before a candidate */
    size_t count, prefetched, resolved, capacity;
    struct batch_block {
        uint64_t address, size;
        size_t end;    /* its candidates end here */
        uint32_t type; /* item of block_types */
    } blocks[BATCH_BLOCKS];
    size_t block_count;
};

struct thread_stack {
    uint64_t start, end; /* the memory it owns; nothing (start == end) where it lies in a block of malloc */
    uint64_t from, to;   /* what of it is in use: from the red zone below the stack pointer on */
    uint32_t thread;     /* of the image */
};

struct tls_block {
    uint64_t start, end;
    uint32_t module; /* of the image; UINT32_MAX: the C library's own record of the thread */
    uint32_t thread; /* UINT32_MAX: it has ended */
};

struct extraction {
    const struct process_image *image;
    const struct address_space *space;
    const struct extract_options *options;
    struct error *err;
    struct glibc_heap heap;
    struct block_index index;
    struct cpython_core *python; /* NULL: none */
    char problem[160];           /* why Python's objects are not walked, or "" */
    struct snapshot_writer *writer;
    void *writer_memory;
    size_t writer_size;

    uint32_t *ids;                      /* by block number; NULL: first_id + number */
    uint32_t first_id;                  /* of native blocks without `ids` */
    uint64_t lowest, span;              /* a word outside [lowest, lowest + span] refers to nothing */
    const struct memory_region *region; /* of the last block whose size was asked for */
    uint64_t owned_page;                /* the last page asked about, and whether Python's pools own it */
    bool owned;

    struct block_types types;
    struct batch batch;
    struct claims claims, more; /* more: to be merged into claims */
    struct {
        struct thread_stack *items;
        size_t count, capacity;
    } stacks;
    struct {
        struct tls_block *items; /* by address */
        size_t count, capacity;
    } tls;

    struct cpython_core *visiting; /* while Python's walk asks for a block */
    bool failed;                   /* in such a visit */

    uint64_t blocks, edges, roots; /* written */
    uint64_t block_bytes;          /* of those blocks, usable bytes */
    uint64_t later_blocks;         /* written after Python's walk */
    uint64_t chunk_bytes;          /* of native blocks in malloc: headers included */
    uint64_t pool_bytes;           /* of native blocks in Python's pools */
};

/* ---- targets.c ---- */

/* Usable bytes of a native block, 0: not readable. */
uint64_t extraction_block_size(struct extraction *x, uint64_t address);
/* What `word` refers to: class, start of the target and number of the block (or NO_BLOCK). */
enum target_class extraction_resolve(struct extraction *x, uint64_t word, uint64_t *start, uint32_t *number);
/* The id of a resolved target, 0: none. */
uint32_t extraction_id(const struct extraction *x, uint64_t start, uint32_t number);
/* Resolves all candidates of the batch. */
void batch_resolve(struct extraction *x);
static inline void batch_empty(struct batch *b)
{
    b->count = b->prefetched = b->resolved = b->block_count = 0;
}
bool batch_init(struct batch *b, struct error *err);
void batch_free(struct batch *b);
/* Adds a block's candidates to the batch, up to `from` + MAX_CANDIDATES of them. Returns the offset (a
 * multiple of 8) where it stopped, or the block's size. UINT64_MAX: no memory. */
uint64_t batch_scan(struct extraction *x, uint64_t address, uint64_t from, uint64_t size);

/* Whether a word below 2^47 may be an address of a block: there are some in its MiB, or the pools of Python
 * have to be asked. */
static inline bool extraction_may_refer(const struct extraction *x, uint64_t word)
{
    return x->index.slab_of[word >> 20] != BLOCK_SLAB_NONE || x->python != NULL;
}

static inline bool extraction_in_pool(struct extraction *x, uint64_t address)
{
    if (x->python == NULL)
        return false;
    if (address >> 12 != x->owned_page) {
        x->owned_page = address >> 12;
        x->owned = cpython_core_owns(x->python, address);
    }
    return x->owned;
}

static inline bool in_module(const struct block_types *t, uint64_t address)
{
    return address >> 47 == 0 && (t->module_mib[address >> 23] >> (address >> 20 & 7) & 1) != 0;
}

/* ---- blocks.c ---- */

/* Gives every block that Python's walk has not met its id. */
void extraction_number(struct extraction *x);
/* Writes all native blocks that have no id from Python's walk, with their references. */
bool extraction_blocks(struct extraction *x);
/* What Python's walk calls for a block it has met. */
void extraction_visit(void *context, struct cpython_core *core, uint64_t address, uint32_t id);
bool extraction_leads_to(void *context, uint64_t word, uint64_t *block, bool *interior);

/* ---- block_types.c ---- */

bool block_types_init(struct extraction *x);
void block_types_free(struct block_types *types);
/* The class of a block by its first words; 0: no memory. */
uint32_t block_types_of(struct extraction *x, uint64_t address, uint64_t size, uint64_t word0);
/* The shape of a block with leftovers at these offsets. */
uint32_t block_types_shape(struct extraction *x, uint32_t type, const uint64_t *stale, uint32_t count);

/* ---- known_blocks.c ---- */

bool known_blocks_find(struct extraction *x);
enum known_block known_block_of(struct extraction *x, uint64_t address, uint64_t size, uint64_t word0);
const char *known_block_name(enum known_block kind);

/* ---- class_names.c ---- */

/* The C++ class whose vtable an object points to with its first word: its name as source has it, at most
 * `size` - 1 bytes. False: no vtable, or it has no name. */
bool class_name_of_vtable(const struct process_image *image, uint64_t vtable, char *name, size_t size,
                          enum type_label *label);
/* A symbol's name as the source has it; falls back on the name itself. Returns out. */
const char *symbol_demangle(const char *name, char *out, size_t size);

/* ---- owners.c: who owns which memory ---- */

bool extraction_claims(struct extraction *x);

/* ---- roots.c ---- */

bool extraction_roots(struct extraction *x);

/* ---- facts.c ---- */

void facts_first(struct extraction *x); /* before everything else */
void facts_last(struct extraction *x);
/* Bytes of the process's own memory, if the core was made without any of it; else 0. */
uint64_t facts_left_out(const struct process_image *image);

/* ---- accounting.c ---- */

void facts_memory(struct extraction *x);

#endif
