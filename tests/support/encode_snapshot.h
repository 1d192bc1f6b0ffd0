/* encode_snapshot.h -- a second writer of snapshots, straight from docs/snapshot-format.md, in memory, with
 * stored streams.
 *
 * Shares no code with the hook's writer, so that reader, writer and document can be played off against each
 * other; and it can write what the writer never would: wrong counts, lying sizes, unknown kinds.
 */
#ifndef HELDBY_TEST_ENCODE_SNAPSHOT_H
#define HELDBY_TEST_ENCODE_SNAPSHOT_H

#include "tests/support/model.h"

struct encoder {
    unsigned char *data; /* the file so far */
    size_t size, capacity;
    uint32_t sequence;
    uint64_t kinds[4096], offsets[4096], items[4096], firsts[4096]; /* for the contents */
    uint32_t block_count;
    /* the block being written */
    uint16_t kind;
    uint32_t item_count;
    uint64_t first, extra;
    unsigned char directory[64 * 16];
    unsigned stream_count;
    unsigned char *streams;
    size_t streams_size, streams_capacity;
};

void encode_start(struct encoder *e, uint16_t major, uint16_t minor); /* header */
void encode_free(struct encoder *e);

void encode_block(struct encoder *e, uint16_t kind, uint64_t first, uint32_t items, uint64_t extra);
/* A stream with everything under the caller's control. */
void encode_raw(struct encoder *e, uint16_t id, uint8_t compression, uint32_t raw_size, const void *stored,
                size_t stored_size);
void encode_stream(struct encoder *e, uint16_t id, const void *data, size_t size);
void encode_compressed(struct encoder *e, uint16_t id, const void *data, size_t size);
void encode_column(struct encoder *e, uint16_t id, const uint64_t *values, size_t count);
void encode_addresses(struct encoder *e, uint16_t id, const uint64_t *values, size_t count);
void encode_block_end(struct encoder *e);

/* Contents and trailer. */
void encode_finish(struct encoder *e);

/* The codes of one edges block, whose next new object is *new_id; moves it on. */
void encode_targets(const object_id *targets, size_t count, uint64_t *new_id, uint64_t *codes);

/* A whole model, in blocks of at most `items` items each; finished. */
void encode_model(struct encoder *e, const struct model *m, uint32_t items);

/* Puts the right checksums back into a file that was changed: header, blocks as far as they can be found,
 * trailer. */
void encode_fix_checksums(unsigned char *file, size_t size);

#endif
