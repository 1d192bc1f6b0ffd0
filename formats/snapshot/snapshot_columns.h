/* snapshot_columns.h -- decodes integer and address columns (docs/snapshot-format.md, section 2), many values
 * at a time.
 *
 * A column is checked as a whole when it is opened; reading it then needs no tests. Decoding loads eight
 * bytes at a time, so the bytes stream must be followed by SNAPSHOT_PADDING readable bytes, whatever they
 * hold.
 */
#ifndef HELDBY_SNAPSHOT_COLUMNS_H
#define HELDBY_SNAPSHOT_COLUMNS_H

#include "lib/base/error.h"

enum { SNAPSHOT_PADDING = 8, SNAPSHOT_CHUNK = 1024 };

struct snapshot_column {
    const uint8_t *lengths, *bytes; /* borrowed */
    uint32_t left;                  /* values not yet read */
    bool high;                      /* the next length is a high nibble */
    uint64_t address;               /* the last address read */
};

/* Checks that the two streams hold exactly `count` values. `addresses`: nibble 15 is allowed. Offsets in
 * errors are the caller's. */
bool snapshot_column_open(struct snapshot_column *column, const uint8_t *lengths, size_t lengths_size,
                          const uint8_t *bytes, size_t bytes_size, uint32_t count, bool addresses,
                          struct error *err);

/* The next `count` values; `count` <= column->left. */
void snapshot_column_read(struct snapshot_column *column, uint64_t *to, uint32_t count);
/* The same for an address column: the addresses themselves. */
void snapshot_column_read_addresses(struct snapshot_column *column, uint64_t *to, uint32_t count);

/* Whether no value has leading zero bytes, as the format demands; decoding does not care. */
bool snapshot_column_is_shortest(const struct snapshot_column *column);

static inline uint64_t snapshot_column_next(struct snapshot_column *column)
{
    uint64_t value;
    snapshot_column_read(column, &value, 1);
    return value;
}

/* Targets of one edges block: its hub cache, and the id the next new object gets. */
struct snapshot_edges {
    uint64_t new_id, last;
    uint32_t hub[256 + 1]; /* one more: where codes that store nothing store */
    uint64_t wrong;        /* not 0: some code was invalid */
};

void snapshot_edges_begin(struct snapshot_edges *edges, uint64_t new_id);
/* `count` codes to targets. After the last: edges->wrong tells whether all of them can be used; new_id - 1 is
   the greatest id that was seen. */
void snapshot_edges_decode(struct snapshot_edges *edges, const uint64_t *codes, uint32_t *targets,
                           uint32_t count);

#endif
