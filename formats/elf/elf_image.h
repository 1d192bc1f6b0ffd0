/* elf_image.h -- what formats/elf keeps behind a process image, and the steps that fill one.
 *
 * Private to formats/elf. A core and a live process differ in where bytes, mappings and threads come from
 * (core_segments, core_notes; live*); modules, holes, symbols and unwinding are the same for both.
 */
#ifndef HELDBY_ELF_IMAGE_H
#define HELDBY_ELF_IMAGE_H

#include <elf.h>

#include "formats/elf/core.h"
#include "lib/base/arena.h"

enum {
    MAX_HEADERS = 128,          /* program headers of a module that are looked at */
    MAX_MODULES = 16384,        /* of a process; more are left out */
    MAX_DYNAMIC = 512,          /* entries of a dynamic section that are looked at */
    MAX_NOTE_BYTES = 64 * 1024, /* of a module's note segment */
    MAX_SYMBOLS = 1 << 24       /* of all modules; the tables of modules after that are not read */
};

struct module_file;  /* module_file.h */
struct symbol_table; /* symbol_table.h */
struct unwinder;     /* unwind.c */

struct elf_module { /* beside image->modules[i] */
    struct module_file *file;
    struct symbol_table *symbols; /* made at the first question */
    bool symbols_tried;
    bool deleted;             /* the process's file had been removed: only a match will do */
    bool headers_from_memory; /* else from the file */
    bool bias_from_file;      /* the bias is to be found when the file is known */
    uint64_t header_address;  /* of the ELF header in memory, 0: not known */
    uint64_t dynamic;         /* address of the dynamic section, 0: not known */
    Elf64_Phdr *headers;      /* [header_count] in the arena */
    size_t header_count;
};

struct elf_image {
    struct process_image *image;
    struct arena arena; /* texts, headers, ranges */
    const char *sysroot, *executable;
    bool no_files;
    const uint8_t *file; /* the core's bytes, mapped or unpacked; NULL for a live process */
    uint64_t file_size;
    void *copy; /* of a live process's memory */
    size_t copy_size;
    struct elf_module *modules; /* [module_count] */
    size_t module_count;
    struct unwinder *unwinder;
    uint64_t symbols_read; /* of all modules, files that are listed many times included */
};

/* Makes an image with its services; *ret is the way in for the functions below. */
struct process_image *elf_image_create(const struct core_options *options, struct elf_image **ret,
                                       struct error *err);

/* Modules from link_map, the file mappings, or ELF headers in memory. */
bool image_modules_find(struct elf_image *self, struct error *err);
/* For each module: the file on disk, whether it is the one that ran. */
bool image_modules_open_files(struct elf_image *self, struct error *err);
/* Adds the files' read-only bytes where the image has none; counts. */
bool image_fill(struct elf_image *self, struct error *err);
/* Parts of mapped files that no region covers become absent regions. Seals. */
bool image_add_holes(struct elf_image *self, struct error *err);
/* Bytes dumped, filled and absent, by the regions. */
void image_count(struct elf_image *self);

/* All of the above, for an image that has its regions, notes and mappings. */
bool elf_image_complete(struct elf_image *self, struct error *err);

/* The mapping that holds an address, or MEMORY_NO_MAPPING. Mappings are sorted. */
uint32_t image_mapping_at(const struct process_image *image, uint64_t address);
bool image_sort_mappings(struct elf_image *self, struct error *err);

/* The services. */
bool image_symbol(void *self, const struct image_module *module, const char *name, struct image_symbol *ret);
bool image_symbol_at(void *self, uint64_t address, struct image_symbol *ret);
bool image_tls_symbol_at(void *self, const struct image_module *module, uint64_t offset,
                         struct image_symbol *ret);
bool image_section(void *self, const struct image_module *module, const char *name, struct image_range *ret);
uint8_t *image_initial(void *self, const struct image_module *module, struct image_range *ret);
size_t image_unwind(void *self, size_t thread, struct image_frame **ret);
/* The separate debug file of a module, NULL: none. */
struct module_file *image_debug_file(struct elf_image *self, size_t module);
void unwinder_free(struct unwinder *unwinder);

#endif
