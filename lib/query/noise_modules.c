#include "lib/query/noise_modules.h"

#include <string.h>

#include "lib/query/holders.h"
#include "lib/query/raw.h"

/* What C modules import when they are imported, and keep (Modules/_asynciomodule.c, _decimal, _pickle). */
static const struct {
    const char *by, *module, *name;
} imported[] = {
    {"_asyncio", "traceback", "extract_stack"},
    {"_asyncio", "asyncio.base_futures", "_future_repr"},
    {"_asyncio", "asyncio.base_futures", "_future_repr_info"},
    {"_asyncio", "asyncio.base_tasks", "_task_repr"},
    {"_asyncio", "asyncio.base_tasks", "_task_repr_info"},
    {"_asyncio", "asyncio.base_tasks", "_task_get_stack"},
    {"_asyncio", "asyncio.base_tasks", "_task_print_stack"},
    {"_asyncio", "asyncio.coroutines", "iscoroutine"},
    {"_asyncio", "asyncio.events", "get_event_loop_policy"},
    {"_asyncio", "asyncio.tasks", "_all_tasks"},
    {"_asyncio", "asyncio.tasks", "_current_tasks"},
    {"_asyncio", "asyncio.tasks", "_scheduled_tasks"},
    {"_asyncio", "asyncio.tasks", "_eager_tasks"},
    {"_pickle", "copyreg", "dispatch_table"},
    {"_pickle", "copyreg", "_extension_registry"},
    {"_pickle", "copyreg", "_inverted_registry"},
    {"_pickle", "copyreg", "_extension_cache"},
    {"_pickle", "codecs", "encode"},
    {"_pickle", "functools", "partial"},
};

/* Extension modules that come with CPython, 3.8 to 3.14 (Modules/Setup.stdlib.in), and those built in whose
 * spec does not say so. */
static const char *const extensions[] = {
    "_asyncio",
    "_bisect",
    "_blake2",
    "_bz2",
    "_codecs_cn",
    "_codecs_hk",
    "_codecs_iso2022",
    "_codecs_jp",
    "_codecs_kr",
    "_codecs_tw",
    "_contextvars",
    "_crypt",
    "_csv",
    "_ctypes",
    "_curses",
    "_curses_panel",
    "_datetime",
    "_dbm",
    "_decimal",
    "_elementtree",
    "_imp",
    "_thread",
    "_warnings",
    "_weakref",
    "builtins",
    "sys",
    "_gdbm",
    "_hashlib",
    "_heapq",
    "_hmac",
    "_interpchannels",
    "_interpqueues",
    "_interpreters",
    "_json",
    "_lsprof",
    "_lzma",
    "_md5",
    "_multibytecodec",
    "_multiprocessing",
    "_opcode",
    "_pickle",
    "_posixshmem",
    "_posixsubprocess",
    "_queue",
    "_random",
    "_remote_debugging",
    "_sha1",
    "_sha2",
    "_sha256",
    "_sha3",
    "_sha512",
    "_socket",
    "_sqlite3",
    "_ssl",
    "_statistics",
    "_struct",
    "_tkinter",
    "_types",
    "_uuid",
    "_xxinterpchannels",
    "_xxsubinterpreters",
    "_zoneinfo",
    "_zstd",
    "array",
    "audioop",
    "binascii",
    "cmath",
    "fcntl",
    "grp",
    "math",
    "mmap",
    "nis",
    "ossaudiodev",
    "parser",
    "pyexpat",
    "readline",
    "resource",
    "select",
    "spwd",
    "syslog",
    "termios",
    "unicodedata",
    "zlib",
};

static bool text_is(const struct heap *heap, object_id object, const char *text)
{
    struct heap_preview preview;
    return raw_text(heap, object, &preview) && preview.length == strlen(text) &&
           !memcmp(preview.text, text, preview.length);
}

/* What an object holds as the attribute `name`, folded; 0: no such. */
static bool attribute(struct view *view, object_id object, const char *name, object_id *ret,
                      struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct holds holds = {0};
    *ret = 0;
    bool ok = referents_of(view, object, &holds, err);
    for (size_t i = 0; ok && i < holds.count && !*ret; i++) {
        const struct hold *hold = &holds.item[i];
        if (!strcmp(hold->name, name) || (!*hold->name && hold->key && text_is(heap, hold->key, name)))
            *ret = hold->object;
    }
    holds_free(&holds);
    return ok;
}

/* A value in a dict by its str key, or 0. */
static object_id value_of(const struct heap *heap, object_id dict, const char *key)
{
    for (uint64_t i = csr_start(&heap->edges, dict); i < csr_end(&heap->edges, dict); i++) {
        struct reference reference = heap_reference(heap, dict, i);
        if (reference.target && reference.kind == REFERENCE_KEY && reference.key &&
            text_is(heap, reference.key, key))
            return reference.target;
    }
    return 0;
}

enum origin { FROM_PYTHON, FROM_OWN_C, FROM_EXTENSION };

/* Built into the interpreter or an extension module, as the module's spec says. */
static bool find_origin(struct view *view, const char *name, object_id dict, enum origin *ret,
                        struct error *err)
{
    const struct heap *heap = view_heap(view);
    object_id spec = value_of(heap, dict, "__spec__"), origin = 0, loader = 0;
    *ret = FROM_PYTHON;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (!strcmp(extensions[i], name))
            *ret = FROM_OWN_C;
    if (*ret != FROM_PYTHON || !spec || heap_family(heap, spec) == FAMILY_NONE)
        return true;
    if (!attribute(view, spec, "origin", &origin, err) || !attribute(view, spec, "loader", &loader, err))
        return false;
    if (text_is(heap, origin, "built-in"))
        *ret = FROM_OWN_C;
    else if (loader && strstr(heap_type_name(heap, loader), ".ExtensionFileLoader"))
        *ret = FROM_EXTENSION;
    return true;
}

static void add_values(const struct heap *heap, object_id dict, struct object_set *set)
{
    for (uint64_t i = csr_start(&heap->edges, dict); i < csr_end(&heap->edges, dict); i++) {
        struct reference reference = heap_reference(heap, dict, i);
        if (reference.target && reference.kind == REFERENCE_KEY)
            object_set_add(set, reference.target);
    }
}

static bool has_module(const struct heap *heap, const char *name)
{
    for (uint32_t r = 0; r < heap->root_count; r++)
        if (heap->roots[r].kind == ROOT_MODULE && !strcmp(heap_string(heap, heap->roots[r].name, NULL), name))
            return true;
    return false;
}

static void add_imported(const struct heap *heap, const char *module, object_id dict, struct object_set *set)
{
    for (size_t i = 0; i < sizeof imported / sizeof imported[0]; i++) {
        if (strcmp(imported[i].module, module) != 0 || !has_module(heap, imported[i].by))
            continue;
        object_id value = value_of(heap, dict, imported[i].name);
        if (value)
            object_set_add(set, value);
    }
}

/* Name, documentation and file; what doctest is to look at. */
static void add_names(const struct heap *heap, object_id dict, struct object_set *names)
{
    static const char *const texts[] = {"__name__", "__doc__", "__file__"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        object_id text = value_of(heap, dict, texts[i]);
        if (text)
            object_set_add(names, text);
    }
    object_id tests = value_of(heap, dict, "__test__");
    if (!tests || heap_family(heap, tests) != FAMILY_DICT)
        return;
    for (uint64_t i = csr_start(&heap->edges, tests); i < csr_end(&heap->edges, tests); i++)
        if (heap->edges.item[i] && heap_family(heap, heap->edges.item[i]) == FAMILY_STR)
            object_set_add(names, heap->edges.item[i]);
}

static bool add_modules(struct noise_modules *ret, struct view *view, struct error *err)
{
    const struct heap *heap = view_heap(view);
    for (uint32_t r = 0; r < heap->root_count; r++) {
        const struct heap_root *root = &heap->roots[r];
        object_id dict = root->kind == ROOT_MODULE && heap_family(heap, root->target) == FAMILY_MODULE
                             ? raw_field(heap, root->target, "__dict__", NULL)
                             : 0;
        enum origin origin;
        if (!dict)
            continue;
        const char *name = heap_string(heap, root->name, NULL);
        if (!find_origin(view, name, dict, &origin, err))
            return false;
        if (origin != FROM_PYTHON)
            add_values(heap, dict, origin == FROM_OWN_C ? &ret->own : &ret->extensions);
        add_imported(heap, name, dict, &ret->own);
        add_names(heap, dict, &ret->names);
    }
    return true;
}

bool noise_modules_create(struct noise_modules *ret, struct view *view, struct error *err)
{
    const struct heap *heap = view_heap(view);
    *ret = (struct noise_modules){0};
    bool ok = (object_set_create(&ret->own, heap, err) && object_set_create(&ret->extensions, heap, err) &&
               object_set_create(&ret->names, heap, err)) ||
              error_no_memory(err);
    ok = ok && add_modules(ret, view, err);
    for (type_id t = 1; ok && t <= heap->type_count; t++) {
        object_id type = heap->types[t].object;
        object_id dict =
            type && !(heap->types[t].flags & TYPE_HEAP) ? raw_field(heap, type, "__dict__", NULL) : 0;
        if (dict)
            add_values(heap, dict, &ret->own);
    }
    if (!ok)
        noise_modules_free(ret);
    return ok;
}

void noise_modules_free(struct noise_modules *modules)
{
    object_set_free(&modules->own);
    object_set_free(&modules->extensions);
    object_set_free(&modules->names);
}
