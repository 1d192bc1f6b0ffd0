/* snapshot_layout.h -- the wire constants and records of a snapshot, as docs/snapshot-format.md defines them.
 *
 * The only thing the hook's writer and the reader both know. No functions beyond the arithmetic of the column
 * codes, no allocation. Every record is little-endian and packed by construction (static_asserts below).
 */
#ifndef HELDBY_SNAPSHOT_LAYOUT_H
#define HELDBY_SNAPSHOT_LAYOUT_H

#include <assert.h>
#include <stdint.h>

#define SNAPSHOT_MAGIC         "\x89HELD\r\n\x1a"
#define SNAPSHOT_TRAILER_MAGIC "HELDEND\n"
#define SNAPSHOT_BLOCK_MAGIC   0x4b4c4248u /* "HBLK" */
#define SNAPSHOT_MAJOR         1
#define SNAPSHOT_MINOR         1

enum {
    SNAPSHOT_MAX_STREAMS = 32,
    SNAPSHOT_MAX_STREAM = 16 << 20, /* raw bytes of one stream */
    SNAPSHOT_MAX_PAYLOAD = 64 << 20,
    SNAPSHOT_OBJECTS_PER_BLOCK = 65536,
    SNAPSHOT_EDGES_PER_BLOCK = 262144,
    SNAPSHOT_PLACES_PER_BLOCK = 262144,
    SNAPSHOT_HUB_SLOTS = 256,
    SNAPSHOT_ABSOLUTE = 15, /* nibble of an absolute address */
};

enum snapshot_block_kind {
    SNAPSHOT_FACTS = 1,
    SNAPSHOT_STRINGS,
    SNAPSHOT_TYPES,
    SNAPSHOT_SHAPES,
    SNAPSHOT_THREADS,
    SNAPSHOT_FRAMES,
    SNAPSHOT_ROOTS,
    SNAPSHOT_OBJECTS,
    SNAPSHOT_EDGES,
    SNAPSHOT_PREVIEWS,
    SNAPSHOT_CONTENTS,
    SNAPSHOT_PLACES,
    SNAPSHOT_BLOCK_KINDS
};

enum snapshot_fact_type {
    SNAPSHOT_FACT_U64 = 1,
    SNAPSHOT_FACT_I64,
    SNAPSHOT_FACT_F64,
    SNAPSHOT_FACT_TEXT,
    SNAPSHOT_FACT_LIST
};

enum snapshot_compression { SNAPSHOT_STORED = 0, SNAPSHOT_ZSTD = 1 };

struct snapshot_header {
    uint8_t magic[8];
    uint16_t major, minor;
    uint32_t header_size;
    uint8_t pointer_size, byte_order;
    uint16_t zero16;
    uint32_t flags;
    uint8_t capture_id[16];
    uint64_t zero64[2];
    uint64_t checksum;
};

struct snapshot_block {
    uint32_t magic;
    uint16_t kind, stream_count;
    uint32_t sequence, item_count;
    uint64_t first_item, extra, payload_size, checksum;
};

struct snapshot_stream {
    uint16_t id;
    uint8_t compression, zero8;
    uint32_t zero32, raw_size, stored_size;
};

struct snapshot_trailer {
    uint8_t magic[8];
    uint64_t contents_offset, file_size, checksum;
};

static_assert(sizeof(struct snapshot_header) == 64, "header is 64 bytes");
static_assert(sizeof(struct snapshot_block) == 48, "block header is 48 bytes");
static_assert(sizeof(struct snapshot_stream) == 16, "stream entry is 16 bytes");
static_assert(sizeof(struct snapshot_trailer) == 32, "trailer is 32 bytes");

/* Stream ids, by block kind. An integer column uses its id for lengths and id + 1 for bytes. */
enum { FACTS_RECORDS = 0 };
enum { STRINGS_LENGTH = 0, STRINGS_BYTES = 2 };
enum {
    TYPES_NAME = 0,
    TYPES_MODULE = 2,
    TYPES_ADDRESS = 4,
    TYPES_OBJECT = 6,
    TYPES_FLAGS = 8,
    TYPES_FAMILY = 10,
    TYPES_BASIC_SIZE = 12,
    TYPES_ITEM_SIZE = 14,
    TYPES_BASE = 16,
    TYPES_MEMBER_COUNT = 18,
    TYPES_MEMBER_OFFSET = 20,
    TYPES_MEMBER_NAME = 22,
    TYPES_LABEL = 24
};
enum {
    SHAPES_TYPE = 0,
    SHAPES_BASE_SIZE = 2,
    SHAPES_TAIL = 4,
    SHAPES_TAIL_START = 6,
    SHAPES_FIELD_COUNT = 8,
    SHAPES_FIELD_KIND = 10,
    SHAPES_FIELD_CERTAINTY = 12,
    SHAPES_FIELD_NAME = 14,
    SHAPES_FIELD_NUMBER = 16
};
enum { THREADS_IDENT = 0, THREADS_NATIVE = 2, THREADS_NAME = 4, THREADS_FLAGS = 6, THREADS_INTERPRETER = 8 };
enum {
    FRAMES_THREAD = 0,
    FRAMES_DEPTH = 2,
    FRAMES_FUNCTION = 4,
    FRAMES_MODULE = 6,
    FRAMES_FILE = 8,
    FRAMES_LINE = 10,
    FRAMES_CODE = 12
};
enum {
    ROOTS_KIND = 0,
    ROOTS_REFERENCE = 2,
    ROOTS_CERTAINTY = 4,
    ROOTS_NAME = 6,
    ROOTS_NUMBER = 8,
    ROOTS_TARGET = 10,
    ROOTS_THREAD = 12,
    ROOTS_FRAME = 14
};
enum {
    OBJECTS_ADDRESS = 0,
    OBJECTS_SHAPE = 2,
    OBJECTS_SIZE = 4,
    OBJECTS_REFCOUNT = 6,
    OBJECTS_FLAGS = 8,
    OBJECTS_DEGREE = 10
};
enum { EDGES_TARGET = 0 };
enum { PLACES_PLACE = 0 };
enum {
    PREVIEWS_OBJECT = 0,
    PREVIEWS_KIND = 2,
    PREVIEWS_FULL_LENGTH = 4,
    PREVIEWS_LENGTH = 6,
    PREVIEWS_TEXT = 8
};
enum { CONTENTS_KIND = 0, CONTENTS_OFFSET = 2, CONTENTS_ITEMS = 4, CONTENTS_FIRST = 6 };

static inline uint64_t snapshot_zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
}

static inline int64_t snapshot_unzigzag(uint64_t z)
{
    return (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
}

/* Slot of a target in the hub cache of an edges block. */
static inline uint32_t snapshot_hub_slot(uint32_t target)
{
    return (uint32_t)(target * 0x9E3779B1u) >> 24;
}

#endif
