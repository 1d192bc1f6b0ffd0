/* Native memory that a Python object keeps: the words of its C part that lead to a native block. Which types
 * have such words is not asked: the part that C laid out is read in every object that the walk has no exact
 * layout for, also under a Python class, behind a dict's or list's own fields, behind a type's (a C
 * metaclass's), and in a module's state. References to objects are none of this file's business.
 *
 * A pointer into a block counts as well (libraries put a header in front of what they hand out), as
 * uncertain.
 */
#include "formats/cpython/cpython_core_private.h"

enum { LARGEST_PART = 1 << 16 };

/* Bytes of `object` to be read: from *from to the value returned, exclusive. */
static uint64_t part_of(const struct walk *w, const struct walk_type *t, uint64_t object, uint64_t *from)
{
    uint64_t end = t->c_size;
    *from = 16;
    switch ((enum family)t->family) {
    case FAMILY_INT:
    case FAMILY_BOOL:
    case FAMILY_BYTES:
    case FAMILY_FRAME: /* walk_frames.c reads all that is in it */
    case FAMILY_GENERATOR:
    case FAMILY_CODE:
        return 0;
    case FAMILY_FLOAT:
        *from = 24;
        return end;
    case FAMILY_STR: /* text, and what an array of them adds */
        *from = w->layout->str_full;
        return end;
    case FAMILY_TUPLE:
        *from = w->layout->tuple_items;
        return t->structure ? 0 : end;
    case FAMILY_TYPE: /* what is no heap type ends with the type's own part, unless a metaclass of C says more
                       */
        if (!(mem_u64(object + TP_FLAGS) & TPFLAG_HEAPTYPE) && t->c_size <= w->layout->heap_type_size)
            return w->layout->type_size;
        return end;
    default:
        if (t->has_size_word && t->item_size >= 8 && t->container == VISIT_LEAF) {
            uint64_t items = mem_u64(object + OB_SIZE);
            end += items < LARGEST_PART ? items * t->item_size : 0;
        }
        if (t->dated && mem_u8(object + 24) == 0) /* hastzinfo: the object ends before the field */
            end -= 8;
        return end;
    }
}

/* The native blocks that words lead to: fields of the object or, with `tail`, items of its tail. */
static void read_part(struct walk *w, uint64_t start, uint64_t from, uint64_t end, bool tail)
{
    struct cpython_core *core = w->core;
    for (uint64_t at = from; at + 8 <= end; at += 8) {
        uint64_t word = core_word(core, start + at), block;
        bool interior;
        if (word - 4096 >= (UINT64_C(1) << 47) - 4096 || block_index_has(&core->objects, word) ||
            !core->visitor->leads_to(core->visitor->context, word, &block, &interior))
            continue;
        if (interior && core->pad != 0) { /* behind the marks of a debugging allocator a block begins */
            const uint8_t *p = address_space_at(&core->image->space, block, 48);
            interior = p == NULL || word != block + core_marks(core, p, UINT64_MAX);
        }
        if (tail || w->traverse.spilled) {
            walk_tail(w, block);
            continue;
        }
        walk_field(w, (uint32_t)at, REFERENCE_POINTER, 0, (int64_t)at, block,
                   interior ? CERTAINTY_UNCERTAIN : CERTAINTY_EXACT);
        if (w->gathered.count == WALK_MAX_FIELDS)
            walk_spill(w);
    }
}

void walk_pointers(struct walk *w, struct walk_type *t, uint64_t object)
{
    enum { STATE = 32, DEFINITION = 24, DEFINITION_SIZE = 56 }; /* Objects/moduleobject.c; moduleobject.h */
    if (w->core->native == NULL)
        return;
    uint64_t from, end = part_of(w, t, object, &from);
    read_part(w, object, from, end < LARGEST_PART ? end : LARGEST_PART, false);
    if (t->family != FAMILY_MODULE)
        return;
    uint64_t state = mem_u64(object + STATE), definition = mem_u64(object + DEFINITION);
    if (mem_plausible(state) && mem_plausible(definition)) {
        uint64_t size = core_word(w->core, definition + DEFINITION_SIZE);
        read_part(w, state, 0, size < LARGEST_PART ? size : 0, true);
    }
}
