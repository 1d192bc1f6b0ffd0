/* make_core.h -- writes small ELF cores by hand, well formed or not, in the kernel's shape or gcore's.
 *
 * Nothing is checked: a test says what the file says. Add segments, notes and mapped files in any order,
 * change `header` at will, then make the bytes or write them.
 */
#ifndef HELDBY_MAKE_CORE_H
#define HELDBY_MAKE_CORE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct made_segment {
    Elf64_Phdr header; /* p_offset is filled in, unless fixed_offset */
    unsigned char *data;
    size_t size; /* of data */
    bool fixed_offset;
};

struct made_file { /* an entry of NT_FILE */
    uint64_t start, end, page_offset;
    const char *path;
};

struct core_maker {
    Elf64_Ehdr header;
    bool gcore;              /* data 8-aligned, the notes last */
    uint64_t promised_files; /* the count in NT_FILE; 0: as it is */
    struct made_segment *segments;
    size_t segment_count;
    unsigned char *notes;
    size_t notes_size;
    struct made_file *files;
    size_t file_count;
    uint64_t auxv[128]; /* pairs */
    size_t auxv_count;
};

void core_maker_init(struct core_maker *maker);
void core_maker_free(struct core_maker *maker);

/* A PT_LOAD of `memory` bytes of which `size` are in the file (copied; NULL: zeros). */
struct made_segment *core_maker_load(struct core_maker *maker, uint64_t address, const void *data,
                                     size_t size, uint64_t memory, uint32_t flags);
void core_maker_note(struct core_maker *maker, const char *name, uint32_t type, const void *data,
                     size_t size);
void core_maker_thread(struct core_maker *maker, uint32_t tid, int signal, uint64_t rip, uint64_t rsp,
                       uint64_t fs_base);
void core_maker_process(struct core_maker *maker, uint32_t pid, uint32_t ppid, uint32_t uid,
                        const char *arguments);
void core_maker_signal(struct core_maker *maker, int signal, int code, uint64_t address);
void core_maker_file(struct core_maker *maker, uint64_t start, uint64_t end, uint64_t page_offset,
                     const char *path); /* path is borrowed */
void core_maker_auxv(struct core_maker *maker, uint64_t type, uint64_t value);

/* The whole file, for free(). May be called once: it adds the notes of files and auxv. */
unsigned char *core_maker_bytes(struct core_maker *maker, size_t *size);
void core_maker_write(struct core_maker *maker, const char *path);

#endif
