/* The copy mirrors the process's mappings, each in one piece, in memory that is reserved and only partly
 * there: a page the process never touched is not copied and reads as zeros here as there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "formats/elf/core_parts.h"
#include "formats/elf/live_parts.h"
#include "lib/base/bytes_text.h"

#define PAGE UINT64_C(4096)
#define HUGE (UINT64_C(2) << 20)
enum { PIECE = 1 << 20, PIECES = 64, RUN_PAGES = 1 << 16 };
static const uint64_t most_mapping = UINT64_C(1) << 38; /* larger ones are shadow memory of a sanitizer */
/* Reading a hole of shared memory makes the process larger: of large ones only what it has touched. */
static const uint64_t most_shared = UINT64_C(64) << 20;

/* include/uapi/linux/fs.h, Documentation/admin-guide/mm/pagemap.rst */
#define PAGE_PRESENT (UINT64_C(1) << 63)
#define PAGE_SWAPPED (UINT64_C(1) << 62)
#define PAGE_OF_FILE (UINT64_C(1) << 61)

struct plan {            /* where a mapping will go, with room to grow at both ends */
    uint64_t start, end; /* in the process, as planned */
    uint64_t low, room;  /* all of the process that has a place here: low to low + room */
    uint64_t at;         /* low's place in the copy */
};

struct place { /* of a mapping that was copied */
    uint64_t start, at;
    bool given;
};

struct live_copy {
    uint32_t pid, tid;
    uint8_t *memory;
    uint64_t size, used;  /* reserved; given out */
    struct plan *planned; /* by address */
    size_t planned_count;
    struct place *placed; /* [of the frozen maps] */
    int pagemap;          /* -1: cannot be read; then every page is copied */
    uint64_t *flags;      /* [RUN_PAGES] */
    struct iovec local[PIECES], remote[PIECES];
    size_t pieces;
    uint64_t queued, done, unreadable;
    int failure; /* errno of a process that is gone */
};

/* Is the mapped file still the one at its path? Then its untouched pages need no copying. */
static bool on_disk(const struct live_mapping *m, const char *root)
{
    char path[4200];
    struct stat status;
    snprintf(path, sizeof path, "%s%s", root != NULL ? root : "", m->path);
    return m->inode != 0 && m->path[0] == '/' && stat(path, &status) == 0 && status.st_ino == m->inode &&
           ((uint64_t)major(status.st_dev) << 32 | minor(status.st_dev)) == m->device;
}

/* What of a page is worth copying? Unmapped pages of anonymous memory are zeros. */
static bool page_wanted(const struct live_mapping *m, uint64_t flags, bool first_of_file)
{
    if (m->from_disk)
        return first_of_file || ((flags & (PAGE_PRESENT | PAGE_SWAPPED)) && !(flags & PAGE_OF_FILE));
    if (m->inode != 0 && (!m->shared || m->end - m->start <= most_shared))
        return true; /* untouched pages of a file are not zeros */
    return (flags & (PAGE_PRESENT | PAGE_SWAPPED)) != 0;
}

/* Calls back with runs of wanted pages. */
static void for_runs(struct live_copy *copy, const struct live_mapping *m,
                     void (*call)(struct live_copy *, uint64_t start, uint64_t end, void *), void *context)
{
    uint64_t run = 0;
    for (uint64_t at = m->start; at < m->end;) {
        uint64_t pages = (m->end - at) / PAGE < RUN_PAGES ? (m->end - at) / PAGE : RUN_PAGES;
        ssize_t n =
            copy->pagemap >= 0 ? pread(copy->pagemap, copy->flags, pages * 8, (off_t)(at / PAGE * 8)) : -1;
        if (n == 0) /* its memory is gone */
            return;
        if (n < 8)
            break;
        for (uint64_t i = 0; i < (uint64_t)n / 8; i++) {
            uint64_t page = at + i * PAGE;
            bool wanted = page_wanted(m, copy->flags[i], page == m->start && m->offset == 0);
            if (wanted && run == 0)
                run = page;
            else if (!wanted && run != 0) {
                call(copy, run, page, context);
                run = 0;
            }
        }
        at += (uint64_t)n / 8 * PAGE;
        if (at >= m->end) {
            if (run != 0)
                call(copy, run, m->end, context);
            return;
        }
    }
    /* The page map could not be read, or ended early: all of the rest. */
    call(copy, run != 0 ? run : m->start, m->end, context);
}

static void add_run(struct live_copy *copy, uint64_t start, uint64_t end, void *total)
{
    (void)copy;
    *(uint64_t *)total += end - start;
}

/* Touches the copy's memory where the process's is touched now. */
static void touch_run(struct live_copy *copy, uint64_t start, uint64_t end, void *context)
{
    const struct plan *p = context;
    uint8_t *from = copy->memory + p->at + (start - p->low), *to = from + (end - start);
    if (end - start >= HUGE)
        madvise((void *)((uintptr_t)from & ~(uintptr_t)(HUGE - 1)), end - start, MADV_HUGEPAGE);
#ifdef MADV_POPULATE_WRITE
    if (madvise(from, end - start, MADV_POPULATE_WRITE) == 0)
        return;
#endif
    for (volatile uint8_t *page = from; page < to; page += PAGE)
        *page = 0;
}

static bool reserve(struct live_copy *copy, uint64_t size, struct error *err)
{
    copy->size = (size + HUGE - 1) & ~(HUGE - 1);
    uint8_t *p = mmap(NULL, copy->size + HUGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return error_system(err, "", errno, "no room for a copy of the process");
    uint8_t *aligned = (uint8_t *)(((uintptr_t)p + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    if (aligned > p)
        munmap(p, (size_t)(aligned - p));
    munmap(aligned + copy->size, (size_t)(p + HUGE - aligned));
    copy->memory = aligned;
    return true;
}

struct live_copy *live_copy_prepare(struct live_maps *maps, uint32_t pid, const char *root,
                                    uint64_t memory_limit, struct error *err)
{
    char path[64];
    struct live_copy *copy = calloc(1, sizeof *copy);
    if (copy != NULL) {
        copy->pagemap = -1;
        copy->flags = malloc(RUN_PAGES * sizeof *copy->flags);
        copy->planned = malloc((maps->count + 1) * sizeof *copy->planned);
    }
    if (copy == NULL || copy->flags == NULL || copy->planned == NULL) {
        error_no_memory(err);
        live_copy_free(copy);
        return NULL;
    }
    copy->pid = pid;
    snprintf(path, sizeof path, "/proc/%" PRIu32 "/pagemap", pid);
    copy->pagemap = open(path, O_RDONLY | O_CLOEXEC);
    if (copy->pagemap < 0 && (errno == ENOENT || errno == ESRCH)) { /* else all of it seems to be needed */
        live_explain_refusal(pid, ESRCH, err);
        live_copy_free(copy);
        return NULL;
    }
    uint64_t room = 0, touched = 0;
    for (size_t i = 0; i < maps->count; i++) {
        struct live_mapping *m = &maps->all[i];
        if (!m->wanted || m->end - m->start > most_mapping)
            continue;
        m->from_disk = copy->pagemap >= 0 && !(m->access & MEMORY_WRITE) && !m->shared && on_disk(m, root);
        uint64_t bytes = 0;
        for_runs(copy, m, add_run, &bytes);
        if (m->from_disk &&
            bytes > (m->offset == 0 ? PAGE
                                    : 0)) { /* parts of it were changed, as the loader does: all is copied */
            m->from_disk = false;
            bytes = m->end - m->start;
        }
        touched += bytes;
        uint64_t spare = ((m->end - m->start) / 4 + HUGE) & ~(HUGE - 1);
        spare = spare < m->start ? spare : m->start & ~(PAGE - 1);
        struct plan *p = &copy->planned[copy->planned_count++];
        *p = (struct plan){m->start, m->end, m->start - spare, m->end - m->start + 2 * spare, room};
        room += (p->room + HUGE - 1) & ~(HUGE - 1);
    }
    char needed[BYTES_TEXT], allowed[BYTES_TEXT];
    uint64_t limit = memory_limit != 0 ? memory_limit : core_free_memory() / 4 * 3;
    if (touched > limit)
        error_set(err, ERROR_SYSTEM,
                  "a copy of process %" PRIu32
                  " needs %s, the limit on memory is %s; --memory SIZE allows more",
                  pid, bytes_text(touched, needed), bytes_text(limit, allowed));
    if (touched > limit || !reserve(copy, room + room / 4 + (UINT64_C(1) << 30), err)) {
        live_copy_free(copy);
        return NULL;
    }
    copy->used = room;
    for (size_t i = 0, k = 0; i < maps->count; i++) {
        if (k < copy->planned_count && maps->all[i].start == copy->planned[k].start)
            for_runs(copy, &maps->all[i], touch_run, &copy->planned[k++]);
    }
    return copy;
}

/* Sends off the queued pieces. A piece that cannot be read is tried again page by page. */
static void flush(struct live_copy *copy)
{
    size_t at = 0;
    while (at < copy->pieces && copy->failure == 0) {
        ssize_t n = process_vm_readv((pid_t)copy->tid, copy->local + at, copy->pieces - at, copy->remote + at,
                                     copy->pieces - at, 0);
        if (n < 0 && errno == ESRCH) {
            copy->failure = ESRCH;
            break;
        }
        uint64_t got = n > 0 ? (uint64_t)n : 0;
        copy->done += got;
        while (at < copy->pieces && got >= copy->local[at].iov_len)
            got -= copy->local[at++].iov_len;
        if (at >= copy->pieces)
            break;
        /* Here it stopped, at a page that cannot be read: past the device's or truncated file's end. */
        uint64_t address = (uint64_t)(uintptr_t)copy->remote[at].iov_base + got;
        uint64_t skip = PAGE - (address & (PAGE - 1));
        if (skip > copy->local[at].iov_len - got)
            skip = copy->local[at].iov_len - got;
        copy->unreadable += skip;
        got += skip;
        copy->local[at].iov_base = (uint8_t *)copy->local[at].iov_base + got;
        copy->remote[at].iov_base = (uint8_t *)copy->remote[at].iov_base + got;
        copy->local[at].iov_len -= got;
        copy->remote[at].iov_len -= got;
        if (copy->local[at].iov_len == 0)
            at++;
    }
    copy->pieces = 0;
    copy->queued = 0;
}

static void copy_run(struct live_copy *copy, uint64_t start, uint64_t end, void *context)
{
    const struct place *p = context;
    while (start < end && copy->failure == 0) {
        uint64_t n = end - start < PIECE - copy->queued ? end - start : PIECE - copy->queued;
        copy->local[copy->pieces] = (struct iovec){copy->memory + p->at + (start - p->start), n};
        copy->remote[copy->pieces++] = (struct iovec){(void *)(uintptr_t)start, n};
        copy->queued += n;
        start += n;
        if (copy->queued == PIECE || copy->pieces == PIECES)
            flush(copy);
    }
}

/* The place planned for what was mapped there, when the mapping has not outgrown it; else a new one. Mappings
 * do not overlap, so two in one plan have places apart. */
static bool find_place(struct live_copy *copy, const struct live_mapping *m, size_t *next, struct place *ret)
{
    uint64_t size = m->end - m->start;
    while (*next < copy->planned_count && copy->planned[*next].end <= m->start)
        (*next)++;
    for (size_t i = *next; i < copy->planned_count && copy->planned[i].start < m->end; i++) {
        const struct plan *p = &copy->planned[i];
        if (p->low <= m->start && m->end - p->low <= p->room) {
            *ret = (struct place){m->start, p->at + (m->start - p->low), true};
            return true;
        }
    }
    if (size > copy->size - copy->used)
        return false;
    *ret = (struct place){m->start, copy->used, true};
    copy->used += size;
    return true;
}

bool live_copy_run(struct live_copy *copy, uint32_t tid, const struct live_maps *frozen,
                   struct live_result *ret, struct error *err)
{
    copy->tid = tid;
    copy->placed = calloc(frozen->count + 1, sizeof *copy->placed);
    if (copy->placed == NULL)
        return error_no_memory(err);
    size_t next = 0;
    for (size_t i = 0; i < frozen->count && copy->failure == 0; i++) {
        const struct live_mapping *m = &frozen->all[i];
        if (!m->wanted || m->end - m->start > most_mapping)
            continue;
        if (!find_place(copy, m, &next, &copy->placed[i])) {
            copy->unreadable += m->end - m->start;
            continue;
        }
        for_runs(copy, m, copy_run, &copy->placed[i]);
    }
    flush(copy);
    ret->copied = copy->done;
    ret->unreadable = copy->unreadable;
    if (copy->failure != 0)
        return error_set(err, ERROR_SYSTEM, "process %" PRIu32 " ended while it was copied", copy->pid);
    return true;
}

static bool give_mapping(const struct place *p, const struct live_mapping *m, struct elf_image *self,
                         struct error *err)
{
    struct memory_region r = {.start = m->start,
                              .end = m->end,
                              .access = m->access,
                              .origin = MEMORY_ABSENT,
                              .mapping = MEMORY_NO_MAPPING};
    if (p->given) {
        r.data = (const uint8_t *)self->copy + p->at;
        /* The rest of a file that is still on disk comes from there. */
        r.present = !m->from_disk ? m->end - m->start : m->offset == 0 ? PAGE : 0;
    }
    if (r.present != 0)
        r.origin = MEMORY_DUMPED;
    return address_space_add(&self->image->space, &r, err);
}

bool live_copy_give(struct live_copy *copy, const struct live_maps *frozen, struct elf_image *self,
                    struct error *err)
{
    struct process_image *image = self->image;
    self->copy = copy->memory;
    self->copy_size = copy->size;
    copy->memory = NULL;
    image->mappings = malloc((frozen->count + 1) * sizeof *image->mappings);
    if (image->mappings == NULL)
        return error_no_memory(err);
    const char *last = NULL;
    for (size_t i = 0; i < frozen->count; i++) {
        const struct live_mapping *m = &frozen->all[i];
        if (strcmp(m->path, "[vsyscall]") == 0)
            continue;
        if (!give_mapping(&copy->placed[i], m, self, err))
            return false;
        if (m->path[0] != '/')
            continue;
        if (last == NULL || strcmp(last, m->path) != 0)
            last = arena_text(&self->arena, m->path, strlen(m->path), err);
        if (last == NULL)
            return false;
        image->mappings[image->mapping_count++] = (struct image_mapping){m->start, m->end, m->offset, last};
    }
    image->has_mappings = image->mapping_count > 0;
    return true;
}

void live_copy_free(struct live_copy *copy)
{
    if (copy == NULL)
        return;
    if (copy->memory != NULL)
        munmap(copy->memory, copy->size);
    if (copy->pagemap >= 0)
        close(copy->pagemap);
    free(copy->flags);
    free(copy->planned);
    free(copy->placed);
    free(copy);
}
