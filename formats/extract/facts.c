/* What is known of the process and of its picture, as facts of the snapshot. */
#include "formats/extract/extraction.h"
#include "formats/extract/stack_overflow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/bytes_text.h"
#include "lib/base/text_buffer.h"

static void u64(struct extraction *x, const char *key, uint64_t value)
{
    snapshot_writer_fact_u64(x->writer, key, value);
}

static void text(struct extraction *x, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0')
        snapshot_writer_fact_text(x->writer, key, value, strlen(value));
}

/* A list of texts, each ended by a NUL. */
static void list(struct extraction *x, const char *key, struct text_buffer *b)
{
    if (!b->failed && b->length > 0)
        snapshot_writer_fact_list(x->writer, key, b->text, b->length);
    text_buffer_free(b);
}

static void end_item(struct text_buffer *b)
{
    text_buffer_add_n(b, "", 1);
}

/* A path in a record: tabs are between its fields. */
static void add_path(struct text_buffer *b, const char *path)
{
    for (const char *tab; path != NULL && (tab = strchr(path, '\t')) != NULL; path = tab + 1) {
        text_buffer_add_n(b, path, (size_t)(tab - path));
        text_buffer_add(b, "\\011");
    }
    text_buffer_add(b, path != NULL ? path : "");
}

static void modules(struct extraction *x)
{
    static const char *const verdicts[] = {[BUILD_ID_MATCH] = "match",
                                           [BUILD_ID_MISMATCH] = "mismatch",
                                           [BUILD_ID_UNKNOWN] = "unknown",
                                           [BUILD_ID_NO_FILE] = "no_file"};
    struct text_buffer b = {0};
    for (size_t i = 0; i < x->image->module_count; i++) {
        const struct image_module *m = &x->image->modules[i];
        add_path(&b, m->path);
        text_buffer_format(&b, "\t0x%" PRIx64 "\t0x%" PRIx64 "\t", m->start, m->end);
        for (uint32_t k = 0; k < m->build_id_size && k < sizeof m->build_id; k++)
            text_buffer_format(&b, "%02x", m->build_id[k]);
        text_buffer_format(&b, "\t%s\t", verdicts[m->verdict]);
        add_path(&b, m->file);
        end_item(&b);
    }
    list(x, "modules", &b);
}

static void checks(struct extraction *x)
{
    struct text_buffer b = {0};
    for (size_t i = 0; i < x->heap.check_count; i++) {
        const struct glibc_check *c = &x->heap.checks[i];
        text_buffer_format(&b, "%s\t%" PRIu64 "\t%" PRIu64 "\t%s", c->name, c->expected, c->found,
                           !c->known   ? "unknown"
                           : c->agrees ? "agrees"
                                       : "differs");
        end_item(&b);
    }
    list(x, "checks", &b);
}

static void warnings(struct extraction *x)
{
    struct text_buffer b = {0};
    for (size_t i = 0; i < x->image->warning_count; i++) {
        text_buffer_add(&b, x->image->warnings[i]);
        end_item(&b);
    }
    for (size_t i = 0; i < x->heap.warning_count; i++) {
        text_buffer_add(&b, x->heap.warnings[i]);
        end_item(&b);
    }
    list(x, "warnings", &b);
}

/* A single mapping of the process's own without bytes was never touched (vma_dump_size, fs/coredump.c): only
 * where none has any they were left out. */
uint64_t facts_left_out(const struct process_image *image)
{
    uint64_t n = 0;
    for (size_t i = 0; i < image->space.region_count; i++) {
        const struct memory_region *r = &image->space.regions[i];
        if (!(r->access & MEMORY_WRITE) || r->mapping != MEMORY_NO_MAPPING)
            continue;
        if (r->origin == MEMORY_DUMPED)
            return 0;
        n += r->end - r->start;
    }
    return image->counts.cut == 0 && !image->live ? n : 0;
}

/* How to get a core that says more. */
static void advice(struct extraction *x)
{
    const struct process_image *image = x->image;
    struct text_buffer b = {0};
    size_t without_file = 0, mismatched = 0;
    bool program_without_file = false;
    for (size_t i = 0; i < image->module_count; i++) {
        without_file += image->modules[i].verdict == BUILD_ID_NO_FILE;
        mismatched += image->modules[i].verdict == BUILD_ID_MISMATCH;
        program_without_file |= image->modules[i].verdict == BUILD_ID_NO_FILE && image->modules[i].executable;
    }
    if (image->counts.cut > 0) {
        text_buffer_add(&b,
                        "the core is cut: raise the limit (ulimit -c unlimited) or make room where cores go");
        end_item(&b);
    }
    if (mismatched > 0) {
        text_buffer_format(&b,
                           "%zu of the program's files on disk are other builds: give the right ones with "
                           "--sysroot or --exe",
                           mismatched);
        end_item(&b);
    }
    if (facts_left_out(image) > 0) {
        text_buffer_add(&b,
                        "the process's own memory was left out: echo 0x33 > /proc/PID/coredump_filter before "
                        "a crash puts it into the core");
        end_item(&b);
    }
    if (without_file > 0) {
        text_buffer_format(&b,
                           "%zu of the program's files %s not here: give a folder with them as --sysroot%s",
                           without_file, without_file == 1 ? "is" : "are",
                           program_without_file ? ", the program itself as --exe" : "");
        end_item(&b);
    }
    if (x->heap.other_allocator != NULL) {
        text_buffer_format(
            &b,
            "%s is not walked: where the program can run with glibc's malloc instead, its blocks can be "
            "told",
            x->heap.other_allocator);
        end_item(&b);
    }
    if (image->counts.absent > 0 && (without_file > 0 || mismatched > 0)) {
        text_buffer_add(&b, "echo 0x37 > /proc/PID/coredump_filter before a crash puts the programs' own "
                            "bytes into the core");
        end_item(&b);
    }
    list(x, "core.advice", &b);
}

void facts_first(struct extraction *x)
{
    const struct process_image *image = x->image;
    text(x, "source", image->live ? "live" : "core");
    text(x, "core.path", x->options->input);
    u64(x, "core.size", image->counts.file_size);
    if (image->signal != 0) {
        u64(x, "signal", (uint64_t)image->signal);
        snapshot_writer_fact_u64(x->writer, "signal_code", (uint64_t)(int64_t)image->signal_code);
        if (image->signal_address != 0)
            u64(x, "signal_address", image->signal_address);
    }
    if (image->signal != 0 && image->thread_count > 0)
        u64(x, "signal_thread", image->threads[0].tid);
    if (is_stack_overflow(image))
        u64(x, "stack_overflow", 1);
    if (image->has_notes) {
        u64(x, "pid", image->pid);
        u64(x, "ppid", image->ppid);
        u64(x, "uid", image->uid);
    }
    text(x, "executable", image->executable);
    if (image->command != NULL)
        snapshot_writer_fact_list(x->writer, "command", image->command, strlen(image->command) + 1);
    u64(x, "threads", image->thread_count);
    u64(x, "values", x->options->value_bytes);
    if (x->options->capture_time > 0)
        snapshot_writer_fact_f64(x->writer, "capture_time", x->options->capture_time);
    if (image->live) {
        text(x, "trigger", "dump");
        text(x, "mode", "outside");
    }
    if (image->live)
        snapshot_writer_fact_f64(x->writer, "capture_time", (double)time(NULL));
    if (x->options->pause_seconds >= 0)
        snapshot_writer_fact_f64(x->writer, "pause_seconds", x->options->pause_seconds);
    if (x->heap.other_allocator != NULL)
        text(x, "native.allocator", x->heap.other_allocator);
    else if (x->heap.verdict != GLIBC_ABSENT)
        text(x, "native.allocator", "glibc");
    if (x->heap.verdict != GLIBC_ABSENT)
        u64(x, "native.safe_linking", x->heap.safe_linking);
    u64(x, "core.dumped", image->counts.dumped);
    u64(x, "core.filled", image->counts.filled);
    u64(x, "core.absent", image->counts.absent);
    u64(x, "core.cut", image->counts.cut);
    if (facts_left_out(image) > 0)
        u64(x, "core.left_out", facts_left_out(image));
    u64(x, "core.refused", image->counts.refused);
    modules(x);
    checks(x);
    warnings(x);
    advice(x);
}

static void limit(struct text_buffer *b, const char *what)
{
    if (what == NULL)
        return;
    if (b->length > 0)
        text_buffer_add(b, "; ");
    text_buffer_add(b, what);
}

static bool is_damaged(const struct glibc_heap *h)
{
    for (size_t i = 0; i < h->segment_count; i++)
        if (h->segments[i].damaged)
            return true;
    return false;
}

/* What is missing, if anything: the answer then says so. */
static void limits(struct extraction *x)
{
    const struct process_image *image = x->image;
    struct text_buffer b = {0};
    char line[256], bytes[BYTES_TEXT];
    if (image->counts.cut > 0) {
        snprintf(line, sizeof line, "the core is cut: %s of memory are missing",
                 bytes_text(image->counts.cut, bytes));
        limit(&b, line);
    }
    uint64_t left_out = facts_left_out(image);
    if (left_out > 0) {
        snprintf(line, sizeof line, "%s of the process's own memory were not dumped (coredump_filter)",
                 bytes_text(left_out, bytes));
        limit(&b, line);
    }
    if (x->heap.other_allocator != NULL) {
        snprintf(line, sizeof line,
                 "the program's allocator is %s, which is not walked: native blocks%s are missing",
                 x->heap.other_allocator, x->python != NULL ? " and objects above 512 bytes" : "");
        limit(&b, line);
    }
    if (x->python == NULL && x->heap.verdict == GLIBC_ABSENT && x->heap.other_allocator == NULL)
        limit(&b, "no heap of glibc's malloc and no Python in it: nothing that can be walked");
    if (x->heap.verdict == GLIBC_PARTLY)
        limit(
            &b,
            "some of malloc's own structures are missing: blocks may be missing, and freed ones may seem to "
            "be in use");
    if (x->heap.damaged_at != 0) {
        snprintf(line, sizeof line, "the heap is damaged at 0x%" PRIx64 ": blocks may be missing",
                 x->heap.damaged_at);
        limit(&b, line);
    } else if (is_damaged(&x->heap)) {
        limit(&b, "the heap is damaged: blocks may be missing");
    }
    if (!image->has_notes)
        limit(&b, "registers and stacks are not known: what only they hold seems to be leaked");
    if (x->python != NULL)
        limit(&b, cpython_core_counted(x->python)->limits);
    else
        limit(&b, x->problem[0] != '\0' ? x->problem : NULL);
    if (b.length > 0 && !b.failed)
        text(x, "limits", b.text);
    u64(x, "complete", b.length == 0);
    text_buffer_free(&b);
}

void facts_last(struct extraction *x)
{
    uint64_t objects = x->blocks;
    if (x->python != NULL)
        objects = x->first_id - 1 + x->later_blocks;
    u64(x, "objects", objects);
    facts_memory(x);
    limits(x);
}
