/* What keeps objects alive from outside: modules, threads and their frames, the interpreter's own fields. */
#include "formats/cpython/walk.h"

static void root(struct walk *w, const struct snapshot_root *r, uint64_t target)
{
    struct snapshot_root out = *r;
    out.target = walk_id(w, target);
    if (out.target == 0)
        return;
    snapshot_writer_root(w->writer, &out);
    w->roots++;
}

/* A field of an interpreter or thread structure that is an object. */
static void field_root(struct walk *w, uint32_t kind, const char *name, uint64_t structure, uint32_t offset,
                       uint32_t thread)
{
    if (offset == NONE)
        return;
    uint64_t target = mem_u64(structure + offset);
    if (mem_plausible(target) && target != w->none)
        root(w, &(struct snapshot_root){.kind = kind, .name = walk_string(w, name), .thread = thread},
             target);
}

/* ---- modules ---- */

static bool module_each(void *context, uint64_t key, uint64_t value)
{
    struct walk *w = context;
    if (value != w->none)
        root(w,
             &(struct snapshot_root){.kind = ROOT_MODULE,
                                     .name = walk_is_str(w, key) ? walk_string_of(w, key) : 0},
             value);
    return true;
}

static void modules(struct walk *w, void *interpreter)
{
    uint64_t i = *(const uint64_t *)interpreter;
    walk_dict_each(w, mem_u64(i + w->layout->modules), module_each, w);
}

/* ---- the interpreter ---- */

static uint32_t behind(uint32_t offset, uint32_t distance)
{
    return offset == NONE ? NONE : offset + distance;
}

static void interpreter_fields(struct walk *w, void *interpreter)
{
    const struct cpython_layout *l = w->layout;
    uint64_t i = *(const uint64_t *)interpreter;
    uint64_t gc = l->gc == NONE ? w->runtime + l->runtime_gc : i + l->gc;
    const struct {
        const char *name;
        uint32_t offset;
    } fields[] = {
        {"sys.modules", l->modules},
        {"modules by index", l->modules + 8},
        {"sys", l->sysdict},
        {"builtins", l->builtins},
        {"importlib", l->importlib},
        {"interpreter dict", l->interp_dict},
        {"codec search path", l->codec_search_path},
        {"codec cache", behind(l->codec_search_path, 8)},
        {"codec error handlers", behind(l->codec_search_path, 16)},
        {"before fork", l->before_forkers},
        {"after fork in parent", behind(l->before_forkers, 8)},
        {"after fork in child", behind(l->before_forkers, 16)},
    };
    for (unsigned k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
        field_root(w, ROOT_INTERPRETER, fields[k].name, i, fields[k].offset, 0);
    field_root(w, ROOT_INTERPRETER, "gc.garbage", gc, l->gc_garbage, 0);
    field_root(w, ROOT_INTERPRETER, "gc.callbacks", gc, l->gc_garbage + 8, 0);
}

/* ---- threads ---- */

/* The text of threading._active[ident].name, and whether that is the main thread. */
struct thread_name {
    struct walk *w;
    uint64_t ident, thread;
};

static uint64_t int_value(struct walk *w, uint64_t object)
{
    if (!mem_plausible(object) || walk_type_of(w, mem_u64(object + OB_TYPE))->family != FAMILY_INT)
        return 0;
    uint64_t n = w->layout->minor >= 12 ? mem_u64(object + OB_SIZE) >> 3 : mem_u64(object + OB_SIZE),
             value = 0;
    for (uint64_t d = 0; d < n && d < 3; d++)
        value |= (uint64_t)mem_u32(object + 24 + 4 * d) << (30 * d);
    return value;
}

static bool active_each(void *context, uint64_t key, uint64_t value)
{
    struct thread_name *n = context;
    if (int_value(n->w, key) != n->ident)
        return true;
    n->thread = value;
    return false;
}

/* An attribute of an instance, by name: inline values or its dict. */
static uint64_t attribute(struct walk *w, uint64_t object, const char *name)
{
    struct walk_type *t = walk_type_of(w, mem_u64(object + OB_TYPE));
    uint64_t values = 0, dict = 0;
    struct walk_keys k;
    if (t->dict_offset == WALK_MANAGED)
        dict = walk_managed(w, t, object, &values);
    else if (t->dict_offset > 0)
        dict = mem_u64(object + (uint64_t)t->dict_offset);
    if (values == 0)
        return walk_dict_lookup(w, dict, name);
    if (t->keys == 0 || !walk_keys_read(w, t->keys, &k))
        return 0;
    for (uint32_t i = 0; i < t->key_count; i++) {
        uint64_t key = mem_u64(k.entries + i * k.stride + k.key);
        if (key != 0 && walk_str_equals(w, key, name))
            return mem_u64(values + 8 * (uint64_t)i);
    }
    return 0;
}

static uint64_t module_dict(struct walk *w, uint64_t interpreter, const char *name)
{
    uint64_t module = walk_dict_lookup(w, mem_u64(interpreter + w->layout->modules), name);
    return mem_plausible(module) && walk_type_of(w, mem_u64(module + OB_TYPE))->family == FAMILY_MODULE
               ? mem_u64(module + MODULE_DICT)
               : 0;
}

/* *native: filled in from the Thread object where the thread state does not have it (before 3.11). */
static uint32_t thread_name(struct walk *w, uint64_t interpreter, uint64_t ident, bool is_main,
                            uint64_t *native)
{
    struct thread_name n = {w, ident, 0};
    uint64_t dict = module_dict(w, interpreter, "threading"), full;
    uint64_t active = dict != 0 ? walk_dict_lookup(w, dict, "_active") : 0;
    if (mem_plausible(active) && mem_u64(active + OB_TYPE) == w->dict_type)
        walk_dict_each(w, active, active_each, &n);
    uint64_t name = n.thread != 0 ? attribute(w, n.thread, "_name") : 0;
    if (*native == 0 && n.thread != 0)
        *native = int_value(w, attribute(w, n.thread, "_native_id"));
    if (name != 0 && walk_is_str(w, name)) {
        size_t length = walk_str(w, name, w->text, 1024, &full);
        return snapshot_writer_string(w->writer, w->text, length);
    }
    if (is_main)
        return walk_string(w, "MainThread"); /* as threading will call it once it is imported */
    size_t length = *native != 0 ? walk_native_name(w, *native, w->text, 64) : 0;
    return snapshot_writer_string(w->writer, w->text, length);
}

struct thread_naming {
    uint64_t interpreter, ident, native;
    uint32_t name;
    bool is_main;
};

static void thread_naming(struct walk *w, void *context)
{
    struct thread_naming *n = context;
    n->name = thread_name(w, n->interpreter, n->ident, n->is_main, &n->native);
}

struct thread_walk {
    uint64_t interpreter, state, frame;
    uint32_t thread, depth, interpreter_number;
};

static void thread_fields(struct walk *w, void *context)
{
    struct thread_walk *t = context;
    const struct cpython_layout *l = w->layout;
    uint64_t s = t->state, ident = mem_u64(s + l->thread_id),
             native = l->native_id == NONE ? 0 : mem_u64(s + l->native_id);
    uint32_t flags = walk_native_main(w, native) ? THREAD_MAIN : 0;
    if (native == 0 &&
        mem_u64(s + TSTATE_NEXT) == 0) /* before 3.11: the oldest state, which is last in the list */
        flags = THREAD_MAIN;
    struct thread_naming n = {t->interpreter, ident, native, 0, flags & THREAD_MAIN};
    if (!walk_guarded(w, thread_naming, &n))
        w->roots_missing = true;
    t->thread = snapshot_writer_thread(w->writer, ident, n.native, n.name, flags, t->interpreter_number);
    walk_native_thread(w, ident, t->thread);
    uint64_t frame = mem_u64(s + l->frame);
    if (l->cframe_current != NONE && frame != 0)
        frame = mem_u64(frame + l->cframe_current);
    t->frame = frame;
    const struct {
        const char *name;
        uint32_t offset;
    } fields[] = {
        {"thread dict", l->thread_dict},
        {"context", l->context},
        {"pending exception", l->async_exc},
        {"profile function", l->profile},
        {"trace function", l->profile + 8},
        {"async generator hook", l->asyncgen_firstiter},
        {"async generator finalizer", l->asyncgen_firstiter + 8},
    };
    for (unsigned k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
        field_root(w, ROOT_THREAD, fields[k].name, s, fields[k].offset, t->thread);
    for (uint32_t k = 0; k < l->current_exception_count; k++)
        field_root(w, ROOT_THREAD, "exception in flight", s, l->current_exception + 8 * k, t->thread);
    uint64_t item = mem_u64(s + l->exc_info);
    for (unsigned guard = 0; mem_plausible(item) && guard < 10000; guard++) {
        field_root(w, ROOT_THREAD, "handled exception", item, l->exc_value, t->thread);
        item = mem_u64(item + l->exc_previous);
    }
}

struct stack_word {
    uint64_t word;
    bool object;
};

static void look(struct walk *w, void *context)
{
    struct stack_word *s = context;
    s->object = walk_looks_like_object(w, s->word);
    /* The frame of a running call (3.8 to 3.10) has one reference, its own: the word was left by something
     * that lay there before. */
    if (s->object && walk_type_of(w, mem_u64(s->word + OB_TYPE))->family == FAMILY_FRAME)
        s->object = mem_u64(s->word + OB_REFCNT) > 1;
}

struct frame_walk {
    struct thread_walk *thread;
    struct walk_frame frame;
    uint32_t id;
    bool found;
};

static uint32_t module_name(struct walk *w, uint64_t globals)
{
    if (!mem_plausible(globals) || !(walk_type_of(w, mem_u64(globals + OB_TYPE))->flags & TPFLAG_DICT))
        return 0;
    uint64_t name = walk_dict_lookup(w, globals, "__name__");
    return name != 0 && walk_is_str(w, name) ? walk_string_of(w, name) : 0;
}

enum { OWNED_BY_GENERATOR = 1 }; /* Include/internal/pycore_frame.h, enum _frameowner */

/* One frame: its record, and a root for every local. Sets thread->frame to the one before it. */
static void frame(struct walk *w, void *context)
{
    struct frame_walk *c = context;
    struct walk_frame *f = &c->frame;
    const struct cpython_layout *l = w->layout;
    uint64_t at = c->thread->frame;
    c->thread->frame = mem_u64(at + l->frame_back);
    c->found = walk_frame_read(w, at, f) && !walk_hook_owns(w, f->globals);
    if (!c->found)
        return;
    uint64_t name = mem_u64(f->code + (l->code_qualname != NONE ? l->code_qualname : l->code_name)),
             file = mem_u64(f->code + l->code_filename);
    c->id =
        snapshot_writer_frame(w->writer, &(struct snapshot_frame){
                                             .thread = c->thread->thread,
                                             .depth = c->thread->depth++,
                                             .function = walk_is_str(w, name) ? walk_string_of(w, name) : 0,
                                             .module = module_name(w, f->globals),
                                             .file = walk_is_str(w, file) ? walk_string_of(w, file) : 0,
                                             .line = f->line,
                                             .code = walk_id(w, f->code),
                                         });
    struct snapshot_root r = {.kind = ROOT_FRAME, .thread = c->thread->thread, .frame = c->id};
    if (l->minor >= 11 && mem_u8(at + l->frame_owner) == OWNED_BY_GENERATOR) {
        /* the root is the generator itself: what it holds is spelled as the frame's */
        root(w, &r, at - l->gen_frame);
        if (f->stack_exact) { /* not on top: the generator itself reports its locals */
            f->stack_count = 0;
            return;
        }
    }
    for (uint32_t i = 0; i < f->slot_count; i++) {
        uint64_t target = walk_local(w, f->slots + 8 * (uint64_t)i),
                 local = mem_plausible(target) ? walk_local_name(w, f->code, i) : 0;
        r.reference = REFERENCE_LOCAL;
        r.name = local != 0 ? walk_string_of(w, local) : 0;
        r.number = i;
        if (mem_plausible(target))
            root(w, &r, target);
    }
    const struct {
        const char *name;
        uint64_t target;
        uint32_t kind;
    } parts[] = {{"f_code", f->code, REFERENCE_FIELD},
                 {"f_globals", f->globals, REFERENCE_GLOBALS},
                 {"f_locals", f->locals_dict, REFERENCE_FIELD},
                 {"<function>", f->function, REFERENCE_FIELD}};
    if (l->minor >= 11 && mem_u8(at + l->frame_owner) == OWNED_BY_GENERATOR)
        return; /* the generator holds these */
    for (unsigned k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
        if (!mem_plausible(parts[k].target) || parts[k].target == w->none)
            continue;
        r.reference = parts[k].kind;
        r.name = walk_string(w, parts[k].name);
        r.number = 0;
        root(w, &r, parts[k].target);
    }
}

static void expression_stack(struct walk *w, struct frame_walk *c, const struct capture_call *call)
{
    struct walk_frame *f = &c->frame;
    struct snapshot_root r = {
        .kind = ROOT_FRAME, .reference = REFERENCE_STACK, .thread = c->thread->thread, .frame = c->id};
    r.certainty = f->stack_exact ? CERTAINTY_EXACT : CERTAINTY_UNCERTAIN;
    for (uint32_t i = 0; i < f->stack_count; i++) {
        struct stack_word s = {walk_local(w, f->stack + 8 * (uint64_t)i), false};
        if (walk_hook_call(w, f, i, call))
            break;
        if (!mem_plausible(s.word) || s.word == w->none || !walk_guarded(w, look, &s) || !s.object)
            continue;
        r.number = i;
        root(w, &r, s.word);
    }
}

static bool is_hook_thread(const struct walk *w, uint64_t state)
{
    const struct capture_request *q = w->request;
    if (w->layout->native_id != NONE && q->skip_native_thread != 0 &&
        mem_u64(state + w->layout->native_id) == q->skip_native_thread)
        return true;
    return q->skip_ident != 0 && mem_u64(state + w->layout->thread_id) == q->skip_ident;
}

/* Once per thread, and per frame: false when a list leads in a circle, which only damaged memory does. */
static bool goes_on(struct walk *w, uint64_t most)
{
#ifdef HELDBY_MEMORY_SPACE
    return w->steps++ < most;
#else
    (void)w, (void)most;
    return true;
#endif
}

void walk_roots(struct walk *w)
{
    enum { MOST_THREADS = 1000000, MOST_FRAMES = 20000000 }; /* over all interpreters */
    const struct cpython_layout *l = w->layout;
    uint32_t number = 0;
    for (uint64_t i = mem_u64(w->runtime + l->interpreters_head); i != 0 && number < 1000;
         i = mem_u64(i + l->interp_next), number++) {
        if (!walk_guarded(w, modules, &i))
            w->roots_missing = true;
        if (!walk_guarded(w, interpreter_fields, &i))
            w->roots_missing = true;
        uint64_t state = mem_u64(i + l->threads_head);
        for (unsigned guard = 0; mem_plausible(state) && guard < 100000 && goes_on(w, MOST_THREADS);
             state = mem_u64(state + TSTATE_NEXT), guard++) {
            struct thread_walk t = {.interpreter = i, .state = state, .interpreter_number = number};
            if (is_hook_thread(w, state))
                continue;
            if (!walk_guarded(w, thread_fields, &t)) {
                w->roots_missing = true;
                if (t.thread == 0) /* not written, either */
                    continue;
            }
            const struct capture_call *call = walk_hook_call_of(w, state);
            while (mem_plausible(t.frame) && goes_on(w, MOST_FRAMES)) {
                struct frame_walk c = {.thread = &t};
                if (!walk_guarded(w, frame, &c)) {
                    w->roots_missing = true;
                    break;
                }
                if (!c.found)
                    continue;
                expression_stack(w, &c, call);
                call = NULL; /* only the innermost frame of the program is the caller's */
            }
        }
    }
    w->interpreters = number;
}
