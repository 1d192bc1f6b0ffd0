/* The fields of objects that C code has laid out, from their words: where the hook asks tp_traverse, here
 * every word that is exactly the address of an object is a reference. */
#include "formats/cpython/cpython_core_private.h"

/* Words that lead to objects without owning them, or that tp_traverse leaves out (Objects and Modules of each
 * version): offsets from `from` to `to`, exclusive. The list of weak references to an object is left out for
 * all types. */
static const struct {
    const char *type;
    uint8_t first, last;
    uint16_t from, to;
} borrowed[] = {
    {"_contextvars.ContextVar", 8, 99, 32, 40}, /* var_cached */
    {"ContextVar", 8, 99, 32, 40},
    {"module", 8, 99, 24, 32},            /* md_def, an object by its head only */
    {"memoryview", 8, 99, 32, 2048},      /* the view of what the managed buffer holds */
    {"managedbuffer", 8, 99, 32, 40},     /* buf */
    {"enumerate", 11, 99, 48, 56},        /* the int 1 */
    {"itertools.groupby", 8, 99, 56, 64}, /* currgrouper */
    {"_ctypes._CData", 8, 99, 72, 2048},  /* b_value, held by b_objects as well */
    {"generator", 8, 9, 24, 32},          /* gi_running, a byte */
    {"coroutine", 8, 9, 24, 32},
    {"async_generator", 8, 9, 24, 32},
    {"decimal.Decimal", 13, 99, 16, 2048}, /* numbers, not all of them ever set */
    {"_thread._local", 8, 12, 16, 24},     /* key */
    {"_thread._local", 8, 12, 56, 64},     /* wr_callback */
    {"_io.StringIO", 8, 99, 40, 112},      /* newline texts and the decoder */
};

static void borrow(struct walk_type *t, uint64_t offset)
{
    if (offset % 8 == 0 && offset / 8 < sizeof(t->borrowed) * 8)
        t->borrowed[offset / 512] |= UINT64_C(1) << offset / 8 % 64;
}

static uint8_t beyond(const struct walk_type *t, uint64_t name, bool traversed)
{
    if (t->structure)
        return BEYOND_STRUCTURE;
    if (t->queue)
        return BEYOND_QUEUE;
    if (t->family == FAMILY_MODULE)
        return BEYOND_MODULE;
    if (walk_text_is(name, "xml.etree.ElementTree.Element"))
        return BEYOND_ELEMENT;
    if (walk_text_is(name, "_pickle.Pickler"))
        return traversed ? BEYOND_PICKLER : BEYOND_NOTHING;
    if (walk_text_is(name, "itertools._tee_dataobject"))
        return BEYOND_TEE;
    if (walk_text_is(name, "memoryview") || walk_text_is(name, "re.Match")) /* their items are numbers */
        return BEYOND_NOTHING;
    return t->item_size == 8 && t->has_size_word && t->container == VISIT_LEAF ? BEYOND_ITEMS
                                                                               : BEYOND_NOTHING;
}

static void plan(struct walk *w, struct walk_type *t)
{
    t->planned = true;
    uint64_t base = t->address;
    for (unsigned depth = 0; mem_plausible(base) && depth < 256; base = mem_u64(base + TP_BASE), depth++) {
        uint64_t name = mem_u64(base + TP_NAME);
        if (mem_u64(base + TP_TRAVERSE) == t->traverse && t->beyond == BEYOND_NOTHING)
            t->beyond = beyond(t, name, core_memo_traversed(w->core));
        for (unsigned i = 0; i < sizeof(borrowed) / sizeof(borrowed[0]); i++)
            if (w->layout->minor >= borrowed[i].first && w->layout->minor <= borrowed[i].last &&
                walk_text_is(name, borrowed[i].type))
                for (uint64_t at = borrowed[i].from; at < borrowed[i].to; at += 8)
                    borrow(t, at);
    }
    int64_t weak = (int64_t)mem_u64(t->address + TP_WEAKLISTOFFSET);
    if (weak > 0)
        borrow(t, (uint64_t)weak);
    if (t->family == FAMILY_WEAKREF) {
        enum { PREVIOUS = 40, NEXT = 48 }; /* Include/cpython/weakrefobject.h, PyWeakReference */
        borrow(t, WEAKREF_OBJECT);
        borrow(t, PREVIOUS);
        borrow(t, NEXT);
    }
}

static bool is_borrowed(const struct walk_type *t, uint32_t offset)
{
    return offset / 8 < sizeof(t->borrowed) * 8 && t->borrowed[offset / 512] >> offset / 8 % 64 & 1;
}

static bool is_object(const struct walk *w, uint64_t word)
{
    if (core_is_object(w->core, word))
        return true;
    uint32_t id = address_map_get(&w->map, word);
    return id != 0 && id != ADDRESS_MAP_EXCLUDED && (walk_entry(w, id) & 3) != WALK_NATIVE &&
           walk_address(walk_entry(w, id)) == word;
}

static void field(struct walk *w, const struct walk_type *t, uint32_t word, uint8_t certainty)
{
    struct walk_traverse *v = &w->traverse;
    uint64_t target = v->words[word];
    uint32_t offset = v->first_word + 8 * word;
    if (!mem_plausible(target) || is_borrowed(t, offset))
        return;
    if (!is_object(w, target))
        return;
    v->words[word] = 0;
    if (v->spilled)
        walk_tail(w, target);
    else
        walk_field_at(w, t, offset, target, certainty);
    if (!v->spilled && w->gathered.count == WALK_MAX_FIELDS)
        walk_spill(w);
}

void walk_known_words(struct walk *w, struct walk_type *t)
{
    if (!t->planned)
        plan(w, t);
    for (uint32_t i = 0; i < w->traverse.word_count; i++)
        field(w, t, i, CERTAINTY_UNCERTAIN);
}

/* ---- references elsewhere ---- */

/* An object among the words of a structure. */
static void word_at(struct walk *w, uint64_t at, bool with_str)
{
    uint64_t word = address_space_word(memory_view.space, at);
    if (mem_plausible(word) && is_object(w, word) && (with_str || mem_u64(word + OB_TYPE) != w->str_type))
        walk_tail(w, word);
}

static uint64_t small_int(uint64_t object)
{
    if (!mem_plausible(object) || !(mem_u64(mem_u64(object + OB_TYPE) + TP_FLAGS) & TPFLAG_LONG))
        return 0;
    return mem_u32(object + 24);
}

static void structure(struct walk *w, const struct walk_type *t, uint64_t object)
{
    uint64_t visible = mem_u64(object + OB_SIZE), all = visible;
    unsigned depth = 0; /* a damaged type may be its own base */
    for (uint64_t base = t->address; mem_plausible(base) && all == visible && depth < 256;
         base = mem_u64(base + TP_BASE), depth++) {
        uint64_t n = small_int(walk_dict_lookup(w, walk_type_dict(w, base), "n_fields"));
        if (n > visible && n < visible + 256)
            all = n;
    }
    uint64_t items = object + w->layout->tuple_items;
    /* since 3.13 the fixed part reaches over as many items as are hidden: these are fields by now */
    uint64_t first = t->c_size > w->layout->tuple_items ? (t->c_size - w->layout->tuple_items) / 8 : 0;
    for (uint64_t i = first; i < all; i++)
        walk_tail(w, mem_u64(items + 8 * i));
}

static void module(struct walk *w, uint64_t object)
{
    enum {
        STATE = 32,
        DEFINITION = 24,
        DEFINITION_SIZE = 56,
        DEFINITION_TRAVERSE = 80
    }; /* Objects/moduleobject.c; moduleobject.h */
    uint64_t state = mem_u64(object + STATE), definition = mem_u64(object + DEFINITION);
    if (!mem_plausible(state) || !mem_plausible(definition) || mem_u64(definition + DEFINITION_TRAVERSE) == 0)
        return;
    uint64_t size = mem_u64(definition + DEFINITION_SIZE);
    for (uint64_t at = 0; size < 1 << 20 && at + 8 <= size; at += 8)
        word_at(w, state + at, false); /* names are not reported, types are */
}

static void element(struct walk *w, uint64_t object)
{
    enum { EXTRA = 40, ATTRIBUTES = 0, LENGTH = 8, CHILDREN = 24 }; /* Modules/_elementtree.c */
    uint64_t extra = mem_u64(object + EXTRA);
    if (!mem_plausible(extra))
        return;
    uint64_t n = mem_u64(extra + LENGTH), children = mem_u64(extra + CHILDREN);
    walk_tail(w, mem_u64(extra + ATTRIBUTES));
    for (uint64_t i = 0; i < n && i < UINT64_C(1) << 32; i++)
        walk_tail(w, mem_u64(children + 8 * i));
}

static void pickler(struct walk *w, uint64_t object)
{
    enum { MEMO = 16, ALLOCATED = 16, TABLE = 24, ENTRY = 16 }; /* Modules/_pickle.c, PyMemoTable */
    uint64_t memo = mem_u64(object + MEMO);
    if (!mem_plausible(memo))
        return;
    uint64_t table = mem_u64(memo + TABLE);
    for (uint64_t i = mem_u64(memo + ALLOCATED); i > 0 && i < UINT64_C(1) << 32; i--) {
        uint64_t key = mem_u64(table + (i - 1) * ENTRY);
        if (key != 0)
            walk_tail(w, key);
    }
}

static void queue(struct walk *w, uint64_t object)
{
    enum { GET = 32, ITEMS = 40, CAPACITY = 48, COUNT = 56 }; /* Modules/_queuemodule.c, RingBuf */
    uint64_t at = mem_u64(object + GET), capacity = mem_u64(object + CAPACITY), n = mem_u64(object + COUNT),
             items = mem_u64(object + ITEMS);
    if (w->layout->minor < 13 || capacity > UINT64_C(1) << 32 || n > capacity || at > capacity)
        return;
    for (; n > 0; n--, at = (at + 1) % capacity)
        walk_tail(w, mem_u64(items + 8 * (at % capacity)));
}

static void tail(struct walk *w, const struct walk_type *t, uint64_t object)
{
    uint64_t n;
    switch ((enum core_beyond)t->beyond) {
    case BEYOND_NOTHING:
        break;
    case BEYOND_ITEMS:
        n = mem_u64(object + OB_SIZE);
        for (uint64_t i = n < UINT64_C(1) << 32 ? n : 0; i > 0; i--) /* from the end, as hamt's nodes do */
            word_at(w, object + t->c_size + 8 * (i - 1), true);
        break;
    case BEYOND_STRUCTURE:
        structure(w, t, object);
        break;
    case BEYOND_MODULE:
        module(w, object);
        break;
    case BEYOND_ELEMENT:
        element(w, object);
        break;
    case BEYOND_PICKLER:
        pickler(w, object);
        break;
    case BEYOND_QUEUE:
        queue(w, object);
        break;
    case BEYOND_TEE:
        break;
    }
}

void walk_reported(struct walk *w, struct walk_type *t, uint64_t object)
{
    struct walk_traverse *v = &w->traverse;
    bool container = t->container != VISIT_LEAF, lru = t->family == FAMILY_LRU_CACHE;
    if (!t->planned)
        plan(w, t);
    v->type = t;
    v->object = object;
    uint32_t first = container                  ? t->container_size
                     : lru                      ? WALK_LRU_ROOT
                     : t->family == FAMILY_TYPE ? w->layout->heap_type_size
                                                : 16;
    walk_words(w, t, object, first);
    if (t->beyond ==
        BEYOND_TEE) { /* values behind those read are what was there before (Modules/itertoolsmodule.c) */
        enum { READ = 24, BEFORE = 3 };
        uint32_t used = BEFORE + mem_u32(object + READ);
        v->word_count = v->word_count < used ? v->word_count : used;
    }
    if (container && (v->word_count == 0 || t->traverse == t->container_traverse))
        return;
    for (uint32_t i = 0; i < v->word_count; i++)
        field(w, t, i, CERTAINTY_EXACT);
    walk_declared(w, t);
    tail(w, t, object);
}
