/* heldby unreachable: what no root reaches, by what it begins with and by type. */
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/text.h"
#include "lib/query/spelling.h"
#include "lib/query/unreachable.h"

static const char *const why_keys[UNREACHABLE_WHYS] = {"leaked", "cycle", "dying", "held_from_c", "noise"};

/* ---- JSON ---- */

static void json_sum(struct json *j, const char *key, const struct unreachable_sum *sum)
{
    json_begin_object(j, key);
    json_u64(j, "objects", sum->objects);
    json_u64(j, "bytes", sum->bytes);
    json_end_object(j);
}

static void json_groups(struct json *j, const struct unreachable *answer, uint64_t limit)
{
    json_u64(j, "groups_total", answer->group_count);
    json_begin_array(j, "groups");
    for (size_t g = 0; g < answer->group_count && g < limit; g++) {
        const struct unreachable_group *group = &answer->groups[g];
        json_begin_object(j, NULL);
        json_text(j, "type", group->type);
        json_u64(j, "count", group->count);
        json_u64(j, "objects", group->holds.objects);
        json_u64(j, "bytes", group->holds.bytes);
        json_text(j, "why", why_keys[group->why]);
        json_text(j, "noise", group->noise ? noise_name(group->noise) : NULL);
        json_u64(j, "unexplained", group->unexplained);
        json_text(j, "chain", *group->chain ? group->chain : NULL);
        json_bool(j, "finalizer", answer->heads[group->first].marks.finalizer != 0);
        json_bool(j, "uncollectable", cycle_marks_uncollectable(&answer->heads[group->first].marks));
        json_bool(j, "frozen", answer->heads[group->first].marks.frozen);
        json_address(j, "example", answer->heads[group->first].address);
        json_end_object(j);
    }
    json_end_array(j);
}

static void json_answer(struct json *j, const struct unreachable *answer, uint64_t limit)
{
    json_u64(j, "objects", answer->all.objects);
    json_u64(j, "bytes", answer->all.bytes);
    json_sum(j, "heap", &answer->heap);
    for (int why = answer->has_blocks ? 0 : UNREACHABLE_LEAKED + 1; why < UNREACHABLE_WHYS; why++)
        json_sum(j, why_keys[why], &answer->by_why[why]);
    json_sum(j, "stuck", &answer->stuck);
    json_sum(j, "gc_garbage", &answer->saved);
    json_u64(j, "rows_total", answer->row_count);
    json_begin_array(j, "rows");
    for (size_t i = 0; i < answer->row_count && i < limit; i++) {
        json_begin_object(j, NULL);
        json_text(j, "type", answer->rows[i].type);
        if (answer->rows[i].native)
            json_text(j, "label", spelling_label(answer->rows[i].label));
        json_u64(j, "count", answer->rows[i].count);
        json_u64(j, "shallow", answer->rows[i].shallow);
        json_end_object(j);
    }
    json_end_array(j);
    json_u64(j, "heads_total", answer->head_count);
    json_begin_array(j, "heads");
    for (size_t h = 0; h < answer->head_count && h < limit; h++)
        json_address(j, NULL, answer->heads[h].address);
    json_end_array(j);
    json_groups(j, answer, limit);
}

/* ---- text ---- */

static void print_part(struct output *out, const struct unreachable_sum *sum, const char *doubt,
                       const char *what)
{
    char a[40], b[40];
    if (sum->objects)
        output_print(out, "  %s %s, %s: %s%s%s\n", text_count(sum->objects, a, sizeof a),
                     sum->objects == 1 ? "object" : "objects", text_bytes(sum->bytes, b, sizeof b), what,
                     *doubt ? "; or held from " : "", doubt);
}

static void print_noise(struct output *out, const struct unreachable *answer, bool all)
{
    char a[40], b[40];
    const struct unreachable_sum *sum = &answer->by_why[UNREACHABLE_NOISE];
    if (!sum->objects)
        return;
    output_print(out, "  %s %s, %s: held by CPython itself, as in any process (",
                 text_count(sum->objects, a, sizeof a), sum->objects == 1 ? "object" : "objects",
                 text_bytes(sum->bytes, b, sizeof b));
    bool first = true;
    for (int noise = 1; noise < NOISE_KINDS; noise++) {
        if (!answer->noise[noise].objects)
            continue;
        output_print(out, "%s%s %s", first ? "" : ", ", noise_name((enum noise)noise),
                     text_count(answer->noise[noise].objects, a, sizeof a));
        first = false;
    }
    output_print(out, all ? ")\n" : "; --all lists them)\n");
}

static void print_sums(struct output *out, const struct unreachable *answer, bool all)
{
    char a[40], b[40];
    output_print(out, "%s %s, %s, %.1f %% of the heap, %s reached by no root\n",
                 text_count(answer->all.objects, a, sizeof a),
                 answer->all.objects == 1 ? "object" : "objects", text_bytes(answer->all.bytes, b, sizeof b),
                 answer->heap.bytes ? 100.0 * (double)answer->all.bytes / (double)answer->heap.bytes : 0.0,
                 answer->all.objects == 1 ? "is" : "are");
    print_part(out, &answer->by_why[UNREACHABLE_LEAKED], answer->doubt,
               *answer->doubt ? "leaked: no word of the memory that was searched leads there"
                              : "leaked: no word of the process's memory leads there");
    print_part(out, &answer->by_why[UNREACHABLE_CYCLE], answer->doubt,
               "garbage in cycles and what hangs on them, waiting for the collector");
    if (answer->stuck.objects)
        output_print(
            out,
            "    %s of them, %s, in cycles the collector will not free by itself (uncollectable, frozen)\n",
            text_count(answer->stuck.objects, a, sizeof a), text_bytes(answer->stuck.bytes, b, sizeof b));
    print_part(out, &answer->by_why[UNREACHABLE_DYING], answer->doubt,
               "referred to by nothing: being freed when the snapshot was taken");
    print_part(out, &answer->by_why[UNREACHABLE_FROM_C], answer->doubt,
               "held from C: by an extension module, or leaked by one ('heldby refcheck')");
    print_noise(out, answer, all);
    if (answer->saved.objects)
        output_print(out, "Besides, %s %s, %s, %s held by the list gc.garbage alone: see 'heldby cycles'.\n",
                     text_count(answer->saved.objects, a, sizeof a),
                     answer->saved.objects == 1 ? "object" : "objects",
                     text_bytes(answer->saved.bytes, b, sizeof b), answer->saved.objects == 1 ? "is" : "are");
}

static void write_why(const struct unreachable *answer, const struct unreachable_group *group, char *to,
                      size_t size)
{
    const struct cycle_marks *marks = &answer->heads[group->first].marks;
    switch (group->why) {
    case UNREACHABLE_LEAKED:
        snprintf(to, size, "leaked%s%s", *group->chain ? " cycle" : "", *answer->doubt ? "?" : "");
        return;
    case UNREACHABLE_CYCLE:
        snprintf(to, size, "garbage cycle%s%s%s",
                 marks->legacy      ? ", tp_del"
                 : marks->finalizer ? ", __del__"
                                    : "",
                 cycle_marks_uncollectable(marks) ? ", uncollectable" : "", marks->frozen ? ", frozen" : "");
        return;
    case UNREACHABLE_DYING:
        snprintf(to, size, "being freed");
        return;
    case UNREACHABLE_FROM_C:
    case UNREACHABLE_NOISE:
    case UNREACHABLE_WHYS:
        break;
    }
    int at = snprintf(to, size, "held from C");
    if (group->unexplained)
        at += snprintf(to + at, size - (size_t)at, " ×%llu", (unsigned long long)group->unexplained);
    if (group->noise)
        snprintf(to + at, size - (size_t)at, " (%s)", noise_name(group->noise));
}

/* The heads that say something about the program; all of them if `all`. */
static void print_groups(struct output *out, struct view *view, const struct unreachable *answer, bool all)
{
    static const struct column columns[] = {
        {NULL, "heads", CELL_COUNT, STYLE_PLAIN}, {NULL, "objects", CELL_COUNT, STYLE_PLAIN},
        {NULL, "size", CELL_BYTES, STYLE_PLAIN},  {NULL, "why", CELL_TEXT, STYLE_PLAIN},
        {NULL, "type", CELL_TEXT, STYLE_TYPE},    {NULL, "example", CELL_ADDRESS, STYLE_DIM},
        {NULL, "value", CELL_TEXT, STYLE_NAME}};
    size_t count = answer->group_count;
    while (!all && count && answer->groups[count - 1].why == UNREACHABLE_NOISE)
        count--;
    if (!count)
        return;
    output_print(out, "\nwhat it begins with\n");
    struct text_buffer value = {0};
    struct table table;
    table_begin(&table, out, NULL, columns, 7);
    for (size_t g = 0; g < count && g < out->limit; g++) {
        const struct unreachable_group *group = &answer->groups[g];
        const struct unreachable_head *head = &answer->heads[group->first];
        char why[80];
        write_why(answer, group, why, sizeof why);
        text_buffer_clear(&value);
        if (*group->chain)
            text_buffer_add(&value, group->chain);
        else
            spelling_preview(view, head->object, &value);
        table_u64(&table, group->count);
        table_u64(&table, group->holds.objects);
        table_u64(&table, group->holds.bytes);
        table_text(&table, why);
        table_text(&table, group->type);
        table_u64(&table, head->address);
        table_text_n(&table, text_buffer_text(&value), value.length);
    }
    table_end(&table);
    text_buffer_free(&value);
    output_more(out, out->limit, count);
}

static void print_types(struct output *out, const struct unreachable *answer)
{
    static const struct column columns[] = {{NULL, "count", CELL_COUNT, STYLE_PLAIN},
                                            {NULL, "size", CELL_BYTES, STYLE_PLAIN},
                                            {NULL, "type", CELL_TEXT, STYLE_TYPE}};
    struct table table;
    output_print(out, "\nby type\n");
    table_begin(&table, out, NULL, columns, 3);
    for (size_t i = 0; i < answer->row_count && i < out->limit; i++) {
        table_u64(&table, answer->rows[i].count);
        table_u64(&table, answer->rows[i].shallow);
        table_text(&table, answer->rows[i].type);
    }
    table_end(&table);
    output_more(out, out->limit, answer->row_count);
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    struct unreachable unreachable;
    if (!unreachable_find(&unreachable, opened->view, out->limit, err))
        return false;
    char warning[160] = "";
    if (*unreachable.doubt && unreachable.all.objects)
        snprintf(warning, sizeof warning, "what no root reaches may be held from %s", unreachable.doubt);
    if (!document_begin_besides(out, opened, warning, err)) {
        unreachable_free(&unreachable);
        return false;
    }
    uint64_t objects = unreachable.all.objects, all = unreachable.heap.objects,
             saved = unreachable.saved.objects;
    if (out->as_json) {
        json_answer(&out->json, &unreachable, out->limit);
    } else if (objects) {
        char address[40];
        print_sums(out, &unreachable, option_given(in, "all"));
        print_groups(out, opened->view, &unreachable, option_given(in, "all"));
        print_types(out, &unreachable);
        if (unreachable.head_count)
            output_hint(
                out, "shows what it holds", "referents", opened->path,
                text_address(unreachable.heads[unreachable.groups[0].first].address, address, sizeof address),
                NULL);
    }
    document_end(out);
    unreachable_free(&unreachable);
    if (objects)
        return true;
    if (saved)
        return error_set(
            err, ERROR_NOT_FOUND,
            "roots reach all %llu objects, %llu of them only through gc.garbage ('heldby cycles')",
            (unsigned long long)all, (unsigned long long)saved);
    return error_set(err, ERROR_NOT_FOUND, "roots reach all %llu objects", (unsigned long long)all);
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_unreachable(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
