/* Objects among the blocks of the process's own allocator: those too large for pools, and all of them under
 * PYTHONMALLOC=malloc. */
#include "formats/cpython/cpython_core_private.h"

static bool take(struct cpython_core *core, struct block_index *index, uint64_t block,
                 uint64_t (*block_size)(const struct process_image *image, uint64_t address),
                 struct error *err)
{
    uint64_t size = block_size(core->image, block);
    const uint8_t *p = size < 16 ? NULL : address_space_at(&core->image->space, block, size);
    if (p == NULL) /* not all of it is there: its beginning may do */
        p = size >= 1024 ? address_space_at(&core->image->space, block, 1024) : NULL;
    if (p == NULL)
        return true;
    const struct core_type *t;
    uint32_t marks = core_marks(core, p, size);
    int at = core_object_in(core, p + marks, size - marks - marks / 2, &t);
    if (at < 0 && core_is_freed(core, p + marks, size - marks - marks / 2)) {
        block_index_remove(index, block);
        core->counts.chunk_buffer_bytes += size;
        return true;
    }
    if (at < 0)
        return true;
    uint64_t object = block + marks + (unsigned)at;
    if (!block_index_add(&core->objects, object, err))
        return false;
    if (object >> 20 != (block + size - 1) >> 20)
        block_index_cover(&core->objects, object, block + size);
    block_index_remove(index, block);
    core->counts.chunk_objects++;
    core->counts.chunk_object_bytes += size;
    if (t->owns != OWNS_NOTHING || t->managed)
        core_own(core, t, p + marks + at);
    return true;
}

bool core_chunks(struct cpython_core *core, struct block_index *index,
                 uint64_t (*block_size)(const struct process_image *image, uint64_t address),
                 struct error *err)
{
    struct core_blocks blocks = {0};
    for (uint64_t block; (block = core_next_block(index, &blocks)) != 0;)
        if (!take(core, index, block, block_size, err))
            return false;
    return !core->failed || error_no_memory(err);
}
