#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/elf/core_parts.h"

#define USER_END (UINT64_C(1) << 47)

bool core_probe(const unsigned char *start, size_t size)
{
    if (size < 18 || memcmp(start, ELFMAG, SELFMAG) != 0)
        return false;
    unsigned low = start[EI_DATA] == ELFDATA2MSB ? start[17] : start[16];
    unsigned high = start[EI_DATA] == ELFDATA2MSB ? start[16] : start[17];
    return (high << 8 | low) == ET_CORE;
}

static const char *machine_name(unsigned machine)
{
    switch (machine) {
    case EM_386:
        return "i386";
    case EM_AARCH64:
        return "aarch64";
    case EM_ARM:
        return "arm";
    case EM_RISCV:
        return "riscv";
    case EM_PPC64:
        return "ppc64";
    case EM_S390:
        return "s390x";
    case EM_MIPS:
        return "mips";
    default:
        return NULL;
    }
}

static bool check_kind(unsigned type, const char *path, struct error *err)
{
    static const char *const kinds[] = {"an ELF file of no type", "an object file", "a program",
                                        "a program or shared library"};
    if (type == ET_CORE)
        return true;
    return error_bad_input(err, path, ERROR_NO_OFFSET, "%s, not a core",
                           type < 4 ? kinds[type] : "an ELF file of unknown type");
}

bool core_check_header(const uint8_t *bytes, uint64_t size, const char *path, struct error *err)
{
    if (size < SELFMAG || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return error_bad_input(err, path, 0, "not an ELF file");
    if (size < EI_NIDENT + 4)
        return error_bad_input(err, path, size, "cut inside the ELF header");
    if (bytes[EI_DATA] == ELFDATA2MSB)
        return error_bad_input(err, path, EI_DATA, "a big-endian ELF file; only x86-64 cores can be read");
    if (bytes[EI_DATA] != ELFDATA2LSB)
        return error_bad_input(err, path, EI_DATA, "an ELF file of unknown byte order");
    unsigned type = (unsigned)bytes[16] | (unsigned)bytes[17] << 8;
    unsigned machine = (unsigned)bytes[18] | (unsigned)bytes[19] << 8;
    if (!check_kind(type, path, err))
        return false;
    if (bytes[EI_CLASS] == ELFCLASS32)
        return error_bad_input(err, path, EI_CLASS,
                               "the core of a 32-bit program%s; only x86-64 cores can be read",
                               machine == EM_X86_64 ? " (x32)" : "");
    if (bytes[EI_CLASS] != ELFCLASS64)
        return error_bad_input(err, path, EI_CLASS, "an ELF file of unknown class");
    if (machine != EM_X86_64 && machine_name(machine) != NULL)
        return error_bad_input(err, path, 18, "a core of %s; only x86-64 cores can be read",
                               machine_name(machine));
    if (machine != EM_X86_64)
        return error_bad_input(err, path, 18, "a core of machine %u; only x86-64 cores can be read", machine);
    if (size < sizeof(Elf64_Ehdr))
        return error_bad_input(err, path, size, "cut inside the ELF header");
    Elf64_Ehdr header;
    memcpy(&header, bytes, sizeof header);
    if (header.e_phoff == 0 || header.e_phnum == 0)
        return error_bad_input(err, path, 56, "a core without segments");
    if (header.e_phentsize != sizeof(Elf64_Phdr))
        return error_bad_input(err, path, 54, "program headers of %u bytes, not %zu", header.e_phentsize,
                               sizeof(Elf64_Phdr));
    if (header.e_phoff >= size)
        return error_bad_input(err, path, size, "cut before the program headers");
    return true;
}

Elf *core_begin(struct elf_image *self, const char *path, struct error *err)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)(uintptr_t)self->file, self->file_size); /* only read */
    if (elf == NULL || elf_kind(elf) != ELF_K_ELF) {
        error_bad_input(err, path, 0, "not an ELF file: %s", elf_errmsg(-1));
        elf_end(elf);
        return NULL;
    }
    return elf;
}

/* How many program headers were promised; beyond 65,534 the number is in the first section header (PN_XNUM).
 */
static uint64_t promised_headers(Elf *elf)
{
    GElf_Ehdr header;
    GElf_Shdr section;
    if (gelf_getehdr(elf, &header) == NULL)
        return 0;
    if (header.e_phnum == PN_XNUM && gelf_getshdr(elf_getscn(elf, 0), &section) != NULL)
        return section.sh_info;
    return header.e_phnum;
}

/* Bytes of the file that begin at offset, at most `wanted`. */
static uint64_t available(uint64_t size, uint64_t offset, uint64_t wanted)
{
    uint64_t have = offset < size ? size - offset : 0;
    return have < wanted ? have : wanted;
}

enum { VSYSCALL_PAGE = 4096 };

struct reading {
    struct elf_image *self;
    uint64_t given;   /* bytes of the file that regions have, so that none is given to many */
    uint64_t shared;  /* bytes refused because of that */
    uint64_t noted;   /* the same for notes: none is read many times */
    uint64_t strange; /* segments that cannot be in a process */
    uint64_t cut;
};

static bool load(struct reading *r, const GElf_Phdr *h, struct error *err)
{
    struct elf_image *self = r->self;
    uint64_t memory = h->p_memsz > h->p_filesz ? h->p_memsz : h->p_filesz;
    if (memory == 0 ||
        h->p_vaddr >= USER_END) { /* the vsyscall page is the kernel's; a cut one tells of a cut file */
        if (h->p_filesz == VSYSCALL_PAGE)
            r->cut += VSYSCALL_PAGE - available(self->file_size, h->p_offset, VSYSCALL_PAGE);
        return true;
    }
    if (memory > USER_END - h->p_vaddr) {
        r->strange++;
        memory = USER_END - h->p_vaddr;
    }
    uint64_t promised = h->p_filesz < memory ? h->p_filesz : memory;
    uint64_t present = available(self->file_size, h->p_offset, promised);
    r->cut += promised - present;
    if (present > self->file_size - r->given) {
        r->shared += present;
        present = 0;
    }
    r->given += present;
    return address_space_add(
        &self->image->space,
        &(struct memory_region){.start = h->p_vaddr,
                                .end = h->p_vaddr + memory,
                                .data = present != 0 ? self->file + h->p_offset : NULL,
                                .present = present,
                                .access = (uint8_t)((h->p_flags & PF_R ? MEMORY_READ : 0) |
                                                    (h->p_flags & PF_W ? MEMORY_WRITE : 0) |
                                                    (h->p_flags & PF_X ? MEMORY_EXECUTE : 0)),
                                .origin = present != 0 ? MEMORY_DUMPED : MEMORY_ABSENT,
                                .mapping = MEMORY_NO_MAPPING},
        err);
}

bool core_read_segments(struct elf_image *self, Elf *elf, const char *path, struct core_note_span **notes,
                        size_t *note_count, struct error *err)
{
    uint64_t promised = promised_headers(elf);
    size_t count = 0; /* those that the file has room for */
    *notes = NULL;
    *note_count = 0;
    if (elf_getphdrnum(elf, &count) != 0)
        return error_bad_input(err, path, 32, "no program headers: %s", elf_errmsg(-1));
    if (count < promised)
        process_image_warning(self->image,
                              "cut inside the program headers: %zu of %" PRIu64 " segments are known", count,
                              promised);
    struct reading r = {.self = self};
    size_t loads = 0;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr h;
        if (gelf_getphdr(elf, (int)i, &h) == NULL)
            break;
        if (h.p_type == PT_LOAD) {
            loads++;
            if (!load(&r, &h, err))
                return false;
        } else if (h.p_type == PT_NOTE && *note_count < 64) {
            uint64_t size = available(self->file_size, h.p_offset, h.p_filesz);
            r.cut += h.p_filesz - size;
            if (size == 0 || size > self->file_size - r.noted)
                continue;
            r.noted += size;
            struct core_note_span *grown = realloc(*notes, (*note_count + 1) * sizeof *grown);
            if (grown == NULL)
                return error_no_memory(err);
            *notes = grown;
            (*notes)[(*note_count)++] = (struct core_note_span){h.p_offset, size, h.p_align};
        }
    }
    if (r.given == 0)
        return error_bad_input(err, path, self->file_size,
                               loads == 0 ? "no memory segments in this core"
                                          : "cut before the first byte of memory");
    if (r.strange > 0)
        process_image_warning(self->image, "%" PRIu64 " segments reach beyond the address space; shortened",
                              r.strange);
    if (r.shared > 0)
        process_image_warning(
            self->image, "segments share bytes of the file; %" PRIu64 " bytes of memory left out", r.shared);
    self->image->counts.cut = r.cut;
    return true;
}
