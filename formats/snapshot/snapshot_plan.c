#include "formats/snapshot/snapshot_plan.h"

#include <inttypes.h>

/* Ids must fit 32 bits, with two to spare for placeholders. */
#define MAX_ID (UINT32_MAX - 2)

static bool is_counted(unsigned kind)
{
    return (kind >= SNAPSHOT_STRINGS && kind <= SNAPSHOT_EDGES && kind != SNAPSHOT_ROOTS) ||
           kind == SNAPSHOT_PLACES;
}

static void drop(struct snapshot_entry *entry)
{
    entry->kind = 0;
}

/* No more items can be missing than the bytes that were skipped can have held. */
static uint64_t most_missing(const struct snapshot_file *file)
{
    return file->skipped / sizeof(struct snapshot_block) * SNAPSHOT_MAX_ITEMS;
}

void snapshot_plan_make(struct snapshot_plan *plan, struct snapshot_file *file)
{
    *plan = (struct snapshot_plan){0};
    for (size_t i = 0; i < file->entry_count; i++) {
        struct snapshot_entry *entry = &file->entries[i];
        unsigned kind = entry->kind;
        if (!is_counted(kind))
            continue;
        bool from_zero = kind == SNAPSHOT_EDGES || kind == SNAPSHOT_PLACES;
        uint64_t start = from_zero ? 0 : 1;
        uint64_t put = plan->end[kind], expected = put + start;
        uint64_t limit = from_zero ? UINT64_MAX >> 8 : MAX_ID;
        if (entry->first > limit || entry->items > limit - entry->first) {
            snapshot_entry_fault(file, entry, "items from %" PRIu64 " on are beyond all limits",
                                 entry->first);
            drop(entry);
            continue;
        }
        uint64_t last = entry->first + entry->items - start;
        if (kind == SNAPSHOT_OBJECTS && last > plan->objects_known)
            plan->objects_known = last;
        if (entry->first < expected) {
            snapshot_entry_fault(file, entry, "starts at item %" PRIu64 ", not %" PRIu64, entry->first,
                                 expected);
            drop(entry);
        } else if (entry->first > expected) {
            uint64_t gap = entry->first - expected;
            snapshot_entry_fault(file, entry, "%" PRIu64 " items before item %" PRIu64 " are missing", gap,
                                 entry->first);
            if (kind == SNAPSHOT_OBJECTS || gap > most_missing(file)) {
                drop(entry);
                continue;
            }
            plan->end[kind] = last;
        } else {
            plan->end[kind] = last;
        }
    }
}
