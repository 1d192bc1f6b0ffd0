/* Makes the small snapshots that the golden tests of the command line read: make_fixtures DIR.
 *
 *   app.1.held app.2.held app.3.held   one service at three moments; its sessions leak into
 * myapp._CACHE['k7'] fan.held                           2 000 alike holders of one object hostile.held names
 * and values that would harm a terminal restarted.held                     the service again, as another
 * process nothing.held                       a process without a single object
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
    begin_file(dir, "nothing.held", 4242, 1790000060);
    end_file();
    return 0;
}
