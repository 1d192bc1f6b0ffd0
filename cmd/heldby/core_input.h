/* core_input.h -- ELF cores as inputs: from a core on disk to a snapshot in memory or in a file.
 *
 * The core is opened as a process image (formats/elf), written as a snapshot (formats/extract), and let go;
 * what answers questions sees only the snapshot. So a core answers exactly as its converted file does.
 *
 *      core ──► image ──► snapshot in a memfd ──► heap
 *                    └──► snapshot in a file (convert)
 */
#ifndef HELDBY_CORE_INPUT_H
#define HELDBY_CORE_INPUT_H

#include "cmd/heldby/command.h"
#include "formats/elf/core.h"
#include "formats/extract/extract.h"
#include "lib/heap/heap.h"

enum input_kind { INPUT_SNAPSHOT, INPUT_CORE };

/* Tells a file apart by its first bytes, never by its name. What is known to be something else is
 * ERROR_BAD_INPUT; what is not known is the snapshot reader's to judge. */
bool input_probe(const char *path, enum input_kind *ret, uint64_t *size, struct error *err);

enum { CORE_VALUE_BYTES = 64 }; /* of a preview, as the hook's own default */

/* --sysroot, --exe and --memory as given. */
struct core_options core_input_options(const struct invocation *in);

/* Writes the core's snapshot to `fd`, which stays open; `extract` says how (its fd, input and progress are
 * filled in here). */
bool core_input_extract(const struct invocation *in, const char *path, struct extract_options extract, int fd,
                        struct error *err);

/* Shows a stage of extract(); the context is the name of what is read. */
void core_input_say_stage(void *context, const char *stage, uint64_t done, uint64_t total);

/* An open file without a name whose bytes are memory; -1 with *err filled. */
int core_input_memory(struct error *err);

/* The heap of a core; its path is the core's. NULL with *err filled. */
struct heap *core_input_open(const struct invocation *in, const char *path, struct error *err);

#endif
