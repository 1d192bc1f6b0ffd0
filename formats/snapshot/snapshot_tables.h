/* snapshot_tables.h -- the small tables of a snapshot (facts, strings, types, shapes, threads, frames, roots)
 * into a builder.
 *
 * Ids must stay what they are in the file, whatever is damaged: items of lost blocks are replaced by
 * placeholders, named
 * "<lost>" where they have a name. Every replacement follows a fault that was reported.
 */
#ifndef HELDBY_SNAPSHOT_TABLES_H
#define HELDBY_SNAPSHOT_TABLES_H

#include "formats/snapshot/snapshot_file.h"
#include "lib/heap/heap_builder.h"

/* Field count of a shape that was lost: how many references its objects have cannot be known. */
#define SNAPSHOT_LOST_SHAPE UINT32_MAX

struct snapshot_tables {
    struct snapshot_file *file;
    struct heap_builder *builder;
    uint64_t
        end[SNAPSHOT_BLOCK_KINDS]; /* by block kind: number of the last item the whole file gives, 0 = none */
    uint64_t put[SNAPSHOT_BLOCK_KINDS]; /* how many are in the builder */
    uint32_t *field_count;              /* by shape id; owned */
    size_t field_count_capacity;
    bool lost_string, lost_type; /* something refers to a placeholder that stands after the last one */
};

/* Puts the block's items into the builder, after placeholders for those missing before it. Faults are
   reported; false: no memory, or the file cannot be read. Kinds that are no tables are ignored. */
bool snapshot_tables_read(struct snapshot_tables *tables, const struct snapshot_entry *entry,
                          struct error *err);
/* After the last block. */
bool snapshot_tables_finish(struct snapshot_tables *tables, struct error *err);

#endif
