/* Every allocation fails once, the one after another: each time an error is returned and nothing is left
 * behind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats/snapshot/snapshot_reader.h"
#include "formats/snapshot/snapshot_verify.h"
#include "lib/query/dominator_tree.h"
#include "lib/query/retained.h"
#include "lib/query/cycles.h"
#include "lib/query/diff.h"
#include "lib/query/exclusion.h"
#include "lib/query/find.h"
#include "lib/query/growth.h"
#include "lib/query/histogram.h"
#include "lib/query/refcheck.h"
#include "lib/query/neighbourhood.h"
#include "lib/query/reference_tree.h"
#include "lib/query/show.h"
#include "lib/query/unreachable.h"
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

static bool answer_cycles(void)
{
    struct cycles cycles;
    struct cycles_options options = {0};
    struct heap *heap = snapshot_open(path, &err);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    bool done = view && cycles_find(&cycles, view, &options, &err);
    for (size_t i = 0; done && i < cycles.row_count; i++) {
        size_t members, types;
        object_id *member = cycles_members(&cycles, &cycles.rows[i], &members, &err);
        struct cycle_type *type = member ? cycles_types(&cycles, &cycles.rows[i], &types, &err) : NULL;
        if (!type)
            cycles_free(&cycles);
        done = type != NULL;
        free(member);
        free(type);
    }
    if (done)
        cycles_free(&cycles);
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

static bool answer_unreachable(void)
{
    struct unreachable answer;
    struct heap *heap = snapshot_open(path, &err);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    bool done = view && unreachable_find(&answer, view, UINT64_MAX, &err);
    if (done)
        unreachable_free(&answer);
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

static bool count_one(void *self, const struct hold *hold, struct error *error)
{
    (void)hold;
    (void)error;
    ++*(size_t *)self;
    return true;
}

static bool answer_trees(void)
{
    struct heap *heap = snapshot_open(path, &err);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    bool done = view;
    for (int direction = REFERENCES_IN; done && direction <= REFERENCES_OUT; direction++) {
        object_id targets[] = {1, heap->object_count / 2, heap->object_count};
        struct reference_tree tree;
        struct reference_tree_options options = {
            .direction = (enum reference_direction)direction, .depth = 3, .group = true};
        done = reference_tree_create(&tree, view, targets, 3, &options, &err);
        if (done)
            reference_tree_free(&tree);
    }
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

static bool answer_neighbourhood(void)
{
    size_t count = 0;
    struct neighbourhood around;
    struct neighbourhood_options options = {.inwards = true, .outwards = true, .depth = 2, .limit = 2};
    struct heap *heap = snapshot_open(path, &err);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    object_id target = 1;
    bool done = view && neighbourhood_create(&around, view, &target, 1, &options, &err);
    if (done) {
        done = references_each(view, &around.members, false, count_one, &count, &err);
        neighbourhood_free(&around);
    }
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

static bool answer_exclusion(void)
{
    struct exclusion exclusion = {0};
    struct heap *heap = snapshot_open(path, &err);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    bool done =
        view && exclusion_add(&exclusion, view, "*", &err) && exclusion_add(&exclusion, view, "@1", &err);
    exclusion_free(&exclusion);
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

static bool answer_populations(void)
{
    struct histogram histogram;
    struct found found;
    struct shown shown;
    static const char *const attributes[] = {"a", "b!=x", "c>1"};
    struct find_request request = {.refcount = ">1", .attributes = attributes, .attribute_count = 3};
    struct heap *heap = snapshot_open(path, &err);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    bool done = view;
    for (int by = HISTOGRAM_TYPE; done && by <= HISTOGRAM_VIA; by++) {
        struct histogram_options options = {.by = (enum histogram_by)by, .type = "*"};
        done = histogram_create(&histogram, view, &options, &err);
        if (done)
            histogram_free(&histogram);
    }
    if (done && (done = find_objects(&found, view, &request, 0, &err)))
        find_free(&found);
    if (done && (done = show_object(&shown, view, 1, 0, &err)))
        show_free(&shown);
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

static bool answer_differences(void)
{
    struct diff diff;
    struct growth growth = {0};
    struct diff_options options = {.by = DIFF_PATH, .objects = true, .type = "*"};
    struct growth_options steps = {.by = GROWTH_PATH};
    struct heap *heap = snapshot_open(path, &err);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    bool done = view && diff_create(&diff, view, view, &options, &err);
    if (done)
        diff_free(&diff);
    if (done && (done = growth_begin(&growth, &steps, &err))) {
        done = growth_add(&growth, view, &err) && growth_add(&growth, view, &err) &&
               growth_finish(&growth, &err);
        growth_free(&growth);
    }
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

static bool answer_refcheck(void)
{
    struct refcheck refcheck;
    struct refcheck_options options = {.type = "*", .all = true};
    struct heap *heap = snapshot_open(path, &err);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    bool done = view && refcheck_create(&refcheck, view, &options, &err);
    if (done) {
        for (size_t i = 0; done && i < refcheck.row_count; i++)
            done = refcheck_describe(&refcheck, view, &refcheck.rows[i], &err);
        refcheck_free(&refcheck);
    }
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

static bool answer_dominators(void)
{
    struct heap *heap = snapshot_open(path, &err);
    struct view *view = heap ? view_create(heap, &err) : NULL;
    bool done = view;
    for (int by_type = 0; done && by_type < 2; by_type++) {
        struct dominator_tree tree;
        struct dominator_tree_options options = {.by_type = by_type, .depth = 3, .limit = 4};
        done = dominator_tree_create(&tree, view, &options, &err);
        if (done)
            dominator_tree_free(&tree);
    }
    object_id objects[] = {1, 2};
    struct retained retained;
    struct histogram histogram;
    struct histogram_options options = {.sort = HISTOGRAM_BY_RETAINED};
    if (done && (done = retained_create(&retained, view, objects, 2, &err)))
        retained_free(&retained);
    if (done && (done = histogram_create(&histogram, view, &options, &err)))
        histogram_free(&histogram);
    view_destroy(view);
    heap_destroy(heap);
    return done;
}

/* Sorting, and what is remembered only to be faster, do without memory: such a failure may pass unnoticed. */
static void sweep(bool (*function)(void), bool may_pass)
{
    long failures = 0;
    for (bool ended = false; !ended; failures++) {
        memset(&err, 0, sizeof err);
        until_failure = failures;
        live = 0;
        counting = true;
        bool done = function();
        counting = false;
        must(live == 0);
        must(done ? until_failure >= 0 || may_pass : err.code == ERROR_SYSTEM);
        ended = done && until_failure >= 0;
    }
    ck_assert_int_gt(failures, 30);
}

START_TEST(every_allocation_fails_once)
{
    bool (*functions[])(void) = {open_and_use,         one_detail,         verify,
                                 answer_cycles,        answer_unreachable, answer_trees,
                                 answer_neighbourhood, answer_exclusion,   answer_populations,
                                 answer_differences,   answer_refcheck,    answer_dominators};
    enum { COUNT = sizeof functions / sizeof functions[0] };
    struct model *m = model_create(41, 60, 2);
    struct encoder e;
    encode_model(&e, m, 16);
    if (_i >= COUNT) /* a damaged one, with its placeholders and warnings */
        e.data[e.offsets[2] + 60] ^= 1;
    path = test_file("sweep");
    write_file(path, e.data, e.size);
    bool (*function)(void) = functions[_i % COUNT];
    sweep(function, function == answer_trees || function == answer_neighbourhood ||
                        function == answer_exclusion || function == answer_populations ||
                        function == answer_differences || function == answer_refcheck ||
                        function == answer_dominators);
    encode_free(&e);
    model_destroy(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("out_of_memory");
    TCase *tests = tcase_create("out_of_memory");
    tcase_add_loop_test(tests, every_allocation_fails_once, 0, 24);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
#endif
