/* Makes the inputs for the golden tests of cores: make_core_fixtures DIR.
 *
 * - core.held: a core of a native program, converted: a table of orders, a queue that a thread's stack holds,
 * two leaked lists
 * - later.held: the same program some orders later
 * - cut.held: what a cut core leaves; its libraries are others, its figures do not agree
 * - *.core: files that begin like cores and are none that heldby reads
 *
 * Everything is fixed. Snapshots are written with the writer that extraction uses.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/snapshot/snapshot_writer.h"
#include "lib/heap/kinds.h"

static struct snapshot_writer *w;
static void *memory;
static int file = -1;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void begin(const char *dir, const char *name)
{
    char path[4096];
    size_t size = snapshot_writer_memory(NULL);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    memory = calloc(1, size);
    if (file < 0 || !memory)
        fail(path);
    w = snapshot_writer_begin(memory, size, file, NULL, (const uint8_t *)"0123456789abcdef");
}

static void end(void)
{
    if (snapshot_writer_finish(w) != 0 || close(file) != 0)
        fail("a snapshot");
    free(memory);
}

static uint32_t string(const char *text)
{
    return snapshot_writer_string(w, text, strlen(text));
}

static void text(const char *key, const char *value)
{
    snapshot_writer_fact_text(w, key, value, strlen(value));
}

/* Lines, each becoming an item. */
static void list(const char *key, const char *lines)
{
    char items[2048];
    size_t length = strlen(lines);
    memcpy(items, lines, length);
    for (size_t i = 0; i < length; i++)
        items[i] = items[i] == '\n' ? 0 : items[i];
    snapshot_writer_fact_list(w, key, items, length);
}

static void numbers(const char *const *keys, const uint64_t *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        snapshot_writer_fact_u64(w, keys[i], values[i]);
}

static void facts(bool cut)
{
    static const char *const keys[] = {"signal",      "signal_code", "signal_address", "pid",
                                       "ppid",        "uid",         "threads",        "values",
                                       "core.size",   "rss",         "core.dumped",    "core.filled",
                                       "core.absent", "core.cut",    "core.refused",   "core.zero"};
    const uint64_t values[] = {11,
                               1,
                               0x18,
                               4312,
                               1,
                               1000,
                               2,
                               64,
                               cut ? 400000 : 536576,
                               524288,
                               622592,
                               cut ? 0 : 1843200,
                               cut ? 1843200 : 0,
                               cut ? 131072 : 0,
                               cut ? 1585152 : 0,
                               98304};
    static const char *const parts[] = {"memory.malloc_used",   "memory.malloc_free",
                                        "memory.malloc_tcache", "memory.malloc_fastbin",
                                        "memory.malloc_top",    "memory.malloc_overhead",
                                        "memory.stacks",        "memory.modules",
                                        "memory.mapped_files",  "memory.other"};
    const uint64_t bytes[] = {200000, 1200, 800, 64, 133024, 20912, 16384, 147456, 0, 4448};
    text("source", "core");
    text("core.path", "core.4312");
    text("executable", "/srv/shop/bin/shop");
    list("command", "shop --port 80\n");
    text("native.allocator", "glibc");
    snapshot_writer_fact_u64(w, "signal_thread", 4312);
    numbers(keys, values, sizeof values / sizeof *values);
    numbers(parts, bytes, sizeof bytes / sizeof *bytes);
    if (cut) {
        list("modules",
             "/srv/shop/bin/shop\t0x5600a0000000\t0x5600a0005000\t00ff11ee\tmismatch\t/srv/shop/bin/shop\n"
             "/lib/x86_64-linux-gnu/libc.so.6\t0x7f10a0000000\t0x7f10a01d0000\taabbccdd\tno_file\t\n"
             "/opt/plain.so\t0x7f10b0000000\t0x7f10b0002000\t\tunknown\t/opt/plain.so\n");
        list("checks", "mapped chunks\t2\t1\tdiffers\nbytes of the main "
                       "arena\t356352\t225280\tdiffers\narena ring\t1\t1\tagrees\n"
                       "arena 0x7f10c0000030: bytes\t0\t135168\tunknown\n");
        list("core.advice",
             "the core is cut: raise the limit (ulimit -c unlimited) or make room where cores go\n");
        text("limits", "the core is cut: 128.0 KiB of memory are missing");
        list("warnings", "/srv/shop/bin/shop is another build than the one that ran: it is not used\n");
        snapshot_writer_fact_u64(w, "complete", 0);
    } else {
        list("modules",
             "/srv/shop/bin/shop\t0x5600a0000000\t0x5600a0005000\t00ff11ee\tmatch\t/srv/shop/bin/shop\n"
             "/lib/x86_64-linux-gnu/libc.so.6\t0x7f10a0000000\t0x7f10a01d0000\taabbccdd\tmatch\t/srv/image/"
             "lib/"
             "libc.so.6\n");
        list("checks", "mapped chunks\t2\t2\tagrees\nbytes of the main arena\t356352\t356352\tagrees\narena "
                       "ring\t1\t1\tagrees\n");
        snapshot_writer_fact_u64(w, "complete", 1);
    }
}

/* ---- blocks ---- */

enum { TABLE, ARRAY, ORDER, ITEM, NAME, QUEUE, TYPES };
static uint32_t shapes[TYPES];
static const uint64_t sizes[TYPES] = {24, 8008, 56, 24, 104, 792};
static uint32_t count;

static void types(void)
{
    static const char *const names[TYPES] = {"malloc(24)", "malloc(8008)", "shop::Order",
                                             "malloc(24)", "malloc(104)",  "malloc(792)"};
    for (unsigned i = 0; i < TYPES; i++) {
        if (i == ITEM) {
            shapes[i] = shapes[TABLE];
            continue;
        }
        struct snapshot_type type = {.name = string(names[i]),
                                     .family = FAMILY_NATIVE,
                                     .basic_size = sizes[i],
                                     .label = i == ORDER ? LABEL_VTABLE : LABEL_SIZE_CLASS};
        struct snapshot_shape shape = {
            .type = snapshot_writer_type(w, &type), .tail = TAIL_NATIVE, .base_size = sizes[i]};
        shapes[i] = snapshot_writer_shape(w, &shape);
    }
}

static void root(enum root_kind kind, const char *name, uint32_t thread, uint32_t frame, int64_t number,
                 uint32_t target)
{
    snapshot_writer_root(w, &(struct snapshot_root){.kind = kind,
                                                    .reference = REFERENCE_POINTER,
                                                    .certainty = CERTAINTY_UNCERTAIN,
                                                    .name = *name ? string(name) : 0,
                                                    .number = number,
                                                    .target = target,
                                                    .thread = thread,
                                                    .frame = frame});
}

/* The next block; its references follow. */
static uint32_t block(unsigned what, uint32_t references)
{
    static uint64_t address;
    address = count == 0 ? 0x5600a1c002a0 : address + 128;
    snapshot_writer_object(w, address, shapes[what], 0, 0, 0, references, 0);
    if (what == ARRAY)
        address += 8000;
    return ++count;
}

static void refer(uint32_t target, uint64_t offset, bool interior)
{
    snapshot_writer_edge(w, target);
    snapshot_writer_place(w, offset / 8 << 1 | interior);
}

/* An item and its name: two blocks. */
static void item(uint32_t next, bool inside)
{
    uint32_t id = block(ITEM, next ? 2 : 1);
    if (next)
        refer(next, 0, inside);
    refer(id + 1, 8, false);
    block(NAME, 0);
}

static void write_core(const char *dir, const char *name, uint32_t orders, bool cut)
{
    begin(dir, name);
    facts(cut);
    count = 0;
    types();
    uint32_t main_thread = snapshot_writer_thread(w, 0, 4312, 0, 1, 0),
             worker = snapshot_writer_thread(w, 0, 4313, string("worker"), 0, 0);
    const char *const functions[] = {"die_here", "main", "serve"};
    uint32_t frames[3];
    for (uint32_t i = 0; i < 3; i++)
        frames[i] =
            snapshot_writer_frame(w, &(struct snapshot_frame){.thread = i < 2 ? main_thread : worker,
                                                              .depth = i % 2,
                                                              .function = string(functions[i]),
                                                              .module = string("shop"),
                                                              .file = i < 2 && !cut ? string("shop.c") : 0,
                                                              .line = i < 2 && !cut ? 101 + 20 * i : 0});
    uint32_t queue = 3, first_order = 4;
    snapshot_writer_first_new(w, 1);
    root(ROOT_MODULE_DATA, cut ? "shop: .data" : "shop: g_table", 0, 0, 0, 1);
    root(ROOT_NATIVE_STACK, "", worker, frames[2], 0x28, queue);
    root(ROOT_REGISTER, "rbx", worker, 0, 0, queue);
    root(ROOT_TLS, "libshop.so: last_order", worker, 0, 8, first_order);
    root(ROOT_MAPPING, "anonymous 0x7f10d0000000", 0, 0, 0x18, first_order + 2);
    block(TABLE, 1);
    refer(2, 0, false);
    block(ARRAY, orders);
    for (uint32_t i = 0; i < orders; i++)
        refer(first_order + 5 * i, 8 * i, false);
    block(QUEUE, 0);
    for (uint32_t i = 0; i < orders; i++) { /* an order, two items, the second reached through its inside */
        uint32_t order = block(ORDER, i ? 2 : 1);
        refer(order + 1, 8, false);
        if (i)
            refer(order - 5, 16, true);
        item(order + 3, true);
        item(0, false);
    }
    for (uint32_t i = 0; i < 6; i++) /* two leaked lists of three */
        item(i % 3 < 2 ? count + 3 : 0, false);
    snapshot_writer_fact_u64(w, "objects", count);
    end();
}

/* ---- no cores ---- */

static void write_head(const char *dir, const char *name, unsigned char class, unsigned char data,
                       uint16_t type, uint16_t machine)
{
    char path[4096];
    Elf64_Ehdr head = {.e_type = type,
                       .e_machine = machine,
                       .e_version = 1,
                       .e_ehsize = sizeof head,
                       .e_phentsize = sizeof(Elf64_Phdr)};
    memcpy(head.e_ident, ELFMAG, SELFMAG);
    head.e_ident[EI_CLASS] = class;
    head.e_ident[EI_DATA] = data;
    head.e_ident[EI_VERSION] = 1;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *to = fopen(path, "w");
    if (!to || fwrite(&head, sizeof head, 1, to) != 1 || fclose(to) != 0)
        fail(path);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_core_fixtures DIR\n");
        return 2;
    }
    write_core(argv[1], "core.held", 40, false);
    write_core(argv[1], "later.held", 55, false);
    write_core(argv[1], "cut.held", 20, true);
    write_head(argv[1], "i386.core", ELFCLASS32, ELFDATA2LSB, ET_CORE, EM_386);
    write_head(argv[1], "s390.core", ELFCLASS64, ELFDATA2MSB, ET_CORE << 8, EM_S390 << 8);
    write_head(argv[1], "aarch64.core", ELFCLASS64, ELFDATA2LSB, ET_CORE, EM_AARCH64);
    write_head(argv[1], "empty.core", ELFCLASS64, ELFDATA2LSB, ET_CORE, EM_X86_64);
    write_head(argv[1], "library.core", ELFCLASS64, ELFDATA2LSB, ET_DYN, EM_X86_64);
    return 0;
}
