/* What memory objects own besides their own block: items of lists, tables of dicts and sets, data of arrays.
 * Noted while objects are found, and taken from the index of native blocks once all are. */
#include "formats/cpython/cpython_core_private.h"

#include <stdlib.h>

enum { CERTAIN = 1 }; /* low bit of a note: a buffer and nothing else, whatever it looks like */

static uint64_t word(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

/* False: it is no block, or more are noted than there can be. */
static bool note(struct cpython_core *core, uint64_t block, uint64_t certain)
{
    if ((block & 15) != 0 || block < 4096 || core->owned_count > 4 * core->most_blocks)
        return false;
    if (core->owned_count == core->owned_capacity) {
        size_t wanted = core->owned_capacity * 2 + 65536;
        uint64_t *bigger = realloc(core->owned, wanted * sizeof(*bigger));
        if (bigger == NULL) {
            core->failed = true;
            return false;
        }
        core->owned = bigger;
        core->owned_capacity = wanted;
    }
    core->owned[core->owned_count++] = block | certain;
    return true;
}

/* 3.11, 3.12: values have a prefix, whose size is in the byte before them (Objects/dictobject.c, new_values).
 */
static void note_values(struct cpython_core *core, uint64_t values)
{
    const uint8_t *prefix = address_space_at(&core->image->space, values - 1, 1);
    if (values != 0 && prefix != NULL)
        note(core, values - *prefix, CERTAIN);
}

static void note_dict(struct cpython_core *core, const uint8_t *p)
{
    uint64_t values = word(p + DICT_VALUES);
    note(core, word(p + DICT_KEYS), CERTAIN);
    if (values == 0)
        return;
    if (core->layout.minor == 11 || core->layout.minor == 12)
        note_values(core, values);
    else
        note(core, values, CERTAIN); /* inside an instance: no block */
}

static void note_ordered(struct cpython_core *core, const uint8_t *p)
{
    enum { FIRST_NODE = 48, FAST_NODES = 64, NODE_NEXT = 16 }; /* Objects/odictobject.c */
    uint64_t most = word(p + DICT_USED);
    most = most < core->most_blocks ? most : 0;
    note_dict(core, p);
    note(core, word(p + FAST_NODES), CERTAIN);
    for (uint64_t node = word(p + FIRST_NODE); mem_plausible(node) && most > 0 && note(core, node, CERTAIN);
         most--)
        node = core_word(core, node + NODE_NEXT);
}

static void note_str(struct cpython_core *core, const uint8_t *p)
{
    const struct cpython_layout *l = &core->layout;
    uint32_t state;
    memcpy(&state, p + STR_STATE, 4);
    if (l->minor <= 11)
        note(core, word(p + 40), 0); /* wstr */
    if ((state & 96) != 96)
        note(core, word(p + l->str_ascii + 8), 0); /* utf8 */
    if (!(state & 32))
        note(core, word(p + l->str_compact), 0); /* data */
}

static void note_deque(struct cpython_core *core, const uint8_t *p)
{
    uint64_t last = word(p + DEQUE_RIGHT), most = word(p + OB_SIZE) / DEQUE_BLOCK + 2;
    most = most < core->most_blocks ? most : 0;
    for (uint64_t block = word(p + DEQUE_LEFT); mem_plausible(block) && most > 0; most--) {
        if (!note(core, block, CERTAIN) || block == last)
            return;
        block = core_word(core, block + 8 + 8 * DEQUE_BLOCK);
    }
}

static void note_numpy(struct cpython_core *core, const uint8_t *p)
{
    enum { DATA = 16, DIMS = 32, FLAGS = 64, OWNS_DATA = 4 };
    if (word(p + FLAGS) & OWNS_DATA)
        note(core, word(p + DATA), CERTAIN);
    note(core, word(p + DIMS), 0);
}

static void note_element(struct cpython_core *core, const uint8_t *p)
{
    enum { EXTRA = 40, CHILDREN = 24 }; /* Modules/_elementtree.c */
    uint64_t extra = word(p + EXTRA);
    note(core, extra, CERTAIN);
    if (mem_plausible(extra))
        note(core, core_word(core, extra + CHILDREN), 0);
}

static void note_pickler(struct cpython_core *core, const uint8_t *p)
{
    enum { MEMO = 16, TABLE = 24 }; /* Modules/_pickle.c, PyMemoTable */
    uint64_t memo = word(p + MEMO);
    note(core, memo, CERTAIN);
    if (mem_plausible(memo))
        note(core, core_word(core, memo + TABLE), 0);
}

static void note_words(struct cpython_core *core, const struct core_type *t, const uint8_t *p)
{
    uint32_t most = core->layout.heap_type_size; /* a metaclass of C's own keeps further words to itself */
    for (uint32_t at = 16; at + 8 <= most && at + 8 <= t->basic; at += 8)
        note(core, word(p + at), 0);
}

void core_own(struct cpython_core *core, const struct core_type *t, const uint8_t *p)
{
    enum { MODULE_STATE = 32, ARRAY_ITEMS = 24, BYTEARRAY_BYTES = 32, QUEUE_ITEMS = 40 };
    if (t->managed) {
        uint64_t values = core->layout.minor == 11 ? word(p - 32) : word(p - 24);
        if (core->layout.minor == 11)
            note_values(core, values);
        else if (values & 1)
            note_values(core, values + 1);
    }
    switch ((enum core_owns)t->owns) {
    case OWNS_NOTHING:
        break;
    case OWNS_LIST:
        note(core, word(p + LIST_ITEMS), CERTAIN);
        break;
    case OWNS_DICT:
        note_dict(core, p);
        break;
    case OWNS_ORDERED_DICT:
        note_ordered(core, p);
        break;
    case OWNS_SET:
        note(core, word(p + SET_TABLE), CERTAIN);
        break;
    case OWNS_STR:
        note_str(core, p);
        break;
    case OWNS_BYTEARRAY:
        note(core, word(p + BYTEARRAY_BYTES), CERTAIN);
        break;
    case OWNS_DEQUE:
        note_deque(core, p);
        break;
    case OWNS_ARRAY:
        note(core, word(p + ARRAY_ITEMS), CERTAIN);
        break;
    case OWNS_NUMPY:
        note_numpy(core, p);
        break;
    case OWNS_WORDS:
        note_words(core, t, p);
        break;
    case OWNS_MODULE:
        note(core, word(p + MODULE_STATE), CERTAIN);
        break;
    case OWNS_SIMPLE_QUEUE:
        if (core->layout.minor >= 13)
            note(core, word(p + QUEUE_ITEMS), 0);
        break;
    case OWNS_PICKLER:
        if (core_memo_traversed(core))
            note_pickler(core, p);
        break;
    case OWNS_ELEMENT:
        note_element(core, p);
        break;
    }
}

bool core_disown(struct cpython_core *core, struct block_index *index,
                 uint64_t (*block_size)(const struct process_image *image, uint64_t address))
{
    enum { AHEAD = 16 };
    struct cpython_core_counts *c = &core->counts;
    for (size_t i = 0; i < core->owned_count; i++) {
        uint64_t block = core->owned[i] & ~UINT64_C(15);
        bool certain = core->owned[i] & CERTAIN;
        if (i + AHEAD < core->owned_count)
            __builtin_prefetch(block_index_record(index, core->owned[i + AHEAD] & ~UINT64_C(15)));
        uint64_t pool = core_pool_of(core, block);
        uint64_t size = pool != 0 ? core_pool_block_size(core, pool) : 0;
        for (unsigned marks = 0; core->pad != 0 && marks < 2 && !block_index_has(index, block); marks++)
            block -= core->pad;
        if (block_index_has(index, block)) {
            block_index_remove(index, block);
            if (pool != 0) {
                c->explained++;
                c->buffer_bytes += size;
                c->native_block_bytes -= size;
            } else {
                c->chunk_buffer_bytes += block_size(core->image, block);
            }
            continue;
        }
        /* A table that was taken for an object, in a pool. */
        for (unsigned header = 0; certain && pool != 0 && core->pad == 0 && header <= 32 && header < size;
             header += 16) {
            if (!block_index_has(&core->objects, block + header) || (block - pool - 48) % size != 0)
                continue;
            block_index_remove(&core->objects, block + header);
            c->pool_objects--;
            c->object_bytes -= size;
            c->buffer_bytes += size;
        }
    }
    free(core->owned);
    core->owned = NULL;
    core->owned_count = core->owned_capacity = 0;
    return !core->failed;
}
