/* bytes_text.h -- an amount of memory as messages tell it: 96 B, 1.2 KiB, 15.0 MiB. */
#ifndef HELDBY_BYTES_TEXT_H
#define HELDBY_BYTES_TEXT_H

#include <inttypes.h>
#include <stdio.h>

enum { BYTES_TEXT = 24 };

static inline const char *bytes_text(uint64_t bytes, char out[BYTES_TEXT])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes / 1024;
    unsigned unit = 0;
    if (bytes < 1024) {
        snprintf(out, BYTES_TEXT, "%" PRIu64 " B", bytes);
        return out;
    }
    for (; value >= 1023.95; value /= 1024)
        unit++;
    snprintf(out, BYTES_TEXT, "%.1f %s", value, units[unit]);
    return out;
}

#endif
