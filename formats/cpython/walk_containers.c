/* The builtin containers, read by their exact layout (Objects/{tuple,list,dict,set}object.c,
 * Modules/_collectionsmodule.c, 3.8-3.13). */
#include "formats/cpython/walk.h"

uint64_t walk_tuple(struct walk *w, uint64_t object)
{
    uint64_t n = mem_u64(object + OB_SIZE), items = object + w->layout->tuple_items;
    for (uint64_t i = 0; i < n; i++)
        walk_push(w, mem_u64(items + 8 * i));
    return 8 * n;
}

uint64_t walk_list(struct walk *w, uint64_t object)
{
    uint64_t n = mem_u64(object + OB_SIZE), items = mem_u64(object + LIST_ITEMS);
    for (uint64_t i = 0; i < n; i++)
        walk_push(w, mem_u64(items + 8 * i));
    return 8 * mem_u64(object + LIST_ALLOCATED);
}

uint64_t walk_set(struct walk *w, uint64_t object)
{
    uint64_t mask = mem_u64(object + SET_MASK), table = mem_u64(object + SET_TABLE);
    for (uint64_t i = 0; i <= mask; i++) {
        uint64_t key = mem_u64(table + 16 * i);
        if (key != 0 && mem_u64(table + 16 * i + 8) != UINT64_MAX) /* hash -1: a deleted entry */
            walk_push(w, key);
    }
    return table == object + SET_SMALL ? 0 : 16 * (mask + 1);
}

uint64_t walk_deque(struct walk *w, uint64_t object)
{
    uint64_t n = mem_u64(object + OB_SIZE), block = mem_u64(object + DEQUE_LEFT),
             i = mem_u64(object + DEQUE_LEFT_INDEX);
    uint64_t blocks = (i + n + DEQUE_BLOCK - 1) / DEQUE_BLOCK;
    for (; n > 0; n--) {
        walk_push(w, mem_u64(block + 8 + 8 * i));
        if (++i == DEQUE_BLOCK && n > 1) {
            i = 0;
            block = mem_u64(block + 8 + 8 * DEQUE_BLOCK);
        }
    }
    return (blocks == 0 ? 1 : blocks) * (DEQUE_BLOCK + 2) * 8;
}

bool walk_keys_read(const struct walk *w, uint64_t keys, struct walk_keys *ret)
{
    ret->refcount = mem_u64(keys);
    if (w->layout->minor <= 10) {
        uint64_t size = mem_u64(keys + 8), width = size <= 0xff         ? 1
                                                   : size <= 0xffff     ? 2
                                                   : size <= 0xffffffff ? 4
                                                                        : 8;
        ret->usable = 2 * size / 3;
        ret->count = mem_u64(keys + 32);
        ret->entries = keys + 40 + size * width;
        ret->stride = 24, ret->key = 8, ret->value = 16;
        ret->size = 40 + size * width + ret->usable * 24;
    } else {
        uint64_t size = UINT64_C(1) << (mem_u8(keys + 8) & 63), index_bytes = UINT64_C(1)
                                                                              << (mem_u8(keys + 9) & 63);
        bool general = mem_u8(keys + 10) == 0;
        ret->usable = 2 * size / 3;
        ret->count = mem_u64(keys + 24);
        ret->entries = keys + 32 + index_bytes;
        ret->stride = general ? 24 : 16, ret->key = general ? 8 : 0, ret->value = general ? 16 : 8;
        ret->size = 32 + index_bytes + ret->usable * ret->stride;
    }
    return ret->count <= ret->usable;
}

uint64_t walk_dict(struct walk *w, uint64_t object, bool *split)
{
    uint64_t keys = mem_u64(object + DICT_KEYS), values = mem_u64(object + DICT_VALUES),
             used = mem_u64(object + DICT_USED);
    struct walk_keys k;
    uint64_t size = 0;
    *split = values != 0;
    if (!walk_keys_read(w, keys, &k))
        return 0;
    if ((k.refcount & 0xffffffff) == 1)
        size += k.size;
    if (values != 0) {
        size += 8 * (w->layout->minor <= 10 ? k.usable : k.count + mem_u64(keys + 16));
        return size;
    }
    if (used == 0)
        return size;
    for (uint64_t i = 0, e = k.entries; i < k.count; i++, e += k.stride) {
        uint64_t value = mem_u64(e + k.value);
        if (value != 0) {
            walk_push(w, mem_u64(e + k.key));
            walk_push(w, value);
        }
    }
    return size;
}

/* C's OrderedDict keeps its order in a list of nodes, each with its own reference to the key
   (Objects/odictobject.c). They follow the pairs as keys without a value. */
uint64_t walk_ordered_keys(struct walk *w, uint64_t object)
{
    enum { FIRST_NODE = 48, FAST_NODES_SIZE = 72, NODE_KEY = 0, NODE_NEXT = 16, NODE_SIZE = 32 };
    uint64_t n = mem_u64(object + DICT_USED), size = n * NODE_SIZE + 8 * mem_u64(object + FAST_NODES_SIZE);
    for (uint64_t node = mem_u64(object + FIRST_NODE); mem_plausible(node) && n > 0;
         node = mem_u64(node + NODE_NEXT), n--) {
        walk_push(w, mem_u64(node + NODE_KEY));
        walk_push(w, 0);
    }
    return size;
}

void walk_dict_each(struct walk *w, uint64_t dict, bool (*each)(void *context, uint64_t key, uint64_t value),
                    void *context)
{
    struct walk_keys k;
    if (dict == 0 || !walk_keys_read(w, mem_u64(dict + DICT_KEYS), &k))
        return;
    uint64_t values = mem_u64(dict + DICT_VALUES);
    if (values != 0 && w->layout->minor >= 13)
        values += 8;
    for (uint64_t i = 0, e = k.entries; i < k.count; i++, e += k.stride) {
        uint64_t value = mem_u64(values != 0 ? values + 8 * i : e + k.value), key = mem_u64(e + k.key);
        if (value != 0 && key != 0 && !each(context, key, value))
            return;
    }
}

struct lookup {
    struct walk *w;
    const char *name;
    uint64_t found;
};

static bool lookup_each(void *context, uint64_t key, uint64_t value)
{
    struct lookup *l = context;
    if (!walk_is_str(l->w, key) || !walk_str_equals(l->w, key, l->name))
        return true;
    l->found = value;
    return false;
}

uint64_t walk_dict_lookup(struct walk *w, uint64_t dict, const char *name)
{
    struct lookup l = {w, name, 0};
    walk_dict_each(w, dict, lookup_each, &l);
    return l.found;
}
