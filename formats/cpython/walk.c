/* The main stage of a walk: the array of objects from end to end. */
#include "formats/cpython/walk.h"

#include <time.h>

uint64_t walk_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t *walk_chunk(struct walk *w)
{
    enum { SLAB = 2 << 20 };
    uint64_t *chunk = w->free_chunks;
    if (chunk != NULL) {
        w->free_chunks = (uint64_t *)(uintptr_t)chunk[0];
        return chunk;
    }
    if (w->chunk_slab == w->chunk_slab_end) {
        w->chunk_slab = capture_alloc_huge(&w->memory, SLAB);
        w->chunk_slab_end = w->chunk_slab == NULL ? NULL : w->chunk_slab + SLAB / sizeof(uint64_t);
        if (w->chunk_slab == NULL)
            return NULL;
    }
    chunk = w->chunk_slab;
    w->chunk_slab += WALK_CHUNK;
    return chunk;
}

void walk_chunk_free(struct walk *w, uint64_t *chunk)
{
    chunk[0] = (uint64_t)(uintptr_t)w->free_chunks;
    w->free_chunks = chunk;
}

bool walk_grow(struct walk *w)
{
    uint32_t chunk = (w->count + 1) / WALK_CHUNK;
    if (chunk < WALK_MAX_CHUNKS && w->chunks[chunk] == NULL)
        w->chunks[chunk] = walk_chunk(w);
    if (chunk < WALK_MAX_CHUNKS && w->chunks[chunk] != NULL)
        return true;
    w->memory.failed = true;
    return false;
}

bool walk_init(struct walk *w, const struct capture_request *request)
{
    w->request = request;
    w->layout = request->runtime->layout;
    w->runtime = request->runtime->runtime;
    w->empty_slot = ADDRESS_MAP_EXCLUDED;
    w->chunks = capture_alloc(&w->memory, WALK_MAX_CHUNKS * sizeof(w->chunks[0]));
    w->kept = capture_alloc(&w->memory, WALK_MAX_CHUNKS * sizeof(w->kept[0]));
    if (w->chunks == NULL || w->kept == NULL || !walk_grow(w) || !address_map_init(&w->map, &w->memory))
        return false;
    walk_hook_exclude(w);
    return !w->memory.failed;
}

uint32_t walk_id(struct walk *w, uint64_t address)
{
    if (!mem_plausible(address))
        return 0;
    uint32_t *slot = address_map_slot(&w->map, address);
    if (*slot == 0)
        *slot = walk_first_sight(w, address);
    return *slot == ADDRESS_MAP_EXCLUDED ? 0 : *slot;
}

void walk_drain(struct walk *w)
{
    uint32_t at = (w->fifo_head + WALK_FIFO - w->fifo_fill) % WALK_FIFO;
    for (; w->fifo_fill > 0; w->fifo_fill--, at = (at + 1) % WALK_FIFO)
        walk_resolve(w, w->fifo[at].slot, w->fifo[at].address);
}

static uint8_t object_flags(struct walk *w, uint64_t entry, uint64_t refcount)
{
    unsigned flags = 0;
    if (entry & WALK_TRACKED) {
        flags = OBJECT_TRACKED | (unsigned)(entry >> WALK_GENERATION_SHIFT & 3) << OBJECT_GENERATION_SHIFT;
        if (entry & WALK_FROZEN)
            flags |= OBJECT_FROZEN;
    } else if (walk_is_static(w, entry)) {
        flags = OBJECT_STATIC;
    }
    if (w->layout->minor >= 12 && (int32_t)refcount < 0)
        flags |= OBJECT_IMMORTAL;
    return (uint8_t)flags;
}

static uint64_t str_size(const struct walk *w, uint64_t s)
{
    uint32_t state = mem_u32(s + STR_STATE), kind = state >> 2 & 7;
    uint64_t n = mem_u64(s + STR_LENGTH);
    if (state & 32 && state & 64)
        return w->layout->str_ascii + n + 1;
    uint64_t size = (state & 32 ? w->layout->str_compact : w->layout->str_full) + (n + 1) * kind;
    uint64_t utf8 = mem_u64(s + w->layout->str_ascii + 8);
    if (utf8 != 0 && !(state & 64))
        size += mem_u64(s + w->layout->str_ascii) + 1;
    return size;
}

uint64_t walk_int_size(const struct walk *w, uint64_t object)
{
    int64_t word = (int64_t)mem_u64(object + OB_SIZE);
    if (w->layout->minor >= 12) {
        uint64_t digits = (uint64_t)word >> 3;
        return 24 + 4 * (digits == 0 ? 1 : digits);
    }
    uint64_t digits = (uint64_t)(word < 0 ? -word : word);
    return 24 + 4 * (digits == 0 && w->layout->minor == 11 ? 1 : digits);
}

/* An instance of a Python class on object: attributes by the shared keys, slots, its dict. */
static void visit_instance(struct walk *w, struct walk_type *t, uint64_t object, uint64_t refcount,
                           uint8_t flags)
{
    uint64_t values = 0, dict = 0;
    unsigned variant;
    if (t->dict_offset == WALK_MANAGED)
        dict = walk_managed(w, t, object, &values);
    else if (t->dict_offset != 0)
        dict = mem_u64(object + (uint64_t)t->dict_offset);
    variant = (values != 0 ? 1u : 0u) | (dict != 0 ? 2u : 0u);
    uint32_t keys = variant & 1 ? t->key_count : 0;
    if (__builtin_expect(t->instance_shape[variant] == 0, 0)) {
        struct walk_fields *g = &w->gathered;
        struct walk_keys k;
        g->count = 0;
        if (keys > 0 && walk_keys_read(w, t->keys, &k))
            for (uint32_t i = 0; i < keys; i++) {
                uint64_t key = mem_u64(k.entries + i * k.stride + k.key);
                walk_field(w, 0, REFERENCE_ATTRIBUTE, key != 0 ? walk_string_of(w, key) : 0, i, 0, 0);
            }
        for (uint32_t i = 0; i < t->slot_count; i++)
            walk_field(w, 0, REFERENCE_SLOT, walk_name_at(t, t->slots[i])->name, 0, 0, 0);
        if (dict != 0)
            walk_field(w, 0, REFERENCE_NAMESPACE, walk_string(w, "__dict__"), 0, 0, 0);
        t->instance_shape[variant] = walk_shape(w, t, g->fields, g->count, TAIL_NONE, 0);
        t->instance_fields[variant] = g->count;
    }
    uint64_t pushed = w->pushed;
    for (uint32_t i = 0; i < keys; i++)
        walk_push(w, mem_u64(values + 8 * i));
    for (uint32_t i = 0; i < t->slot_count; i++)
        walk_push(w, mem_u64(object + t->slots[i]));
    if (dict != 0) {
        walk_push(w, dict);
        walk_identifiers(w, dict);
    }
    w->visiting = false;
    snapshot_writer_object(w->writer, object, t->instance_shape[variant], 0, refcount, flags,
                           (uint32_t)(w->pushed - pushed), t->instance_fields[variant]);
}

/* A dict that shares the keys of its class: named values, their shape found by the key table. */
static void visit_split_dict(struct walk *w, struct walk_type *t, uint64_t object, uint64_t extra,
                             uint64_t refcount, uint8_t flags)
{
    uint64_t keys = mem_u64(object + DICT_KEYS), values = mem_u64(object + DICT_VALUES), pushed = w->pushed;
    uint32_t slot = (uint32_t)(keys >> 4) % (sizeof(w->split) / sizeof(w->split[0]));
    uint64_t count = mem_u64(keys + (w->layout->minor <= 10 ? 32 : 24)), size = walk_base_size(t) + extra;
    if (w->layout->minor >= 13 || w->split[slot].keys != keys || w->split[slot].count != count) {
        walk_general(w, t, object, refcount, flags);
        if (t->last_shape != 0 && t->last_count == count && count > 0) {
            w->split[slot].keys = keys;
            w->split[slot].count = (uint32_t)count;
            w->split[slot].shape = t->last_shape;
        }
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        walk_push(w, mem_u64(values + 8 * i));
    w->visiting = false;
    snapshot_writer_object(w->writer, object, w->split[slot].shape, size == walk_base_size(t) ? 0 : size + 1,
                           refcount, flags, (uint32_t)(w->pushed - pushed), (uint32_t)count);
}

static void visit(struct walk *w, uint32_t id, uint64_t entry)
{
#ifdef HELDBY_MEMORY_SPACE
    if ((entry & 3) == WALK_NATIVE) {
        walk_native(w, walk_address(entry), id);
        return;
    }
#endif
    uint64_t object = walk_address(entry), refcount = mem_u64(object + OB_REFCNT), pushed = w->pushed,
             extra = 0;
    struct walk_type *t = walk_type_of(w, mem_u64(object + OB_TYPE));
    uint8_t flags = object_flags(w, entry, refcount);
    uint64_t base = walk_base_size(t), size = base;
    bool split;
    switch ((enum walk_visit)t->visit) {
    case VISIT_LEAF:
        break;
    case VISIT_STR:
        size = str_size(w, object) + t->header;
        if (mem_u32(object + STR_STATE) & 3)
            flags |= OBJECT_INTERNED;
        if (w->request->value_bytes != 0)
            walk_preview(w, t, object, id);
        break;
    case VISIT_INT:
        size = walk_int_size(w, object) + t->header;
        if (w->request->value_bytes != 0)
            walk_preview(w, t, object, id);
        break;
    case VISIT_FLOAT:
        if (w->request->value_bytes != 0)
            walk_preview(w, t, object, id);
        break;
    case VISIT_BYTES:
        size = base + mem_u64(object + OB_SIZE);
        if (w->request->value_bytes != 0)
            walk_preview(w, t, object, id);
        break;
    case VISIT_BYTEARRAY:
        size = base + mem_u64(object + BYTEARRAY_ALLOCATED);
        break;
    case VISIT_TUPLE:
        extra = walk_tuple(w, object);
        break;
    case VISIT_LIST:
        extra = walk_list(w, object);
        break;
    case VISIT_SET:
        extra = walk_set(w, object);
        break;
    case VISIT_DICT:
        extra = walk_dict(w, object, &split);
        if (split) {
            visit_split_dict(w, t, object, extra, refcount, flags);
            return;
        }
        break;
    case VISIT_INSTANCE:
        visit_instance(w, t, object, refcount, flags);
        return;
    case VISIT_GENERAL:
        walk_general(w, t, object, refcount, flags);
        walk_name_preview(w, t, object, id);
        return;
    }
    size += extra;
    w->visiting = false;
    snapshot_writer_object(w->writer, object, t->plain_shape, size == base ? 0 : size + 1, refcount, flags,
                           (uint32_t)(w->pushed - pushed), 0);
}

/* What the visit of an object a few places ahead will touch: beyond the line of its own address, which has
 * been asked for before. */
static inline void prefetch_content(struct walk *w, uint64_t entry)
{
    uint64_t object = walk_address(entry), type = mem_u64(object + OB_TYPE);
    if (type == w->str_type) {
        mem_prefetch(object + STR_STATE);
    } else if (type == w->list_type) {
        uint64_t items = mem_u64(object + LIST_ITEMS);
        mem_prefetch(items);
        mem_prefetch(items + 64);
    } else if (type == w->tuple_type) {
        mem_prefetch(object + w->layout->tuple_items + 32);
    } else if (type == w->dict_type) {
        mem_prefetch(object + DICT_VALUES);
        mem_prefetch(mem_u64(object + DICT_KEYS));
    } else if (entry & WALK_TRACKED) {
        mem_prefetch(object - 32);
        mem_prefetch(object + 48);
        const struct walk_type *t = w->cache[type >> 4 & (WALK_TYPE_CACHE - 1)];
        if (w->layout->minor > 12 || t == NULL || t->address != type || t->visit != VISIT_INSTANCE)
            return;
        if (t->dict_offset == WALK_MANAGED)
            mem_prefetch(mem_u64(object - (w->layout->minor == 11 ? 32 : 24)));
        else if (t->dict_offset > 0)
            mem_prefetch(mem_u64(object + (uint64_t)t->dict_offset));
    }
}

static inline void prefetch_entries(struct walk *w, uint64_t entry)
{
    uint64_t object = walk_address(entry);
    if (mem_u64(object + OB_TYPE) != w->dict_type)
        return;
    uint64_t keys = mem_u64(object + DICT_KEYS);
    uint64_t index =
        w->layout->minor <= 10 ? 40 + mem_u64(keys + 8) : 32 + (UINT64_C(1) << (mem_u8(keys + 9) & 63));
    mem_prefetch(keys + index);
    mem_prefetch(keys + index + 64);
}

struct faulted {
    uint64_t entry, refcount;
    uint32_t shape;
};

/* Over an image the object itself is there mostly, and what it leads to is missing: its type and size are
 * known.
 */
static void look_at_faulted(struct walk *w, void *context)
{
#ifdef HELDBY_MEMORY_SPACE
    struct faulted *f = context;
    uint64_t object = walk_address(f->entry);
    if (!(f->entry & WALK_TRACKED) && f->entry & WALK_NATIVE)
        return;
    uint64_t refcount = mem_u64(object + OB_REFCNT);
    struct walk_type *t = walk_type_of(w, mem_u64(object + OB_TYPE));
    if (t->id == w->unreadable->id)
        return;
    f->shape = walk_shape(w, t, NULL, 0, TAIL_FIELDS, 0);
    f->refcount = refcount;
#else
    (void)w, (void)context;
#endif
}

/* A visit that faulted: the object stays, with the edges found so far. */
static void finish_faulted(struct walk *w)
{
    uint64_t edges = w->pushed - w->current_pushed;
    if (w->prefetching) {
        w->skip_prefetch = w->current + 1;
        w->prefetching = false;
        return;
    }
    w->faults++;
    if (!w->visiting)
        return;
    w->visiting = false;
    uint64_t entry = walk_entry(w, w->current);
    struct faulted f = {entry, 0, w->unreadable->plain_shape};
    walk_guarded(w, look_at_faulted, &f);
    snapshot_writer_object(w->writer, walk_address(entry), f.shape, 0, f.refcount,
                           (uint8_t)(OBJECT_PARTIAL | (entry & WALK_TRACKED ? OBJECT_TRACKED : 0)),
                           (uint32_t)edges, 0);
}

enum { FAR = 40, NEAR = 20, CLOSE = 10 };

/* One run over the worklist; the guard returns here after a fault. */
static void run(struct walk *w)
{
    while (!w->memory.failed && snapshot_writer_errno(w->writer) == 0) {
        uint32_t id = w->current + 1;
        if (id > w->count) {
            walk_drain(w);
            if (id > w->count)
                return;
        }
        if (__builtin_expect(id + FAR <= w->count && id != w->skip_prefetch, 1)) {
            w->prefetching = true;
            mem_prefetch(walk_address(walk_entry(w, id + FAR)));
            prefetch_content(w, walk_entry(w, id + NEAR));
            prefetch_entries(w, walk_entry(w, id + CLOSE));
            w->prefetching = false;
        }
        w->current_pushed = w->pushed;
        w->current = id;
        w->visiting = true;
        visit(w, id, walk_entry(w, id));
        if (__builtin_expect(id % 65536 == 0, 0)) {
            w->request->shared->objects = id;
#ifdef HELDBY_MEMORY_SPACE
            if (w->pushed > w->most_edges) {
                w->limits = "more references than memory can hold: it is damaged";
                return;
            }
#endif
            if (w->deadline_ns != 0 && walk_now_ns() > w->deadline_ns) {
                w->limits = "walk stopped at its time limit";
                return;
            }
        }
    }
}

bool walk_guarded(struct walk *w, void (*part)(struct walk *w, void *context), void *context)
{
    sigjmp_buf here, *outer = w->guard;
    if (sigsetjmp(here, 0) != 0) {
        w->guard = outer;
        w->faults++;
        return false;
    }
    w->guard = &here;
    part(w, context);
    w->guard = outer;
    return true;
}

void walk_more(struct walk *w)
{
    sigjmp_buf here, *outer = w->guard;
    if (sigsetjmp(here, 0) != 0)
        finish_faulted(w);
    w->guard = &here;
    run(w);
    w->guard = outer;
    walk_drain(w);
}

void walk_all(struct walk *w)
{
    w->current = 0;
    snapshot_writer_first_new(w->writer, w->count + 1);
    walk_more(w);
}
