#include "formats/extract/extraction.h"
#include "formats/extract/threads.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

static void progress(const struct extraction *x, const char *stage)
{
    if (x->options->progress != NULL)
        x->options->progress(x->options->progress_context, stage, 0, 0);
}

/* What is in the process, when there is nothing to walk. */
static bool nothing_to_walk(const struct extraction *x, struct error *err)
{
    const char *problem = x->problem;
    if (facts_left_out(x->image) > 0)
        return error_set(
            err, ERROR_BAD_INPUT,
            "the process's own memory was not dumped (coredump_filter): nothing that can be walked");
    if (x->heap.other_allocator != NULL)
        return error_set(
            err, ERROR_BAD_INPUT,
            "the program's allocator is %s, which is not walked (only glibc's malloc and Python's "
            "own are)%s%s",
            x->heap.other_allocator, problem[0] != '\0' ? "; " : "", problem);
    if (problem[0] != '\0')
        return error_set(err, ERROR_BAD_INPUT, "%s", problem);
    return error_set(err, ERROR_BAD_INPUT,
                     "no heap of glibc's malloc and no Python in it: nothing that can be walked");
}

static bool find_python(struct extraction *x)
{
    if (x->options->native_only)
        return true;
    progress(x, "Python");
    x->err->code = ERROR_NONE;
    enum cpython_verdict verdict = cpython_core_find(&x->python, x->image, x->problem, x->err);
    if (verdict != CPYTHON_FOUND) {
        x->python = NULL;
        return x->err->code != ERROR_SYSTEM;
    }
    return cpython_core_scan(x->python, &x->index, glibc_block_size, x->err);
}

/* Bounds of what a word may refer to. */
static void set_bounds(struct extraction *x)
{
    const struct address_space *space = x->space;
    uint64_t end = space->region_count > 0 ? space->regions[space->region_count - 1].end : 0;
    if (end > UINT64_C(1) << 47)
        end = UINT64_C(1) << 47;
    x->lowest = x->index.count > 0 ? x->index.lowest : 0;
    if (x->python != NULL && space->region_count > 0)
        x->lowest = space->regions[0].start;
    x->span = end > x->lowest && (x->index.count > 0 || x->python != NULL) ? end - 1 - x->lowest : 0;
}

static bool begin_writer(struct extraction *x)
{
    uint8_t id[16] = {0};
    x->writer_size = snapshot_writer_memory(x->options->zstd);
    void *memory = mmap(NULL, x->writer_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return error_no_memory(x->err);
    x->writer_memory = memory;
    if (getrandom(id, sizeof id, GRND_NONBLOCK) != sizeof id)
        memset(id, 0, sizeof id);
    x->writer = snapshot_writer_begin(memory, x->writer_size, x->options->fd, x->options->zstd, id);
    return x->writer != NULL ? true : error_no_memory(x->err);
}

/* Python's objects, and the native blocks that they lead to. */
static bool walk_python(struct extraction *x)
{
    x->first_id = 1;
    if (x->python == NULL) {
        snapshot_writer_first_new(x->writer, 1);
        return true;
    }
    progress(x, "objects");
    x->ids = calloc((size_t)x->index.count + 1, sizeof *x->ids);
    if (x->ids == NULL)
        return error_no_memory(x->err);
    struct cpython_native native = {
        .context = x, .index = &x->index, .visit = extraction_visit, .leads_to = extraction_leads_to};
    struct cpython_core_request request = {
        .writer = x->writer, .value_bytes = x->options->value_bytes, .native = &native};
    if (!cpython_core_walk(x->python, &request, x->err) || x->failed)
        return false;
    x->first_id = cpython_core_last_id(x->python) + 1;
    return true;
}

static bool write_all(struct extraction *x)
{
    if (!begin_writer(x) || !batch_init(&x->batch, x->err) || !extraction_claims(x) || !block_types_init(x))
        return false;
    facts_first(x);
    if (!walk_python(x))
        return false;
    progress(x, "roots");
    extraction_number(x);
    if (!extraction_roots(x))
        return false;
    progress(x, "blocks");
    if (!extraction_blocks(x))
        return false;
    facts_last(x);
    int failed = snapshot_writer_finish(x->writer);
    return failed == 0 ? true : error_system(x->err, "", failed, "cannot write the snapshot");
}

static void release(struct extraction *x)
{
    cpython_core_free(x->python);
    glibc_heap_free(&x->heap);
    block_index_deinit(&x->index);
    block_types_free(&x->types);
    batch_free(&x->batch);
    claims_free(&x->claims);
    claims_free(&x->more);
    threads_free(x);
    free(x->ids);
    if (x->writer_memory != NULL)
        munmap(x->writer_memory, x->writer_size);
}

bool extract(const struct process_image *image, const struct extract_options *options, struct error *err)
{
    struct error ignored;
    struct extraction *x = calloc(1, sizeof *x);
    err = err != NULL ? err : &ignored;
    if (x == NULL)
        return error_no_memory(err);
    *x = (struct extraction){.image = image, .space = &image->space, .options = options, .err = err};
    progress(x, "heap");
    bool done = block_index_init(&x->index, err) && glibc_heap_find(&x->heap, image, &x->index, err) &&
                find_python(x) && block_index_seal(&x->index, err);
    if (done && x->python == NULL && x->heap.verdict == GLIBC_ABSENT) {
        if (!options->facts_alone)
            done = nothing_to_walk(x, err);
        else if (options->nothing_walked != NULL)
            nothing_to_walk(x, options->nothing_walked);
    }
    if (done) {
        set_bounds(x);
        done = write_all(x);
    }
    release(x);
    free(x);
    return done;
}
