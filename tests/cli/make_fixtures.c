/* Makes the small snapshots that the golden tests of the command line read: make_fixtures DIR.
 *
 * - app.1.held app.2.held app.3.held: one service at three moments; its sessions leak into myapp._CACHE['k7']
 * - restarted.held: the service again, as another process
 * - fan.held: 2 000 alike holders of one object
 * - cycles.held: reference cycles and leaks of every fate
 * - shop.1.held shop.2.held shop.3.held: populations that grow, shrink, burst and are replaced
 * - hostile.held: names and values that would harm a terminal
 * - nothing.held: a process without a single object
 *
 * Everything is fixed: addresses, times, order. The model below is kept in memory and then written with the
 * hook's writer.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/snapshot/snapshot_writer.h"
#include "lib/heap/kinds.h"

enum { MOST_OBJECTS = 8192, MOST_PREVIEWS = 8192, MOST_EDGES = 4096 };

struct object {
    uint64_t address, size, refcount;
    uint32_t shape, fields, edge_count, edge_capacity, *edges;
    uint8_t flags;
};

struct preview {
    uint32_t object, length;
    uint8_t kind;
    uint64_t full_length;
    char text[80];
};

static struct snapshot_writer *writer;
static struct object objects[MOST_OBJECTS];
static struct preview previews[MOST_PREVIEWS];
static uint32_t object_count, preview_count;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint32_t string(const char *text)
{
    return snapshot_writer_string(writer, text, strlen(text));
}

static uint32_t type(const char *name, const char *module, enum family family, uint32_t flags)
{
    struct snapshot_type t = {.name = string(name),
                              .module = string(module),
                              .flags = flags,
                              .family = family,
                              .basic_size = 16,
                              .address = 0x7f0000900000};
    static uint64_t next;
    t.address += next++ % 64 * 0x400;
    return snapshot_writer_type(writer, &t);
}

struct shape {
    uint32_t id, fields;
};

/* A layout of a type: its first references follow the fields, the others the tail. */
static struct shape shape(uint32_t type_id, enum shape_tail tail, const struct snapshot_field *fields,
                          uint32_t count)
{
    struct snapshot_shape s = {
        .type = type_id, .tail = tail, .field_count = count, .base_size = 56, .fields = fields};
    return (struct shape){snapshot_writer_shape(writer, &s), count};
}

static struct snapshot_field field(enum reference_kind kind, const char *name)
{
    return (struct snapshot_field){.kind = (uint8_t)kind, .name = *name ? string(name) : 0};
}

static uint32_t object(uint64_t address, struct shape s, uint64_t size)
{
    if (++object_count >= MOST_OBJECTS)
        fail("too many objects");
    objects[object_count] = (struct object){.address = 0x7f0000000000 + address,
                                            .size = size,
                                            .shape = s.id,
                                            .fields = s.fields,
                                            .flags = OBJECT_TRACKED};
    return object_count;
}

static void hold(uint32_t source, uint32_t target)
{
    struct object *o = &objects[source];
    if (o->edge_count == o->edge_capacity) {
        o->edge_capacity = o->edge_capacity ? o->edge_capacity * 2 : 4;
        o->edges = realloc(o->edges, o->edge_capacity * sizeof *o->edges);
        if (!o->edges)
            fail("realloc");
    }
    o->edges[o->edge_count++] = target;
    objects[target].refcount++;
}

static void preview(uint32_t id, enum preview_kind kind, uint64_t full_length, const char *text,
                    size_t length)
{
    struct preview *p = &previews[preview_count++];
    *p = (struct preview){
        .object = id, .kind = (uint8_t)kind, .full_length = full_length, .length = (uint32_t)length};
    memcpy(p->text, text, length);
}

/* ---- the vocabulary of a Python program ---- */

static struct {
    uint32_t str, integer, list, dict, tuple, module, function, code, cell, type, generator, weakref, none;
} types;

static struct {
    struct shape str, integer, list, dict, tuple, module, function, code, cell, type, generator, weakref,
        none;
} shapes;

static void begin_vocabulary(void)
{
    types.str = type("str", "builtins", FAMILY_STR, 0);
    types.integer = type("int", "builtins", FAMILY_INT, 0);
    types.list = type("list", "builtins", FAMILY_LIST, TYPE_GC);
    types.dict = type("dict", "builtins", FAMILY_DICT, TYPE_GC);
    types.tuple = type("tuple", "builtins", FAMILY_TUPLE, TYPE_GC);
    types.module = type("module", "builtins", FAMILY_MODULE, TYPE_GC);
    types.function = type("function", "builtins", FAMILY_FUNCTION, TYPE_GC);
    types.code = type("code", "builtins", FAMILY_CODE, 0);
    types.cell = type("cell", "builtins", FAMILY_CELL, TYPE_GC);
    types.type = type("type", "builtins", FAMILY_TYPE, TYPE_GC);
    types.generator = type("generator", "builtins", FAMILY_GENERATOR, TYPE_GC);
    types.weakref = type("weakref.ReferenceType", "weakref", FAMILY_WEAKREF, TYPE_GC);
    types.none = type("NoneType", "builtins", FAMILY_NONE, 0);
    struct snapshot_field dict_field[] = {field(REFERENCE_NAMESPACE, "__dict__")};
    struct snapshot_field function_fields[] = {field(REFERENCE_FIELD, "__code__"),
                                               field(REFERENCE_GLOBALS, "__globals__"),
                                               field(REFERENCE_FIELD, "__closure__")};
    struct snapshot_field code_fields[] = {field(REFERENCE_FIELD, "co_localsplusnames")};
    struct snapshot_field cell_fields[] = {field(REFERENCE_CELL, "cell_contents")};
    struct snapshot_field generator_fields[] = {field(REFERENCE_FIELD, "gi_code"),
                                                field(REFERENCE_LOCAL, "item")};
    struct snapshot_field weak_fields[] = {field(REFERENCE_WEAK, "")};
    shapes.str = shape(types.str, TAIL_NONE, NULL, 0);
    shapes.integer = shape(types.integer, TAIL_NONE, NULL, 0);
    shapes.list = shape(types.list, TAIL_INDEX, NULL, 0);
    shapes.dict = shape(types.dict, TAIL_PAIRS, NULL, 0);
    shapes.tuple = shape(types.tuple, TAIL_INDEX, NULL, 0);
    shapes.module = shape(types.module, TAIL_NONE, dict_field, 1);
    shapes.function = shape(types.function, TAIL_NONE, function_fields, 3);
    shapes.code = shape(types.code, TAIL_NONE, code_fields, 1);
    shapes.cell = shape(types.cell, TAIL_NONE, cell_fields, 1);
    shapes.type = shape(types.type, TAIL_NONE, dict_field, 1);
    shapes.generator = shape(types.generator, TAIL_NONE, generator_fields, 2);
    shapes.weakref = shape(types.weakref, TAIL_NONE, weak_fields, 1);
    shapes.none = shape(types.none, TAIL_NONE, NULL, 0);
}

static uint64_t text_address;

static uint32_t text_at(uint64_t address, const char *text)
{
    uint32_t id = object(address, shapes.str, 49 + strlen(text));
    objects[id].flags = 0;
    preview(id, PREVIEW_STR, strlen(text), text, strlen(text) < 64 ? strlen(text) : 64);
    return id;
}

static uint32_t text(const char *value)
{
    return text_at(0x500000 + text_address++ * 0x40, value);
}

static uint32_t integer(uint64_t address, unsigned value)
{
    char digits[16];
    uint32_t id = object(address, shapes.integer, 28);
    objects[id].flags = 0;
    preview(id, PREVIEW_INT, 32, digits, (size_t)snprintf(digits, sizeof digits, "%u", value));
    return id;
}

static void put(uint32_t dict, const char *key, uint32_t value)
{
    hold(dict, text(key));
    hold(dict, value);
}

static void name(uint32_t id, const char *value)
{
    preview(id, PREVIEW_NAME, strlen(value), value, strlen(value));
}

static uint32_t module(uint64_t address, const char *module_name, uint32_t *dict)
{
    uint32_t id = object(address, shapes.module, 72);
    *dict = object(address + 0x100, shapes.dict, 640);
    hold(id, *dict);
    name(id, module_name);
    struct snapshot_root root = {.kind = ROOT_MODULE, .name = string(module_name), .target = id};
    snapshot_writer_root(writer, &root);
    objects[id].refcount++;
    return id;
}

/* ---- files ---- */

static void begin_file(const char *dir, const char *file_name, uint64_t pid, double time)
{
    static void *memory;
    static size_t size;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", dir, file_name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        fail(path);
    if (!memory) {
        size = snapshot_writer_memory(NULL);
        memory = malloc(size);
    }
    if (!memory)
        fail("malloc");
    memset(memory, 0, size);
    for (uint32_t i = 0; i <= object_count; i++)
        free(objects[i].edges);
    memset(objects, 0, sizeof objects);
    object_count = preview_count = 0;
    text_address = 0;
    uint8_t capture_id[16] = {1, 2, 3};
    writer = snapshot_writer_begin(memory, size, fd, NULL, capture_id);
    static const char command[] = "python3\0-m\0myapp";
    static const char version[] = "3.13.0 (main, Oct  8 2024, 10:00:00) [GCC 12.2.0]";
    snapshot_writer_fact_u64(writer, "pid", pid);
    snapshot_writer_fact_text(writer, "executable", "/usr/bin/python3.13", 19);
    snapshot_writer_fact_list(writer, "command", command, sizeof command);
    snapshot_writer_fact_text(writer, "directory", "/srv/myapp", 10);
    snapshot_writer_fact_text(writer, "host", "web-3", 5);
    snapshot_writer_fact_text(writer, "user", "www-data", 8);
    snapshot_writer_fact_f64(writer, "start_time", 1790000000.0 + (double)(pid - 4242));
    snapshot_writer_fact_f64(writer, "capture_time", time);
    snapshot_writer_fact_text(writer, "trigger", "signal", 6);
    snapshot_writer_fact_text(writer, "runtime", "cpython", 7);
    snapshot_writer_fact_text(writer, "runtime_version", version, sizeof version - 1);
    snapshot_writer_fact_u64(writer, "runtime_hex", 0x030d00f0);
    snapshot_writer_fact_u64(writer, "rss", 50 << 20);
    snapshot_writer_fact_u64(writer, "smaps.Private_Dirty", 40 << 20);
    snapshot_writer_fact_u64(writer, "values", 64);
    snapshot_writer_fact_text(writer, "mode", "fork", 4);
    snapshot_writer_fact_u64(writer, "without_gil", 0);
    begin_vocabulary();
}

static void end_file(void)
{
    snapshot_writer_first_new(writer, object_count ? 2 : 1);
    for (uint32_t i = 1; i <= object_count; i++) {
        const struct object *o = &objects[i];
        snapshot_writer_object(writer, o->address, o->shape, o->size + 1, o->refcount, o->flags,
                               o->edge_count, o->fields);
        for (uint32_t e = 0; e < o->edge_count; e++)
            snapshot_writer_edge(writer, o->edges[e]);
    }
    for (uint32_t i = 0; i < preview_count; i++) {
        const struct preview *p = &previews[i];
        snapshot_writer_preview(writer, p->object, p->kind, p->full_length, p->text, p->length);
    }
    snapshot_writer_fact_f64(writer, "pause_seconds", 0.0042);
    snapshot_writer_fact_f64(writer, "walk_seconds", 0.125);
    snapshot_writer_fact_u64(writer, "complete", 1);
    if (snapshot_writer_finish(writer) != 0)
        fail("write");
}

/* A list of sessions, as a request handler leaks them. */
static uint32_t sessions(uint32_t count, uint32_t config)
{
    uint32_t session_type = type("myapp.Session", "myapp", FAMILY_OTHER, TYPE_HEAP | TYPE_GC);
    struct snapshot_field fields[] = {field(REFERENCE_ATTRIBUTE, "user"),
                                      field(REFERENCE_ATTRIBUTE, "config"),
                                      field(REFERENCE_ATTRIBUTE, "number")};
    struct shape session_shape = shape(session_type, TAIL_NONE, fields, 3);
    uint32_t list = object(0x20000, shapes.list, 56 + 8 * count);
    for (uint32_t i = 0; i < count; i++) {
        char user[32];
        snprintf(user, sizeof user, "user-%u@example.org", i);
        uint32_t session = object(0x100000 + i * 0x80, session_shape, 88);
        hold(list, session);
        hold(session, text_at(0x200000 + i * 0x80, user));
        hold(session, config);
        hold(session, integer(0x300000 + i * 0x40, 100 + i));
    }
    return list;
}

static void write_service(const char *dir, const char *file_name, uint64_t pid, double time,
                          uint32_t session_count, uint32_t job_count)
{
    begin_file(dir, file_name, pid, time);
    uint32_t globals, cache = object(0x10000, shapes.dict, 232);
    uint32_t app = module(0x1000, "myapp", &globals);
    struct snapshot_field config_fields[] = {field(REFERENCE_SLOT, "options")};
    struct shape config_shape =
        shape(type("myapp.Config", "myapp", FAMILY_OTHER, TYPE_HEAP | TYPE_GC), TAIL_NONE, config_fields, 1);
    uint32_t config = object(0x11000, config_shape, 48), options = object(0x11100, shapes.dict, 232);
    hold(config, options);
    put(options, "debug", integer(0x11200, 0));
    uint32_t list = sessions(session_count, config);
    put(globals, "_CACHE", cache);
    put(cache, "k7", list);
    put(cache, "k8", object(0x20100, shapes.list, 56));
    put(globals, "config", config);

    struct snapshot_field job_fields[] = {field(REFERENCE_ATTRIBUTE, "next")};
    struct shape job_shape =
        shape(type("myapp.jobs.Job", "myapp.jobs", FAMILY_OTHER, TYPE_HEAP | TYPE_GC | TYPE_FINALIZER),
              TAIL_NONE, job_fields, 1);
    uint32_t none = object(0x600, shapes.none, 16), previous = none;
    objects[none].flags = OBJECT_STATIC | OBJECT_IMMORTAL;
    for (uint32_t i = 0; i < job_count; i++) {
        uint32_t job = object(0x400000 + i * 0x40, job_shape, 56);
        hold(job, previous);
        previous = job;
    }
    put(globals, "queue", previous);

    /* myapp.make_handler.<locals>.handler: a closure over the configuration. */
    uint32_t handler = object(0x12000, shapes.function, 152), code = object(0x12100, shapes.code, 200);
    uint32_t names = object(0x12200, shapes.tuple, 56), closure = object(0x12300, shapes.tuple, 48);
    uint32_t cell = object(0x12400, shapes.cell, 40), pool = object(0x12500, shapes.list, 56);
    hold(names, text("request"));
    hold(names, text("pool"));
    hold(code, names);
    hold(handler, code);
    hold(handler, globals);
    hold(handler, closure);
    hold(closure, cell);
    hold(cell, pool);
    hold(pool, text("connection"));
    name(handler, "make_handler.<locals>.handler");
    name(code, "handler");
    put(globals, "handler", handler);

    /* A suspended generator, a class with an attribute, a weak reference. */
    uint32_t generator = object(0x13000, shapes.generator, 208), generator_item = text("an item in work");
    hold(generator, code);
    hold(generator, generator_item);
    put(globals, "stream", generator);
    uint32_t session_class = object(0x14000, shapes.type, 1064),
             class_dict = object(0x14800, shapes.dict, 360);
    uint32_t registry = object(0x14900, shapes.list, 56);
    hold(session_class, class_dict);
    put(class_dict, "registry", registry);
    hold(registry, text("registered"));
    name(session_class, "myapp.Session");
    put(globals, "Session", session_class);
    uint32_t weak = object(0x15000, shapes.weakref, 72);
    hold(weak, list + 1);
    objects[list + 1].refcount--; /* a weak reference does not count */
    put(globals, "last_seen", weak);

    /* Held from C: two references that nothing explains. And garbage: two nodes that hold each other. */
    uint32_t hidden = object(0x16000, shapes.list, 64), below = text("only C knows");
    hold(hidden, below);
    objects[hidden].refcount += 2;
    struct snapshot_field node_fields[] = {field(REFERENCE_ATTRIBUTE, "other")};
    struct shape node_shape =
        shape(type("myapp.Node", "myapp", FAMILY_OTHER, TYPE_HEAP | TYPE_GC), TAIL_NONE, node_fields, 1);
    uint32_t one = object(0x17000, node_shape, 56), other = object(0x17040, node_shape, 56);
    hold(one, other);
    hold(other, one);

    uint32_t main_thread =
        snapshot_writer_thread(writer, 0x7f1000000740, pid, string("MainThread"), THREAD_MAIN, 0);
    uint32_t worker = snapshot_writer_thread(writer, 0x7f1000001640, pid + 1, string("worker-1"), 0, 0);
    struct snapshot_frame frames[] = {{.thread = worker,
                                       .depth = 0,
                                       .function = string("handle"),
                                       .module = string("myapp"),
                                       .file = string("/srv/myapp/__init__.py"),
                                       .line = 41},
                                      {.thread = main_thread,
                                       .depth = 0,
                                       .function = string("main"),
                                       .module = string("myapp"),
                                       .file = string("/srv/myapp/__init__.py"),
                                       .line = 90}};
    uint32_t handle_frame = snapshot_writer_frame(writer, &frames[0]);
    uint32_t main_frame = snapshot_writer_frame(writer, &frames[1]);
    uint32_t argument = object(0x18000, shapes.list, 56);
    hold(argument, text("GET / HTTP/1.1"));
    struct snapshot_root roots[] = {{.kind = ROOT_FRAME,
                                     .reference = REFERENCE_LOCAL,
                                     .name = string("request"),
                                     .target = argument,
                                     .thread = worker,
                                     .frame = handle_frame},
                                    {.kind = ROOT_FRAME,
                                     .reference = REFERENCE_STACK,
                                     .certainty = CERTAINTY_UNCERTAIN,
                                     .number = 1,
                                     .target = argument,
                                     .thread = main_thread,
                                     .frame = main_frame},
                                    {.kind = ROOT_IMMORTAL, .target = none}};
    for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++)
        snapshot_writer_root(writer, &roots[i]);
    objects[argument].refcount += 2;
    objects[none].refcount = 0xffffffff;
    (void)app;
    end_file();
}

static void write_fan(const char *dir)
{
    begin_file(dir, "fan.held", 4242, 1790000100);
    uint32_t globals, listeners = object(0x10000, shapes.list, 16056), bus = object(0x11000, shapes.list, 56);
    module(0x1000, "bus", &globals);
    put(globals, "_FAN", listeners);
    struct snapshot_field fields[] = {field(REFERENCE_ATTRIBUTE, "bus")};
    struct shape holder =
        shape(type("bus.Listener", "bus", FAMILY_OTHER, TYPE_HEAP | TYPE_GC), TAIL_NONE, fields, 1);
    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t listener = object(0x100000 + i * 0x40, holder, 48);
        hold(listeners, listener);
        hold(listener, bus);
    }
    put(globals, "main_bus", bus);
    end_file();
}

/* A reference cycle of two, as instances of two types hold each other. */
static uint32_t tied(uint64_t address, struct shape one, struct shape other)
{
    uint32_t first = object(address, one, 56), second = object(address + 0x40, other, 56);
    hold(first, second);
    hold(second, first);
    return first;
}

static struct shape class_shape(const char *type_name, uint32_t flags, const char *attribute)
{
    struct snapshot_field fields[] = {field(REFERENCE_ATTRIBUTE, attribute)};
    return shape(type(type_name, "app", FAMILY_OTHER, flags), TAIL_NONE, fields, 1);
}

static void write_cycles(const char *dir)
{
    begin_file(dir, "cycles.held", 4242, 1790000100);
    enum { PLAIN = TYPE_HEAP | TYPE_GC };
    uint32_t globals;
    module(0x1000, "app", &globals);
    struct shape next = class_shape("app.Node", PLAIN, "next"), prev = class_shape("app.Node", PLAIN, "prev");
    struct shape parent = class_shape("app.Tree", PLAIN, "children"),
                 child = class_shape("app.Leaf", PLAIN, "parent");
    struct shape closing = class_shape("app.Connection", PLAIN | TYPE_FINALIZER, "pool"),
                 pool = class_shape("app.Pool", PLAIN, "connection");
    struct shape buffer = class_shape("app.native.Buffer", TYPE_HEAP, "owner"),
                 owner = class_shape("app.Owner", PLAIN, "buffer");
    struct shape handle = class_shape("app.native.Handle", PLAIN, "value");

    /* Reachable: a function and its module hold each other; a tree whose leaves know it. */
    uint32_t handler = object(0x11800, shapes.function, 152);
    hold(handler, 0);
    hold(handler, globals);
    hold(handler, 0);
    name(handler, "handler");
    put(globals, "handler", handler);
    uint32_t tree = object(0x10000, parent, 56), leaves = object(0x10100, shapes.list, 80);
    put(globals, "tree", tree);
    hold(tree, leaves);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t leaf = object(0x10200 + i * 0x40, child, 56);
        hold(leaves, leaf);
        hold(leaf, tree);
    }
    /* Garbage: many alike pairs, one of them with something that hangs on it, dicts under different keys, a
     * list. */
    for (uint32_t i = 0; i < 1200; i++)
        tied(0x100000 + i * 0x80, next, prev);
    for (uint32_t i = 0; i < 3; i++) {
        char key[16];
        uint32_t dict = object(0x11000 + i * 0x100, shapes.dict, 232);
        snprintf(key, sizeof key, "own %u", i);
        put(dict, key, dict);
    }
    uint32_t list = object(0x12000, shapes.list, 64);
    hold(list, list);
    hold(list, text("hangs on the list"));
    /* With a finalizer; frozen; with an object the collector does not know; held by gc.garbage; by C. */
    tied(0x13000, closing, pool);
    uint32_t frozen = tied(0x13100, parent, child);
    objects[frozen].flags |= OBJECT_FROZEN;
    objects[frozen + 1].flags |= OBJECT_FROZEN;
    tied(0x13200, owner, buffer);
    uint32_t garbage = object(0x13300, shapes.list, 88), saved = tied(0x13400, closing, pool);
    hold(garbage, saved);
    struct snapshot_root root = {.kind = ROOT_INTERPRETER,
                                 .reference = REFERENCE_FIELD,
                                 .name = string("gc.garbage"),
                                 .target = garbage};
    snapshot_writer_root(writer, &root);
    objects[garbage].refcount++;
    objects[tied(0x13500, owner, child)].refcount++;
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t leaked = object(0x14000 + i * 0x40, handle, 40);
        hold(leaked, text(i ? "second leak" : "first leak"));
        objects[leaked].refcount += 2;
    }
    uint32_t name_in_c = text("__name_in_a_table__");
    objects[name_in_c].flags |= OBJECT_INTERNED;
    objects[name_in_c].refcount++;
    end_file();
}

static void write_hostile(const char *dir)
{
    begin_file(dir, "hostile.held", 4242, 1790000100);
    uint32_t globals, list = object(0x10000, shapes.list, 64);
    module(0x1000, "evil\x1b[31m", &globals);
    struct snapshot_field fields[] = {field(REFERENCE_ATTRIBUTE, "a\x1b]0;title\x07")};
    struct shape odd = shape(type("evil.\x1b[2JType\xe2\x80\xae", "evil", FAMILY_OTHER, TYPE_HEAP | TYPE_GC),
                             TAIL_NONE, fields, 1);
    uint32_t first = object(0x11000, odd, 48);
    put(globals, "it's \"quoted\"\n", list);
    hold(list, first);
    hold(first, text("line one\nline two\t\x1b[1mbold\x7f \xe2\x80\xae"));
    end_file();
}

/* A str or bytes key whose bytes may be anything. */
static uint32_t odd_key(struct shape s, enum preview_kind kind, uint64_t address, const char *bytes,
                        size_t length, uint64_t full_length)
{
    uint32_t id = object(address, s, 49 + full_length);
    objects[id].flags = 0;
    preview(id, kind, full_length, bytes, length);
    return id;
}

/* Keys and names that are hard to write in DOT, XML, CSV and JSON; a type with a finalizer. */
static void write_keys(const char *dir)
{
    begin_file(dir, "keys.held", 4242, 1790000100);
    static const struct {
        const char *bytes;
        size_t length;
    } keys[] = {{"quote \" end", 11},
                {"back\\slash\\", 11},
                {"new\nline", 8},
                {"nul\0inside", 10},
                {"<b>bold</b>", 11},
                {"&amp; &#60; &lt;", 16},
                {"]]> --> */ //", 13},
                {"\x1b[31mred\x07\x7f", 10},
                {"\xef\xbf\xbe \xef\xbf\xbf", 7},
                {"a,b;c\td", 7},
                {" spaces ", 8},
                {"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", 9},
                {"\\N\\G\\l %s {|}", 13},
                {"", 0}};
    struct shape bytes_shape = shape(type("bytes", "builtins", FAMILY_BYTES, 0), TAIL_NONE, NULL, 0);
    struct snapshot_field odd_fields[] = {field(REFERENCE_ATTRIBUTE, "bad\xff\xc3\x28name<&>\"\x01")};
    struct shape value_shape =
        shape(type("keys.Value", "keys", FAMILY_OTHER, TYPE_HEAP | TYPE_GC | TYPE_FINALIZER), TAIL_NONE,
              odd_fields, 1);
    uint32_t globals, dict = object(0x10000, shapes.dict, 1200), none = object(0x600, shapes.none, 16);
    objects[none].flags = OBJECT_STATIC | OBJECT_IMMORTAL;
    module(0x1000, "keys", &globals);
    put(globals, "DICT", dict);
    for (uint32_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint64_t points = 0;
        for (size_t b = 0; b < keys[i].length; b++)
            points += ((unsigned char)keys[i].bytes[b] & 0xc0) != 0x80;
        hold(dict,
             odd_key(shapes.str, PREVIEW_STR, 0x20000 + i * 0x100, keys[i].bytes, keys[i].length, points));
        uint32_t value = object(0x30000 + i * 0x40, value_shape, 48);
        hold(dict, value);
        hold(value, none);
    }
    char filler[64];
    memset(filler, 'x', sizeof filler);
    hold(dict, odd_key(shapes.str, PREVIEW_STR, 0x21000, filler, sizeof filler, 5000));
    hold(dict, none);
    hold(dict, odd_key(bytes_shape, PREVIEW_BYTES, 0x21100, "\xff\xfe\0\"\\", 5, 5));
    hold(dict, none);
    end_file();
}

/* References from C: leaked ones, those an interpreter always has, one that a stack may have, one too many
 * found. */
static void write_leaks(const char *dir)
{
    begin_file(dir, "leaks.held", 4242, 1790000100);
    uint32_t globals, sessions = object(0x10000, shapes.list, 120);
    module(0x1000, "app", &globals);
    put(globals, "SESSIONS", sessions);
    struct snapshot_field fields[] = {field(REFERENCE_ATTRIBUTE, "user")};
    struct shape session =
        shape(type("app.Session", "app", FAMILY_OTHER, TYPE_HEAP | TYPE_GC), TAIL_NONE, fields, 1);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t leaked = object(0x20000 + i * 0x40, session, 56);
        hold(sessions, leaked);
        hold(leaked, text("user"));
        objects[leaked].refcount += i; /* the first one is not leaked */
    }
    uint32_t alone = object(0x30000, shapes.list, 88);
    hold(alone, text("only C holds the list"));
    objects[alone].refcount += 2;
    uint32_t buffer = text("a buffer that was not given back");
    put(globals, "last", buffer);
    objects[buffer].refcount += 7;

    uint32_t interned = text("interned");
    put(globals, "name", interned);
    objects[interned].flags = OBJECT_INTERNED;
    objects[interned].refcount += 3;
    for (unsigned i = 0; i < 2; i++) {
        uint32_t number = integer(0x40000 + i * 0x40, i ? 4096 : 256); /* cached; not cached */
        put(globals, i ? "page" : "small", number);
        objects[number].refcount++;
    }
    uint32_t session_class = object(0x50000, shapes.type, 1064);
    name(session_class, "app.Session");
    put(globals, "Session", session_class);
    objects[session_class].refcount += 2;
    uint32_t none = object(0x600, shapes.none, 16);
    objects[none].flags = OBJECT_STATIC | OBJECT_IMMORTAL;
    objects[none].refcount = 0xffffffff;
    put(globals, "nothing", none);
    objects[none].refcount = 0xffffffff;
    uint32_t freed = object(0x60000, shapes.dict, 64);
    put(globals, "freed", freed);
    objects[freed].refcount = 0;

    uint32_t thread =
        snapshot_writer_thread(writer, 0x7f1000000740, 4242, string("MainThread"), THREAD_MAIN, 0);
    struct snapshot_frame frame = {.thread = thread,
                                   .function = string("main"),
                                   .module = string("app"),
                                   .file = string("app.py"),
                                   .line = 9};
    uint32_t frame_id = snapshot_writer_frame(writer, &frame);
    uint32_t values[] = {object(0x70000, shapes.generator, 208), object(0x71000, shapes.list, 56)};
    for (uint32_t i = 0; i < 2; i++) { /* a generator is on the stack; a list may only have been */
        struct snapshot_root root = {.kind = ROOT_FRAME,
                                     .reference = REFERENCE_STACK,
                                     .certainty = CERTAINTY_UNCERTAIN,
                                     .number = i,
                                     .target = values[i],
                                     .thread = thread,
                                     .frame = frame_id};
        snapshot_writer_root(writer, &root);
        put(globals, i ? "listed" : "stream", values[i]);
        objects[values[i]].refcount++;
    }
    end_file();
}

static void put_at(uint32_t dict, uint64_t key_address, const char *key, uint32_t value)
{
    hold(dict, text_at(key_address, key));
    hold(dict, value);
}

/* An instance with a dict of its own. */
static uint32_t with_dict(uint64_t address, const char *type_name, const char *user, unsigned level)
{
    struct snapshot_field fields[] = {field(REFERENCE_NAMESPACE, "__dict__")};
    struct shape own = shape(type(type_name, "lib", FAMILY_OTHER, TYPE_HEAP | TYPE_GC), TAIL_NONE, fields, 1);
    uint32_t id = object(address, own, 48), dict = object(address + 0x40, shapes.dict, 104);
    hold(id, dict);
    put_at(dict, address + 0x400000, "user", text_at(address + 0x401000, user));
    put_at(dict, address + 0x402000, "level", integer(address + 0x403000, level));
    return id;
}

/* Populations that grow, shrink, burst and are replaced at the same addresses; two types called Session. */
static void write_shop(const char *dir, const char *file_name, double time, unsigned step)
{
    static const unsigned first[] = {0, 0, 2}, last[] = {3, 6, 8}, bursts[] = {5, 2, 6};
    begin_file(dir, file_name, 4242, time);
    uint32_t globals, sessions = object(0x10000, shapes.dict, 352), recent = object(0x11000, shapes.list, 88);
    uint32_t burst = object(0x12000, shapes.list, 96 + 8 * bursts[step]),
             jobs = object(0x13000, shapes.dict, 232);
    module(0x1000, "shop", &globals);
    put(globals, "_SESSIONS", sessions);
    put(globals, "_RECENT", recent);
    put(globals, "_BURST", burst);
    put(globals, "_JOBS", jobs);
    struct snapshot_field session_fields[] = {field(REFERENCE_ATTRIBUTE, "user"),
                                              field(REFERENCE_ATTRIBUTE, "level")};
    struct snapshot_field slots[] = {field(REFERENCE_SLOT, "value")};
    enum { PLAIN = TYPE_HEAP | TYPE_GC };
    struct shape session =
        shape(type("shop.Session", "shop", FAMILY_OTHER, PLAIN), TAIL_NONE, session_fields, 2);
    struct shape other = shape(type("shop.Burst", "shop", FAMILY_OTHER, PLAIN), TAIL_NONE, slots, 1);
    struct shape job = shape(type("shop.jobs.Job", "shop.jobs", FAMILY_OTHER, PLAIN), TAIL_NONE, slots, 1);
    for (unsigned i = first[step]; i < last[step]; i++) {
        char name[24];
        uint32_t id = object(0x100000 + i * 0x80, session, 64);
        snprintf(name, sizeof name, "user-%u", i);
        hold(id, text_at(0x200000 + i * 0x80, name));
        hold(id, integer(0x210000 + i * 0x40, i * 10));
        snprintf(name, sizeof name, "k%u", i);
        put_at(sessions, 0x220000 + i * 0x40, name, id);
        if (i + 2 >= last[step])
            hold(recent, id);
    }
    for (unsigned i = 0; i < 2; i++)
        hold(recent, with_dict(0x300000 + i * 0x80, "lib.Session", i ? "alice" : "bob", i + 3));
    for (unsigned i = 0; i < bursts[step]; i++) {
        uint32_t id = object(0x400000 + i * 0x80, other, 48);
        hold(burst, id);
        hold(id, text_at(0x410000 + i * 0x80, "burst"));
    }
    /* Each job is done and its successor lies where it lay: the key and what it holds are others. */
    for (unsigned i = 0; i < 4; i++) {
        char name[24];
        uint32_t id = object(0x420000 + i * 0x80, job, 48),
                 list = object(0x430000 + i * 0x80, shapes.list, 64);
        snprintf(name, sizeof name, "job-%u", step * 4 + i);
        put_at(jobs, 0x440000 + (step * 4 + i) * 0x40, name, id);
        hold(id, list);
        hold(list, text_at(0x450000 + i * 0x80, name));
    }
    end_file();
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: make_fixtures DIR\n");
        return 2;
    }
    const char *dir = argv[1];
    write_service(dir, "app.1.held", 4242, 1790000060, 3, 8);
    write_service(dir, "app.2.held", 4242, 1790000120, 10, 5);
    write_service(dir, "app.3.held", 4242, 1790000180, 25, 6);
    write_service(dir, "restarted.held", 5151, 1790000240, 2, 8);
    write_fan(dir);
    write_hostile(dir);
    write_cycles(dir);
    write_keys(dir);
    write_leaks(dir);
    write_shop(dir, "shop.1.held", 1790000060, 0);
    write_shop(dir, "shop.2.held", 1790000120, 1);
    write_shop(dir, "shop.3.held", 1790000180, 2);
    begin_file(dir, "nothing.held", 4242, 1790000060);
    end_file();
    return 0;
}
