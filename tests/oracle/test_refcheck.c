/* References found, and what is held from C, against counting one object at a time on random heaps. */
#include <string.h>

#include "lib/graph/found_references.h"
#include "lib/query/refcheck.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

enum { HEAPS = 200, MOST = 60 };

static struct error err;
static uint64_t state;

static uint32_t pick(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* Instances of a few classes whose types are objects, containers, weak references, frames, roots of all
 * kinds. */
static struct heap *random_heap(uint64_t seed)
{
    static const enum family families[] = {FAMILY_LIST,  FAMILY_DICT,      FAMILY_SET,  FAMILY_WEAKREF,
                                           FAMILY_FRAME, FAMILY_GENERATOR, FAMILY_TUPLE};
    static const enum root_kind kinds[] = {ROOT_MODULE, ROOT_THREAD, ROOT_INTERPRETER, ROOT_IMMORTAL};
    state = seed * 7919 + 3;
    struct kit *k = kit_create();
    uint32_t thread = kit_thread(k, "MainThread", 7), frames[3], count = 5 + pick(MOST - 5);
    for (uint32_t f = 0; f < 3; f++)
        frames[f] = kit_frame(k, thread, "app", "run", f, 0);
    type_id classes[2] = {kit_type(k, "app.A", "app", FAMILY_OTHER),
                          kit_type(k, "app.B", "app", FAMILY_OTHER)};
    for (unsigned c = 0; c < 2; c++)
        kit_type_object(k, classes[c], kit_builtin(k, FAMILY_TYPE));
    for (uint32_t i = 2; i < count; i++) {
        if (pick(2))
            kit_object(k, classes[pick(2)]);
        else
            kit_builtin(k, families[pick(sizeof families / sizeof families[0])]);
    }
    count = kit_count(k);
    for (object_id id = 1; id <= count; id++) {
        for (uint32_t e = pick(5); e > 0; e--) {
            object_id target = pick(count + 1);
            switch (pick(6)) {
            case 0:
                kit_field(k, id, REFERENCE_WEAK, "<weak>", target);
                break;
            case 1:
                kit_field(k, id, REFERENCE_LOCAL, "x", target);
                break;
            case 2:
                kit_field(k, id, REFERENCE_FRAME, "gi_frame", target);
                break;
            case 3:
                kit_field(k, id, REFERENCE_FIELD, pick(2) ? "f_back" : "f_code", target);
                break;
            default:
                kit_field(k, id, REFERENCE_ATTRIBUTE, "a", target);
            }
        }
        kit_detail(k, id, 16 + pick(5) * 16, pick(6), pick(2) ? OBJECT_TRACKED : 0);
    }
    for (uint32_t r = pick(12); r > 0; r--) {
        object_id target = 1 + pick(count);
        switch (pick(3)) {
        case 0:
            kit_local(k, frames[pick(3)], "x", target);
            break;
        case 1:
            kit_stack(k, frames[pick(3)], pick(4), target);
            break;
        default:
            kit_root(k, kinds[pick(4)], 0, "root", target);
        }
    }
    return kit_finish(k);
}

static bool name_is(const struct heap *heap, string_id name, const char *text)
{
    return name && !strcmp(heap_string(heap, name, NULL), text);
}

/* As the header says it for versions before 3.11, word by word. */
static bool naive_running(const struct heap *heap, object_id frame)
{
    struct heap_detail detail;
    bool of_generator = false, called = false;
    for (object_id id = 1; id <= heap->object_count; id++)
        for (uint64_t e = csr_start(&heap->edges, id); e < csr_end(&heap->edges, id); e++) {
            struct reference r = heap_reference(heap, id, e);
            of_generator = of_generator || (heap_family(heap, id) == FAMILY_GENERATOR && r.target == frame &&
                                            r.kind == REFERENCE_FRAME);
            called = called || (id == frame && r.target && name_is(heap, r.name, "f_back"));
        }
    heap_detail(heap, frame, &detail);
    return of_generator ? called : !(detail.flags & OBJECT_TRACKED);
}

static bool naive_of_generator(const struct heap *heap, object_id frame)
{
    for (object_id id = 1; id <= heap->object_count; id++)
        for (uint64_t e = csr_start(&heap->edges, id); e < csr_end(&heap->edges, id); e++) {
            struct reference r = heap_reference(heap, id, e);
            if (heap_family(heap, id) == FAMILY_GENERATOR && r.target == frame && r.kind == REFERENCE_FRAME)
                return true;
        }
    return false;
}

static bool naive_argument(const struct heap *heap, const struct heap_root *place)
{
    for (uint32_t r = 0; r < heap->root_count; r++) {
        const struct heap_root *local = &heap->roots[r];
        if (local->reference == REFERENCE_LOCAL && local->target == place->target &&
            heap->frames[local->frame].depth + 1 == heap->frames[place->frame].depth)
            return true;
    }
    return false;
}

static uint32_t naive_found(const struct heap *heap, object_id target)
{
    uint32_t count = 0;
    for (object_id id = 1; id <= heap->object_count; id++) {
        bool skips = heap_family(heap, id) == FAMILY_FRAME && naive_running(heap, id);
        for (uint64_t e = csr_start(&heap->edges, id); e < csr_end(&heap->edges, id); e++) {
            struct reference r = heap_reference(heap, id, e);
            bool of_thread = skips && (r.kind == REFERENCE_LOCAL || name_is(heap, r.name, "f_code"));
            count += r.target == target && r.kind != REFERENCE_WEAK && !of_thread;
        }
        const struct heap_type *type = &heap->types[heap_type_of(heap, id)];
        count += type->flags & TYPE_HEAP && type->object == target;
    }
    for (uint32_t r = 0; r < heap->root_count; r++) {
        const struct heap_root *root = &heap->roots[r];
        if (root->target != target)
            continue;
        count += root->kind == ROOT_THREAD || root->kind == ROOT_INTERPRETER ||
                 root->reference == REFERENCE_LOCAL ||
                 (root->reference == REFERENCE_STACK && naive_argument(heap, root));
    }
    if (heap_family(heap, target) == FAMILY_FRAME && naive_running(heap, target) &&
        !naive_of_generator(heap, target))
        count++;
    return count;
}

START_TEST(counts)
{
    struct heap *heap = random_heap((uint64_t)_i);
    struct found_references found;
    ck_assert_ok(found_references_create(&found, heap, &err), &err);
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct heap_detail detail;
        uint32_t wanted = naive_found(heap, id);
        heap_detail(heap, id, &detail);
        ck_assert_msg(found.count[id] == wanted, "heap %d, object %u: %u found, wanted %u", _i, id,
                      found.count[id], wanted);
        ck_assert_uint_eq(found_references_missing(&found, heap, id),
                          detail.refcount > wanted ? detail.refcount - wanted : 0);
    }
    found_references_free(&found);
    heap_destroy(heap);
}
END_TEST

/* Every object with a reference too many is a row or of a class of noise, and nothing else is. */
START_TEST(rows)
{
    struct heap *heap = random_heap((uint64_t)_i);
    struct view *view = view_create(heap, &err);
    struct refcheck refcheck;
    struct refcheck_options options = {.all = true};
    ck_assert_ok(view, &err);
    ck_assert_ok(refcheck_create(&refcheck, view, &options, &err), &err);
    size_t wanted = 0, over = 0;
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct heap_detail detail;
        heap_detail(heap, id, &detail);
        wanted += detail.refcount > naive_found(heap, id);
        over += detail.refcount < naive_found(heap, id);
    }
    ck_assert_uint_eq(refcheck.row_count, wanted);
    ck_assert_uint_eq(refcheck.over, over);
    size_t plain = 0, noise = 0;
    for (size_t i = 0; i < refcheck.row_count; i++) {
        const struct refcheck_row *row = &refcheck.rows[i];
        ck_assert_uint_eq(row->found, naive_found(heap, row->id));
        ck_assert_uint_eq(row->unexplained, row->refcount - row->found);
        ck_assert(!i || row->unexplained <= row[-1].unexplained);
        plain += row->noise == NOISE_NONE;
    }
    for (unsigned n = 1; n < NOISE_KINDS; n++)
        noise += refcheck.noise[n];
    ck_assert_uint_eq(plain + noise, wanted);
    refcheck_free(&refcheck);
    options.all = false;
    ck_assert_ok(refcheck_create(&refcheck, view, &options, &err), &err);
    ck_assert_uint_eq(refcheck.row_count, plain);
    refcheck_free(&refcheck);
    view_destroy(view);
    heap_destroy(heap);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("refcheck against counting");
    TCase *tc = tcase_create("all");
    tcase_add_loop_test(tc, counts, 0, HEAPS);
    tcase_add_loop_test(tc, rows, 0, HEAPS);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
