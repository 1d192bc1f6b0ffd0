#include <stdlib.h>
#include <string.h>

#include "formats/elf/module_file.h"
#include "formats/elf/modules.h"
#include "lib/base/vector.h"

#define PAGE_MASK (~UINT64_C(4095))

struct filling {
    struct elf_image *self;
    struct memory_region *found; /* regions to add */
    size_t count, capacity;
};

/* Was this part of the file mapped at that address? Without a list of mapped files the headers must do. */
static bool mapped_so(const struct process_image *image, const struct memory_region *r, uint64_t address,
                      uint64_t offset, const char *path)
{
    if (!image->has_mappings)
        return true;
    if (r->mapping == MEMORY_NO_MAPPING)
        return false;
    const struct image_mapping *map = &image->mappings[r->mapping];
    return strcmp(map->path, path) == 0 && map->offset + (address - map->start) == offset;
}

/* A read-only segment: its bytes where the core has none. */
static bool fill_segment(struct filling *f, const struct image_module *module, const struct module_file *file,
                         const Elf64_Phdr *h, struct error *err)
{
    const struct process_image *image = f->self->image;
    uint64_t start = (module->bias + h->p_vaddr) & PAGE_MASK, offset = h->p_offset & PAGE_MASK;
    uint64_t end = module->bias + h->p_vaddr + h->p_filesz;
    if (end < start || end > UINT64_C(1) << 47 || offset >= file->size)
        return true;
    end = (end + 4095) & PAGE_MASK;
    for (size_t i = address_space_above(&image->space, start); i < image->space.region_count; i++) {
        const struct memory_region *r = &image->space.regions[i];
        uint64_t from = r->start > start ? r->start : start, to = r->end < end ? r->end : end;
        if (from >= to)
            break;
        uint64_t at = offset + (from - start);
        if (r->origin != MEMORY_ABSENT || (r->access & MEMORY_WRITE) || at >= file->size ||
            !mapped_so(image, r, from, at, module->path))
            continue;
        struct memory_region fill = *r;
        fill.start = from;
        fill.end = to;
        fill.data = file->map + at;
        fill.present = to - from < file->size - at ? to - from : file->size - at;
        fill.origin = MEMORY_FILLED;
        if (h->p_flags & PF_X)
            fill.access |= MEMORY_EXECUTE;
        if (!vector_reserve((void **)&f->found, &f->capacity, f->count + 1, sizeof *f->found, err))
            return false;
        f->found[f->count++] = fill;
    }
    return true;
}

static bool fill_module(struct filling *f, size_t i, struct error *err)
{
    const struct image_module *module = &f->self->image->modules[i];
    const struct module_file *file = f->self->modules[i].file;
    for (size_t k = 0; k < file->header_count; k++) {
        const Elf64_Phdr *h = &file->headers[k];
        if (h->p_type == PT_LOAD && !(h->p_flags & PF_W) && !fill_segment(f, module, file, h, err))
            return false;
    }
    return true;
}

/* What a file of the same name could have filled, had it been the right one. */
static uint64_t refused_bytes(const struct process_image *image, const struct image_module *module)
{
    uint64_t bytes = 0;
    for (size_t i = address_space_above(&image->space, module->start); i < image->space.region_count; i++) {
        const struct memory_region *r = &image->space.regions[i];
        if (r->start >= module->end)
            break;
        if (r->origin == MEMORY_ABSENT && !(r->access & MEMORY_WRITE) &&
            (!image->has_mappings || (r->mapping != MEMORY_NO_MAPPING &&
                                      strcmp(image->mappings[r->mapping].path, module->path) == 0)))
            bytes += r->end - r->start;
    }
    return bytes;
}

bool image_fill(struct elf_image *self, struct error *err)
{
    struct process_image *image = self->image;
    struct filling f = {.self = self};
    bool done = true;
    for (size_t i = 0; done && i < image->module_count; i++) {
        if (self->modules[i].file != NULL)
            done = fill_module(&f, i, err);
        else if (image->modules[i].verdict == BUILD_ID_MISMATCH)
            image->counts.refused += refused_bytes(image, &image->modules[i]);
    }
    for (size_t i = 0; done && i < f.count; i++)
        done = address_space_add(&image->space, &f.found[i], err);
    done = done && (f.count == 0 || address_space_seal(&image->space, err));
    free(f.found);
    return done;
}
