/* Which blocks of memory are objects: by the type they begin with, its header, and whether it fits. */
#include "formats/cpython/cpython_core_private.h"

static uint64_t word(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

static bool str_fits(const struct cpython_core *core, const struct core_type *t, const uint8_t *p,
                     uint64_t room)
{
    uint32_t state;
    if (room < core->layout.str_ascii)
        return false;
    memcpy(&state, p + STR_STATE, 4);
    uint64_t n = word(p + STR_LENGTH), kind = state >> 2 & 7;
    if (!(state & 32)) /* not compact: a header with a pointer */
        return t->basic >= core->layout.str_full && t->basic <= room;
    if (n >= UINT64_C(1) << 40 || (kind != 1 && kind != 2 && kind != 4))
        return false;
    return (state & 64 ? core->layout.str_ascii : core->layout.str_compact) + (n + 1) * kind <= room;
}

bool core_fits(const struct cpython_core *core, const struct core_type *t, const uint8_t *p, uint64_t room)
{
    uint64_t n;
    switch ((enum core_extent)t->extent) {
    case EXTENT_STR:
        return str_fits(core, t, p, room);
    case EXTENT_INT:
        if (room < 28)
            return false;
        n = word(p + OB_SIZE);
        n = core->layout.minor >= 12 ? n >> 3 : (int64_t)n < 0 ? 0 - n : n;
        return n < UINT64_C(1) << 40 && 24 + 4 * n <= room && t->basic <= room;
    case EXTENT_ITEMS:
        if (t->basic > room)
            return false;
        n = t->basic >= 24 ? word(p + OB_SIZE) : 0;
        n = (int64_t)n < 0 ? 0 - n : n;
        return n < UINT64_C(1) << 40 && t->basic + n * t->item <= room;
    case EXTENT_FIXED:
        return t->basic <= room;
    }
    return false;
}

/* Small, and no address: where the heap lies low, a pair of pointers could pass for a count and a type. */
static bool counts(const struct cpython_core *core, const uint8_t *p)
{
    uint64_t refcount = word(p);
    if (core->layout.minor >= 14)
        refcount &= 0xffffffff;
    if (!core_refcount(refcount))
        return false;
    return refcount < 1 << 20 || (refcount & 7) != 0 ||
           address_space_region(&core->image->space, refcount) == NULL;
}

/* The word in front of an object that leads to the next in its ring, or is 0. */
static bool linked(const uint8_t *head)
{
    uint64_t next = word(head) & ~UINT64_C(3);
    return next == 0 || mem_plausible(next);
}

int core_object_in(const struct cpython_core *core, const uint8_t *p, uint64_t size,
                   const struct core_type **type)
{
    for (unsigned header = 0; header <= 32 && header + 16 <= size; header += 16) {
        const uint8_t *o = p + header;
        const struct core_type *t = core_type_find(&core->types, word(o + OB_TYPE));
        if (t == NULL || core_header(t, o, size - header) != header || !counts(core, o) ||
            !core_fits(core, t, o, size - header))
            continue;
        if (header >= 16 && !linked(o - 16) && !(header == 16 && t->managed))
            continue;
        *type = t;
        return (int)header;
    }
    return -1;
}

bool core_is_static(const struct cpython_core *core, uint64_t address)
{
    if ((address & 7) != 0)
        return false;
    const struct image_module *m = process_image_module(core->image, address);
    for (uint32_t k = 0; m != NULL && k < m->data_count; k++) {
        if (address < m->data[k].start || address + 16 > m->data[k].end)
            continue;
        const uint8_t *p = address_space_at(&core->image->space, address, 16);
        return p != NULL && core_refcount(word(p) & (core->layout.minor >= 14 ? 0xffffffff : UINT64_MAX)) &&
               core_type_find(&core->types, word(p + OB_TYPE)) != NULL;
    }
    return false;
}

bool core_is_object(const struct cpython_core *core, uint64_t address)
{
    return block_index_has(&core->objects, address) || core_is_static(core, address);
}

bool core_may_be_object(struct cpython_core *core, uint64_t address)
{
    const uint8_t *p = mem_plausible(address) ? address_space_at(&core->image->space, address, 16) : NULL;
    if (p == NULL || !core_refcount(word(p) & (core->layout.minor >= 14 ? 0xffffffff : UINT64_MAX)))
        return false;
    return core_type_learn(core, word(p + OB_TYPE)) != NULL;
}
