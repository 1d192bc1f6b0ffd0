#include "formats/cpython/capture_memory.h"

#include <sys/mman.h>

static void *map(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool capture_memory_init(struct capture_memory *m)
{
    *m = (struct capture_memory){0};
    m->chunks = map(CAPTURE_MAX_CHUNKS * sizeof(m->chunks[0]));
    m->failed = m->chunks == NULL;
    return !m->failed;
}

void capture_memory_release(struct capture_memory *m)
{
    for (uint32_t i = 0; i < m->chunk_count; i++)
        munmap(m->chunks[i].start, m->chunks[i].size);
    if (m->chunks != NULL)
        munmap(m->chunks, CAPTURE_MAX_CHUNKS * sizeof(m->chunks[0]));
    *m = (struct capture_memory){0};
}

static void *add_chunk(struct capture_memory *m, size_t size)
{
    void *p = m->failed || m->chunk_count == CAPTURE_MAX_CHUNKS ? NULL : map(size);
    if (p == NULL) {
        m->failed = true;
        return NULL;
    }
    m->chunks[m->chunk_count++] = (struct capture_chunk){p, size};
    m->total += size;
    return p;
}

void *capture_alloc(struct capture_memory *m, size_t size)
{
    size = (size + 63) & ~(size_t)63;
    if (size > CAPTURE_CHUNK / 4)
        return add_chunk(m, (size + 4095) & ~(size_t)4095);
    if ((size_t)(m->end - m->free) < size) {
        uint8_t *p = add_chunk(m, CAPTURE_CHUNK);
        if (p == NULL)
            return NULL;
        m->free = p;
        m->end = p + CAPTURE_CHUNK;
    }
    void *p = m->free;
    m->free += size;
    return p;
}

void *capture_alloc_huge(struct capture_memory *m, size_t size)
{
    enum { HUGE_PAGE = 2 << 20 };
    /* Map more, keep the aligned middle: only whole huge pages inside an aligned range can become huge. */
    uint8_t *p = m->failed ? NULL : map(size + HUGE_PAGE);
    if (p == NULL || m->chunk_count == CAPTURE_MAX_CHUNKS) {
        if (p != NULL)
            munmap(p, size + HUGE_PAGE);
        m->failed = true;
        return NULL;
    }
    uint8_t *aligned = (uint8_t *)(((uintptr_t)p + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    if (aligned > p)
        munmap(p, (size_t)(aligned - p));
    uint8_t *end = p + size + HUGE_PAGE;
    if (end > aligned + size)
        munmap(aligned + size, (size_t)(end - (aligned + size)));
    madvise(aligned, size, MADV_HUGEPAGE);
    m->chunks[m->chunk_count++] = (struct capture_chunk){aligned, size};
    m->total += size;
    return aligned;
}

uint64_t capture_memory_resident(const struct capture_memory *m)
{
    enum { PAGE = 4096, BATCH = 4096 };
    static unsigned char pages[BATCH];
    uint64_t resident = 0;
    for (uint32_t i = 0; i < m->chunk_count; i++) {
        const struct capture_chunk *c = &m->chunks[i];
        for (size_t at = 0; at < c->size; at += (size_t)PAGE * BATCH) {
            size_t size = c->size - at < (size_t)PAGE * BATCH ? c->size - at : (size_t)PAGE * BATCH;
            if (mincore((uint8_t *)c->start + at, size, pages) != 0)
                continue;
            for (size_t k = 0; k < (size + PAGE - 1) / PAGE; k++)
                resident += pages[k] & 1 ? PAGE : 0;
        }
    }
    return resident;
}
