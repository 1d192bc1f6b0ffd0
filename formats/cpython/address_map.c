#include "formats/cpython/address_map.h"

bool address_map_init(struct address_map *m, struct capture_memory *memory)
{
    m->memory = memory;
    m->slab = m->slab_end = NULL;
    m->top = capture_alloc(memory, ADDRESS_MAP_TOP * sizeof(m->top[0]));
    return m->top != NULL;
}

static uint32_t *new_leaf(struct address_map *m)
{
    enum { SIZE = ADDRESS_MAP_LEAF * 4 };
    if (m->slab == m->slab_end) {
        m->slab = capture_alloc_huge(m->memory, ADDRESS_MAP_SLAB);
        m->slab_end = m->slab == NULL ? NULL : m->slab + ADDRESS_MAP_SLAB;
        if (m->slab == NULL)
            return m->scratch;
    }
    uint32_t *leaf = (uint32_t *)(void *)m->slab;
    m->slab += SIZE;
    return leaf;
}

uint32_t *address_map_make(struct address_map *m, uint64_t address)
{
    uint32_t ***top = &m->top[address >> 30 & (ADDRESS_MAP_TOP - 1)];
    if (*top == NULL) {
        *top = capture_alloc(m->memory, ADDRESS_MAP_MIDDLE * sizeof(uint32_t *));
        if (*top == NULL)
            return m->scratch;
    }
    uint32_t **leaf = &(*top)[address >> 14 & (ADDRESS_MAP_MIDDLE - 1)];
    if (*leaf == NULL)
        *leaf = new_leaf(m);
    return &(*leaf)[address >> 4 & (ADDRESS_MAP_LEAF - 1)];
}
