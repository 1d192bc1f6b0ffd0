#include "lib/query/attribute_filter.h"

#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text_buffer.h"
#include "lib/graph/shape_traits.h"
#include "lib/query/fold.h"
#include "lib/query/raw.h"
#include "lib/query/spelling.h"

enum comparison { PRESENT, EQUAL, NOT_EQUAL, MATCHES, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL };
enum verdict { UNKNOWN, YES, NO };

struct attribute_filter {
    struct view *view;
    char *name, *value; /* one block */
    enum comparison comparison;
    double number;
    regex_t regex;    /* MATCHES */
    uint8_t *verdict; /* [object_count + 1] of each value met */
    bool *names;      /* [string_count + 1]: strings that are the name */
    uint8_t *keys;    /* [object_count + 1]: of each key met, whether it is the name */
};

static bool read_operator(struct attribute_filter *f, char *text, struct error *err)
{
    size_t at = strcspn(text, "=!<>~");
    static const struct {
        const char *text;
        enum comparison comparison;
    } known[] = {{"!=", NOT_EQUAL}, {"<=", LESS_EQUAL}, {">=", GREATER_EQUAL}, {"==", EQUAL},
                 {"=", EQUAL},      {"<", LESS},        {">", GREATER},        {"~", MATCHES}};
    f->name = text;
    if (at == 0)
        return error_set(err, ERROR_USAGE,
                         "'%s' names no attribute: NAME, NAME=VALUE, NAME~REGEX or NAME>5 is meant", text);
    if (!text[at])
        return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t length = strlen(known[i].text);
        if (strncmp(text + at, known[i].text, length) != 0)
            continue;
        f->comparison = known[i].comparison;
        f->value = text + at + length;
        text[at] = 0;
        return true;
    }
    return error_set(err, ERROR_USAGE, "'%s' is no comparison: NAME=VALUE or !=, ~, <, <=, >, >= is meant",
                     text);
}

static bool prepare(struct attribute_filter *f, struct error *err)
{
    if (f->comparison == MATCHES) {
        int status = regcomp(&f->regex, f->value, REG_EXTENDED | REG_NOSUB);
        if (status) {
            char why[128];
            regerror(status, &f->regex, why, sizeof why);
            f->comparison = PRESENT; /* nothing to free */
            return status == REG_ESPACE
                       ? error_no_memory(err)
                       : error_set(err, ERROR_USAGE, "bad regular expression %s: %s", f->value, why);
        }
    } else if (f->comparison >= LESS) {
        char *end;
        f->number = strtod(f->value, &end);
        if (end == f->value || *end)
            return error_set(err, ERROR_USAGE,
                             "'%s' is no number: only numbers compare with <, <=, > and >=", f->value);
    }
    const struct heap *heap = view_heap(f->view);
    f->verdict = calloc((size_t)heap->object_count + 1, sizeof *f->verdict);
    f->keys = calloc((size_t)heap->object_count + 1, sizeof *f->keys);
    f->names = calloc((size_t)heap->string_count + 1, sizeof *f->names);
    if (!f->verdict || !f->keys || !f->names)
        return error_no_memory(err);
    for (string_id id = 1; id <= heap->string_count; id++)
        f->names[id] = !strcmp(heap_string(heap, id, NULL), f->name);
    return true;
}

struct attribute_filter *attribute_filter_create(struct view *view, const char *text, struct error *err)
{
    struct attribute_filter *f = calloc(1, sizeof *f);
    char *copy = f ? strdup(text) : NULL;
    if (!copy) {
        free(f);
        error_no_memory(err);
        return NULL;
    }
    f->view = view;
    f->name = copy;
    if (!read_operator(f, copy, err) || !prepare(f, err)) {
        attribute_filter_destroy(f);
        return NULL;
    }
    return f;
}

void attribute_filter_destroy(struct attribute_filter *filter)
{
    if (!filter)
        return;
    if (filter->comparison == MATCHES)
        regfree(&filter->regex);
    free(filter->name);
    free(filter->verdict);
    free(filter->keys);
    free(filter->names);
    free(filter);
}

/* The text of an object; *whole says whether the snapshot has all of it. */
static void add_text(const struct view *view, object_id object, struct text_buffer *text, bool *whole)
{
    const struct heap *heap = view_heap(view);
    struct heap_preview preview;
    *whole = true;
    if (heap_preview(heap, object, &preview) &&
        (preview.kind == PREVIEW_STR || preview.kind == PREVIEW_BYTES || preview.kind == PREVIEW_NAME)) {
        text_buffer_add_n(text, preview.text, preview.length);
        if (preview.kind == PREVIEW_STR)
            *whole = raw_code_points(preview.text, preview.length) >= preview.full_length;
        else if (preview.kind == PREVIEW_BYTES)
            *whole = preview.length >= preview.full_length;
    } else {
        spelling_preview(view, object, text);
    }
    for (size_t i = 0; i < text->length && !text->failed; i++)
        if (!text->text[i])
            text->text[i] = ' '; /* a NUL would end the text */
}

static bool equals(const struct attribute_filter *f, const char *text, bool whole)
{
    size_t length = strlen(f->value);
    if (!whole)
        return length && f->value[length - 1] == '*' && !fnmatch(f->value, text, 0);
    return !strcmp(text, f->value) || (strpbrk(f->value, "*?[") && !fnmatch(f->value, text, 0));
}

static bool is_number(const struct heap *heap, object_id object, const char *text, double *ret)
{
    struct heap_preview preview;
    char *end;
    if (!heap_preview(heap, object, &preview))
        return false;
    if (preview.kind == PREVIEW_BOOL) {
        *ret = !strcmp(text, "True");
        return true;
    }
    *ret = strtod(text, &end);
    return (preview.kind == PREVIEW_INT || preview.kind == PREVIEW_FLOAT) && end != text && !*end;
}

static bool compare(const struct attribute_filter *f, object_id object, const char *text, bool whole,
                    bool *failed)
{
    double number = 0;
    if (f->comparison >= LESS && !is_number(view_heap(f->view), object, text, &number))
        return false;
    switch (f->comparison) {
    case PRESENT:
        return true;
    case EQUAL:
        return equals(f, text, whole);
    case NOT_EQUAL:
        return !equals(f, text, whole);
    case MATCHES: {
        int status = regexec(&f->regex, text, 0, NULL, 0);
        *failed |= status == REG_ESPACE;
        return status == 0;
    }
    case LESS:
        return number < f->number;
    case LESS_EQUAL:
        return number <= f->number;
    case GREATER:
        return number > f->number;
    case GREATER_EQUAL:
        return number >= f->number;
    }
    return false;
}

static bool value_matches(struct attribute_filter *f, object_id value, bool *failed)
{
    if (f->comparison == PRESENT)
        return true;
    if (f->verdict[value] == UNKNOWN) {
        struct text_buffer text = {0};
        bool whole;
        add_text(f->view, value, &text, &whole);
        *failed |= text.failed;
        f->verdict[value] = compare(f, value, text_buffer_text(&text), whole, failed) ? YES : NO;
        text_buffer_free(&text);
    }
    return f->verdict[value] == YES;
}

/* A str key is its text; any other as Python would write it: 7, (1, 2). */
static bool key_is_name(struct attribute_filter *f, object_id key, bool *failed)
{
    if (f->keys[key] == UNKNOWN) {
        struct text_buffer text = {0};
        struct heap_preview preview;
        if (raw_text(view_heap(f->view), key, &preview))
            text_buffer_add_n(&text, preview.text, preview.length);
        else if (heap_family(view_heap(f->view), key) != FAMILY_STR)
            spelling_key(f->view, key, &text);
        *failed |= text.failed;
        f->keys[key] = !strcmp(text_buffer_text(&text), f->name) ? YES : NO;
        text_buffer_free(&text);
    }
    return f->keys[key] == YES;
}

static bool is_named(struct attribute_filter *f, const struct reference *raw, bool *failed)
{
    if (raw->name)
        return f->names[raw->name];
    if (raw->key)
        return raw->kind != REFERENCE_KEY_OBJECT && key_is_name(f, raw->key, failed);
    if (raw->kind != REFERENCE_FIELD)
        return false;
    struct hold hold = fold_none(f->view, raw); /* a type may name a member by its offset */
    return hold.name && !strcmp(hold.name, f->name);
}

bool attribute_filter_matches(struct attribute_filter *filter, object_id object, bool *failed)
{
    const struct heap *heap = view_heap(filter->view);
    object_id part[2] = {object, 0};
    for (int p = 0; p < 2 && part[p]; p++) {
        uint64_t end = csr_end(&heap->edges, part[p]);
        for (uint64_t edge = csr_start(&heap->edges, part[p]); edge < end; edge++) {
            struct reference raw = heap_reference(heap, part[p], edge);
            if (!raw.target)
                continue;
            if (p == 0 && reference_kind_is_part(raw.kind) && raw.target != object)
                part[1] = raw.target;
            if (is_named(filter, &raw, failed) && value_matches(filter, raw.target, failed))
                return true;
        }
    }
    return false;
}
