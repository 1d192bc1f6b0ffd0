/* The loader's own list of what it has mapped. */
#include <string.h>

#include "formats/elf/modules.h"

/* struct link_map and struct r_debug (link.h), the public part; glibc, musl and the BSDs agree. */
enum { MAP_ADDRESS = 0, MAP_NAME = 8, MAP_DYNAMIC = 16, MAP_NEXT = 24, DEBUG_MAP = 8 };

#define PAGE_MASK (~UINT64_C(4095))

static uint64_t first_record(const struct elf_image *self)
{
    for (size_t i = 0; i < self->module_count; i++) {
        uint64_t dynamic = self->modules[i].dynamic;
        uint64_t debug = dynamic != 0 ? image_dynamic_value(self, dynamic, DT_DEBUG) : 0;
        uint64_t map = debug != 0 ? address_space_word(&self->image->space, debug + DEBUG_MAP) : 0;
        if (map != 0)
            return map;
    }
    return 0;
}

/* The known module with this dynamic section, or with these first bytes; else module_count. */
static size_t known(const struct elf_image *self, uint64_t dynamic)
{
    uint64_t header = image_first_mapping(self->image, image_mapping_at(self->image, dynamic));
    size_t i = 0;
    while (i < self->module_count && self->modules[i].dynamic != dynamic &&
           (header == 0 || self->modules[i].header_address != header))
        i++;
    return i;
}

/* False: no memory. A record of the vdso, or one without a name, adds nothing. */
static bool add(struct elf_image *self, uint64_t bias, const char *name, uint64_t dynamic, struct error *err)
{
    struct process_image *image = self->image;
    uint32_t mapping = image_mapping_at(image, dynamic);
    const char *path = mapping != MEMORY_NO_MAPPING ? image->mappings[mapping].path : name;
    if (path == NULL || (mapping == MEMORY_NO_MAPPING && strncmp(path, "linux-vdso", 10) == 0))
        return true;
    struct elf_module *m = image_module_add(self, path, err);
    if (m == NULL)
        return false;
    uint16_t type;
    image->modules[image->module_count - 1].bias = bias;
    m->dynamic = dynamic;
    m->header_address = image_first_mapping(image, mapping);
    if (m->header_address == 0)
        m->header_address = bias & PAGE_MASK;
    image_headers_in_memory(self, m, &type);
    return true;
}

/* The first record is the program's. */
static void make_executable(struct elf_image *self, size_t module)
{
    struct process_image *image = self->image;
    if (image->modules[module].executable)
        return;
    for (size_t i = 0; i < image->module_count; i++)
        image->modules[i].executable = i == module;
    image->executable = image->modules[module].path;
}

bool image_follow_loader(struct elf_image *self, bool *followed, struct error *err)
{
    struct process_image *image = self->image;
    const struct address_space *space = &image->space;
    uint64_t map = first_record(self);
    *followed = map != 0;
    for (size_t i = 0; map != 0 && image->module_count < MAX_MODULES && i < MAX_MODULES; i++) {
        uint64_t bias, dynamic;
        if (!address_space_u64(space, map + MAP_ADDRESS, &bias) ||
            !address_space_u64(space, map + MAP_DYNAMIC, &dynamic) || dynamic == 0)
            break;
        size_t at = known(self, dynamic);
        const char *name = image_text_at(self, address_space_word(space, map + MAP_NAME));
        if (at == image->module_count && !add(self, bias, name, dynamic, err))
            return false;
        if (at < image->module_count) {
            if (image->modules[at].link_map != 0)
                break; /* in circles */
            image->modules[at].link_map = map;
            if (name != NULL && image->modules[at].path[0] != '/')
                image->modules[at].path = name;
            if (i == 0)
                make_executable(self, at);
        }
        map = address_space_word(space, map + MAP_NEXT);
    }
    return true;
}
