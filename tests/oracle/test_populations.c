/* Answers about populations, partitions and differences, of random Python-like heaps, against slow and
 * obvious ways to get them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/graph/reachability.h"
#include "lib/graph/shape_traits.h"
#include "lib/query/diff.h"
#include "lib/query/find.h"
#include "lib/query/growth.h"
#include "lib/query/histogram.h"
#include "lib/query/info.h"
#include "lib/query/path.h"
#include "lib/query/spelling.h"
#include "tests/support/random_program.h"
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

static struct view *open_view(struct heap *heap)
{
    struct view *view = view_create(heap, &err);
    ck_assert_ok(view, &err);
    return view;
}

static void groups_add_up(int seed)
{
    struct heap *heap = random_program((uint64_t)seed, false);
    struct view *view = open_view(heap);
    uint64_t bytes = 0;
    for (object_id id = 1; id <= heap->object_count; id++)
        bytes += view_size(view, id);
    for (int by = HISTOGRAM_TYPE; by <= HISTOGRAM_VIA; by++) {
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

/* Whose own dict or frame it is: the first object that says so. */
static object_id slow_owner(const struct heap *heap, object_id part)
{
    for (object_id id = 1; id <= heap->object_count; id++)
        for (uint64_t edge = csr_start(&heap->edges, id); edge < csr_end(&heap->edges, id); edge++)
            if (heap->edges.item[edge] == part && id != part &&
                reference_kind_is_part(heap_reference(heap, id, edge).kind))
                return id;
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* "dict of app.Node, list": the kinds of all that hold it, sorted. */
static void slow_referrers(const struct heap *heap, const object_id *owner, object_id object, char *out,
                           size_t size)
{
    static char kinds[512][64];
    size_t count = 0, used = 0;
    bool itself = false;
    char root_kind[64] = "";
    for (object_id id = 1; id <= heap->object_count; id++)
        for (uint64_t edge = csr_start(&heap->edges, id); edge < csr_end(&heap->edges, id); edge++) {
            struct reference raw = heap_reference(heap, id, edge);
            if (raw.target != object || raw.kind == REFERENCE_WEAK)
                continue;
            bool dict = owner[id] ? heap_family(heap, id) == FAMILY_DICT : raw.kind == REFERENCE_ATTRIBUTE;
            ck_assert_uint_lt(count, 512);
            snprintf(kinds[count++], sizeof *kinds, "%s%s", dict ? "dict of " : "",
                     heap_type_name(heap, owner[id] ? owner[id] : id));
        }
    for (uint32_t r = 0; r < heap->root_count; r++) {
        const struct heap_root *root = &heap->roots[r];
        if (root->target != object)
            continue;
        bool is_itself = root->reference == REFERENCE_NONE || root->reference == REFERENCE_FRAME;
        snprintf(is_itself ? root_kind : kinds[count++], sizeof *kinds, "<%s>",
                 spelling_root_kind((enum root_kind)root->kind));
        itself |= is_itself;
    }
    if (!count && itself)
        snprintf(kinds[count++], sizeof *kinds, "%s", root_kind);
    qsort(kinds, count, sizeof *kinds, by_text);
    *out = 0;
    for (size_t i = 0; i < count; i++)
        if (!i || strcmp(kinds[i], kinds[i - 1]) != 0)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", kinds[i]);
    if (!count)
        snprintf(out, size, "<nothing>");
}

static void referrers_are_those_of_a_slow_search(int seed)
{
    struct heap *heap = random_program((uint64_t)seed, false);
    struct view *view = open_view(heap);
    object_id *owner = calloc((size_t)heap->object_count + 1, sizeof *owner);
    for (object_id id = 1; id <= heap->object_count; id++)
        owner[id] = slow_owner(heap, id);
    struct histogram histogram;
    struct histogram_options options = {.by = HISTOGRAM_REFERRER};
    ck_assert_ok(histogram_create(&histogram, view, &options, &err), &err);
    uint64_t *count = calloc(histogram.row_count, sizeof *count),
             *shallow = calloc(histogram.row_count, sizeof *shallow);
    for (object_id id = 1; id <= heap->object_count; id++) {
        char name[4096];
        size_t row = 0;
        slow_referrers(heap, owner, id, name, sizeof name);
        while (row < histogram.row_count && strcmp(histogram.rows[row].name, name) != 0)
            row++;
        ck_assert_msg(row < histogram.row_count, "heap %d: no row %s", seed, name);
        count[row]++;
        shallow[row] += view_size(view, id);
    }
    for (size_t i = 0; i < histogram.row_count; i++) {
        ck_assert_uint_eq(histogram.rows[i].count, count[i]);
        ck_assert_uint_eq(histogram.rows[i].shallow, shallow[i]);
    }
    free(owner);
    free(count);
    free(shallow);
    histogram_free(&histogram);
    view_destroy(view);
    heap_destroy(heap);
}

ON_HEAPS(referrers_are_those_of_a_slow_search)

/* Counts the objects that hold `value` (NULL: anything) under a name, by scanning what all objects hold. */
static uint64_t slow_attribute(struct view *view, const char *name, const char *value)
{
    const struct heap *heap = view_heap(view);
    uint64_t found = 0;
    for (object_id id = 1; id <= heap->object_count; id++) {
        struct holds holds = {0};
        bool match = false;
        if (slow_owner(heap, id) && heap_family(heap, id) == FAMILY_DICT)
            continue;
        ck_assert_ok(referents_of(view, id, &holds, &err), &err);
        for (size_t i = 0; i < holds.count; i++) {
            struct text_buffer text = {0};
            if (*holds.item[i].name)
                text_buffer_add(&text, holds.item[i].name);
            else
                spelling_name(view, &holds.item[i], &text);
            const char *spelled = text_buffer_text(&text);
            bool named = !strcmp(spelled, name) || (*spelled == '\'' && strlen(spelled) == strlen(name) + 2 &&
                                                    !strncmp(spelled + 1, name, strlen(name)));
            struct heap_preview preview;
            bool right = !value ||
                         (heap_preview(heap, holds.item[i].object, &preview) && preview.kind == PREVIEW_STR &&
                          strlen(value) == preview.length && !memcmp(value, preview.text, preview.length));
            match |= named && right && holds.item[i].kind != REFERENCE_KEY_OBJECT;
            text_buffer_free(&text);
        }
        found += match;
        holds_free(&holds);
    }
    return found;
}

static void attributes_are_found(int seed)
{
    struct heap *heap = random_program((uint64_t)seed, false);
    struct view *view = open_view(heap);
    uint64_t any = 0;
    for (unsigned number = 1; number < 60; number += 7)
        for (unsigned sort = 0; sort < 8; sort++) {
            static const char *const texts[] = {"attr%u", "slot%u", "local%u", "k%u"};
            char name[64], wanted[100];
            snprintf(name, sizeof name, texts[sort / 2], number);
            snprintf(wanted, sizeof wanted, "%s%s", name, sort % 2 ? "=some text" : "");
            const char *const attributes[] = {wanted};
            struct find_request request = {.attributes = attributes, .attribute_count = 1};
            struct found found;
            ck_assert_ok(find_objects(&found, view, &request, 1, &err), &err);
            ck_assert_msg(found.objects == slow_attribute(view, name, sort % 2 ? "some text" : NULL),
                          "heap %d: %s: %llu", seed, wanted, (unsigned long long)found.objects);
            any += found.objects;
            find_free(&found);
        }
    ck_assert(any > 0 || heap->object_count < 300);
    view_destroy(view);
    heap_destroy(heap);
}

ON_HEAPS(attributes_are_found)

/* As diff_match.h says it. */
static bool slow_same(const struct heap *a, object_id x, const struct heap *b, object_id y)
{
    struct heap_detail one, other;
    struct heap_preview text, again;
    enum family family = heap_family(a, x);
    if (strcmp(heap_type_name(a, x), heap_type_name(b, y)) != 0)
        return false;
    bool value = family == FAMILY_STR || family == FAMILY_BYTES || family == FAMILY_INT ||
                 family == FAMILY_FLOAT || family == FAMILY_CODE;
    heap_detail(a, x, &one);
    heap_detail(b, y, &other);
    if ((value || family == FAMILY_TUPLE) && one.size != other.size)
        return false;
    if (value && heap_preview(a, x, &text) && heap_preview(b, y, &again) &&
        (text.full_length != again.full_length || text.length != again.length ||
         memcmp(text.text, again.text, text.length) != 0))
        return false;
    if (family != FAMILY_TUPLE && family != FAMILY_METHOD)
        return true;
    uint64_t first = csr_start(&a->edges, x), second = csr_start(&b->edges, y),
             length = csr_end(&a->edges, x) - first;
    bool same = csr_end(&b->edges, y) - second == length;
    for (uint64_t i = 0; same && i < length; i++)
        same = a->address[a->edges.item[first + i]] == b->address[b->edges.item[second + i]];
    return same;
}

static uint64_t count_alone(const struct heap *in, const struct heap *other)
{
    uint64_t alone = 0;
    for (object_id id = 1; id <= in->object_count; id++) {
        bool found = false;
        for (object_id o = 1; o <= other->object_count; o++)
            found |= other->address[o] == in->address[id] && slow_same(in, id, other, o);
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
        ck_assert_uint_eq(diff.total.kept, b->object_count - sum.added);
        ck_assert_uint_le(diff.total.possibly_reused, diff.total.kept);
        diff_free(&diff);
    }
    view_destroy(older);
    view_destroy(newer);
    heap_destroy(a);
    heap_destroy(b);
}

ON_HEAPS(differences)

/* For every type: what the paths say adds up to what the type says. */
static void paths_add_up_to_types(int seed)
{
    struct heap *a = random_program((uint64_t)seed, false), *b = random_program((uint64_t)seed + 1000, false);
    struct view *older = open_view(a), *newer = open_view(b);
    struct diff types, paths;
    ck_assert_ok(diff_create(&types, older, newer, &(struct diff_options){.by = DIFF_TYPE}, &err), &err);
    ck_assert_ok(diff_create(&paths, older, newer, &(struct diff_options){.by = DIFF_PATH}, &err), &err);
    for (size_t t = 0; t < types.row_count; t++) {
        const struct diff_row *type = &types.rows[t];
        struct diff_row sum = {0};
        for (size_t p = 0; p < paths.row_count; p++) {
            const struct diff_row *path = &paths.rows[p];
            if (strcmp(path->type, type->type) != 0)
                continue;
            sum.old_count += path->old_count;
            sum.new_count += path->new_count;
            sum.delta_count += path->delta_count;
            sum.delta_shallow += path->delta_shallow;
            sum.added += path->added;
            sum.removed += path->removed;
            sum.possibly_reused += path->possibly_reused;
        }
        ck_assert_uint_eq(sum.old_count, type->old_count);
        ck_assert_uint_eq(sum.new_count, type->new_count);
        ck_assert_int_eq(sum.delta_count, type->delta_count);
        ck_assert_int_eq(sum.delta_shallow, type->delta_shallow);
        ck_assert_uint_eq(sum.added, type->added);
        ck_assert_uint_eq(sum.removed, type->removed);
        ck_assert_uint_eq(sum.possibly_reused, type->possibly_reused);
    }
    diff_free(&types);
    diff_free(&paths);
    /* Of two processes nothing is the same. */
    struct diff_options unrelated = {.unrelated = true};
    ck_assert_ok(diff_create(&types, older, older, &unrelated, &err), &err);
    ck_assert_uint_eq(types.total.added, a->object_count);
    ck_assert_uint_eq(types.total.removed, a->object_count);
    diff_free(&types);
    view_destroy(older);
    view_destroy(newer);
    heap_destroy(a);
    heap_destroy(b);
}

ON_HEAPS(paths_add_up_to_types)

static void growth_is_a_row_of_histograms(int seed)
{
    struct heap *heaps[3];
    struct view *views[3];
    for (int by = GROWTH_TYPE; by <= GROWTH_PATH; by++) {
        struct growth growth;
        ck_assert_ok(growth_begin(&growth, &(struct growth_options){.by = (enum growth_by)by}, &err), &err);
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

enum { STEPS = 5 };

/* objgraph.growth, call after call: a type counts when it exceeds its highest count so far. */
static void peaks_are_those_of_objgraph(int seed)
{
    struct growth growth;
    ck_assert_ok(growth_begin(&growth, &(struct growth_options){.peak = true}, &err), &err);
    struct heap *heaps[STEPS];
    for (int i = 0; i < STEPS; i++) {
        heaps[i] = random_program((uint64_t)seed * STEPS + (uint64_t)i, false);
        struct view *view = open_view(heaps[i]);
        ck_assert_ok(growth_add(&growth, view, &err), &err);
        view_destroy(view);
    }
    ck_assert_ok(growth_finish(&growth, &err), &err);
    static const char *names[64]; /* types of all heaps */
    uint64_t peak[64] = {0}, delta[64] = {0}, last[64] = {0};
    size_t count = 0, rising = 0;
    for (int i = 0; i < STEPS; i++) {
        uint64_t now[64] = {0};
        for (object_id id = 1; id <= heaps[i]->object_count; id++) {
            size_t t = 0;
            while (t < count && strcmp(names[t], heap_type_name(heaps[i], id)) != 0)
                t++;
            ck_assert_uint_lt(t, 64);
            names[t] = heap_type_name(heaps[i], id);
            count += t == count;
            now[t]++;
        }
        for (size_t t = 0; t < count; t++) {
            delta[t] = now[t] > peak[t] ? now[t] - peak[t] : 0;
            peak[t] = now[t] > peak[t] ? now[t] : peak[t];
            last[t] = now[t];
        }
    }
    for (size_t t = 0; t < count; t++)
        rising += delta[t] > 0;
    ck_assert_uint_eq(growth.row_count, rising);
    for (size_t i = 0; i < growth.row_count; i++) {
        size_t t = 0;
        while (t < count && strcmp(names[t], growth.rows[i].name) != 0)
            t++;
        ck_assert_uint_lt(t, count);
        ck_assert_uint_eq(growth.rows[i].over_peak, delta[t]);
        ck_assert_uint_eq(growth.rows[i].counts[STEPS - 1], last[t]);
        ck_assert(!i || growth.rows[i - 1].over_peak >= growth.rows[i].over_peak);
    }
    growth_free(&growth);
    for (int i = 0; i < STEPS; i++)
        heap_destroy(heaps[i]);
}

ON_HEAPS(peaks_are_those_of_objgraph)

int main(void)
{
    Suite *suite = suite_create("populations oracle");
    TCase *tc = tcase_create("random programs");
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, groups_add_up_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, referrers_are_those_of_a_slow_search_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, attributes_are_found_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, differences_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, paths_add_up_to_types_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, growth_is_a_row_of_histograms_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, peaks_are_those_of_objgraph_on_heaps, 0, HEAPS / EACH);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
