#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "formats/elf/core_parts.h"
#include "lib/base/vector.h"

/* Layouts on x86-64 Linux: struct elf_prstatus and elf_prpsinfo (sys/procfs.h), siginfo_t (asm/siginfo.h);
 * NT_FILE: fs/binfmt_elf.c, fill_files_note. */
enum {
    PRSTATUS_SIGNAL = 12,
    PRSTATUS_PID = 32,
    PRSTATUS_REGISTERS = 112,
    PRSTATUS_SIZE = 336,
    PRPSINFO_UID = 16,
    PRPSINFO_PID = 24,
    PRPSINFO_PPID = 28,
    PRPSINFO_NAME = 40,
    PRPSINFO_ARGUMENTS = 56,
    PRPSINFO_SIZE = 136,
    SIGINFO_CODE = 8,
    SIGINFO_ADDRESS = 16,
    LONGEST_PATH = 16384, /* compared again and again; PATH_MAX is 4,096 */
};

static uint32_t u32_at(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t u64_at(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static bool read_thread(struct elf_image *self, const uint8_t *p, uint64_t size, struct error *err)
{
    struct process_image *image = self->image;
    if (size < PRSTATUS_REGISTERS + IMAGE_REGISTERS * 8)
        return true;
    /* Doubling by the count itself: it is a power of two exactly when the array is full. */
    size_t count = image->thread_count;
    if ((count & (count - 1)) == 0) {
        struct image_thread *grown = realloc(image->threads, (count == 0 ? 1 : 2 * count) * sizeof *grown);
        if (grown == NULL)
            return error_no_memory(err);
        image->threads = grown;
    }
    struct image_thread *t = &image->threads[image->thread_count++];
    *t = (struct image_thread){.tid = u32_at(p + PRSTATUS_PID)};
    int16_t signal;
    memcpy(&signal, p + PRSTATUS_SIGNAL, sizeof signal);
    t->signal = signal;
    memcpy(t->registers, p + PRSTATUS_REGISTERS, sizeof t->registers);
    return true;
}

static const char *text(struct elf_image *self, const uint8_t *p, size_t size, struct error *err)
{
    size_t length = strnlen((const char *)p, size);
    while (length > 0 && p[length - 1] == ' ')
        length--;
    return arena_text(&self->arena, (const char *)p, length, err);
}

static bool read_process(struct elf_image *self, const uint8_t *p, uint64_t size, struct error *err)
{
    struct process_image *image = self->image;
    if (size < PRPSINFO_SIZE)
        return true;
    image->uid = u32_at(p + PRPSINFO_UID);
    image->pid = u32_at(p + PRPSINFO_PID);
    image->ppid = u32_at(p + PRPSINFO_PPID);
    image->command = text(self, p + PRPSINFO_ARGUMENTS, 80, err);
    if (image->command != NULL && image->command[0] == 0)
        image->command = text(self, p + PRPSINFO_NAME, 16, err);
    return image->command != NULL;
}

/* The address is meant for faults only (asm-generic/siginfo.h: _sigfault). */
static void read_signal(struct process_image *image, const uint8_t *p, uint64_t size)
{
    if (size < SIGINFO_ADDRESS + 8 || image->signal != 0)
        return;
    image->signal = (int)u32_at(p);
    image->signal_code = (int)u32_at(p + SIGINFO_CODE);
    bool fault = image->signal == 11 || image->signal == 7 || image->signal == 4 || image->signal == 8;
    if (fault && image->signal_code > 0)
        image->signal_address = u64_at(p + SIGINFO_ADDRESS);
}

static void read_auxiliary(struct process_image *image, const uint8_t *p, uint64_t size)
{
    for (uint64_t at = 0; at + 16 <= size; at += 16) {
        uint64_t type = u64_at(p + at);
        if (type == AT_NULL)
            return;
        if (type < sizeof image->auxv / sizeof *image->auxv)
            image->auxv[type] = u64_at(p + at + 8);
    }
}

static bool read_mappings(struct elf_image *self, const uint8_t *p, uint64_t size, struct error *err)
{
    struct process_image *image = self->image;
    if (size < 16 || image->has_mappings)
        return true;
    uint64_t promised = u64_at(p), unit = u64_at(p + 8), count = promised;
    if (count > (size - 16) / 24)
        count = (size - 16) / 24;
    const uint8_t *name = p + 16 + count * 24, *end = p + size;
    struct image_mapping *mappings = malloc((count + 1) * sizeof *mappings);
    if (mappings == NULL)
        return error_no_memory(err);
    free(image->mappings); /* of a damaged note before */
    image->mappings = mappings;
    image->mapping_count = 0;
    const char *last = NULL;
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *entry = p + 16 + i * 24;
        const uint8_t *stop = name < end ? memchr(name, 0, (size_t)(end - name)) : NULL;
        if (stop == NULL)
            break;
        size_t length = (size_t)(stop - name) < LONGEST_PATH ? (size_t)(stop - name) : LONGEST_PATH;
        if (last == NULL || strncmp(last, (const char *)name, LONGEST_PATH) != 0) {
            last = arena_text(&self->arena, (const char *)name, length, err);
            if (last == NULL)
                return false;
        }
        struct image_mapping m = {.start = u64_at(entry), .end = u64_at(entry + 8), .path = last};
        if (__builtin_mul_overflow(u64_at(entry + 16), unit, &m.offset))
            m.offset = UINT64_MAX;
        if (m.start < m.end && m.end <= UINT64_C(1) << 47)
            mappings[image->mapping_count++] = m;
        name = stop + 1;
    }
    image->has_mappings = image->mapping_count > 0;
    if (image->mapping_count < promised)
        process_image_warning(image, "the list of mapped files is damaged: %zu of %" PRIu64 " are known",
                              image->mapping_count, promised);
    return image_sort_mappings(self, err);
}

static bool read_note(struct elf_image *self, uint32_t type, const uint8_t *p, uint64_t size,
                      struct error *err)
{
    switch (type) {
    case NT_PRSTATUS:
        return read_thread(self, p, size, err);
    case NT_PRPSINFO:
        return read_process(self, p, size, err);
    case NT_SIGINFO:
        read_signal(self->image, p, size);
        return true;
    case NT_AUXV:
        read_auxiliary(self->image, p, size);
        return true;
    case NT_FILE:
        return read_mappings(self, p, size, err);
    default:
        return true;
    }
}

bool core_read_notes(struct elf_image *self, Elf *elf, const struct core_note_span *span, struct error *err)
{
    enum { HEADER = 12 };
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)span->offset, span->size,
                                          span->align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
    size_t at = 0, next, name, body;
    GElf_Nhdr h;
    if (data == NULL)
        return error_no_memory(err); /* the span was checked against the file */
    const uint8_t *p = data->d_buf;
    for (; (next = gelf_getnote(data, at, &h, &name, &body)) > 0; at = next)
        if (h.n_namesz == 5 && memcmp(p + name, "CORE", 5) == 0 &&
            !read_note(self, h.n_type, p + body, h.n_descsz, err))
            return false;
    if (at < data->d_size && data->d_size - at >= HEADER)
        process_image_warning(self->image, "the core's notes are damaged or cut at byte %" PRIu64,
                              span->offset + at);
    return true;
}
