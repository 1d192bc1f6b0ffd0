#include "lib/query/refcheck.h"

enum column { TYPE, MODULE, CLASS, REFCOUNT, FOUND, NATIVE, UNEXPLAINED, SHALLOW, COLUMNS };
enum type_column { T_TYPE, T_COUNT, T_NATIVE, T_UNEXPLAINED, T_SHALLOW, T_COLUMNS };

static const char *const names[] = {"type",   "module",      "class",   "refcount", "found",
                                    "native", "unexplained", "shallow", NULL};
static const char *const type_names[] = {"type", "count", "native", "unexplained", "shallow", NULL};
static const enum column_kind kinds[COLUMNS] = {
    [TYPE] = COLUMN_TEXT, [MODULE] = COLUMN_TEXT, [CLASS] = COLUMN_TEXT};
static const enum column_kind type_kinds[T_COLUMNS] = {[T_TYPE] = COLUMN_TEXT};

static void read_object(const void *from, size_t column, struct column_value *ret)
{
    const struct refcheck_row *row = from;
    ret->kind = kinds[column];
    switch ((enum column)column) {
    case TYPE:
        ret->text = row->type;
        break;
    case MODULE:
        ret->text = row->module;
        break;
    case CLASS:
        ret->text = noise_name(row->noise);
        break;
    case REFCOUNT:
        ret->number = (double)row->refcount;
        break;
    case FOUND:
        ret->number = (double)row->found;
        break;
    case NATIVE:
        ret->number = (double)row->native;
        break;
    case UNEXPLAINED:
        ret->number = (double)row->unexplained;
        break;
    case SHALLOW:
        ret->number = (double)row->shallow;
        break;
    case COLUMNS:
        break;
    }
}

static void read_type(const void *from, size_t column, struct column_value *ret)
{
    const struct refcheck_type *row = from;
    ret->kind = type_kinds[column];
    switch ((enum type_column)column) {
    case T_TYPE:
        ret->text = row->type;
        break;
    case T_COUNT:
        ret->number = (double)row->count;
        break;
    case T_NATIVE:
        ret->number = (double)row->native;
        break;
    case T_UNEXPLAINED:
        ret->number = (double)row->unexplained;
        break;
    case T_SHALLOW:
        ret->number = (double)row->shallow;
        break;
    case T_COLUMNS:
        break;
    }
}

const struct column_table *refcheck_columns(bool by_type)
{
    static const struct column_table objects = {names, kinds, read_object},
                                     types = {type_names, type_kinds, read_type};
    return by_type ? &types : &objects;
}
