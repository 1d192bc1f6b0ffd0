/* Any two streams as a column: what opens must decode as the document says, value by value, and stay inside
 * its bytes. */
#include <stdlib.h>
#include <string.h>

#include "formats/snapshot/snapshot_columns.h"
#include "formats/snapshot/snapshot_layout.h"
#include "tests/fuzz/fuzz.h"

/* The document's section 2, one value at a time. */
static uint64_t slow(const uint8_t *lengths, const uint8_t **bytes, uint32_t i, bool addresses,
                     uint64_t *last)
{
    unsigned nibble = (unsigned)lengths[i / 2] >> (i % 2 * 4) & 15u;
    uint64_t value = 0;
    for (unsigned k = 0; k < (nibble == 15 ? 8 : nibble); k++)
        value |= (uint64_t) * (*bytes)++ << (8 * k);
    if (addresses && nibble != 15) {
        uint64_t m = (value & 1) != 0 ? value >> 2 : value >> 2 << 4;
        value = (value >> 1 & 1) != 0 ? *last - m : *last + m;
    }
    return *last = value;
}

static void edges(const uint64_t *codes, uint32_t count, uint64_t new_id)
{
    uint32_t *whole = malloc(count * sizeof *whole + 1), *pieces = malloc(count * sizeof *pieces + 1);
    struct snapshot_edges a, b;
    expect(whole && pieces);
    snapshot_edges_begin(&a, new_id);
    snapshot_edges_decode(&a, codes, whole, count);
    snapshot_edges_begin(&b, new_id);
    for (uint32_t i = 0; i < count; i++)
        snapshot_edges_decode(&b, codes + i, pieces + i, 1);
    expect(count == 0 || memcmp(whole, pieces, count * sizeof *whole) == 0);
    expect(a.wrong == b.wrong && a.new_id == b.new_id);
    free(whole);
    free(pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    bool addresses = data[0] & 1;
    uint32_t count = data[1] + 256u * data[2], piece = data[3] % 17u + 1;
    size_t lengths_size = (count + 1) / 2;
    if (size - 4 < lengths_size)
        return 0;
    size_t bytes_size = size - 4 - lengths_size;
    uint8_t *bytes = malloc(bytes_size + SNAPSHOT_PADDING); /* exactly what the contract asks for */
    uint64_t *values = malloc(count * sizeof *values + 1), last = 0;
    expect(bytes && values);
    memset(bytes + bytes_size, 0xff, SNAPSHOT_PADDING);
    memcpy(bytes, data + 4 + lengths_size, bytes_size);
    struct snapshot_column c;
    struct error err;
    if (snapshot_column_open(&c, data + 4, lengths_size, bytes, bytes_size, count, addresses, &err)) {
        snapshot_column_is_shortest(&c);
        for (uint32_t at = 0; c.left > 0; at += piece) {
            uint32_t n = c.left < piece ? c.left : piece;
            (addresses ? snapshot_column_read_addresses : snapshot_column_read)(&c, values + at, n);
        }
        const uint8_t *p = bytes;
        for (uint32_t i = 0; i < count; i++)
            expect(values[i] == slow(data + 4, &p, i, addresses, &last));
        edges(values, count, data[3]);
    }
    free(bytes);
    free(values);
    return 0;
}
