/* memory_space.h -- the walker's view of memory: the address space of a dead or frozen process. Takes the
 * place of memory_direct.h when the walker is compiled with HELDBY_MEMORY_SPACE.
 *
 * Which address space, and where a load from an address without bytes goes on, is set per thread; such a load
 * is a fault: it jumps to the guard of the moment, as the signal handler of a walk in a live process does.
 * Whoever sets a view sets a guard with it.
 */
#ifndef HELDBY_MEMORY_SPACE_H
#define HELDBY_MEMORY_SPACE_H

#include "formats/memory/address_space.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct memory_text { /* a text that is not in the image, but known from elsewhere */
    uint64_t address;
    char *text;
};

struct memory_stand_in { /* what is known, from elsewhere, of memory that is not in the image */
    uint64_t address;
    uint8_t bytes[512];
};

struct memory_view {
    const struct address_space *space;
    const struct memory_text *texts; /* by address; borrowed */
    size_t text_count;
    const struct memory_stand_in *stand_ins; /* by address; borrowed */
    size_t stand_in_count;
    sigjmp_buf *volatile *guard; /* where the guard of the moment is kept; borrowed */
};
extern _Thread_local struct memory_view memory_view __attribute__((tls_model("initial-exec")));

/* The fault: leaves by the guard. */
_Noreturn void memory_fault(void);
/* What to load where the image has no bytes: a known text; an empty one, or 0, for bytes and u32 of read-only
 * data, which a core lacks when the program's binaries are not at hand; else a fault. */
const uint8_t *memory_missing(uint64_t address, uint64_t size);
/* The bytes that stand in for missing ones, or NULL. */
const uint8_t *memory_stand_in(const struct memory_stand_in *stand_ins, size_t count, uint64_t address,
                               uint64_t size);

static inline const uint8_t *memory_at(uint64_t address, uint64_t size)
{
    const uint8_t *p = address_space_at(memory_view.space, address, size);
    return __builtin_expect(p == NULL, 0) ? memory_missing(address, size) : p;
}

static inline uint64_t mem_u64(uint64_t address)
{
    uint64_t v;
    memcpy(&v, memory_at(address, sizeof(v)), sizeof(v));
    return v;
}

static inline uint32_t mem_u32(uint64_t address)
{
    uint32_t v;
    memcpy(&v, memory_at(address, sizeof(v)), sizeof(v));
    return v;
}

static inline uint16_t mem_u16(uint64_t address)
{
    uint16_t v;
    memcpy(&v, memory_at(address, sizeof(v)), sizeof(v));
    return v;
}

static inline uint8_t mem_u8(uint64_t address)
{
    return *memory_at(address, 1);
}

static inline void mem_copy(void *to, uint64_t address, size_t size)
{
    if (address_space_copy(memory_view.space, address, to, size) != size)
        memory_fault();
}

/* Never a fault. */
static inline void mem_prefetch(uint64_t address)
{
    const uint8_t **leaf = address < UINT64_C(1) << 47 ? memory_view.space->pages[address >> 30] : NULL;
    const uint8_t *page = leaf != NULL ? leaf[address >> 12 & ((1u << 18) - 1)] : NULL;
    if (page != NULL)
        __builtin_prefetch(page + (address & 4095));
}

/* Could this be the address of an object at all? Canonical user space, 8-aligned. */
static inline bool mem_plausible(uint64_t address)
{
    return address - 4096 < (UINT64_C(1) << 47) - 4096 && (address & 7) == 0;
}

#endif
