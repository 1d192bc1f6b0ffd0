/* snapshot_file.h -- the blocks of one snapshot file: found, checked, and read one at a time.
 *
 * Knows the container (header, blocks, streams, checksums, contents, trailer), not what the blocks mean.
 * Whatever is wrong is reported as a fault and stepped over where that can be done truthfully; only what
 * makes the whole file useless is an error. At most one block is in memory, in buffers that are used again
 * for the next.
 *
 *      header | block | block | ~damaged~ | block | contents | trailer
 *               entries[0] [1]               [2]
 */
#ifndef HELDBY_SNAPSHOT_FILE_H
#define HELDBY_SNAPSHOT_FILE_H

#include "formats/snapshot/snapshot_columns.h"
#include "formats/snapshot/snapshot_layout.h"
#include "lib/base/file_view.h"

/* Where faults go. `part` says which part of the file ("block 5 (edges)"), `message` is one line; both
 * borrowed. */
struct snapshot_faults {
    void (*report)(void *context, uint64_t offset, const char *part, const char *message);
    void *context;
};

struct snapshot_entry {
    uint64_t offset, first, extra, payload_size;
    uint32_t items, sequence;
    uint16_t kind;
};

struct snapshot_buffer {
    uint8_t *data;
    size_t capacity;
    bool ready; /* holds this stream of the block being read */
};

enum { SNAPSHOT_MAX_ITEMS = 262144 };

struct snapshot_file {
    struct file_view view;
    struct snapshot_header header;
    struct snapshot_entry *entries; /* every whole block, the contents left out, in file order */
    size_t entry_count, entry_capacity;
    uint64_t fault_count;
    uint64_t skipped; /* bytes of damaged blocks between whole ones; bounds what these can have held */
    bool cut;         /* the file ends before its contents and trailer do */
    struct snapshot_faults faults;
    uint64_t *contents; /* offsets of all blocks as the contents block gives them, or NULL */
    size_t contents_count;
    struct snapshot_entry
        contents_entry; /* the contents block where the walk found it; offset 0: it did not */

    const struct snapshot_entry *entry; /* the block being read */
    struct snapshot_buffer payload, raw[SNAPSHOT_MAX_STREAMS];
    struct snapshot_stream streams[SNAPSHOT_MAX_STREAMS];
    size_t stored_at[SNAPSHOT_MAX_STREAMS]; /* offset in payload */
    unsigned stream_count;
    void *zstd; /* decompression context */
};

/* Opens, checks the header, finds all whole blocks and checks their checksums. `faults` may hold a NULL
   function. On false nothing needs closing. */
bool snapshot_file_open(struct snapshot_file *file, const char *path, struct snapshot_faults faults,
                        struct error *err);
/* The same for a file that is open already and called `path`; closes fd, on false too. */
bool snapshot_file_take(struct snapshot_file *file, int fd, const char *path, struct snapshot_faults faults,
                        struct error *err);
void snapshot_file_close(struct snapshot_file *file);

/* Reads one block and checks checksum and directory. The streams live until the next call. */
bool snapshot_file_read(struct snapshot_file *file, const struct snapshot_entry *entry, struct error *err);
/* A stream of it, decompressed, followed by SNAPSHOT_PADDING readable bytes. A missing stream is an error. */
bool snapshot_file_stream(struct snapshot_file *file, unsigned id, const uint8_t **data, size_t *size,
                          struct error *err);
/* Whether the block has that stream. */
bool snapshot_file_has(const struct snapshot_file *file, unsigned id);
/* An integer or address column of it, of exactly `count` values. */
bool snapshot_file_column(struct snapshot_file *file, unsigned id, uint32_t count, bool addresses,
                          struct snapshot_column *ret, struct error *err);
/* A byte column of it, of exactly `count` values. */
bool snapshot_file_bytes(struct snapshot_file *file, unsigned id, uint32_t count, const uint8_t **ret,
                         struct error *err);

/* Frees the buffers; the next read makes them again. */
void snapshot_file_rest(struct snapshot_file *file);

const char *snapshot_kind_name(unsigned kind);
/* Counts a fault and reports it. */
void snapshot_file_fault(struct snapshot_file *file, uint64_t offset, const char *part, const char *format,
                         ...) __attribute__((format(printf, 4, 5)));
/* The same for a block; the part is its name. */
void snapshot_entry_fault(struct snapshot_file *file, const struct snapshot_entry *entry, const char *format,
                          ...) __attribute__((format(printf, 3, 4)));

#endif
