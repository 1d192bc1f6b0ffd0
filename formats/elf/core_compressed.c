#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "formats/elf/core_parts.h"
#include "lib/base/bytes_text.h"

enum { PAGE = 4096, SKIPPABLE = 0x184D2A50 };

bool core_probe_compressed(const unsigned char *start, size_t size)
{
    if (size < 4)
        return false;
    uint32_t magic;
    memcpy(&magic, start, sizeof magic);
    return magic == ZSTD_MAGICNUMBER || (magic & 0xFFFFFFF0u) == SKIPPABLE;
}

uint64_t core_free_memory(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[256];
    unsigned long long kilobytes = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "MemAvailable: %llu kB", &kilobytes) == 1)
            break;
    }
    if (file != NULL)
        fclose(file);
    return kilobytes != 0 ? kilobytes * 1024 : UINT64_C(1) << 32;
}

struct unpacking {
    int fd;
    const char *path;
    const struct core_options *options;
    uint64_t limit, total_in, done_in;
    ZSTD_DCtx *zstd;
    uint8_t *in, *out; /* of the sizes zstd likes best */
    size_t in_size, out_size;
    uint8_t *to; /* reserved: room for `limit` bytes */
    uint64_t size;
};

/* Reserved memory is zero already: an all-zero page is left untouched. */
static void store(struct unpacking *u, const uint8_t *from, size_t size)
{
    static const uint8_t zeros[PAGE];
    for (size_t at = 0; at < size;) {
        size_t n = PAGE - ((u->size + at) & (PAGE - 1));
        n = n < size - at ? n : size - at;
        if (memcmp(from + at, zeros, n) != 0)
            memcpy(u->to + u->size + at, from + at, n);
        at += n;
    }
}

/* Takes what was unpacked; false with *err when it cannot be a core of ours, or is too much. */
static bool take(struct unpacking *u, const uint8_t *from, size_t size, struct error *err)
{
    char limit[BYTES_TEXT];
    if (size > u->limit - u->size)
        return error_set(err, ERROR_SYSTEM,
                         "%s: unpacks to more than %s, the limit on memory; --memory SIZE allows more",
                         u->path, bytes_text(u->limit, limit));
    bool first = u->size < sizeof(Elf64_Ehdr);
    store(u, from, size);
    u->size += size;
    return !first || u->size < sizeof(Elf64_Ehdr) || core_check_header(u->to, UINT32_MAX, u->path, err);
}

/* False with *err filled: stop. A damaged stream is *problem and true. */
static bool unpack_piece(struct unpacking *u, size_t have, bool *open_frame, char *problem, struct error *err)
{
    ZSTD_inBuffer in = {u->in, have, 0};
    for (;;) {
        ZSTD_outBuffer out = {u->out, u->out_size, 0};
        size_t left = ZSTD_decompressStream(u->zstd, &out, &in);
        if (out.pos > 0 && !take(u, u->out, out.pos, err))
            return false;
        if (ZSTD_isError(left)) {
            snprintf(problem, 128, "damaged (%s)", ZSTD_getErrorName(left));
            return true;
        }
        *open_frame = left != 0;
        if (in.pos == in.size && out.pos < out.size)
            return true;
    }
}

static bool unpack_all(struct unpacking *u, char *problem, struct error *err)
{
    bool open_frame = false;
    for (;;) {
        ssize_t n = read(u->fd, u->in, u->in_size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_system(err, u->path, errno, "cannot read");
        if (n == 0) {
            if (open_frame)
                snprintf(problem, 128, "cut");
            return true;
        }
        u->done_in += (uint64_t)n;
        if (!unpack_piece(u, (size_t)n, &open_frame, problem, err))
            return false;
        if (problem[0] != 0)
            return true;
        if (u->options->progress != NULL)
            u->options->progress(u->options->progress_context, u->done_in, u->total_in);
    }
}

/* Address space without memory; less than the limit where the system does not give so much at once. */
static bool reserve_room(struct unpacking *u, struct error *err)
{
    for (; u->limit >= PAGE; u->limit /= 2) {
        void *p =
            mmap(NULL, u->limit, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (p != MAP_FAILED) {
            u->to = p;
            return true;
        }
    }
    return error_no_memory(err);
}

static uint64_t limit_of(const struct core_options *options)
{
    uint64_t limit = options->memory_limit != 0 ? options->memory_limit : core_free_memory() / 4 * 3;
    limit = limit < UINT64_C(1) << 46 ? limit : UINT64_C(1) << 46;
    return (limit + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

/* A stream may ask for a window of up to 2^31 bytes, which is memory too. */
static int window_log(uint64_t limit)
{
    int log = 27;
    while (log < 31 && UINT64_C(1) << (log + 1) <= limit / 2)
        log++;
    return log;
}

bool core_unpack(int fd, const char *path, const struct core_options *options, uint8_t **ret, uint64_t *size,
                 size_t *mapped, char *problem, struct error *err)
{
    struct stat status;
    struct unpacking u = {.fd = fd, .path = path, .options = options, .limit = limit_of(options)};
    u.total_in = fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    u.in_size = 1 << 20;
    u.out_size = 1 << 20;
    u.in = malloc(u.in_size);
    u.out = malloc(u.out_size);
    u.zstd = ZSTD_createDCtx();
    problem[0] = 0;
    bool done =
        u.in != NULL && u.out != NULL && u.zstd != NULL ? reserve_room(&u, err) : error_no_memory(err);
    if (done) {
        ZSTD_DCtx_setParameter(u.zstd, ZSTD_d_windowLogMax, window_log(u.limit));
        done = unpack_all(&u, problem, err);
    }
    ZSTD_freeDCtx(u.zstd);
    free(u.in);
    free(u.out);
    if (done && u.size < sizeof(Elf64_Ehdr))
        done = error_bad_input(err, path, ERROR_NO_OFFSET,
                               "the compressed file is %s; nothing could be unpacked",
                               problem[0] != 0 ? problem : "empty");
    uint64_t keep = done ? (u.size + PAGE - 1) & ~(uint64_t)(PAGE - 1) : 0;
    if (u.to != NULL && keep < u.limit)
        munmap(u.to + keep, u.limit - keep);
    if (!done)
        return false;
    *ret = u.to;
    *size = u.size;
    *mapped = (size_t)keep;
    return true;
}
