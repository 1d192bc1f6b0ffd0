/* Makes the snapshots with native memory that the golden tests of the command line read: make_native_fixtures
 * DIR.
 *
 * - native.1.held native.2.held: a C++ program at two moments: a list of orders that a global holds, a table
 * with pointers into blocks, words of every kind that hold something, leftovers; a leaked block, chain,
 * cycle, and a block that leads to a cycle
 * - mixed.held: a Python program with an extension module: blocks that objects own, a block that holds an
 * object nothing else does, garbage that leftovers in native memory point to
 * - lists.held: linked lists of blocks, one of alike nodes, one of two kinds by turns; a variable of an
 * extension that holds an object
 *
 * Everything is fixed: addresses, order.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/snapshot/snapshot_writer.h"
#include "lib/heap/kinds.h"

enum { MOST = 64, MOST_EDGES = 12 };

/* What an object is to be; written when all are known. Fields come first, then words with their places. */
struct object {
    uint64_t address, size, refcount;
    uint32_t type, field_count, word_count, word[MOST_EDGES], place[MOST_EDGES];
    struct snapshot_field field[MOST_EDGES];
    uint32_t target[MOST_EDGES];
    enum shape_tail tail;
    char text[32];
};

static struct snapshot_writer *w;
static void *memory;
static int file = -1;
static struct object objects[MOST];
static uint32_t object_count;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint32_t string(const char *text)
{
    return snapshot_writer_string(w, text, strlen(text));
}

static void fact(const char *key, const char *value)
{
    snapshot_writer_fact_text(w, key, value, strlen(value));
}

static void begin(const char *dir, const char *name)
{
    char path[4096];
    size_t size = snapshot_writer_memory(NULL);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    memory = calloc(1, size);
    if (file < 0 || !memory)
        fail(path);
    memset(objects, 0, sizeof objects);
    object_count = 0;
    w = snapshot_writer_begin(memory, size, file, NULL, (const uint8_t *)"0123456789abcdef");
    fact("source", "core");
    snapshot_writer_fact_u64(w, "pid", 4312);
    snapshot_writer_fact_u64(w, "threads", 2);
    fact("native.allocator", "glibc");
}

static void end(void)
{
    snapshot_writer_first_new(w, 1);
    for (uint32_t id = 1; id <= object_count; id++) {
        const struct object *o = &objects[id];
        struct snapshot_shape shape = {.type = o->type,
                                       .tail = o->tail,
                                       .field_count = o->field_count,
                                       .base_size = o->size,
                                       .fields = o->field};
        snapshot_writer_object(w, o->address, snapshot_writer_shape(w, &shape), 0, o->refcount, 0,
                               o->field_count + o->word_count, o->field_count);
        for (uint32_t i = 0; i < o->field_count; i++)
            snapshot_writer_edge(w, o->target[i]);
        for (uint32_t i = 0; i < o->word_count; i++) {
            snapshot_writer_edge(w, o->word[i]);
            if (o->tail == TAIL_NATIVE)
                snapshot_writer_place(w, o->place[i]);
        }
        if (*o->text)
            snapshot_writer_preview(w, id, o->text[0] == '<' ? PREVIEW_NAME : PREVIEW_STR, strlen(o->text),
                                    o->text + (o->text[0] == '<'),
                                    (uint32_t)strlen(o->text + (o->text[0] == '<')));
    }
    snapshot_writer_fact_u64(w, "objects", object_count);
    snapshot_writer_fact_u64(w, "complete", 1);
    if (snapshot_writer_finish(w) != 0 || close(file) != 0)
        fail("a snapshot");
    free(memory);
}

static uint32_t block_type(const char *name, enum type_label label)
{
    struct snapshot_type type = {.name = string(name), .family = FAMILY_NATIVE, .label = label};
    return snapshot_writer_type(w, &type);
}

static uint32_t class(const char *name, const char *module, enum family family, uint32_t flags)
{
    struct snapshot_type type = {
        .name = string(name), .module = string(module), .family = family, .flags = flags};
    return snapshot_writer_type(w, &type);
}

static uint32_t object(uint64_t address, uint32_t type, enum shape_tail tail, uint64_t size)
{
    if (++object_count == MOST)
        fail("too many objects");
    objects[object_count] = (struct object){.address = address, .type = type, .tail = tail, .size = size};
    return object_count;
}

static uint32_t block(uint64_t address, uint32_t type, uint64_t size)
{
    return object(0x55d000010000 + address, type, TAIL_NATIVE, size);
}

/* A pointer at +offset; `interior`: into the target. */
static void points(uint32_t source, uint32_t offset, uint32_t target, bool interior)
{
    struct object *o = &objects[source];
    o->place[o->word_count] = offset / 8 << 1 | interior;
    o->word[o->word_count++] = target;
}

static void holds(uint32_t source, enum reference_kind kind, const char *name, int64_t number,
                  uint32_t target)
{
    struct object *o = &objects[source];
    o->target[o->field_count] = target;
    o->field[o->field_count++] =
        (struct snapshot_field){.kind = (uint8_t)kind, .name = *name ? string(name) : 0, .number = number};
    objects[target].refcount += kind != REFERENCE_STALE && kind != REFERENCE_BUFFER;
}

static void item(uint32_t source, uint32_t target)
{
    objects[source].word[objects[source].word_count++] = target;
    objects[target].refcount++;
}

static void word(enum root_kind kind, const char *name, int64_t number, uint32_t thread, uint32_t frame,
                 uint32_t target)
{
    struct snapshot_root root = {.kind = kind,
                                 .reference = REFERENCE_POINTER,
                                 .certainty = CERTAINTY_UNCERTAIN,
                                 .name = *name ? string(name) : 0,
                                 .number = number,
                                 .target = target,
                                 .thread = thread,
                                 .frame = frame};
    snapshot_writer_root(w, &root);
}

static uint32_t thread(uint64_t native, const char *name, uint32_t flags)
{
    return snapshot_writer_thread(w, 0x7f1000000000 + native, native, string(name), flags, 0);
}

static uint32_t frame(uint32_t of, uint32_t depth, const char *function, const char *module,
                      const char *source, uint32_t line)
{
    struct snapshot_frame f = {.thread = of,
                               .depth = depth,
                               .function = *function ? string(function) : 0,
                               .module = string(module),
                               .file = *source ? string(source) : 0,
                               .line = line};
    return snapshot_writer_frame(w, &f);
}

static void write_native(const char *dir, const char *name, uint32_t orders, uint32_t leaks)
{
    begin(dir, name);
    uint32_t order_type = block_type("shop::Order", LABEL_VTABLE),
             item_type = block_type("shop::Item", LABEL_RTTI),
             known = block_type("pthread stack descriptor", LABEL_KNOWN),
             small = block_type("malloc(24)", LABEL_SIZE_CLASS),
             large = block_type("malloc(1032)", LABEL_SIZE_CLASS);
    uint32_t main_thread = thread(4312, "shop", THREAD_MAIN), worker = thread(4313, "worker", 0);
    uint32_t serve = frame(worker, 0, "shop::serve(int)", "shop", "server.cc", 88),
             lost = frame(worker, 1, "", "libc.so.6", "", 0);
    uint32_t first = 0, last = 0, table = block(0x8000, large, 1032);
    for (uint32_t i = 0; i < orders; i++) {
        uint32_t order = block(0x100 + i * 0x100, order_type, 40),
                 article = block(0x140 + i * 0x100, item_type, 24);
        if (last)
            points(last, 8, order, false);
        first = first ? first : order;
        last = order;
        points(order, 16, article, false);
        points(article, 8, block(0x180 + i * 0x100, small, 24), i % 2);
        points(table, 512 + 8 * i, order, true);
    }
    holds(first, REFERENCE_STALE, "", 32, last);
    word(ROOT_MODULE_DATA, "shop: g_orders", 0, 0, 0, first);
    word(ROOT_MODULE_DATA, "libcache.so.1: .data", 24, 0, 0, table);
    word(ROOT_REGISTER, "rbx", 0, main_thread, 0, last);
    word(ROOT_NATIVE_STACK, "", 64, worker, serve, block(0x8800, small, 24));
    word(ROOT_NATIVE_STACK, "", 8, worker, lost, block(0x8840, small, 24));
    word(ROOT_TLS, "libcache.so.1: t_last", 8, worker, 0, block(0x8880, known, 304));
    word(ROOT_MAPPING, "anonymous 0x7f10d0000000", 24, 0, 0, block(0x8a00, small, 24));
    word(ROOT_REGISTER, "r12", 0, worker, 0, block(0x8a40, small, 24));
    /* Leaks: single ones; a chain; a cycle; a block that leads to another cycle. */
    for (uint32_t i = 0; i < leaks; i++)
        block(0x9000 + i * 0x20, small, 24);
    uint32_t a = block(0x9800, small, 24), b = block(0x9820, small, 24), c = block(0x9840, large, 1032);
    points(a, 0, b, false);
    points(b, 8, c, true);
    points(c, 800, first, false); /* what leaked may point to what lives */
    uint32_t x = block(0xa000, order_type, 40), y = block(0xa040, order_type, 40);
    points(x, 8, y, false);
    points(y, 8, x, false);
    uint32_t p = block(0xb000, order_type, 40), q = block(0xb040, order_type, 40),
             head = block(0xb080, small, 24);
    points(p, 8, q, false);
    points(q, 8, p, false);
    points(head, 0, p, false);
    end();
}

static void write_mixed(const char *dir)
{
    begin(dir, "mixed.held");
    fact("runtime", "cpython");
    fact("runtime_version", "3.11.2");
    snapshot_writer_fact_u64(w, "runtime_hex", 0x030b02f0);
    uint32_t modules = class("module", "builtins", FAMILY_MODULE, TYPE_GC),
             dicts = class("dict", "builtins", FAMILY_DICT, TYPE_GC),
             strs = class("str", "builtins", FAMILY_STR, 0),
             arrays = class("numpy.ndarray", "numpy", FAMILY_OTHER, TYPE_GC),
             sessions = class("app.Session", "app", FAMILY_OTHER, TYPE_GC),
             small = block_type("malloc(56)", LABEL_SIZE_CLASS),
             large = block_type("malloc(4096)", LABEL_SIZE_CLASS);
    uint32_t main_thread = thread(4312, "python3", THREAD_MAIN);
    uint32_t native = frame(main_thread, 2, "_PyEval_EvalFrameDefault", "python3.11", "", 0);
    uint64_t at = 0x7f0000000000;
    uint32_t app = object(at, modules, TAIL_NONE, 72), globals = object(at + 0x100, dicts, TAIL_PAIRS, 232);
    strcpy(objects[app].text, "<app");
    holds(app, REFERENCE_NAMESPACE, "__dict__", 0, globals);
    uint32_t array = object(at + 0x200, arrays, TAIL_NONE, 112),
             key = object(at + 0x300, strs, TAIL_NONE, 56);
    strcpy(objects[key].text, "_FRAME");
    item(globals, key);
    item(globals, array);
    uint32_t data = block(0x1000, large, 4096);
    holds(array, REFERENCE_BUFFER, "", 16, data);
    /* The extension's cache holds a session that nothing in Python does, and one that Python holds as well.
     */
    uint32_t cached = object(at + 0x400, sessions, TAIL_NONE, 48),
             user = object(at + 0x500, strs, TAIL_NONE, 53);
    strcpy(objects[user].text, "kim");
    holds(cached, REFERENCE_SLOT, "user", 0, user);
    objects[cached].refcount++;
    uint32_t cache = block(0x3000, small, 56), entry = block(0x3040, small, 56);
    points(cache, 24, entry, false);
    points(entry, 16, cached, false);
    points(entry, 32, array, false); /* borrowed: its references are explained */
    word(ROOT_MODULE_DATA, "_fast.cpython-311-x86_64-linux-gnu.so: cache", 8, 0, 0, cache);
    /* Garbage: a cycle. A word on a C stack and a live block still point to it. */
    uint32_t left = object(at + 0x600, sessions, TAIL_NONE, 48),
             right = object(at + 0x700, sessions, TAIL_NONE, 48);
    holds(left, REFERENCE_SLOT, "peer", 0, right);
    holds(right, REFERENCE_SLOT, "peer", 0, left);
    holds(right, REFERENCE_BUFFER, "", 24, block(0x4000, small, 56));
    points(entry, 40, left, false);
    word(ROOT_NATIVE_STACK, "", 24, main_thread, native, left);
    /* A leaked block that holds the only reference to an object. */
    uint32_t leaked = block(0x5000, small, 56), kept = object(at + 0x800, sessions, TAIL_NONE, 48);
    points(leaked, 8, kept, false);
    objects[kept].refcount++;
    struct snapshot_root root = {.kind = ROOT_MODULE, .name = string("app"), .target = app};
    snapshot_writer_root(w, &root);
    objects[app].refcount++;
    end();
}

/* Lists: of blocks, and of blocks by turns of two types, whose steps are alike; a session that a variable of
 * an extension has, and something else besides. */
static void write_lists(const char *dir)
{
    enum { NODES = 12, PAIRS = 20 };
    begin(dir, "lists.held");
    fact("runtime", "cpython");
    fact("runtime_version", "3.11.2");
    snapshot_writer_fact_u64(w, "runtime_hex", 0x030b02f0);
    uint32_t sessions = class("app.Session", "app", FAMILY_OTHER, TYPE_GC),
             nodes = block_type("list::Node", LABEL_VTABLE),
             small = block_type("malloc(24)", LABEL_SIZE_CLASS),
             large = block_type("malloc(40)", LABEL_SIZE_CLASS), last = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        uint32_t node = block(0x100 * i, nodes, 24);
        if (i)
            points(last, 8, node, false);
        else
            word(ROOT_MODULE_DATA, "lists: g_list", 0, 0, 0, node);
        last = node;
    }
    points(last, 16, block(0x1000, small, 24), false);
    for (uint32_t i = 0; i < PAIRS; i++) {
        uint32_t next = block(0x2000 + 0x100 * i, i % 2 ? large : small, i % 2 ? 40 : 24);
        if (i)
            points(last, i % 2 * 8, next, false);
        else
            word(ROOT_MODULE_DATA, "lists: g_turns", 0, 0, 0, next);
        last = next;
    }
    uint32_t session = object(0x7f0000000400, sessions, TAIL_NONE, 48);
    objects[session].refcount = 2;
    word(ROOT_MODULE_DATA, "_fast.cpython-311-x86_64-linux-gnu.so: last", 8, 0, 0, session);
    end();
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_native_fixtures DIR\n");
        return 2;
    }
    write_native(argv[1], "native.1.held", 3, 3);
    write_native(argv[1], "native.2.held", 5, 7);
    write_mixed(argv[1]);
    write_lists(argv[1]);
    return 0;
}
