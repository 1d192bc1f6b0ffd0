/* Names of builtin types that are not in the image: a core without its binaries has no read-only data.
 *
 * The types themselves are there, and the interpreter's modules know them under their names: builtins, the
 * module `types` and _collections_abc for those without a public name, and the modules written in C.
 */
#include "formats/cpython/cpython_core_private.h"

#include <stdio.h>
#include <stdlib.h>

bool core_text(const struct cpython_core *core, uint64_t address, char *to, size_t size)
{
    if (address_space_text(&core->image->space, address, to, size))
        return true;
    for (size_t i = 0; i < core->text_count; i++) {
        if (core->texts[i].address != address)
            continue;
        snprintf(to, size, "%s", core->texts[i].text);
        return true;
    }
    return false;
}

void core_texts_free(struct cpython_core *core)
{
    for (size_t i = 0; i < core->text_count; i++)
        free(core->texts[i].text);
    free(core->texts);
    core->texts = NULL;
    core->text_count = core->text_capacity = 0;
}

struct names {
    struct cpython_core *core;
    struct walk *walk;
    const char *prefix; /* of the module, with its dot; "": builtins */
    const struct rename *renames;
};

/* What tp_name says where it is not the name under which a module has the type. */
struct rename {
    const char *in_module, *name;
};
static const struct rename of_types[] = {
    {"FunctionType", "function"},
    {"CodeType", "code"},
    {"MappingProxyType", "mappingproxy"},
    {"CellType", "cell"},
    {"GeneratorType", "generator"},
    {"CoroutineType", "coroutine"},
    {"AsyncGeneratorType", "async_generator"},
    {"MethodType", "method"},
    {"BuiltinFunctionType", "builtin_function_or_method"},
    {"WrapperDescriptorType", "wrapper_descriptor"},
    {"MethodWrapperType", "method-wrapper"},
    {"MethodDescriptorType", "method_descriptor"},
    {"ClassMethodDescriptorType", "classmethod_descriptor"},
    {"ModuleType", "module"},
    {"TracebackType", "traceback"},
    {"FrameType", "frame"},
    {"GetSetDescriptorType", "getset_descriptor"},
    {"MemberDescriptorType", "member_descriptor"},
    {"GenericAlias", "types.GenericAlias"},
    {"UnionType", "types.UnionType"},
    {"NoneType", "NoneType"},
    {"NotImplementedType", "NotImplementedType"},
    {"EllipsisType", "ellipsis"},
    {"SimpleNamespace", "types.SimpleNamespace"},
    {NULL, NULL},
};
/* Modules whose types call themselves after another one. */
static const struct rename of_modules[] = {
    {"_collections", "collections"},
    {"_functools", "functools"},
    {"_weakref", "weakref"},
    {"_operator", "operator"},
    {"_datetime", "datetime"},
    {"_decimal", "decimal"},
    {"_sre", "re"},
    {"posix", "os"},
    {"_elementtree", "xml.etree.ElementTree"},
};

/* And types that call themselves by another name than their module's. */
static const struct {
    const char *found, *name;
    uint8_t first, last; /* minor versions */
} known[] = {
    {"weakref.ref", "weakref", 8, 9},
    {"weakref.ref", "weakref.ReferenceType", 10, 99},
    {"weakref.ProxyType", "weakproxy", 8, 9},
    {"weakref.CallableProxyType", "weakcallableproxy", 8, 9},
    {"_contextvars.ContextVar", "ContextVar", 8, 9},
    {"_contextvars.Context", "Context", 8, 9},
    {"_contextvars.Token", "Token", 8, 9},
    {"collections._tuplegetter", "_collections._tuplegetter", 8, 99},
    {"_struct.Struct", "Struct", 8, 8},
    {"array.ArrayType", "array.array", 8, 99},
    {"numpy.core._multiarray_umath.ndarray", "numpy.ndarray", 8, 99},
    {"numpy._core._multiarray_umath.ndarray", "numpy.ndarray", 8, 99},
};

static bool add(struct cpython_core *core, uint64_t address, const char *text)
{
    enum { MOST_TEXTS = 1 << 14 }; /* they are searched one by one */
    char there[8];
    if (core_text(core, address, there, sizeof(there)) || core->text_count >= MOST_TEXTS)
        return true;
    if (core->text_count == core->text_capacity) {
        size_t wanted = core->text_capacity * 2 + 256;
        struct memory_text *bigger = realloc(core->texts, wanted * sizeof(*bigger));
        if (bigger == NULL)
            return false;
        core->texts = bigger;
        core->text_capacity = wanted;
    }
    char *copy = strdup(text);
    if (copy == NULL)
        return false;
    core->texts[core->text_count++] = (struct memory_text){address, copy};
    return true;
}

static bool each_type(void *context, uint64_t key, uint64_t value)
{
    struct names *n = context;
    char name[128], text[256];
    uint64_t full;
    if (!walk_is_str(n->walk, key) || !mem_plausible(value) ||
        mem_u64(value + OB_TYPE) != n->core->runtime.type_type ||
        mem_u64(value + TP_FLAGS) & TPFLAG_HEAPTYPE || process_image_module(n->core->image, value) == NULL)
        return true;
    size_t size = walk_str(n->walk, key, name, sizeof(name) - 1, &full);
    name[size] = '\0';
    if (n->renames != NULL) {
        const struct rename *r = n->renames;
        while (r->in_module != NULL && strcmp(r->in_module, name) != 0)
            r++;
        if (r->in_module == NULL)
            return true;
        return add(n->core, mem_u64(value + TP_NAME), r->name);
    }
    snprintf(text, sizeof(text), "%s%s", n->prefix, name);
    const char *shown = text;
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i].found, text) == 0 && n->core->layout.minor >= known[i].first &&
            n->core->layout.minor <= known[i].last)
            shown = known[i].name;
    return add(n->core, mem_u64(value + TP_NAME), shown);
}

static void types_of(struct names *n, uint64_t dict, const char *prefix, const struct rename *renames)
{
    n->prefix = prefix;
    n->renames = renames;
    if (mem_plausible(dict) && mem_u64(dict + OB_TYPE) == n->core->runtime.dict_type)
        walk_dict_each(n->walk, dict, each_type, n);
}

/* Modules that C code has made have a definition. */
static bool each_module(void *context, uint64_t key, uint64_t value)
{
    enum { DEFINITION = 24 };
    struct names *n = context;
    char name[128], prefix[136];
    uint64_t full;
    if (!walk_is_str(n->walk, key) || !mem_plausible(value) || !mem_plausible(mem_u64(value + MODULE_DICT)) ||
        !mem_plausible(mem_u64(value + DEFINITION)) ||
        mem_u64(mem_u64(value + MODULE_DICT) + OB_TYPE) != n->core->runtime.dict_type)
        return true;
    size_t size = walk_str(n->walk, key, name, sizeof(name) - 1, &full);
    name[size] = '\0';
    const char *shown = name;
    for (unsigned i = 0; i < sizeof(of_modules) / sizeof(of_modules[0]); i++)
        if (strcmp(of_modules[i].in_module, name) == 0)
            shown = of_modules[i].name;
    snprintf(prefix, sizeof(prefix), "%s.", shown);
    types_of(n, mem_u64(value + MODULE_DICT), prefix, NULL);
    return true;
}

static uint64_t dict_of(const struct names *n, uint64_t modules, const char *name)
{
    uint64_t module = walk_dict_lookup(n->walk, modules, name);
    return mem_plausible(module) ? mem_u64(module + MODULE_DICT) : 0;
}

static void find(struct cpython_core *core, void *context)
{
    struct names n = {.core = core, .walk = context};
    const struct cpython_layout *l = &core->layout;
    uint64_t interpreter = mem_u64(core->runtime.runtime + l->interpreters_main),
             modules = mem_u64(interpreter + l->modules);
    types_of(&n, mem_u64(interpreter + l->builtins), "", NULL);
    types_of(&n, dict_of(&n, modules, "types"), "", of_types);
    types_of(&n, dict_of(&n, modules, "_collections_abc"), "", NULL); /* list_iterator, dict_keys ... */
    walk_dict_each(n.walk, modules, each_module, &n);
}

size_t walk_unnamed_type(uint64_t type, char *out, size_t size)
{
    int n = snprintf(out, size, "<type at 0x%llx>", (unsigned long long)type);
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

static int by_address(const void *a, const void *b)
{
    const struct memory_text *x = a, *y = b;
    return x->address < y->address ? -1 : x->address > y->address;
}

void core_texts_find(struct cpython_core *core)
{
    char name[16];
    if (address_space_text(&core->image->space, core_word(core, core->runtime.type_type + TP_NAME), name,
                           sizeof(name)))
        return;
    struct walk *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return;
    w->layout = &core->layout;
    w->str_type = core->runtime.str_type;
    add(core, core_word(core, core->runtime.type_type + TP_NAME), "type");
    core_guarded(core, find, w);
    free(w);
}

void core_texts_sort(struct cpython_core *core)
{
    if (core->text_count > 0)
        qsort(core->texts, core->text_count, sizeof(core->texts[0]), by_address);
}
