/* Uses malloc in every way and writes down what it holds, in a shared file that survives the program:
 *
 *      malloc_truth FILE SEED THREADS SLOTS MILLISECONDS OPTIONS
 *
 * The file: {magic, slots in all}, then for each slot {address, size, state, usable}. Options, letters:
 *   q  stop quietly: threads pause, then `ready` is said and the program waits (else SIGABRT in the middle)
 *   k  as q, then SIGABRT
 *   m  blocks large enough for a mapping of their own     a  aligned ones    A  large aligned ones
 *   b  brk blocked from the start on                      B  blocked half-way
 *   s  others call sbrk                                   t  malloc_trim now and then
 *   f  fastbins to 160 bytes                              d  threads end and begin (their caches go)
 *   u  one size only                                      S  many small blocks, few frees
 *   x  chunk heads of a few blocks are overwritten in the end: state 4 instead of 1; blocks have content of
 * the program all over, or with o also what their memory had before r  no blocks but those of one size class,
 * freed in part: long runs of free chunks
 *   F  the head of the very first block is overwritten in the end (it is in no slot)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { NONE, LIVE, CHANGING, DEAD, SMASHED, COMING };
struct slot {
    volatile uint64_t address, size, state, usable; /* usable: as malloc_usable_size says */
};

static struct slot *slots;
static unsigned thread_count, slot_count;
static const char *options;
static volatile int stop;

struct worker {
    pthread_t thread;
    uint64_t random;
    struct slot *slots;
    volatile int paused;
};

static int has(char option)
{
    return strchr(options, option) != NULL;
}

static uint64_t next_random(struct worker *w)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

static uint64_t choose_size(struct worker *w)
{
    uint64_t r = next_random(w);
    if (has('u'))
        return 24;
    if (has('r'))
        return 200 + r % 300;
    if (has('m') && r % 97 == 0)
        return 100000 + (r >> 8) % 600000;
    switch (r % 8) {
    case 0:
        return (r >> 8) % 65;
    case 1:
    case 2:
    case 3:
        return 1 + (r >> 8) % 160;
    case 4:
    case 5:
        return 16 + (r >> 8) % 1100;
    case 6:
        return 600 + (r >> 8) % 200;
    default:
        return (r >> 8) % 10000;
    }
}

/* Content that could be taken for something else: chunk heads, pointers, nothing. */
static void fill(struct worker *w, uint64_t *p, uint64_t size)
{
    uint64_t words = size / 8, r = next_random(w), limit = words < 40 ? words : 40;
    if (p == NULL)
        return;
    if (has('x') && !has('o')) /* no old heads: they could not be told from those of today */
        memset(p, 0x55, size);
    switch (r % 5) {
    case 0:
        break;
    case 1:
        memset(p, 0, size);
        break;
    case 2:
        for (uint64_t i = 0; i < limit; i++)
            p[i] = next_random(w);
        break;
    case 3:
        for (uint64_t i = 0; i < limit; i++)
            p[i] = (i & 1) != 0 ? 0x21 : (uint64_t)p + i * 8;
        break;
    default:
        for (uint64_t i = 0; i < limit; i++)
            p[i] = w->slots[next_random(w) % slot_count].address;
    }
    if (words > 0)
        p[words - 1] = r;
}

static void *get(struct worker *w, uint64_t *size)
{
    uint64_t r = next_random(w), s = *size = choose_size(w);
    void *p = NULL;
    if (has('A') && r % 211 == 0)
        return posix_memalign(&p, (size_t)64 << (r >> 8) % 15, *size = 200000 + (r >> 16) % 300000) == 0
                   ? p
                   : NULL;
    if (has('a') && r % 11 == 0)
        return posix_memalign(&p, (size_t)16 << (r >> 8) % 9, s) == 0 ? p : NULL;
    if (has('a') && r % 13 == 0)
        return aligned_alloc((size_t)32 << (r >> 8) % 5, s);
    if (r % 7 == 0)
        return calloc(1, s);
    return malloc(s);
}

static void step(struct worker *w)
{
    struct slot *slot = &w->slots[next_random(w) % slot_count];
    uint64_t r = next_random(w);
    if (slot->state == LIVE) {
        if (has('S') && r % 4 != 0)
            return;
        slot->state = CHANGING;
        if (r % 5 == 0) {
            uint64_t size = choose_size(w);
            void *p = realloc((void *)slot->address, size);
            if (p == NULL && size == 0) {
                slot->state = DEAD;
                return;
            }
            if (p != NULL) {
                slot->address = (uint64_t)p;
                slot->size = size;
                slot->usable = malloc_usable_size(p);
                fill(w, p, size);
            }
            slot->state = LIVE;
            return;
        }
        free((void *)slot->address);
        slot->state = DEAD;
    } else {
        uint64_t size;
        slot->state = COMING; /* of an address not known yet */
        void *p = get(w, &size);
        if (p == NULL) {
            slot->state = NONE;
            return;
        }
        slot->address = (uint64_t)p;
        slot->size = size;
        slot->usable = malloc_usable_size(p);
        slot->state = CHANGING;
        __sync_synchronize();
        fill(w, p, size);
        slot->state = LIVE;
    }
}

static void *work(void *argument)
{
    struct worker *w = argument;
    unsigned steps = 0;
    while (!stop) {
        step(w);
        if (has('d') && ++steps > 3000)
            return NULL;
        if (has('t') && next_random(w) % 4000 == 0)
            malloc_trim(0);
    }
    w->paused = 1;
    while (stop == 1)
        usleep(1000);
    return NULL;
}

static void block_brk(void)
{
    uintptr_t at = ((uintptr_t)sbrk(0) + 65536 + 4095) & ~(uintptr_t)4095;
    if (mmap((void *)at, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != (void *)at)
        _exit(3);
}

static void smash(struct worker *w)
{
    static const uint64_t values[] = {0x4141414141414141, 0,    UINT64_MAX,        0x7,
                                      0x123456789,        0x58, 0x8000000000000021};
    uint64_t hit[5];
    for (unsigned n = 0; n < 5;) {
        struct slot *slot = &slots[next_random(w) % (slot_count * (thread_count + 1))];
        int near = slot->state != LIVE || slot->size > 60000 || slot->size < 24;
        for (unsigned i = 0; i < n; i++) /* what lies between two that are near cannot be told */
            near |= slot->address - hit[i] + 50000 < 100000;
        if (near)
            continue;
        ((volatile uint64_t *)slot->address)[-1] = values[next_random(w) % 7];
        slot->state = SMASHED;
        hit[n++] = slot->address;
    }
}

int main(int count, char **arguments)
{
    if (count < 7)
        return 2;
    uint64_t seed = strtoull(arguments[2], NULL, 0) * 0x9e3779b97f4a7c15u + 1;
    thread_count = (unsigned)atoi(arguments[3]);
    slot_count = (unsigned)atoi(arguments[4]);
    int milliseconds = atoi(arguments[5]);
    options = arguments[6];
    volatile uint64_t *first = malloc(100);
    size_t all = (size_t)slot_count * (thread_count + 1), bytes = 16 + all * sizeof(struct slot);
    int fd = open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    uint64_t *file = fd >= 0 && ftruncate(fd, (off_t)bytes) == 0
                         ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                         : MAP_FAILED;
    if (file == MAP_FAILED)
        return 2;
    file[0] = 0x6874757274;
    file[1] = all;
    slots = (struct slot *)(file + 2);
    if (has('f'))
        mallopt(M_MXFAST, 160);
    if (has('b'))
        block_brk();
    static struct worker workers[64];
    for (unsigned i = 0; i <= thread_count; i++)
        workers[i] = (struct worker){.random = seed + i * 7919, .slots = slots + (size_t)i * slot_count};
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (unsigned i = 1; i <= thread_count; i++)
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    for (unsigned n = 0;; n++) {
        if (n % 256 == 0) {
            clock_gettime(CLOCK_MONOTONIC, &now);
            if ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 >= milliseconds)
                break;
            if (has('B') && n == 25600)
                block_brk();
            for (unsigned i = 1; has('d') && i <= thread_count; i++)
                if (pthread_tryjoin_np(workers[i].thread, NULL) == 0)
                    pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        }
        if (n % 512 == 511 && thread_count > 0 && !has('S'))
            usleep(50);
        step(&workers[0]);
        if (has('s') && n % 1000 == 999 &&
            sbrk((intptr_t)(8 + next_random(&workers[0]) % 5000)) == (void *)-1)
            continue;
        if (has('t') && n % 5000 == 4999)
            malloc_trim(0);
    }
    if (has('q') || has('k')) {
        stop = 1;
        for (unsigned i = 1; i <= thread_count; i++)
            while (!workers[i].paused && !has('d'))
                usleep(1000);
        if (has('x'))
            smash(&workers[0]);
        if (has('F') && first != NULL)
            first[-1] = 0x4141414141414141;
    }
    if (has('q')) {
        if (write(1, "ready\n", 6) != 6)
            return 2;
        pause();
    }
    raise(SIGABRT);
    return 1;
}
