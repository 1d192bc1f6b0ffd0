#include "formats/elf/modules.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"

#define PAGE_MASK (~UINT64_C(4095))

struct elf_module *image_module_add(struct elf_image *self, const char *path, struct error *err)
{
    struct process_image *image = self->image;
    size_t n = image->module_count;
    if (n >= MAX_MODULES) {
        error_set(err, ERROR_BAD_INPUT, "more than %d modules", MAX_MODULES);
        return NULL;
    }
    if ((n & (n - 1)) == 0) {
        size_t room = n == 0 ? 1 : 2 * n;
        struct image_module *modules = realloc(image->modules, room * sizeof *modules);
        if (modules != NULL)
            image->modules = modules;
        struct elf_module *own = modules != NULL ? realloc(self->modules, room * sizeof *own) : NULL;
        if (own == NULL) {
            error_no_memory(err);
            return NULL;
        }
        self->modules = own;
    }
    image->modules[n] = (struct image_module){.path = path, .verdict = BUILD_ID_NO_FILE};
    self->modules[n] = (struct elf_module){0};
    image->module_count = self->module_count = n + 1;
    return &self->modules[n];
}

bool image_headers_at(struct elf_image *self, uint64_t address, Elf64_Phdr **headers, size_t *count,
                      uint16_t *type)
{
    Elf64_Ehdr e;
    Elf64_Phdr all[MAX_HEADERS];
    const struct address_space *space = &self->image->space;
    if (address_space_copy(space, address, &e, sizeof e) != sizeof e ||
        memcmp(e.e_ident, ELFMAG, SELFMAG) != 0 || e.e_ident[EI_CLASS] != ELFCLASS64 ||
        e.e_machine != EM_X86_64 || (e.e_type != ET_EXEC && e.e_type != ET_DYN) ||
        e.e_phentsize != sizeof(Elf64_Phdr) || e.e_phnum == 0 || e.e_phoff > UINT32_MAX)
        return false;
    size_t n = e.e_phnum < MAX_HEADERS ? e.e_phnum : MAX_HEADERS;
    if (address_space_copy(space, address + e.e_phoff, all, n * sizeof *all) != n * sizeof *all)
        return false;
    *headers = arena_take(&self->arena, n, sizeof *all, NULL);
    if (*headers == NULL)
        return false;
    memcpy(*headers, all, n * sizeof *all);
    *count = n;
    *type = e.e_type;
    return true;
}

uint64_t image_bias_of(const Elf64_Phdr *headers, size_t count, uint16_t type, uint64_t header_address)
{
    if (type == ET_EXEC)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (headers[i].p_type == PT_LOAD)
            return header_address - ((headers[i].p_vaddr - headers[i].p_offset) & PAGE_MASK);
    }
    return header_address;
}

uint64_t image_dynamic_value(const struct elf_image *self, uint64_t dynamic, int64_t tag)
{
    for (uint64_t i = 0; i < MAX_DYNAMIC; i++) {
        Elf64_Dyn d;
        if (address_space_copy(&self->image->space, dynamic + i * sizeof d, &d, sizeof d) != sizeof d ||
            d.d_tag == DT_NULL)
            break;
        if (d.d_tag == tag)
            return d.d_un.d_val;
    }
    return 0;
}

uint64_t image_dynamic_address(const struct elf_image *self, uint64_t dynamic, int64_t tag, uint64_t bias)
{
    uint64_t value = image_dynamic_value(self, dynamic, tag);
    return value != 0 && value < bias ? bias + value : value;
}

uint64_t image_dynamic_of(const struct elf_module *m, uint64_t bias)
{
    for (size_t i = 0; i < m->header_count; i++) {
        if (m->headers[i].p_type == PT_DYNAMIC)
            return bias + m->headers[i].p_vaddr;
    }
    return 0;
}

/* The start of the mapping with the file's first bytes, at or below an address; 0: none. */
uint64_t image_first_mapping(const struct process_image *image, uint32_t mapping)
{
    if (mapping == MEMORY_NO_MAPPING)
        return 0;
    const char *path = image->mappings[mapping].path;
    for (size_t i = mapping + 1; i-- > 0;) {
        if (image->mappings[i].offset == 0 && strcmp(image->mappings[i].path, path) == 0)
            return image->mappings[i].start;
        if (mapping - i > 64)
            break;
    }
    return 0;
}

const char *image_text_at(struct elf_image *self, uint64_t address)
{
    char text[4096];
    if (address == 0 || !address_space_text(&self->image->space, address, text, sizeof text) || text[0] == 0)
        return NULL;
    return arena_text(&self->arena, text, strlen(text), NULL);
}

bool image_headers_in_memory(struct elf_image *self, struct elf_module *m, uint16_t *type)
{
    m->headers_from_memory = m->header_address != 0 &&
                             image_headers_at(self, m->header_address, &m->headers, &m->header_count, type);
    return m->headers_from_memory;
}

/* The program itself, by the auxiliary vector: the kernel noted where its program headers are. */
static bool find_executable(struct elf_image *self, struct error *err)
{
    struct process_image *image = self->image;
    uint64_t table = image->auxv[AT_PHDR], entry = image->auxv[AT_ENTRY];
    uint32_t mapping = image_mapping_at(image, table != 0 ? table : entry);
    if (mapping == MEMORY_NO_MAPPING)
        mapping = image_mapping_at(image, entry);
    const char *path = mapping != MEMORY_NO_MAPPING ? image->mappings[mapping].path : NULL;
    if (path == NULL && (path = image_text_at(self, image->auxv[AT_EXECFN])) == NULL)
        path = self->executable;
    if (image->executable == NULL)
        image->executable = path;
    if (table == 0)
        return true;
    struct elf_module *m = image_module_add(self, path != NULL ? path : "", err);
    if (m == NULL)
        return false;
    struct image_module *module = &image->modules[image->module_count - 1];
    module->executable = true;
    m->header_address = image_first_mapping(image, mapping);
    if (m->header_address == 0 && address_space_at(&image->space, table & PAGE_MASK, SELFMAG) != NULL)
        m->header_address = table & PAGE_MASK;
    uint16_t type = ET_DYN;
    bool known = image_headers_in_memory(self, m, &type);
    size_t count = image->auxv[AT_PHNUM] < MAX_HEADERS ? (size_t)image->auxv[AT_PHNUM] : MAX_HEADERS;
    if (!known && count > 0 && image->auxv[AT_PHENT] == sizeof(Elf64_Phdr)) {
        Elf64_Phdr *headers = arena_take(&self->arena, count, sizeof *headers, err);
        if (headers == NULL)
            return false;
        if (address_space_copy(&image->space, table, headers, count * sizeof *headers) ==
            count * sizeof *headers) {
            m->headers = headers;
            m->header_count = count;
            m->headers_from_memory = known = true;
        }
    }
    module->bias = known && m->header_address != 0
                       ? image_bias_of(m->headers, m->header_count, type, m->header_address)
                       : 0;
    for (size_t i = 0; i < m->header_count; i++) {
        if (m->headers[i].p_type == PT_PHDR)
            module->bias = table - m->headers[i].p_vaddr;
    }
    m->dynamic = image_dynamic_of(m, module->bias);
    return true;
}

static bool known_header(const struct elf_image *self, uint64_t address)
{
    for (size_t i = 0; i < self->module_count; i++) {
        if (self->modules[i].header_address == address)
            return true;
    }
    return false;
}

/* Is there code in it? An ELF file mapped as mere data is no module. Mappings of one file lie together. */
static bool has_code(const struct process_image *image, size_t first)
{
    const char *path = image->mappings[first].path;
    size_t same = 0;
    for (size_t i = first; i < image->mapping_count && i < first + 64; i++) {
        if (strcmp(image->mappings[i].path, path) != 0 || (same >= 2 && image->mappings[i].offset == 0))
            break; /* another file, or the same mapped once more */
        const struct memory_region *r = address_space_region(&image->space, image->mappings[i].start);
        if (r != NULL && (r->access & MEMORY_EXECUTE))
            return true;
        same++;
    }
    return same >= 3; /* gcore does not say what undumped mappings may do */
}

/* What the loader's list does not have (it is lost, static, or another namespace's). */
static bool add_mapped(struct elf_image *self, struct error *err)
{
    struct process_image *image = self->image;
    for (size_t i = 0; i < image->mapping_count && image->module_count < MAX_MODULES; i++) {
        const struct image_mapping *map = &image->mappings[i];
        if (map->offset != 0 || !has_code(image, i))
            continue;
        uint8_t magic[SELFMAG];
        uint64_t have = address_space_copy(&image->space, map->start, magic, sizeof magic);
        if ((have == sizeof magic && memcmp(magic, ELFMAG, SELFMAG) != 0) || known_header(self, map->start))
            continue;
        struct elf_module *m = image_module_add(self, map->path, err);
        if (m == NULL)
            return false;
        uint16_t type;
        m->header_address = map->start;
        if (image_headers_in_memory(self, m, &type)) {
            uint64_t bias = image_bias_of(m->headers, m->header_count, type, map->start);
            image->modules[image->module_count - 1].bias = bias;
            m->dynamic = image_dynamic_of(m, bias);
        } else
            m->bias_from_file = true;
    }
    return true;
}

/* The library's own name for itself (DT_SONAME), where its string table can be read. */
static const char *own_name(struct elf_image *self, uint64_t bias, const struct elf_module *m)
{
    if (m->dynamic == 0)
        return NULL;
    uint64_t table = image_dynamic_address(self, m->dynamic, DT_STRTAB, bias);
    uint64_t name = image_dynamic_value(self, m->dynamic, DT_SONAME);
    return table != 0 && name != 0 ? image_text_at(self, table + name) : NULL;
}

static bool has_executable(const struct process_image *image)
{
    for (size_t i = 0; i < image->module_count; i++) {
        if (image->modules[i].executable)
            return true;
    }
    return false;
}

/* It asks for a loader and has no name as a library (the C library asks for a loader too). */
static bool is_program(const struct elf_image *self, const struct elf_module *m)
{
    for (size_t i = 0; i < m->header_count; i++) {
        if (m->headers[i].p_type == PT_INTERP)
            return m->dynamic != 0 && address_space_at(&self->image->space, m->dynamic, 16) != NULL &&
                   image_dynamic_value(self, m->dynamic, DT_SONAME) == 0;
    }
    return false;
}

static void name_executable(struct elf_image *self, struct image_module *module)
{
    module->executable = true;
    if (module->path[0] == 0 && self->executable != NULL)
        module->path = self->executable;
    if (self->image->executable == NULL && module->path[0] != 0)
        self->image->executable = module->path;
}

/* Without a list of mapped files: ELF headers at the start of regions. */
static bool add_by_header(struct elf_image *self, struct error *err)
{
    struct process_image *image = self->image;
    for (size_t i = 0; i < image->space.region_count && image->module_count < MAX_MODULES; i++) {
        uint64_t start = image->space.regions[i].start;
        struct elf_module found = {.header_address = start, .headers_from_memory = true};
        uint16_t type;
        if (start == image->auxv[AT_SYSINFO_EHDR] ||
            !image_headers_at(self, start, &found.headers, &found.header_count, &type) ||
            known_header(self, start))
            continue;
        uint64_t bias = image_bias_of(found.headers, found.header_count, type, start);
        found.dynamic = image_dynamic_of(&found, bias);
        const char *name = own_name(self, bias, &found);
        if (name != NULL && strncmp(name, "linux-vdso", 10) == 0)
            continue;
        struct elf_module *m = image_module_add(self, name != NULL ? name : "", err);
        if (m == NULL)
            return false;
        *m = found;
        image->modules[image->module_count - 1].bias = bias;
        if (!has_executable(image) && is_program(self, &found))
            name_executable(self, &image->modules[image->module_count - 1]);
    }
    return true;
}

bool image_modules_find(struct elf_image *self, struct error *err)
{
    bool followed = false;
    if (!find_executable(self, err) || !image_follow_loader(self, &followed, err) ||
        !(self->image->has_mappings ? add_mapped(self, err) : add_by_header(self, err)))
        return false;
    /* The program was not where the kernel said: it was given to the loader as an argument. */
    return followed || image_follow_loader(self, &followed, err);
}
