/* Objects read by their exact layout, because their tp_traverse says little or nothing: types, code, frames,
 * generators. */
#include "formats/cpython/walk.h"

/* A field at an offset known from the version's table; empty ones are left out of the shape. */
static void field(struct walk *w, uint64_t object, uint32_t offset, uint8_t kind, const char *name)
{
    if (offset == NONE)
        return;
    uint64_t target =
        walk_local(w, object + offset); /* untagged where 3.14 tags; other fields have no low bits */
    if (mem_plausible(target))
        walk_field(w, offset, kind, walk_string(w, name), 0, target, CERTAINTY_EXACT);
}

/* The strings in the shared-key table of a class's instances belong to the table, and the table to the class.
 */
static void cached_keys(struct walk *w, uint64_t type)
{
    uint64_t keys = mem_u64(type + w->layout->ht_cached_keys);
    struct walk_keys k;
    if (keys == 0 || !walk_keys_read(w, keys, &k))
        return;
    for (uint64_t i = 0; i < k.count && i < 256; i++) {
        uint64_t key = mem_u64(k.entries + i * k.stride + k.key);
        if (mem_plausible(key))
            walk_field(w, 0, REFERENCE_FIELD, walk_string(w, "<shared key>"), (int64_t)i, key,
                       CERTAINTY_EXACT);
    }
}

void walk_type_fields(struct walk *w, uint64_t type)
{
    const struct cpython_layout *l = w->layout;
    uint64_t flags = mem_u64(type + TP_FLAGS), dict = walk_type_dict(w, type),
             subclasses = walk_type_subclasses(w, type);
    if (dict != 0)
        walk_field(w, TP_DICT, REFERENCE_NAMESPACE, walk_string(w, "__dict__"), 0, dict, CERTAINTY_EXACT);
    field(w, type, TP_BASE, REFERENCE_FIELD, "__base__");
    field(w, type, TP_BASES, REFERENCE_FIELD, "__bases__");
    field(w, type, TP_MRO, REFERENCE_FIELD, "__mro__");
    field(w, type, TP_CACHE, REFERENCE_FIELD, "<cache>");
    if (mem_plausible(subclasses))
        walk_field(w, TP_SUBCLASSES, REFERENCE_FIELD, walk_string(w, "<subclasses>"), 0, subclasses,
                   CERTAINTY_EXACT);
    if (!(flags & TPFLAG_HEAPTYPE))
        return;
    field(w, type, l->ht_name, REFERENCE_FIELD, "__name__");
    field(w, type, l->ht_qualname, REFERENCE_FIELD, "__qualname__");
    field(w, type, l->ht_slots, REFERENCE_FIELD, "__slots__");
    field(w, type, l->ht_module, REFERENCE_FIELD, "<module>");
    cached_keys(w, type);
}

static void identifiers_of_tuple(struct walk *w, uint64_t tuple)
{
    if (!mem_plausible(tuple) || mem_u64(tuple + OB_TYPE) != w->tuple_type)
        return;
    uint64_t n = mem_u64(tuple + OB_SIZE);
    for (uint64_t i = 0; i < n && i < 65536; i++)
        walk_identifier(w, mem_u64(tuple + w->layout->tuple_items + 8 * i));
}

void walk_code_fields(struct walk *w, uint64_t code)
{
    const struct cpython_layout *l = w->layout;
    field(w, code, l->code_consts, REFERENCE_FIELD, "co_consts");
    field(w, code, l->code_names, REFERENCE_FIELD, "co_names");
    field(w, code, l->code_filename, REFERENCE_FIELD, "co_filename");
    field(w, code, l->code_name, REFERENCE_FIELD, "co_name");
    field(w, code, l->code_qualname, REFERENCE_FIELD, "co_qualname");
    field(w, code, l->code_linetable, REFERENCE_FIELD, l->minor <= 9 ? "co_lnotab" : "co_linetable");
    field(w, code, l->code_exceptiontable, REFERENCE_FIELD, "co_exceptiontable");
    field(w, code, l->code_localsplusnames, REFERENCE_FIELD, "co_localsplusnames");
    field(w, code, l->code_localspluskinds, REFERENCE_FIELD, "co_localspluskinds");
    field(w, code, l->code_varnames, REFERENCE_FIELD, "co_varnames");
    field(w, code, l->code_freevars, REFERENCE_FIELD, "co_freevars");
    field(w, code, l->code_cellvars, REFERENCE_FIELD, "co_cellvars");
    if (l->minor <= 10)
        field(w, code, l->code_code, REFERENCE_FIELD, "co_code");
    if (l->code_localsplusnames != NONE)
        identifiers_of_tuple(w, mem_u64(code + l->code_localsplusnames));
    if (l->code_freevars != NONE) {
        identifiers_of_tuple(w, mem_u64(code + l->code_freevars));
        identifiers_of_tuple(w, mem_u64(code + l->code_varnames));
    }
}

/* Locals under their names, then the values on the expression stack. */
static void frame_content(struct walk *w, const struct walk_frame *f)
{
    for (uint32_t i = 0; i < f->slot_count; i++) {
        uint64_t name = walk_local_name(w, f->code, i);
        walk_field(w, 0, REFERENCE_LOCAL, name != 0 ? walk_string_of(w, name) : 0, i,
                   walk_local(w, f->slots + 8 * (uint64_t)i), CERTAINTY_EXACT);
    }
    for (uint32_t i = 0; f->stack_exact && i < f->stack_count; i++)
        walk_tail(w, walk_local(w, f->stack + 8 * (uint64_t)i));
}

void walk_frame_fields(struct walk *w, uint64_t frame)
{
    enum {
        OWNED_BY_THREAD = 0,
        OWNED_BY_FRAME_OBJECT = 2
    }; /* Include/internal/pycore_frame.h, enum _frameowner */
    struct walk_frame f;
    const struct cpython_layout *l = w->layout;
    uint64_t inner = l->minor >= 11 ? mem_u64(frame + FRAMEOBJECT_FRAME) : frame;
    uint8_t owner =
        l->minor >= 11 && mem_plausible(inner) ? mem_u8(inner + l->frame_owner) : OWNED_BY_FRAME_OBJECT;
    if (l->minor >= 11) {
        field(w, frame, FRAMEOBJECT_BACK, REFERENCE_FIELD, "f_back");
        field(w, frame, FRAMEOBJECT_TRACE, REFERENCE_FIELD, "f_trace");
    }
    /* A generator's frame is the generator's; a running thread's own only its locals, so that they can be
     * named from here. */
    if ((owner != OWNED_BY_FRAME_OBJECT && owner != OWNED_BY_THREAD) || !walk_frame_read(w, inner, &f))
        return;
    if (l->minor >= 11 && owner == OWNED_BY_FRAME_OBJECT) {
        field(w, inner, l->frame_func, REFERENCE_FUNCTION, "<function>");
    } else if (l->minor <= 10) {
        field(w, frame, l->frame_back, REFERENCE_FIELD, "f_back");
        field(w, frame, l->frame_trace, REFERENCE_FIELD, "f_trace");
        field(w, frame, l->frame_builtins, REFERENCE_FIELD, "f_builtins");
        field(w, frame, l->frame_globals, REFERENCE_GLOBALS, "f_globals");
    }
    if (owner == OWNED_BY_FRAME_OBJECT) {
        field(w, inner, l->frame_code, REFERENCE_FIELD, "f_code");
        field(w, inner, l->frame_locals, REFERENCE_FIELD, "f_locals");
    }
    frame_content(w, &f);
}

void walk_generator_fields(struct walk *w, struct walk_type *t, uint64_t generator)
{
    const struct cpython_layout *l = w->layout;
    struct walk_frame f;
    int8_t state = (int8_t)mem_u8(generator + l->gen_state);
    field(w, generator, l->gen_name, REFERENCE_FIELD, "__name__");
    field(w, generator, l->gen_qualname, REFERENCE_FIELD, "__qualname__");
    field(w, generator, l->gen_code, REFERENCE_FIELD, "gi_code");
    field(w, generator, l->gen_exc_value, REFERENCE_FIELD, "<handled exception>");
    if (t->coroutine) /* a plain generator never sets it */
        field(w, generator, l->gen_origin, REFERENCE_FIELD, "<origin or finalizer>");
    if (state > 0) { /* completed or cleared: nothing in the frame is alive, but for the code since 3.14 */
        if (l->minor >= 14)
            field(w, generator, l->gen_frame + l->frame_code, REFERENCE_FIELD, "<f_code>");
        return;
    }
    uint64_t inner = generator + l->gen_frame;
    if (!walk_frame_read(w, inner, &f))
        return;
    field(w, inner, l->frame_object, REFERENCE_FIELD, "gi_frame");
    field(w, inner, l->frame_func, REFERENCE_FUNCTION, "<function>");
    field(w, inner, l->frame_locals, REFERENCE_FIELD, "<f_locals>");
    field(w, inner, l->frame_code, REFERENCE_FIELD, "<f_code>");
    if (state != 0 || f.stack_exact) /* while it is on top of its thread its locals are roots of the thread */
        frame_content(w, &f);
}

void walk_weakref_fields(struct walk *w, uint64_t weakref)
{
    uint64_t target = mem_u64(weakref + WEAKREF_OBJECT);
    if (target != w->none && mem_plausible(target))
        walk_field(w, WEAKREF_OBJECT, REFERENCE_WEAK, walk_string(w, "<weak>"), 0, target, CERTAINTY_EXACT);
}

/* numpy.ndarray, layout of numpy 1.x (numpy/core/include/numpy/ndarraytypes.h): the type has neither GC nor
 * tp_traverse. */
void walk_array_fields(struct walk *w, uint64_t array)
{
    enum {
        DATA = 16,
        ND = 24,
        DIMS = 32,
        STRIDES = 40,
        BASE = 48,
        DESCR = 56,
        FLAGS = 64,
        DESCR_KIND = 24,
        OWNS_DATA = 4,
        MAX_DIMS = 32
    };
    uint64_t base = mem_u64(array + BASE), descr = mem_u64(array + DESCR), data = mem_u64(array + DATA),
             index[MAX_DIMS] = {0};
    uint32_t nd = mem_u32(array + ND);
    if (mem_plausible(base))
        walk_field(w, BASE, REFERENCE_FIELD, walk_string(w, "base"), 0, base, CERTAINTY_EXACT);
    if (!mem_plausible(descr))
        return;
    walk_field(w, DESCR, REFERENCE_FIELD, walk_string(w, "dtype"), 0, descr, CERTAINTY_EXACT);
    if (mem_u8(descr + DESCR_KIND) != 'O' || nd > MAX_DIMS || !(mem_u32(array + FLAGS) & OWNS_DATA))
        return;
    uint64_t dims = mem_u64(array + DIMS), strides = mem_u64(array + STRIDES);
    for (uint32_t d = 0; d < nd; d++)
        if (mem_u64(dims + 8 * (uint64_t)d) == 0)
            return;
    for (;;) {
        uint64_t at = data;
        for (uint32_t d = 0; d < nd; d++)
            at += index[d] * mem_u64(strides + 8 * (uint64_t)d);
        walk_tail(w, mem_u64(at));
        uint32_t d = nd;
        while (d > 0 && ++index[d - 1] == mem_u64(dims + 8 * (uint64_t)(d - 1)))
            index[--d] = 0;
        if (d == 0)
            return;
    }
}

/* What numpy's own __sizeof__ adds: dimensions, strides and, if the array owns it, its data. */
static uint64_t array_storage(uint64_t array)
{
    enum { ND = 24, DIMS = 32, DESCR = 56, FLAGS = 64, DESCR_ITEM_SIZE = 32, OWNS_DATA = 4, MAX_DIMS = 32 };
    uint64_t nd = mem_u32(array + ND), dims = mem_u64(array + DIMS), descr = mem_u64(array + DESCR),
             bytes = 1;
    if (nd > MAX_DIMS || !mem_plausible(descr))
        return 0;
    for (uint64_t d = 0; d < nd; d++)
        bytes *= mem_u64(dims + 8 * d);
    return 16 * nd + (mem_u32(array + FLAGS) & OWNS_DATA ? bytes * mem_u32(descr + DESCR_ITEM_SIZE) : 0);
}

/* struct.Struct: its format, 32 bytes a code and one to end it (Modules/_struct.c). */
static uint64_t packing_codes(uint64_t object)
{
    enum { CODES = 32, CODE_SIZE = 32, MOST = 100000 };
    uint64_t codes = mem_u64(object + CODES), n = 0;
    while (mem_plausible(codes) && n < MOST && mem_u64(codes + n * CODE_SIZE) != 0)
        n++;
    return (n + 1) * CODE_SIZE;
}

/* sys.getsizeof without what a container's storage adds. */
uint64_t walk_general_size(struct walk *w, struct walk_type *t, uint64_t object)
{
    enum { ARRAY_ALLOCATED = 32, ARRAY_DESCR = 40 };
    const struct cpython_layout *l = w->layout;
    uint64_t header = t->header, base = walk_base_size(t);
    struct walk_keys k;
    int64_t word;
    switch ((enum family)t->family) {
    case FAMILY_TYPE:
        if (!(mem_u64(object + TP_FLAGS) & TPFLAG_HEAPTYPE))
            /* 3.11 and 3.12 count a collector head that static types do not have. */
            return l->type_size + (l->minor == 11 || l->minor == 12 ? header : 0);
        uint64_t keys = mem_u64(object + l->ht_cached_keys);
        return header + l->heap_type_size + (keys != 0 && walk_keys_read(w, keys, &k) ? k.size : 0);
    case FAMILY_GENERATOR:
        if (l->minor < 11)
            return base;
        uint64_t code = walk_local(w, object + l->gen_frame + l->frame_code);
        if (!mem_plausible(code))
            return base;
        return header + l->gen_frame + l->frame_localsplus +
               8 * ((uint64_t)mem_u32(code + l->code_nlocalsplus) + mem_u32(code + l->code_stacksize));
    case FAMILY_STR:
        return header + l->str_full +
               (mem_u64(object + STR_LENGTH) + 1) * (mem_u32(object + STR_STATE) >> 2 & 7);
    case FAMILY_INT:
    case FAMILY_BOOL:
        return header + walk_int_size(w, object);
    case FAMILY_BYTEARRAY:
        return base + mem_u64(object + BYTEARRAY_ALLOCATED);
    case FAMILY_TUPLE: /* the items are the container's storage; sys.getsizeof counts a structure's visible
                          fields */
        return t->structure ? base + 8 * (mem_u64(object + OB_SIZE) & 0xffff) : base;
    default:
        if (t->array)
            return base + array_storage(object);
        if (t->packing)
            return base + packing_codes(object);
        if (t->buffer) /* array.array: room * item size, behind ob_descr (Modules/arraymodule.c) */
            return base + mem_u64(object + ARRAY_ALLOCATED) * mem_u32(mem_u64(object + ARRAY_DESCR) + 4);
        if (t->has_size_word) {
            word = (int64_t)mem_u64(object + OB_SIZE);
            uint64_t n = (uint64_t)(word < 0 ? -word : word);
            if (n >= UINT64_C(1) << 40)
                return base;
            return t->family == FAMILY_CODE ? (base + n * t->item_size + 7) & ~UINT64_C(7)
                                            : base + n * t->item_size;
        }
        return base;
    }
}
