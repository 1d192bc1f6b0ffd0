/* cpython_core.h -- the CPython heap of a process image: found, enumerated twice, walked into a snapshot.
 *
 * The walker is the hook's own (walk.h), compiled over an address space instead of over this process's
 * memory. What the hook learns from tp_traverse is here read from the object's words: every word that is
 * exactly the address of an object, or of a block of native memory, is a reference.
 *
 *      cpython_core_find ──► cpython_core_scan ──► cpython_core_walk ──► (native blocks by formats/extract)
 *      runtime, version      pools and chunks:      rings, roots, objects: writes
 *                            objects, buffers
 */
#ifndef HELDBY_CPYTHON_CORE_H
#define HELDBY_CPYTHON_CORE_H

#include "formats/cpython/cpython.h"
#include "formats/memory/block_index.h"
#include "formats/memory/process_image.h"

struct cpython_core;

/* Verdict as in cpython.h; CPYTHON_ABSENT: no Python in it, nothing needs freeing. `problem` (160 bytes) gets
 * one line for every verdict but CPYTHON_FOUND and CPYTHON_ABSENT. */
enum cpython_verdict cpython_core_find(struct cpython_core **ret, const struct process_image *image,
                                       char *problem, struct error *err);
void cpython_core_free(struct cpython_core *core);

struct cpython_core_counts {
    uint64_t pools, pool_bytes, arenas, arena_bytes;      /* of obmalloc */
    uint64_t pool_objects, chunk_objects, static_objects; /* found by the scan */
    uint64_t listed;                                      /* by the collector's lists */
    uint64_t only_listed;                                 /* in the lists, not found by the scan */
    uint64_t only_scanned;      /* collectable and found by the scan, not in the lists */
    uint64_t blocks, explained; /* allocated pool blocks; those that are an object or owned by one */
    /* Bytes of arenas: objects, buffers and native blocks in pools; free blocks and free pools; headers and
     * what is left over. The five add up to arena_bytes. */
    uint64_t object_bytes, buffer_bytes, native_block_bytes, pool_free_bytes, pool_overhead_bytes;
    uint64_t chunk_object_bytes, chunk_buffer_bytes; /* the same in the allocator's blocks, usable bytes */
    /* By the walk: */
    uint64_t objects, edges, roots, faults;
    const char *limits; /* why objects or references may be missing, or NULL; lives as long as the core */
};

/* Enumeration without the runtime: pools in anonymous memory, and `index`'s blocks, classified by the type
 * they begin with. Takes from the index what is Python's own: arenas, objects, and buffers that an object
 * owns. Adds pool blocks that are neither (a C extension's own structures): native blocks like malloc's.
 * `block_size` gives the usable bytes of a block that was in the index before (glibc_block_size). */
bool cpython_core_scan(struct cpython_core *core, struct block_index *index,
                       uint64_t (*block_size)(const struct process_image *image, uint64_t address),
                       struct error *err);

/* Asked by the walk about native blocks. `index` is sealed by then. */
struct cpython_native {
    void *context;
    const struct block_index *index;
    /* Writes the block `address` as the object with id `id` and pushes its references by cpython_core_push.
     */
    void (*visit)(void *context, struct cpython_core *core, uint64_t address, uint32_t id);
    /* The block that a word leads to: its start, and whether the word points behind that. False: to none. */
    bool (*leads_to)(void *context, uint64_t word, uint64_t *block, bool *interior);
};

/* For visit, and only while it runs: the next reference of the block, in the order of its edges: the address
 * of an object or of the start of a native block (anything else: an empty place). Gives no id back: the
 * target may get its id later. */
void cpython_core_push(struct cpython_core *core, uint64_t address);

/* Writes types, shapes, threads, frames, roots and all objects of Python through request->writer... see
 * extract. */
struct cpython_core_request {
    struct snapshot_writer *writer; /* begun; facts written by the caller may stand before */
    uint32_t value_bytes;
    const struct cpython_native *native;
};
bool cpython_core_walk(struct cpython_core *core, const struct cpython_core_request *request,
                       struct error *err);

/* The size of a native block in a pool; 0: the address is in no pool. */
uint64_t cpython_core_block_size(const struct cpython_core *core, uint64_t address);
/* The id of a known object (or native block seen by the walk), 0: none. Interior addresses are none. */
uint32_t cpython_core_id(const struct cpython_core *core, uint64_t address);
/* The object (not native block) whose memory holds an address, by pools: 0 none. For stacks and interior
 * pointers. */
uint64_t cpython_core_object_at(const struct cpython_core *core, uint64_t address);
/* Calls `each` for the runtime's own structures that it takes from malloc: PyInterpreterState, PyThreadState.
 */
void cpython_core_structures(const struct cpython_core *core,
                             void (*each)(void *context, uint64_t address, const char *name), void *context);
/* Calls `each` for what of the threads' data stacks (3.11 and later) lies above their tops, [start, end):
 * frames that have returned left their words there, which hold nothing. And for the arrays of dead objects
 * that wait to be used again. */
void cpython_core_unused(const struct cpython_core *core,
                         void (*each)(void *context, uint64_t start, uint64_t end), void *context);
/* The id that the walk has written a thread under (by pthread_self(), the thread's FS base), 0: none. */
uint32_t cpython_core_thread(const struct cpython_core *core, uint64_t ident);
uint32_t cpython_core_last_id(const struct cpython_core *core); /* objects written so far are 1 to this */
const struct cpython_core_counts *cpython_core_counted(const struct cpython_core *core);
/* Is the range Python's own (an arena of pools)? Then it is no root. */
bool cpython_core_owns(const struct cpython_core *core, uint64_t address);

#endif
