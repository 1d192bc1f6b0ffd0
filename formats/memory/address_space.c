#include "formats/memory/address_space.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "lib/base/vector.h"

#define PAGE    UINT64_C(4096)
#define HIGHEST (UINT64_C(1) << 47)
enum { ROOT_ENTRIES = 1 << 17, LEAF_ENTRIES = 1 << 18 };

/* Page tables are reserved, not committed: a page of them is resident where something lies. */
static void *reserve(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p != MAP_FAILED ? p : NULL;
}

static const uint8_t **empty_root[ROOT_ENTRIES]; /* never written: a space without any page */

void address_space_init(struct address_space *space)
{
    *space = (struct address_space){.pages = empty_root};
}

static void drop_pages(struct address_space *space)
{
    if (space->pages != NULL && space->pages != empty_root) {
        for (size_t i = 0; i < ROOT_ENTRIES; i++) {
            if (space->pages[i] != NULL)
                munmap(space->pages[i], LEAF_ENTRIES * sizeof **space->pages);
        }
        munmap(space->pages, ROOT_ENTRIES * sizeof *space->pages);
    }
    space->pages = empty_root;
}

void address_space_deinit(struct address_space *space)
{
    drop_pages(space);
    free(space->regions);
    address_space_init(space);
}

static bool append(struct address_space *space, const struct memory_region *region, struct error *err)
{
    if (!vector_reserve((void **)&space->regions, &space->region_capacity, space->region_count + 1,
                        sizeof *space->regions, err))
        return false;
    space->regions[space->region_count++] = *region;
    return true;
}

bool address_space_add(struct address_space *space, const struct memory_region *region, struct error *err)
{
    if (region->start >= region->end)
        return true;
    uint64_t size = region->end - region->start;
    uint64_t present = region->data == NULL ? 0 : region->present < size ? region->present : size;
    struct memory_region there = *region, rest = *region;
    there.end = rest.start = region->start + present;
    there.present = present;
    rest.data = NULL;
    rest.present = 0;
    rest.origin = MEMORY_ABSENT;
    return (present == 0 || append(space, &there, err)) && (present == size || append(space, &rest, err));
}

/* While sealing: a region with its place in line. Bytes go before none, then first come, first served. */
struct claim {
    struct memory_region region;
    size_t rank;
};

static int by_start(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->region.start != y->region.start)
        return x->region.start < y->region.start ? -1 : 1;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static bool before(const struct claim *a, const struct claim *b)
{
    if ((a->region.present != 0) != (b->region.present != 0))
        return a->region.present != 0;
    return a->rank < b->rank;
}

static void heap_push(const struct claim **heap, size_t *count, const struct claim *claim)
{
    size_t at = (*count)++;
    while (at > 0 && before(claim, heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = claim;
}

static void heap_pop(const struct claim **heap, size_t *count)
{
    const struct claim *last = heap[--*count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < *count; at = child) {
        if (child + 1 < *count && before(heap[child + 1], heap[child]))
            child++;
        if (!before(heap[child], last))
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
}

/* Appends what `claim` has between start and end, joined to the region before where it goes on. */
static bool emit(struct address_space *space, const struct claim *claim, uint64_t start, uint64_t end,
                 struct error *err)
{
    struct memory_region r = claim->region;
    if (r.present != 0) {
        r.data += start - r.start;
        r.present = end - start;
    }
    r.start = start;
    r.end = end;
    struct memory_region *last = space->region_count > 0 ? &space->regions[space->region_count - 1] : NULL;
    if (last != NULL && last->end == start && last->origin == r.origin && last->mapping == r.mapping &&
        last->access == r.access && (r.present != 0) == (last->present != 0) &&
        (r.present == 0 || last->data + last->present == r.data)) {
        last->end = end;
        last->present += r.present;
        return true;
    }
    return append(space, &r, err);
}

/* One pass over the starts, with the regions that reach the current address in a heap by their right to it.
 */
static bool sweep(struct address_space *space, const struct claim *claims, size_t count, struct error *err)
{
    const struct claim **heap = malloc(count * sizeof *heap);
    if (heap == NULL)
        return error_no_memory(err);
    size_t held = 0, next = 0;
    uint64_t at = 0, claimed = 0, given = 0;
    for (size_t i = 0; i < count; i++)
        claimed += claims[i].region.present;
    bool done = true;
    while (done && (held > 0 || next < count)) {
        if (held == 0)
            at = claims[next].region.start;
        for (; next < count && claims[next].region.start <= at; next++)
            heap_push(heap, &held, &claims[next]);
        while (held > 0 && heap[0]->region.end <= at)
            heap_pop(heap, &held);
        if (held == 0)
            continue;
        uint64_t end = heap[0]->region.end;
        if (next < count && claims[next].region.start < end)
            end = claims[next].region.start;
        done = emit(space, heap[0], at, end, err);
        given += heap[0]->region.present != 0 ? end - at : 0;
        at = end;
    }
    space->overlaps += claimed - given;
    free(heap);
    return done;
}

static void build_pages(struct address_space *space)
{
    drop_pages(space);
    const uint8_t ***pages = reserve(ROOT_ENTRIES * sizeof *pages);
    if (pages == NULL)
        return; /* everything then goes the slow way */
    space->pages = pages;
    for (size_t i = 0; i < space->region_count; i++) {
        const struct memory_region *r = &space->regions[i];
        uint64_t page = (r->start + PAGE - 1) & ~(PAGE - 1);
        uint64_t end = r->start + r->present < HIGHEST ? r->start + r->present : HIGHEST;
        for (; page + PAGE <= end; page += PAGE) {
            const uint8_t ***leaf = &pages[page >> 30];
            if (*leaf == NULL && (*leaf = reserve(LEAF_ENTRIES * sizeof **leaf)) == NULL)
                break;
            (*leaf)[page >> 12 & (LEAF_ENTRIES - 1)] = r->data + (page - r->start);
        }
    }
}

bool address_space_seal(struct address_space *space, struct error *err)
{
    size_t count = space->region_count;
    struct claim *claims = malloc((count + 1) * sizeof *claims);
    if (claims == NULL)
        return error_no_memory(err);
    for (size_t i = 0; i < count; i++)
        claims[i] = (struct claim){space->regions[i], i};
    qsort(claims, count, sizeof *claims, by_start);
    space->region_count = 0;
    bool done = count == 0 || sweep(space, claims, count, err);
    free(claims);
    if (done)
        build_pages(space);
    return done;
}

size_t address_space_above(const struct address_space *space, uint64_t address)
{
    size_t low = 0, high = space->region_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (space->regions[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct memory_region *address_space_region(const struct address_space *space, uint64_t address)
{
    size_t i = address_space_above(space, address);
    return i < space->region_count && space->regions[i].start <= address ? &space->regions[i] : NULL;
}

const uint8_t *address_space_slow(const struct address_space *space, uint64_t address, uint64_t size)
{
    if (address > UINT64_MAX - size)
        return NULL;
    size_t i = address_space_above(space, address);
    if (i >= space->region_count)
        return NULL;
    const struct memory_region *r = &space->regions[i];
    if (address < r->start || address - r->start >= r->present)
        return NULL;
    const uint8_t *start = r->data + (address - r->start);
    uint64_t have = r->present - (address - r->start);
    for (; have < size; have += r->present) { /* a range may go on in the next region, here as there */
        const struct memory_region *next = ++i < space->region_count ? r + 1 : NULL;
        if (next == NULL || next->start != r->start + r->present || next->present == 0 ||
            next->data != r->data + r->present)
            return NULL;
        r = next;
    }
    return start;
}

uint64_t address_space_copy(const struct address_space *space, uint64_t address, void *to, uint64_t size)
{
    uint64_t done = 0;
    for (size_t i = address_space_above(space, address); done < size && i < space->region_count; i++) {
        const struct memory_region *r = &space->regions[i];
        uint64_t at = address + done;
        if (at < r->start || at - r->start >= r->present)
            break;
        uint64_t n = r->present - (at - r->start);
        n = n < size - done ? n : size - done;
        memcpy((uint8_t *)to + done, r->data + (at - r->start), n);
        done += n;
    }
    return done;
}

bool address_space_text(const struct address_space *space, uint64_t address, char *to, size_t size)
{
    if (size == 0)
        return false;
    uint64_t have = address_space_copy(space, address, to, size);
    if (memchr(to, 0, have) != NULL)
        return true;
    to[0] = 0;
    return false;
}
