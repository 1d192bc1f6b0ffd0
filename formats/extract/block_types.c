/* What a native block is called, and by what right: vtable and RTTI, then known structures, then its size. */
#include "formats/extract/extraction.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lib/base/vector.h"

/* Debug information will say more than a size: its place is between class_type and size_type. */

enum { NAME_SIZE = 1024, SMALL_SIZES = 4096, LARGE_TYPES = 1 << 16, MODULE_BITS = 1 << 24 };

static uint32_t make_type(struct extraction *x, const char *name, enum type_label label, uint64_t base_size)
{
    struct block_types *t = &x->types;
    if (!vector_reserve((void **)&t->items, &t->capacity, t->count + 1, sizeof *t->items, x->err))
        return 0;
    struct snapshot_type type = {.name = snapshot_writer_string(x->writer, name, strlen(name)),
                                 .family = FAMILY_NATIVE,
                                 .label = label,
                                 .basic_size = base_size};
    struct block_type b = {.base_size = base_size, .type = snapshot_writer_type(x->writer, &type)};
    b.shape = snapshot_writer_shape(
        x->writer, &(struct snapshot_shape){.type = b.type, .tail = TAIL_NATIVE, .base_size = base_size});
    t->items[t->count] = b;
    return (uint32_t)t->count++;
}

bool block_types_init(struct extraction *x)
{
    struct block_types *t = &x->types;
    void *bits =
        mmap(NULL, MODULE_BITS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bits == MAP_FAILED)
        return error_no_memory(x->err);
    t->module_mib = bits;
    for (size_t i = 0; i < x->image->module_count; i++) {
        const struct image_module *m = &x->image->modules[i];
        uint64_t end = m->end < UINT64_C(1) << 47 ? m->end : UINT64_C(1) << 47;
        for (uint64_t mib = m->start >> 20; mib << 20 < end; mib++)
            t->module_mib[mib >> 3] |= (uint8_t)(1u << (mib & 7));
    }
    t->count = 1;
    return vector_reserve((void **)&t->items, &t->capacity, 64, sizeof *t->items, x->err) &&
           known_blocks_find(x);
}

void block_types_free(struct block_types *t)
{
    free(t->items);
    number_map_free(&t->sizes);
    number_map_free(&t->classes);
    number_map_free(&t->class_name);
    number_map_free(&t->arrays);
    number_map_free(&t->shapes);
    number_map_free(&t->known);
    if (t->module_mib != NULL)
        munmap(t->module_mib, MODULE_BITS);
}

/* ---- size classes ---- */

static uint32_t size_type(struct extraction *x, uint64_t address, uint64_t size)
{
    struct block_types *t = &x->types;
    bool pool = extraction_in_pool(x, address), found = false;
    uint32_t *type, made;
    char name[64];
    if (size < 16 * SMALL_SIZES && (size & 15) == (pool ? 0 : 8))
        type = &t->small[pool][size / 16];
    else
        type = number_map_put(&t->sizes, size << 2 | (uint64_t)pool << 1 | 1, &found);
    if (type == NULL || *type != 0)
        return type == NULL ? 0 : *type;
    if (t->sizes.count > LARGE_TYPES) /* no memory for a name each */
        snprintf(name, sizeof name, "malloc(large)");
    else
        snprintf(name, sizeof name, pool ? "pymalloc(%llu)" : "malloc(%llu)", (unsigned long long)size);
    made = make_type(x, name, LABEL_SIZE_CLASS, size);
    *type = made;
    return made;
}

/* ---- C++ classes ---- */

static uint64_t hash_text(const char *text, uint64_t seed)
{
    uint64_t h = seed ^ UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return number_map_mix(h) | 1;
}

/* The type of a name; one class may have several vtables (a copy in each library). */
static uint32_t named_type(struct extraction *x, const char *name, enum type_label label, uint64_t size)
{
    bool found;
    uint32_t *type = number_map_put(&x->types.class_name, hash_text(name, label), &found);
    if (type == NULL)
        return 0;
    if (!found) {
        uint32_t made = make_type(x, name, label, size);
        *type = made;
    }
    return *type;
}

/* The class behind a first word, 0: none. Asked once for each value. */
static uint32_t class_type(struct extraction *x, uint64_t vtable, uint64_t size)
{
    struct block_types *t = &x->types;
    char name[NAME_SIZE];
    enum type_label label;
    bool found;
    uint32_t known = number_map_get(&t->classes, vtable), type = 0;
    if (known != 0)
        return known - 1;
    if (class_name_of_vtable(x->image, vtable, name, sizeof name, &label))
        type = named_type(x, name, label, size);
    uint32_t *place = number_map_put(&t->classes, vtable, &found);
    if (place != NULL)
        *place = type + 1;
    return type;
}

/* new T[n] of a class with a destructor: the count, then the objects (Itanium C++ ABI, 2.7). The second
 * object must be where the size of the block puts it. */
static uint32_t array_type(struct extraction *x, uint64_t address, uint64_t size, uint64_t count)
{
    struct block_types *t = &x->types;
    uint64_t vtable = address_space_word(x->space, address + 8), stride = (size - 8) / count & ~UINT64_C(7);
    bool found;
    if (!in_module(t, vtable) || (vtable & 7) != 0)
        return 0;
    uint64_t next = stride;
    while (next >= 8 && stride - next < 24 && address_space_word(x->space, address + 8 + next) != vtable)
        next -= 8;
    if (next < 8 || stride - next >= 24)
        return 0;
    uint32_t type = class_type(x, vtable, next);
    if (type == 0)
        return 0;
    uint32_t *array = number_map_put(&t->arrays, type, &found);
    if (array == NULL)
        return 0;
    if (!found) {
        char name[NAME_SIZE];
        enum type_label label;
        size_t length =
            class_name_of_vtable(x->image, vtable, name, sizeof name - 2, &label) ? strlen(name) : 0;
        memcpy(name + length, "[]", 3);
        uint32_t made = named_type(x, name, label, size);
        *array = made;
    }
    return *array;
}

uint32_t block_types_of(struct extraction *x, uint64_t address, uint64_t size, uint64_t word0)
{
    struct block_types *t = &x->types;
    if (in_module(t, word0) && (word0 & 7) == 0 && size >= 8) {
        uint32_t type = class_type(x, word0, size);
        if (type != 0)
            return type;
    }
    if (word0 - 2 < size / 8 && size >= 24) {
        uint32_t type = array_type(x, address, size, word0);
        if (type != 0)
            return type;
    }
    enum known_block known = known_block_of(x, address, size, word0);
    if (known != KNOWN_NOTHING) {
        if (t->known_types[known] == 0) {
            uint32_t made = make_type(x, known_block_name(known), LABEL_KNOWN, size);
            t->known_types[known] = made;
        }
        return t->known_types[known];
    }
    return size_type(x, address, size);
}

/* ---- shapes with leftovers ---- */

uint32_t block_types_shape(struct extraction *x, uint32_t type, const uint64_t *stale, uint32_t count)
{
    struct block_types *t = &x->types;
    struct snapshot_field fields[STALE_FIELDS];
    bool numbered = t->stale_shapes < STALE_SHAPES, found;
    for (int attempt = 0; attempt < 2; attempt++) {
        uint64_t key = number_map_mix((uint64_t)type << 8 | count);
        for (uint32_t i = 0; i < count; i++)
            key = number_map_mix(key + (attempt == 0 ? stale[i] + 1 : 0));
        uint32_t shape = number_map_get(&t->shapes, key | 1);
        if (shape != 0)
            return shape;
        if (attempt == 0 && !numbered)
            continue;
        for (uint32_t i = 0; i < count; i++)
            fields[i] = (struct snapshot_field){.kind = REFERENCE_STALE,
                                                .certainty = CERTAINTY_UNCERTAIN,
                                                .number = attempt == 0 ? (int64_t)stale[i] : -1};
        shape =
            snapshot_writer_shape(x->writer, &(struct snapshot_shape){.type = t->items[type].type,
                                                                      .tail = TAIL_NATIVE,
                                                                      .base_size = t->items[type].base_size,
                                                                      .field_count = count,
                                                                      .fields = fields});
        t->stale_shapes++;
        uint32_t *place = number_map_put(&t->shapes, key | 1, &found);
        if (place != NULL)
            *place = shape;
        return shape;
    }
    return t->items[type].shape;
}
