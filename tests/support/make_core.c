#include "tests/support/make_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for one item more than `count`; doubled when that is a power of two. */
static void *grow(void *array, size_t count, size_t size)
{
    if ((count & (count - 1)) != 0)
        return array;
    void *grown = realloc(array, (count == 0 ? 1 : 2 * count) * size);
    if (grown == NULL)
        abort();
    return grown;
}

void core_maker_init(struct core_maker *maker)
{
    *maker = (struct core_maker){0};
    maker->header = (Elf64_Ehdr){.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                                 .e_type = ET_CORE,
                                 .e_machine = EM_X86_64,
                                 .e_version = EV_CURRENT,
                                 .e_phoff = sizeof(Elf64_Ehdr),
                                 .e_ehsize = sizeof(Elf64_Ehdr),
                                 .e_phentsize = sizeof(Elf64_Phdr)};
}

void core_maker_free(struct core_maker *maker)
{
    for (size_t i = 0; i < maker->segment_count; i++)
        free(maker->segments[i].data);
    free(maker->segments);
    free(maker->notes);
    free(maker->files);
    *maker = (struct core_maker){0};
}

struct made_segment *core_maker_load(struct core_maker *maker, uint64_t address, const void *data,
                                     size_t size, uint64_t memory, uint32_t flags)
{
    maker->segments = grow(maker->segments, maker->segment_count, sizeof *maker->segments);
    struct made_segment *s = &maker->segments[maker->segment_count++];
    *s = (struct made_segment){.header = {.p_type = PT_LOAD,
                                          .p_flags = flags,
                                          .p_vaddr = address,
                                          .p_filesz = size,
                                          .p_memsz = memory,
                                          .p_align = 4096},
                               .data = calloc(size + 1, 1),
                               .size = size};
    if (data != NULL)
        memcpy(s->data, data, size);
    return s;
}

void core_maker_note(struct core_maker *maker, const char *name, uint32_t type, const void *data, size_t size)
{
    size_t name_size = strlen(name) + 1, name_room = (name_size + 3) & ~(size_t)3,
           room = (size + 3) & ~(size_t)3;
    uint32_t head[3] = {(uint32_t)name_size, (uint32_t)size, type};
    maker->notes = realloc(maker->notes, maker->notes_size + 12 + name_room + room + 1);
    if (maker->notes == NULL)
        abort();
    unsigned char *at = maker->notes + maker->notes_size;
    memset(at, 0, 12 + name_room + room);
    memcpy(at, head, 12);
    memcpy(at + 12, name, name_size);
    memcpy(at + 12 + name_room, data, size);
    maker->notes_size += 12 + name_room + room;
}

/* struct elf_prstatus of sys/procfs.h on x86-64: 336 bytes, the registers from 112. */
void core_maker_thread(struct core_maker *maker, uint32_t tid, int signal, uint64_t rip, uint64_t rsp,
                       uint64_t fs_base)
{
    unsigned char status[336] = {0};
    int16_t current = (int16_t)signal;
    memcpy(status + 12, &current, 2);
    memcpy(status + 32, &tid, 4);
    memcpy(status + 112 + 16 * 8, &rip, 8);
    memcpy(status + 112 + 19 * 8, &rsp, 8);
    memcpy(status + 112 + 21 * 8, &fs_base, 8);
    core_maker_note(maker, "CORE", NT_PRSTATUS, status, sizeof status);
}

void core_maker_process(struct core_maker *maker, uint32_t pid, uint32_t ppid, uint32_t uid,
                        const char *arguments)
{
    unsigned char info[136] = {0};
    memcpy(info + 16, &uid, 4);
    memcpy(info + 24, &pid, 4);
    memcpy(info + 28, &ppid, 4);
    snprintf((char *)info + 40, 16, "%.15s", arguments);
    snprintf((char *)info + 56, 80, "%.79s", arguments);
    core_maker_note(maker, "CORE", NT_PRPSINFO, info, sizeof info);
}

void core_maker_signal(struct core_maker *maker, int signal, int code, uint64_t address)
{
    unsigned char info[128] = {0};
    memcpy(info, &signal, 4);
    memcpy(info + 8, &code, 4);
    memcpy(info + 16, &address, 8);
    core_maker_note(maker, "CORE", NT_SIGINFO, info, sizeof info);
}

void core_maker_file(struct core_maker *maker, uint64_t start, uint64_t end, uint64_t page_offset,
                     const char *path)
{
    maker->files = grow(maker->files, maker->file_count, sizeof *maker->files);
    maker->files[maker->file_count++] = (struct made_file){start, end, page_offset, path};
}

void core_maker_auxv(struct core_maker *maker, uint64_t type, uint64_t value)
{
    if (maker->auxv_count + 2 > sizeof maker->auxv / sizeof *maker->auxv)
        abort();
    maker->auxv[maker->auxv_count++] = type;
    maker->auxv[maker->auxv_count++] = value;
}

static void add_files(struct core_maker *maker)
{
    size_t size = 16 + 24 * maker->file_count;
    for (size_t i = 0; i < maker->file_count; i++)
        size += strlen(maker->files[i].path) + 1;
    unsigned char *data = calloc(size, 1);
    uint64_t head[2] = {maker->promised_files != 0 ? maker->promised_files : maker->file_count, 4096};
    if (data == NULL)
        abort();
    memcpy(data, head, 16);
    unsigned char *name = data + 16 + 24 * maker->file_count;
    for (size_t i = 0; i < maker->file_count; i++) {
        memcpy(data + 16 + 24 * i, &maker->files[i], 24);
        strcpy((char *)name, maker->files[i].path);
        name += strlen(maker->files[i].path) + 1;
    }
    core_maker_note(maker, "CORE", NT_FILE, data, size);
    free(data);
}

unsigned char *core_maker_bytes(struct core_maker *maker, size_t *size)
{
    if (maker->file_count > 0)
        add_files(maker);
    if (maker->auxv_count > 0)
        core_maker_note(maker, "CORE", NT_AUXV, maker->auxv, maker->auxv_count * 8);
    bool notes = maker->notes_size > 0;
    size_t headers = maker->segment_count + notes, align = maker->gcore ? 8 : 4096;
    size_t at = sizeof(Elf64_Ehdr) + headers * sizeof(Elf64_Phdr), total = at + maker->notes_size + align;
    Elf64_Phdr note = {.p_type = PT_NOTE, .p_filesz = maker->notes_size};
    if (!maker->gcore) {
        note.p_offset = at;
        at += maker->notes_size;
    }
    for (size_t i = 0; i < maker->segment_count; i++) {
        struct made_segment *s = &maker->segments[i];
        at = (at + align - 1) & ~(align - 1);
        if (!s->fixed_offset)
            s->header.p_offset = at;
        at += s->size;
        total = at + maker->notes_size + align;
    }
    if (maker->gcore) {
        note.p_offset = at;
        at += maker->notes_size;
    }
    unsigned char *bytes = calloc(total + 1, 1);
    if (bytes == NULL)
        abort();
    if (maker->header.e_phnum == 0)
        maker->header.e_phnum = (uint16_t)headers;
    memcpy(bytes, &maker->header, sizeof maker->header);
    unsigned char *header = bytes + sizeof(Elf64_Ehdr);
    if (notes && !maker->gcore) {
        memcpy(header, &note, sizeof note);
        header += sizeof note;
    }
    size_t data_at =
        sizeof(Elf64_Ehdr) + headers * sizeof(Elf64_Phdr) + (maker->gcore ? 0 : maker->notes_size);
    for (size_t i = 0; i < maker->segment_count; i++) {
        const struct made_segment *s = &maker->segments[i];
        data_at = (data_at + align - 1) & ~(align - 1);
        memcpy(header, &s->header, sizeof s->header);
        header += sizeof s->header;
        memcpy(bytes + data_at, s->data, s->size);
        data_at += s->size;
    }
    if (notes && maker->gcore)
        memcpy(header, &note, sizeof note);
    if (notes)
        memcpy(bytes + note.p_offset, maker->notes, maker->notes_size);
    *size = at;
    return bytes;
}

void core_maker_write(struct core_maker *maker, const char *path)
{
    size_t size;
    unsigned char *bytes = core_maker_bytes(maker, &size);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        abort();
    free(bytes);
}
