/* Every allocation fails once, the one after another: each time an error is returned and nothing is left
 * behind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/snapshot/snapshot_reader.h"
#include "formats/snapshot/snapshot_verify.h"
#include "tests/support/encode_snapshot.h"
#include "tests/support/support.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif

#ifdef SANITIZED /* its allocator cannot be taken over */
int main(void)
{
    return EXIT_SUCCESS;
}
#else

/* glibc's own, under the names it keeps for replacements. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static bool counting;
static long until_failure, live;

static bool fails(void)
{
    if (!counting || until_failure-- > 0)
        return false;
    errno = ENOMEM;
    return true;
}

static void *counted(void *memory)
{
    live += counting && memory;
    return memory;
}

#pragma GCC visibility push(default) /* libc and libzstd must find these, too */

void *malloc(size_t size)
{
    return fails() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *old, size_t size)
{
    if (fails())
        return NULL;
    void *memory = __libc_realloc(old, size);
    return old ? memory : counted(memory);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__libc_memalign(alignment, size));
}

void free(void *memory)
{
    live -= counting && memory;
    __libc_free(memory);
}

#pragma GCC visibility pop

static const char *path;
static struct error err;

static bool open_and_use(void)
{
    struct heap_detail detail;
    struct heap *heap = snapshot_open(path, &err);
    if (!heap)
        return false;
    bool done =
        heap_load_details(heap, &err) && heap_load_previews(heap, &err) && heap_index_addresses(heap, &err);
    done = done && heap_detail(heap, 1, &detail);
    heap_destroy(heap);
    return done;
}

static bool one_detail(void)
{
    struct heap_detail detail;
    struct heap *heap = snapshot_open(path, &err);
    if (!heap)
        return false;
    bool done = heap_detail(heap, 1, &detail) || error_no_memory(&err);
    heap_destroy(heap);
    return done;
}

static bool verify(void)
{
    struct snapshot_verdict verdict;
    return snapshot_verify(path, (struct snapshot_faults){0}, &verdict, &err);
}

static void sweep(bool (*function)(void))
{
    long failures = 0;
    for (bool done = false; !done; failures++) {
        memset(&err, 0, sizeof err);
        until_failure = failures;
        live = 0;
        counting = true;
        done = function();
        counting = false;
        must(live == 0);
        must(done ? until_failure >= 0 : err.code == ERROR_SYSTEM);
    }
    ck_assert_int_gt(failures, 30);
}

START_TEST(every_allocation_fails_once)
{
    bool (*functions[])(void) = {open_and_use, one_detail, verify};
    struct model *m = model_create(41, 60, 2);
    struct encoder e;
    encode_model(&e, m, 16);
    if (_i >= 3) /* a damaged one, with its placeholders and warnings */
        e.data[e.offsets[2] + 60] ^= 1;
    path = test_file("sweep");
    write_file(path, e.data, e.size);
    sweep(functions[_i % 3]);
    encode_free(&e);
    model_destroy(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("out_of_memory");
    TCase *tests = tcase_create("out_of_memory");
    tcase_add_loop_test(tests, every_allocation_fails_once, 0, 6);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
#endif
