/* heldby verify: checks everything in a file, reports every fault, says what can still be answered. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/heldby/core_facts.h"
#include "cmd/heldby/core_input.h"
#include "cmd/heldby/open_heaps.h"
#include "cmd/heldby/progress.h"
#include "cmd/heldby/text.h"
#include "formats/snapshot/snapshot_reader.h"
#include "formats/snapshot/snapshot_verify.h"

struct fault {
    uint64_t offset;
    char *part, *message;
};

struct fault_list {
    struct fault *items; /* the first `kept` of `total` */
    size_t kept, capacity;
    uint64_t total, most;
    bool no_memory;
};

static void keep_fault(void *context, uint64_t offset, const char *part, const char *message)
{
    struct fault_list *list = context;
    if (list->total++ >= list->most || list->no_memory)
        return;
    if (list->kept == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        struct fault *grown = realloc(list->items, capacity * sizeof *grown);
        if (!grown) {
            list->no_memory = true;
            return;
        }
        list->items = grown;
        list->capacity = capacity;
    }
    struct fault *fault = &list->items[list->kept];
    *fault = (struct fault){offset, strdup(part), strdup(message)};
    list->kept++;
    list->no_memory = !fault->part || !fault->message;
}

/* Offsets are those of what was read from the core: they say nothing to its owner. */
static void keep_fault_of_core(void *context, uint64_t offset, const char *part, const char *message)
{
    (void)offset;
    keep_fault(context, ERROR_NO_OFFSET, part, message);
}

static void free_faults(struct fault_list *list)
{
    for (size_t i = 0; i < list->kept; i++) {
        free(list->items[i].part);
        free(list->items[i].message);
    }
    free(list->items);
}

static void print_faults(struct output *out, const struct fault_list *list)
{
    static const struct column columns[] = {{NULL, "offset", CELL_TEXT, STYLE_PLAIN},
                                            {"offset", NULL, CELL_COUNT, STYLE_PLAIN},
                                            {"part", "part", CELL_TEXT, STYLE_NAME},
                                            {"message", "fault", CELL_TEXT, STYLE_PLAIN}};
    struct table table;
    table_begin(&table, out, "faults", columns, 4);
    for (size_t i = 0; i < list->kept; i++) {
        const struct fault *fault = &list->items[i];
        char offset[24] = "";
        if (fault->offset != ERROR_NO_OFFSET)
            snprintf(offset, sizeof offset, "+0x%" PRIx64, fault->offset);
        table_text(&table, offset);
        if (fault->offset != ERROR_NO_OFFSET)
            table_u64(&table, fault->offset);
        else
            table_none(&table);
        table_text(&table, fault->part);
        table_text(&table, fault->message);
    }
    table_end(&table);
    output_more(out, list->kept, list->total);
}

static void print_verdict(struct output *out, const struct fault_list *list,
                          const struct snapshot_verdict *verdict, bool usable)
{
    char a[40], b[40], c[40];
    if (list->total == 0) {
        output_print(out, "%swhole%s: %s objects, %s references, %s roots, no fault\n",
                     output_style(out, STYLE_GOOD), out->colored ? output_style(out, STYLE_PLAIN) : "",
                     text_count(verdict->objects, a, sizeof a), text_count(verdict->edges, b, sizeof b),
                     text_count(verdict->roots, c, sizeof c));
        return;
    }
    output_print(out, "%s%s fault%s%s\n\n", output_style(out, STYLE_BAD),
                 text_count(list->total, a, sizeof a), list->total == 1 ? "" : "s",
                 out->colored ? output_style(out, STYLE_PLAIN) : "");
    print_faults(out, list);
    if (!usable) {
        output_print(out, "\nNothing can be answered from this file.\n");
        return;
    }
    if (verdict->objects_lost || verdict->edges_lost)
        output_print(out, "\nAt least %s objects and %s references are lost.\n",
                     text_count(verdict->objects_lost, a, sizeof a),
                     text_count(verdict->edges_lost, b, sizeof b));
    else
        output_print(out, "\nNo object and no reference is known to be lost.\n");
    output_print(out,
                 "Every question can be asked of the %s objects, %s references and %s roots that are left;\n"
                 "an answer may lack what is lost, names and values too, and each comes with a warning.\n",
                 text_count(verdict->objects, a, sizeof a), text_count(verdict->edges, b, sizeof b),
                 text_count(verdict->roots, c, sizeof c));
}

static void keep_warning(void *context, const char *text)
{
    notes_add_text(context, text, NULL);
}

/* What a core, or the file it was converted to, says about itself. */
static bool ask_core(const char *name, struct fault_list *list, struct notes *notes, struct error *err)
{
    struct heap *heap = snapshot_open(name, err);
    if (!heap)
        return false;
    core_facts_faults(heap, keep_fault, list);
    each_fact_item(heap, "warnings", keep_warning, notes);
    heap_destroy(heap);
    return true;
}

/* A core is checked as what is read from it. */
static bool verify_core(const struct invocation *in, const char *path, struct fault_list *list,
                        struct snapshot_verdict *verdict, struct notes *notes, struct error *err)
{
    int fd = core_input_memory(err);
    if (fd < 0)
        return false;
    char name[40];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    struct extract_options as = {.value_bytes = CORE_VALUE_BYTES};
    bool usable = core_input_extract(in, path, as, fd, err) &&
                  snapshot_verify(name, (struct snapshot_faults){keep_fault_of_core, list}, verdict, err) &&
                  ask_core(name, list, notes, err);
    close(fd);
    return usable;
}

static bool verify_snapshot(const char *path, struct fault_list *list, struct snapshot_verdict *verdict,
                            struct notes *notes, struct error *err)
{
    return snapshot_verify(path, (struct snapshot_faults){keep_fault, list}, verdict, err) &&
           ask_core(path, list, notes, err);
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    char *path = in->operands[0];
    enum input_kind kind;
    uint64_t size;
    if (!input_probe(path, &kind, &size, err))
        return false;
    progress_say(size, "checking", path);
    struct fault_list list = {.most = out->limit};
    struct snapshot_verdict verdict = {0};
    struct error fatal = {0};
    struct notes notes;
    notes_init(&notes, false);
    bool usable = kind == INPUT_CORE ? verify_core(in, path, &list, &verdict, &notes, &fatal)
                                     : verify_snapshot(path, &list, &verdict, &notes, &fatal);
    if (!usable && fatal.code == ERROR_BAD_INPUT)
        keep_fault(&list, fatal.offset, "file", fatal.message);
    if (list.no_memory || (!usable && fatal.code != ERROR_BAD_INPUT)) {
        free_faults(&list);
        notes_deinit(&notes);
        if (list.no_memory)
            return error_no_memory(err);
        *err = fatal;
        return false;
    }
    notes.complete = list.total == 0;
    document_begin(out, &notes, &path, 1, false);
    notes_deinit(&notes);
    if (out->as_json) {
        struct json *j = &out->json;
        json_bool(j, "usable", usable);
        json_u64(j, "faults_total", list.total);
        print_faults(out, &list);
        json_u64(j, "objects", verdict.objects);
        json_u64(j, "edges", verdict.edges);
        json_u64(j, "roots", verdict.roots);
        json_u64(j, "objects_lost", verdict.objects_lost);
        json_u64(j, "edges_lost", verdict.edges_lost);
    } else {
        print_verdict(out, &list, &verdict, usable);
    }
    document_end(out);
    bool whole = list.total == 0;
    char count[40];
    text_count(list.total, count, sizeof count);
    free_faults(&list);
    if (!usable) {
        *err = fatal;
        return false;
    }
    return whole ||
           error_bad_input(err, path, ERROR_NO_OFFSET, "%s fault%s", count, list.total == 1 ? "" : "s");
}

bool cmd_verify(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
