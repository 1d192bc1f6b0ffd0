/* Native blocks into the snapshot: in the order of their addresses, each with the pointers found in its
 * words. */
#include "formats/extract/extraction.h"

/* ---- one block ---- */

struct stale {
    uint64_t offset[STALE_FIELDS];
    uint64_t target[STALE_FIELDS]; /* as put_edge takes it */
    uint32_t count;
};

static void put_edge(struct extraction *x, uint64_t edge)
{
    if (x->visiting != NULL)
        cpython_core_push(x->visiting, edge);
    else
        snapshot_writer_edge(x->writer, (uint32_t)edge);
}

/* The id of a resolved candidate, 0: none; while Python's walk gives out ids, anything else. */
static inline uint32_t id_of(const struct extraction *x, size_t i)
{
    uint32_t number = x->batch.number[i];
    if (x->ids == NULL)
        return x->first_id + number;
    if (x->visiting != NULL)
        return 1;
    return number != NO_BLOCK ? x->ids[number] : cpython_core_id(x->python, x->batch.word[i]);
}

/* Which candidates of the batch are references. True: there are leftovers among them. */
static bool find_references(struct extraction *x)
{
    batch_resolve(x);
    const struct batch *b = &x->batch;
    const uint64_t *place = b->place;
    const uint8_t *classes = b->class;
    uint32_t *target = b->target, *before = b->before, count = 0;
    uint64_t *mark = b->mark;
    bool leftovers = false;
    size_t end = b->count;
    for (size_t i = 0; i < end; i++) {
        unsigned class = classes[i];
        uint32_t id = class != TARGET_NONE ? id_of(x, i) : 0;
        before[i] = count;
        target[count] = id;
        mark[count] = place[i] << 1 | (class == TARGET_INTERIOR);
        count += (id != 0) & (class != TARGET_STALE);
        leftovers |= class == TARGET_STALE;
    }
    before[end] = count;
    return leftovers;
}

static void find_stale(const struct extraction *x, size_t from, size_t end, struct stale *stale)
{
    const struct batch *b = &x->batch;
    for (size_t i = from; i < end && stale->count < STALE_FIELDS; i++) {
        uint32_t id = b->class[i] == TARGET_STALE ? id_of(x, i) : 0;
        if (id == 0)
            continue;
        stale->offset[stale->count] = b->place[i] * 8;
        stale->target[stale->count++] = x->visiting != NULL ? b->word[i] : id;
    }
}

static void write_object(struct extraction *x, const struct batch_block *block, uint64_t references,
                         const struct stale *stale)
{
    const struct block_type *type = &x->types.items[block->type];
    uint32_t shape = type->shape;
    if (stale->count > 0)
        shape = block_types_shape(x, block->type, stale->offset, stale->count);
    uint64_t size = block->size == type->base_size ? 0 : block->size + 1;
    uint64_t edges = references + stale->count;
    snapshot_writer_object(x->writer, block->address, shape, size, 0, 0, (uint32_t)edges, stale->count);
    x->edges += edges;
    x->blocks++;
    x->later_blocks += x->visiting == NULL;
    x->block_bytes += block->size;
}

/* The references among some candidates. */
static void write_references(struct extraction *x, size_t from, size_t end)
{
    const struct batch *b = &x->batch;
    uint32_t first = b->before[from], count = b->before[end] - first;
    if (x->visiting == NULL) {
        snapshot_writer_native(x->writer, b->target + first, b->mark + first, count);
        return;
    }
    for (size_t i = from; i < end; i++) {
        if (!target_holds(b->class[i]))
            continue;
        cpython_core_push(x->visiting, b->word[i]);
        snapshot_writer_place(x->writer, b->mark[b->before[i]]);
    }
}

static void write_stale(struct extraction *x, const struct stale *stale)
{
    for (uint32_t i = 0; i < stale->count; i++)
        put_edge(x, stale->target[i]);
}

static void batch_write(struct extraction *x)
{
    struct batch *b = &x->batch;
    struct stale stale;
    bool leftovers = find_references(x);
    size_t from = 0, written = 0;
    for (size_t k = 0; k < b->block_count; k++) {
        const struct batch_block *block = &b->blocks[k];
        stale.count = 0;
        if (leftovers)
            find_stale(x, from, block->end, &stale);
        write_object(x, block, b->before[block->end] - b->before[from], &stale);
        if (stale.count > 0) {
            write_references(x, written, from);
            write_stale(x, &stale);
            written = from;
        }
        from = block->end;
    }
    write_references(x, written, from);
    batch_empty(b);
}

/* Candidates of one block from `first` on, of which some lie in memory that is not in use. */
struct in_use {
    struct batch *batch;
    size_t first;
    uint64_t address;
};

static void drop_unused(void *context, uint64_t start, uint64_t end)
{
    const struct in_use *u = context;
    struct batch *b = u->batch;
    for (size_t i = u->first; i < b->count; i++) {
        uint64_t at = u->address + 8 * b->place[i];
        if (at < start || at >= end)
            continue;
        b->word[i] = 0;
        b->class[i] = TARGET_NONE; /* if it is resolved already */
    }
}

/* As batch_scan, but for what an interpreter's state keeps of dead objects. */
static uint64_t scan_block(struct extraction *x, const struct batch_block *block, uint64_t from)
{
    struct in_use u = {&x->batch, x->batch.count, block->address};
    uint64_t reached = batch_scan(x, block->address, from, block->size);
    if (reached != UINT64_MAX && x->python != NULL && block->type == x->types.known_types[KNOWN_INTERPRETER])
        cpython_core_unused(x->python, drop_unused, &u);
    return reached;
}

/* A block with more pointers than a batch holds: read once to count, once to write. The batch is empty. */
static bool write_large(struct extraction *x, const struct batch_block *block)
{
    struct batch *b = &x->batch;
    struct stale stale = {.count = 0};
    uint64_t references = 0, edges = 0;
    for (uint64_t from = 0; from + 8 <= block->size;) {
        from = scan_block(x, block, from);
        if (from == UINT64_MAX)
            return false;
        if (find_references(x))
            find_stale(x, 0, b->count, &stale);
        references += b->before[b->count];
        batch_empty(b);
    }
    if (references > UINT32_MAX - STALE_FIELDS)
        references = UINT32_MAX - STALE_FIELDS;
    write_object(x, block, references, &stale);
    write_stale(x, &stale);
    for (uint64_t from = 0; from + 8 <= block->size && edges < references;) {
        from = scan_block(x, block, from);
        if (from == UINT64_MAX)
            return false;
        find_references(x);
        edges += b->before[b->count];
        write_references(x, 0, b->count);
        batch_empty(b);
    }
    return true;
}

/* Adds a block to the batch, and writes the batch when it is full. */
static bool add_block(struct extraction *x, uint64_t address, uint64_t size, uint64_t word0)
{
    struct batch *b = &x->batch;
    struct batch_block block = {.address = address, .size = size};
    block.type = block_types_of(x, address, size, word0);
    if (block.type == 0)
        return error_no_memory(x->err);
    uint64_t reached = scan_block(x, &block, 0);
    if (reached == UINT64_MAX)
        return false;
    if (reached + 8 <= size) { /* too much for a batch */
        b->count = b->block_count == 0 ? 0 : b->blocks[b->block_count - 1].end;
        b->resolved = b->resolved < b->count ? b->resolved : b->count;
        b->prefetched = b->prefetched < b->count ? b->prefetched : b->count;
        batch_write(x);
        return write_large(x, &block);
    }
    block.end = b->count;
    b->blocks[b->block_count++] = block;
    if (b->count >= BATCH_WORDS || b->block_count == BATCH_BLOCKS)
        batch_write(x);
    return true;
}

/* ---- all blocks ---- */

static uint64_t first_word(struct extraction *x, uint64_t address)
{
    const struct memory_region *r = x->region;
    if (r == NULL || address < r->start || address - r->start + 8 > r->present)
        return address_space_word(x->space, address);
    uint64_t word;
    memcpy(&word, r->data + (address - r->start), 8);
    return word;
}

static bool block(struct extraction *x, uint64_t address, uint32_t number)
{
    bool pool = extraction_in_pool(x, address);
    uint64_t size = extraction_block_size(x, address);
    if (pool)
        x->pool_bytes += size;
    else
        x->chunk_bytes += size + 8;
    if (x->ids != NULL && x->ids[number] < x->first_id)
        return true; /* Python's walk has written it */
    if ((number & 0xffff) == 0 && x->options->progress != NULL)
        x->options->progress(x->options->progress_context, "blocks", number, x->index.count);
    return add_block(x, address, size, first_word(x, address));
}

static bool blocks_of_record(struct extraction *x, const struct block_record *r, uint64_t address)
{
    uint32_t number = r->rank;
    for (uint64_t starts = r->starts; starts != 0; starts &= starts - 1)
        if (!block(x, address + 16 * (uint64_t)__builtin_ctzll(starts), number++))
            return false;
    return true;
}

void extraction_number(struct extraction *x)
{
    uint32_t next = x->first_id;
    for (uint32_t i = 0; x->ids != NULL && i < x->index.count; i++)
        if (x->ids[i] == 0)
            x->ids[i] = next++;
}

bool extraction_blocks(struct extraction *x)
{
    const struct block_index *index = &x->index;
    for (uint32_t i = 0; i < index->slab_count - BLOCK_SLAB_FIRST; i++) {
        uint64_t address = (uint64_t)index->keys[index->order[i]] << 20;
        const struct block_record *records = &index->slabs[(uint64_t)index->order[i] << 10];
        for (uint32_t k = 0; k < 1024; k++)
            if (records[k].starts != 0 && !blocks_of_record(x, &records[k], address + 1024 * (uint64_t)k))
                return false;
    }
    batch_write(x);
    return true;
}

void extraction_visit(void *context, struct cpython_core *core, uint64_t address, uint32_t id)
{
    struct extraction *x = context;
    uint32_t number = block_index_number(&x->index, address);
    if (number == NO_BLOCK || x->failed)
        return;
    x->ids[number] = id;
    x->visiting = core;
    uint64_t size = extraction_block_size(x, address);
    x->failed = !add_block(x, address, size, address_space_word(x->space, address));
    batch_write(x);
    x->visiting = NULL;
}

bool extraction_leads_to(void *context, uint64_t word, uint64_t *block, bool *interior)
{
    struct extraction *x = context;
    uint32_t number;
    if (word - x->lowest > x->span)
        return false;
    enum target_class class = extraction_resolve(x, word, block, &number);
    *interior = class == TARGET_INTERIOR;
    return number != NO_BLOCK && (class == TARGET_EXACT || class == TARGET_INTERIOR);
}
