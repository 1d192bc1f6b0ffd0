/* Objects of all other types: their fields are gathered, named by what lies at each offset, and their shape
 * looked up.
 *
 * Where the layout is not known exactly the type's own tp_traverse reports the references, and each is found
 * again among the object's own words: that gives its offset, and the offset its name.
 */
#include "formats/cpython/walk.h"

void walk_field(struct walk *w, uint32_t offset, uint8_t kind, uint32_t name, int64_t number, uint64_t target,
                uint8_t certainty)
{
    struct walk_fields *g = &w->gathered;
    if (g->count == WALK_MAX_FIELDS)
        return;
    struct snapshot_field *f = &g->fields[g->count];
    f->kind = kind;
    f->certainty = certainty;
    f->name = name;
    f->number = name != 0 && kind != REFERENCE_ATTRIBUTE ? number
                : kind == REFERENCE_FIELD                ? (int64_t)offset
                                                         : number;
    g->targets[g->count++] = target;
    if (kind == REFERENCE_NAMESPACE && target != 0)
        walk_identifiers(w, target);
}

void walk_field_at(struct walk *w, const struct walk_type *t, uint32_t offset, uint64_t target,
                   uint8_t certainty)
{
    const struct walk_name *n = walk_name_at(t, offset);
    if (t->dict_offset > 0 && t->dict_offset == offset)
        walk_field(w, offset, REFERENCE_NAMESPACE, walk_string(w, "__dict__"), 0, target, certainty);
    else if (n != NULL)
        walk_field(w, offset, n->kind, n->name, 0, target, certainty);
    else
        walk_field(w, offset, REFERENCE_FIELD, 0, 0, target, certainty);
}

void walk_spill(struct walk *w)
{
    for (uint32_t i = 0; i < w->gathered.count; i++)
        walk_push(w, w->gathered.targets[i]);
    for (uint32_t i = 0; i < w->traverse.unmatched_count; i++)
        walk_push(w, w->traverse.unmatched[i]);
    w->traverse.spilled = true;
}

void walk_tail(struct walk *w, uint64_t target)
{
    struct walk_traverse *v = &w->traverse;
    if (v->spilled) {
        walk_push(w, target);
        return;
    }
    v->unmatched[v->unmatched_count++] = target;
    if (v->unmatched_count == WALK_MAX_FIELDS)
        walk_spill(w);
}

enum { LINK_NEXT = 24, LINK_KEY = 40, LINK_RESULT = 48 }; /* Modules/_functoolsmodule.c, lru_list_elem */

/* A bounded lru_cache's keys and results, which its traverse reports on behalf of the links. */
static void lru_tail(struct walk *w, uint64_t object)
{
    uint64_t guard = 0;
    for (uint64_t link = mem_u64(object + LINK_NEXT);
         mem_plausible(link) && link != object && guard < UINT64_C(1) << 32;
         link = mem_u64(link + LINK_NEXT), guard++) {
        walk_push(w, mem_u64(link + LINK_KEY));
        walk_push(w, mem_u64(link + LINK_RESULT));
    }
}

void walk_words(struct walk *w, const struct walk_type *t, uint64_t object, uint32_t first)
{
    struct walk_traverse *v = &w->traverse;
    uint32_t end = t->c_size > 16 + 8 * 256 ? 16 + 8 * 256 : t->c_size;
    v->first_word = first;
    v->word_count = end > first ? (end - first) / 8 : 0;
    if (v->word_count > 256)
        v->word_count = 256;
    mem_copy(v->words, object + first, v->word_count * 8);
}

/* Members that the traverse did not report: those of our own table, and names. (Another member may be
 * borrowed.) */
void walk_declared(struct walk *w, const struct walk_type *t)
{
    struct walk_traverse *v = &w->traverse;
    for (uint32_t i = 0; i < t->name_count && !v->spilled; i++) {
        const struct walk_name *n = &t->names[i];
        if (n->offset < v->first_word || !n->member || n->offset % 8 != 0)
            continue;
        uint32_t word = (n->offset - v->first_word) / 8;
        if (word < v->word_count && mem_plausible(v->words[word]) &&
            (n->known || mem_u64(v->words[word] + OB_TYPE) == w->str_type)) {
            walk_field_at(w, t, n->offset, v->words[word], CERTAINTY_EXACT);
            v->words[word] = 0;
        }
    }
}

/* No tp_traverse: declared members, and words that are the address of an object already known. */
static void by_scan(struct walk *w, struct walk_type *t, uint64_t object)
{
    struct walk_traverse *v = &w->traverse;
    if (t->lock)
        return;
    if (t->family == FAMILY_LRU_LINK) /* the cache holds its key and result, its links are borrowed */
        return;
    walk_words(w, t, object, 16);
    if (t->dated) {
        uint32_t last = v->word_count;
        v->word_count =
            mem_u8(object + 24) != 0 ? last : 0; /* hastzinfo: without it the object ends before the field */
    }
    if (t->family == FAMILY_STR || t->family == FAMILY_INT || t->family == FAMILY_BYTES ||
        t->family == FAMILY_BYTEARRAY || t->family == FAMILY_TUPLE)
        return;
    walk_declared(w, t);
    if (!t->dated)
        walk_known_words(w, t);
}

/* Where an object's own dict is; 0: it has none (yet), or traverse finds it. */
static uint64_t python_dict(struct walk *w, struct walk_type *t, uint64_t object, uint64_t *values)
{
    *values = 0;
    if (t->dict_offset == WALK_MANAGED)
        return walk_managed(w, t, object, values);
    if (t->dict_offset >= (int64_t)t->c_size)
        return mem_u64(object + (uint64_t)t->dict_offset);
    if (t->dict_offset < 0) {
        int64_t n = (int64_t)mem_u64(object + OB_SIZE);
        if (t->family == FAMILY_INT && w->layout->minor >= 12)
            n >>= 3;
        uint64_t end = t->basic_size + (uint64_t)(n < 0 ? -n : n) * t->item_size;
        return mem_u64(object + ((end + 7) & ~UINT64_C(7)) + (uint64_t)t->dict_offset);
    }
    return 0;
}

static void python_fields(struct walk *w, struct walk_type *t, uint64_t object)
{
    uint64_t values, dict = python_dict(w, t, object, &values);
    struct walk_keys k;
    if (values != 0 && t->key_count > 0 && walk_keys_read(w, t->keys, &k)) {
        for (uint32_t i = 0; i < t->key_count; i++) {
            uint64_t key = mem_u64(k.entries + i * k.stride + k.key);
            walk_field(w, 0, REFERENCE_ATTRIBUTE, key != 0 ? walk_string_of(w, key) : 0, i,
                       mem_u64(values + 8 * i), CERTAINTY_EXACT);
        }
    }
    for (uint32_t i = 0; i < t->slot_count; i++)
        walk_field(w, 0, REFERENCE_SLOT, walk_name_at(t, t->slots[i])->name, 0, mem_u64(object + t->slots[i]),
                   CERTAINTY_EXACT);
    if (dict != 0)
        walk_field(w, 0, REFERENCE_NAMESPACE, walk_string(w, "__dict__"), 0, dict, CERTAINTY_EXACT);
}

/* A dict whose keys are its class's: values named by the shared table. */
static void split_dict_fields(struct walk *w, uint64_t object)
{
    uint64_t keys = mem_u64(object + DICT_KEYS), values = mem_u64(object + DICT_VALUES);
    struct walk_keys k;
    if (values == 0 || !walk_keys_read(w, keys, &k))
        return;
    if (w->layout->minor >= 13) {
        if (w->layout->minor == 13 && mem_u8(values + 2) != 0) /* embedded: the instance holds them */
            return;
        values += 8;
    }
    for (uint64_t i = 0; i < k.count; i++) {
        uint64_t key = mem_u64(k.entries + i * k.stride + k.key);
        walk_field(w, 0, REFERENCE_KEY, key != 0 ? walk_string_of(w, key) : 0, (int64_t)i,
                   mem_u64(values + 8 * i), CERTAINTY_EXACT);
    }
}

/* A class whose metaclass is C's own: the metaclass may hold more than type does. */
static void metaclass_fields(struct walk *w, struct walk_type *t, uint64_t object)
{
    struct walk_traverse *v = &w->traverse;
    if (t->traverse == 0 || t->traverse == w->type_traverse ||
        !(mem_u64(object + TP_FLAGS) & TPFLAG_HEAPTYPE))
        return; /* type_traverse aborts on a static type */
    v->known = w->gathered.count;
    memset(v->known_used, 0, sizeof(v->known_used));
    walk_reported(w, t, object);
}

static void special_fields(struct walk *w, struct walk_type *t, uint64_t object, bool *done)
{
    *done = true;
    if (t->family == FAMILY_TYPE) {
        walk_type_fields(w, object);
        metaclass_fields(w, t, object);
    } else if (t->family == FAMILY_CODE) {
        walk_code_fields(w, object);
    } else if (t->family == FAMILY_FRAME) {
        walk_frame_fields(w, object);
    } else if (t->family == FAMILY_GENERATOR && w->layout->minor >= 11) {
        walk_generator_fields(w, t, object);
    } else {
        *done = false;
    }
    if (t->family == FAMILY_WEAKREF)
        walk_weakref_fields(w, object);
}

static uint64_t container_tail(struct walk *w, struct walk_type *t, uint64_t object, uint32_t *tail)
{
    bool split;
    uint64_t size;
    *tail = TAIL_NONE;
    if (t->family == FAMILY_LRU_CACHE) {
        *tail = TAIL_CACHE;
        lru_tail(w, object);
        return 0;
    }
    if (t->deque) {
        *tail = TAIL_INDEX;
        return walk_deque(w, object);
    }
    switch (t->container) {
    case VISIT_LIST:
        *tail = TAIL_INDEX;
        return walk_list(w, object);
    case VISIT_TUPLE:
        *tail = TAIL_INDEX;
        return walk_tuple(w, object);
    case VISIT_SET:
        *tail = TAIL_MEMBERS;
        return walk_set(w, object);
    case VISIT_DICT:
        *tail = TAIL_PAIRS;
        size = walk_dict(w, object, &split);
        if (t->ordered)
            size += walk_ordered_keys(w, object);
        return size;
    default:
        return 0;
    }
}

static uint32_t shape_of(struct walk *w, struct walk_type *t, uint32_t tail)
{
    const struct walk_fields *g = &w->gathered;
    size_t bytes = g->count * sizeof(g->fields[0]);
    if (t->last_shape != 0 && t->last_count == g->count && t->last_tail == tail &&
        memcmp(t->last_fields, g->fields, bytes) == 0)
        return t->last_shape;
    uint32_t shape = walk_shape(w, t, g->fields, g->count, tail, 0);
    if (t->last_capacity < g->count || t->last_fields == NULL) {
        t->last_capacity = g->count < 8 ? 8 : 2 * g->count;
        t->last_fields = capture_alloc(&w->memory, t->last_capacity * sizeof(g->fields[0]));
    }
    t->last_shape = 0;
    if (t->last_fields != NULL) {
        memcpy(t->last_fields, g->fields, bytes);
        t->last_count = g->count;
        t->last_tail = tail;
        t->last_shape = shape;
    }
    return shape;
}

void walk_general(struct walk *w, struct walk_type *t, uint64_t object, uint64_t refcount, uint8_t flags)
{
    uint64_t pushed = w->pushed;
    struct walk_traverse *v = &w->traverse;
    bool special, managed = t->dict_offset == WALK_MANAGED, python_part = false;
#ifdef HELDBY_MEMORY_SPACE
    python_part = t->python_part;
#endif
    w->gathered.count = 0;
    v->unmatched_count = 0;
    v->spilled = false;
    v->known = 0;
    if (t->python || managed || t->dict_offset < 0 || (t->dict_offset > 0 && t->traverse == 0))
        python_fields(w, t, object);
    if (managed) { /* a C base's traverse reports them, too */
        v->known = w->gathered.count;
        memset(v->known_used, 0, sizeof(v->known_used));
    }
    special_fields(w, t, object, &special);
    if (t->array && !python_part)
        walk_array_fields(w, object);
    if (!special && t->traverse != 0)
        walk_reported(w, t, object);
    else if (!special && t->c_size > 16 && !t->array && !python_part)
        by_scan(w, t, object);
    if (t->container == VISIT_DICT)
        split_dict_fields(w, object);
#ifdef HELDBY_MEMORY_SPACE
    walk_pointers(w, t, object);
#endif
    if (!v->spilled) {
        for (uint32_t i = 0; i < w->gathered.count; i++)
            walk_push(w, w->gathered.targets[i]);
        for (uint32_t i = 0; i < v->unmatched_count; i++)
            walk_push(w, v->unmatched[i]);
    }
    uint32_t tail;
    uint64_t size = walk_general_size(w, t, object), base = walk_base_size(t);
    size += container_tail(w, t, object, &tail);
    if (tail == TAIL_NONE && v->unmatched_count > 0)
        tail = t->array || t->structure || t->queue                         ? TAIL_INDEX
               : t->family == FAMILY_FRAME || t->family == FAMILY_GENERATOR ? TAIL_STACK
                                                                            : TAIL_FIELDS;
    uint32_t shape = shape_of(w, t, tail), fields = w->gathered.count;
    w->visiting = false;
    snapshot_writer_object(w->writer, object, shape, size == base ? 0 : size + 1, refcount, flags,
                           (uint32_t)(w->pushed - pushed), fields);
}
