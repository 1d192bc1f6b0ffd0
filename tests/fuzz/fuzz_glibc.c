/* A small process made by hand (a main arena with fastbins and bins, a thread's arena, a thread's cache, a
 * mapped chunk), with words of it overwritten as the input says: the search must end, stay inside what is
 * there, and count right.
 *
 * Input: one byte of choices, then records of 11 bytes: 3 of a place (in words), 8 of the word's new value.
 * With a place beyond the memory, the value's low bits cut the memory short. */
#include <stdlib.h>
#include <string.h>

#include "formats/glibc/glibc_heap.h"
#include "tests/fuzz/fuzz.h"

enum { LIBC, HEAP, ARENA, MAPPED, AREAS };
static const uint64_t starts[AREAS] = {0x7f8000000000, 0x555500000000, 0x7f7000000000, 0x7f7ff0000000};
enum { AREA = 64 * 1024, WORDS = AREA / 8 };
static uint64_t memory[AREAS][WORDS];

static void put(uint64_t address, uint64_t value)
{
    for (unsigned i = 0; i < AREAS; i++)
        if (address >= starts[i] && address - starts[i] < AREA)
            memory[i][(address - starts[i]) / 8] = value;
}

/* malloc_state with empty bins. */
static void put_arena(uint64_t arena, uint64_t next, uint64_t top, uint64_t system)
{
    put(arena + 96, top);
    for (unsigned i = 0; i < 127; i++) {
        put(arena + 112 + i * 16, arena + 96 + i * 16);
        put(arena + 120 + i * 16, arena + 96 + i * 16);
    }
    put(arena + 2160, next);
    put(arena + 2184, system);
    put(arena + 2192, system);
}

static uint64_t put_chunks(uint64_t at, uint64_t end, uint64_t bits)
{
    static const uint64_t sizes[] = {0x290, 0x20, 0x40, 0x210, 0x30, 0x20, 0x1010, 0x90};
    for (unsigned i = 0; end - at > 0x3000; i++) {
        put(at + 8, sizes[i % 8] | 1 | bits);
        at += sizes[i % 8];
    }
    put(at + 8, (end - at) | 1); /* top */
    return at;
}

static void make(void)
{
    uint64_t arena = starts[LIBC] + 0xc60, other = starts[ARENA] + 48;
    memset(memory, 0, sizeof memory);
    uint64_t top = put_chunks(starts[HEAP], starts[HEAP] + AREA, 0);
    put_arena(arena, other, top, AREA);
    put(starts[ARENA], other);
    put(starts[ARENA] + 16, AREA);
    put(starts[ARENA] + 24, AREA);
    put(starts[ARENA] + 32, 4096);
    top = put_chunks(starts[ARENA] + 0x8d0, starts[ARENA] + AREA, 4);
    put_arena(other, arena, top, AREA);
    /* A free chunk in a bin, a fastbin of two, a cache of one. */
    uint64_t chunk = starts[HEAP] + 0x290 + 0x20 + 0x40, bin = arena + 96;
    put(chunk + 16, bin);
    put(chunk + 24, bin);
    put(chunk + 0x210, 0x210);
    put(chunk + 0x218, 0x30);
    put(arena + 112, chunk);
    put(arena + 120, chunk);
    uint64_t fast = starts[HEAP] + 0x290, second = fast + 0x20 + 0x40 + 0x210 + 0x30;
    put(arena + 16, fast);
    put(fast + 16, (fast + 16) >> 12 ^ second);
    put(second + 16, (second + 16) >> 12);
    uint64_t cached = fast + 0x20 + 16;
    put(starts[HEAP] + 16, (uint64_t)1 << 32); /* two bytes a count: the third one */
    put(starts[HEAP] + 16 + 128 + 16, cached);
    put(cached, cached >> 12);
    /* mp_: n_mmaps 1, mmapped_mem, sbrk_base */
    uint64_t mp = starts[LIBC] + 0x800;
    put(mp - 96, 0x20000);
    put(mp - 80, 0x20000);
    put(mp - 72, 8);
    put(mp - 40, (uint64_t)1 << 32);
    put(mp - 32, (uint64_t)1 << 32 | 65536);
    put(mp - 16, 0x4000);
    put(mp - 8, 0x4000);
    put(mp, starts[HEAP]);
    put(mp + 8, 64);
    put(mp + 24, 7);
    put(starts[MAPPED] + 0x2000 + 8, 0x4000 | 2);
}

static void walk(uint64_t present, unsigned choices)
{
    struct process_image image;
    struct block_index index;
    struct glibc_heap heap;
    struct error err;
    memset(&image, 0, sizeof image);
    address_space_init(&image.space);
    for (unsigned i = 0; i < AREAS; i++) {
        uint64_t here = i == (choices >> 4 & 3) ? present : AREA;
        struct memory_region region = {.start = starts[i],
                                       .end = starts[i] + AREA,
                                       .data = (const uint8_t *)memory[i],
                                       .present = here,
                                       .access = MEMORY_READ | MEMORY_WRITE,
                                       .mapping = i == LIBC ? 0 : MEMORY_NO_MAPPING};
        expect(address_space_add(&image.space, &region, &err));
    }
    expect(address_space_seal(&image.space, &err));
    struct image_range data = {starts[LIBC], starts[LIBC] + AREA};
    struct image_module module = {.name = "libc.so.6",
                                  .start = starts[LIBC],
                                  .end = starts[LIBC] + AREA,
                                  .data = &data,
                                  .data_count = 1};
    struct image_thread thread = {.tid = 1};
    thread.registers[REGISTER_RSP] = starts[ARENA] + 0x4000;
    thread.registers[REGISTER_RBX] = starts[HEAP] + 0x290;
    if ((choices & 1) == 0) {
        image.modules = &module;
        image.module_count = 1;
    }
    image.threads = &thread;
    image.thread_count = 1;
    expect(block_index_init(&index, &err));
    if (glibc_heap_find(&heap, &image, &index, &err)) {
        expect(block_index_seal(&index, &err));
        expect(heap.used.count == index.count);
        for (uint64_t at = block_index_next(&index, 0); at != 0; at = block_index_next(&index, at + 16))
            expect(address_space_region(&image.space, at - 16) != NULL);
        for (size_t i = 0; i < heap.segment_count; i++)
            expect(heap.segments[i].start < heap.segments[i].end &&
                   (i == 0 || heap.segments[i - 1].end <= heap.segments[i].start));
        for (size_t i = 1; i < heap.own_count; i++)
            expect(heap.own[i - 1].end <= heap.own[i].start);
        glibc_heap_free(&heap);
    }
    block_index_deinit(&index);
    address_space_deinit(&image.space);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    uint64_t present = AREA;
    make();
    for (size_t at = 1; size - at >= 11; at += 11) {
        uint32_t place = data[at] | (uint32_t)data[at + 1] << 8 | (uint32_t)data[at + 2] << 16;
        uint64_t value;
        memcpy(&value, data + at + 3, 8);
        if (place < AREAS * WORDS)
            memory[place / WORDS][place % WORDS] = value;
        else
            present = value % (AREA + 1);
    }
    walk(present, data[0]);
    return 0;
}
