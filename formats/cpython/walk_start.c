/* The beginning of a walk: is the interpreter where its version has it, and what does it say of itself? */
#include "formats/cpython/walk.h"

bool walk_check(struct walk *w)
{
    const struct cpython_layout *l = w->layout;
    const struct cpython_runtime *r = w->request->runtime;
    w->type_type = r->type_type, w->list_type = r->list_type, w->dict_type = r->dict_type,
    w->tuple_type = r->tuple_type;
    w->set_type = r->set_type, w->frozenset_type = r->frozenset_type, w->str_type = r->str_type,
    w->none = r->none;
    w->interpreter = mem_u64(w->runtime + l->interpreters_main);
    if (!mem_plausible(w->interpreter))
        return false;
    uint64_t gc = l->gc == NONE ? w->runtime + l->runtime_gc : w->interpreter + l->gc;
    uint64_t thread = mem_u64(w->interpreter + l->threads_head),
             modules = mem_u64(w->interpreter + l->modules);
    if (l->minor <= 13 && mem_u64(gc + GC_GENERATION0) != gc + GC_GENERATIONS)
        return false;
    if (mem_plausible(thread) && mem_u64(thread + TSTATE_INTERP) != w->interpreter)
        return false;
    return mem_plausible(modules) && mem_u64(modules + OB_TYPE) == w->dict_type;
}

/* The traverse function that all classes made by a class statement share: that of an import machinery's
 * class. */
static uint64_t find_python_traverse(struct walk *w)
{
    static const char *const classes[][2] = {
        {"_frozen_importlib", "ModuleSpec"}, {"importlib._bootstrap", "ModuleSpec"}, {"os", "_Environ"}};
    uint64_t modules = mem_u64(w->interpreter + w->layout->modules);
    for (unsigned i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        uint64_t module = walk_dict_lookup(w, modules, classes[i][0]);
        if (!mem_plausible(module))
            continue;
        uint64_t found = walk_dict_lookup(w, mem_u64(module + MODULE_DICT), classes[i][1]);
        if (mem_plausible(found) && mem_u64(found + OB_TYPE) == w->type_type &&
            mem_u64(found + TP_FLAGS) & TPFLAG_HEAPTYPE)
            return mem_u64(found + TP_TRAVERSE);
    }
    return 0;
}

static void python_traverse(struct walk *w, void *context)
{
    (void)context;
    uint64_t found = find_python_traverse(w);
    w->python_traverse = found != 0 ? found : w->python_traverse;
}

bool walk_runtime_known(struct walk *w)
{
    walk_guarded(w, python_traverse, NULL);
    w->type_traverse = mem_u64(w->type_type + TP_TRAVERSE);
    return walk_types_init(w);
}

void walk_runtime_facts(struct walk *w)
{
    const struct capture_request *q = w->request;
    uint64_t gc = w->layout->gc == NONE ? w->runtime + w->layout->runtime_gc : w->interpreter + w->layout->gc;
    static const char *const counts[3] = {"gc.count.0", "gc.count.1", "gc.count.2"};
    static const char *const thresholds[3] = {"gc.threshold.0", "gc.threshold.1", "gc.threshold.2"};
    snapshot_writer_fact_text(w->writer, "runtime", "cpython", 7);
    snapshot_writer_fact_text(w->writer, "runtime_version", q->runtime->version, strlen(q->runtime->version));
    snapshot_writer_fact_u64(w->writer, "runtime_hex", q->runtime->hex);
    snapshot_writer_fact_u64(w->writer, "values", q->value_bytes);
    const char *mode = q->mode != NULL ? q->mode : q->in_process ? "in_process" : "fork";
    snapshot_writer_fact_text(w->writer, "mode", mode, strlen(mode));
    snapshot_writer_fact_u64(w->writer, "without_gil", !q->synchronised);
    for (uint64_t g = 0; g < 3; g++) {
        snapshot_writer_fact_u64(w->writer, thresholds[g],
                                 mem_u32(gc + GC_GENERATIONS + g * GC_GENERATION_SIZE + 16));
        snapshot_writer_fact_u64(w->writer, counts[g],
                                 mem_u32(gc + GC_GENERATIONS + g * GC_GENERATION_SIZE + 20));
    }
    snapshot_writer_fact_u64(w->writer, "gc.collecting", mem_u32(gc + w->layout->gc_collecting) != 0);
}
