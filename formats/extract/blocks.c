/* Native blocks into the snapshot: in the order of their addresses, each with the pointers found in its
 * words. */
#include "formats/extract/extraction.h"

/* ---- one block ---- */

struct stale {
    uint64_t offset[STALE_FIELDS];
    uint64_t target[STALE_FIELDS]; /* as put_edge takes it */
    uint32_t count;
};

/* A resolved candidate as an edge: its id, or its address while Python's walk gives out ids. */
static uint64_t edge_of(const struct extraction *x, size_t i)
{
    return x->visiting != NULL ? x->batch.word[i] : x->batch.number[i];
}

static void put_edge(struct extraction *x, uint64_t edge)
{
    if (x->visiting != NULL)
        cpython_core_push(x->visiting, edge);
    else
        snapshot_writer_edge(x->writer, (uint32_t)edge);
}

static uint32_t id_of(const struct extraction *x, size_t i)
{
    uint32_t number = x->batch.number[i];
    if (number != NO_BLOCK && x->ids == NULL)
        return x->first_id + number;
    return extraction_id(x, x->batch.word[i], number);
}

/* Ids in place of numbers; what has none is no reference. Counts those that stay. */
static uint32_t count_references(struct extraction *x, size_t from, size_t end, struct stale *stale)
{
    struct batch *b = &x->batch;
    uint32_t count = 0;
    for (size_t i = from; i < end; i++) {
        if (b->class[i] == TARGET_NONE)
            continue;
        if (x->visiting == NULL && (b->number[i] = id_of(x, i)) == 0)
            b->class[i] = TARGET_NONE;
        else if (b->class[i] != TARGET_STALE)
            count++;
        else if (stale->count < STALE_FIELDS) {
            stale->offset[stale->count] = b->place[i] * 8;
            stale->target[stale->count++] = edge_of(x, i);
        }
    }
    return count;
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

static void write_references(struct extraction *x, size_t from, size_t end)
{
    const struct batch *b = &x->batch;
    for (size_t i = from; i < end; i++) {
        if (!target_holds(b->class[i]))
            continue;
        put_edge(x, edge_of(x, i));
        snapshot_writer_place(x->writer, b->place[i] << 1 | (b->class[i] == TARGET_INTERIOR));
    }
}

static void batch_write(struct extraction *x)
{
    struct batch *b = &x->batch;
    batch_resolve(x, 0);
    size_t from = 0;
    for (size_t k = 0; k < b->block_count; k++) {
        const struct batch_block *block = &b->blocks[k];
        struct stale stale;
        stale.count = 0;
        uint32_t references = count_references(x, from, block->end, &stale);
        write_object(x, block, references, &stale);
        for (uint32_t i = 0; i < stale.count; i++)
            put_edge(x, stale.target[i]);
        if (references > 0)
            write_references(x, from, block->end);
        from = block->end;
    }
    b->block_count = b->count = b->resolved = 0;
}

/* A block with more pointers than a batch holds: read once to count, once to write. The batch is empty. */
static bool write_large(struct extraction *x, const struct batch_block *block)
{
    struct batch *b = &x->batch;
    struct stale stale = {.count = 0};
    uint64_t references = 0, edges = 0;
    for (uint64_t from = 0; from + 8 <= block->size;) {
        from = batch_scan(x, block->address, from, block->size);
        if (from == UINT64_MAX)
            return false;
        batch_resolve(x, 0);
        references += count_references(x, 0, b->count, &stale);
        b->count = b->resolved = 0;
    }
    if (references > UINT32_MAX - STALE_FIELDS)
        references = UINT32_MAX - STALE_FIELDS;
    write_object(x, block, references, &stale);
    for (uint32_t i = 0; i < stale.count; i++)
        put_edge(x, stale.target[i]);
    for (uint64_t from = 0; from + 8 <= block->size && edges < references;) {
        struct stale again = {.count = 0};
        from = batch_scan(x, block->address, from, block->size);
        if (from == UINT64_MAX)
            return false;
        batch_resolve(x, 0);
        edges += count_references(x, 0, b->count, &again);
        write_references(x, 0, b->count);
        b->count = b->resolved = 0;
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
    uint64_t reached = batch_scan(x, address, 0, size);
    if (reached == UINT64_MAX)
        return false;
    if (reached + 8 <= size) { /* too much for a batch */
        b->count = b->block_count == 0 ? 0 : b->blocks[b->block_count - 1].end;
        b->resolved = b->resolved < b->count ? b->resolved : b->count;
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
