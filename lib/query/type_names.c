#include "lib/query/type_names.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/edit_distance.h"

enum { NEAREST_SHOWN = 6, FAR = UINT32_MAX };

bool type_names_is_glob(const char *text)
{
    return strpbrk(text, "*?[") != NULL;
}

/* app.Outer.Inner: "Inner" and "Outer.Inner" are names without the module. */
static bool is_bare_name_of(const char *full, const char *name)
{
    size_t length = strlen(full), tail = strlen(name);
    return length > tail && full[length - tail - 1] == '.' && !strcmp(full + length - tail, name);
}

static const char *last_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot[1] ? dot + 1 : name;
}

/* 0: the same but for the module or upper and lower case; more: less alike; FAR: not alike. */
static unsigned name_distance(const char *name, const char *wanted)
{
    const char *a = last_part(name), *b = last_part(wanted);
    if (!*b)
        return FAR;
    if (!strcasecmp(a, b) || !strcasecmp(name, wanted))
        return 0;
    if (strcasestr(a, b))
        return 1;
    unsigned apart = edit_distance(a, b), whole = edit_distance(name, wanted);
    size_t length = strlen(b);
    if (whole <= 1 + strlen(wanted) / 8 && whole < apart)
        apart = whole;
    if (apart <= 1 + length / 4)
        return 1 + apart;
    return strcasestr(name, b) ? 64 : FAR;
}

/* Among equals the one whose whole name is nearer. */
static unsigned distance(const char *name, const char *wanted)
{
    unsigned near = name_distance(name, wanted), whole = edit_distance(name, wanted);
    return near == FAR ? FAR : near * 256 + (whole < 255 ? whole : 255);
}

struct near {
    unsigned distance;
    const char *name;
};

static int nearer(const struct near *a, const struct near *b)
{
    if (a->distance != b->distance)
        return a->distance < b->distance ? -1 : 1;
    return strcmp(a->name, b->name);
}

bool type_names_nearest(const char *const *names, size_t count, const char *text, struct text_buffer *to)
{
    struct near best[NEAREST_SHOWN];
    size_t found = 0;
    char plain[256];
    size_t length = 0;
    for (const char *c = text; *c && length + 1 < sizeof plain; c++)
        if (!strchr("*?[]", *c))
            plain[length++] = *c;
    plain[length] = 0;
    for (size_t i = 0; i < count; i++) {
        struct near one = {distance(names[i], plain), names[i]};
        if (one.distance == FAR)
            continue;
        size_t at = found;
        while (at > 0 && nearer(&one, &best[at - 1]) < 0)
            at--;
        if (at == NEAREST_SHOWN || (at > 0 && !strcmp(best[at - 1].name, one.name)))
            continue;
        size_t last = found < NEAREST_SHOWN ? found++ : NEAREST_SHOWN - 1;
        for (; last > at; last--)
            best[last] = best[last - 1];
        best[at] = one;
    }
    for (size_t i = 0; i < found; i++) {
        text_buffer_add(to, i ? ", " : "");
        text_buffer_add(to, best[i].name);
    }
    return found > 0;
}

static bool error_none(const char *const *names, size_t count, const char *text, struct error *err)
{
    struct text_buffer near = {0};
    bool any = type_names_nearest(names, count, text, &near);
    error_set(err, ERROR_NOT_FOUND, "no type %s among its %zu types%s%s", *text ? text : "''", count,
              any ? "; there is " : "", text_buffer_text(&near));
    text_buffer_free(&near);
    return false;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Distinct names, sorted, into list[0] to list[*count - 1]. */
static void make_distinct(const char **list, size_t *count)
{
    size_t kept = 0;
    qsort(list, *count, sizeof *list, by_text);
    for (size_t i = 0; i < *count; i++)
        if (!kept || strcmp(list[kept - 1], list[i]) != 0)
            list[kept++] = list[i];
    *count = kept;
}

static bool match_bare(const char *const *names, size_t count, const char *text, bool *matches,
                       struct error *err)
{
    const char **list = malloc((count ? count : 1) * sizeof *list);
    size_t found = 0;
    if (!list)
        return error_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        matches[i] = is_bare_name_of(names[i], text);
        if (matches[i])
            list[found++] = names[i];
    }
    make_distinct(list, &found);
    if (found > 1) {
        struct text_buffer all = {0};
        for (size_t i = 0; i < found; i++) {
            text_buffer_add(&all, i ? ", " : "");
            text_buffer_add(&all, list[i]);
        }
        error_set(err, ERROR_USAGE, "%s is the name of %zu types: %s; give one of them, or '*.%s' for all",
                  text, found, text_buffer_text(&all), text);
        text_buffer_free(&all);
    }
    free(list);
    return found == 1 || (found ? false : error_none(names, count, text, err));
}

bool type_names_match(const char *const *names, size_t count, const char *text, bool *matches,
                      struct error *err)
{
    bool any = false, glob = type_names_is_glob(text);
    for (size_t i = 0; i < count; i++) {
        matches[i] = !strcmp(names[i], text) || (glob && !fnmatch(text, names[i], 0));
        any |= matches[i];
    }
    if (any)
        return true;
    if (!*text)
        return error_none(names, count, text, err);
    return match_bare(names, count, text, matches, err);
}
