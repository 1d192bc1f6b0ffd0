/* heldby info: what was captured, when, of what, and how much of it is there. */
#include <inttypes.h>
#include <string.h>

#include "cmd/heldby/core_facts.h"
#include "cmd/heldby/facts.h"
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/size_notes.h"
#include "cmd/heldby/text.h"
#include "lib/query/info.h"

static void label(struct output *out, const char *text)
{
    fprintf(out->to, "%s%-12s%s", output_style(out, STYLE_DIM), text,
            out->colored ? output_style(out, STYLE_PLAIN) : "");
}

/* Read from a core, or copied without a hook. */
static bool is_outside(const struct heap *heap)
{
    return heap_is_of_core(heap) || heap_is_live_copy(heap);
}

/* The command line, and the program itself if that does not begin with it. */
static void print_command(struct output *out, const struct heap *heap)
{
    const struct heap_fact *command = heap_fact(heap, "command");
    const char *executable = fact_text(heap, "executable");
    if (!command || command->type != HEAP_FACT_LIST || !command->length) {
        output_text(out, STYLE_STRONG, executable ? executable : "unknown", SIZE_MAX);
        fputc('\n', out->to);
        return;
    }
    for (uint32_t at = 0; at < command->length; at += (uint32_t)strlen(command->text + at) + 1) {
        fputs(at ? " " : "", out->to);
        output_text(out, STYLE_STRONG, command->text + at, SIZE_MAX);
    }
    fputc('\n', out->to);
    if (is_outside(heap) && executable && strncmp(command->text, executable, strlen(executable)) != 0) {
        label(out, "");
        output_text(out, STYLE_PLAIN, executable, SIZE_MAX);
        fputc('\n', out->to);
    }
}

static void print_process(struct output *out, const struct heap *heap)
{
    const char *directory = fact_text(heap, "directory");
    const char *user = fact_text(heap, "user"), *host = fact_text(heap, "host");
    uint64_t pid;
    double started, captured;
    char text[64];
    label(out, "process");
    print_command(out, heap);
    if (fact_u64(heap, "pid", &pid)) {
        label(out, "");
        fprintf(out->to, "pid %" PRIu64, pid);
        uint64_t uid;
        if (user) {
            fputs(" of ", out->to);
            output_text(out, STYLE_PLAIN, user, SIZE_MAX);
        } else if (fact_u64(heap, "uid", &uid)) {
            fprintf(out->to, " of user %" PRIu64, uid);
        }
        if (host) {
            fputs(" on ", out->to);
            output_text(out, STYLE_PLAIN, host, SIZE_MAX);
        }
        if (directory) {
            fputs(", in ", out->to);
            output_text(out, STYLE_PLAIN, directory, SIZE_MAX);
        }
        fputc('\n', out->to);
    }
    if (fact_f64(heap, "start_time", &started) && started > 0) {
        label(out, "");
        fprintf(out->to, "started %s", text_time(started, true, text, sizeof text));
        if (fact_f64(heap, "capture_time", &captured) && captured > started)
            fprintf(out->to, ", up %s", text_span((uint64_t)(captured - started), text, sizeof text));
        fputc('\n', out->to);
    }
}

static void print_core(struct output *out, const struct heap *heap, const char *limits)
{
    uint64_t size, values;
    char text[40];
    label(out, "core");
    if (fact_u64(heap, "core.size", &size))
        fprintf(out->to, "%s", text_bytes(size, text, sizeof text));
    if (fact_u64(heap, "values", &values) && values == 0)
        fputs("; without values", out->to);
    if (limits) {
        fputs("; note: ", out->to);
        output_text(out, STYLE_PLAIN, limits, SIZE_MAX);
    }
    fputc('\n', out->to);
}

static void print_capture(struct output *out, const struct heap *heap)
{
    const char *runtime = fact_text(heap, "runtime"), *version = fact_text(heap, "runtime_version");
    const char *trigger = fact_text(heap, "trigger"), *mode = fact_text(heap, "mode"),
               *limits = fact_text(heap, "limits");
    double seconds;
    uint64_t flag;
    char text[64];
    const char *allocator = fact_text(heap, "native.allocator");
    label(out, "runtime");
    if (runtime || !allocator) {
        output_text(out, STYLE_PLAIN,
                    runtime && strcmp(runtime, "cpython") == 0 ? "CPython"
                    : runtime                                  ? runtime
                    : is_outside(heap)                         ? "no Python and no malloc that is known"
                                                               : "unknown",
                    SIZE_MAX);
        if (version) {
            fputc(' ', out->to);
            output_text(out, STYLE_PLAIN, version, version_length(version));
        }
    }
    if (allocator) {
        fputs(runtime ? ", malloc of " : "no Python; malloc of ", out->to);
        output_text(out, STYLE_PLAIN, allocator, SIZE_MAX);
    }
    fputc('\n', out->to);
    if (heap_is_of_core(heap)) {
        print_core(out, heap, limits);
        return;
    }
    label(out, "captured");
    if (fact_f64(heap, "capture_time", &seconds))
        fprintf(out->to, "%s", text_time(seconds, true, text, sizeof text));
    if (trigger) {
        fputs(" by ", out->to);
        output_text(out, STYLE_PLAIN, trigger, SIZE_MAX);
    }
    if (fact_f64(heap, "pause_seconds", &seconds))
        fprintf(out->to, "; the program paused %s", text_seconds(seconds, text, sizeof text));
    if (fact_f64(heap, "walk_seconds", &seconds))
        fprintf(out->to, ", writing took %s", text_seconds(seconds, text, sizeof text));
    fputc('\n', out->to);
    bool in_process = mode && strcmp(mode, "in_process") == 0;
    bool without_gil = fact_u64(heap, "without_gil", &flag) && flag;
    bool collecting = fact_u64(heap, "gc.collecting", &flag) && flag;
    bool without_values = fact_u64(heap, "values", &flag) && flag == 0;
    bool outside = mode && strcmp(mode, "outside") == 0;
    if (in_process || outside || without_gil || collecting || without_values || limits) {
        label(out, "");
        const char *between = "";
        const struct {
            bool holds;
            const char *text;
        } remarks[] = {{outside, "copied from outside, without a hook"},
                       {in_process, "in the process itself (fork was refused)"},
                       {without_gil, "without the GIL: objects may have changed meanwhile"},
                       {collecting, "while the garbage collector ran"},
                       {without_values, "without values"}};
        for (size_t i = 0; i < sizeof remarks / sizeof remarks[0]; i++) {
            if (remarks[i].holds) {
                fprintf(out->to, "%s%s", between, remarks[i].text);
                between = "; ";
            }
        }
        if (limits) {
            fprintf(out->to, "%snote: ", between);
            output_text(out, STYLE_PLAIN, limits, SIZE_MAX);
        }
        fputc('\n', out->to);
    }
}

static void print_counts(struct output *out, const struct heap *heap, const struct info *info)
{
    char a[40], b[40], c[40], d[40];
    uint64_t rss;
    fprintf(out->to, "%s objects, %s references, %s types, %s roots\n",
            text_count(info->objects, a, sizeof a), text_count(info->edges, b, sizeof b),
            text_count(info->types, c, sizeof c), text_count(info->roots, d, sizeof d));
    label(out, "");
    fprintf(out->to, "%s in objects", text_bytes(info->shallow, a, sizeof a));
    if (info->shallow && fact_u64(heap, "rss", &rss) && rss)
        fprintf(out->to, ", %s%.0f %% of the %s resident", info->shallow < rss / 100 ? "under " : "",
                info->shallow < rss / 100 ? 1.0 : 100.0 * (double)info->shallow / (double)rss,
                text_bytes(rss, b, sizeof b));
    fputc('\n', out->to);
}

static void print_figures(struct output *out, const struct heap *heap, const struct info *info)
{
    char a[40], b[40];
    label(out, "heap");
    if (info->objects == 0 && is_outside(heap))
        fputs("not walked\n", out->to);
    else
        print_counts(out, heap, info);
    if (info->unreachable) {
        label(out, "");
        fprintf(out->to, "%s objects (%s) that no root reaches\n", text_count(info->unreachable, a, sizeof a),
                text_bytes(info->unreachable_bytes, b, sizeof b));
    }
    size_notes_print(out, heap);
    label(out, "file");
    if (heap->complete)
        fprintf(out->to, "%scomplete%s", output_style(out, STYLE_GOOD),
                out->colored ? output_style(out, STYLE_PLAIN) : "");
    else
        fprintf(out->to, "%snot complete%s", output_style(out, STYLE_BAD),
                out->colored ? output_style(out, STYLE_PLAIN) : "");
    if (heap->objects_lost || heap->edges_lost)
        fprintf(out->to, ": at least %s objects and %s references are lost",
                text_count(heap->objects_lost, a, sizeof a), text_count(heap->edges_lost, b, sizeof b));
    fputs("\n\n", out->to);
}

static void print_families(struct output *out, const struct info *info)
{
    static const struct column columns[] = {{"shallow", "size", CELL_BYTES, STYLE_PLAIN},
                                            {NULL, "share", CELL_RIGHT, STYLE_PLAIN},
                                            {"count", "objects", CELL_COUNT, STYLE_PLAIN},
                                            {"kind", "kind", CELL_TEXT, STYLE_TYPE}};
    struct table table;
    table_begin(&table, out, "kinds", columns, 4);
    for (size_t i = 0; i < info->family_count && i < out->limit; i++) {
        char share[16];
        const struct info_family *f = &info->families[i];
        double part = info->shallow ? 100.0 * (double)f->shallow / (double)info->shallow : 0;
        snprintf(share, sizeof share, "%.1f %%", part);
        table_u64(&table, f->shallow);
        table_text(&table, share);
        table_u64(&table, f->count);
        table_text(&table, f->name);
    }
    table_end(&table);
    output_more(out, out->limit, info->family_count);
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    (void)in;
    struct info info;
    if (!info_create(&info, opened->view, err))
        return false;
    document_begin_one(out, opened);
    bool outside = is_outside(opened->heap);
    if (out->as_json) {
        if (!info_json(&out->json, opened->heap, &info, err))
            return false;
        size_notes_print(out, opened->heap);
    } else {
        print_process(out, opened->heap);
        if (outside && !core_facts_print_end(out, opened->heap, err))
            return false;
        print_capture(out, opened->heap);
        print_figures(out, opened->heap, &info);
        if (outside)
            core_facts_print(out, opened->heap);
    }
    print_families(out, &info);
    document_end(out);
    return true;
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_info(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
