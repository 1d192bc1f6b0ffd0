/* The walk over an image: the collector's lists and the roots, what they lead to, and then what only the scan
 * found. */
#include "formats/cpython/cpython_core_private.h"

#include <errno.h>

uint32_t walk_first_sight(struct walk *w, uint64_t address)
{
    struct cpython_core *core = w->core;
    uint64_t entry = address;
    if (block_index_has(&core->objects, address)) {
        if (core->unlisted) {
            const struct core_type *t = core_type_find(&core->types, core_word(core, address + OB_TYPE));
            bool headless =
                t != NULL && t->metatype && !(core_word(core, address + TP_FLAGS) & TPFLAG_HEAPTYPE);
            if (t != NULL && !headless && t->header >= 16 && core_word(core, address - 16) != 0)
                entry |= WALK_TRACKED;
        }
    } else if (core->native != NULL && block_index_has(core->native, address)) {
        entry |= WALK_NATIVE;
    } else if (!core_is_static(core, address) && !core_may_be_object(core, address)) {
        return ADDRESS_MAP_EXCLUDED;
    }
    return walk_append(w, entry);
}

void walk_native(struct walk *w, uint64_t block, uint32_t id)
{
    w->core->visitor->visit(w->core->visitor->context, w->core, block, id);
    w->visiting = false;
}

/* Up to 3.10 the frame of a running call is an object, but of its thread's stack, not of the heap
 * (Include/cpython/frameobject.h: f_executing; 3.10: f_state, where 0 is executing). */
static bool runs(const struct walk *w, uint64_t object)
{
    if (w->layout->minor > 10 || core_word(w->core, object + OB_TYPE) != w->core->frame_type)
        return false;
    uint8_t state = 0;
    address_space_copy(&w->core->image->space, object + w->layout->frame_owner, &state, 1);
    return w->layout->minor == 10 ? state == 0 : state != 0;
}

void cpython_core_push(struct cpython_core *core, uint64_t address)
{
    walk_push(core->walk, runs(core->walk, address) ? 0 : address);
}

static void rings_stage(struct walk *w, void *context)
{
    (void)context;
    walk_rings(w);
}

static void facts_stage(struct walk *w, void *context)
{
    (void)context;
    walk_runtime_facts(w);
}

static void roots_stage(struct walk *w, void *context)
{
    (void)context;
    walk_roots(w);
}

static void check_stage(struct walk *w, void *context)
{
    *(bool *)context = walk_check(w);
}

static void collecting_stage(struct walk *w, void *context)
{
    *(bool *)context = cpython_gc_running(&w->core->runtime);
}

/* Objects that the scan found and nothing has led to. */
static void append_scanned(struct walk *w)
{
    const struct block_index *objects = &w->core->objects;
    bool unlisted = w->core->unlisted;
    w->core->unlisted = true;
    struct core_blocks blocks = {0};
    for (uint64_t object; (object = core_next_block(objects, &blocks)) != 0;)
        if (address_map_get(&w->map, object) == 0 && !runs(w, object))
            walk_id(w, object);
    w->core->unlisted = unlisted;
}

static void compare(struct cpython_core *core)
{
    const struct walk *w = core->walk;
    struct cpython_core_counts *c = &core->counts;
    c->listed = core->listed;
    for (uint32_t id = 1; id <= w->count; id++) {
        uint64_t entry = walk_entry(w, id), address = walk_address(entry);
        if (id <= core->listed)
            c->only_listed +=
                !block_index_has(&core->objects, address) && !walk_is_static(core->walk, address);
        else if (entry & WALK_TRACKED)
            c->only_scanned++;
    }
}

static const char *stages(struct cpython_core *core)
{
    struct walk *w = core->walk;
    sigjmp_buf here;
    if (sigsetjmp(here, 0) != 0)
        return "a bad address outside an object's visit";
    w->guard = &here;
    walk_static_init(w);
    bool fits = false;
    walk_guarded(w, check_stage, &fits);
    if (!fits && !core->partly)
        return "the interpreter's structures are not where this version has them";
    bool collecting = true; /* if that cannot be read */
    walk_guarded(w, facts_stage, NULL);
    if (core->partly)
        w->python_traverse = core_class_traverse(core);
    if (!walk_runtime_known(w))
        return "no memory for the walk";
    walk_guarded(w, collecting_stage, &collecting);
    if (!walk_guarded(w, rings_stage, NULL) || w->rings_broken)
        core->unlisted = true;
    core->unlisted = core->unlisted || collecting;
    core->listed = w->count;
    if (!walk_guarded(w, roots_stage, NULL) || w->roots_missing)
        w->limits =
            core_memory_missing(core)
                ? "the interpreter's state is, or parts of it are, in memory that the core does not have: "
                  "roots and names of modules are missing"
                : "memory of the interpreter cannot be read: not all of Python's roots are known";
    walk_all(w);
    core->scanned = w->count;
    append_scanned(w);
    walk_more(w);
    walk_identifiers_out(w);
    w->guard = NULL;
    return w->memory.failed ? "no memory for the walk" : NULL;
}

bool cpython_core_walk(struct cpython_core *core, const struct cpython_core_request *request,
                       struct error *err)
{
    if (!capture_memory_init(&core->memory))
        return error_no_memory(err);
    struct walk *w = capture_alloc(&core->memory, sizeof(*w));
    if (w == NULL)
        return error_no_memory(err);
    w->memory = core->memory;
    w->writer = request->writer;
    w->core = core;
    core->walk = w;
    w->most_objects = core->most_blocks;
    w->most_edges = core->most_blocks * 16; /* a reference is a word; shared keys name some of them again */
    core->visitor = request->native;
    core->native = request->native != NULL ? request->native->index : NULL;
    core->request = (struct capture_request){.runtime = &core->runtime,
                                             .shared = &core->shared,
                                             .value_bytes = request->value_bytes,
                                             .mode = "core",
                                             .synchronised = true};
    const struct memory_view outer = memory_view;
    memory_view = core_view(core, &w->guard);
    const char *problem = walk_init(w, &core->request) ? stages(core) : "no memory for the walk";
    memory_view = outer;
    core->memory = w->memory;
    if (problem != NULL)
        return w->memory.failed ? error_no_memory(err) : error_set(err, ERROR_BAD_INPUT, "%s", problem);
    struct cpython_core_counts *c = &core->counts;
    c->objects = w->current;
    c->edges = w->pushed;
    c->roots = w->roots;
    c->faults = w->faults;
    c->limits = w->limits;
    compare(core);
    int error = snapshot_writer_errno(w->writer);
    return error == 0 || error_system(err, "", error, "cannot write the snapshot");
}

uint32_t cpython_core_id(const struct cpython_core *core, uint64_t address)
{
    uint32_t id =
        core->walk != NULL && mem_plausible(address) ? address_map_get(&core->walk->map, address) : 0;
    return id == ADDRESS_MAP_EXCLUDED ? 0 : id;
}

uint32_t cpython_core_last_id(const struct cpython_core *core)
{
    return core->walk == NULL ? 0 : core->walk->count;
}
