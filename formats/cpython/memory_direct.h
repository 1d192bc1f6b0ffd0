/* memory_direct.h -- the walker's view of memory: here, our own address space. Loads fault if the address is
 * bad; the fault guard of the capture turns that into "this object's visit was cut short". A second
 * implementation over the address space of a dead process can take this file's place at compile time. */
#ifndef HELDBY_MEMORY_DIRECT_H
#define HELDBY_MEMORY_DIRECT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t mem_u64(uint64_t address)
{
    uint64_t v;
    memcpy(&v, (const void *)(uintptr_t)address, sizeof(v));
    return v;
}

static inline uint32_t mem_u32(uint64_t address)
{
    uint32_t v;
    memcpy(&v, (const void *)(uintptr_t)address, sizeof(v));
    return v;
}

static inline uint16_t mem_u16(uint64_t address)
{
    uint16_t v;
    memcpy(&v, (const void *)(uintptr_t)address, sizeof(v));
    return v;
}

static inline uint8_t mem_u8(uint64_t address)
{
    return *(const volatile uint8_t *)(uintptr_t)address;
}

static inline void mem_copy(void *to, uint64_t address, size_t size)
{
    memcpy(to, (const void *)(uintptr_t)address, size);
}

static inline void mem_prefetch(uint64_t address)
{
    /* Without this, gcc takes a function that only prefetches for one without effects, and drops its calls.
     */
    __asm__ volatile("");
    __builtin_prefetch((const void *)(uintptr_t)address);
}

/* Could this be the address of an object at all? Canonical user space, 8-aligned. */
static inline bool mem_plausible(uint64_t address)
{
    return address - 4096 < (UINT64_C(1) << 47) - 4096 && (address & 7) == 0;
}

#endif
