/* The types of an image's CPython: a table by address, filled before objects are looked for. */
#include "formats/cpython/cpython_core_private.h"

#include <stdlib.h>

bool core_types_init(struct core_types *types)
{
    types->capacity = 1 << 13;
    types->shift = 64 - 13;
    types->count = types->metatypes = 0;
    types->table = calloc(types->capacity, sizeof(types->table[0]));
    return types->table != NULL;
}

void core_types_free(struct core_types *types)
{
    free(types->table);
    types->table = NULL;
}

static bool put(struct core_types *types, const struct core_type *t)
{
    if (types->count * 2 >= types->capacity) {
        struct core_types bigger = {
            .capacity = types->capacity * 2, .shift = types->shift - 1, .metatypes = types->metatypes};
        bigger.table = calloc(bigger.capacity, sizeof(bigger.table[0]));
        if (bigger.table == NULL)
            return false;
        for (uint32_t i = 0; i < types->capacity; i++)
            if (types->table[i].address != 0)
                put(&bigger, &types->table[i]);
        free(types->table);
        *types = bigger;
    }
    uint32_t at = (uint32_t)((t->address >> 3) * UINT64_C(0x9E3779B97F4A7C15) >> types->shift);
    while (types->table[at].address != 0)
        at = (at + 1) & (types->capacity - 1);
    types->table[at] = *t;
    types->count++;
    types->metatypes += t->metatype;
    return true;
}

static bool named(const struct cpython_core *core, uint64_t type, const char *name)
{
    char text[64];
    return core_text(core, core_word(core, type + TP_NAME), text, sizeof(text)) && strcmp(text, name) == 0;
}

/* By the base that C code has laid out. */
static uint8_t owns(const struct cpython_core *core, uint64_t type, uint64_t flags)
{
    static const struct {
        const char *name;
        uint8_t owns;
    } table[] = {
        {"collections.OrderedDict", OWNS_ORDERED_DICT},
        {"set", OWNS_SET},
        {"frozenset", OWNS_SET},
        {"bytearray", OWNS_BYTEARRAY},
        {"collections.deque", OWNS_DEQUE},
        {"array.array", OWNS_ARRAY},
        {"numpy.ndarray", OWNS_NUMPY},
        {"code", OWNS_WORDS},
        {"module", OWNS_MODULE},
        {"_queue.SimpleQueue", OWNS_SIMPLE_QUEUE},
        {"xml.etree.ElementTree.Element", OWNS_ELEMENT},
        {"_pickle.Pickler", OWNS_PICKLER},
    };
    if (flags & TPFLAG_LIST)
        return OWNS_LIST;
    if (flags & TPFLAG_UNICODE)
        return OWNS_STR;
    if (flags & TPFLAG_TYPE)
        return OWNS_WORDS;
    if (flags & (TPFLAG_LONG | TPFLAG_TUPLE | TPFLAG_BYTES | TPFLAG_EXCEPTION))
        return OWNS_NOTHING;
    unsigned depth = 0;
    for (uint64_t base = type; mem_plausible(base) && depth < 64;
         base = core_word(core, base + TP_BASE), depth++)
        for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
            if (named(core, base, table[i].name))
                return table[i].owns;
    return flags & TPFLAG_DICT ? OWNS_DICT : OWNS_NOTHING;
}

/* Is a type that says what it is large enough for the words that core_own reads? */
static bool large_enough(enum core_owns owns, uint64_t basic)
{
    static const uint8_t least[] = {[OWNS_LIST] = LIST_ITEMS + 8,
                                    [OWNS_DICT] = DICT_VALUES + 8,
                                    [OWNS_ORDERED_DICT] = 72,
                                    [OWNS_SET] = SET_TABLE + 8,
                                    [OWNS_BYTEARRAY] = 40,
                                    [OWNS_DEQUE] = DEQUE_RIGHT + 8,
                                    [OWNS_ARRAY] = 32,
                                    [OWNS_NUMPY] = 72,
                                    [OWNS_MODULE] = 40,
                                    [OWNS_SIMPLE_QUEUE] = 48,
                                    [OWNS_ELEMENT] = 48,
                                    [OWNS_PICKLER] = 24};
    return owns >= sizeof least || basic >= least[owns];
}

/* datetime and time without a tzinfo end before that field (Modules/_datetimemodule.c, new_datetime_ex2). */
static bool may_end_early(const struct cpython_core *core, uint64_t type)
{
    return named(core, type, "datetime.datetime") || named(core, type, "datetime.time");
}

/* A type that nobody has made ready yet has a name, at least (3.8, 3.9: that of lru_cache's links never is).
 */
static bool has_name(const struct cpython_core *core, uint64_t type)
{
    char text[200];
    if (!core_text(core, core_word(core, type + TP_NAME), text, sizeof(text)) || text[0] == '\0')
        return false;
    for (const char *p = text; *p != '\0'; p++)
        if ((*p < 'a' || *p > 'z') && (*p < 'A' || *p > 'Z') && (*p < '0' || *p > '9') && *p != '_' &&
            *p != '.' && *p != '-')
            return false;
    return true;
}

static const struct core_type *learn(struct cpython_core *core, uint64_t address)
{
    enum { LARGEST = 1 << 24 };
    uint64_t flags = core_word(core, address + TP_FLAGS), basic = core_word(core, address + TP_BASICSIZE),
             item = core_word(core, address + TP_ITEMSIZE);
    uint32_t minor = core->layout.minor;
    if (!core_refcount(core_word(core, address + OB_REFCNT) & (minor >= 14 ? 0xffffffff : UINT64_MAX)) ||
        basic < 16 || basic > LARGEST || item > LARGEST ||
        !mem_plausible(core_word(core, address + TP_NAME) & ~UINT64_C(7)))
        return NULL;
    if (!(flags & TPFLAG_READY) && (flags & TPFLAG_HEAPTYPE || !has_name(core, address)))
        return NULL;
    struct core_type t = {.address = address, .basic = (uint32_t)basic, .item = (uint32_t)item};
    t.header = flags & TPFLAG_HAVE_GC ? 16 : 0;
    if ((minor == 11 && flags & TPFLAG_MANAGED_DICT) ||
        (minor >= 12 && flags & (TPFLAG_MANAGED_DICT | TPFLAG_MANAGED_WEAKREF)))
        t.header = (uint8_t)(t.header + 16);
    t.managed = (minor == 11 || minor == 12) && flags & TPFLAG_MANAGED_DICT;
    t.inside = minor >= 13 && flags & TPFLAG_INLINE_VALUES;
    t.metatype = (flags & TPFLAG_TYPE) != 0;
    t.extent = flags & TPFLAG_UNICODE ? EXTENT_STR
               : flags & TPFLAG_LONG  ? EXTENT_INT
               : item != 0            ? EXTENT_ITEMS
                                      : EXTENT_FIXED;
    t.owns = owns(core, address, flags);
    if (!large_enough(t.owns, basic))
        t.owns = OWNS_NOTHING;
    /* Their word +16 is no count of items (generators keep a frame there, types count slots). */
    if (t.metatype || (t.extent == EXTENT_ITEMS &&
                       (named(core, address, "generator") || named(core, address, "coroutine") ||
                        named(core, address, "async_generator"))))
        t.extent = EXTENT_FIXED;
    if (t.extent == EXTENT_FIXED && may_end_early(core, address))
        t.basic -= 8;
    if (core->frame_type == 0 && t.extent == EXTENT_ITEMS && named(core, address, "frame"))
        core->frame_type = address;
    if (!put(&core->types, &t)) {
        core->failed = true;
        return NULL;
    }
    return core_type_find(&core->types, address);
}

const struct core_type *core_type_learn(struct cpython_core *core, uint64_t address)
{
    uint64_t type = address;
    const struct core_type *t = core_type_find(&core->types, address);
    if (t != NULL || !mem_plausible(address))
        return t;
    for (unsigned depth = 0; depth < 8; depth++) { /* metaclasses of metaclasses */
        type = core_word(core, type + OB_TYPE);
        if (!mem_plausible(type))
            return NULL;
        if (type == core->runtime.type_type)
            return learn(core, address);
        if (!(core_word(core, type + TP_FLAGS) & TPFLAG_TYPE))
            return NULL;
    }
    return NULL;
}

/* Types in modules' data whose own type is known; again while that finds types of types. */
static void scan_range(struct cpython_core *core, uint64_t start, uint64_t end)
{
    for (uint64_t page = start & ~UINT64_C(4095); page < end; page += 4096) {
        const uint8_t *p = address_space_at(&core->image->space, page, 4096);
        for (uint64_t at = 0; p != NULL && at < 4096; at += 8) {
            uint64_t word;
            memcpy(&word, p + at, 8);
            if (!mem_plausible(word) || page + at < start + 8)
                continue;
            const struct core_type *t = core_type_find(&core->types, word);
            if (t != NULL && t->metatype && core_type_find(&core->types, page + at - 8) == NULL)
                learn(core, page + at - 8);
        }
    }
}

bool core_types_static(struct cpython_core *core)
{
    uint32_t before;
    if (learn(core, core->runtime.type_type) == NULL)
        return false;
    for (size_t i = 0; i < core->stand_in_count; i++)
        if (core_type_find(&core->types, core->stand_ins[i].address) == NULL)
            learn(core, core->stand_ins[i].address);
    do {
        before = core->types.metatypes;
        for (size_t i = 0; i < core->image->module_count; i++)
            for (uint32_t k = 0; k < core->image->modules[i].data_count; k++)
                scan_range(core, core->image->modules[i].data[k].start, core->image->modules[i].data[k].end);
    } while (core->types.metatypes != before && !core->failed);
    return !core->failed;
}

/* A first look: its own type leads to `type`. */
static bool may_be_type(const struct cpython_core *core, uint64_t address)
{
    uint64_t type = core_word(core, address + OB_TYPE);
    for (unsigned depth = 0; depth < 4 && mem_plausible(type);
         depth++, type = core_word(core, type + OB_TYPE))
        if (type == core->runtime.type_type)
            return true;
    return false;
}

bool core_types_heap(struct cpython_core *core, const struct block_index *index,
                     uint64_t (*block_size)(const struct process_image *image, uint64_t address))
{
    const uint32_t head = 16;
    uint64_t *large = NULL; /* the few blocks that could be one, for further rounds */
    size_t count = 0, capacity = 0;
    struct core_blocks blocks = {0};
    for (uint64_t at; (at = core_next_block(index, &blocks)) != 0;) {
        if (block_size(core->image, at) < core->layout.heap_type_size + head)
            continue;
        /* A type that is none of the heap has no collector's head, wherever it lies (numpy's of its dtypes).
         */
        const uint8_t *p = address_space_at(&core->image->space, at, 128);
        if (p == NULL)
            continue;
        uint64_t bare = at + core_marks(core, p, 128), object = bare + head,
                 flags = core_word(core, bare + TP_FLAGS);
        if (flags & TPFLAG_READY && !(flags & TPFLAG_HEAPTYPE) && may_be_type(core, bare))
            object = bare;
        uint64_t type = core_word(core, object + OB_TYPE);
        if (!mem_plausible(type) || !(core_word(core, object + TP_FLAGS) & TPFLAG_READY))
            continue;
        if (count == capacity) {
            uint64_t *bigger = realloc(large, (capacity = capacity * 2 + 1024) * sizeof(*large));
            if (bigger == NULL) {
                free(large);
                core->failed = true;
                return false;
            }
            large = bigger;
        }
        large[count++] = object;
    }
    uint32_t before;
    do {
        before = core->types.metatypes;
        for (size_t i = 0; i < count; i++) {
            const struct core_type *t = core_type_find(&core->types, core_word(core, large[i] + OB_TYPE));
            if (t != NULL && t->metatype && core_type_find(&core->types, large[i]) == NULL)
                learn(core, large[i]);
        }
    } while (core->types.metatypes != before && !core->failed);
    free(large);
    return !core->failed;
}
