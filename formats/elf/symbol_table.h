/* symbol_table.h -- the symbols of one module: by name, by address. Addresses are as in the file.
 *
 * Private to formats/elf.
 */
#ifndef HELDBY_SYMBOL_TABLE_H
#define HELDBY_SYMBOL_TABLE_H

#include "formats/elf/module_file.h"
#include "lib/base/arena.h"

struct table_symbol {
    uint64_t address, size; /* in the file; of a TLS symbol: in its block */
    const char *name;       /* the file's own bytes */
    uint8_t strength;       /* global 3, weak 2, local 1 */
    bool tls;
};

struct symbol_table {
    struct table_symbol *symbols; /* by address, those of TLS last */
    size_t count, capacity, tls_start;
    uint32_t *slots; /* [slot_mask + 1], by name: index + 1, 0 free; made at the first search by name */
    uint32_t slot_mask;
    struct arena names;        /* names that are not as in the file: versions cut off */
    struct module_file *debug; /* a separate file of symbols; owned */
};

struct symbol_table *symbol_table_create(void);
void symbol_table_free(struct symbol_table *table); /* NULL is fine */

/* All symbols of a file's .symtab, or of its .dynsym where there is no other. False: it has neither, or no
 * memory. */
bool symbol_table_read(struct symbol_table *table, const struct module_file *file);
bool symbol_table_add(struct symbol_table *table, const Elf64_Sym *symbol, const char *name);
void symbol_table_sort(struct symbol_table *table); /* once, after the last addition */

const struct table_symbol *symbol_table_named(struct symbol_table *table, const char *name);
const struct table_symbol *symbol_table_at(const struct symbol_table *table, uint64_t address);
const struct table_symbol *symbol_table_tls_at(const struct symbol_table *table, uint64_t offset);

#endif
