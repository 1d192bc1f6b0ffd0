/* Symbols of a module whose file is not at hand: the dynamic ones, where its memory was dumped. */
#include <string.h>

#include "formats/elf/modules.h"
#include "formats/elf/symbol_table.h"

enum { MOST_SYMBOLS = 1 << 20, MOST_TEXT = 64 << 20 };

static uint32_t u32_at(const struct address_space *space, uint64_t address)
{
    const uint8_t *p = address_space_at(space, address, 4);
    uint32_t v = 0;
    if (p != NULL)
        memcpy(&v, p, sizeof v);
    return v;
}

/* The last chain of the hash ends with the last symbol (System V gABI's DT_HASH says the count; GNU's does
 * not). */
static uint64_t count_gnu(const struct address_space *space, uint64_t table)
{
    uint32_t buckets = u32_at(space, table), first = u32_at(space, table + 4);
    uint64_t at = table + 16 + 8 * (uint64_t)u32_at(space, table + 8), last = 0;
    for (uint32_t i = 0; i < buckets && i < MOST_SYMBOLS / 4; i++) {
        uint32_t symbol = u32_at(space, at + 4 * (uint64_t)i);
        last = symbol > last ? symbol : last;
    }
    if (last < first || last >= MOST_SYMBOLS)
        return first < MOST_SYMBOLS ? first : 0;
    at += 4 * (uint64_t)buckets;
    while (last < MOST_SYMBOLS && address_space_at(space, at + 4 * (last - first), 4) != NULL &&
           !(u32_at(space, at + 4 * (last - first)) & 1))
        last++;
    return last + 1;
}

bool image_memory_symbols(struct elf_image *self, size_t module, struct symbol_table *table)
{
    const struct address_space *space = &self->image->space;
    const struct elf_module *m = &self->modules[module];
    uint64_t bias = self->image->modules[module].bias, dynamic = m->dynamic;
    for (size_t i = 0; dynamic == 0 && i < m->header_count; i++) {
        if (m->headers[i].p_type == PT_DYNAMIC)
            dynamic = bias + m->headers[i].p_vaddr;
    }
    if (dynamic == 0)
        return true;
    uint64_t symbols = image_dynamic_address(self, dynamic, DT_SYMTAB, bias);
    uint64_t text = image_dynamic_address(self, dynamic, DT_STRTAB, bias);
    uint64_t text_size = image_dynamic_value(self, dynamic, DT_STRSZ);
    uint64_t hash = image_dynamic_address(self, dynamic, DT_HASH, bias);
    uint64_t gnu = image_dynamic_address(self, dynamic, DT_GNU_HASH, bias);
    uint64_t count = hash != 0 ? u32_at(space, hash + 4) : gnu != 0 ? count_gnu(space, gnu) : 0;
    const char *names = text_size > 0 && text_size <= MOST_TEXT
                            ? (const char *)address_space_at(space, text, text_size)
                            : NULL;
    if (symbols == 0 || names == NULL || names[text_size - 1] != 0)
        return true;
    self->symbols_read += count; /* also those that turn out to be none */
    for (uint64_t i = 1; i < count && i < MOST_SYMBOLS; i++) {
        Elf64_Sym symbol;
        if (address_space_copy(space, symbols + i * sizeof symbol, &symbol, sizeof symbol) != sizeof symbol)
            break;
        if (symbol.st_name < text_size && !symbol_table_add(table, &symbol, names + symbol.st_name))
            return false;
    }
    return true;
}
