#include "formats/elf/symbol_table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"

enum {
    NESTED = 16, /* how far back a symbol that holds others is looked for */
    MOST_SYMBOLS = 1 << 24,
    LONGEST_NAME = 8192, /* a million symbols may share one name of megabytes */
};

struct symbol_table *symbol_table_create(void)
{
    return calloc(1, sizeof(struct symbol_table));
}

void symbol_table_free(struct symbol_table *table)
{
    if (table == NULL)
        return;
    module_file_close(table->debug);
    free(table->symbols);
    free(table->slots);
    arena_free(&table->names);
    free(table);
}

/* The linker's own marks say nothing about what lies there. */
static bool is_mark(const char *name)
{
    static const char *const marks[] = {"_end",        "end",        "_edata",         "edata",
                                        "__bss_start", "data_start", "__data_start",   "_etext",
                                        "etext",       "__etext",    "_fini_array_end"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (strcmp(name, marks[i]) == 0)
            return true;
    }
    return false;
}

bool symbol_table_add(struct symbol_table *table, const Elf64_Sym *symbol, const char *name)
{
    unsigned type = ELF64_ST_TYPE(symbol->st_info), binding = ELF64_ST_BIND(symbol->st_info);
    if (name == NULL || name[0] == 0 || symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS ||
        type == STT_SECTION || type == STT_FILE || (type == STT_NOTYPE && is_mark(name)) ||
        strnlen(name, LONGEST_NAME) == LONGEST_NAME)
        return true;
    if (table->count >= MOST_SYMBOLS || !vector_reserve((void **)&table->symbols, &table->capacity,
                                                        table->count + 1, sizeof *table->symbols, NULL))
        return false;
    const char *version = strchr(name, '@'); /* "__libc_start_main@@GLIBC_2.34" */
    if (version != NULL && version != name &&
        (name = arena_text(&table->names, name, (size_t)(version - name), NULL)) == NULL)
        return false;
    table->symbols[table->count++] = (struct table_symbol){
        .address = symbol->st_value,
        .size = symbol->st_size,
        .name = name,
        .strength = binding == STB_LOCAL  ? 1
                    : binding == STB_WEAK ? 2
                                          : 3,
        .tls = type == STT_TLS,
    };
    return true;
}

static bool read_section(struct symbol_table *table, const struct module_file *file, Elf64_Word wanted)
{
    for (Elf_Scn *s = NULL; (s = elf_nextscn(file->elf, s)) != NULL;) {
        Elf64_Shdr *h = elf64_getshdr(s);
        if (h == NULL || h->sh_type != wanted || h->sh_entsize != sizeof(Elf64_Sym))
            continue;
        Elf_Data *data = elf_getdata(s, NULL);
        if (data == NULL || data->d_buf == NULL)
            continue;
        size_t count = data->d_size / sizeof(Elf64_Sym);
        for (size_t i = 1; i < count; i++) {
            Elf64_Sym symbol;
            memcpy(&symbol, (const char *)data->d_buf + i * sizeof symbol, sizeof symbol);
            if (!symbol_table_add(table, &symbol, elf_strptr(file->elf, h->sh_link, symbol.st_name)))
                return false;
        }
        return table->count > 0;
    }
    return false;
}

bool symbol_table_read(struct symbol_table *table, const struct module_file *file)
{
    return read_section(table, file, SHT_SYMTAB) || read_section(table, file, SHT_DYNSYM);
}

static int by_address(const void *a, const void *b)
{
    const struct table_symbol *x = a, *y = b;
    if (x->tls != y->tls)
        return x->tls ? 1 : -1;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->strength != y->strength) /* the better name last: it is found first */
        return x->strength < y->strength ? -1 : 1;
    size_t p = strspn(x->name, "_"), q = strspn(y->name, "_");
    if (p != q)
        return p > q ? -1 : 1;
    return strcmp(y->name, x->name);
}

void symbol_table_sort(struct symbol_table *table)
{
    if (table->count == 0)
        return;
    qsort(table->symbols, table->count, sizeof *table->symbols, by_address);
    table->tls_start = table->count;
    while (table->tls_start > 0 && table->symbols[table->tls_start - 1].tls)
        table->tls_start--;
}

static uint32_t hash(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name != 0; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h;
}

static bool make_slots(struct symbol_table *table)
{
    uint32_t size = 16;
    while (size < 2 * table->count)
        size *= 2;
    table->slots = calloc(size, sizeof *table->slots);
    if (table->slots == NULL)
        return false;
    table->slot_mask = size - 1;
    for (size_t i = 0; i < table->count; i++) {
        uint32_t at = hash(table->symbols[i].name) & table->slot_mask;
        while (table->slots[at] != 0 &&
               strcmp(table->symbols[table->slots[at] - 1].name, table->symbols[i].name) != 0)
            at = (at + 1) & table->slot_mask;
        uint32_t there = table->slots[at];
        if (there == 0 || table->symbols[there - 1].strength < table->symbols[i].strength)
            table->slots[at] = (uint32_t)i + 1;
    }
    return true;
}

const struct table_symbol *symbol_table_named(struct symbol_table *table, const char *name)
{
    if (table->count == 0 || (table->slots == NULL && !make_slots(table)))
        return NULL;
    for (uint32_t at = hash(name) & table->slot_mask; table->slots[at] != 0;
         at = (at + 1) & table->slot_mask) {
        if (strcmp(table->symbols[table->slots[at] - 1].name, name) == 0)
            return &table->symbols[table->slots[at] - 1];
    }
    return NULL;
}

/* Among symbols[start, end): the one that holds an address. */
static const struct table_symbol *holder(const struct symbol_table *table, size_t start, size_t end,
                                         uint64_t address)
{
    size_t low = start, high = end;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->symbols[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i-- > start && low - i <= NESTED;) {
        const struct table_symbol *s = &table->symbols[i];
        if (address - s->address < s->size)
            return s;
    }
    return low > start && table->symbols[low - 1].size == 0 ? &table->symbols[low - 1] : NULL;
}

const struct table_symbol *symbol_table_at(const struct symbol_table *table, uint64_t address)
{
    return holder(table, 0, table->tls_start, address);
}

const struct table_symbol *symbol_table_tls_at(const struct symbol_table *table, uint64_t offset)
{
    return holder(table, table->tls_start, table->count, offset);
}
