/* live_parts.h -- the pieces of live_open: who may, stopping, what is mapped, copying.
 *
 * Private to formats/elf. Everything that takes long or may fail is done before the process is stopped;
 * between live_freeze and live_thaw there is only reading.
 */
#ifndef HELDBY_LIVE_PARTS_H
#define HELDBY_LIVE_PARTS_H

#include "formats/elf/elf_image.h"
#include "formats/elf/live.h"

/* ---- live_process.c: what /proc says of a process */

/* Is it there, does it run x86-64 code, is it none of ours? False with a line that says so. */
bool live_check_process(uint32_t pid, struct error *err);
/* A thread whose memory can be asked for: the main thread may have ended before the others. */
uint32_t live_thread_with_memory(uint32_t pid);
/* Why attaching was refused, and what helps. Always false. */
bool live_explain_refusal(uint32_t pid, int os_errno, struct error *err);
/* Program, arguments, ids, auxiliary vector; and where its files are seen (*sysroot, NULL: as we do). */
bool live_read_facts(struct elf_image *self, uint32_t pid, struct error *err);
/* A whole file of /proc/PID, NUL-ended, for free(); NULL: cannot be read. */
char *live_read(uint32_t pid, const char *name, size_t *size);

/* ---- live_freeze.c: all threads, stopped */

struct live_thread {
    uint32_t tid;
    int signal; /* stopped on its way to the thread: given back when it goes on */
    bool stopped, ended;
};

struct live_threads {
    uint32_t pid;
    struct live_thread *all;
    size_t count, capacity;
    uint8_t *seen; /* bit set by thread id */
};

bool live_freeze(struct live_threads *threads, uint32_t pid, struct error *err);
void live_thaw(struct live_threads *threads); /* idempotent */
/* Registers of all stopped threads into image->threads; the main thread first. */
bool live_read_threads(struct elf_image *self, const struct live_threads *threads, struct error *err);

/* ---- live_maps.c: /proc/PID/maps */

struct live_mapping {
    uint64_t start, end, offset;
    uint64_t device, inode;
    uint8_t access; /* enum memory_access */
    bool shared;
    bool wanted;      /* its bytes are to be copied */
    bool from_disk;   /* read-only and on disk as it was mapped: its first page will do */
    const char *path; /* "" for anonymous memory; in the text */
};

struct live_maps {
    struct live_mapping *all; /* by address */
    size_t count;
    char *text;
};

bool live_maps_read(struct live_maps *maps, uint32_t pid, struct error *err);
/* What has not changed since is still on disk. */
void live_maps_compare(const struct live_maps *before, struct live_maps *frozen);
void live_maps_free(struct live_maps *maps);

/* ---- live_copy.c */

struct live_copy; /* the buffers, made before the process is stopped */

/* Plans by what is mapped now, and touches the memory the copy will need. */
struct live_copy *live_copy_prepare(struct live_maps *maps, uint32_t pid, const char *root,
                                    uint64_t memory_limit, struct error *err);
/* Copies what is mapped in the frozen process, through its thread `tid`. False: it has gone, or there is no
 * memory. */
bool live_copy_run(struct live_copy *copy, uint32_t tid, const struct live_maps *frozen,
                   struct live_result *ret, struct error *err);
/* Adds the regions to the image and gives it the memory. */
bool live_copy_give(struct live_copy *copy, const struct live_maps *frozen, struct elf_image *self,
                    struct error *err);
void live_copy_free(struct live_copy *copy); /* NULL is fine */

#endif
