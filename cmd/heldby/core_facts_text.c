/* The textual half of core_facts.h. */
#include "cmd/heldby/core_facts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/facts.h"
#include "cmd/heldby/text.h"

static void label(struct output *out, const char *text)
{
    fprintf(out->to, "%s%-12s%s", output_style(out, STYLE_DIM), text,
            out->colored ? output_style(out, STYLE_PLAIN) : "");
}

static void print_signal(struct output *out, const struct heap *heap)
{
    uint64_t number = 0, code = 0, address = 0, overflow = 0;
    char text[40];
    bool coded = fact_u64(heap, "signal_code", &code);
    if (!fact_u64(heap, "signal", &number) || number == 0) {
        fprintf(out->to, "no signal is recorded: a copy of a process that went on (gcore)");
        return;
    }
    fprintf(out->to, "killed by %s%s%s", output_style(out, STYLE_BAD),
            signal_name((int)number, text, sizeof text), out->colored ? output_style(out, STYLE_PLAIN) : "");
    if (signal_address(heap, &address))
        fprintf(out->to, " at address 0x%" PRIx64, address);
    const char *why = coded ? signal_code_text((int)number, (int)code) : NULL;
    if (why)
        fprintf(out->to, ": %s", why);
    if (fact_u64(heap, "stack_overflow", &overflow) && overflow) {
        fputc('\n', out->to);
        label(out, "");
        fputs("stack overflow: too deep a recursion, or too large a local variable", out->to);
    }
}

static void print_frame(struct output *out, const struct heap *heap, const struct heap_frame *frame)
{
    const char *function = heap_string(heap, frame->function, NULL),
               *module = heap_string(heap, frame->module, NULL), *file = heap_string(heap, frame->file, NULL);
    output_text(out, STYLE_NAME, *function ? function : "?", SIZE_MAX);
    if (*function && !strchr(function, '('))
        fputs("()", out->to);
    if (*file) {
        fputs(" (", out->to);
        output_text(out, STYLE_PLAIN, file, SIZE_MAX);
        fprintf(out->to, frame->line ? ":%u)" : ")", frame->line);
    } else if (*module) {
        fputs(" in ", out->to);
        output_text(out, STYLE_PLAIN, module, SIZE_MAX);
    }
}

/* Of the thread that died; of each of the first threads of a process that nothing killed. */
enum { FRAMES_SHOWN = 4, FRAMES_OF_EACH = 3, THREADS_SHOWN = 4 };
enum { MOST_UNWOUND = 8192 }; /* formats/elf/unwind.c follows a stack no further */

static bool same_frame(const struct heap_frame *a, const struct heap_frame *b)
{
    return a->function == b->function && a->module == b->module && a->file == b->file && a->line == b->line;
}

/* Calls of one place to itself are one line: recurse() (parse.c:88) ×4 998. */
static void print_frames(struct output *out, const struct heap *heap, const uint32_t *next, uint32_t frame,
                         unsigned most)
{
    uint64_t more = 0;
    char count[40];
    for (unsigned shown = 0; frame; shown++) {
        uint32_t first = frame;
        uint64_t times = 0;
        for (; frame && same_frame(&heap->frames[first], &heap->frames[frame]); frame = next[frame])
            times = (uint64_t)heap->frames[frame].depth - heap->frames[first].depth + 1;
        if (shown >= most && out->limit != UINT64_MAX) {
            more += times;
            continue;
        }
        label(out, "");
        fputs("  ", out->to);
        print_frame(out, heap, &heap->frames[first]);
        if (times > 1)
            fprintf(out->to, " ×%s%s", text_count(times, count, sizeof count),
                    heap->frames[first].depth + times == MOST_UNWOUND ? " or more" : "");
        fputc('\n', out->to);
    }
    if (more)
        fprintf(out->to, "%12s  … %s more\n", "", text_count(more, count, sizeof count));
}

static void print_thread(struct output *out, const struct heap *heap, const struct core_threads *threads,
                         size_t t)
{
    const struct core_thread *thread = &threads->items[t];
    bool framed = thread->native_frame || thread->python_frame;
    label(out, t ? "" : "threads");
    if (t == 0) {
        char count[40];
        uint64_t all = threads->count;
        fact_u64(heap, "threads", &all);
        fprintf(out->to, "%s%s", text_count(all, count, sizeof count), threads->died ? "; " : "\n");
        if (!threads->died)
            label(out, "");
    }
    fprintf(out->to, "thread %" PRIu64, thread->native);
    if (thread->name) {
        fputc(' ', out->to);
        output_text(out, STYLE_PLAIN, heap_string(heap, thread->name, NULL), SIZE_MAX);
    }
    fprintf(out->to, "%s%s\n", t == 0 && threads->died ? " died" : "", framed ? " in" : "");
    unsigned most = threads->died ? FRAMES_SHOWN : FRAMES_OF_EACH;
    print_frames(out, heap, threads->next, thread->python_frame, most);
    print_frames(out, heap, threads->next, thread->native_frame, most);
}

static bool print_threads(struct output *out, const struct heap *heap, struct error *err)
{
    uint64_t all = 0;
    char more[40];
    struct core_threads threads;
    if (!core_threads_init(&threads, heap, err))
        return false;
    if (!fact_u64(heap, "threads", &all) || all == 0 || threads.count == 0) {
        label(out, "threads");
        fputs("not known: the notes with the registers are missing\n", out->to);
    }
    size_t shown = threads.died ? 1 : THREADS_SHOWN; /* how the others are is seldom why one died */
    shown = shown < threads.count && out->limit != UINT64_MAX ? shown : threads.count;
    for (size_t t = 0; t < shown; t++)
        print_thread(out, heap, &threads, t);
    if (shown < threads.count)
        fprintf(out->to, "%12s… %s more thread%s (--limit 0 shows all)\n", "",
                text_count(threads.count - shown, more, sizeof more), threads.count - shown == 1 ? "" : "s");
    core_threads_free(&threads);
    return true;
}

bool core_facts_print_end(struct output *out, const struct heap *heap, struct error *err)
{
    if (heap_is_of_core(heap)) {
        label(out, "end");
        print_signal(out, heap);
        fputc('\n', out->to);
    }
    return print_threads(out, heap, err);
}

/* ---- memory ---- */

struct memory_row_value {
    const struct memory_row *row;
    uint64_t bytes;
};

static int largest_first(const void *a, const void *b)
{
    const struct memory_row_value *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes > y->bytes ? -1 : 1;
    return x->row < y->row ? -1 : 1;
}

static void print_memory(struct output *out, const struct heap *heap)
{
    struct memory_row_value values[MEMORY_ROWS];
    size_t count = 0;
    uint64_t all = 0, rss = 0;
    for (size_t i = 0; i < MEMORY_ROWS; i++) {
        uint64_t bytes;
        if (fact_u64(heap, memory_rows[i].fact, &bytes) && bytes) {
            values[count++] = (struct memory_row_value){&memory_rows[i], bytes};
            all += bytes;
        }
    }
    if (count == 0)
        return;
    char text[40];
    qsort(values, count, sizeof *values, largest_first);
    fact_u64(heap, "rss", &rss);
    fprintf(out->to, "%smemory, %s resident%s%s\n", output_style(out, STYLE_STRONG),
            text_bytes(rss ? rss : all, text, sizeof text),
            rss == 0 || rss == all ? ", all of it explained" : "",
            out->colored ? output_style(out, STYLE_PLAIN) : "");
    for (size_t i = 0; i < count; i++) {
        char share[16];
        snprintf(share, sizeof share, "%.1f %%", 100.0 * (double)values[i].bytes / (double)all);
        fprintf(out->to, "%10s  %7s  %s\n", text_bytes(values[i].bytes, text, sizeof text), share,
                values[i].row->text);
    }
    if (rss && rss != all) {
        fprintf(out->to, "%10s  %7s  %s\n", text_bytes(rss > all ? rss - all : all - rss, text, sizeof text),
                "", rss > all ? "not explained" : "counted twice");
    }
    fputc('\n', out->to);
}

/* ---- checks, modules, what is missing ---- */

struct listing {
    struct output *out;
    struct table *table;
    uint64_t shown, all, agree, of_all; /* lines wanted; records seen; those that agree or match */
};

static void count_check(void *context, const char *text)
{
    struct listing *l = context;
    struct record r;
    record_read(&r, text);
    l->all++;
    l->agree += strcmp(r.field[CHECK_VERDICT], "agrees") == 0;
}

static void print_check(void *context, const char *text)
{
    struct listing *l = context;
    struct record r;
    record_read(&r, text);
    char figure[40];
    bool agrees = strcmp(r.field[CHECK_VERDICT], "agrees") == 0;
    if (agrees && l->out->limit != UINT64_MAX)
        return;
    bool differs = strcmp(r.field[CHECK_VERDICT], "differs") == 0;
    label(l->out, "");
    fputs("  ", l->out->to);
    output_text(l->out, STYLE_PLAIN, r.field[CHECK_NAME], SIZE_MAX);
    fputs(": ", l->out->to);
    if (agrees || differs) {
        output_text(l->out, STYLE_PLAIN, check_figure(r.field[CHECK_EXPECTED], figure, sizeof figure),
                    SIZE_MAX);
        fputs(" expected, ", l->out->to);
    }
    output_text(l->out, differs ? STYLE_BAD : STYLE_PLAIN,
                check_figure(r.field[CHECK_FOUND], figure, sizeof figure), SIZE_MAX);
    fputs(agrees || differs ? " found\n" : " found; what the process itself counted is not known\n",
          l->out->to);
}

static void print_checks(struct output *out, const struct heap *heap)
{
    struct listing l = {.out = out};
    each_fact_item(heap, "checks", count_check, &l);
    if (l.all == 0)
        return;
    label(out, "checks");
    fprintf(out->to, "%" PRIu64 " of %" PRIu64 " agree with what the process had counted itself\n", l.agree,
            l.all);
    each_fact_item(heap, "checks", print_check, &l);
}

static void count_module(void *context, const char *text)
{
    struct listing *l = context;
    struct record r;
    record_read(&r, text);
    l->all++;
    l->agree += strcmp(r.field[MODULE_VERDICT], "match") == 0;
}

static const char *verdict_text(const char *verdict)
{
    return strcmp(verdict, "match") == 0      ? "the file is the one that ran"
           : strcmp(verdict, "mismatch") == 0 ? "the file is another one: not used"
           : strcmp(verdict, "no_file") == 0  ? "there is no such file here"
                                              : "cannot be verified: used as it is";
}

static void print_module(void *context, const char *text)
{
    struct listing *l = context;
    struct record r;
    record_read(&r, text);
    const char *verdict = r.field[MODULE_VERDICT];
    bool matches = strcmp(verdict, "match") == 0, every = l->out->limit == UINT64_MAX;
    if ((matches && !every) || l->shown == l->out->limit)
        return;
    l->shown++;
    label(l->out, "");
    fputs("  ", l->out->to);
    output_text(l->out, STYLE_NAME, r.field[MODULE_PATH], SIZE_MAX);
    fprintf(l->out->to, "  %s%s%s",
            output_style(l->out, strcmp(verdict, "mismatch") == 0 ? STYLE_BAD : STYLE_PLAIN),
            verdict_text(verdict), l->out->colored ? output_style(l->out, STYLE_PLAIN) : "");
    if (*r.field[MODULE_FILE] && strcmp(r.field[MODULE_FILE], r.field[MODULE_PATH]) != 0) {
        fputs(" (", l->out->to);
        output_text(l->out, STYLE_PLAIN, r.field[MODULE_FILE], SIZE_MAX);
        fputc(')', l->out->to);
    }
    if (every && *r.field[MODULE_BUILD_ID]) {
        fputs("  ", l->out->to);
        output_text(l->out, STYLE_DIM, r.field[MODULE_BUILD_ID], SIZE_MAX);
    }
    fputc('\n', l->out->to);
}

static void print_modules(struct output *out, const struct heap *heap)
{
    struct listing l = {.out = out};
    each_fact_item(heap, "modules", count_module, &l);
    if (l.all == 0)
        return;
    label(out, "modules");
    fprintf(out->to, "%" PRIu64 "; build-ids of %" PRIu64 " agree with the files here\n", l.all, l.agree);
    each_fact_item(heap, "modules", print_module, &l);
    if (out->limit != UINT64_MAX && l.all - l.agree > l.shown)
        fprintf(out->to, "%12s… %" PRIu64 " more (--limit 0 shows all)\n", "", l.all - l.agree - l.shown);
}

static void print_missing(struct output *out, const struct heap *heap)
{
    const char *first = "memory";
    char text[40];
    for (size_t i = 0; i < MISSING_ROWS; i++) {
        uint64_t bytes;
        if (!fact_u64(heap, missing_rows[i].fact, &bytes) || (bytes == 0 && i > 0))
            continue;
        label(out, first);
        first = "";
        bool bad = strcmp(missing_rows[i].key, "cut") == 0;
        fprintf(out->to, "%s%9s  %s%s\n", bad ? output_style(out, STYLE_BAD) : "",
                text_bytes(bytes, text, sizeof text),
                i == 0 && !heap_is_of_core(heap) ? "copied" : missing_rows[i].text,
                bad && out->colored ? output_style(out, STYLE_PLAIN) : "");
    }
}

static void print_advice(void *context, const char *text)
{
    struct listing *l = context;
    label(l->out, l->shown++ ? "" : "next time");
    output_text(l->out, STYLE_PLAIN, text, SIZE_MAX);
    fputc('\n', l->out->to);
}

void core_facts_print(struct output *out, const struct heap *heap)
{
    struct listing advice = {.out = out};
    print_missing(out, heap);
    print_checks(out, heap);
    print_modules(out, heap);
    each_fact_item(heap, "core.advice", print_advice, &advice);
    fputc('\n', out->to);
    print_memory(out, heap);
}
