#include "lib/query/noise.h"

#include <stdlib.h>
#include <string.h>

#include "lib/query/noise_modules.h"
#include "lib/query/noise_names.h"
#include "lib/query/noise_stack.h"
#include "lib/query/raw.h"

struct noises {
    struct view *view;
    const struct roots *roots;
    struct noise_modules modules;
    struct noise_names names;
    struct object_set codes; /* of running frames */
    object_id names_of_main; /* co_names of the outermost frame of the main thread, or 0 */
};

static const struct {
    const char *name, *meaning;
} words[NOISE_KINDS] = {
    [NOISE_NONE] = {"", "nothing in the interpreter is known to hold it"},
    [NOISE_INTERNED] = {"interned", "interned strings, held by tables of names in C"},
    [NOISE_CHARACTER] = {"single character", "the interpreter caches them"},
    [NOISE_SMALL_INT] = {"small int", "the interpreter caches -5 to 256"},
    [NOISE_SINGLETON] = {"singleton", "one of a kind, kept in C: None, (), ast.Load()"},
    [NOISE_TYPE] = {"type", "classes, kept by pointer in C"},
    [NOISE_CODE] = {"code", "code objects, kept in the interpreter's caches"},
    [NOISE_MODULE] = {"module", "modules and their definitions, kept by the import machinery"},
    [NOISE_MODULE_DICT] = {"module dict", "dicts of modules, and the copies they are imported from"},
    [NOISE_MODULE_NAME] = {"documentation",
                           "names, files and documentation of modules, classes and functions"},
    [NOISE_C_MODULE] = {"C module", "what C modules publish or import, and keep"},
    [NOISE_ATTRIBUTE] = {"attribute name", "names of attributes, held by the cache of look-ups"},
    [NOISE_PARSER] = {"parser", "what the parser made of the main program, kept while it runs"},
    [NOISE_CTYPES] = {"ctypes", "argument types of ctypes functions"},
    [NOISE_THREAD_LOCAL] = {"thread local", "the bookkeeping of threading.local"},
    [NOISE_RUNNING] = {"running", "functions and frames that are running, held by their callers and callees"},
    [NOISE_STACK] = {"stack", "what calls in progress hold on their expression stacks"},
};

const char *noise_name(enum noise noise)
{
    return words[noise].name;
}

const char *noise_meaning(enum noise noise)
{
    return words[noise].meaning;
}

struct noises *noises_create(struct view *view, struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct noises *noises = calloc(1, sizeof *noises);
    bool ok = noises || error_no_memory(err);
    if (ok) {
        noises->view = view;
        noises->roots = view_roots(view, err);
        ok = noises->roots != NULL;
    }
    ok = ok && (object_set_create(&noises->codes, heap, err) || error_no_memory(err));
    ok = ok && noise_modules_create(&noises->modules, view, err);
    if (!ok) {
        noises_destroy(noises);
        return NULL;
    }
    uint32_t deepest = 0;
    for (uint32_t f = 1; f <= heap->frame_count; f++) {
        const struct heap_frame *frame = &heap->frames[f];
        if (!frame->code)
            continue;
        object_set_add(&noises->codes, frame->code);
        if (frame->thread && heap->threads[frame->thread].flags & THREAD_MAIN && frame->depth >= deepest) {
            deepest = frame->depth;
            noises->names_of_main = raw_field(heap, frame->code, "co_names", NULL);
        }
    }
    return noises;
}

void noises_destroy(struct noises *noises)
{
    if (!noises)
        return;
    noise_modules_free(&noises->modules);
    noise_names_free(&noises->names);
    object_set_free(&noises->codes);
    free(noises);
}

static bool named(const struct heap *heap, object_id object, const char *name)
{
    struct heap_preview preview;
    return raw_text(heap, object, &preview) && preview.length == strlen(name) &&
           !memcmp(preview.text, name, preview.length);
}

/* Small enough for the cache of small integers; a value that is not in the file may be. */
static bool is_small_int(const struct heap *heap, object_id object)
{
    enum { LEAST = -5, MOST = 256, MOST_DIGITS = 4 };
    struct heap_preview preview;
    if (!heap_preview(heap, object, &preview))
        return true;
    char digits[MOST_DIGITS + 1] = "";
    if (preview.kind != PREVIEW_INT || preview.length > MOST_DIGITS)
        return false;
    memcpy(digits, preview.text, preview.length);
    long value = strtol(digits, NULL, 10);
    return value >= LEAST && value <= MOST;
}

static bool is_character(const struct heap *heap, object_id object)
{
    struct heap_preview preview;
    return !heap_preview(heap, object, &preview) || preview.full_length <= 1;
}

static bool holds_nothing(const struct heap *heap, object_id object)
{
    object_id type = heap->types[heap_type_of(heap, object)].object;
    for (uint64_t i = csr_start(&heap->edges, object); i < csr_end(&heap->edges, object); i++)
        if (heap->edges.item[i] && heap->edges.item[i] != type)
            return false;
    return true;
}

static bool is_singleton(const struct heap *heap, object_id object, enum family family, const char *type)
{
    static const char *const alone[] = {"ellipsis", "NotImplementedType", "Token.MISSING", "numpy.bool_"};
    if (family == FAMILY_NONE || family == FAMILY_BOOL)
        return true;
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++)
        if (!strcmp(type, alone[i]))
            return true;
    bool one_when_empty = !strcmp(type, "tuple") || !strcmp(type, "frozenset") || !strncmp(type, "ast.", 4) ||
                          !strncmp(type, "_ast.", 5);
    return one_when_empty && holds_nothing(heap, object);
}

static object_id first_of_type(const struct heap *heap, object_id object, const char *type, bool *all)
{
    object_id first = 0;
    *all = true;
    for (uint64_t i = csr_start(&heap->edges, object); i < csr_end(&heap->edges, object); i++) {
        object_id item = heap->edges.item[i];
        bool is = item && !strcmp(heap_type_name(heap, item), type);
        first = is && !first ? item : first;
        *all = *all && is;
    }
    return first;
}

/* Begins with __name__ and __doc__, as a module's dict does; or is the table of all module definitions. */
static bool is_module_dict(const struct heap *heap, object_id dict)
{
    uint64_t start = csr_start(&heap->edges, dict);
    bool all;
    if (raw_degree(heap, dict) >= 4 && heap->edges.item[start] && heap->edges.item[start + 2] &&
        named(heap, heap->edges.item[start], "__name__") &&
        named(heap, heap->edges.item[start + 2], "__doc__"))
        return true;
    return first_of_type(heap, dict, "moduledef", &all) != 0;
}

/* A pair of types and what computes on them. */
static bool is_loop(const struct heap *heap, object_id pair)
{
    if (!pair || heap_family(heap, pair) != FAMILY_TUPLE || raw_degree(heap, pair) != 2)
        return false;
    const object_id *item = &heap->edges.item[csr_start(&heap->edges, pair)];
    bool all;
    return item[0] && item[1] && heap_family(heap, item[0]) == FAMILY_TUPLE &&
           first_of_type(heap, item[0], "numpy._DTypeMeta", &all) &&
           (!strcmp(heap_type_name(heap, item[1]), "numpy._ArrayMethod") ||
            !strcmp(heap_type_name(heap, item[1]), "PyCapsule"));
}

/* numpy's own: a builtin dtype, a ufunc, the table of its loops (pairs of types and a method), the types in
 * it. */
static bool is_of_numpy(const struct heap *heap, object_id object, enum family family, const char *type,
                        uint64_t found)
{
    bool all;
    if (!strncmp(type, "numpy.dtype[", 12) || !strcmp(type, "numpy.ufunc"))
        return true;
    if (family == FAMILY_TUPLE)
        return is_loop(heap, object) || (first_of_type(heap, object, "numpy._DTypeMeta", &all) && all);
    return !found && family == FAMILY_LIST && raw_degree(heap, object) &&
           is_loop(heap, heap->edges.item[csr_start(&heap->edges, object)]);
}

/* The types of a function's arguments (held by its type's dict, too), or their converters. */
static bool is_of_ctypes(const struct noises *noises, object_id tuple, uint64_t found)
{
    const struct heap *heap = view_heap(noises->view);
    bool all;
    if (holds_nothing(heap, tuple))
        return false;
    if (found == 0) {
        object_id first = first_of_type(heap, tuple, "builtin_function_or_method", &all);
        return all && named(heap, first, "from_param");
    }
    const struct graph *graph = view_graph(noises->view, NULL);
    for (uint64_t i = graph ? csr_start(&graph->reverse, tuple) : 0;
         graph && i < csr_end(&graph->reverse, tuple); i++)
        if (!strcmp(heap_type_name(heap, graph->reverse.item[i]), "StgDict"))
            return true;
    return false;
}

/* A list of nothing but names and constants, no shorter than the main program's names, with the first of
 * them. */
static bool is_of_parser(const struct noises *noises, object_id list)
{
    const struct heap *heap = view_heap(noises->view);
    object_id names = noises->names_of_main, item;
    bool first = false;
    if (!names || !raw_degree(heap, names) || raw_degree(heap, list) < raw_degree(heap, names))
        return false;
    for (uint64_t i = csr_start(&heap->edges, list); i < csr_end(&heap->edges, list); i++) {
        if (!(item = heap->edges.item[i]))
            continue;
        switch (heap_family(heap, item)) {
        case FAMILY_STR:
        case FAMILY_BYTES:
        case FAMILY_INT:
        case FAMILY_FLOAT:
        case FAMILY_BOOL:
        case FAMILY_NONE:
        case FAMILY_TUPLE:
        case FAMILY_OTHER: /* complex, Ellipsis */
            break;
        default:
            return false;
        }
        first = first || item == heap->edges.item[csr_start(&heap->edges, names)];
    }
    return first;
}

static bool is_thread_local(const struct heap *heap, object_id object, enum family family, const char *type)
{
    static const char prefix[] = "thread.local.0x"; /* Modules/_threadmodule.c */
    struct heap_preview preview;
    if (family == FAMILY_STR)
        return heap_preview(heap, object, &preview) && preview.length > strlen(prefix) &&
               !memcmp(preview.text, prefix, strlen(prefix));
    return !strcmp(type, "_thread._localdummy") ||
           (family == FAMILY_BUILTIN && named(heap, object, "_localdummy_destroyed"));
}

static enum noise by_family(const struct heap *heap, object_id object, enum family family)
{
    struct heap_detail detail;
    switch (family) {
    case FAMILY_TYPE:
        return NOISE_TYPE;
    case FAMILY_CODE:
        return NOISE_CODE;
    case FAMILY_MODULE:
        return NOISE_MODULE;
    case FAMILY_STR:
        if (heap_detail(heap, object, &detail) && detail.flags & OBJECT_INTERNED)
            return NOISE_INTERNED;
        return is_character(heap, object) ? NOISE_CHARACTER : NOISE_NONE;
    case FAMILY_BYTES:
        return is_character(heap, object) ? NOISE_CHARACTER : NOISE_NONE;
    case FAMILY_INT:
        return is_small_int(heap, object) ? NOISE_SMALL_INT : NOISE_NONE;
    case FAMILY_DICT:
        return is_module_dict(heap, object) ? NOISE_MODULE_DICT : NOISE_NONE;
    default:
        return NOISE_NONE;
    }
}

enum noise noises_of(struct noises *noises, object_id object, uint64_t found, uint64_t unexplained)
{
    const struct heap *heap = view_heap(noises->view);
    enum family family = heap_family(heap, object);
    const char *type = heap_type_name(heap, object);
    if (is_singleton(heap, object, family, type))
        return NOISE_SINGLETON;
    enum noise noise = by_family(heap, object, family);
    if (noise)
        return noise;
    if (!strcmp(type, "moduledef"))
        return NOISE_MODULE;
    if (object_set_has(&noises->modules.names, object) ||
        (family == FAMILY_STR && noise_names_is_documentation(noises->view, object)))
        return NOISE_MODULE_NAME;
    if (object_set_has(&noises->modules.own, object) ||
        (object_set_has(&noises->modules.extensions, object) && unexplained == 1) ||
        is_of_numpy(heap, object, family, type, found))
        return NOISE_C_MODULE;
    if (is_thread_local(heap, object, family, type))
        return NOISE_THREAD_LOCAL;
    if (family == FAMILY_STR && noise_names_is_attribute(&noises->names, noises->view, object, unexplained))
        return NOISE_ATTRIBUTE;
    if (family == FAMILY_LIST && !found && unexplained == 1 && is_of_parser(noises, object))
        return NOISE_PARSER;
    if (family == FAMILY_TUPLE && is_of_ctypes(noises, object, found))
        return NOISE_CTYPES;
    if ((family == FAMILY_FUNCTION &&
         object_set_has(&noises->codes, raw_field(heap, object, "__code__", NULL))) ||
        (family == FAMILY_FRAME && object_set_has(&noises->codes, raw_field(heap, object, "f_code", NULL))))
        return NOISE_RUNNING;
    if (unexplained <= noise_stack_holds(noises->roots, object))
        return NOISE_STACK;
    return NOISE_NONE;
}
