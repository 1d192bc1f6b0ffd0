#include "tests/support/make_program.h"

#include <elf.h>
#include <string.h>

static const char names[] = "\0work\0g_cache\0g_cache_alias\0t_count\0old_name@@VER_1";
static const char sections[] = "\0.symtab\0.strtab\0.shstrtab\0.marked";

static uint32_t name_at(const char *table, size_t size, const char *name)
{
    for (size_t i = 0; i + strlen(name) < size; i++) {
        if (strcmp(table + i, name) == 0)
            return (uint32_t)i;
    }
    return 0;
}

static void put_headers(const struct made_program *p, uint8_t *to)
{
    Elf64_Ehdr e = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                    .e_type = p->type,
                    .e_machine = EM_X86_64,
                    .e_version = EV_CURRENT,
                    .e_phoff = sizeof(Elf64_Ehdr),
                    .e_shoff = 0x4000,
                    .e_ehsize = sizeof(Elf64_Ehdr),
                    .e_phentsize = sizeof(Elf64_Phdr),
                    .e_phnum = (uint16_t)(6 + (p->tls_size != 0)),
                    .e_shentsize = sizeof(Elf64_Shdr),
                    .e_shnum = 5,
                    .e_shstrndx = 3};
    Elf64_Phdr h[7] = {{PT_PHDR, PF_R, 64, p->base + 64, 64, 0x188, 0x188, 8},
                       {PT_LOAD, PF_R, 0, p->base, p->base, 0x1000, 0x1000, 4096},
                       {PT_LOAD, PF_R | PF_X, 0x1000, p->base + 0x1000, 0, 0x1000, 0x1000, 4096},
                       {PT_LOAD, PF_R, 0x2000, p->base + 0x2000, 0, 0x1000, 0x1000, 4096},
                       {PT_LOAD, PF_R | PF_W, 0x3000, p->base + 0x3000, 0, 0x800, 0x1800, 4096},
                       {PT_NOTE, PF_R, 0x400, p->base + 0x400, 0, p->build_id != NULL ? 36 : 0,
                        p->build_id != NULL ? 36 : 0, 4},
                       {PT_TLS, PF_R, 0x3000, p->base + 0x3000, 0, p->tls_size, p->tls_size, 16}};
    memcpy(to, &e, sizeof e);
    memcpy(to + 64, h, e.e_phnum * sizeof *h);
    if (p->build_id != NULL) {
        static const uint32_t note[3] = {4, 20, NT_GNU_BUILD_ID};
        memcpy(to + 0x400, note, 12);
        memcpy(to + 0x40c, "GNU", 4);
        memcpy(to + 0x410, p->build_id, 20);
    }
}

void make_program(const struct made_program *p, uint8_t to[MADE_PROGRAM_SIZE])
{
    memset(to, 0, MADE_PROGRAM_SIZE);
    put_headers(p, to);
    memset(to + 0x1000, p->filler, 0x2000);
    memset(to + 0x3000, p->filler ^ 0xff, 0x800);
    Elf64_Sym symbols[] = {
        {0},
        {name_at(names, sizeof names, "work"), ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, 1, p->base + 0x1100,
         0x80},
        {name_at(names, sizeof names, "g_cache_alias"), ELF64_ST_INFO(STB_WEAK, STT_OBJECT), 0, 1,
         p->base + 0x3200, 0x10},
        {name_at(names, sizeof names, "g_cache"), ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, 1,
         p->base + 0x3200, 0x10},
        {name_at(names, sizeof names, "t_count"), ELF64_ST_INFO(STB_GLOBAL, STT_TLS), 0, 1, 8, 4},
        {name_at(names, sizeof names, "old_name@@VER_1"), ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, 1,
         p->base + 0x1200, 0x10}};
    Elf64_Shdr h[5] = {{0},
                       {.sh_name = name_at(sections, sizeof sections, ".symtab"),
                        .sh_type = SHT_SYMTAB,
                        .sh_offset = 0x4200,
                        .sh_size = sizeof symbols,
                        .sh_link = 2,
                        .sh_info = 2,
                        .sh_addralign = 8,
                        .sh_entsize = sizeof(Elf64_Sym)},
                       {.sh_name = name_at(sections, sizeof sections, ".strtab"),
                        .sh_type = SHT_STRTAB,
                        .sh_offset = 0x4400,
                        .sh_size = sizeof names,
                        .sh_addralign = 1},
                       {.sh_name = name_at(sections, sizeof sections, ".shstrtab"),
                        .sh_type = SHT_STRTAB,
                        .sh_offset = 0x4500,
                        .sh_size = sizeof sections,
                        .sh_addralign = 1},
                       {.sh_name = name_at(sections, sizeof sections, ".marked"),
                        .sh_type = SHT_NOBITS,
                        .sh_flags = SHF_ALLOC | SHF_WRITE,
                        .sh_addr = p->base + 0x3100,
                        .sh_size = 0x80,
                        .sh_addralign = 8}};
    memcpy(to + 0x4000, h, sizeof h);
    memcpy(to + 0x4200, symbols, sizeof symbols);
    memcpy(to + 0x4400, names, sizeof names);
    memcpy(to + 0x4500, sections, sizeof sections);
}
