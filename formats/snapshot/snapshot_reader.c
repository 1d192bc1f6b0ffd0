#include "formats/snapshot/snapshot_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "formats/snapshot/snapshot_details.h"
#include "formats/snapshot/snapshot_graph.h"

enum { WARNINGS = 3, WARNING_SIZE = 512 };

/* Collects the first faults as warnings and passes all on. */
struct listener {
    struct snapshot_faults next;
    uint64_t count;
    char first[WARNINGS][WARNING_SIZE];
};

static void listen_to(void *context, uint64_t offset, const char *part, const char *message)
{
    struct listener *l = context;
    if (l->count < WARNINGS)
        snprintf(l->first[l->count], WARNING_SIZE, "%.80s at +0x%" PRIx64 ": %.380s", part, offset, message);
    l->count++;
    if (l->next.report)
        l->next.report(l->next.context, offset, part, message);
}

bool snapshot_probe(const unsigned char *start, size_t size)
{
    return size >= 8 && memcmp(start, SNAPSHOT_MAGIC, 8) == 0;
}

/* What the writer counted is more than what is here. */
static uint64_t lost_objects(struct snapshot_file *file, const struct heap_builder *builder, uint64_t known,
                             uint64_t here)
{
    const struct heap_fact *fact = heap_builder_find_fact(builder, "objects");
    if (fact && fact->type == HEAP_FACT_U64 && fact->u64 > known)
        known = fact->u64;
    if (known <= here)
        return 0;
    if (file->fault_count == 0) /* else it follows from what was said before */
        snapshot_file_fault(file, file->view.size, "objects",
                            "the file gives %" PRIu64 " of at least %" PRIu64, here, known);
    return known - here;
}

static bool decode(struct snapshot_file *file, struct heap_builder *builder, struct error *err)
{
    struct snapshot_plan plan;
    snapshot_plan_make(&plan, file);
    struct snapshot_tables tables = {.file = file, .builder = builder};
    memcpy(tables.end, plan.end, sizeof tables.end);
    struct snapshot_graph graph = {.file = file, .tables = &tables, .edge_end = plan.end[SNAPSHOT_EDGES]};
    bool done = heap_builder_columns(builder, (uint32_t)plan.end[SNAPSHOT_OBJECTS], plan.end[SNAPSHOT_EDGES],
                                     &graph.columns, err);
    for (size_t i = 0; done && i < file->entry_count; i++) {
        const struct snapshot_entry *entry = &file->entries[i];
        done = snapshot_tables_read(&tables, entry, err) && snapshot_graph_read(&graph, entry, err);
    }
    done = done && snapshot_tables_finish(&tables, err) && snapshot_graph_finish(&graph, builder, err);
    free(tables.field_count);
    if (!done)
        return false;
    uint64_t known = plan.objects_known > graph.greatest ? plan.objects_known : graph.greatest;
    uint64_t objects = lost_objects(file, builder, known, graph.object_count);
    if (file->fault_count > 0)
        heap_builder_lost(builder, objects, graph.edges_lost);
    return true;
}

static void add_warnings(struct heap_builder *builder, const struct listener *l)
{
    for (uint64_t i = 0; i < l->count && i < WARNINGS; i++)
        heap_builder_warning(builder, "damaged: %s", l->first[i]);
    if (l->count > WARNINGS)
        heap_builder_warning(builder, "%" PRIu64 " more faults; heldby verify lists all",
                             l->count - WARNINGS);
}

/* fd: -1, or the file itself, which is closed in any case. */
static struct heap *open_heap(int fd, const char *path, struct snapshot_faults faults, struct error *err)
{
    struct listener listener = {.next = faults};
    struct error ignored;
    err = err ? err : &ignored;
    struct heap_builder *builder = heap_builder_create(path, err);
    struct snapshot_source *source = calloc(1, sizeof *source);
    if (!builder || !source) {
        heap_builder_destroy(builder);
        free(source);
        if (fd >= 0)
            close(fd);
        error_no_memory(err);
        return NULL;
    }
    struct snapshot_faults here = {.report = listen_to, .context = &listener};
    if (!(fd >= 0 ? snapshot_file_take(&source->file, fd, path, here, err)
                  : snapshot_file_open(&source->file, path, here, err))) {
        heap_builder_destroy(builder);
        free(source);
        return NULL;
    }
    struct heap_source functions = snapshot_source_functions(source);
    heap_builder_source(builder, &functions); /* from here on the builder closes the file */
    if (!decode(&source->file, builder, err)) {
        heap_builder_destroy(builder);
        return NULL;
    }
    add_warnings(builder, &listener);
    source->file.faults = (struct snapshot_faults){0}; /* the listener ends with this function */
    snapshot_file_rest(&source->file);
    struct heap *heap = heap_builder_freeze(builder, err);
    if (heap)
        source->heap = heap;
    return heap;
}

struct heap *snapshot_open_reporting(const char *path, struct snapshot_faults faults, struct error *err)
{
    return open_heap(-1, path, faults, err);
}

struct heap *snapshot_open_fd(int fd, const char *path, struct error *err)
{
    return open_heap(fd, path, (struct snapshot_faults){0}, err);
}

struct heap *snapshot_open(const char *path, struct error *err)
{
    return snapshot_open_reporting(path, (struct snapshot_faults){0}, err);
}
