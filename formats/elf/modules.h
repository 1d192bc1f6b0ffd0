/* modules.h -- steps of finding modules, private to formats/elf. */
#ifndef HELDBY_MODULES_H
#define HELDBY_MODULES_H

#include "formats/elf/elf_image.h"

/* One more module; its path is kept, not copied. NULL: no memory, or MAX_MODULES are known. */
struct elf_module *image_module_add(struct elf_image *self, const char *path, struct error *err);

/* Program headers, from the ELF header at an address; false: there is none (*err untouched) . */
bool image_headers_at(struct elf_image *self, uint64_t address, Elf64_Phdr **headers, size_t *count,
                      uint16_t *type);

/* What the loader adds to addresses in the file, from where its ELF header lies. */
uint64_t image_bias_of(const Elf64_Phdr *headers, size_t count, uint16_t type, uint64_t header_address);

/* Extent, writable segments and TLS of a module from its headers; sorts modules, leaves overlapping ones out.
 */
bool image_modules_measure(struct elf_image *self, struct error *err);

/* A value from a dynamic section, 0: none. The loader relocates addresses in most of them in place, not in
 * all. */
uint64_t image_dynamic_value(const struct elf_image *self, uint64_t dynamic, int64_t tag);
uint64_t image_dynamic_address(const struct elf_image *self, uint64_t dynamic, int64_t tag, uint64_t bias);

/* Where a module's dynamic section is in memory, by its headers; 0: it has none. */
uint64_t image_dynamic_of(const struct elf_module *m, uint64_t bias);

/* The start of the mapping with the first bytes of the file that `mapping` is a part of; 0: none. */
uint64_t image_first_mapping(const struct process_image *image, uint32_t mapping);
/* A text in the process's memory, kept in the arena; NULL: not readable, or empty. */
const char *image_text_at(struct elf_image *self, uint64_t address);
/* Reads the headers at m->header_address. */
bool image_headers_in_memory(struct elf_image *self, struct elf_module *m, uint16_t *type);

/* Follows the loader's list (DT_DEBUG of any module that is known): adds what is not known yet, notes the
 * addresses of its records. *followed: there was one. */
bool image_follow_loader(struct elf_image *self, bool *followed, struct error *err);

struct symbol_table;
/* Adds a module's dynamic symbols from the process's memory. False: no memory here. */
bool image_memory_symbols(struct elf_image *self, size_t module, struct symbol_table *table);

#endif
