/* extract.h -- from a process image to a snapshot: native blocks, Python objects, the references between
 * them, roots.
 *
 * The result is a snapshot file like the hook's, so that every question works on a core as on a snapshot, and
 * convert is nothing but keeping it. Written to a file descriptor: a memfd for a question, a file for convert
 * and dump.
 *
 *      image ──► glibc_heap_find ──► cpython_core_scan ──► cpython_core_walk ──► native blocks ──► finish
 *                 blocks              takes Python's own     objects by their     by address, conservative
 *                                     from the blocks        own layouts          references
 *
 * Conservative: a word that is the address of a block's start refers to it (exact); one that lies inside a
 * block is an interior reference; one that is the address of the next block's header is taken for a leftover
 * (stale) and not followed. Roots are registers, stacks from the stack pointer on, TLS, the modules' data and
 * other mappings.
 */
#ifndef HELDBY_EXTRACT_H
#define HELDBY_EXTRACT_H

#include "formats/memory/process_image.h"

struct snapshot_zstd;

struct extract_options {
    int fd;                           /* open, empty; stays open */
    const struct snapshot_zstd *zstd; /* or NULL: not compressed */
    uint32_t value_bytes;             /* bound of a preview, 0: none */
    const char *input;                /* the core's path as given, for a fact; or NULL */
    double pause_seconds;             /* of a live copy, else negative */
    double capture_time;              /* of a live copy, seconds since 1970; 0: not known */
    bool facts_alone;                 /* where nothing can be walked: no failure, a snapshot of facts alone */
    struct error *nothing_walked;     /* with facts_alone: filled with what would have failed; or NULL */
    bool native_only;                 /* leave Python's objects unnamed: blocks only */
    void (*progress)(void *context, const char *stage, uint64_t done, uint64_t total); /* may be NULL */
    void *progress_context;
};

/* False with *err filled (ERROR_BAD_INPUT: nothing in it that can be walked, saying what is there instead;
 * ERROR_SYSTEM: no memory, disk full). */
bool extract(const struct process_image *image, const struct extract_options *options, struct error *err);

#endif
