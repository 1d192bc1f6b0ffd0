#include "formats/extract/threads.h"

#include <stdlib.h>

#include "lib/base/vector.h"

enum {
    PAGE = 4096,
    RED_ZONE = 128,       /* bytes below the stack pointer that a function may use (x86-64 psABI, 3.2.2) */
    PTHREAD_SIZE = 2304,  /* struct pthread, glibc 2.27 to 2.42: about this */
    LINK_MAP_SIZE = 2048, /* of which the loader's TLS fields lie in the second half */
    MAX_MODULE_ID = 4096,
    AT_RANDOM = 25, /* elf.h */
};

void threads_free(struct extraction *x)
{
    free(x->stacks.items);
    free(x->tls.items);
}

static uint64_t page_up(uint64_t n)
{
    return (n + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* ---- stacks ---- */

static bool add_stack(struct extraction *x, struct thread_stack s)
{
    if (!vector_reserve((void **)&x->stacks.items, &x->stacks.capacity, x->stacks.count + 1,
                        sizeof *x->stacks.items, x->err))
        return false;
    x->stacks.items[x->stacks.count++] = s;
    return true;
}

/* The stack of a created thread by its own record (stackblock and stackblock_size of struct pthread, the
 * guard included): two words that say where a mapping begins and ends, which is right behind the record. */
static bool own_stack(const struct extraction *x, uint64_t control, uint64_t *start, uint64_t *end)
{
    uint64_t word[PTHREAD_SIZE / 8 + 1], after = page_up(control + PTHREAD_SIZE);
    uint64_t got = address_space_copy(x->space, control, word, sizeof word) / 8;
    for (uint64_t i = 0; i + 1 < got; i++) {
        uint64_t first = word[i], last = first + word[i + 1];
        if (((first | word[i + 1]) & (PAGE - 1)) == 0 && first < control && last > control &&
            last <= after + PAGE && first > 0) {
            *start = first;
            *end = last;
            return true;
        }
    }
    return false;
}

/* The stack that a signal's handler runs on, by what the kernel keeps of it in the signal's frame (uc_stack
 * of struct ucontext, asm-generic/ucontext.h): it may lie in a mapping with much else. */
static bool signal_stack(uint64_t sp, const struct memory_region *r, uint64_t *start, uint64_t *end)
{
    enum { FARTHEST = 1 << 20, SMALLEST = 2048, FLAGS = 7 }; /* MINSIGSTKSZ; SS_ONSTACK, SS_DISABLE */
    uint64_t stop = r->start + r->present;
    stop = stop - sp > FARTHEST ? sp + FARTHEST : stop;
    for (uint64_t at = sp; at + 24 <= stop; at += 8) {
        uint64_t word[3]; /* address, flags, size */
        memcpy(word, r->data + (at - r->start), sizeof word);
        if (word[0] <= sp && word[0] >= r->start && ((uint32_t)word[1] & ~(1u << 31 | FLAGS)) == 0 &&
            word[2] >= SMALLEST && word[2] <= r->end - word[0] && word[0] + word[2] > at) {
            *start = word[0];
            *end = word[0] + word[2];
            return true;
        }
    }
    return false;
}

/* The memory that is a stack because `inside` lies on it: what the thread's record or a signal's frame says
 * (*told), or else its mapping. */
static bool stack_bounds(const struct extraction *x, uint64_t inside, uint64_t control, uint64_t *start,
                         uint64_t *end, bool *told)
{
    uint64_t first, last;
    const struct memory_region *r = address_space_region(x->space, inside);
    if (r == NULL || r->present == 0 || !(r->access & MEMORY_WRITE))
        return false;
    *start = r->start;
    *end = r->end;
    if ((own_stack(x, control, &first, &last) && inside >= first && inside < last) ||
        signal_stack(inside, r, &first, &last)) {
        *start = first > r->start ? first : r->start;
        *end = last < r->end ? last : r->end;
        *told = true;
    }
    return true;
}

/* A stack in memory of malloc, or of another owner: only that block. */
static uint64_t end_of_block(struct extraction *x, uint64_t sp, uint64_t end)
{
    uint64_t start;
    uint32_t number;
    if (extraction_resolve(x, sp & ~UINT64_C(7), &start, &number) == TARGET_INTERIOR && number != NO_BLOCK)
        return start + extraction_block_size(x, start);
    size_t i = claims_from(&x->claims, sp);
    return i < x->claims.count && x->claims.items[i].start < end ? x->claims.items[i].start : end;
}

/* The stack that the kernel has made for the program: it has the bytes of AT_RANDOM on it. */
static bool is_first_stack(const struct extraction *x, const struct image_thread *thread, uint64_t start,
                           uint64_t end)
{
    uint64_t bytes = x->image->auxv[AT_RANDOM];
    return bytes != 0 ? bytes >= start && bytes < end : thread->tid == x->image->pid;
}

static bool thread_stacks(struct extraction *x, uint32_t t)
{
    const struct image_thread *thread = &x->image->threads[t];
    uint64_t sp = thread->registers[REGISTER_RSP] & ~UINT64_C(7),
             control = thread->registers[REGISTER_FS_BASE];
    uint64_t start = 0, end = 0, own_start, own_end, home = control;
    bool told = false, runs = stack_bounds(x, sp, control, &start, &end, &told);
    if (runs) {
        size_t i = claims_from(&x->claims, sp);
        bool claimed = i < x->claims.count && x->claims.items[i].start <= sp;
        uint64_t from = sp - RED_ZONE > start ? sp - RED_ZONE : start, to = end_of_block(x, sp, end);
        if (!told && !is_first_stack(x, thread, start, end))
            start = from; /* a coroutine's: what lies below may be anything */
        struct thread_stack s = {start, claimed ? start : to, from, to, t};
        if (!add_stack(x, s))
            return false;
    }
    /* On another stack than its own (a signal's, a coroutine's): where the own one is used down to is not
     * known. The main thread's own one holds the bytes that the kernel gave it (AT_RANDOM). */
    if (thread->tid == x->image->pid)
        home = x->image->auxv[AT_RANDOM];
    if (home == 0 || (runs && home >= start && home < end) ||
        !stack_bounds(x, home, control, &own_start, &own_end, &told))
        return true;
    return add_stack(x, (struct thread_stack){own_start, own_end, own_start, own_end, t});
}

/* ---- thread-local memory ---- */

struct module_tls { /* what the loader knows of a module's TLS */
    uint64_t id, offset;
};

/* struct link_map's private part, found by what PT_TLS says. */
static struct module_tls loader_tls(const struct extraction *x, const struct image_module *m)
{
    uint64_t word[LINK_MAP_SIZE / 8];
    struct module_tls none = {0, 0};
    if (m->link_map == 0)
        return none;
    uint64_t got = address_space_copy(x->space, m->link_map, word, sizeof word) / 8;
    for (uint64_t i = 5; i + 5 <= got; i++) {
        if (word[i] == m->tls_size && word[i + 1] == m->tls_align && word[i - 1] <= m->tls_size &&
            (word[i + 2] < m->tls_align || word[i + 2] == 0) && word[i + 4] > 0 &&
            word[i + 4] < MAX_MODULE_ID)
            return (struct module_tls){word[i + 4], word[i + 3]};
    }
    return none;
}

static bool add_tls(struct extraction *x, struct tls_block b)
{
    enum { MOST_TLS = 1 << 22 }; /* threads times modules: a small hostile core has many of both */
    if (b.start >= b.end || x->tls.count >= MOST_TLS)
        return true;
    if (!vector_reserve((void **)&x->tls.items, &x->tls.capacity, x->tls.count + 1, sizeof *x->tls.items,
                        x->err))
        return false;
    x->tls.items[x->tls.count++] = b;
    return true;
}

/* A module's block in each thread, from the vector; before it is there, from the static offset. */
static bool module_blocks(struct extraction *x, uint32_t m)
{
    const struct image_module *module = &x->image->modules[m];
    struct module_tls tls = loader_tls(x, module);
    if (tls.id == 0 && module->executable) { /* always the first block below the control block */
        uint64_t align = module->tls_align > 1 ? module->tls_align : 1;
        tls.offset = (module->tls_size + align - 1) / align * align;
    }
    for (uint32_t t = 0; t < x->image->thread_count; t++) {
        uint64_t control = x->image->threads[t].registers[REGISTER_FS_BASE], vector, block = 0;
        if (control == 0)
            continue;
        if (tls.id != 0 && address_space_u64(x->space, control + 8, &vector))
            block = address_space_word(x->space, vector + 16 * tls.id);
        bool is_static =
            tls.offset > 0 && tls.offset < 1 << 24; /* else -1 or -2: allocated when first used */
        if ((block == 0 || block == UINT64_MAX) && is_static)
            block = control - tls.offset;
        if (address_space_at(x->space, block, 8) != NULL &&
            !add_tls(x, (struct tls_block){block, block + module->tls_size, m, t}))
            return false;
    }
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct tls_block *x = a, *y = b;
    return x->start < y->start ? -1 : x->start > y->start;
}

size_t threads_tls_from(const struct extraction *x, uint64_t address)
{
    size_t low = 0, high = x->tls.count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (x->tls.items[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

const struct tls_block *threads_tls_at(const struct extraction *x, uint64_t address)
{
    size_t i = threads_tls_from(x, address);
    return i < x->tls.count && x->tls.items[i].start <= address ? &x->tls.items[i] : NULL;
}

static bool all_tls(struct extraction *x)
{
    for (uint32_t m = 0; m < x->image->module_count; m++)
        if (x->image->modules[m].tls_size > 0 && !module_blocks(x, m))
            return false;
    for (uint32_t t = 0; t < x->image->thread_count; t++) {
        uint64_t control = x->image->threads[t].registers[REGISTER_FS_BASE];
        if (control != 0 && address_space_word(x->space, control) == control &&
            !add_tls(x, (struct tls_block){control, control + PTHREAD_SIZE, UINT32_MAX, t}))
            return false;
    }
    return true;
}

void threads_sort_tls(struct extraction *x)
{
    size_t kept = 0; /* blocks do not overlap, whatever the process claims */
    if (x->tls.count > 0)
        qsort(x->tls.items, x->tls.count, sizeof *x->tls.items, by_start);
    for (size_t i = 0; i < x->tls.count; i++)
        if (kept == 0 || x->tls.items[i].start >= x->tls.items[kept - 1].end)
            x->tls.items[kept++] = x->tls.items[i];
    x->tls.count = kept;
}

bool threads_find(struct extraction *x)
{
    for (uint32_t t = 0; t < x->image->thread_count; t++)
        if (!thread_stacks(x, t))
            return false;
    return all_tls(x);
}

/* ---- stacks of ended threads ---- */

static bool is_living(const struct extraction *x, uint64_t control)
{
    for (size_t t = 0; t < x->image->thread_count; t++)
        if (x->image->threads[t].registers[REGISTER_FS_BASE] == control)
            return true;
    return false;
}

/* Adds the stack that belongs to a record of a thread, as far as it lies in [from, end). What only points to
 * itself, as any structure may, says nowhere where its stack is. */
static bool add_dead(struct extraction *x, uint64_t control, uint64_t from, uint64_t end, uint64_t *reached,
                     struct claims *more)
{
    uint64_t first = from, last = page_up(control + PTHREAD_SIZE);
    if (!own_stack(x, control, &first, &last))
        return true;
    first = first > from ? first : from;
    last = last < end ? last : end;
    *reached = last;
    /* its vector of TLS blocks is kept for the next thread, too */
    if (!add_tls(x, (struct tls_block){control + 8, control + 16, UINT32_MAX, UINT32_MAX}))
        return false;
    return claims_add(more, first, last, CLAIM_DEAD_STACK, 0, x->err);
}

bool dead_stacks_in(struct extraction *x, uint64_t start, uint64_t end, struct claims *more)
{
    const struct memory_region *r = address_space_region(x->space, start);
    uint64_t from = start;
    if (r == NULL || x->image->thread_count == 0)
        return true;
    if (end > r->start + r->present)
        end = r->start + r->present;
    for (uint64_t at = (start + 63) & ~UINT64_C(63); at + PTHREAD_SIZE <= end; at += 64) {
        uint64_t word[3];
        memcpy(word, r->data + (at - r->start), sizeof word);
        if (__builtin_expect(word[0] != at, 1) || word[2] != at || is_living(x, at))
            continue;
        if (!add_dead(x, at, from, end, &from, more))
            return false;
        at = from > at + 64 ? from - 64 : at;
    }
    return true;
}
