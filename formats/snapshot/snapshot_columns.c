#include "formats/snapshot/snapshot_columns.h"

#include <string.h>

#include "formats/snapshot/snapshot_layout.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "columns are loaded as little-endian words"
#endif

#define EVERY_BYTE 0x0101010101010101u

static uint64_t load64(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* Adds up the lengths, eight bytes (16 nibbles) at a time. Nibbles of 9 and more (but 15 in addresses) set
 * bits in *wrong. */
static uint64_t add_lengths(const uint8_t *lengths, size_t size, bool addresses, uint64_t *wrong)
{
    uint64_t sum = 0, bad = 0;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        if (size - at >= 8)
            word = load64(lengths + at);
        else
            memcpy(&word, lengths + at, size - at);
        uint64_t low = word & 0x0f * EVERY_BYTE, high = word >> 4 & 0x0f * EVERY_BYTE;
        if (addresses) { /* 15 stands for eight bytes: subtract 7 */
            low -= ((low + EVERY_BYTE) >> 4 & EVERY_BYTE) * 7;
            high -= ((high + EVERY_BYTE) >> 4 & EVERY_BYTE) * 7;
        }
        bad |= ((low + 0x77 * EVERY_BYTE) | (high + 0x77 * EVERY_BYTE)) & 0x80 * EVERY_BYTE;
        sum += (low + high) * EVERY_BYTE >> 56;
    }
    *wrong = bad;
    return sum;
}

bool snapshot_column_open(struct snapshot_column *column, const uint8_t *lengths, size_t lengths_size,
                          const uint8_t *bytes, size_t bytes_size, uint32_t count, bool addresses,
                          struct error *err)
{
    *column = (struct snapshot_column){0};
    size_t wanted = count / 2 + count % 2;
    if (lengths_size != wanted)
        return error_set(err, ERROR_BAD_INPUT, "%zu bytes of lengths for %u values, not %zu", lengths_size,
                         count, wanted);
    if (count % 2 != 0 && lengths[lengths_size - 1] >> 4 != 0)
        return error_set(err, ERROR_BAD_INPUT, "a length after the last value");
    uint64_t wrong;
    uint64_t sum = add_lengths(lengths, lengths_size, addresses, &wrong);
    if (wrong)
        return error_set(err, ERROR_BAD_INPUT, "a value of more than 8 bytes");
    if (sum != bytes_size)
        return error_set(err, ERROR_BAD_INPUT, "lengths add up to %llu bytes, not %zu",
                         (unsigned long long)sum, bytes_size);
    *column = (struct snapshot_column){.lengths = lengths, .bytes = bytes, .left = count};
    return true;
}

static const uint64_t masks[9] = {
    0, 0xff, 0xffff, 0xffffff, 0xffffffff, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff, UINT64_MAX,
};

static unsigned next_nibble(struct snapshot_column *column)
{
    unsigned nibble = column->high ? *column->lengths++ >> 4 : *column->lengths & 15u;
    column->high = !column->high;
    return nibble;
}

void snapshot_column_read(struct snapshot_column *column, uint64_t *to, uint32_t count)
{
    uint64_t *end = to + count;
    column->left -= count;
    if (to < end && column->high) {
        unsigned nibble = next_nibble(column);
        *to++ = load64(column->bytes) & masks[nibble];
        column->bytes += nibble;
    }
    const uint8_t *lengths = column->lengths, *bytes = column->bytes;
    for (; end - to >= 2; to += 2) {
        unsigned pair = *lengths++, first = pair & 15u, second = pair >> 4;
        to[0] = load64(bytes) & masks[first];
        bytes += first;
        to[1] = load64(bytes) & masks[second];
        bytes += second;
    }
    column->lengths = lengths;
    column->bytes = bytes;
    if (to < end) {
        unsigned nibble = next_nibble(column);
        *to = load64(column->bytes) & masks[nibble];
        column->bytes += nibble;
    }
}

void snapshot_column_read_addresses(struct snapshot_column *column, uint64_t *to, uint32_t count)
{
    uint64_t address = column->address;
    const uint8_t *bytes = column->bytes;
    column->left -= count;
    for (uint32_t i = 0; i < count; i++) {
        unsigned nibble = next_nibble(column);
        if (nibble == SNAPSHOT_ABSOLUTE) {
            address = load64(bytes);
            bytes += 8;
        } else {
            uint64_t code = load64(bytes) & masks[nibble];
            uint64_t distance = (code >> 2) << (code & 1 ? 0 : 4);
            address = code & 2 ? address - distance : address + distance;
            bytes += nibble;
        }
        to[i] = address;
    }
    column->bytes = bytes;
    column->address = address;
}

bool snapshot_column_is_shortest(const struct snapshot_column *column)
{
    struct snapshot_column copy = *column;
    for (; copy.left > 0; copy.left--) {
        unsigned nibble = next_nibble(&copy);
        unsigned length = nibble == SNAPSHOT_ABSOLUTE ? 8 : nibble;
        if (length > 0 && nibble != SNAPSHOT_ABSOLUTE && copy.bytes[length - 1] == 0)
            return false;
        copy.bytes += length;
    }
    return true;
}

void snapshot_edges_begin(struct snapshot_edges *edges, uint64_t new_id)
{
    *edges = (struct snapshot_edges){.new_id = new_id};
}

void snapshot_edges_decode(struct snapshot_edges *edges, const uint64_t *codes, uint32_t *targets,
                           uint32_t count)
{
    uint64_t new_id = edges->new_id, last = edges->last, wrong = edges->wrong;
    uint32_t *hub = edges->hub;
    for (uint32_t i = 0; i < count; i++) {
        /* Which of the three forms comes next cannot be predicted: all are computed, one is selected. */
        uint64_t code = codes[i], half = code >> 1;
        bool is_new = code == 0, is_hub = code & 1, is_delta = !is_new && !is_hub;
        uint64_t moved = last + (uint64_t)snapshot_unzigzag(half - 1);
        uint64_t target = is_hub ? hub[half & 255] : moved;
        target = is_new ? new_id : target;
        wrong |= target >> 32 | (is_hub ? half >> 8 : 0);
        last = is_delta ? target : last;
        hub[is_delta ? snapshot_hub_slot((uint32_t)target) : SNAPSHOT_HUB_SLOTS] = (uint32_t)target;
        new_id += is_new;
        new_id = target >= new_id ? target + 1 : new_id;
        targets[i] = (uint32_t)target;
    }
    edges->new_id = new_id;
    edges->last = last;
    edges->wrong = wrong;
}
