#include "lib/query/diff.h"

enum column {
    TYPE,
    OLD_COUNT,
    NEW_COUNT,
    DELTA_COUNT,
    OLD_SHALLOW,
    NEW_SHALLOW,
    DELTA_SHALLOW,
    ADDED,
    REMOVED,
    POSSIBLY_REUSED,
    EXPRESSION, /* last: there is none by type */
};

#define NUMBERS                                                                                              \
    "type", "old_count", "new_count", "delta_count", "old_shallow", "new_shallow", "delta_shallow", "added", \
        "removed", "possibly_reused"

static const char *const by_type[] = {NUMBERS, NULL};
static const char *const by_path[] = {NUMBERS, "expression", NULL};
static const enum column_kind kinds[] = {[TYPE] = COLUMN_TEXT, [EXPRESSION] = COLUMN_TEXT};

static void read_column(const void *from, size_t column, struct column_value *ret)
{
    const struct diff_row *row = from;
    ret->kind = kinds[column];
    switch ((enum column)column) {
    case TYPE:
        ret->text = row->type;
        break;
    case OLD_COUNT:
        ret->number = (double)row->old_count;
        break;
    case NEW_COUNT:
        ret->number = (double)row->new_count;
        break;
    case DELTA_COUNT:
        ret->number = (double)row->delta_count;
        break;
    case OLD_SHALLOW:
        ret->number = (double)row->old_shallow;
        break;
    case NEW_SHALLOW:
        ret->number = (double)row->new_shallow;
        break;
    case DELTA_SHALLOW:
        ret->number = (double)row->delta_shallow;
        break;
    case ADDED:
        ret->number = (double)row->added;
        break;
    case REMOVED:
        ret->number = (double)row->removed;
        break;
    case POSSIBLY_REUSED:
        ret->number = (double)row->possibly_reused;
        break;
    case EXPRESSION:
        ret->text = row->expression ? row->expression : "";
        break;
    }
}

const struct column_table *diff_columns(enum diff_by by)
{
    static const struct column_table type_table = {by_type, kinds, read_column},
                                     path_table = {by_path, kinds, read_column};
    return by == DIFF_PATH ? &path_table : &type_table;
}
