/* The view of memory that the walker has over an image. */
#include "formats/cpython/cpython_core_private.h"

_Thread_local struct memory_view memory_view;

void memory_fault(void)
{
    if (memory_view.guard == NULL || *memory_view.guard == NULL)
        __builtin_trap(); /* a view without a guard: a mistake of ours, never of the input */
    siglongjmp(**memory_view.guard, 1);
}

const uint8_t *memory_stand_in(const struct memory_stand_in *stand_ins, size_t count, uint64_t address,
                               uint64_t size)
{
    size_t low = 0, high = count; /* the first one behind the address */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stand_ins[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || address - stand_ins[low - 1].address + size > sizeof(stand_ins->bytes))
        return NULL;
    return stand_ins[low - 1].bytes + (address - stand_ins[low - 1].address);
}

uint64_t core_stand_in(const struct cpython_core *core, uint64_t address)
{
    const uint8_t *p = memory_stand_in(core->stand_ins, core->stand_in_count, address, 8);
    uint64_t v = 0;
    if (p != NULL)
        memcpy(&v, p, sizeof(v));
    return v;
}

const uint8_t *memory_missing(uint64_t address, uint64_t size)
{
    size_t low = 0, high = memory_view.text_count; /* the first text behind the address */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (memory_view.texts[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const uint8_t *p = memory_stand_in(memory_view.stand_ins, memory_view.stand_in_count, address, size);
    if (p != NULL)
        return p;
    const struct memory_text *t = low > 0 ? &memory_view.texts[low - 1] : NULL;
    if (t != NULL && address - t->address + size <= strlen(t->text) + 1)
        return (const uint8_t *)t->text + (address - t->address);
    static const uint8_t nothing[4];
    const struct memory_region *r =
        size <= sizeof(nothing) ? address_space_region(memory_view.space, address) : NULL;
    if (r != NULL && r->origin == MEMORY_ABSENT && !(r->access & MEMORY_WRITE))
        return nothing;
    memory_fault();
}

struct memory_view core_view(const struct cpython_core *core, sigjmp_buf *volatile *guard)
{
    return (struct memory_view){&core->image->space, core->texts,          core->text_count,
                                core->stand_ins,     core->stand_in_count, guard};
}

bool core_guarded(struct cpython_core *core, void (*part)(struct cpython_core *core, void *context),
                  void *context)
{
    sigjmp_buf here;
    const struct memory_view outer = memory_view;
    if (sigsetjmp(here, 0) != 0) {
        core->guard = NULL;
        memory_view = outer;
        return false;
    }
    core->guard = &here;
    memory_view = core_view(core, &core->guard);
    part(core, context);
    core->guard = NULL;
    memory_view = outer;
    return true;
}
