/* module_file.h -- a program or library on disk, read by libelf.
 *
 * Private to formats/elf. The file is the machine's, not the core's, yet it may be damaged or another one:
 * whether it is the one that ran is for the caller to find out.
 */
#ifndef HELDBY_MODULE_FILE_H
#define HELDBY_MODULE_FILE_H

#include <elf.h>
#include <libelf.h>

#include "lib/base/error.h"

struct module_file {
    char *path;         /* as found, the sysroot before it */
    char *root;         /* NULL: / */
    const char *inside; /* the path below the root, in `path` */
    const uint8_t *map; /* the whole file */
    uint64_t size;
    Elf *elf;
    Elf64_Phdr *headers; /* [header_count] */
    size_t header_count;
    uint16_t type; /* ET_EXEC, ET_DYN */
    uint8_t build_id[32];
    uint32_t build_id_size; /* 0: it has none */
};

/* Opens PATH below `root` (NULL: /), symbolic links below it included. NULL: no such file, or no x86-64 ELF.
 */
struct module_file *module_file_open(const char *root, const char *path);
void module_file_close(struct module_file *file); /* NULL is fine */
/* A new descriptor of the same file, -1: it has gone. None is kept open: a process may have a thousand
 * modules. */
int module_file_descriptor(const struct module_file *file);

/* A section by its name; false: there is none. */
bool module_file_section(const struct module_file *file, const char *name, Elf64_Shdr *ret);

/* The NT_GNU_BUILD_ID in note bytes; 0: none. */
uint32_t image_build_id(const uint8_t *notes, uint64_t size, uint64_t align, uint8_t to[32]);

#endif
