/* Blocks that are structures of the C library: streams, caches of malloc, the threads' vectors of TLS. */
#include "formats/extract/extraction.h"

/* struct _IO_FILE (libio/bits/types/struct_FILE.h, libio/libioP.h): its first word says so, and behind its
 * 216 bytes stands the table of its functions, in the C library's data. */
enum { FILE_MAGIC = 0xfbad, FILE_TABLE = 216, FILE_SIZE = 224 };
/* tcache_perthread_struct (malloc/malloc.c), usable bytes from glibc 2.27 to 2.42 */
enum { TCACHE_SMALLEST = 0x248, TCACHE_LARGEST = 0x308 };

static const char *const names[KNOWN_KINDS] = {[KNOWN_FILE] = "FILE",
                                               [KNOWN_TCACHE] = "tcache_perthread_struct",
                                               [KNOWN_DTV] = "dtv_t[]",
                                               [KNOWN_INTERPRETER] = "PyInterpreterState",
                                               [KNOWN_THREAD_STATE] = "PyThreadState"};

const char *known_block_name(enum known_block kind)
{
    return names[kind];
}

static bool know(struct extraction *x, uint64_t address, enum known_block what)
{
    bool found;
    uint32_t *kind = number_map_put(&x->types.known, address, &found);
    if (kind == NULL)
        return error_no_memory(x->err);
    *kind = what;
    return true;
}

/* Structures of Python: those in malloc's blocks. */
static void python_structure(void *context, uint64_t address, const char *name)
{
    struct extraction *x = context;
    if (!block_index_has(&x->index, address))
        return;
    bool thread = strcmp(name, names[KNOWN_THREAD_STATE]) == 0;
    x->failed = !know(x, address, thread ? KNOWN_THREAD_STATE : KNOWN_INTERPRETER) || x->failed;
}

bool known_blocks_find(struct extraction *x)
{
    for (size_t t = 0; t < x->tls.count; t++) {
        const struct tls_block *b = &x->tls.items[t];
        uint64_t vector, at = b->thread == UINT32_MAX ? b->start : b->start + 8;
        if (b->module != UINT32_MAX || !address_space_u64(x->space, at, &vector) || vector <= 16 ||
            !block_index_has(&x->index, vector - 16)) /* the pointer is to the second entry */
            continue;
        if (!know(x, vector - 16, KNOWN_DTV))
            return false;
    }
    if (x->python != NULL)
        cpython_core_structures(x->python, python_structure, x);
    return !x->failed;
}

enum known_block known_block_of(struct extraction *x, uint64_t address, uint64_t size, uint64_t word0)
{
    const struct block_types *t = &x->types;
    if (word0 >> 16 == FILE_MAGIC && size >= FILE_SIZE) {
        uint64_t table = address_space_word(x->space, address + FILE_TABLE);
        if (in_module(t, table) && (table & 7) == 0)
            return KNOWN_FILE;
    }
    if (size >= TCACHE_SMALLEST && size <= TCACHE_LARGEST && glibc_heap_owns(&x->heap, address))
        return KNOWN_TCACHE;
    if (t->known.count > 0)
        return (enum known_block)number_map_get(&t->known, address);
    return KNOWN_NOTHING;
}
