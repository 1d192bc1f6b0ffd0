/* What a module's writable data began as: the file's bytes, relocated as the loader does it. */
#include <stdlib.h>
#include <string.h>

#include "formats/elf/elf_image.h"
#include "formats/elf/module_file.h"

/* The file's bytes of a section; 0 bytes: there is none. */
static uint64_t section_bytes(const struct module_file *file, const char *name, const uint8_t **ret)
{
    Elf64_Shdr h;
    if (!module_file_section(file, name, &h) || h.sh_type == SHT_NOBITS || h.sh_offset > file->size ||
        h.sh_size > file->size - h.sh_offset)
        return 0;
    *ret = file->map + h.sh_offset;
    return h.sh_size;
}

static void relocate(const struct module_file *file, uint64_t bias, uint64_t start, uint8_t *data,
                     uint64_t size)
{
    const uint8_t *records = NULL, *symbols = NULL;
    uint64_t record_bytes = section_bytes(file, ".rela.dyn", &records);
    uint64_t symbol_bytes = section_bytes(file, ".dynsym", &symbols);
    for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= record_bytes; at += sizeof(Elf64_Rela)) {
        Elf64_Rela r;
        memcpy(&r, records + at, sizeof r);
        uint64_t to = bias + r.r_offset - start, value = bias + (uint64_t)r.r_addend;
        uint32_t type = ELF64_R_TYPE(r.r_info);
        if (size < 8 || to > size - 8)
            continue;
        if (type == R_X86_64_64 || type == R_X86_64_GLOB_DAT) {
            Elf64_Sym s;
            uint64_t place = (uint64_t)ELF64_R_SYM(r.r_info) * sizeof s;
            if (place + sizeof s > symbol_bytes)
                continue;
            memcpy(&s, symbols + place, sizeof s);
            if (s.st_shndx == SHN_UNDEF) /* another module's */
                continue;
            value += s.st_value;
        } else if (type != R_X86_64_RELATIVE) {
            continue;
        }
        memcpy(data + to, &value, sizeof value);
    }
}

uint8_t *image_initial(void *context, const struct image_module *module, struct image_range *ret)
{
    enum { LARGEST = 256 << 20 };
    struct elf_image *self = context;
    const struct module_file *file = self->modules[module - self->image->modules].file;
    for (size_t k = 0; file != NULL && k < file->header_count; k++) {
        const Elf64_Phdr *h = &file->headers[k];
        if (h->p_type != PT_LOAD || !(h->p_flags & PF_W) || h->p_filesz == 0 || h->p_filesz > LARGEST ||
            h->p_offset > file->size || h->p_filesz > file->size - h->p_offset)
            continue;
        uint8_t *data = malloc(h->p_filesz);
        if (data == NULL)
            return NULL;
        memcpy(data, file->map + h->p_offset, h->p_filesz);
        *ret = (struct image_range){module->bias + h->p_vaddr, module->bias + h->p_vaddr + h->p_filesz};
        relocate(file, module->bias, ret->start, data, h->p_filesz);
        return data;
    }
    return NULL;
}
