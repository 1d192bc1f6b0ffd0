/* Answers about random Python-like heaps against slow and obvious ways to get them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/graph/reachability.h"
#include "lib/query/diff.h"
#include "lib/query/expression.h"
#include "lib/query/growth.h"
#include "lib/query/histogram.h"
#include "lib/query/info.h"
#include "lib/query/path.h"
#include "lib/query/reference_tree.h"
#include "lib/query/show.h"
#include "lib/query/spelling.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

enum { HEAPS = 60, EACH = 10 };

/* Each test runs on EACH heaps in one process: a fork is dear under a sanitizer. */
#define ON_HEAPS(test)                                                                                       \
    START_TEST(test##_on_heaps)                                                                              \
    {                                                                                                        \
        for (int seed = 0; seed < EACH; seed++)                                                              \
            test(_i *EACH + seed);                                                                           \
    }                                                                                                        \
    END_TEST

static struct error err;
static uint64_t state;

static uint32_t pick(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static object_id odd_key(struct kit *k, unsigned number)
{
    static const char *const texts[] = {"k%u",      "it's %u", "two\nlines %u", "a.b[%u]", "]['%u",  "…%u",
                                        "größe %u", "\\%u\\",  "\"%u'",         " %u ",    "\x01%u", "{*}%u"};
    char text[64];
    uint32_t sort = pick(16);
    if (sort == 15) {
        object_id tuple = kit_builtin(k, FAMILY_TUPLE), inner = kit_int(k, (long)number),
                  name = kit_str(k, "x, y");
        kit_item(k, tuple, inner);
        kit_item(k, tuple, name);
        return tuple;
    }
    if (sort >= 12)
        return sort == 12 ? kit_object(k, 1) : kit_int(k, (long)number);
    snprintf(text, sizeof text, texts[sort], number); /* every key of a heap has a number of its own */
    return kit_str(k, text);
}

/* A program: modules, classes, instances, containers, closures, caches, generators, running frames, garbage.
 */
static struct heap *random_program(uint64_t seed, bool unique)
{
    state = seed * 7919 + 13;
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER);
    uint32_t count = 20 + pick(150), number = 0;
    object_id *ids = calloc(count, sizeof *ids);
    uint32_t thread = kit_thread(k, "MainThread", 1);
    char name[32];
    for (uint32_t i = 0; i < count; i++) {
        switch (pick(12)) {
        case 0:
            snprintf(name, sizeof name, pick(3) ? "module%u" : "pkg.module%u", i);
            ids[i] = kit_module(k, name);
            break;
        case 1:
            ids[i] = kit_builtin(k, FAMILY_LIST);
            break;
        case 2:
            ids[i] = kit_builtin(k, FAMILY_DICT);
            break;
        case 3:
            ids[i] = kit_builtin(k, FAMILY_SET);
            break;
        case 4:
            ids[i] = kit_builtin(k, FAMILY_TUPLE);
            break;
        case 5:
            ids[i] = kit_builtin(k, FAMILY_GENERATOR);
            break;
        case 6:
            ids[i] = kit_str(k, "some text");
            break;
        case 7:
            ids[i] = kit_object(k, node);
            break;
        case 8:
            ids[i] = kit_builtin(k, FAMILY_LRU_CACHE);
            break;
        default:
            ids[i] = kit_instance(k, node);
        }
    }
    object_id last = kit_count(k);
    bool *full = calloc(last + 1, 1);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t e = pick(4); e > 0; e--) {
            object_id source = ids[i], target = ids[pick(count)];
            enum family family = kit_family(k, source);
            number++;
            if (family == FAMILY_LIST || family == FAMILY_TUPLE)
                kit_item(k, source, target);
            else if (family == FAMILY_DICT) {
                object_id key = odd_key(k, number);
                kit_pair(k, source, key, target);
            } else if (family == FAMILY_SET) {
                if (!unique || !full[source])
                    kit_member(k, source, target);
                full[source] = true;
            } else if (family == FAMILY_GENERATOR) {
                snprintf(name, sizeof name, "local%u", number);
                kit_field(k, source, REFERENCE_LOCAL, name, target);
            } else if (family == FAMILY_LRU_CACHE) {
                if (full[source])
                    continue;
                full[source] = true;
                object_id dict = kit_builtin(k, FAMILY_DICT), key = odd_key(k, number);
                kit_field(k, source, REFERENCE_CACHE, "<cache>", dict);
                kit_pair(k, dict, key, target);
            } else if (family == FAMILY_STR)
                continue;
            else if (kit_has_dict(k, source)) {
                snprintf(name, sizeof name, pick(5) ? "attr%u" : "odd name %u", number);
                kit_attribute(k, source, name, target);
            } else {
                snprintf(name, sizeof name, "slot%u", number);
                kit_field(k, source, pick(6) ? REFERENCE_SLOT : REFERENCE_WEAK, name, target);
            }
        }
    for (uint32_t f = 0; f < 3; f++) {
        snprintf(name, sizeof name, "function%u", f);
        uint32_t frame = kit_frame(k, thread, "app", name, f, 0);
        kit_local(k, frame, "x", ids[pick(count)]);
        const char *names[] = {"cv"};
        object_id closure = kit_closure(k, name, 1, names, &ids[pick(count)], f & 1);
        kit_local(k, frame, "fn", closure);
    }
    for (object_id id = 1; id <= kit_count(k); id++)
        kit_detail(k, id, 16 + 16 * pick(40), 1 + pick(3), pick(2) ? OBJECT_TRACKED : 0);
    free(ids);
    free(full);
    return kit_finish(k);
}

static struct view *open_view(struct heap *heap)
{
    struct view *view = view_create(heap, &err);
    ck_assert_ok(view, &err);
    return view;
}

static void what_is_printed_is_found_again(int seed)
{
    struct heap *heap = random_program((uint64_t)seed, true);
    struct view *view = open_view(heap);
    struct object_set reached;
    ck_assert_ok(reachability_mark(heap, false, &reached, &err), &err);
    uint32_t asked = 0;
    for (object_id id = 0; (id = object_set_next(&reached, id)) != 0;) {
        struct paths paths;
        struct path_options options = {.max = 5};
        ck_assert_ok(path_find(&paths, view, id, &options, &err), &err);
        ck_assert_uint_ge(paths.path_count, 1);
        for (size_t i = 0; i < paths.path_count; i++) {
            object_id found = expression_find(view, paths.paths[i].expression, &err);
            ck_assert_msg(found == id, "heap %d: %s is %u, found %u: %s", seed, paths.paths[i].expression, id,
                          found, err.message);
            asked++;
        }
        path_free(&paths);
        char number[32];
        snprintf(number, sizeof number, "@%u", id);
        ck_assert_uint_eq(expression_find(view, number, &err), id);
        snprintf(number, sizeof number, "%llu", (unsigned long long)heap->address[id]);
        ck_assert_uint_eq(expression_find(view, number, &err), id);
        snprintf(number, sizeof number, "0x%llX", (unsigned long long)heap->address[id]);
        ck_assert_uint_eq(expression_find(view, number, &err), id);
    }
    ck_assert_uint_gt(asked, 0);
    object_set_free(&reached);
    view_destroy(view);
    heap_destroy(heap);
}

ON_HEAPS(what_is_printed_is_found_again)

static void groups_add_up(int seed)
{
    struct heap *heap = random_program((uint64_t)seed, false);
    struct view *view = open_view(heap);
    uint64_t bytes = 0;
    for (object_id id = 1; id <= heap->object_count; id++)
        bytes += view_size(view, id);
    for (int by = HISTOGRAM_TYPE; by <= HISTOGRAM_REFERRER; by++) {
        struct histogram histogram;
        struct histogram_options options = {.by = (enum histogram_by)by};
        ck_assert_ok(histogram_create(&histogram, view, &options, &err), &err);
        uint64_t count = 0, sum = 0;
        for (size_t i = 0; i < histogram.row_count; i++) {
            count += histogram.rows[i].count;
            sum += histogram.rows[i].shallow;
            ck_assert(!i || histogram.rows[i - 1].count >= histogram.rows[i].count);
            for (size_t j = 0; j < i; j++)
                ck_assert_str_ne(histogram.rows[i].name, histogram.rows[j].name);
        }
        ck_assert_uint_eq(count, heap->object_count);
        ck_assert_uint_eq(histogram.objects, heap->object_count);
        ck_assert_uint_eq(sum, bytes);
        histogram_free(&histogram);
    }
    struct info info;
    struct object_set reached;
    ck_assert_ok(info_create(&info, view, &err) && reachability_mark(heap, true, &reached, &err), &err);
    ck_assert_uint_eq(info.shallow, bytes);
    ck_assert_uint_eq(info.unreachable, heap->object_count - object_set_count(&reached));
    uint64_t families = 0;
    for (size_t i = 0; i < info.family_count; i++)
        families += info.families[i].count;
    ck_assert_uint_eq(families, heap->object_count);
    /* Merged paths: the unreachable ones are those that are not reached. */
    object_id *all = malloc(heap->object_count * sizeof *all);
    for (object_id id = 1; id <= heap->object_count; id++)
        all[id - 1] = id;
    struct path_groups groups;
    ck_assert_ok(path_merge(&groups, view, all, heap->object_count, NULL, &err), &err);
    uint64_t merged = 0, lost = 0;
    for (size_t i = 0; i < groups.row_count; i++) {
        merged += groups.rows[i].count;
        lost += groups.rows[i].reachable ? 0 : groups.rows[i].count;
    }
    ck_assert_uint_eq(merged, heap->object_count);
    ck_assert_uint_eq(lost, info.unreachable);
    path_groups_free(&groups);
    free(all);
    object_set_free(&reached);
    view_destroy(view);
    heap_destroy(heap);
}

ON_HEAPS(groups_add_up)

/* Every reference of a tree's node to its parent is there, counted by scanning; with no limit nothing is
 * hidden. */
static void referrer_trees_count_right(int seed)
{
    struct heap *heap = random_program((uint64_t)seed, false);
    struct view *view = open_view(heap);
    for (int direction = REFERENCES_IN; direction <= REFERENCES_OUT; direction++)
        for (object_id id = 1; id <= heap->object_count; id += 7) {
            struct reference_tree tree;
            struct reference_tree_options options = {
                .direction = (enum reference_direction)direction, .depth = 1, .group = true};
            ck_assert_ok(reference_tree_create(&tree, view, &id, 1, &options, &err), &err);
            struct holds holds = {0};
            ck_assert_ok(direction == REFERENCES_IN ? holders_of(view, id, &holds, &err)
                                                    : referents_of(view, id, &holds, &err),
                         &err);
            uint64_t count = 0, roots = 0;
            for (size_t i = 1; i < tree.node_count; i++) {
                ck_assert_uint_eq(tree.nodes[i].parent, 0);
                ck_assert_uint_eq(tree.nodes[i].hidden_nodes, 0);
                if (tree.nodes[i].object)
                    count += tree.nodes[i].count;
                else
                    roots++;
            }
            ck_assert_uint_eq(count, holds.count);
            uint64_t expected = 0;
            for (uint32_t r = 0; r < heap->root_count && direction == REFERENCES_IN; r++)
                expected += heap->roots[r].target == id && heap->roots[r].reference;
            ck_assert_uint_eq(roots, expected);
            holds_free(&holds);
            reference_tree_free(&tree);
            options.limit = 2;
            options.depth = 0;
            ck_assert_ok(reference_tree_create(&tree, view, &id, 1, &options, &err), &err);
            for (size_t i = 1; i < tree.node_count; i++) {
                ck_assert_uint_lt(tree.nodes[i].parent, i);
                ck_assert_uint_eq(tree.nodes[i].depth, tree.nodes[tree.nodes[i].parent].depth + 1);
            }
            reference_tree_free(&tree);
        }
    view_destroy(view);
    heap_destroy(heap);
}

ON_HEAPS(referrer_trees_count_right)

static uint64_t count_alone(const struct heap *in, const struct heap *other)
{
    uint64_t alone = 0;
    for (object_id id = 1; id <= in->object_count; id++) {
        bool found = false;
        for (object_id o = 1; o <= other->object_count; o++)
            found |= other->address[o] == in->address[id] &&
                     !strcmp(heap_type_name(in, id), heap_type_name(other, o));
        alone += !found;
    }
    return alone;
}

static void differences(int seed)
{
    struct heap *a = random_program((uint64_t)seed, false), *b = random_program((uint64_t)seed + 1000, false);
    struct view *older = open_view(a), *newer = open_view(b);
    for (int by = DIFF_TYPE; by <= DIFF_PATH; by++) {
        struct diff same, diff;
        struct diff_options options = {.by = (enum diff_by)by, .objects = true};
        ck_assert_ok(diff_create(&same, older, older, &options, &err), &err);
        ck_assert_uint_eq(same.changed_count, 0);
        ck_assert_uint_eq(same.total.old_count, a->object_count);
        ck_assert_uint_eq(same.added_count + same.removed_count, 0);
        diff_free(&same);
        ck_assert_ok(diff_create(&diff, older, newer, &options, &err), &err);
        struct diff_row sum = {0};
        for (size_t i = 0; i < diff.row_count; i++) {
            const struct diff_row *row = &diff.rows[i];
            ck_assert_int_eq(row->expression != NULL, by == DIFF_PATH);
            ck_assert_int_eq(row->delta_count, (int64_t)row->new_count - (int64_t)row->old_count);
            ck_assert_int_eq(row->delta_shallow, (int64_t)row->new_shallow - (int64_t)row->old_shallow);
            if (by == DIFF_TYPE) /* same address, other path: moved, so only types balance row by row */
                ck_assert_int_eq(row->delta_count, (int64_t)row->added - (int64_t)row->removed);
            ck_assert_int_eq(i < diff.changed_count,
                             row->delta_count || row->delta_shallow || row->added || row->removed);
            sum.old_count += row->old_count;
            sum.new_count += row->new_count;
            sum.added += row->added;
            sum.removed += row->removed;
        }
        ck_assert_uint_eq(sum.old_count, a->object_count);
        ck_assert_uint_eq(sum.new_count, b->object_count);
        ck_assert_uint_eq(sum.added, count_alone(b, a));
        ck_assert_uint_eq(sum.removed, count_alone(a, b));
        ck_assert_uint_eq(diff.added_count, sum.added);
        ck_assert_uint_eq(diff.removed_count, sum.removed);
        ck_assert_uint_eq(diff.total.added, sum.added);
        diff_free(&diff);
    }
    view_destroy(older);
    view_destroy(newer);
    heap_destroy(a);
    heap_destroy(b);
}

ON_HEAPS(differences)

static void growth_is_a_row_of_histograms(int seed)
{
    struct heap *heaps[3];
    struct view *views[3];
    for (int by = GROWTH_TYPE; by <= GROWTH_PATH; by++) {
        struct growth growth;
        ck_assert_ok(growth_begin(&growth, (enum growth_by)by, &err), &err);
        uint64_t objects[3];
        for (int i = 0; i < 3; i++) {
            heaps[i] = random_program((uint64_t)seed + 100 * (uint64_t)i, false);
            views[i] = open_view(heaps[i]);
            objects[i] = heaps[i]->object_count;
            ck_assert_ok(growth_add(&growth, views[i], &err), &err);
            view_destroy(views[i]); /* one at a time */
            heap_destroy(heaps[i]);
        }
        ck_assert_ok(growth_finish(&growth, &err), &err);
        uint64_t sum[3] = {0};
        for (size_t r = 0; r < growth.row_count; r++) {
            const struct growth_row *row = &growth.rows[r];
            for (int i = 0; i < 3; i++)
                sum[i] += row->counts[i];
            ck_assert_int_eq(row->every_step,
                             row->counts[0] < row->counts[1] && row->counts[1] < row->counts[2]);
            ck_assert_int_eq(row->every_step, r < growth.rising_count);
            ck_assert_double_eq_tol(row->per_step, ((double)row->counts[2] - (double)row->counts[0]) / 2,
                                    1e-9);
        }
        for (int i = 0; i < 3; i++)
            ck_assert_uint_eq(sum[i], objects[i]);
        growth_free(&growth);
    }
}

ON_HEAPS(growth_is_a_row_of_histograms)

/* Any kind of reference between any families, as a damaged file may have it: no answer may break. */
static struct heap *nonsense(uint64_t seed)
{
    static const char *const names[] = {"__dict__",
                                        "__closure__",
                                        "__code__",
                                        "co_freevars",
                                        "co_localsplusnames",
                                        "<cache>",
                                        "<key>",
                                        "<result>",
                                        "cell_contents",
                                        "__module__",
                                        "a b",
                                        "",
                                        NULL,
                                        "attr"};
    state = seed * 31337 + 7;
    struct kit *k = kit_create();
    uint32_t count = 5 + pick(40), thread = kit_thread(k, "", 1),
             frame = kit_frame(k, thread, "", "f", 0, 1 + pick(count));
    for (uint32_t i = 0; i < count; i++) {
        object_id id = kit_builtin(k, (enum family)pick(FAMILIES));
        if (kit_family(k, id) == FAMILY_STR)
            (void)kit_str_cut(k, "x\xff", pick(5));
        kit_detail(k, id, pick(1000), pick(5), (uint8_t)pick(64));
    }
    count = kit_count(k);
    for (object_id id = 1; id <= count; id++)
        for (uint32_t e = pick(5); e > 0; e--) {
            object_id target = pick(count + 1);
            switch (kit_family(k, id)) {
            case FAMILY_LIST:
            case FAMILY_TUPLE:
            case FAMILY_DEQUE:
                kit_item(k, id, target);
                break;
            case FAMILY_DICT:
                kit_pair(k, id, pick(count + 1), target);
                break;
            case FAMILY_SET:
                kit_member(k, id, target);
                break;
            default:
                kit_field(k, id, (enum reference_kind)(1 + pick(REFERENCE_KINDS - 1)), names[pick(14)],
                          target);
            }
        }
    for (uint32_t r = pick(5); r > 0; r--)
        kit_root(k, (enum root_kind)(1 + pick(ROOT_KINDS - 1)), (enum reference_kind)pick(REFERENCE_KINDS),
                 names[pick(14)], 1 + pick(count));
    kit_local(k, frame, "x", 1 + pick(count));
    for (type_id t = 1; t <= 5; t++)
        kit_type_object(k, 1, 1 + pick(count));
    return kit_finish(k);
}

static void ask_nonsense(uint64_t seed)
{
    struct heap *heap = nonsense(seed);
    struct view *view = open_view(heap);
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct paths paths;
        struct path_options options = {.max = 1 + (uint32_t)(id & 7)};
        ck_assert_ok(path_find(&paths, view, id, &options, &err), &err);
        for (size_t i = 0; i < paths.path_count; i++)
            (void)expression_find(view, paths.paths[i].expression, &err);
        path_free(&paths);
        for (int direction = REFERENCES_IN; direction <= REFERENCES_OUT; direction++) {
            struct reference_tree tree;
            struct reference_tree_options tree_options = {.direction = (enum reference_direction)direction,
                                                          .group = id & 1,
                                                          .limit = id & 3,
                                                          .weak = id & 4};
            ck_assert_ok(reference_tree_create(&tree, view, &id, 1, &tree_options, &err), &err);
            reference_tree_free(&tree);
        }
        struct shown shown;
        ck_assert_ok(show_object(&shown, view, id, 0, &err), &err);
        show_free(&shown);
    }
    struct histogram histogram;
    struct histogram_options by_referrer = {.by = HISTOGRAM_REFERRER};
    ck_assert_ok(histogram_create(&histogram, view, &by_referrer, &err), &err);
    ck_assert_uint_eq(histogram.objects, heap->object_count);
    histogram_free(&histogram);
    struct diff diff;
    struct diff_options by_path = {.by = DIFF_PATH};
    ck_assert_ok(diff_create(&diff, view, view, &by_path, &err), &err);
    ck_assert_uint_eq(diff.changed_count, 0);
    diff_free(&diff);
    view_destroy(view);
    heap_destroy(heap);
}

START_TEST(nonsense_breaks_nothing)
{
    for (uint64_t seed = 0; seed < HEAPS; seed++)
        ask_nonsense((uint64_t)_i * HEAPS + seed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("query oracle");
    TCase *tc = tcase_create("random programs");
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, what_is_printed_is_found_again_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, groups_add_up_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, referrer_trees_count_right_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, differences_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, growth_is_a_row_of_histograms_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, nonsense_breaks_nothing, 0, 10);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
