/* Cycles, fates and heads against what is obviously right and slow: who leads to whom as a matrix, on random
 * heaps. */
#include <stdlib.h>
#include <string.h>

#include "lib/graph/components.h"
#include "lib/graph/fates.h"
#include "lib/graph/found_references.h"
#include "lib/graph/shortest_cycle.h"
#include "lib/query/cycles.h"
#include "lib/query/unreachable.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

enum { HEAPS = 400, EACH = 40, MOST = 60, FAR = 1000000 };

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

/* Few references each, so that there are many components; classes, weak references, own dicts, self
   references, empty places; few roots; refcounts that are right for most objects and too large for some. */
static struct heap *random_heap(int seed)
{
    state = (uint64_t)seed * 7919 + 3;
    struct kit *k = kit_create();
    uint32_t count = 2 + pick(MOST - 10), density = 1 + pick(4);
    type_id plain = kit_type(k, "app.Plain", "app", FAMILY_OTHER),
            counted = kit_type(k, "app.Counted", "app", FAMILY_OTHER);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t sort = pick(8);
        object_id id = sort == 0   ? kit_builtin(k, FAMILY_LIST)
                       : sort == 1 ? kit_builtin(k, FAMILY_DICT)
                       : sort == 2 ? kit_builtin(k, FAMILY_TYPE)
                       : sort == 3 ? kit_builtin(k, FAMILY_FUNCTION)
                                   : kit_object(k, sort < 6 ? plain : counted);
        kit_address(k, id, 0x1000 + 0x40 * (uint64_t)pick(100000) * 64 + i * 0x40);
    }
    for (object_id id = 1; id <= count; id++)
        for (uint32_t e = pick(density + 1); e > 0; e--) {
            object_id target = pick(count + 1); /* 0: an empty place */
            switch (pick(8)) {
            case 0:
                kit_field(k, id, REFERENCE_WEAK, NULL, target);
                break;
            case 1:
                kit_field(k, id, REFERENCE_NAMESPACE, "__dict__", target);
                break;
            case 2:
                kit_field(k, id, REFERENCE_GLOBALS, "__globals__", target);
                break;
            default:
                kit_field(k, id, REFERENCE_ATTRIBUTE, "attr", target);
            }
        }
    for (uint32_t r = pick(3); r > 0; r--)
        kit_root(k, ROOT_MODULE, 0, "app", 1 + pick(count));
    if (pick(3) == 0)
        kit_root(k, ROOT_INTERPRETER, REFERENCE_FIELD, "gc.garbage", 1 + pick(count));
    if (pick(2))
        kit_type_object(k, counted, 1 + pick(count));
    for (object_id id = 1; id <= count; id++)
        kit_detail(k, id, 16 + 8 * pick(9), pick(4) ? 0 : 1 + pick(3), pick(40) ? 0 : OBJECT_STATIC);
    struct heap *heap = kit_finish(k);
    for (type_id t = 1; t <= heap->type_count; t++)
        if (heap->types[t].object)
            heap->types[t].flags |= TYPE_HEAP;
    return heap;
}

/* ---- the slow way ---- */

static uint32_t step[MOST][MOST]; /* 1: holds; else FAR */
static uint32_t distance[MOST][MOST];

static void measure(const struct heap *heap, const struct object_set *without)
{
    for (object_id s = 1; s <= heap->object_count; s++)
        for (object_id t = 1; t <= heap->object_count; t++)
            step[s][t] = FAR;
    for (object_id s = 1; s <= heap->object_count; s++) {
        for (uint64_t e = csr_start(&heap->edges, s); e < csr_end(&heap->edges, s); e++) {
            struct reference r = heap_reference(heap, s, e);
            if (r.target && r.kind != REFERENCE_WEAK)
                step[s][r.target] = 1;
        }
        const struct heap_type *type = &heap->types[heap_type_of(heap, s)];
        if (type->object && type->flags & TYPE_HEAP)
            step[s][type->object] = 1;
    }
    for (object_id s = 1; s <= heap->object_count; s++)
        for (object_id t = 1; t <= heap->object_count; t++) {
            if (without && (object_set_has(without, s) || object_set_has(without, t)))
                step[s][t] = FAR;
            distance[s][t] = step[s][t];
        }
    for (object_id m = 1; m <= heap->object_count; m++)
        for (object_id s = 1; s <= heap->object_count; s++)
            for (object_id t = 1; t <= heap->object_count; t++)
                if (distance[s][m] + distance[m][t] < distance[s][t])
                    distance[s][t] = distance[s][m] + distance[m][t];
}

static bool leads(object_id s, object_id t)
{
    return distance[s][t] < FAR;
}

static void check_cycle(const struct heap *heap, const struct cycle *cycle,
                        const struct components *components)
{
    for (size_t i = 0; i < cycle->length; i++) {
        object_id s = cycle->object[i], t = cycle->object[(i + 1) % cycle->length];
        must(components->of[s] == components->of[cycle->object[0]]);
        if (cycle->edge[i] == CYCLE_TYPE_EDGE) {
            must(heap->types[heap_type_of(heap, s)].object == t);
        } else {
            must(cycle->edge[i] >= csr_start(&heap->edges, s) && cycle->edge[i] < csr_end(&heap->edges, s));
            must(heap->edges.item[cycle->edge[i]] == t);
            must(heap_reference(heap, s, cycle->edge[i]).kind != REFERENCE_WEAK);
        }
        for (size_t j = 0; j < i; j++)
            must(cycle->object[j] != s);
    }
}

static void components_are_who_leads_to_whom(int seed)
{
    struct heap *heap = random_heap(seed);
    struct object_set without = {0};
    if (seed % 2) {
        ck_assert_ok(object_set_create(&without, heap, &err), &err);
        for (uint32_t i = pick(8); i > 0; i--)
            object_set_add(&without, 1 + pick(heap->object_count));
    }
    struct components components;
    ck_assert_ok(components_find(heap, seed % 2 ? &without : NULL, &components, &err), &err);
    measure(heap, seed % 2 ? &without : NULL);
    uint64_t members = 0;
    for (object_id s = 1; s <= heap->object_count; s++) {
        must((components.of[s] != 0) == leads(s, s));
        members += leads(s, s);
        for (object_id t = 1; t <= heap->object_count; t++)
            if (leads(s, s) && leads(t, t))
                must((components.of[s] == components.of[t]) == (s == t || (leads(s, t) && leads(t, s))));
    }
    must(components.start[0] == 0 && components.start[components.count] == members);
    for (uint32_t c = 0; c < components.count; c++) {
        must(components.start[c] < components.start[c + 1]);
        for (uint64_t i = components.start[c]; i < components.start[c + 1]; i++) {
            must(components.of[components.member[i]] == c + 1);
            must(i == components.start[c] || components.member[i - 1] < components.member[i]);
        }
        must(c == 0 || components.member[components.start[c - 1]] < components.member[components.start[c]]);
    }
    struct cycle_search search;
    ck_assert_ok(cycle_search_begin(&search, heap, &components, &err), &err);
    for (object_id s = 1; s <= heap->object_count; s++) {
        struct cycle cycle;
        if (!components.of[s])
            continue;
        ck_assert_ok(cycle_search_from(&search, s, 0, &cycle, &err), &err);
        must(cycle.length == distance[s][s] && cycle.object[0] == s);
        check_cycle(heap, &cycle, &components);
        cycle_free(&cycle);
        ck_assert_ok(cycle_search_from(&search, s, distance[s][s], &cycle, &err), &err);
        must(cycle.length == 0);
        ck_assert_ok(cycle_search_from(&search, s, distance[s][s] + 1, &cycle, &err), &err);
        must(cycle.length == distance[s][s]);
        cycle_free(&cycle);
    }
    cycle_search_end(&search);
    components_free(&components);
    object_set_free(&without);
    heap_destroy(heap);
}

ON_HEAPS(components_are_who_leads_to_whom)

/* ---- fates ---- */

static bool is_static(const struct heap *heap, object_id id)
{
    struct heap_detail detail;
    return heap_detail(heap, id, &detail) && detail.flags & OBJECT_STATIC;
}

/* Spreads a mark along all references and to types, never into `stop`. */
static void spread(const struct heap *heap, bool *mark, object_id stop)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (object_id s = 1; s <= heap->object_count; s++) {
            if (!mark[s] || s == stop)
                continue;
            for (object_id t = 1; t <= heap->object_count; t++)
                if ((step[s][t] < FAR || heap->types[heap_type_of(heap, s)].object == t) && !mark[t])
                    changed = mark[t] = true;
        }
    }
}

static enum fate naive_fate(const bool *reached, const bool *with_list, const bool *from_c, object_id id)
{
    return reached[id]     ? FATE_REACHED
           : with_list[id] ? FATE_SAVED
           : from_c[id]    ? FATE_HELD_FROM_C
                           : FATE_GARBAGE;
}

static void naive_fates(const struct heap *heap, enum fate *ret)
{
    bool reached[MOST] = {false}, with_list[MOST] = {false}, from_c[MOST] = {false};
    object_id list = 0;
    struct found_references found;
    measure(heap, NULL);
    ck_assert_ok(found_references_create(&found, heap, &err), &err);
    for (uint32_t r = 0; r < heap->root_count; r++)
        if (!strcmp(heap_string(heap, heap->roots[r].name, NULL), "gc.garbage"))
            list = heap->roots[r].target;
    for (uint32_t r = 0; r < heap->root_count; r++)
        reached[heap->roots[r].target] = true;
    for (object_id id = 1; id <= heap->object_count; id++)
        reached[id] = reached[id] || is_static(heap, id);
    spread(heap, reached, list);
    memcpy(with_list, reached, sizeof reached);
    spread(heap, with_list, 0);
    for (object_id id = 1; id <= heap->object_count; id++)
        from_c[id] = !with_list[id] && found_references_missing(&found, heap, id) > 0;
    spread(heap, from_c, 0);
    for (object_id id = 1; id <= heap->object_count; id++)
        ret[id] = naive_fate(reached, with_list, from_c, id);
    found_references_free(&found);
}

static void fates_are_what_spreading_finds(int seed)
{
    struct heap *heap = random_heap(seed);
    struct fates fates;
    enum fate naive[MOST];
    ck_assert_ok(heap_load_details(heap, &err) && fates_find(heap, &fates, &err), &err);
    naive_fates(heap, naive);
    object_id next = fates_next_unreached(&fates, 0);
    for (object_id id = 1; id <= heap->object_count; id++) {
        must(fate_of(&fates, id) == naive[id]);
        if (naive[id] == FATE_HELD_FROM_C || naive[id] == FATE_GARBAGE) {
            must(next == id);
            next = fates_next_unreached(&fates, id);
        }
    }
    must(next == 0);
    fates_free(&fates);
    heap_destroy(heap);
}

ON_HEAPS(fates_are_what_spreading_finds)

/* ---- answers ---- */

static object_id at_address(const struct heap *heap, uint64_t address)
{
    object_id id = heap_find_address(heap, address);
    must(id);
    return id;
}

static void heads_are_what_nothing_holds(int seed)
{
    struct heap *heap = random_heap(seed);
    struct view *view = view_create(heap, &err);
    struct unreachable answer;
    enum fate naive[MOST];
    ck_assert_ok(view && unreachable_find(&answer, view, UINT64_MAX, &err), &err);
    naive_fates(heap, naive);
    uint64_t objects = 0, bytes = 0, heads = 0, held = 0, held_bytes = 0, counted = 0;
    bool is_head[MOST] = {false};
    for (size_t h = 0; h < answer.head_count; h++) {
        is_head[at_address(heap, answer.heads[h].address)] = true;
        held += answer.heads[h].holds.objects;
        held_bytes += answer.heads[h].holds.bytes;
        must(h == 0 || answer.heads[h - 1].why <= answer.heads[h].why);
    }
    for (object_id id = 1; id <= heap->object_count; id++) {
        if (naive[id] != FATE_GARBAGE && naive[id] != FATE_HELD_FROM_C) {
            must(!is_head[id]);
            continue;
        }
        objects++;
        bytes += view_size(view, id);
        /* The first of those that lead to each other stands for them; nothing unreachable may lead to it
         * alone. */
        bool held_by_others = false, first = true;
        uint32_t heads_among = is_head[id];
        for (object_id s = 1; s <= heap->object_count; s++) {
            bool inside = naive[s] == FATE_GARBAGE || naive[s] == FATE_HELD_FROM_C;
            bool mutual = s != id && leads(s, id) && leads(id, s);
            held_by_others = held_by_others || (inside && s != id && leads(s, id) && !leads(id, s));
            first = first && !(mutual && s < id);
            heads_among += mutual && is_head[s];
        }
        must(heads_among == !held_by_others);
        heads += !held_by_others && first;
    }
    must(heads == answer.head_count);
    must(objects == answer.all.objects && bytes == answer.all.bytes);
    must(held == objects && held_bytes == bytes);
    for (size_t i = 0; i < answer.row_count; i++)
        counted += answer.rows[i].count;
    must(counted == objects);
    uint64_t grouped = 0, grouped_objects = 0;
    for (size_t g = 0; g < answer.group_count; g++) {
        grouped += answer.groups[g].count;
        grouped_objects += answer.groups[g].holds.objects;
        must(answer.heads[answer.groups[g].first].group == g);
    }
    must(grouped == heads && grouped_objects == objects);
    unreachable_free(&answer);
    view_destroy(view);
    heap_destroy(heap);
}

ON_HEAPS(heads_are_what_nothing_holds)

static void check_row(const struct cycles *cycles, const struct cycle_row *row, const enum fate *naive)
{
    size_t members, types;
    object_id *member = cycles_members(cycles, row, &members, &err);
    struct cycle_type *type = cycles_types(cycles, row, &types, &err);
    ck_assert_ok(member && type, &err);
    uint64_t counted = 0;
    object_id list = cycles->fates.garbage_list;
    bool with_list = list && cycles->components.of[list] == row->component + 1;
    must(members == row->size);
    for (size_t i = 0; i < members; i++) {
        if (member[i] !=
            cycles->fates.garbage_list) /* it is reached, and may be in a cycle with what it holds */
            must(naive[member[i]] == row->fate || with_list);
        must(i < 2 || cycles->reader.heap->address[member[i - 1]] <= cycles->reader.heap->address[member[i]]);
    }
    for (size_t i = 0; i < types; i++)
        counted += type[i].count;
    must(counted == row->size);
    free(member);
    free(type);
}

static void cycles_are_the_components(int seed)
{
    struct heap *heap = random_heap(seed);
    struct view *view = view_create(heap, &err);
    struct cycles_options all = {.all_edges = true}, unreached = {.unreached = true, .all_edges = true};
    struct cycles cycles;
    struct components components;
    enum fate naive[MOST];
    naive_fates(heap, naive);
    ck_assert_ok(view && components_find(heap, NULL, &components, &err), &err);
    ck_assert_ok(cycles_find(&cycles, view, &all, &err), &err);
    must(cycles.row_count <= components.count); /* only dicts that own each other are no row */
    uint64_t lost = 0, grouped = 0;
    for (size_t i = 0; i < cycles.row_count; i++) {
        check_row(&cycles, &cycles.rows[i], naive);
        lost += cycles.rows[i].fate != FATE_REACHED;
    }
    must(lost == cycles.unreached);
    for (size_t g = 0; g < cycles.group_count; g++) {
        grouped += cycles.groups[g].count;
        must(cycles.rows[cycles.groups[g].first].group == g && *cycles.groups[g].chain);
    }
    must(grouped == cycles.row_count);
    bool through_list = cycles.components.of[cycles.fates.garbage_list] != 0; /* these are cut differently */
    cycles_free(&cycles);
    ck_assert_ok(cycles_find(&cycles, view, &unreached, &err), &err);
    must((cycles.row_count == lost || through_list) && cycles.unreached == cycles.row_count);
    cycles_free(&cycles);
    components_free(&components);
    view_destroy(view);
    heap_destroy(heap);
}

ON_HEAPS(cycles_are_the_components)

int main(void)
{
    Suite *suite = suite_create("cycles oracle");
    TCase *tc = tcase_create("random heaps");
    tcase_set_timeout(tc, 240);
    tcase_add_loop_test(tc, components_are_who_leads_to_whom_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, fates_are_what_spreading_finds_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, heads_are_what_nothing_holds_on_heaps, 0, HEAPS / EACH);
    tcase_add_loop_test(tc, cycles_are_the_components_on_heaps, 0, HEAPS / EACH);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
