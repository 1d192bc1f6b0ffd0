#include "lib/query/growth.h"

enum column {
    NAME,
    FIRST_COUNT,
    LAST_COUNT,
    DELTA_COUNT,
    FIRST_SHALLOW,
    LAST_SHALLOW,
    DELTA_SHALLOW,
    EVERY_STEP,
    PER_STEP,
    PEAK,
    OVER_PEAK,
    COLUMNS
};

#define NUMBERS                                                                                              \
    "first_count", "last_count", "delta_count", "first_shallow", "last_shallow", "delta_shallow",            \
        "every_step", "per_step", "peak", "over_peak"

static const char *const by_type[] = {"type", NUMBERS, NULL};
static const char *const by_path[] = {"expression", NUMBERS, NULL};
static const enum column_kind kinds[COLUMNS] = {[NAME] = COLUMN_TEXT};

static void read_column(const void *from, size_t column, struct column_value *ret)
{
    const struct growth_row *row = from;
    size_t last = row->heap_count - 1;
    ret->kind = kinds[column];
    switch ((enum column)column) {
    case NAME:
        ret->text = row->name;
        break;
    case FIRST_COUNT:
        ret->number = (double)row->counts[0];
        break;
    case LAST_COUNT:
        ret->number = (double)row->counts[last];
        break;
    case DELTA_COUNT:
        ret->number = (double)row->counts[last] - (double)row->counts[0];
        break;
    case FIRST_SHALLOW:
        ret->number = (double)row->shallow[0];
        break;
    case LAST_SHALLOW:
        ret->number = (double)row->shallow[last];
        break;
    case DELTA_SHALLOW:
        ret->number = (double)row->shallow[last] - (double)row->shallow[0];
        break;
    case EVERY_STEP:
        ret->number = row->every_step;
        break;
    case PER_STEP:
        ret->number = row->per_step;
        break;
    case PEAK:
        ret->number = (double)row->peak;
        break;
    case OVER_PEAK:
        ret->number = (double)row->over_peak;
        break;
    case COLUMNS:
        break;
    }
}

const struct column_table *growth_columns(enum growth_by by)
{
    static const struct column_table type_table = {by_type, kinds, read_column},
                                     path_table = {by_path, kinds, read_column};
    return by == GROWTH_PATH ? &path_table : &type_table;
}
