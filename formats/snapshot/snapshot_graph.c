#include "formats/snapshot/snapshot_graph.h"

#include <inttypes.h>
#include <string.h>

#define MAX_DEGREE ((uint64_t)1 << 40)

/* Notes that the references of `row` start at `position`, or at the last one there is. */
static bool put_row(struct snapshot_graph *g, uint64_t row, uint64_t position)
{
    struct csr *edges = &g->columns.edges;
    if (position > g->edge_end)
        position = g->edge_end;
    if (row % 65536 == 0)
        edges->base[row >> 16] = position;
    uint64_t low = position - edges->base[row >> 16];
    edges->low[row] = (uint32_t)low;
    return low <= UINT32_MAX;
}

static bool put_shapes(struct snapshot_graph *g, struct snapshot_column *column, shape_id *to,
                       struct error *err)
{
    uint64_t chunk[SNAPSHOT_CHUNK], greatest = 0;
    uint64_t last = g->tables->put[SNAPSHOT_SHAPES];
    while (column->left > 0) {
        uint32_t n = column->left < SNAPSHOT_CHUNK ? column->left : SNAPSHOT_CHUNK;
        snapshot_column_read(column, chunk, n);
        for (uint32_t i = 0; i < n; i++) {
            greatest = chunk[i] - 1 > greatest ? chunk[i] - 1 : greatest; /* 0 becomes the greatest of all */
            to[i] = (shape_id)chunk[i];
        }
        to += n;
    }
    if (greatest >= last)
        return error_set(err, ERROR_BAD_INPUT, "an object of shape %" PRIu64 ", there are %" PRIu64,
                         greatest + 1, last);
    return true;
}

static bool put_degrees(struct snapshot_graph *g, struct snapshot_column *column, uint64_t first,
                        struct error *err)
{
    uint64_t chunk[SNAPSHOT_CHUNK];
    const uint32_t *field_count = g->tables->field_count;
    const shape_id *shape = g->columns.shape;
    uint64_t position = g->edge_count, row = first;
    while (column->left > 0) {
        uint32_t n = column->left < SNAPSHOT_CHUNK ? column->left : SNAPSHOT_CHUNK;
        snapshot_column_read(column, chunk, n);
        for (uint32_t i = 0; i < n; i++, row++) {
            uint32_t fields = field_count[shape[row]];
            uint64_t degree = fields + (uint64_t)snapshot_unzigzag(chunk[i]);
            if (degree > MAX_DEGREE || fields == SNAPSHOT_LOST_SHAPE)
                return error_set(err, ERROR_BAD_INPUT,
                                 "how many references object %" PRIu64 " has is not known", row);
            if (!put_row(g, row, position))
                return error_set(err, ERROR_BAD_INPUT, "more than 2^32 references in 65536 objects");
            position += degree;
        }
    }
    g->edge_count = position;
    return true;
}

static bool put_objects(struct snapshot_graph *g, const struct snapshot_entry *entry, struct error *err)
{
    struct snapshot_column address, shape, degree;
    uint64_t first = entry->first;
    if (first != g->object_count + 1)
        return error_set(err, ERROR_BAD_INPUT, "the objects before object %" PRIu64 " are missing", first);
    if (!snapshot_file_column(g->file, OBJECTS_ADDRESS, entry->items, true, &address, err) ||
        !snapshot_file_column(g->file, OBJECTS_SHAPE, entry->items, false, &shape, err) ||
        !snapshot_file_column(g->file, OBJECTS_DEGREE, entry->items, false, &degree, err))
        return false;
    snapshot_column_read_addresses(&address, g->columns.address + first, entry->items);
    if (!put_shapes(g, &shape, g->columns.shape + first, err) || !put_degrees(g, &degree, first, err))
        return false;
    g->object_count += entry->items;
    return true;
}

static bool put_targets(struct snapshot_graph *g, const struct snapshot_entry *entry, struct error *err)
{
    struct snapshot_column column;
    struct snapshot_edges edges;
    uint64_t codes[SNAPSHOT_CHUNK];
    uint32_t *to = g->columns.edges.item + entry->first;
    if (entry->extra < 1 || entry->extra > UINT32_MAX)
        return error_set(err, ERROR_BAD_INPUT, "the next new object is %" PRIu64, entry->extra);
    if (!snapshot_file_column(g->file, EDGES_TARGET, entry->items, false, &column, err))
        return false;
    snapshot_edges_begin(&edges, entry->extra);
    while (column.left > 0) {
        uint32_t n = column.left < SNAPSHOT_CHUNK ? column.left : SNAPSHOT_CHUNK;
        snapshot_column_read(&column, codes, n);
        snapshot_edges_decode(&edges, codes, to, n);
        to += n;
    }
    if (edges.wrong)
        return error_set(err, ERROR_BAD_INPUT, "a target that is no object number");
    if (edges.new_id - 1 > g->greatest)
        g->greatest = edges.new_id - 1;
    return true;
}

/* Targets that the file does not give: empty places. */
static void skip_edges(struct snapshot_graph *g, uint64_t upto)
{
    uint64_t count = upto - g->edges_put;
    if (count > 0)
        memset(g->columns.edges.item + g->edges_put, 0, count * sizeof(uint32_t));
    g->edges_lost += count;
    g->edges_put = upto;
}

bool snapshot_graph_read(struct snapshot_graph *g, const struct snapshot_entry *entry, struct error *err)
{
    bool objects = entry->kind == SNAPSHOT_OBJECTS, edges = entry->kind == SNAPSHOT_EDGES;
    if ((!objects && !edges) || (objects && g->ended))
        return true;
    if (edges)
        skip_edges(g, entry->first);
    struct error why;
    if (snapshot_file_read(g->file, entry, &why) &&
        (objects ? put_objects(g, entry, &why) : put_targets(g, entry, &why))) {
        g->edges_put += edges ? entry->items : 0;
        return true;
    }
    if (why.code == ERROR_SYSTEM) {
        *err = why;
        return false;
    }
    snapshot_entry_fault(g->file, entry, "%s", why.message);
    if (objects)
        g->ended = true;
    else
        skip_edges(g, entry->first + entry->items);
    return true;
}

bool snapshot_graph_finish(struct snapshot_graph *g, struct heap_builder *builder, struct error *err)
{
    uint64_t used = g->edge_count < g->edge_end ? g->edge_count : g->edge_end;
    put_row(g, 0, 0);
    if (g->object_count == 0)
        put_row(g, 1, 0);
    else if (!put_row(g, g->object_count + 1, used))
        return error_set(err, ERROR_BAD_INPUT, "more than 2^32 references in 65536 objects");
    uint64_t lost = g->edge_count > used ? g->edge_count - used : g->edge_end - used;
    g->edges_lost += lost;
    if (lost > 0 && g->file->fault_count == 0) /* else it follows from what was said before */
        snapshot_file_fault(g->file, g->file->view.size, "edges",
                            "the objects have %" PRIu64 " references, the file gives %" PRIu64, g->edge_count,
                            g->edge_end);
    return heap_builder_columns(builder, (uint32_t)g->object_count, used, &g->columns, err);
}
