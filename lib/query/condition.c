#include "lib/query/condition.h"

#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text_buffer.h"

enum comparator { EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, MATCHES };

struct comparison {
    size_t column;
    enum comparator comparator;
    double number;
    char *text;    /* of text columns */
    regex_t regex; /* MATCHES */
};

struct condition {
    const struct column_table *columns;
    struct comparison *comparison;
    size_t count;
};

static enum comparator read_operator(const char **at, bool *ok)
{
    static const struct {
        const char *text;
        enum comparator comparator;
    } known[] = {{"!=", NOT_EQUAL}, {"<=", LESS_EQUAL}, {">=", GREATER_EQUAL}, {"==", EQUAL},
                 {"=", EQUAL},      {"<", LESS},        {">", GREATER},        {"~", MATCHES}};
    *ok = true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strncmp(*at, known[i].text, strlen(known[i].text))) {
            *at += strlen(known[i].text);
            return known[i].comparator;
        }
    *ok = false;
    return EQUAL;
}

static bool error_no_column(const struct column_table *columns, const char *name, size_t length,
                            struct error *err)
{
    struct text_buffer known = {0};
    for (size_t i = 0; columns->names[i]; i++)
        text_buffer_format(&known, "%s%s", i ? ", " : "", columns->names[i]);
    error_set(err, ERROR_USAGE, "no column '%.*s': there is %s", (int)(length < 64 ? length : 64), name,
              text_buffer_text(&known));
    text_buffer_free(&known);
    return false;
}

static bool read_number(const char *text, double *ret)
{
    static const struct {
        const char *suffix;
        double factor;
    } units[] = {{"", 1},
                 {"k", 1e3},
                 {"K", 1e3},
                 {"M", 1e6},
                 {"G", 1e9},
                 {"KiB", 1024.0},
                 {"MiB", 1024 * 1024.0},
                 {"GiB", 1024 * 1024 * 1024.0}};
    char *end;
    if (!strcmp(text, "true") || !strcmp(text, "false")) {
        *ret = *text == 't';
        return true;
    }
    *ret = strtod(text, &end);
    for (size_t i = 0; end != text && i < sizeof units / sizeof *units; i++)
        if (!strcmp(end, units[i].suffix)) {
            *ret *= units[i].factor;
            return true;
        }
    return false;
}

/* One comparison from text[0] to text[length - 1]. */
static bool read_comparison(const struct column_table *columns, const char *text, size_t length,
                            struct comparison *ret, struct error *err)
{
    size_t name = strcspn(text, "=<>!~,"), column = 0;
    const char *at = text + name;
    bool ok = name > 0 && name < length;
    enum comparator comparator = ok ? read_operator(&at, &ok) : EQUAL;
    if (!ok)
        return error_set(err, ERROR_USAGE,
                         "'%.*s' is no comparison: COLUMN=VALUE or !=, <, <=, >, >=, ~ is meant",
                         (int)(length < 64 ? length : 64), text);
    while (columns->names[column] &&
           (strncmp(columns->names[column], text, name) || columns->names[column][name]))
        column++;
    if (!columns->names[column])
        return error_no_column(columns, text, name, err);
    ret->column = column;
    ret->comparator = comparator;
    ret->text = strndup(at, length - (size_t)(at - text));
    if (!ret->text)
        return error_no_memory(err);
    if (columns->kinds[column] == COLUMN_TEXT) {
        if (comparator == MATCHES) {
            int status = regcomp(&ret->regex, ret->text, REG_EXTENDED | REG_NOSUB);
            char why[128];
            if (!status)
                return true;
            regerror(status, &ret->regex, why, sizeof why);
            ret->comparator = EQUAL; /* nothing to free */
            if (status == REG_ESPACE)
                return error_no_memory(err);
            return error_set(err, ERROR_USAGE, "bad regular expression %s: %s", ret->text, why);
        }
        return comparator == EQUAL || comparator == NOT_EQUAL ||
               error_set(err, ERROR_USAGE, "%s is text: it can be compared with =, != and ~ only",
                         columns->names[column]);
    }
    if (comparator == MATCHES) {
        ret->comparator = EQUAL;
        return error_set(err, ERROR_USAGE, "%s is a number: ~ is for text", columns->names[column]);
    }
    return read_number(ret->text, &ret->number) ||
           error_set(err, ERROR_USAGE, "'%s' is no number, which %s is", ret->text, columns->names[column]);
}

/* Where this comparison ends: at a comma behind which another one begins (types may have commas in their
 * names). */
static size_t comparison_length(const struct column_table *columns, const char *text)
{
    size_t length = strcspn(text, ",");
    while (text[length] == ',') {
        const char *next = text + length + 1;
        size_t name = strcspn(next, "=<>!~,");
        for (size_t i = 0; columns->names[i]; i++)
            if (strlen(columns->names[i]) == name && !strncmp(columns->names[i], next, name))
                return length;
        if (!*next || (next[name] && next[name] != ','))
            return length; /* nothing or an unknown column: its own error says so */
        length += 1 + strcspn(next, ",");
    }
    return length;
}

struct condition *condition_create(const char *text, const struct column_table *columns, struct error *err)
{
    struct condition *condition = calloc(1, sizeof *condition);
    size_t most = 1;
    for (const char *c = text; *c; c++)
        most += *c == ',';
    if (!condition || !(condition->comparison = calloc(most, sizeof *condition->comparison))) {
        free(condition);
        error_no_memory(err);
        return NULL;
    }
    condition->columns = columns;
    for (const char *at = text;;) {
        size_t length = comparison_length(columns, at);
        bool ok = read_comparison(columns, at, length, &condition->comparison[condition->count], err);
        condition->count++; /* also of a failed one: what it has is freed */
        if (!ok) {
            condition_destroy(condition);
            return NULL;
        }
        if (!at[length])
            return condition;
        at += length + 1;
    }
}

void condition_destroy(struct condition *condition)
{
    if (!condition)
        return;
    for (size_t i = 0; i < condition->count; i++) {
        if (condition->comparison[i].comparator == MATCHES)
            regfree(&condition->comparison[i].regex);
        free(condition->comparison[i].text);
    }
    free(condition->comparison);
    free(condition);
}

static bool compares(const struct comparison *c, const struct column_value *value)
{
    if (value->kind == COLUMN_TEXT) {
        if (c->comparator == MATCHES)
            return !regexec(&c->regex, value->text, 0, NULL, 0);
        bool equal = !strcmp(c->text, value->text) || !fnmatch(c->text, value->text, 0);
        return equal == (c->comparator == EQUAL);
    }
    switch (c->comparator) {
    case EQUAL:
        return value->number >= c->number && value->number <= c->number;
    case NOT_EQUAL:
        return value->number < c->number || value->number > c->number;
    case LESS:
        return value->number < c->number;
    case LESS_EQUAL:
        return value->number <= c->number;
    case GREATER:
        return value->number > c->number;
    case GREATER_EQUAL:
        return value->number >= c->number;
    case MATCHES:
        break;
    }
    return false;
}

bool condition_holds(const struct condition *condition, const void *row)
{
    for (size_t i = 0; i < condition->count; i++) {
        struct column_value value = {.text = ""};
        condition->columns->read(row, condition->comparison[i].column, &value);
        if (!compares(&condition->comparison[i], &value))
            return false;
    }
    return true;
}
