/* What the walker asks about the process itself: modules, threads. An image has no hook in it that could own
 * anything. */
#include "formats/cpython/cpython_core_private.h"

void walk_static_init(struct walk *w)
{
    const struct process_image *image = w->core->image;
    w->statics = capture_alloc(&w->memory, (image->module_count + 1) * sizeof(w->statics[0]));
    w->areas = capture_alloc(&w->memory, (image->space.region_count + 1) * sizeof(w->areas[0]));
    if (w->statics == NULL || w->areas == NULL)
        return;
    for (size_t i = 0; i < image->module_count; i++)
        if (image->modules[i].end > image->modules[i].start)
            w->statics[w->static_count++] =
                (struct walk_range){image->modules[i].start, image->modules[i].end};
    for (size_t i = 0; i < image->space.region_count; i++) {
        const struct memory_region *r = &image->space.regions[i];
        if (!(r->access & MEMORY_WRITE) || r->present == 0)
            continue;
        struct walk_range *last = w->area_count > 0 ? &w->areas[w->area_count - 1] : NULL;
        if (last != NULL && last->end == r->start)
            last->end = r->start + r->present;
        else
            w->areas[w->area_count++] = (struct walk_range){r->start, r->start + r->present};
    }
}

bool walk_native_main(const struct walk *w, uint64_t native)
{
    return native != 0 && native == w->core->image->pid;
}

void walk_native_thread(struct walk *w, uint64_t ident, uint32_t id)
{
    struct cpython_core *core = w->core;
    if (core->threads == NULL)
        core->threads = capture_alloc(&w->memory, (core->image->thread_count + 1) * sizeof *core->threads);
    if (core->threads != NULL && core->thread_count < core->image->thread_count)
        core->threads[core->thread_count++] = (struct core_thread){ident, id};
}

enum { MOST_INTERPRETERS = 1000, MOST_THREADS = 100000 };

void cpython_core_structures(const struct cpython_core *core,
                             void (*each)(void *context, uint64_t address, const char *name), void *context)
{
    const struct cpython_layout *l = &core->layout;
    uint64_t interpreter = core_word(core, core->runtime.runtime + l->interpreters_head);
    unsigned threads = 0;
    for (unsigned i = 0; interpreter != 0 && i < MOST_INTERPRETERS; i++) {
        each(context, interpreter, "PyInterpreterState");
        uint64_t state = core_word(core, interpreter + l->threads_head);
        for (; state != 0 && threads < MOST_THREADS; threads++) {
            each(context, state, "PyThreadState");
            state = core_word(core, state + TSTATE_NEXT);
        }
        interpreter = core_word(core, interpreter + l->interp_next);
    }
}

struct unused {
    const struct cpython_core *core;
    void (*each)(void *context, uint64_t start, uint64_t end);
    void *context;
    unsigned chunks; /* looked at */
};

/* The chunks of one thread, the newest first; they say themselves how large they are. */
static void data_stack(void *context, uint64_t state, const char *name)
{
    enum { MOST_CHUNKS = 1000000, LARGEST = 1 << 30, PAGE = 4096 };
    struct unused *u = context;
    const struct cpython_core *core = u->core;
    const struct cpython_layout *l = &core->layout;
    if (strcmp(name, "PyThreadState") != 0)
        return;
    uint64_t chunk = core_word(core, state + l->datastack_chunk),
             top = core_word(core, state + l->datastack_chunk + 8),
             limit = core_word(core, state + l->datastack_chunk + 16);
    for (bool newest = true; mem_plausible(chunk) && u->chunks++ < MOST_CHUNKS; newest = false) {
        uint64_t size = core_word(core, chunk + STACK_CHUNK_SIZE);
        uint64_t used = core_word(core, chunk + STACK_CHUNK_TOP);
        if (size < PAGE || size > LARGEST || size % PAGE != 0 || used > size / 8 ||
            (newest && limit != chunk + size))
            return;
        if (!newest)
            top = chunk + STACK_CHUNK_DATA + 8 * used;
        if (top < chunk + STACK_CHUNK_DATA || top > chunk + size)
            return;
        u->each(u->context, top, chunk + size);
        chunk = core_word(core, chunk);
    }
}

void cpython_core_unused(const struct cpython_core *core,
                         void (*each)(void *context, uint64_t start, uint64_t end), void *context)
{
    struct unused u = {core, each, context, 0};
    if (core->layout.datastack_chunk != 0)
        cpython_core_structures(core, data_stack, &u);
    core_free_lists(core, each, context);
}

uint32_t cpython_core_thread(const struct cpython_core *core, uint64_t ident)
{
    for (size_t i = 0; i < core->thread_count; i++)
        if (core->threads[i].ident == ident)
            return core->threads[i].id;
    return 0;
}

size_t walk_native_name(const struct walk *w, uint64_t native, char *out, size_t size)
{
    const struct process_image *image = w->core->image;
    for (size_t i = 0; i < image->thread_count; i++) {
        if (image->threads[i].tid != native || image->threads[i].name == NULL)
            continue;
        size_t n = strlen(image->threads[i].name);
        n = n < size ? n : size;
        memcpy(out, image->threads[i].name, n);
        return n;
    }
    return 0;
}

void walk_hook_exclude(struct walk *w)
{
    (void)w;
}

void walk_hook_discount(struct walk *w)
{
    (void)w;
}

bool walk_hook_owns(const struct walk *w, uint64_t address)
{
    (void)w, (void)address;
    return false;
}

bool walk_hook_call(struct walk *w, const struct walk_frame *f, uint32_t i, const struct capture_call *call)
{
    (void)w, (void)f, (void)i, (void)call;
    return false;
}

const struct capture_call *walk_hook_call_of(const struct walk *w, uint64_t thread)
{
    (void)w, (void)thread;
    return NULL;
}
