/* The CPython of an image: _PyRuntime by symbol, by its section, by its cookie, or by what points to an
 * interpreter; the version by trial of the layouts, confirmed by what sys itself says.
 *
 * sys.hexversion decides, because it needs neither symbols nor read-only data, which a core does not have
 * when the binaries are not at hand.
 */
#include "formats/cpython/cpython_core_private.h"

#include <stdio.h>
#include <stdlib.h>

struct search {
    struct walk *walk;                 /* for its lookups in dicts */
    const struct image_module *module; /* the runtime's, or NULL */
    uint64_t runtime, by_symbol;       /* the one tried; the one that the module names */
    bool passed;                       /* an interpreter with modules is there */
    bool empty;                        /* a runtime without one: not begun yet, or ended */
    uint64_t steps;                    /* through what may be a list of interpreters */
    char version[128];                 /* by the text in the module's data */
};

static bool has_symbol(const struct cpython_core *core, const struct image_module *module, const char *name,
                       uint64_t *address)
{
    struct image_symbol s;
    if (core->image->symbol == NULL || !core->image->symbol(core->image->self, module, name, &s) || s.tls)
        return false;
    if (address != NULL)
        *address = s.address;
    return s.address != 0;
}

/* ---- one candidate ---- */

static uint64_t type_of(const struct cpython_core *core, uint64_t object)
{
    return mem_plausible(object) ? core_word(core, object + OB_TYPE) : 0;
}

/* Is the main interpreter in the list of all? The newest is its head. */
static bool is_listed(const struct cpython_core *core, struct search *s, uint64_t interpreter)
{
    enum { MOST = 10000, MOST_STEPS = 1 << 26 }; /* hostile data can look like an interpreter at every word */
    uint64_t i = core_word(core, s->runtime + core->layout.interpreters_head);
    for (unsigned n = 0; n < MOST && mem_plausible(i) && s->steps < MOST_STEPS;
         n++, s->steps++, i = core_word(core, i + core->layout.interp_next))
        if (i == interpreter)
            return true;
    return false;
}

static bool try_layout(struct cpython_core *core, struct search *s, uint32_t minor)
{
    const struct cpython_layout *known = cpython_layout_find(minor);
    struct cpython_runtime *r = &core->runtime;
    struct cpython_layout *l = &core->layout;
    *l = *known;
    if (minor >= 13)
        cpython_self_described(l, s->runtime);
    uint64_t interpreter = core_word(core, s->runtime + l->interpreters_main);
    if (!mem_plausible(interpreter) || !is_listed(core, s, interpreter))
        return false;
    uint64_t gc = l->gc == NONE ? s->runtime + l->runtime_gc : interpreter + l->gc;
    uint64_t modules = core_word(core, interpreter + l->modules),
             sys = core_word(core, interpreter + l->sysdict),
             builtins = core_word(core, interpreter + l->builtins),
             thread = core_word(core, interpreter + l->threads_head);
    uint64_t dict_type = type_of(core, modules), type_type = type_of(core, dict_type);
    if (minor <= 13 && core_word(core, gc + GC_GENERATION0) != gc + GC_GENERATIONS)
        return false;
    if (mem_plausible(thread) && core_word(core, thread + TSTATE_INTERP) != interpreter)
        return false;
    if (!mem_plausible(type_type) || type_of(core, type_type) != type_type ||
        !(core_word(core, type_type + TP_FLAGS) & TPFLAG_TYPE) ||
        !(core_word(core, dict_type + TP_FLAGS) & TPFLAG_DICT) || type_of(core, sys) != dict_type ||
        type_of(core, builtins) != dict_type)
        return false;
    struct walk *w = s->walk;
    w->layout = l;
    w->str_type = 0; /* known by its flag */
    uint64_t hex = walk_dict_lookup(w, sys, "hexversion"), text = walk_dict_lookup(w, sys, "version"), full;
    if (!mem_plausible(hex) || !mem_plausible(text) || !walk_is_str(w, text))
        return false;
    r->hex = mem_u32(hex + 24); /* one digit, of 30 bits */
    if (r->hex >> 24 != 3)
        return false;
    if ((r->hex >> 16 & 0xff) != minor) /* two versions alike in all that was looked at: 3.9 and 3.10 */
        return cpython_layout_find(r->hex >> 16 & 0xff) != NULL && (r->hex >> 16 & 0xff) != s->walk->count &&
               (s->walk->count = minor, try_layout(core, s, r->hex >> 16 & 0xff));
    size_t n = walk_str(w, text, r->version, sizeof(r->version) - 1, &full);
    r->version[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (r->version[i] == '\n')
            r->version[i] = ' ';
    r->runtime = s->runtime;
    r->layout = l;
    r->type_type = type_type;
    r->dict_type = dict_type;
    const struct {
        uint64_t *ret;
        const char *symbol, *builtin;
    } objects[] = {
        {&r->list_type, "PyList_Type", "list"},  {&r->tuple_type, "PyTuple_Type", "tuple"},
        {&r->set_type, "PySet_Type", "set"},     {&r->frozenset_type, "PyFrozenSet_Type", "frozenset"},
        {&r->str_type, "PyUnicode_Type", "str"}, {&r->none, "_Py_NoneStruct", "None"},
    };
    for (unsigned i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
        if (s->module == NULL || !has_symbol(core, s->module, objects[i].symbol, objects[i].ret))
            *objects[i].ret = walk_dict_lookup(w, builtins, objects[i].builtin);
    return mem_plausible(r->list_type) && mem_plausible(r->tuple_type) && mem_plausible(r->str_type);
}

struct trial {
    struct search *search;
    uint32_t minor;
    bool passed;
};

static void trial_part(struct cpython_core *core, void *context)
{
    struct trial *t = context;
    t->search->walk->count = 0;
    t->passed = try_layout(core, t->search, t->minor);
}

static bool try_runtime(struct cpython_core *core, struct search *s)
{
    bool has_interpreter = false;
    for (uint32_t minor = 8; cpython_layout_find(minor) != NULL && !s->passed; minor++) {
        struct trial t = {s, minor, false};
        if (core_guarded(core, trial_part, &t) && t.passed)
            s->passed = true;
        has_interpreter = has_interpreter ||
                          core_word(core, s->runtime + cpython_layout_find(minor)->interpreters_main) != 0;
    }
    s->empty = s->empty || !has_interpreter;
    return s->passed;
}

/* ---- candidates ---- */

static bool named_python(const struct image_module *m)
{
    return m->name != NULL && strstr(m->name, "python") != NULL;
}

/* Each word of the modules' data, until `each` says that it is enough. */
static void each_word(struct cpython_core *core, const struct image_module *only, struct search *s,
                      bool (*each)(struct cpython_core *core, struct search *s, uint64_t address,
                                   uint64_t word))
{
    enum { MOST = 32 << 20 }; /* bytes of one range that are looked at */
    for (size_t i = 0; i < core->image->module_count; i++) {
        const struct image_module *m = &core->image->modules[i];
        for (uint32_t k = 0; k < m->data_count && (only == NULL || only == m); k++) {
            uint64_t end =
                m->data[k].end - m->data[k].start > MOST ? m->data[k].start + MOST : m->data[k].end;
            for (uint64_t page = m->data[k].start & ~UINT64_C(7); page + 8 <= end;) {
                uint64_t stop = (page & ~UINT64_C(4095)) + 4096;
                stop = stop < end ? stop : end & ~UINT64_C(7);
                const uint8_t *p = address_space_at(&core->image->space, page, stop - page);
                for (uint64_t at = page; p != NULL && at < stop; at += 8, p += 8) {
                    uint64_t word;
                    memcpy(&word, p, 8);
                    if (each(core, s, at, word)) {
                        s->module = m;
                        return;
                    }
                }
                page = stop > page ? stop : page + 8;
            }
        }
    }
}

static bool is_cookie(struct cpython_core *core, struct search *s, uint64_t address, uint64_t word)
{
    if (word != CPYTHON_COOKIE)
        return false;
    s->runtime = address;
    return try_runtime(core, s);
}

/* Is the word an interpreter whose first thread leads back to it? Then _PyRuntime is a little before. */
static bool is_interpreter(struct cpython_core *core, struct search *s, uint64_t address, uint64_t word)
{
    if (!mem_plausible(word))
        return false;
    for (uint32_t minor = 8; minor <= 12; minor++) {
        const struct cpython_layout *l = cpython_layout_find(minor);
        uint64_t thread = core_word(core, word + l->threads_head);
        if (!mem_plausible(thread) || core_word(core, thread + TSTATE_INTERP) != word)
            continue;
        s->runtime = address - l->interpreters_main;
        if (try_runtime(core, s))
            return true;
        s->runtime = address - l->interpreters_head; /* the same word, were it the list's head */
        if (core_word(core, s->runtime + l->interpreters_main) == word && try_runtime(core, s))
            return true;
    }
    return false;
}

static bool by_symbols(struct cpython_core *core, struct search *s)
{
    bool any = false;
    struct image_range range;
    for (unsigned pass = 0; pass < 2 && !s->passed; pass++) {
        for (size_t i = 0; i < core->image->module_count && !s->passed; i++) {
            const struct image_module *m = &core->image->modules[i];
            if ((pass == 0) != (named_python(m) || m->executable))
                continue;
            if (has_symbol(core, m, "_PyRuntime", &s->runtime) ||
                (core->image->section != NULL &&
                 core->image->section(core->image->self, m, ".PyRuntime", &range) &&
                 (s->runtime = range.start) != 0)) {
                any = true;
                s->module = m;
                s->by_symbol = s->runtime;
                try_runtime(core, s); /* several: the first that runs */
            }
        }
        if (any)
            break;
    }
    return any;
}

/* ---- what is there if it cannot be walked ---- */

/* The text that Py_GetVersion made, in a module's data: "3.11.2 (main, ...) [GCC 12.2.0]". */
static void version_text(const struct cpython_core *core, const struct image_module *m, char *out,
                         size_t size)
{
    for (uint32_t k = 0; k < m->data_count; k++) {
        for (uint64_t page = m->data[k].start & ~UINT64_C(4095); page < m->data[k].end; page += 4096) {
            const uint8_t *p = address_space_at(&core->image->space, page, 4096);
            if (p == NULL)
                continue;
            for (const uint8_t *at = p; (at = memmem(at, (size_t)(p + 4096 - at), "[GCC ", 5)) != NULL;
                 at++) {
                const uint8_t *begin = at;
                while (begin > p && begin[-1] != '\0' && at - begin < 120)
                    begin--;
                if (begin[0] < '2' || begin[0] > '9' || begin[1] != '.')
                    continue;
                size_t n = 0;
                for (; n < size - 1 && begin + n < p + 4096 && begin[n] >= ' '; n++)
                    out[n] = (char)begin[n];
                out[n] = '\0';
                return;
            }
        }
    }
}

/* An interpreter that has no modules: just being made, or just being taken apart. */
static bool without_modules(const struct cpython_core *core, const struct search *s, uint32_t hex)
{
    const struct cpython_layout *l = cpython_layout_find(hex >> 16 & 0xff);
    uint64_t interpreter =
        l == NULL || s->runtime == 0 ? 0 : core_word(core, s->runtime + l->interpreters_main);
    return l != NULL && s->runtime != 0 &&
           (!mem_plausible(interpreter) || core_word(core, interpreter + l->modules) == 0);
}

static bool is_interpreter_file(const struct image_module *m)
{
    return m->name != NULL &&
           (strncmp(m->name, "libpython3.", 11) == 0 || strncmp(m->name, "python3.", 8) == 0);
}

/* Memory itself says so, not the lack of it. */
static bool absent(struct cpython_core *core, const struct search *s, uint32_t hex)
{
    const struct cpython_layout *l = cpython_layout_find(hex >> 16 & 0xff);
    if (l == NULL)
        return false;
    core->layout = *l;
    return core_interpreter_absent(core, s->by_symbol);
}

static enum cpython_verdict verdict_of(struct cpython_core *core, struct search *s, bool any)
{
    struct cpython_runtime *r = &core->runtime;
    const struct image_module *m = s->module;
    const char *text = s->passed ? r->version : s->version;
    for (size_t i = 0; m == NULL && i < core->image->module_count; i++) /* an old one has no _PyRuntime */
        if (has_symbol(core, &core->image->modules[i], "Py_GetVersion", NULL))
            m = &core->image->modules[i];
    bool missing = !s->passed && core_memory_missing(core);
    for (size_t i = 0; missing && m == NULL && i < core->image->module_count; i++)
        m = is_interpreter_file(&core->image->modules[i]) ? &core->image->modules[i] : NULL;
    if (m != NULL && !s->passed)
        version_text(core, m, s->version, sizeof(s->version));
    if (!any && !s->passed && m == NULL)
        return CPYTHON_ABSENT;
    uint32_t hex = s->passed         ? r->hex
                   : text[0] != '\0' ? cpython_version_hex(text)
                                     : core_version_of_files(core, m);
    if (m != NULL &&
        (has_symbol(core, m, "_Py_MergeZeroLocalRefcount", NULL) || strstr(text, "free-threading") != NULL)) {
        cpython_say(r, "CPython ", text, " is a free-threaded build: its objects are not walked");
        return CPYTHON_FREE_THREADED;
    }
    if (m != NULL &&
        (has_symbol(core, m, "_Py_NegativeRefcount", NULL) || has_symbol(core, m, "_Py_RefTotal", NULL))) {
        cpython_say(r, "CPython ", text, " is a debug build: its objects are not walked");
        return CPYTHON_DEBUG_BUILD;
    }
    if (s->passed)
        return CPYTHON_FOUND;
    if (hex != 0 && hex < 0x03080000) {
        cpython_say(r, "CPython ", text, " is older than 3.8: its objects are not walked");
        return CPYTHON_TOO_OLD;
    }
    if (hex != 0 && (hex >> 24 != 3 || cpython_layout_find(hex >> 16 & 0xff) == NULL)) {
        cpython_say(r, "CPython ", text,
                    " has no layout in this version of heldby: its objects are not walked");
        return CPYTHON_UNKNOWN;
    }
    if (missing && core_find_partly(core, m, s->by_symbol, hex)) {
        if (text[0] != '\0')
            snprintf(r->version, sizeof(r->version), "%s", text);
        else
            snprintf(r->version, sizeof(r->version), (hex >> 8 & 0xff) != 0 ? "%u.%u.%u" : "%u.%u", hex >> 24,
                     hex >> 16 & 0xff, hex >> 8 & 0xff);
        return CPYTHON_FOUND;
    }
    if (text[0] == '\0' && (hex == 0 || missing))
        cpython_say(r,
                    "CPython's own structures are not in the memory that is here: its objects are not walked",
                    "", "");
    else if (missing && !absent(core, s, hex))
        cpython_say(r, "CPython ", text,
                    ": its own structures are in memory that is not here: its objects are not walked");
    else if (s->empty || without_modules(core, s, hex))
        cpython_say(r, "CPython ", text, " has no interpreter: it was not initialised yet, or has ended");
    else
        cpython_say(r, "CPython ", text, " is here, but its structures are not where this version has them");
    return CPYTHON_MISMATCH;
}

enum cpython_verdict cpython_core_find(struct cpython_core **ret, const struct process_image *image,
                                       char *problem, struct error *err)
{
    *ret = NULL;
    problem[0] = '\0';
    struct cpython_core *core = calloc(1, sizeof(*core));
    struct search s = {.walk = calloc(1, sizeof(struct walk))};
    enum cpython_verdict verdict = CPYTHON_ABSENT;
    if (core == NULL || s.walk == NULL) {
        error_no_memory(err);
        free(core);
        free(s.walk);
        memcpy(problem, "no memory", 10);
        return CPYTHON_MISMATCH;
    }
    core->image = image;
    bool any = by_symbols(core, &s);
    if (!s.passed)
        each_word(core, NULL, &s, is_cookie);
    if (!s.passed && !s.empty)
        each_word(core, NULL, &s, is_interpreter);
    verdict = verdict_of(core, &s, any);
    free(s.walk);
    snprintf(problem, 160, "%s", core->runtime.problem);
    if (verdict != CPYTHON_FOUND) {
        free(core->stand_ins);
        free(core);
        return verdict;
    }
    core->pool_size = core->layout.minor >= 10 ? 16384 : 4096; /* Objects/obmalloc.c, POOL_BITS */
    *ret = core;
    return verdict;
}
