#include "formats/elf/elf_image.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "formats/elf/module_file.h"
#include "formats/elf/symbol_table.h"

static void close_image(void *context)
{
    struct elf_image *self = context;
    unwinder_free(self->unwinder);
    for (size_t i = 0; self->modules != NULL && i < self->module_count; i++) {
        symbol_table_free(self->modules[i].symbols);
        module_file_close(self->modules[i].file);
    }
    free(self->modules);
    if (self->copy != NULL)
        munmap(self->copy, self->copy_size);
    arena_free(&self->arena);
    free(self);
}

static const char *copy_text(struct elf_image *self, const char *text, struct error *err)
{
    return text != NULL ? arena_text(&self->arena, text, strlen(text), err) : NULL;
}

/* A file or folder that was asked for and is not there would silently change the answers. */
static bool check_options(const struct core_options *options, struct error *err)
{
    struct stat status;
    const char *root = options->sysroot, *program = options->executable;
    if (root != NULL && (stat(root, &status) != 0 || !S_ISDIR(status.st_mode)))
        return error_system(err, root, access(root, F_OK) == 0 ? ENOTDIR : errno, "cannot look below");
    if (program != NULL && (stat(program, &status) != 0 || !S_ISREG(status.st_mode)))
        return error_system(err, program,
                            access(program, F_OK) != 0 ? errno
                            : S_ISDIR(status.st_mode)  ? EISDIR
                                                       : EINVAL,
                            "cannot read");
    if (program != NULL && access(program, R_OK) != 0)
        return error_system(err, program, errno, "cannot read");
    return true;
}

struct process_image *elf_image_create(const struct core_options *options, struct elf_image **ret,
                                       struct error *err)
{
    if (!check_options(options, err))
        return NULL;
    struct process_image *image = calloc(1, sizeof *image);
    struct elf_image *self = calloc(1, sizeof *self);
    if (image == NULL || self == NULL) {
        free(image);
        free(self);
        error_no_memory(err);
        return NULL;
    }
    address_space_init(&image->space);
    self->image = image;
    self->sysroot = copy_text(self, options->sysroot, err);
    self->executable = copy_text(self, options->executable, err);
    self->no_files = options->no_files;
    image->self = self;
    image->symbol = image_symbol;
    image->symbol_at = image_symbol_at;
    image->tls_symbol_at = image_tls_symbol_at;
    image->section = image_section;
    image->initial = image_initial;
    image->unwind = image_unwind;
    image->close = close_image;
    *ret = self;
    return image;
}

static int by_start(const void *a, const void *b)
{
    const struct image_mapping *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

bool image_sort_mappings(struct elf_image *self, struct error *err)
{
    struct process_image *image = self->image;
    (void)err;
    qsort(image->mappings, image->mapping_count, sizeof *image->mappings, by_start);
    size_t kept = 0;
    for (size_t i = 0; i < image->mapping_count; i++) { /* the first of overlapping ones stays */
        if (kept == 0 || image->mappings[i].start >= image->mappings[kept - 1].end)
            image->mappings[kept++] = image->mappings[i];
    }
    if (kept < image->mapping_count)
        process_image_warning(image, "%zu mapped files overlap others; left out",
                              image->mapping_count - kept);
    image->mapping_count = kept;
    return true;
}

static size_t mapping_above(const struct process_image *image, uint64_t address)
{
    size_t low = 0, high = image->mapping_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (image->mappings[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t image_mapping_at(const struct process_image *image, uint64_t address)
{
    size_t i = mapping_above(image, address);
    return i < image->mapping_count && image->mappings[i].start <= address ? (uint32_t)i : MEMORY_NO_MAPPING;
}

/* gcore leaves out what it did not dump: the list of mapped files says that something was there. */
bool image_add_holes(struct elf_image *self, struct error *err)
{
    struct process_image *image = self->image;
    struct address_space *space = &image->space;
    for (size_t i = 0; i < image->mapping_count; i++) {
        struct memory_region hole = {.start = image->mappings[i].start,
                                     .end = image->mappings[i].end,
                                     .access = MEMORY_READ,
                                     .origin = MEMORY_ABSENT};
        if (!address_space_add(space, &hole, err))
            return false;
    }
    /* before it is sealed: what belongs to different files, or to none, must not become one region */
    for (size_t i = 0; i < space->region_count; i++)
        space->regions[i].mapping = image_mapping_at(image, space->regions[i].start);
    return address_space_seal(space, err);
}

void image_count(struct elf_image *self)
{
    struct image_counts *counts = &self->image->counts;
    counts->dumped = counts->filled = counts->absent = 0;
    for (size_t i = 0; i < self->image->space.region_count; i++) {
        const struct memory_region *r = &self->image->space.regions[i];
        uint64_t size = r->end - r->start;
        if (r->origin == MEMORY_DUMPED) {
            counts->dumped += r->present;
            counts->absent += size - r->present;
        } else if (r->origin == MEMORY_FILLED) {
            counts->filled += size;
        } else if (r->access != 0) { /* what the program could not read itself holds nothing */
            counts->absent += size;
        }
    }
    counts->absent -= counts->cut < counts->absent ? counts->cut : counts->absent; /* said apart */
}

bool elf_image_complete(struct elf_image *self, struct error *err)
{
    struct process_image *image = self->image;
    if (!image_add_holes(self, err) || !image_modules_find(self, err) ||
        !image_modules_open_files(self, err) || !image_fill(self, err))
        return false;
    image_count(self);
    if (image->space.overlaps > 0)
        process_image_warning(image,
                              "segments overlap: %" PRIu64 " bytes are given twice; the first are used",
                              image->space.overlaps);
    return true;
}
