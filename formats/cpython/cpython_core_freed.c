/* Dead objects that CPython keeps for the next of their type (3.8 to 3.10: also each code object a frame):
 * their reference count is 0, and what their words lead to they hold no more. They are free memory, not
 * native blocks: neither leaked nor holders.
 *
 * Arrays of them (3.8, 3.9: variables; then in the interpreter's state; Objects/listobject.c,
 * Objects/dictobject.c) are used from below: a place above those in use may lead to an object that is alive
 * again. */
#include "formats/cpython/cpython_core_private.h"

enum { GC_HEAD = 16 };

static uint64_t word(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

bool core_is_freed(const struct cpython_core *core, const uint8_t *p, uint64_t size)
{
    if (size < GC_HEAD + 16 || word(p) != 0 || word(p + GC_HEAD + OB_REFCNT) != 0)
        return false;
    const struct core_type *t = core_type_find(&core->types, word(p + GC_HEAD + OB_TYPE));
    return t != NULL && t->header == GC_HEAD && t->basic <= size - GC_HEAD &&
           !(core_word(core, t->address + TP_FLAGS) & TPFLAG_HEAPTYPE);
}

/* Could a list or dict have lain at `object`, which may be something else by now? */
static bool had_place(const struct cpython_core *core, uint64_t object)
{
    enum { POOL_HEADER = 48, LARGEST = 48 }; /* of both; a list is as large as a dict in a pool */
    uint64_t pool = mem_plausible(object) && (object & 15) == 0 ? core_pool_of(core, object) : 0;
    if (pool != 0) {
        uint64_t size = (GC_HEAD + LARGEST + core->padding + 15) & ~UINT64_C(15);
        return core_pool_block_size(core, pool) == size &&
               (object - GC_HEAD - core->pad - pool - POOL_HEADER) % size == 0;
    }
    if (!mem_plausible(object) || core->arena_count != 0)
        return false;
    uint64_t type = core_word(core, object + OB_TYPE);
    return type == core->runtime.list_type || type == core->runtime.dict_type;
}

/* No other array of the interpreter's leads to so many of them in a row. */
static void arrays_in(const struct cpython_core *core, uint64_t start, uint64_t end,
                      void (*each)(void *context, uint64_t start, uint64_t end), void *context)
{
    enum { LEAST = 8 };
    for (uint64_t at = start; at + 8 <= end; at += 8) {
        uint64_t from = at;
        while (at + 8 <= end && had_place(core, core_word(core, at)))
            at += 8;
        if (at - from >= 8 * LEAST)
            each(context, from, at);
    }
}

struct arrays {
    const struct cpython_core *core;
    void (*each)(void *context, uint64_t start, uint64_t end);
    void *context;
};

/* The state of an interpreter that is no part of _PyRuntime. */
static void arrays_of(void *context, uint64_t address, const char *name)
{
    enum { LARGEST = 1 << 18 };
    const struct arrays *a = context;
    if (strcmp(name, "PyInterpreterState") == 0 && process_image_module(a->core->image, address) == NULL)
        arrays_in(a->core, address, address + LARGEST, a->each, a->context);
}

void core_free_lists(const struct cpython_core *core,
                     void (*each)(void *context, uint64_t start, uint64_t end), void *context)
{
    struct arrays a = {core, each, context};
    const struct image_module *m = process_image_module(core->image, core->runtime.list_type);
    for (uint32_t k = 0; m != NULL && k < m->data_count; k++)
        arrays_in(core, (m->data[k].start + 7) & ~UINT64_C(7), m->data[k].end, each, context);
    cpython_core_structures(core, arrays_of, &a);
}
