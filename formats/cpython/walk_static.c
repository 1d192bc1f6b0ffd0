/* Which addresses lie in a loaded module: found among the ranges that walk_static_init has listed. */
#include "formats/cpython/walk.h"

bool walk_static_lookup(struct walk *w, uint64_t address)
{
    uint32_t low = 0, high = w->static_count; /* the first range that ends after the address */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (w->statics[mid].end <= address)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < w->static_count && w->statics[low].start <= address)
        return true;
    w->gap_start[1] = w->gap_start[0];
    w->gap_end[1] = w->gap_end[0];
    w->gap_start[0] = low == 0 ? 0 : w->statics[low - 1].end;
    w->gap_end[0] = low == w->static_count ? UINT64_MAX : w->statics[low].start;
    return false;
}
