#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/elf/module_file.h"
#include "formats/elf/modules.h"

#define USER_END (UINT64_C(1) << 47)

/* A segment's place in memory; false: it cannot be there. */
static bool place(const Elf64_Phdr *h, uint64_t bias, struct image_range *ret)
{
    ret->start = bias + h->p_vaddr;
    ret->end = ret->start + h->p_memsz;
    return h->p_memsz != 0 && ret->start < USER_END && ret->end <= USER_END && ret->end > ret->start;
}

static bool measure(struct elf_image *self, struct image_module *module, const struct elf_module *m,
                    struct error *err)
{
    struct image_range *data = arena_take(&self->arena, m->header_count + 1, sizeof *data, err);
    if (data == NULL)
        return false;
    struct image_range r;
    module->data = data;
    for (size_t i = 0; i < m->header_count; i++) {
        const Elf64_Phdr *h = &m->headers[i];
        if (h->p_type == PT_TLS && h->p_memsz < UINT32_MAX) {
            module->tls_size = h->p_memsz;
            module->tls_align = h->p_align != 0 && h->p_align <= 4096 ? h->p_align : 1;
            module->tls_image = h->p_filesz != 0 ? module->bias + h->p_vaddr : 0;
        }
        if (h->p_type != PT_LOAD || !place(h, module->bias, &r))
            continue;
        if (module->end == 0 || r.start < module->start)
            module->start = r.start;
        if (r.end > module->end)
            module->end = r.end;
        /* In order and apart, as the loader demands: what is in two segments would be searched twice. */
        if (h->p_flags & PF_W && (module->data_count == 0 || r.start >= data[module->data_count - 1].end))
            data[module->data_count++] = r;
    }
    return true;
}

/* With neither headers nor a file: its mappings, and the anonymous memory behind them, which is .bss. */
static bool measure_by_mappings(struct elf_image *self, struct image_module *module,
                                const struct elf_module *m, struct error *err)
{
    const struct process_image *image = self->image;
    struct image_range *data = arena_take(&self->arena, 65, sizeof *data, err);
    if (data == NULL)
        return false;
    uint32_t first = image_mapping_at(image, m->header_address);
    if (first == MEMORY_NO_MAPPING)
        return true;
    module->data = data;
    module->start = image->mappings[first].start;
    for (size_t i = first; i < image->mapping_count && i < first + 64; i++) {
        const struct image_mapping *map = &image->mappings[i];
        if (strcmp(map->path, image->mappings[first].path) != 0)
            break;
        module->end = map->end;
        const struct memory_region *r = address_space_region(&image->space, map->start);
        if (r != NULL && (r->access & MEMORY_WRITE))
            data[module->data_count++] = (struct image_range){map->start, map->end};
    }
    const struct memory_region *r = address_space_region(&image->space, module->end);
    if (r != NULL && r->mapping == MEMORY_NO_MAPPING && r->start == module->end &&
        (r->access & MEMORY_WRITE) && module->data_count > 0) {
        data[module->data_count++] = (struct image_range){r->start, r->end};
        module->end = r->end;
    }
    return true;
}

struct both {
    struct image_module module;
    struct elf_module own;
    size_t order;
};

static int by_start(const void *a, const void *b)
{
    const struct both *x = a, *y = b;
    if (x->module.start != y->module.start)
        return x->module.start < y->module.start ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool sort(struct elf_image *self, struct error *err)
{
    struct process_image *image = self->image;
    size_t count = image->module_count, kept = 0;
    struct both *all = malloc((count + 1) * sizeof *all);
    if (all == NULL)
        return error_no_memory(err);
    for (size_t i = 0; i < count; i++)
        all[i] = (struct both){image->modules[i], self->modules[i], i};
    qsort(all, count, sizeof *all, by_start);
    for (size_t i = 0; i < count; i++) {
        bool good = all[i].module.end > all[i].module.start &&
                    (kept == 0 || all[i].module.start >= image->modules[kept - 1].end);
        if (!good) {
            module_file_close(all[i].own.file);
            continue;
        }
        image->modules[kept] = all[i].module;
        self->modules[kept++] = all[i].own;
    }
    image->module_count = self->module_count = kept;
    free(all);
    return true;
}

/* The name of a file, without the kernel's mark that it was removed. */
static const char *last_part(struct elf_image *self, const char *path)
{
    static const char mark[] = " (deleted)";
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    size_t length = strlen(name), cut = sizeof mark - 1;
    if (length <= cut || strcmp(name + length - cut, mark) != 0)
        return name;
    const char *plain = arena_text(&self->arena, name, length - cut, NULL);
    return plain != NULL ? plain : name;
}

/* Nothing tells what it was. */
static bool name_by_address(struct elf_image *self, struct image_module *module, uint64_t address,
                            struct error *err)
{
    char text[48];
    snprintf(text, sizeof text, "module at 0x%" PRIx64, address);
    module->path = module->name = arena_text(&self->arena, text, strlen(text), err);
    return module->path != NULL;
}

bool image_modules_measure(struct elf_image *self, struct error *err)
{
    for (size_t i = 0; i < self->module_count; i++) {
        struct image_module *module = &self->image->modules[i];
        module->name = last_part(self, module->path);
        if (module->path[0] == 0 && !name_by_address(self, module, self->modules[i].header_address, err))
            return false;
        bool done = self->modules[i].header_count > 0
                        ? measure(self, module, &self->modules[i], err)
                        : measure_by_mappings(self, module, &self->modules[i], err);
        if (!done)
            return false;
    }
    return sort(self, err);
}
