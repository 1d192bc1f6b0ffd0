/* core.h -- opens an ELF core (or a zstd-compressed one) as a process image.
 *
 * Kernel cores and those of gdb's gcore, whole or cut. Little-endian x86-64 only: every other machine, 32-bit
 * files and other byte orders are ERROR_BAD_INPUT with a line that says which. Holes are filled from binaries
 * on disk, only for read-only private file mappings and only where the build-id in memory agrees (or is not
 * known, with a warning).
 */
#ifndef HELDBY_CORE_H
#define HELDBY_CORE_H

#include "formats/memory/process_image.h"

struct core_options {
    const char *sysroot;    /* look for binaries below this folder instead of /; NULL: / */
    const char *executable; /* use this file for the main program; NULL: where the core says */
    uint64_t memory_limit;  /* bytes a compressed core may unpack to; 0: three quarters of the machine's free
                               memory */
    bool no_files;          /* use no binaries from disk at all */
    /* Told now and then while a compressed core is unpacked; may be NULL. */
    void (*progress)(void *context, uint64_t done, uint64_t total);
    void *progress_context;
};

/* Do `size` bytes (64 are enough) begin an ELF core of any machine? A zstd frame? */
bool core_probe(const unsigned char *start, size_t size);
bool core_probe_compressed(const unsigned char *start, size_t size);

/* NULL with *err filled (ERROR_SYSTEM with its path: the sysroot or the executable is not there); else for
 * process_image_free. The file stays mapped until then. */
struct process_image *core_open(const char *path, const struct core_options *options, struct error *err);

#endif
