/* heldby cycles: reference cycles, what is garbage among them, what would run when they go. */
#include <stdlib.h>

#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/cycles.h"
#include "lib/query/spelling.h"

/* Blocks of native memory alone wait for no collector. */
static bool is_leaked(const struct cycle_row *row)
{
    return row->fate == FATE_GARBAGE && row->marks.blocks && !row->marks.objects;
}

static const char *fate_word(const struct cycle_row *row)
{
    static const char *const words[] = {[FATE_REACHED] = "reachable",
                                        [FATE_SAVED] = "gc.garbage",
                                        [FATE_HELD_FROM_C] = "held from C",
                                        [FATE_GARBAGE] = "garbage"};
    return is_leaked(row) ? "leaked" : words[row->fate];
}

static const char *fate_key(const struct cycle_row *row)
{
    static const char *const words[] = {[FATE_REACHED] = "reached",
                                        [FATE_SAVED] = "saved",
                                        [FATE_HELD_FROM_C] = "held_from_c",
                                        [FATE_GARBAGE] = "garbage"};
    return is_leaked(row) ? "leaked" : words[row->fate];
}

static const char *type_name(const struct heap *heap, type_id type)
{
    return type ? heap_string(heap, heap->types[type].name, NULL) : NULL;
}

static bool is_uncollectable(const struct cycle_row *row)
{
    return row->listed || row->fate == FATE_SAVED ||
           (row->fate != FATE_REACHED && cycle_marks_uncollectable(&row->marks));
}

/* ---- JSON ---- */

static bool json_steps(struct json *j, struct cycles *cycles, const struct cycle_row *row, uint64_t limit,
                       struct error *err)
{
    const struct heap *heap = cycles->reader.heap;
    size_t count;
    struct cycle_step *steps = cycles_chain(cycles, row, &count, err);
    struct text_buffer text = {0};
    if (!steps)
        return false;
    cycle_chain_text(&cycles->reader, steps, count, CYCLE_EXACT, &text);
    json_text(j, "chain", text_buffer_text(&text));
    json_u64(j, "length", count);
    json_begin_array(j, "steps");
    for (size_t i = 0; i < count && i < limit; i++) {
        const struct hold *hold = &steps[i].hold;
        json_begin_object(j, NULL);
        json_address(j, "address", heap->address[hold->holder]);
        json_text(j, "type", heap_type_name(heap, hold->holder));
        json_text(j, "kind", spelling_kind(hold->kind));
        text_buffer_clear(&text);
        spelling_name(cycles->reader.view, hold, &text);
        json_text_n(j, "name", text_buffer_text(&text), text.length);
        json_end_object(j);
    }
    json_end_array(j);
    text_buffer_free(&text);
    free(steps);
    return true;
}

static bool json_row(struct json *j, struct cycles *cycles, const struct cycle_row *row, uint64_t limit,
                     struct error *err)
{
    const struct heap *heap = cycles->reader.heap;
    size_t type_count, member_count;
    struct cycle_type *types = cycles_types(cycles, row, &type_count, err);
    object_id *members = types ? cycles_members(cycles, row, &member_count, err) : NULL;
    bool ok = members != NULL;
    if (ok) {
        json_begin_object(j, NULL);
        json_u64(j, "size", row->size);
        json_u64(j, "bytes", row->bytes);
        json_bool(j, "reachable", row->fate == FATE_REACHED);
        json_text(j, "fate", fate_key(row));
        json_bool(j, "finalizer", row->marks.finalizer != 0);
        json_text(j, "finalizer_type", type_name(heap, row->marks.finalizer));
        json_bool(j, "builtin_finalizer", row->marks.builtin_finalizer);
        json_bool(j, "uncollectable", is_uncollectable(row));
        json_bool(j, "in_gc_garbage", row->listed);
        json_text(j, "unseen_type", type_name(heap, row->marks.unseen));
        json_bool(j, "frozen", row->marks.frozen);
        json_u64(j, "group", row->group);
        json_begin_array(j, "types");
        for (size_t i = 0; i < type_count; i++)
            json_text(j, NULL, types[i].name);
        json_end_array(j);
        json_begin_array(j, "type_counts");
        for (size_t i = 0; i < type_count; i++)
            json_u64(j, NULL, types[i].count);
        json_end_array(j);
        json_begin_array(j, "members");
        for (size_t i = 0; i < member_count && i < limit; i++)
            json_address(j, NULL, heap->address[members[i]]);
        json_end_array(j);
        ok = json_steps(j, cycles, row, limit, err);
        json_end_object(j);
    }
    free(types);
    free(members);
    return ok;
}

static bool json_cycles(struct output *out, struct cycles *cycles, struct error *err)
{
    struct json *j = &out->json;
    json_u64(j, "objects", cycles->objects);
    json_u64(j, "bytes", cycles->bytes);
    json_u64(j, "unreachable", cycles->unreached);
    json_u64(j, "rows_total", cycles->row_count);
    json_begin_array(j, "rows");
    bool ok = true;
    for (size_t i = 0; ok && i < cycles->row_count && i < out->limit; i++)
        ok = json_row(j, cycles, &cycles->rows[i], out->limit, err);
    json_end_array(j);
    json_u64(j, "groups_total", cycles->group_count);
    json_begin_array(j, "groups");
    for (size_t g = 0; g < cycles->group_count && g < out->limit; g++) {
        const struct cycle_group *group = &cycles->groups[g];
        json_begin_object(j, NULL);
        json_u64(j, "count", group->count);
        json_u64(j, "objects", group->objects);
        json_u64(j, "bytes", group->bytes);
        json_text(j, "chain", group->chain);
        json_address(j, "example", cycles->rows[group->first].address);
        json_end_object(j);
    }
    json_end_array(j);
    return ok;
}

/* ---- text ---- */

static void print_sum(struct output *out, const struct cycles *cycles)
{
    char a[40], b[40], c[40];
    output_print(out, "%s reference %s, %s %s, %s", text_count(cycles->row_count, a, sizeof a),
                 cycles->row_count == 1 ? "cycle" : "cycles", text_count(cycles->objects, b, sizeof b),
                 cycles->objects == 1 ? "object" : "objects", text_bytes(cycles->bytes, c, sizeof c));
    if (cycles->unreached == 0)
        output_print(out, "; roots reach all of them\n\n");
    else if (cycles->unreached == cycles->row_count)
        output_print(out, "; no root reaches %s\n\n", cycles->row_count == 1 ? "it" : "any of them");
    else
        output_print(out, "; no root reaches %s of them\n\n", text_count(cycles->unreached, a, sizeof a));
}

/* "garbage, __del__": what is to be known of a cycle before its chain. */
static void write_state(const struct cycle_row *row, char *out, size_t size)
{
    const struct cycle_marks *marks = &row->marks;
    snprintf(out, size, "%s%s%s%s", fate_word(row),
             marks->legacy      ? ", tp_del"
             : marks->finalizer ? ", __del__"
                                : "",
             is_uncollectable(row) ? ", uncollectable" : "",
             marks->frozen && row->fate != FATE_REACHED ? ", frozen" : "");
}

static void print_groups(struct output *out, const struct cycles *cycles)
{
    static const struct column columns[] = {
        {NULL, "cycles", CELL_COUNT, STYLE_PLAIN},  {NULL, "objects", CELL_COUNT, STYLE_PLAIN},
        {NULL, "size", CELL_BYTES, STYLE_PLAIN},    {NULL, "state", CELL_TEXT, STYLE_PLAIN},
        {NULL, "example", CELL_ADDRESS, STYLE_DIM}, {NULL, "cycle", CELL_TEXT, STYLE_NAME}};
    struct table table;
    table_begin(&table, out, NULL, columns, 6);
    for (size_t g = 0; g < cycles->group_count && g < out->limit; g++) {
        const struct cycle_group *group = &cycles->groups[g];
        const struct cycle_row *row = &cycles->rows[group->first];
        char state[80];
        write_state(row, state, sizeof state);
        table_u64(&table, group->count);
        table_u64(&table, group->objects);
        table_u64(&table, group->bytes);
        table_text(&table, state);
        table_u64(&table, row->address);
        table_text(&table, group->chain);
    }
    table_end(&table);
    output_more(out, out->limit, cycles->group_count);
}

/* What the words of the states mean, for those that are there. */
static void print_legend(struct output *out, const struct cycles *cycles)
{
    bool fate[FATE_GARBAGE + 1] = {false}, legacy = false, finalizer = false, frozen = false, leaked = false;
    type_id unseen = 0;
    for (size_t i = 0; i < cycles->row_count; i++) {
        const struct cycle_row *row = &cycles->rows[i];
        bool reached = row->fate == FATE_REACHED;
        if (is_leaked(row))
            leaked = true;
        else
            fate[row->fate] = true;
        legacy = legacy || row->marks.legacy;
        finalizer = finalizer || (row->marks.finalizer && !row->marks.legacy);
        unseen = reached || unseen ? unseen : row->marks.unseen;
        frozen = frozen || (row->marks.frozen && !reached);
    }
    if (cycles->unreached || legacy || finalizer)
        output_print(out, "\n");
    if (fate[FATE_SAVED])
        output_print(
            out,
            "gc.garbage     only that list holds it: the collector could not free it, or was told not to\n");
    if (fate[FATE_GARBAGE])
        output_print(
            out,
            "garbage        nothing else refers to it; it waits for the collector (gc.collect() frees it)\n");
    if (leaked)
        output_print(out, "leaked         blocks of native memory that no word in use leads to\n");
    if (fate[FATE_HELD_FROM_C])
        output_print(
            out,
            "held from C    no root leads to it, but C code has a reference to it or to what holds it\n");
    if (finalizer)
        output_print(out, "__del__        a finalizer in Python: it runs when the cycle is freed\n");
    if (legacy)
        output_print(out, "tp_del         a finalizer of the old kind: uncollectable, the collector puts it "
                          "into gc.garbage\n");
    if (unseen) {
        output_print(out, "uncollectable  the collector does not know objects of type ");
        output_text(out, STYLE_TYPE, type_name(cycles->reader.heap, unseen), SIZE_MAX);
        output_print(out, " and never finds it\n");
    }
    if (frozen)
        output_print(out, "frozen         gc.freeze() hides it from the collector until gc.unfreeze()\n");
}

static bool not_found(const struct cycles *cycles, const struct cycles_options *options, struct error *err)
{
    const char *where = options->unreached ? "among the objects that no root reaches" : "in it";
    if (options->type && cycles->in_snapshot)
        return error_set(err, ERROR_NOT_FOUND, "none of %u reference cycles %s has an object of type %s",
                         (unsigned)cycles->in_snapshot, where, options->type);
    if (options->min_size > 1 && cycles->in_snapshot)
        return error_set(err, ERROR_NOT_FOUND, "none of %u reference cycles %s has %llu objects",
                         (unsigned)cycles->in_snapshot, where, (unsigned long long)options->min_size);
    return error_set(err, ERROR_NOT_FOUND, "there is no reference cycle %s", where);
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    struct cycles_options options = {.unreached = option_given(in, "unreachable"),
                                     .all_edges = option_given(in, "all-edges"),
                                     .type = option_text(in, "type", NULL),
                                     .min_size = option_number(in, "min-size", 0)};
    struct cycles cycles;
    if (!cycles_find(&cycles, opened->view, &options, err))
        return false;
    document_begin_one(out, opened);
    bool done = true, found = cycles.row_count > 0;
    if (out->as_json) {
        done = json_cycles(out, &cycles, err);
    } else if (found) {
        char address[40];
        print_sum(out, &cycles);
        print_groups(out, &cycles);
        print_legend(out, &cycles);
        output_hint(out, "shows what holds it", "referrers", opened->path,
                    text_address(cycles.rows[cycles.groups[0].first].address, address, sizeof address), NULL);
    }
    document_end(out);
    if (done && !found)
        not_found(&cycles, &options, err);
    cycles_free(&cycles);
    return done && found;
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_cycles(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
