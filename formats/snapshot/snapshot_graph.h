/* snapshot_graph.h -- objects and edges of a snapshot into the columns of a builder, one block at a time.
 *
 * Decodes address, shape, number of references, and targets; sizes, refcounts and flags stay in the file
 * (snapshot_details.h). What is lost is counted: targets of lost edges are 0, objects end at the first block
 * that cannot be used.
 */
#ifndef HELDBY_SNAPSHOT_GRAPH_H
#define HELDBY_SNAPSHOT_GRAPH_H

#include "formats/snapshot/snapshot_plan.h"
#include "formats/snapshot/snapshot_tables.h"

struct snapshot_graph {
    struct snapshot_file *file;
    const struct snapshot_tables *tables;
    struct heap_columns columns;
    uint64_t edge_end;     /* edges the file gives, gaps included */
    uint64_t object_count; /* decoded so far */
    uint64_t edge_count;   /* references of these, which may be more than the file gives */
    uint64_t edges_put;    /* targets decoded so far, gaps included */
    uint64_t edges_lost;
    uint64_t greatest; /* the greatest object id that any edge names */
    bool ended;        /* no further objects can be used */
};

/* Blocks in file order; kinds other than objects and edges are ignored. Faults are reported; false: no
   memory, or the file cannot be read. */
bool snapshot_graph_read(struct snapshot_graph *graph, const struct snapshot_entry *entry, struct error *err);
/* After the last block: makes the builder's columns as long as what was decoded. */
bool snapshot_graph_finish(struct snapshot_graph *graph, struct heap_builder *builder, struct error *err);

#endif
