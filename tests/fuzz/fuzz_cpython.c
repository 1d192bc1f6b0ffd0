/* A small CPython 3.11 made by hand: a runtime with an interpreter and a thread, seven types, two pools with
 * dicts, strings, an int, a list and their tables, all linked into a collector's ring; with words of it
 * overwritten as the input says. Finding, scanning and walking must end and stay inside what is there.
 *
 * Input: records of 10 bytes: 2 of a place (in words), 8 of the word's new value. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/cpython/cpython_core.h"
#include "formats/snapshot/snapshot_writer.h"
#include "tests/fuzz/fuzz.h"

enum { DATA, ARENA, CHUNKS, AREAS };
static const uint64_t starts[AREAS] = {0x7f8000000000, 0x7f7000000000, 0x555500000000};
enum { AREA = 64 * 1024, WORDS = AREA / 8 };
static uint64_t memory[AREAS][WORDS];

static void put(uint64_t address, uint64_t value)
{
    for (unsigned i = 0; i < AREAS; i++)
        if (address >= starts[i] && address - starts[i] < AREA)
            memory[i][(address - starts[i]) / 8] = value;
}

static void put_text(uint64_t address, const char *text)
{
    for (unsigned i = 0; i < AREAS; i++)
        if (address >= starts[i] && address - starts[i] < AREA)
            memcpy((char *)memory[i] + (address - starts[i]), text, strlen(text) + 1);
}

enum { RUNTIME = 0, INTERPRETER = 0x400, THREAD = 0x1000, TYPES = 0x2000, TYPE_SIZE = 0x200, NAMES = 0x8000 };
enum { T_TYPE, T_OBJECT, T_DICT, T_STR, T_INT, T_LIST, T_TUPLE, T_NODE, TYPES_MADE };
enum { BLOCKS = 64, TABLES = 256, POOL = 16384, HEADER = 48 };

static uint64_t type_at(unsigned number)
{
    return starts[DATA] + TYPES + number * TYPE_SIZE;
}

static void put_type(unsigned number, const char *name, uint64_t flags, uint64_t basic, uint64_t item)
{
    uint64_t t = type_at(number), text = starts[DATA] + NAMES + number * 32;
    put(t, 5);
    put(t + 8, type_at(T_TYPE));
    put_text(text, name);
    put(t + 24, text);
    put(t + 32, basic);
    put(t + 40, item);
    put(t + 168, flags | 1 << 12);
    put(t + 256, number == T_OBJECT ? 0 : type_at(T_OBJECT));
}

/* Block `number` of the pool of objects: where the object begins, behind a collector's head if it has one. */
static uint64_t block(unsigned number, bool collected)
{
    return starts[ARENA] + HEADER + number * BLOCKS + (collected ? 16 : 0);
}

static uint64_t table(unsigned number)
{
    return starts[ARENA] + POOL + HEADER + number * TABLES;
}

static uint64_t put_str(unsigned number, const char *text)
{
    uint64_t s = block(number, false);
    put(s, 3);
    put(s + 8, type_at(T_STR));
    put(s + 16, strlen(text));
    put(s + 32, 1 << 2 | 32 | 64);
    put_text(s + 48, text);
    return s;
}

static uint64_t put_int(unsigned number, uint32_t value)
{
    uint64_t o = block(number, false);
    put(o, 2);
    put(o + 8, type_at(T_INT));
    put(o + 16, 1);
    put(o + 24, value);
    return o;
}

static uint64_t put_dict(unsigned number, unsigned keys, unsigned count, const uint64_t *pairs)
{
    uint64_t d = block(number, true), k = table(keys);
    put(d, 2);
    put(d + 8, type_at(T_DICT));
    put(d + 16, count);
    put(d + 32, k);
    put(k, 1);
    put(k + 8, 4 | 4 << 8 | 1 << 16); /* 16 places, 16 bytes of index, str keys */
    put(k + 16, 10 - count);
    put(k + 24, count);
    for (unsigned i = 0; i < 2 * count; i++)
        put(k + 32 + 16 + 8 * i, pairs[i]);
    return d;
}

static void put_pool(uint64_t pool, uint32_t size, uint32_t used)
{
    put(pool, used);
    put(pool + 32, (uint64_t)(size / 16 - 1) << 32);
    put(pool + 40, (HEADER + (uint64_t)used * size) | (uint64_t)(POOL - size) << 32);
}

static void make(void)
{
    memset(memory, 0, sizeof memory);
    uint64_t interpreter = starts[DATA] + INTERPRETER, thread = starts[DATA] + THREAD, gc = interpreter + 648;
    put(starts[DATA] + RUNTIME + 40, interpreter);
    put(starts[DATA] + RUNTIME + 48, interpreter);
    put(interpreter + 16, thread);
    put(thread + 16, interpreter);
    put(gc + 96, gc + 24);
    put_type(T_TYPE, "type", UINT64_C(1) << 31 | 1 << 14, 888, 40);
    put_type(T_OBJECT, "object", 0, 16, 0);
    put_type(T_DICT, "dict", 1 << 29 | 1 << 14, 48, 0);
    put_type(T_STR, "str", 1 << 28, 80, 0);
    put_type(T_INT, "int", 1 << 24, 24, 4);
    put_type(T_LIST, "list", 1 << 25 | 1 << 14, 40, 0);
    put_type(T_TUPLE, "tuple", 1 << 26 | 1 << 14, 24, 8);
    put_type(T_NODE, "node", 1 << 14, 48, 0);
    uint64_t version[] = {put_str(0, "hexversion"), put_int(1, 0x030b07f0), put_str(2, "version"),
                          put_str(3, "3.11.7 (x)"), put_str(4, "path"),     block(12, true)};
    uint64_t builtins[] = {put_str(5, "list"), type_at(T_LIST),   put_str(6, "tuple"),
                           type_at(T_TUPLE),   put_str(7, "str"), type_at(T_STR)};
    uint64_t sys = put_dict(8, 0, 3, version), names = put_dict(9, 1, 3, builtins),
             modules = put_dict(10, 2, 1, (uint64_t[]){version[0], block(11, true)});
    put(interpreter + 888, modules);
    put(interpreter + 904, sys);
    put(interpreter + 912, names);
    uint64_t node = block(11, true), list = block(12, true);
    put(node, 1);
    put(node + 8, type_at(T_NODE));
    put(node + 16, list);
    put(node + 24, starts[CHUNKS] + 16);
    put(list, 1);
    put(list + 8, type_at(T_LIST));
    put(list + 16, 2);
    put(list + 24, table(3));
    put(list + 32, 4);
    put(table(3), node);
    put(table(3) + 8, version[3]);
    uint64_t ring[] = {sys, names, modules, node, list}, head = gc + 24;
    for (unsigned g = 1; g < 4; g++) { /* the other generations, and the permanent one */
        uint64_t empty = g == 3 ? gc + 104 : gc + 24 + g * 24;
        put(empty, empty);
        put(empty + 8, empty);
    }
    for (unsigned i = 0; i < 5; i++) {
        put(ring[i] - 16, i + 1 < 5 ? ring[i + 1] - 16 : head);
        put(ring[i] - 8, i > 0 ? ring[i - 1] - 16 : head);
    }
    put(head, ring[0] - 16);
    put(head + 8, ring[4] - 16);
    put_pool(starts[ARENA], BLOCKS, 13);
    put_pool(starts[ARENA] + POOL, TABLES, 4);
    for (unsigned i = 0; i < 16; i++) /* the allocator's blocks, 256 bytes each */
        put(starts[CHUNKS] + 16 + 256 * i, type_at(i % TYPES_MADE));
}

static uint64_t block_size(const struct process_image *image, uint64_t address)
{
    (void)image;
    return address_space_at(&image->space, address, 240) == NULL ? 0 : 240;
}

static void visit(void *context, struct cpython_core *core, uint64_t address, uint32_t id)
{
    (void)id;
    cpython_core_push(core, cpython_core_object_at(core, address + 16));
    snapshot_writer_object(context, address, 0, 0, 0, 0, 1, 0);
}

static const struct block_index *blocks; /* that leads_to looks in */

static bool leads_to(void *context, uint64_t word, uint64_t *block, bool *interior)
{
    (void)context;
    *block = block_index_below(blocks, word);
    *interior = *block != word;
    return *block != 0 && word - *block < 240;
}

static void walk(const struct process_image *image, struct cpython_core *core, struct block_index *index,
                 int fd)
{
    size_t size = snapshot_writer_memory(NULL);
    void *buffer = calloc(1, size);
    uint8_t id[16] = {0};
    struct error err;
    if (buffer != NULL && cpython_core_scan(core, index, block_size, &err) && block_index_seal(index, &err)) {
        struct snapshot_writer *w = snapshot_writer_begin(buffer, size, fd, NULL, id);
        struct cpython_native native = {.context = w, .index = index, .visit = visit, .leads_to = leads_to};
        blocks = index;
        struct cpython_core_request request = {.writer = w, .value_bytes = 16, .native = &native};
        if (cpython_core_walk(core, &request, &err) &&
            cpython_core_counted(core)->objects > cpython_core_last_id(core))
            abort();
        for (uint64_t at = starts[ARENA]; at < starts[ARENA] + 2 * POOL; at += 24) {
            uint64_t object = cpython_core_object_at(core, at);
            expect(object == 0 || address_space_at(&image->space, object, 16) != NULL);
        }
        snapshot_writer_finish(w);
    }
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    bool untouched = size < 10;
    if (fd < 0)
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    make();
    for (; size >= 10; data += 10, size -= 10) {
        uint16_t place;
        uint64_t value;
        memcpy(&place, data, 2);
        memcpy(&value, data + 2, 8);
        memory[place / WORDS % AREAS][place % WORDS] = value;
    }
    struct image_range range = {starts[DATA], starts[DATA] + AREA};
    struct image_module module = {.name = "libpython3.11.so.1.0",
                                  .start = range.start,
                                  .end = range.end,
                                  .data = &range,
                                  .data_count = 1};
    struct process_image image = {.modules = &module, .module_count = 1, .pid = 1};
    struct error err;
    struct block_index index;
    address_space_init(&image.space);
    for (unsigned i = 0; i < AREAS; i++)
        address_space_add(&image.space,
                          &(struct memory_region){.start = starts[i],
                                                  .end = starts[i] + AREA,
                                                  .data = (const uint8_t *)memory[i],
                                                  .present = AREA,
                                                  .access = MEMORY_READ | MEMORY_WRITE,
                                                  .mapping = MEMORY_NO_MAPPING},
                          &err);
    if (address_space_seal(&image.space, &err) && block_index_init(&index, &err)) {
        for (unsigned i = 0; i < 16; i++)
            block_index_add(&index, starts[CHUNKS] + 16 + 256 * i, &err);
        struct cpython_core *core = NULL;
        char problem[160];
        if (cpython_core_find(&core, &image, problem, &err) == CPYTHON_FOUND) {
            walk(&image, core, &index, fd);
            expect(!untouched || (cpython_core_counted(core)->pool_objects == 13 &&
                                  cpython_core_counted(core)->listed == 5));
            cpython_core_free(core);
        } else {
            expect(!untouched);
        }
        block_index_deinit(&index);
    }
    address_space_deinit(&image.space);
    return 0;
}
