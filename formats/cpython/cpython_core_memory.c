/* The view of memory that the walker has over an image. */
#include "formats/cpython/cpython_core_private.h"

_Thread_local struct memory_view memory_view;

void memory_fault(void)
{
    if (memory_view.guard == NULL || *memory_view.guard == NULL)
        __builtin_trap(); /* a view without a guard: a mistake of ours, never of the input */
    siglongjmp(**memory_view.guard, 1);
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
    return (struct memory_view){&core->image->space, core->texts, core->text_count, guard};
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
