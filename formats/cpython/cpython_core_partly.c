/* A CPython whose interpreter cannot be read, because memory is missing (a cut core, one without some
 * mappings): what the scan needs is known without it. The version comes from the runtime's own number or from
 * the names of its files, the builtin types from symbols or from the modules' data: `type` is the type of
 * itself, the others are told by their flags.
 */
#include "formats/cpython/cpython_core_private.h"

#include <stdio.h>

static uint64_t symbol(const struct cpython_core *core, const struct image_module *module, const char *name)
{
    struct image_symbol s;
    return core->image->symbol != NULL && core->image->symbol(core->image->self, module, name, &s) && !s.tls
               ? s.address
               : 0;
}

bool core_memory_missing(const struct cpython_core *core)
{
    const struct address_space *space = &core->image->space;
    if (core->image->counts.cut > 0)
        return true;
    for (size_t i = 0; i < space->region_count; i++)
        if (space->regions[i].access & MEMORY_WRITE &&
            space->regions[i].present < space->regions[i].end - space->regions[i].start)
            return true;
    return false;
}

/* The minor version in "libpython3.11.so.1.0", "python3.11" or "x.cpython-311-x86_64-linux-gnu.so". */
static uint32_t minor_in(const char *path)
{
    static const char *const before[] = {"python3.", "cpython-3"};
    for (unsigned i = 0; path != NULL && i < 2; i++) {
        const char *at = strstr(path, before[i]);
        unsigned minor;
        if (at != NULL && sscanf(at + strlen(before[i]), "%2u", &minor) == 1)
            return minor;
    }
    return 0;
}

uint32_t core_version_of_files(const struct cpython_core *core, const struct image_module *module)
{
    /* Py_Version, 3.11 and later (Include/pylifecycle.h): PY_VERSION_HEX. */
    uint64_t number = symbol(core, module, "Py_Version"), hex = number != 0 ? core_word(core, number) : 0;
    if (hex >> 24 == 3)
        return (uint32_t)hex;
    uint32_t minor = module != NULL ? minor_in(module->path) : 0;
    for (size_t i = 0; minor == 0 && i < core->image->mapping_count; i++)
        minor = minor_in(core->image->mappings[i].path);
    return minor == 0 ? 0 : UINT32_C(3) << 24 | minor << 16 | 0xf0;
}

/* ---- the builtin types ---- */

static bool is_type_type(const struct cpython_core *core, uint64_t address)
{
    uint64_t flags = core_word(core, address + TP_FLAGS), basic = core_word(core, address + TP_BASICSIZE);
    return mem_plausible(address) && core_word(core, address + OB_TYPE) == address && flags & TPFLAG_TYPE &&
           flags & TPFLAG_READY && basic >= core->layout.type_size && basic < 4096;
}

struct wanted {
    struct cpython_core *core;
    uint64_t type_type, runtime;
    uint64_t *flagged[4]; /* as in `flags` */
    uint64_t *named[2];
};

static const uint64_t flags[4] = {TPFLAG_LIST, TPFLAG_DICT, TPFLAG_TUPLE, TPFLAG_UNICODE};
static const char *const names[2] = {"set", "frozenset"};

static void find_type_type(struct wanted *w, uint64_t address, uint64_t word)
{
    if (w->type_type == 0 && word == address - OB_TYPE && is_type_type(w->core, word))
        w->type_type = word;
}

/* A builtin type is the one with its flag whose base has none of the kind. */
static void find_builtin(struct wanted *w, uint64_t address, uint64_t word)
{
    const struct cpython_core *core = w->core;
    uint64_t type = address - OB_TYPE, has = core_word(core, type + TP_FLAGS);
    char name[16];
    if (word != w->type_type || !(has & TPFLAG_READY) || has & TPFLAG_HEAPTYPE)
        return;
    uint64_t base = core_word(core, type + TP_BASE), of_base = core_word(core, base + TP_FLAGS);
    if (!mem_plausible(base) || core_word(core, base + OB_TYPE) != w->type_type ||
        core_word(core, base + TP_BASE) != 0)
        return;
    for (unsigned i = 0; i < 4; i++)
        if (has & flags[i] && !(of_base & flags[i]) && *w->flagged[i] == 0)
            *w->flagged[i] = type;
    for (unsigned i = 0; i < 2; i++)
        if (*w->named[i] == 0 && core_text(core, core_word(core, type + TP_NAME), name, sizeof(name)) &&
            strcmp(name, names[i]) == 0)
            *w->named[i] = type;
}

static void each_word(struct wanted *w, void (*each)(struct wanted *w, uint64_t address, uint64_t word))
{
    const struct process_image *image = w->core->image;
    for (size_t i = 0; i < image->module_count; i++) {
        for (uint32_t k = 0; k < image->modules[i].data_count; k++) {
            struct image_range r = image->modules[i].data[k];
            for (uint64_t page = r.start & ~UINT64_C(4095); page < r.end; page += 4096) {
                const uint8_t *p = address_space_at(&image->space, page, 4096);
                for (uint64_t at = 0; p != NULL && at < 4096; at += 8) {
                    uint64_t word;
                    memcpy(&word, p + at, 8);
                    if (word != 0 && page + at >= r.start + OB_TYPE)
                        each(w, page + at, word);
                }
            }
        }
    }
}

/* ---- the interpreter, as far as it can be read ---- */

static bool readable(const struct cpython_core *core, uint64_t address)
{
    return address_space_at(&core->image->space, address, 8) != NULL;
}

bool core_interpreter_absent(const struct cpython_core *core, uint64_t runtime)
{
    const struct cpython_layout *l = &core->layout;
    uint64_t at = runtime + l->interpreters_main, interpreter = core_word(core, at);
    if (runtime == 0 || !readable(core, at))
        return false;
    return interpreter == 0 ||
           (readable(core, interpreter + l->modules) && core_word(core, interpreter + l->modules) == 0);
}

/* Is nothing of it where it must not be? */
static bool may_be_runtime(const struct cpython_core *core, uint64_t runtime)
{
    const struct cpython_layout *l = &core->layout;
    uint64_t interpreter = core_word(core, runtime + l->interpreters_main);
    uint64_t gc = l->gc == NONE ? runtime + l->runtime_gc : interpreter + l->gc;
    uint64_t thread = core_word(core, interpreter + l->threads_head);
    if (runtime == 0 || !mem_plausible(interpreter))
        return false;
    if (l->minor <= 13 && readable(core, gc + GC_GENERATION0) &&
        core_word(core, gc + GC_GENERATION0) != gc + GC_GENERATIONS)
        return false;
    return !mem_plausible(thread) || !readable(core, thread + TSTATE_INTERP) ||
           core_word(core, thread + TSTATE_INTERP) == interpreter;
}

/* A word that leads to an interpreter whose first thread leads back to it: what _PyRuntime is a little
 * before.
 */
static void find_runtime(struct wanted *w, uint64_t address, uint64_t word)
{
    const struct cpython_layout *l = &w->core->layout;
    uint64_t thread = mem_plausible(word) ? core_word(w->core, word + l->threads_head) : 0;
    if (w->runtime == 0 && mem_plausible(thread) && core_word(w->core, thread + TSTATE_INTERP) == word &&
        may_be_runtime(w->core, address - l->interpreters_main))
        w->runtime = address - l->interpreters_main;
}

static void describe(struct cpython_core *core, void *context)
{
    cpython_self_described(&core->layout, *(const uint64_t *)context);
}

bool core_find_partly(struct cpython_core *core, const struct image_module *module, uint64_t runtime,
                      uint32_t hex)
{
    struct cpython_runtime *r = &core->runtime;
    const struct cpython_layout *known = cpython_layout_find(hex >> 16 & 0xff);
    if (hex >> 24 != 3 || known == NULL)
        return false;
    core->layout = *known;
    if (known->minor >= 13 && runtime != 0)
        core_guarded(core, describe, &runtime);
    if (core_interpreter_absent(core, runtime))
        return false;
    r->hex = hex;
    r->layout = &core->layout;
    struct wanted w = {.core = core,
                       .flagged = {&r->list_type, &r->dict_type, &r->tuple_type, &r->str_type},
                       .named = {&r->set_type, &r->frozenset_type}};
    if (runtime == 0)
        each_word(&w, find_runtime);
    runtime = runtime != 0 ? runtime : w.runtime;
    r->runtime = may_be_runtime(core, runtime) ? runtime : 0;
    if (module != NULL && !core_stand_ins_find(core, module))
        return false;
    w.type_type = symbol(core, module, "PyType_Type");
    if (!is_type_type(core, w.type_type)) {
        w.type_type = 0;
        each_word(&w, find_type_type);
    }
    for (size_t i = 0; i < core->stand_in_count; i++) {
        uint64_t at = core->stand_ins[i].address + OB_TYPE;
        find_type_type(&w, at, core_word(core, at));
    }
    r->list_type = r->dict_type = r->tuple_type = r->str_type = r->set_type = r->frozenset_type = r->none = 0;
    r->type_type = w.type_type;
    if (w.type_type != 0)
        each_word(&w, find_builtin);
    for (size_t i = 0; w.type_type != 0 && i < core->stand_in_count; i++) {
        uint64_t at = core->stand_ins[i].address + OB_TYPE;
        find_builtin(&w, at, core_word(core, at));
    }
    r->none = symbol(core, module, "_Py_NoneStruct"); /* its type tells nothing of where it is */
    core->partly = true;
    return r->type_type != 0 && r->list_type != 0 && r->dict_type != 0 && r->tuple_type != 0 &&
           r->str_type != 0;
}

uint64_t core_class_traverse(const struct cpython_core *core)
{
    struct {
        uint64_t traverse;
        uint32_t votes;
    } seen[64] = {0};
    unsigned count = 0, best = 0;
    for (uint32_t i = 0; i < core->types.capacity; i++) {
        uint64_t type = core->types.table[i].address, k = 0;
        if (type == 0 || !(core_word(core, type + TP_FLAGS) & TPFLAG_HEAPTYPE))
            continue;
        uint64_t traverse = core_word(core, type + TP_TRAVERSE);
        if (traverse == 0)
            continue;
        while (k < count && seen[k].traverse != traverse)
            k++;
        if (k == count && count < sizeof(seen) / sizeof(seen[0]))
            seen[count++].traverse = traverse;
        if (k < count && ++seen[k].votes > seen[best].votes)
            best = (unsigned)k;
    }
    return seen[best].votes >= 8 ? seen[best].traverse : 0;
}
