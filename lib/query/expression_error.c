#include "lib/query/expression_error.h"

#include <string.h>

#include "lib/base/edit_distance.h"
#include "lib/base/text_buffer.h"
#include "lib/query/holders.h"
#include "lib/query/spelling.h"

enum { SHOWN = 6, TEXT_ROOM = 100, FAR = 1000, FARTHER };

/* Bytes up to the end of the quoted text that begins at text[0]; 0: it does not end. */
static size_t quoted_length(const char *text)
{
    for (size_t i = 1; text[i]; i++) {
        if (text[i] == '\\' && text[i + 1])
            i++;
        else if (text[i] == *text)
            return i + 1;
    }
    return 0;
}

/* Bytes from an opening bracket to behind its closing one; 0: it is not closed. */
static size_t bracketed_length(const char *text)
{
    size_t open = 0;
    for (size_t i = 0; text[i];) {
        if (text[i] == '\'' || text[i] == '"') {
            size_t quoted = quoted_length(text + i);
            if (!quoted)
                return 0;
            i += quoted;
            continue;
        }
        open += text[i] == '[';
        open -= text[i] == ']';
        i++;
        if (!open)
            return i;
    }
    return 0;
}

/* Where a bracket is opened that is not closed, or closed that is not open; strlen if all is well. */
static size_t unbalanced_at(const char *text)
{
    size_t at = 0;
    while (text[at]) {
        if (text[at] == ']')
            return at;
        size_t length = text[at] == '[' ? bracketed_length(text + at) : 1;
        if (!length)
            return at;
        at += length;
    }
    return at;
}

static bool error_unbalanced(const char *text, struct error *err)
{
    size_t at = unbalanced_at(text);
    if (text[at] == ']')
        return error_set(err, ERROR_USAGE, "unbalanced brackets: in %s the ] behind %.*s closes none", text,
                         (int)at, text);
    return error_set(err, ERROR_USAGE,
                     "unbalanced brackets: in %s the [ behind %.*s is not closed, or a quote in it is not",
                     text, (int)at, text);
}

/* Bytes of the step that text begins with: .name, .<locals>.name, ['k7'], {*}. */
static size_t step_length(const char *text)
{
    if (*text == '[') {
        size_t length = bracketed_length(text);
        return length ? length : strlen(text);
    }
    size_t length = *text ? 1 + strcspn(text + 1, ".[{ ") : 0;
    if (length && text[length - 1] == '>' && text[length] == '.')
        length += 1 + strcspn(text + length + 1, ".[{ ");
    return length;
}

/* The few that come nearest to a wanted text, nearest first, then as they came. */
struct nearest {
    unsigned distance[SHOWN];
    char text[SHOWN][TEXT_ROOM];
    size_t count;
};

static void offer(struct nearest *n, const char *text, unsigned distance)
{
    for (size_t i = 0; i < n->count; i++)
        if (!strcmp(n->text[i], text))
            return;
    size_t at = n->count;
    while (at > 0 && distance < n->distance[at - 1])
        at--;
    if (at == SHOWN || strlen(text) >= TEXT_ROOM)
        return;
    size_t last = n->count < SHOWN ? n->count++ : SHOWN - 1;
    for (; last > at; last--) {
        n->distance[last] = n->distance[last - 1];
        memcpy(n->text[last], n->text[last - 1], TEXT_ROOM);
    }
    n->distance[at] = distance;
    memcpy(n->text[at], text, strlen(text) + 1);
}

static void add_list(const struct nearest *n, struct text_buffer *to)
{
    for (size_t i = 0; i < n->count; i++) {
        text_buffer_add(to, i ? ", " : "");
        text_buffer_add(to, n->text[i]);
    }
}

/* Words that are not alike at all are equally far, so that they stay in the order of the object; those that
   every object has come last. */
static unsigned likeness(const char *text, const char *wanted)
{
    unsigned distance = edit_distance(text, wanted);
    if (distance <= 1 + strlen(wanted) / 3)
        return distance;
    return strncmp(text, ".__", 3) ? FAR : FARTHER;
}

static void add_instead(struct view *view, object_id object, const char *wanted, struct text_buffer *to)
{
    struct holds holds = {0};
    struct nearest nearest = {0};
    struct text_buffer spelled = {0};
    size_t items = 0, steps = 0;
    if (!referents_of(view, object, &holds, NULL))
        return;
    for (size_t i = 0; i < holds.count; i++) {
        if (holds.item[i].kind == REFERENCE_KEY_OBJECT)
            continue;
        steps++;
        items += holds.item[i].kind == REFERENCE_INDEX;
        text_buffer_clear(&spelled);
        spelling_step(view, &holds.item[i], &spelled);
        offer(&nearest, text_buffer_text(&spelled), likeness(text_buffer_text(&spelled), wanted));
    }
    if (!steps) {
        text_buffer_add(to, "; it holds nothing");
    } else if (steps == items && items > SHOWN) {
        text_buffer_format(to, "; there is [0] to [%zu]", items - 1);
    } else {
        size_t alike = 0;
        while (alike < nearest.count && nearest.distance[alike] < FAR)
            alike++;
        nearest.count = alike ? alike : nearest.count;
        text_buffer_add(to, "; there is ");
        add_list(&nearest, to);
        if (steps > nearest.count)
            text_buffer_format(to, " and %zu more", steps - nearest.count);
    }
    text_buffer_free(&spelled);
    holds_free(&holds);
}

/* "dict of 3", "module app", "str 'abc'", "app.Session" */
static void add_kind(struct view *view, object_id object, struct text_buffer *to)
{
    const char *type = heap_type_name(view_heap(view), object);
    struct text_buffer preview = {0};
    spelling_preview(view, object, &preview);
    if (strncmp(text_buffer_text(&preview), type, strlen(type)) != 0) {
        text_buffer_add(to, type);
        text_buffer_add(to, preview.length ? " " : "");
    }
    text_buffer_add(to, preview.length ? text_buffer_text(&preview) : "");
    text_buffer_free(&preview);
}

/* What a running function has is no step from its module, but the text of a root. */
static void add_running(struct view *view, const char *text, struct text_buffer *to)
{
    const struct heap *heap = view_heap(view);
    struct nearest nearest = {0};
    struct text_buffer spelled = {0};
    if (!strstr(text, ".<"))
        return;
    for (uint32_t r = 0; r < heap->root_count; r++) {
        if (heap->roots[r].kind != ROOT_FRAME)
            continue;
        text_buffer_clear(&spelled);
        spelling_root(view, r, &spelled);
        unsigned distance = likeness(text_buffer_text(&spelled), text);
        if (distance < FAR)
            offer(&nearest, text_buffer_text(&spelled), distance);
    }
    text_buffer_add(to, nearest.count ? "; running there is " : "");
    add_list(&nearest, to);
    text_buffer_free(&spelled);
}

bool expression_error_step(struct view *view, object_id object, const char *text, size_t at,
                           struct error *err)
{
    struct text_buffer why = {0}, wanted = {0};
    if (text[unbalanced_at(text)])
        return error_unbalanced(text, err);
    size_t length = step_length(text + at);
    text_buffer_add_n(&wanted, text + at, length);
    text_buffer_add_n(&why, text, at);
    text_buffer_add(&why, " (");
    add_kind(view, object, &why);
    text_buffer_format(&why, ") has no %s", text_buffer_text(&wanted));
    if (text[at + length])
        text_buffer_format(&why, ", before %s", text + at + length);
    add_instead(view, object, text_buffer_text(&wanted), &why);
    add_running(view, text, &why);
    error_set(err, ERROR_NOT_FOUND, "%s", text_buffer_text(&why));
    text_buffer_free(&why);
    text_buffer_free(&wanted);
    return false;
}

/* As many dotted parts of the text as the name has. */
static void take_parts(const char *text, const char *name, struct text_buffer *to)
{
    size_t parts = 1, length = 0;
    for (const char *c = name; *c; c++)
        parts += *c == '.';
    for (; text[length] && !strchr("[{<", text[length]); length++)
        if (text[length] == '.' && --parts == 0)
            break;
    text_buffer_clear(to);
    text_buffer_add_n(to, text, length);
}

/* Modules with a name like the one the text begins with, and those that have a global of its name. */
static void offer_starts(struct view *view, const char *text, struct nearest *nearest)
{
    const struct heap *heap = view_heap(view);
    struct text_buffer part = {0}, spelled = {0}, global = {0}, one = {0}, two = {0};
    size_t first = strcspn(text, ".[{");
    text_buffer_add_n(&one, text, first);
    if (text[first] == '.')
        text_buffer_add_n(&two, text + first + 1, strcspn(text + first + 1, ".[{"));
    for (uint32_t r = 0; r < heap->root_count; r++) {
        const struct heap_root *root = &heap->roots[r];
        if (root->kind != ROOT_MODULE)
            continue;
        text_buffer_clear(&spelled);
        spelling_root(view, r, &spelled);
        take_parts(text, text_buffer_text(&spelled), &part);
        unsigned distance = likeness(text_buffer_text(&spelled), text_buffer_text(&part));
        if (distance < FAR)
            offer(nearest, text_buffer_text(&spelled), distance);
        struct holds holds = {0};
        if (!referents_of(view, root->target, &holds, NULL))
            continue;
        for (size_t i = 0; i < holds.count; i++) {
            if (holds.item[i].kind != REFERENCE_GLOBAL)
                continue;
            text_buffer_clear(&global);
            spelling_step(view, &holds.item[i], &global);
            if (!strcmp(text_buffer_text(&global) + 1, text_buffer_text(&one)) ||
                !strcmp(text_buffer_text(&global) + 1, text_buffer_text(&two))) {
                text_buffer_add(&spelled, text_buffer_text(&global));
                offer(nearest, text_buffer_text(&spelled), 0);
                break;
            }
        }
        holds_free(&holds);
    }
    text_buffer_free(&part);
    text_buffer_free(&spelled);
    text_buffer_free(&global);
    text_buffer_free(&one);
    text_buffer_free(&two);
}

bool expression_error_start(struct view *view, const char *text, struct error *err)
{
    if (text[unbalanced_at(text)])
        return error_unbalanced(text, err);
    struct nearest nearest = {0};
    struct text_buffer near = {0};
    if (*text != '<')
        offer_starts(view, text, &nearest);
    if (nearest.count) {
        text_buffer_add(&near, "; there is ");
        add_list(&nearest, &near);
    }
    error_set(err, ERROR_NOT_FOUND,
              "nothing is called %s: no module, running function or other root that it starts with%s", text,
              text_buffer_text(&near));
    text_buffer_free(&near);
    return false;
}

static void add_process(const struct heap *heap, struct text_buffer *to)
{
    const struct heap_fact *pid = heap_fact(heap, "pid");
    if (pid && pid->type == HEAP_FACT_U64)
        text_buffer_format(to, " (an id counts in its own process only, here process %llu)",
                           (unsigned long long)pid->u64);
}

bool expression_error_address(struct view *view, uint64_t address, struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct text_buffer why = {0};
    object_id below = 0;
    for (object_id id = 1; id <= heap->object_count; id++)
        if (heap->address[id] < address && (!below || heap->address[id] > heap->address[below]))
            below = id;
    text_buffer_format(&why, "no object at 0x%llx", (unsigned long long)address);
    struct heap_detail detail;
    uint64_t end = 0; /* the collector's head, in the size, stands before the address */
    if (below && heap_detail(heap, below, &detail))
        end = detail.flags & OBJECT_TRACKED && detail.size > 16 ? detail.size - 16 : detail.size;
    if (below && address - heap->address[below] < end) {
        text_buffer_format(&why, ": it lies %llu bytes behind the start of ",
                           (unsigned long long)(address - heap->address[below]));
        text_buffer_add(&why, heap_type_name(heap, below));
        text_buffer_format(&why, " 0x%llx (@%u)", (unsigned long long)heap->address[below], below);
    }
    add_process(heap, &why);
    error_set(err, ERROR_NOT_FOUND, "%s", text_buffer_text(&why));
    text_buffer_free(&why);
    return false;
}
