/* Builtin types whose memory is missing: as the file of the interpreter has them, made ready the way
 * PyType_Ready does (Objects/typeobject.c, inherit_special, inherit_slots): flags, sizes and traverse come
 * from the base where the type itself has none.
 */
#include "formats/cpython/cpython_core_private.h"

#include <stdlib.h>

enum { TP_CLEAR = 192 };

static uint64_t word(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static void set(struct memory_stand_in *s, unsigned offset, uint64_t value)
{
    memcpy(s->bytes + offset, &value, 8);
}

static bool add(struct cpython_core *core, uint64_t address, const uint8_t *p)
{
    if (core->stand_in_count == core->stand_in_capacity) {
        size_t wanted = core->stand_in_capacity * 2 + 128;
        struct memory_stand_in *bigger = realloc(core->stand_ins, wanted * sizeof(*bigger));
        if (bigger == NULL)
            return false;
        core->stand_ins = bigger;
        core->stand_in_capacity = wanted;
    }
    struct memory_stand_in *s = &core->stand_ins[core->stand_in_count++];
    memset(s, 0, sizeof(*s));
    s->address = address;
    memcpy(s->bytes, p, core->layout.type_size);
    return true;
}

static bool has_name(const struct cpython_core *core, const uint8_t *p)
{
    char name[64];
    return core_text(core, word(p + TP_NAME), name, sizeof(name)) && name[0] != '\0';
}

/* What a type has of its base's; false: nothing new. */
static bool inherit(struct cpython_core *core, struct memory_stand_in *s, uint64_t object)
{
    static const unsigned plain[] = {TP_BASICSIZE, TP_ITEMSIZE, TP_WEAKLISTOFFSET, TP_DICTOFFSET};
    enum { SUBCLASSES = 0xff };
    uint64_t base = word(s->bytes + TP_BASE), flags = word(s->bytes + TP_FLAGS);
    bool any = false;
    if (base == 0 && s->address != object)
        set(s, TP_BASE, base = object), any = true;
    if (base == 0)
        return any;
    uint64_t of_base = core_word(core, base + TP_FLAGS), had = flags;
    flags |= of_base & (uint64_t)SUBCLASSES << 24;
    if (!(flags & TPFLAG_HAVE_GC) && of_base & TPFLAG_HAVE_GC && word(s->bytes + TP_TRAVERSE) == 0 &&
        word(s->bytes + TP_CLEAR) == 0) {
        flags |= TPFLAG_HAVE_GC;
        set(s, TP_TRAVERSE, core_word(core, base + TP_TRAVERSE));
        set(s, TP_CLEAR, core_word(core, base + TP_CLEAR));
    }
    if (flags != had)
        set(s, TP_FLAGS, flags), any = true;
    for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        uint64_t value = core_word(core, base + plain[i]);
        if (word(s->bytes + plain[i]) == 0 && value != 0)
            set(s, plain[i], value), any = true;
    }
    return any;
}

bool core_stand_ins_find(struct cpython_core *core, const struct image_module *module)
{
    struct image_range range;
    uint8_t *data =
        core->image->initial != NULL ? core->image->initial(core->image->self, module, &range) : NULL;
    const uint32_t size = core->layout.type_size;
    uint64_t type_type = 0, object = 0;
    bool done = true;
    if (data == NULL || size > sizeof(core->stand_ins->bytes))
        return free(data), true;
    uint64_t first = (range.start + 7) & ~UINT64_C(7),
             last = range.end - range.start < size ? 0 : range.end - size;
    for (uint64_t at = first; at <= last && type_type == 0; at += 8) {
        const uint8_t *p = data + (at - range.start);
        if (word(p + OB_TYPE) == at && word(p + TP_FLAGS) & TPFLAG_TYPE && has_name(core, p))
            type_type = at;
    }
    for (uint64_t at = first; done && type_type != 0 && at <= last; at += 8) {
        const uint8_t *p = data + (at - range.start);
        if (word(p + OB_TYPE) != type_type || address_space_at(&core->image->space, at, size) != NULL ||
            word(p + TP_BASICSIZE) >= 1 << 20 || !has_name(core, p))
            continue;
        done = add(core, at, p);
    }
    free(data);
    for (size_t i = 0; i < core->stand_in_count; i++) {
        struct memory_stand_in *s = &core->stand_ins[i];
        char name[16];
        set(s, TP_FLAGS, word(s->bytes + TP_FLAGS) | TPFLAG_READY);
        if (object == 0 && core_text(core, word(s->bytes + TP_NAME), name, sizeof(name)) &&
            strcmp(name, "object") == 0)
            object = s->address;
    }
    bool any = object != 0;
    for (unsigned round = 0; any && round < 16; round++) {
        any = false;
        for (size_t i = 0; i < core->stand_in_count; i++)
            any = inherit(core, &core->stand_ins[i], object) || any;
    }
    return done;
}
