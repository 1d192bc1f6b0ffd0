/* How cycles read, which of them are alike, whose finalizer it is, and how long a million of them take. */
#include <stdlib.h>
#include <string.h>

#include "lib/query/cycles.h"
#include "lib/query/finalizers.h"
#include "lib/query/unreachable.h"
#include "tests/support/heap_kit.h"
#include "tests/support/support.h"

static struct error err;
static struct heap *heap;
static struct view *view;

static void open_view(struct kit *k)
{
    heap = kit_finish(k);
    for (type_id t = 1; t <= heap->type_count; t++)
        heap->types[t].flags |= TYPE_GC;
    view = view_create(heap, &err);
    ck_assert_ok(view, &err);
}

static void close_view(void)
{
    view_destroy(view);
    heap_destroy(heap);
}

static struct cycles find(void)
{
    struct cycles cycles;
    struct cycles_options options = {0};
    ck_assert_ok(cycles_find(&cycles, view, &options, &err), &err);
    return cycles;
}

static void counted(struct kit *k, object_id id, uint64_t references)
{
    kit_detail(k, id, 48, references, 0);
}

START_TEST(own_dicts_are_parts_and_chains_begin_with_instances)
{
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER);
    object_id list = kit_builtin(k, FAMILY_LIST), one = kit_instance(k, node), other = kit_instance(k, node);
    kit_item(k, list, other);
    kit_item(k, list, one);
    kit_attribute(k, one, "items", list);
    kit_attribute(k, other, "self", other);
    open_view(k);
    struct cycles cycles = find();
    ck_assert_uint_eq(cycles.row_count, 2);
    ck_assert_str_eq(cycles.groups[cycles.rows[0].group].chain, "app.Node.items → list[1] → back");
    ck_assert_uint_eq(cycles.rows[0].size, 2);
    ck_assert_uint_eq(cycles.rows[0].bytes, 3 * 48);
    ck_assert_uint_eq(cycles.rows[0].address, heap->address[one]);
    ck_assert_str_eq(cycles.groups[cycles.rows[1].group].chain, "app.Node.self → itself");
    ck_assert_uint_eq(cycles.rows[1].size, 1);
    size_t count;
    object_id *members = cycles_members(&cycles, &cycles.rows[0], &count, &err);
    ck_assert_uint_eq(count, 2);
    ck_assert(members[0] == one && members[1] == list);
    free(members);
    cycles_free(&cycles);
    close_view();
}
END_TEST

/* The chain is the same wherever the objects lie and whichever comes first. */
START_TEST(alike_cycles_are_one_group)
{
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER),
            leaf = kit_type(k, "app.Leaf", "app", FAMILY_OTHER);
    for (unsigned i = 0; i < 6; i++) {
        object_id one = kit_object(k, i % 2 ? node : leaf), other = kit_object(k, i % 2 ? leaf : node);
        kit_field(k, one, REFERENCE_SLOT, i % 2 ? "leaf" : "node", other);
        kit_field(k, other, REFERENCE_SLOT, i % 2 ? "node" : "leaf", one);
    }
    for (int i = 0; i < 4; i++) { /* they differ in their keys */
        object_id owner = kit_object(k, node), dict = kit_builtin(k, FAMILY_DICT);
        kit_field(k, owner, REFERENCE_SLOT, "table", dict);
        kit_pair(k, dict, kit_int(k, i), owner);
    }
    object_id ring[30];
    for (int i = 0; i < 30; i++)
        ring[i] = kit_object(k, i % 3 ? node : leaf);
    for (int i = 0; i < 30; i++)
        kit_field(k, ring[i], REFERENCE_SLOT, "next", ring[(i + 1) % 30]);
    open_view(k);
    struct cycles cycles = find();
    ck_assert_uint_eq(cycles.row_count, 11);
    ck_assert_uint_eq(cycles.group_count, 3);
    ck_assert_str_eq(cycles.groups[0].chain,
                     "app.Leaf.next → app.Node.next ×2 → app.Leaf.next → app.Node.next ×2 → "
                     "app.Leaf.next → app.Node.next ×2 → app.Leaf.next → app.Node.next ×2 → "
                     "… 18 more → back");
    ck_assert_str_eq(cycles.groups[1].chain, "app.Leaf.node → app.Node.leaf → back");
    ck_assert_uint_eq(cycles.groups[1].count, 6);
    ck_assert_str_eq(cycles.groups[2].chain, "app.Node.table → dict[*] → back");
    ck_assert_uint_eq(cycles.groups[2].count, 4);
    cycles_free(&cycles);
    close_view();
}
END_TEST

/* Living functions of one decorator have many names, garbage keeps them. */
START_TEST(names_of_functions)
{
    struct kit *k = kit_create();
    object_id module = kit_module(k, "app");
    static const char *const names[] = {"app.load", "app.save", "app.lost", "app.gone"}, *const variable[] = {
                                                                                             "me"};
    for (int i = 0; i < 4; i++) {
        object_id itself = kit_count(k) + 1; /* the next object is the function */
        object_id function = kit_closure(k, names[i], 1, variable, &itself, false);
        ck_assert_uint_eq(function, itself);
        if (i < 2)
            kit_global(k, module, names[i] + 4, function);
    }
    open_view(k);
    struct cycles cycles = find();
    ck_assert_uint_eq(cycles.row_count, 4);
    ck_assert_uint_eq(cycles.unreached, 2);
    ck_assert_uint_eq(cycles.group_count, 3);
    const struct cycle_group *living = &cycles.groups[2];
    ck_assert_int_eq(cycles.rows[living->first].fate, FATE_REACHED);
    ck_assert_uint_eq(living->count, 2);
    ck_assert_str_eq(living->chain, "function.<closure>.me → itself");
    cycles_free(&cycles);
    close_view();
}
END_TEST

START_TEST(modules_and_classes_are_left_out_unless_garbage)
{
    struct kit *k = kit_create();
    object_id module = kit_module(k, "app"), function = kit_named(k, FAMILY_FUNCTION, "app.run");
    kit_global(k, module, "run", function);
    kit_field(k, function, REFERENCE_GLOBALS, "__globals__", kit_dict_of(k, module));
    object_id class[2];
    for (int i = 0; i < 2; i++) {
        class[i] = kit_named(k, FAMILY_TYPE, i ? "app.Lost" : "app.Kept");
        object_id mro = kit_builtin(k, FAMILY_TUPLE);
        kit_field(k, class[i], REFERENCE_FIELD, "__mro__", mro);
        kit_item(k, mro, class[i]);
    }
    kit_global(k, module, "Kept", class[0]);
    open_view(k);
    struct cycles cycles = find();
    ck_assert_uint_eq(cycles.row_count, 1);
    ck_assert_str_eq(cycles.groups[0].chain, "app.Lost.__mro__ → tuple[0] → back");
    cycles_free(&cycles);
    struct cycles_options all = {.all_edges = true};
    ck_assert_ok(cycles_find(&cycles, view, &all, &err), &err);
    ck_assert_uint_eq(cycles.row_count, 3);
    cycles_free(&cycles);
    close_view();
}
END_TEST

static object_id class_with(struct kit *k, const char *name, object_id del, object_id base)
{
    object_id class = kit_named(k, FAMILY_TYPE, name), mro = kit_builtin(k, FAMILY_TUPLE),
              dict = kit_builtin(k, FAMILY_DICT);
    kit_field(k, class, REFERENCE_NAMESPACE, "__dict__", dict);
    kit_field(k, class, REFERENCE_FIELD, "__mro__", mro);
    kit_item(k, mro, class);
    if (base)
        kit_item(k, mro, base);
    if (del)
        kit_pair(k, dict, kit_str(k, "__del__"), del);
    return class;
}

START_TEST(whose_finalizer_it_is)
{
    struct kit *k = kit_create();
    type_id wrapper = kit_type(k, "wrapper_descriptor", "builtins", FAMILY_DESCRIPTOR);
    object_id slot = kit_object(k, wrapper), function = kit_named(k, FAMILY_FUNCTION, "app.Closing.__del__");
    object_id nameless = class_with(k, "app.Nameless", 0, 0);
    kit_pair(k, kit_dict_of(k, nameless), kit_builtin(k, FAMILY_STR), slot);
    object_id io = class_with(k, "_io._IOBase", slot, 0),
              closing = class_with(k, "app.Closing", function, io), file = class_with(k, "app.File", 0, io),
              old = class_with(k, "app.Old", 0, 0), heir = class_with(k, "app.Heir", 0, closing);
    struct {
        const char *name;
        object_id class;
        enum finalizer wanted;
        type_id type;
    } types[] = {{"_io._IOBase", io, FINALIZER_BUILTIN, 0},    {"app.Closing", closing, FINALIZER_DEL, 0},
                 {"app.File", file, FINALIZER_BUILTIN, 0},     {"app.Old", old, FINALIZER_LEGACY, 0},
                 {"app.Heir", heir, FINALIZER_DEL, 0},         {"app.Classless", 0, FINALIZER_DEL, 0},
                 {"app.Nameless", nameless, FINALIZER_DEL, 0}, {"app.Plain", closing, FINALIZER_NONE, 0}};
    enum { TYPES = sizeof types / sizeof types[0] };
    for (int i = 0; i < TYPES; i++) {
        types[i].type = kit_type(k, types[i].name, "app", FAMILY_OTHER);
        if (types[i].class)
            kit_type_object(k, types[i].type, types[i].class);
    }
    open_view(k);
    for (int i = 0; i < TYPES; i++)
        if (types[i].wanted != FINALIZER_NONE)
            heap->types[types[i].type].flags |= TYPE_FINALIZER;
    uint8_t *finalizers = finalizers_of_types(view, &err);
    ck_assert_ok(finalizers, &err);
    for (int i = 0; i < TYPES; i++)
        ck_assert_int_eq(finalizers[types[i].type], types[i].wanted);
    free(finalizers);
    close_view();
}
END_TEST

/* What several heads lead to is counted with the nearest, and C comes before garbage. */
START_TEST(heads_share_what_they_hold)
{
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER);
    object_id ring = kit_object(k, node), leak = kit_object(k, node), between = kit_object(k, node),
              shared = kit_object(k, node), dying = kit_object(k, node);
    kit_field(k, ring, REFERENCE_SLOT, "me", ring);
    kit_field(k, ring, REFERENCE_SLOT, "shared", shared);
    kit_field(k, leak, REFERENCE_SLOT, "between", between);
    kit_field(k, between, REFERENCE_SLOT, "shared", shared);
    counted(k, shared, 2);
    counted(k, leak, 3);
    counted(k, dying, 0);
    open_view(k);
    struct unreachable answer;
    ck_assert_ok(unreachable_find(&answer, view, UINT64_MAX, &err), &err);
    ck_assert_uint_eq(answer.all.objects, 5);
    ck_assert_uint_eq(answer.head_count, 3);
    ck_assert_int_eq(answer.heads[0].why, UNREACHABLE_CYCLE);
    ck_assert_uint_eq(answer.heads[0].object, ring);
    ck_assert_uint_eq(answer.heads[0].holds.objects, 1);
    ck_assert_int_eq(answer.heads[1].why, UNREACHABLE_DYING);
    ck_assert_int_eq(answer.heads[2].why, UNREACHABLE_FROM_C);
    ck_assert_uint_eq(answer.heads[2].unexplained, 3);
    ck_assert_uint_eq(answer.heads[2].holds.objects, 3);
    ck_assert_str_eq(answer.groups[0].chain, "app.Node.me → itself");
    unreachable_free(&answer);
    close_view();
}
END_TEST

START_TEST(a_million_cycles_and_a_cycle_of_a_million)
{
    enum { MILLION = 1000000 };
    struct kit *k = kit_create();
    type_id node = kit_type(k, "app.Node", "app", FAMILY_OTHER);
    object_id first = kit_object(k, node), last = first;
    for (int i = 1; i < MILLION; i++, last++)
        kit_field(k, last, REFERENCE_SLOT, "next", kit_object(k, node));
    kit_field(k, last, REFERENCE_SLOT, "next", first);
    for (int i = 0; i < MILLION / 4; i++) {
        object_id list = kit_builtin(k, FAMILY_LIST);
        kit_item(k, list, list);
    }
    open_view(k);
    struct cycles cycles = find();
    ck_assert_uint_eq(cycles.row_count, MILLION / 4 + 1);
    ck_assert_uint_eq(cycles.group_count, 2);
    ck_assert_str_eq(cycles.groups[0].chain, "app.Node.next ×1 000 000 → back");
    ck_assert_str_eq(cycles.groups[1].chain, "list[0] → itself");
    cycles_free(&cycles);
    struct unreachable answer;
    ck_assert_ok(unreachable_find(&answer, view, UINT64_MAX, &err), &err);
    ck_assert_uint_eq(answer.head_count, MILLION / 4 + 1);
    ck_assert_uint_eq(answer.all.objects, MILLION + MILLION / 4);
    unreachable_free(&answer);
    close_view();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cycles");
    TCase *tc = tcase_create("all");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, own_dicts_are_parts_and_chains_begin_with_instances);
    tcase_add_test(tc, alike_cycles_are_one_group);
    tcase_add_test(tc, names_of_functions);
    tcase_add_test(tc, modules_and_classes_are_left_out_unless_garbage);
    tcase_add_test(tc, whose_finalizer_it_is);
    tcase_add_test(tc, heads_share_what_they_hold);
    tcase_add_test(tc, a_million_cycles_and_a_cycle_of_a_million);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
