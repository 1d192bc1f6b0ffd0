/* Types: one record each, made when the first object of the type is visited. */
#include "formats/cpython/walk.h"

static const struct {
    const char *name; /* tp_name */
    uint8_t family;
    bool exact;
} families[] = {
    {"float", FAMILY_FLOAT, true},
    {"bool", FAMILY_BOOL, true},
    {"NoneType", FAMILY_NONE, true},
    {"set", FAMILY_SET, false},
    {"frozenset", FAMILY_SET, false},
    {"module", FAMILY_MODULE, false},
    {"function", FAMILY_FUNCTION, true},
    {"code", FAMILY_CODE, true},
    {"cell", FAMILY_CELL, true},
    {"method", FAMILY_METHOD, true},
    {"frame", FAMILY_FRAME, true},
    {"generator", FAMILY_GENERATOR, true},
    {"coroutine", FAMILY_GENERATOR, true},
    {"async_generator", FAMILY_GENERATOR, true},
    {"weakref", FAMILY_WEAKREF, false},
    {"weakref.ReferenceType", FAMILY_WEAKREF, false},
    {"weakproxy", FAMILY_WEAKREF, true},
    {"weakref.ProxyType", FAMILY_WEAKREF, true},
    {"weakcallableproxy", FAMILY_WEAKREF, true},
    {"weakref.CallableProxyType", FAMILY_WEAKREF, true},
    {"bytearray", FAMILY_BYTEARRAY, false},
    {"collections.deque", FAMILY_DEQUE, false},
    {"builtin_function_or_method", FAMILY_BUILTIN, false},
    {"mappingproxy", FAMILY_MAPPINGPROXY, true},
    {"functools.partial", FAMILY_PARTIAL, false},
    {"functools._lru_cache_wrapper", FAMILY_LRU_CACHE, false},
    {"functools._lru_list_elem", FAMILY_LRU_LINK, true},
    {"property", FAMILY_PROPERTY, false},
    {"traceback", FAMILY_TRACEBACK, true},
    {"wrapper_descriptor", FAMILY_DESCRIPTOR, true},
    {"method_descriptor", FAMILY_DESCRIPTOR, true},
    {"classmethod_descriptor", FAMILY_DESCRIPTOR, true},
    {"getset_descriptor", FAMILY_DESCRIPTOR, true},
    {"member_descriptor", FAMILY_DESCRIPTOR, true},
    {"_contextvars.ContextVar", FAMILY_CONTEXT, true},
    {"ContextVar", FAMILY_CONTEXT, true},
    {"_contextvars.Token", FAMILY_CONTEXT, true},
    {"Token", FAMILY_CONTEXT, true},
    {"_contextvars.Context", FAMILY_CONTEXT, true},
    {"Context", FAMILY_CONTEXT, true},
    {"list_iterator", FAMILY_ITERATOR, true},
    {"tuple_iterator", FAMILY_ITERATOR, true},
    {"dict_keyiterator", FAMILY_ITERATOR, true},
    {"dict_valueiterator", FAMILY_ITERATOR, true},
    {"dict_itemiterator", FAMILY_ITERATOR, true},
    {"set_iterator", FAMILY_ITERATOR, true},
    {"iterator", FAMILY_ITERATOR, true},
};

static uint8_t family_by_flags(uint64_t flags)
{
    static const struct {
        uint64_t flag;
        uint8_t family;
    } table[] = {
        {TPFLAG_TYPE, FAMILY_TYPE},           {TPFLAG_UNICODE, FAMILY_STR}, {TPFLAG_BYTES, FAMILY_BYTES},
        {TPFLAG_LIST, FAMILY_LIST},           {TPFLAG_TUPLE, FAMILY_TUPLE}, {TPFLAG_DICT, FAMILY_DICT},
        {TPFLAG_EXCEPTION, FAMILY_EXCEPTION}, {TPFLAG_LONG, FAMILY_INT},
    };
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (flags & table[i].flag)
            return table[i].family;
    return FAMILY_OTHER;
}

/* Made by a class statement (or type()): its name is the user's choice and says nothing about its layout. */
static bool is_python_class(const struct walk *w, uint64_t type)
{
    if (!(mem_u64(type + TP_FLAGS) & TPFLAG_HEAPTYPE))
        return false;
    if (w->python_traverse != 0 && mem_u64(type + TP_TRAVERSE) == w->python_traverse)
        return true;
    uint64_t name = mem_u64(type + TP_NAME);
    for (char c; (c = (char)mem_u8(name)) != '\0'; name++)
        if (c == '.')
            return false;
    return true;
}

static uint8_t family_of(const struct walk *w, uint64_t type, uint64_t flags)
{
    unsigned depth = 0;
    for (uint64_t base = type; base != 0 && depth < 256; base = mem_u64(base + TP_BASE), depth++) {
        if (is_python_class(w, base))
            continue;
        uint64_t name = mem_u64(base + TP_NAME);
        for (unsigned i = 0; i < sizeof(families) / sizeof(families[0]); i++)
            if ((!families[i].exact || base == type) && walk_text_is(name, families[i].name))
                return families[i].family;
    }
    return family_by_flags(flags);
}

/* 3.12+: what the interpreter keeps of a static type, found by the 1-based index in tp_subclasses; 0:
 * nothing. */
static uint64_t static_state(const struct walk *w, uint64_t type)
{
    enum {
        BUILTINS = 200,
        EXTENSIONS = 10,
        BETWEEN = 16
    }; /* Include/internal/pycore_typeobject.h, struct types_state; extensions: 3.13+ */
    const struct cpython_layout *l = w->layout;
    uint64_t index = mem_u64(type + TP_SUBCLASSES), table = w->static_table;
    if (index == 0 || index > BUILTINS || table == 0)
        return 0;
    uint64_t state = table + (index - 1) * l->static_entry;
    if (mem_u64(state) == type)
        return state;
    if (l->minor < 13 || index > EXTENSIONS)
        return 0;
    state = table + (uint64_t)BUILTINS * l->static_entry + BETWEEN + (index - 1) * l->static_entry;
    return mem_u64(state) == type ? state : 0;
}

/* 3.12+: finds the table again if another patch level moved it: two types of known index must stand in it at
 * the right distance. */
static void find_static_table(struct walk *w)
{
    const struct cpython_layout *l = w->layout;
    uint64_t list = mem_u64(w->list_type + TP_SUBCLASSES), dict = mem_u64(w->dict_type + TP_SUBCLASSES);
    if (l->static_types == NONE || list == 0 || list > 200 || dict == 0 || dict > 200)
        return;
    uint64_t apart = (dict - list) * l->static_entry,
             end =
                 w->interpreter + (l->interpreter_size == 0 ? l->static_types + 65536 : l->interpreter_size);
    w->static_table = w->interpreter + l->static_types;
    if (mem_u64(w->static_table + (list - 1) * l->static_entry) == w->list_type)
        return;
    w->static_table = 0;
    for (uint64_t at = w->interpreter + 8 * list; at + 8 <= end; at += 8) {
        if (mem_u64(at) == w->list_type && at + apart + 8 <= end && mem_u64(at + apart) == w->dict_type) {
            w->static_table = at - (list - 1) * l->static_entry;
            return;
        }
    }
}

static bool has_static_state(const struct walk *w, uint64_t type)
{
    return w->layout->static_types != NONE && mem_u64(type + TP_FLAGS) & TPFLAG_STATIC_BUILTIN;
}

uint64_t walk_type_dict(struct walk *w, uint64_t type)
{
    uint64_t dict = mem_u64(type + TP_DICT);
    if (dict != 0 || !has_static_state(w, type))
        return dict;
    uint64_t state = static_state(w, type);
    return state == 0 ? 0 : mem_u64(state + w->layout->static_dict);
}

uint64_t walk_type_subclasses(struct walk *w, uint64_t type)
{
    if (!has_static_state(w, type))
        return mem_u64(type + TP_SUBCLASSES);
    uint64_t state = static_state(w, type);
    return state == 0 ? 0 : mem_u64(state + w->layout->static_subclasses);
}

/* "module.Qualname" into out, builtins left out. */
size_t walk_type_name(struct walk *w, uint64_t type, char *out, size_t size, size_t *module_length)
{
    size_t n = 0;
    *module_length = 0;
    if (mem_u64(type + TP_FLAGS) & TPFLAG_HEAPTYPE) {
        uint64_t qualname = mem_u64(type + w->layout->ht_qualname), full;
        uint64_t module = walk_dict_lookup(w, walk_type_dict(w, type), "__module__");
        if (module != 0 && walk_is_str(w, module)) {
            n = walk_str(w, module, out, size / 2, &full);
            if (n == 8 && memcmp(out, "builtins", 8) == 0)
                n = 0;
            *module_length = n;
            if (n > 0)
                out[n++] = '.';
        }
        if (qualname != 0 && walk_is_str(w, qualname))
            n += walk_str(w, qualname, out + n, size - n, &full);
        return n;
    }
    uint64_t name = mem_u64(type + TP_NAME);
    for (char c; n < size - 1 && (c = (char)mem_u8(name + n)) != '\0'; n++) {
        out[n] = c;
        if (c == '.')
            *module_length = n;
    }
    if (n > 9 && memcmp(out, "builtins.", 9) == 0) {
        memmove(out, out + 9, n - 9);
        n -= 9;
        *module_length = 0;
    }
#ifdef HELDBY_MEMORY_SPACE
    if (n == 0)
        n = walk_unnamed_type(type, out, size);
#endif
    return n;
}

const struct walk_name *walk_name_at(const struct walk_type *t, uint32_t offset)
{
    uint32_t low = 0, high = t->name_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (t->names[mid].offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low < t->name_count && t->names[low].offset == offset ? &t->names[low] : NULL;
}

enum { MAX_NAMES = WALK_MAX_NAMES };

static void add_name(struct walk_type *t, uint32_t offset, uint8_t kind, uint32_t name, bool known)
{
    if (t->name_count == MAX_NAMES)
        return;
    uint32_t i = t->name_count;
    while (i > 0 && t->names[i - 1].offset > offset)
        i--;
    if (i > 0 && t->names[i - 1].offset == offset)
        return; /* the most derived name counts */
    memmove(&t->names[i + 1], &t->names[i], (t->name_count - i) * sizeof(t->names[0]));
    t->names[i] = (struct walk_name){offset, kind, true, known, name};
    t->name_count++;
}

/* tp_members-like tables: 40 bytes an entry. */
static void add_members(struct walk *w, struct walk_type *t, uint64_t members, uint64_t count, bool slots)
{
    for (uint64_t i = 0, m = members; i < count && t->name_count < MAX_NAMES; i++, m += MEMBER_SIZE) {
        uint64_t text = mem_u64(m), offset = mem_u64(m + MEMBER_OFFSET);
        uint32_t type = mem_u32(m + MEMBER_TYPE);
        if (text == 0)
            return;
        if ((type != MEMBER_OBJECT && type != MEMBER_OBJECT_EX) || offset < 16 || offset > 1 << 20)
            continue;
        char buffer[256];
        size_t n = 0;
        for (char c; n < sizeof(buffer) && (c = (char)mem_u8(text + n)) != '\0'; n++)
            buffer[n] = c;
        add_name(t, (uint32_t)offset, slots ? REFERENCE_SLOT : REFERENCE_FIELD,
                 snapshot_writer_string(w->writer, buffer, n), slots);
        if (slots && t->slot_count < MAX_NAMES)
            t->slots[t->slot_count++] = (uint32_t)offset;
    }
}

static void add_known_fields(struct walk *w, struct walk_type *t, uint64_t base)
{
    uint64_t name = mem_u64(base + TP_NAME);
    for (unsigned i = 0; i < cpython_field_count; i++) {
        const struct cpython_field *f = &cpython_fields[i];
        if (w->layout->minor >= f->first && w->layout->minor <= f->last && walk_text_is(name, f->type))
            add_name(t, f->offset, f->kind, walk_string(w, f->name), true);
    }
}

/* Over an image: a part of a type whose memory is missing is left out, the rest is what is known of it. */
static bool part_of(struct walk *w, void (*part)(struct walk *w, void *context), void *context)
{
#ifdef HELDBY_MEMORY_SPACE
    return walk_guarded(w, part, context);
#else
    part(w, context);
    return true;
#endif
}

struct described {
    struct walk_type *type;
    uint64_t base; /* it, or one of its bases */
    bool python;   /* no C type came before it */
};

static void describe_base(struct walk *w, void *context)
{
    struct described *p = context;
    struct walk_type *t = p->type;
    uint64_t base = p->base;
    uint64_t traverse = mem_u64(base + TP_TRAVERSE);
    p->python = p->python && w->python_traverse != 0 && traverse == w->python_traverse;
    if (base == t->address)
        t->python = p->python;
    if (p->python) {
        uint64_t metatype = mem_u64(base + OB_TYPE), count = mem_u64(base + OB_SIZE);
        if (count < MAX_NAMES)
            add_members(w, t, base + mem_u64(metatype + TP_BASICSIZE), count, true);
    } else {
        t->container_traverse = traverse == 0 ? t->container_traverse : traverse; /* ends as the builtin's */
        if (t->c_size == 0) {
            t->traverse = traverse;
            t->c_size = (uint32_t)mem_u64(base + TP_BASICSIZE);
        }
        uint64_t name = mem_u64(base + TP_NAME);
        t->coroutine =
            t->coroutine || walk_text_is(name, "coroutine") || walk_text_is(name, "async_generator");
        t->ordered = t->ordered || walk_text_is(name, "collections.OrderedDict");
        t->buffer = t->buffer || walk_text_is(name, "array.array");
        t->packing = t->packing || walk_text_is(name, "_struct.Struct");
        t->lock = t->lock || walk_text_is(name, "_thread.lock");
        t->queue = t->queue || walk_text_is(name, "_queue.SimpleQueue");
        t->array = t->array || walk_text_is(name, "numpy.ndarray");
        t->dated = t->dated || walk_text_is(name, "datetime.datetime") || walk_text_is(name, "datetime.time");
        if (!is_python_class(w, base))
            add_known_fields(w, t, base);
        uint64_t members = mem_u64(base + TP_MEMBERS);
        if (members != 0)
            add_members(w, t, members, MAX_NAMES, false);
    }
}

/* Names of everything at an offset, the most derived type first; finds the first base whose traverse is C's.
 */
static void describe(struct walk *w, struct walk_type *t)
{
    struct walk_name *names = w->name_scratch;
    uint32_t *slots = w->slot_scratch;
    unsigned depth = 0;
    struct described p = {t, t->address, true};
    t->names = names;
    t->slots = slots;
    for (; p.base != 0 && depth < 256; p.base = mem_u64(p.base + TP_BASE), depth++)
        part_of(w, describe_base, &p);
    t->names = capture_alloc(&w->memory, (t->name_count + 1) * sizeof(names[0]));
    t->slots = capture_alloc(&w->memory, (t->slot_count + 1) * sizeof(slots[0]));
    if (t->names == NULL || t->slots == NULL) {
        t->name_count = t->slot_count = 0;
        return;
    }
    memcpy(t->names, names, t->name_count * sizeof(names[0]));
    memcpy(t->slots, slots, t->slot_count * sizeof(slots[0]));
}

static void choose_container(struct walk_type *t, uint64_t tuple_type, uint32_t tuple_items)
{
    static const struct {
        uint8_t family, container;
        uint32_t size;
    } table[] = {
        {FAMILY_LIST, VISIT_LIST, 40},     {FAMILY_TUPLE, VISIT_TUPLE, 24}, {FAMILY_DICT, VISIT_DICT, 48},
        {FAMILY_SET, VISIT_SET, SET_SIZE}, {FAMILY_DEQUE, VISIT_LIST, 0},
    };
    t->container = VISIT_LEAF;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (t->family == table[i].family) {
            t->container = table[i].container;
            t->container_size = table[i].size == 24 ? tuple_items : table[i].size;
        }
    }
    /* A structure sequence has more items than its size says; its own traverse knows how many. */
    t->structure = t->family == FAMILY_TUPLE && t->traverse != mem_u64(tuple_type + TP_TRAVERSE);
    if (t->structure)
        t->container = VISIT_LEAF;
    t->deque = t->family == FAMILY_DEQUE;
    if (t->deque)
        t->container_size = 56;
}

/* Over an image: C's own part of the objects may have words that lead to native memory. */
static uint8_t visit_of_instance(struct walk_type *t)
{
#ifdef HELDBY_MEMORY_SPACE
    t->python_part = t->c_size > 16;
    return t->python_part ? VISIT_GENERAL : VISIT_INSTANCE;
#else
    (void)t;
    return VISIT_INSTANCE;
#endif
}

static uint8_t choose_visit(struct walk *w, struct walk_type *t)
{
    uint64_t a = t->address;
    if (a == w->list_type)
        return VISIT_LIST;
    if (a == w->dict_type)
        return VISIT_DICT;
    if (a == w->tuple_type)
        return VISIT_TUPLE;
    if (a == w->set_type || a == w->frozenset_type)
        return VISIT_SET;
    if (t->python && t->container == VISIT_LEAF && t->traverse == 0 && t->family == FAMILY_OTHER &&
        (t->dict_offset == 0 || t->dict_offset > 0) && t->slot_count <= 64 && t->key_count <= 64)
        return visit_of_instance(t);
    if (t->python)
        return VISIT_GENERAL;
    switch (t->family) {
    case FAMILY_STR:
        return t->dict_offset == 0 ? VISIT_STR : VISIT_GENERAL;
    case FAMILY_INT:
    case FAMILY_BOOL:
        return t->dict_offset == 0 ? VISIT_INT : VISIT_GENERAL;
    case FAMILY_BYTES:
        return t->dict_offset == 0 ? VISIT_BYTES : VISIT_GENERAL;
    case FAMILY_BYTEARRAY:
        return t->dict_offset == 0 ? VISIT_BYTEARRAY : VISIT_GENERAL;
    case FAMILY_FLOAT:
        return VISIT_FLOAT;
    case FAMILY_NONE:
        return VISIT_LEAF;
    default:
        return t->basic_size <= 16 && t->item_size == 0 && !(t->flags & TPFLAG_HAVE_GC) && t->dict_offset == 0
                   ? VISIT_LEAF
                   : VISIT_GENERAL;
    }
}

static void fill(struct walk *w, struct walk_type *t)
{
    uint64_t type = t->address, flags = mem_u64(type + TP_FLAGS);
    t->flags = flags;
    t->basic_size = (uint32_t)mem_u64(type + TP_BASICSIZE);
    t->item_size = (uint32_t)mem_u64(type + TP_ITEMSIZE);
    t->family = family_of(w, type, flags);
    if (flags & TPFLAG_HAVE_GC)
        t->header = 16;
    if ((w->layout->minor == 11 && flags & TPFLAG_MANAGED_DICT) ||
        (w->layout->minor >= 12 && flags & (TPFLAG_MANAGED_DICT | TPFLAG_MANAGED_WEAKREF)))
        t->header = (uint8_t)(t->header + 16);
    bool managed = w->layout->minor >= 11 && flags & TPFLAG_MANAGED_DICT;
    t->dict_offset = managed ? WALK_MANAGED : (int64_t)mem_u64(type + TP_DICTOFFSET);
    describe(w, t);
    choose_container(t, w->tuple_type, w->layout->tuple_items);
    uint64_t cached = flags & TPFLAG_HEAPTYPE ? mem_u64(type + w->layout->ht_cached_keys) : 0;
    if (managed && cached != 0) {
        struct walk_keys k;
        t->keys = cached;
        if (walk_keys_read(w, cached, &k) && k.count <= 256)
            t->key_count = (uint32_t)k.count;
    }
    t->has_size_word = t->item_size != 0 && t->family != FAMILY_GENERATOR && t->family != FAMILY_INT &&
                       t->family != FAMILY_TYPE;
    t->visit = choose_visit(w, t);
}

struct announced {
    uint64_t type;
    uint32_t base_id;
    size_t length, module_length;
};

static void announce_base(struct walk *w, void *context)
{
    struct announced *a = context;
    a->base_id = walk_type_of(w, a->type)->id;
}

static void announce_name(struct walk *w, void *context)
{
    struct announced *a = context;
    a->length = walk_type_name(w, a->type, w->text, sizeof(w->text), &a->module_length);
}

/* Places in the file: its name, its members, and the type itself as an object. */
static void announce(struct walk *w, struct walk_type *t)
{
    uint64_t base = mem_u64(t->address + TP_BASE);
    uint32_t base_id = 0, count = 0;
    if (base != 0 && base != t->address && w->type_depth < 64) { /* first, for it uses the same scratch */
        w->type_depth++;
        struct announced b = {.type = base};
        part_of(w, announce_base, &b);
        base_id = b.base_id;
        w->type_depth--;
    }
    char *name = w->text;
    struct announced a = {.type = t->address};
    if (!part_of(w, announce_name, &a))
        a.length = a.module_length = 0;
    size_t module_length = a.module_length, n = a.length;
#ifdef HELDBY_MEMORY_SPACE
    if (n == 0)
        n = walk_unnamed_type(t->address, name, sizeof(w->text));
#endif
    struct snapshot_member *members = w->member_scratch;
    for (uint32_t i = 0; i < t->name_count && count < WALK_MAX_NAMES; i++)
        members[count++] = (struct snapshot_member){t->names[i].offset, t->names[i].name};
    struct snapshot_type s = {
        .name = snapshot_writer_string(w->writer, name, n),
        .module = module_length == 0 ? walk_string(w, "builtins")
                                     : snapshot_writer_string(w->writer, name, module_length),
        .object = walk_id(w, t->address),
        .family = t->family,
        .base = base_id,
        .address = t->address,
        .basic_size = t->basic_size,
        .item_size = t->item_size,
        .member_count = count,
        .members = members,
    };
    s.flags =
        (t->flags & TPFLAG_HEAPTYPE ? TYPE_HEAP : 0) | (t->flags & TPFLAG_HAVE_GC ? TYPE_GC : 0) |
        (mem_u64(t->address + TP_TRAVERSE) != 0 ? TYPE_TRAVERSE : 0) |
        (mem_u64(t->address + TP_FINALIZE) != 0 || mem_u64(t->address + TP_DEL) != 0 ? TYPE_FINALIZER : 0);
    t->id = snapshot_writer_type(w->writer, &s);
    t->plain_shape = walk_shape(w, t, NULL, 0,
                                t->container == VISIT_DICT   ? TAIL_PAIRS
                                : t->container == VISIT_SET  ? TAIL_MEMBERS
                                : t->container != VISIT_LEAF ? TAIL_INDEX
                                                             : TAIL_NONE,
                                0);
}

static bool grow(struct walk *w)
{
    uint32_t capacity = w->type_capacity == 0 ? 4096 : w->type_capacity * 2;
    struct walk_type **bigger = capture_alloc(&w->memory, capacity * sizeof(*bigger));
    if (bigger == NULL)
        return false;
    for (uint32_t i = 0; i < w->type_capacity; i++) {
        if (w->types[i] == NULL)
            continue;
        uint32_t at = (uint32_t)(w->types[i]->address >> 4) * 0x9E3779B1u & (capacity - 1);
        while (bigger[at] != NULL)
            at = (at + 1) & (capacity - 1);
        bigger[at] = w->types[i];
    }
    w->types = bigger;
    w->type_capacity = capacity;
    return true;
}

struct walk_type *walk_type_make(struct walk *w, uint64_t address)
{
    uint32_t at = (uint32_t)(address >> 4) * 0x9E3779B1u & (w->type_capacity - 1);
    for (; w->types[at] != NULL; at = (at + 1) & (w->type_capacity - 1)) {
        if (w->types[at]->address == address) {
            if (w->types[at]->id != 0)
                w->cache[address >> 4 & (WALK_TYPE_CACHE - 1)] = w->types[at];
            return w->types[at];
        }
    }
    if (!mem_plausible(address))
        return w->unreadable;
    if (w->type_count * 2 >= w->type_capacity) {
        if (!grow(w))
            return w->unreadable;
        at = (uint32_t)(address >> 4) * 0x9E3779B1u & (w->type_capacity - 1);
        while (w->types[at] != NULL)
            at = (at + 1) & (w->type_capacity - 1);
    }
    struct walk_type *t = capture_alloc(&w->memory, sizeof(*t));
    if (t == NULL)
        return w->unreadable;
    /* Until it is whole it stands for the unreadable type, which is what it stays if reading it faults. */
    *t = *w->unreadable;
    t->address = address;
    w->types[at] = t;
    w->type_count++;
    struct walk_type filled = {.address = address};
    fill(w, &filled);
    announce(w, &filled);
    *t = filled;
    w->cache[address >> 4 & (WALK_TYPE_CACHE - 1)] = t;
    return t;
}

static void static_table_part(struct walk *w, void *context)
{
    (void)context;
    find_static_table(w);
}

bool walk_types_init(struct walk *w)
{
    walk_guarded(w, static_table_part, NULL);
    if (!grow(w))
        return false;
    w->unreadable = capture_alloc(&w->memory, sizeof(*w->unreadable));
    if (w->unreadable == NULL)
        return false;
    struct snapshot_type s = {.name = walk_string(w, "<unreadable>")};
    w->unreadable->id = snapshot_writer_type(w->writer, &s);
    w->unreadable->visit = VISIT_LEAF;
    w->unreadable->container = VISIT_LEAF;
    w->unreadable->plain_shape = walk_shape(w, w->unreadable, NULL, 0, TAIL_FIELDS, 0);
    return true;
}
