#include <stdio.h>
#include <string.h>

#include "formats/elf/modules.h"
#include "formats/elf/symbol_table.h"

#define DEBUG_FOLDER "/usr/lib/debug"

/* Opens a separate debug file; one with another build-id is none. */
static struct module_file *try_debug(const char *root, const char *path, const uint8_t *id, uint32_t id_size)
{
    struct module_file *file = module_file_open(root, path);
    if (file != NULL && (file->build_id_size != id_size || memcmp(file->build_id, id, id_size) != 0)) {
        module_file_close(file);
        return NULL;
    }
    return file;
}

static struct module_file *debug_by_id(const char *root, const uint8_t *id, uint32_t id_size)
{
    char path[256];
    int n = snprintf(path, sizeof path, DEBUG_FOLDER "/.build-id/%02x/", id[0]);
    for (uint32_t i = 1; i < id_size; i++)
        n += snprintf(path + n, sizeof path - (size_t)n, "%02x", id[i]);
    snprintf(path + n, sizeof path - (size_t)n, ".debug");
    return try_debug(root, path, id, id_size);
}

/* The file named in .gnu_debuglink: beside the binary, in .debug there, or below the folder of debug files.
 */
static struct module_file *debug_by_link(const char *root, const char *path, const struct module_file *file)
{
    Elf64_Shdr h;
    char found[8192];
    if (!module_file_section(file, ".gnu_debuglink", &h) || h.sh_offset >= file->size ||
        h.sh_size > file->size - h.sh_offset || h.sh_type == SHT_NOBITS)
        return NULL;
    const char *name = (const char *)file->map + h.sh_offset, *slash = strrchr(path, '/');
    int folder = slash != NULL ? (int)(slash - path) : 0;
    if (memchr(name, 0, h.sh_size) == NULL || name[0] == 0 || strchr(name, '/') != NULL ||
        strlen(name) > 255 || folder > 4096)
        return NULL;
    static const char *const forms[] = {"%s%.*s/%s", "%s%.*s/.debug/%s"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(found, sizeof found, forms[i % 2], i == 2 ? DEBUG_FOLDER : "", folder, path, name);
        struct module_file *debug = try_debug(root, found, file->build_id, file->build_id_size);
        if (debug != NULL)
            return debug;
    }
    return NULL;
}

static struct module_file *debug_file(const struct elf_image *self, size_t i)
{
    const struct image_module *module = &self->image->modules[i];
    const struct module_file *file = self->modules[i].file;
    const uint8_t *id = module->build_id_size != 0 || file == NULL ? module->build_id : file->build_id;
    uint32_t id_size =
        module->build_id_size != 0 || file == NULL ? module->build_id_size : file->build_id_size;
    struct module_file *debug = NULL;
    for (int with_root = self->sysroot != NULL; debug == NULL && with_root >= 0; with_root--) {
        const char *root = with_root ? self->sysroot : NULL;
        if (id_size >= 2)
            debug = debug_by_id(root, id, id_size);
        if (debug == NULL && file != NULL)
            debug = debug_by_link(root, module->path, file);
    }
    return debug;
}

static struct symbol_table *table_of(struct elf_image *self, size_t i)
{
    struct elf_module *m = &self->modules[i];
    if (m->symbols_tried)
        return m->symbols;
    m->symbols_tried = true;
    if (self->symbols_read >= MAX_SYMBOLS)
        return NULL;
    struct symbol_table *table = symbol_table_create();
    if (table == NULL)
        return NULL;
    if (!self->no_files)
        table->debug = debug_file(self, i);
    bool done = table->debug != NULL && symbol_table_read(table, table->debug);
    if (!done && m->file != NULL)
        done = symbol_table_read(table, m->file);
    if (!done)
        image_memory_symbols(self, i, table);
    self->symbols_read += table->count + 1;
    symbol_table_sort(table);
    m->symbols = table;
    return table;
}

struct module_file *image_debug_file(struct elf_image *self, size_t module)
{
    struct symbol_table *table = table_of(self, module);
    return table != NULL ? table->debug : NULL;
}

static bool give(const struct image_module *module, const struct table_symbol *s, struct image_symbol *ret)
{
    if (s == NULL)
        return false;
    *ret = (struct image_symbol){.module = module,
                                 .name = s->name,
                                 .address = s->tls ? s->address : module->bias + s->address,
                                 .size = s->size,
                                 .tls = s->tls};
    return true;
}

bool image_symbol(void *context, const struct image_module *module, const char *name,
                  struct image_symbol *ret)
{
    struct elf_image *self = context;
    size_t first = module != NULL ? (size_t)(module - self->image->modules) : 0;
    size_t end = module != NULL ? first + 1 : self->module_count;
    for (size_t i = first; i < end; i++) {
        struct symbol_table *table = table_of(self, i);
        if (table != NULL && give(&self->image->modules[i], symbol_table_named(table, name), ret))
            return true;
    }
    return false;
}

bool image_symbol_at(void *context, uint64_t address, struct image_symbol *ret)
{
    struct elf_image *self = context;
    const struct image_module *module = process_image_module(self->image, address);
    if (module == NULL)
        return false;
    struct symbol_table *table = table_of(self, (size_t)(module - self->image->modules));
    return table != NULL && give(module, symbol_table_at(table, address - module->bias), ret);
}

bool image_tls_symbol_at(void *context, const struct image_module *module, uint64_t offset,
                         struct image_symbol *ret)
{
    struct elf_image *self = context;
    struct symbol_table *table = table_of(self, (size_t)(module - self->image->modules));
    return table != NULL && give(module, symbol_table_tls_at(table, offset), ret);
}

bool image_section(void *context, const struct image_module *module, const char *name,
                   struct image_range *ret)
{
    struct elf_image *self = context;
    const struct module_file *file = self->modules[module - self->image->modules].file;
    Elf64_Shdr h;
    if (file == NULL || !module_file_section(file, name, &h) || h.sh_addr == 0)
        return false;
    ret->start = module->bias + h.sh_addr;
    ret->end = ret->start + h.sh_size;
    return ret->end >= ret->start;
}
