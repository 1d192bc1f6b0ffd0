#include "lib/query/noise_stack.h"

#include <string.h>

#include "lib/query/raw.h"

/* What is usually nowhere but on a stack while it is in use. */
static bool is_passing(enum family family)
{
    return family == FAMILY_ITERATOR || family == FAMILY_GENERATOR || family == FAMILY_METHOD ||
           family == FAMILY_BUILTIN || family == FAMILY_FUNCTION;
}

/* What a thread waits on or talks to while it is in a call of C. */
static bool is_waited_on(const char *type)
{
    static const char *const modules[] = {"_thread.", "_queue.", "_socket.",  "socket.",
                                          "select.",  "_io.",    "_asyncio.", "_multiprocessing."};
    for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
        if (!strncmp(type, modules[i], strlen(modules[i])))
            return true;
    return false;
}

static bool is_constant_of(const struct heap *heap, object_id object, object_id code)
{
    object_id constants = raw_field(heap, code, "co_consts", NULL);
    for (uint64_t i = constants ? csr_start(&heap->edges, constants) : 0;
         constants && i < csr_end(&heap->edges, constants); i++)
        if (heap->edges.item[i] == object)
            return true;
    return false;
}

/* An argument of a call of C that is going on in a thread's innermost frame, as far as what is passed says
 * so. Other places may hold what was there before. */
static bool is_argument(const struct heap *heap, const struct heap_root *place, object_id object)
{
    const struct heap_frame *caller = &heap->frames[place->frame];
    return !caller->depth &&
           (is_waited_on(heap_type_name(heap, object)) || is_constant_of(heap, object, caller->code));
}

uint64_t noise_stack_holds(const struct roots *roots, object_id object)
{
    const struct heap *heap = roots->heap;
    bool passing = is_passing(heap_family(heap, object));
    uint32_t first, end;
    uint64_t count = 0;
    roots_of(roots, object, &first, &end);
    for (uint32_t i = first; i < end; i++) {
        const struct heap_root *root = &heap->roots[roots->order[i]];
        count +=
            root->certainty != CERTAINTY_EXACT && root->frame && (passing || is_argument(heap, root, object));
    }
    return count;
}

uint32_t noise_stack_place(const struct roots *roots, object_id object)
{
    uint32_t first, end;
    roots_of(roots, object, &first, &end);
    for (uint32_t i = first; i < end; i++)
        if (roots->heap->roots[roots->order[i]].certainty != CERTAINTY_EXACT)
            return roots->order[i];
    return UINT32_MAX;
}
