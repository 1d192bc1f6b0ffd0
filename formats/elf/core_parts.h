/* core_parts.h -- the pieces of core_open: bytes of the file, its segments, its notes.
 *
 * Private to formats/elf. Nothing in a core is believed before it is checked against the file's size.
 */
#ifndef HELDBY_CORE_PARTS_H
#define HELDBY_CORE_PARTS_H

#include "formats/elf/elf_image.h"

#include <gelf.h>

struct core_note_span { /* in the file */
    uint64_t offset, size, align;
};

/* The ELF header: is it a core that can be read here? False with a line that says what it is instead. */
bool core_check_header(const uint8_t *bytes, uint64_t size, const char *path, struct error *err);

/* libelf over the file's bytes, for elf_end. NULL with *err filled. */
Elf *core_begin(struct elf_image *self, const char *path, struct error *err);

/* Regions of all PT_LOAD segments; *notes (malloc'd, [*note_count]) are the note segments, cut at the end of
 * the file. */
bool core_read_segments(struct elf_image *self, Elf *elf, const char *path, struct core_note_span **notes,
                        size_t *note_count, struct error *err);

/* Threads, signal, auxiliary vector, mapped files, names. Damaged notes end the reading of their segment with
 * a warning. */
bool core_read_notes(struct elf_image *self, Elf *elf, const struct core_note_span *span, struct error *err);

/* Unpacks a zstd file into anonymous memory, for munmap(*ret, *mapped). A damaged or cut file gives what came
 * before, with *problem (128 bytes) filled; else it is "". */
bool core_unpack(int fd, const char *path, const struct core_options *options, uint8_t **ret, uint64_t *size,
                 size_t *mapped, char *problem, struct error *err);

/* Bytes of memory this machine could still give. */
uint64_t core_free_memory(void);

#endif
