/* An expression is read by writing: at each object what it holds is spelled, and the spelling that the text
   goes on with is taken. So whatever heldby prints, it finds again, and no second grammar can disagree with
   the first. */
#include "lib/query/expression.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/query/expression_error.h"
#include "lib/query/path_runs.h"
#include "lib/query/spelling.h"

/* A place reached: the object, and how much of the text is read. Places are tried in the order they were
 * found. */
struct place {
    object_id object;
    size_t at;
    uint32_t root; /* where it began: index into heap->roots */
};

enum { COMPARED = 1024, MOST_PLACES = 1 << 24 };

struct parse {
    struct view *view;
    const char *text;
    size_t length;
    struct place *place;
    size_t count, capacity;
    struct place furthest; /* where it went on to furthest; object 0: at a root nowhere */
};

/* A step ends where another can begin. */
static bool is_boundary(const char *rest)
{
    return !*rest || *rest == '.' || *rest == '[' || *rest == '{' || *rest == ' ';
}

static bool reach(struct parse *p, object_id object, size_t at, uint32_t root, struct error *err)
{
    /* The same place twice is one answer. Places of one step stand together, so the newest ones are enough.
     */
    for (size_t i = p->count; i > 0 && p->count - i < COMPARED; i--)
        if (p->place[i - 1].object == object && p->place[i - 1].at == at)
            return true;
    if (p->count >= MOST_PLACES)
        return error_set(err, ERROR_USAGE, "this path means too many objects: give an address");
    if (!vector_reserve((void **)&p->place, &p->capacity, p->count + 1, sizeof *p->place, err))
        return false;
    p->place[p->count++] = (struct place){object, at, root};
    if (at > p->furthest.at)
        p->furthest = p->place[p->count - 1];
    return true;
}

static bool continues(const struct parse *p, size_t at, const struct text_buffer *spelled)
{
    return spelled->length && p->length - at >= spelled->length &&
           !memcmp(p->text + at, spelled->text, spelled->length) &&
           is_boundary(p->text + at + spelled->length);
}

/* A running generator is spelled as its frame, as far as what it holds goes; app.gen alone is the function.
 */
static bool reach_root(struct parse *p, uint32_t root, struct text_buffer *spelled, struct error *err)
{
    const struct heap_root *r = &view_heap(p->view)->roots[root];
    size_t at = spelled->length;
    if (r->kind != ROOT_FRAME || !root_is_target(r))
        return reach(p, r->target, at, root, err);
    text_buffer_add(spelled, SPELLING_FRAME_ITSELF);
    if (!spelled->failed && continues(p, 0, spelled))
        return reach(p, r->target, spelled->length, root, err);
    return at == p->length || reach(p, r->target, at, root, err);
}

/* A text of names cannot begin at a root written with brackets, and there may be very many of those; nor at a
 * word of native memory, which has a space in it. */
static bool may_begin_at(const struct parse *p, const struct heap_root *root)
{
    if (root_kind_is_native(root->kind))
        return *p->text != '<' && strchr(p->text, ' ');
    return (root->kind != ROOT_MODULE && root->kind != ROOT_FRAME) == (*p->text == '<');
}

/* What a word of native memory points to may be called as the word is, without an arrow. */
static bool is_bare_word(const struct parse *p, const struct heap_root *root,
                         const struct text_buffer *spelled)
{
    const size_t arrow = strlen(" ->");
    return root_kind_is_native(root->kind) && spelled->length == p->length + arrow &&
           !memcmp(spelled->text, p->text, p->length);
}

static bool start_at_roots(struct parse *p, struct error *err)
{
    const struct heap *heap = view_heap(p->view);
    struct text_buffer spelled = {0};
    bool ok = true;
    for (uint32_t i = 0; ok && i < heap->root_count; i++) {
        if (!may_begin_at(p, &heap->roots[i]))
            continue;
        text_buffer_clear(&spelled);
        spelling_root(p->view, i, &spelled);
        if (spelled.failed)
            ok = error_no_memory(err);
        else if (continues(p, 0, &spelled))
            ok = reach_root(p, i, &spelled, err);
        else if (is_bare_word(p, &heap->roots[i], &spelled))
            ok = reach(p, heap->roots[i].target, p->length, i, err);
    }
    text_buffer_free(&spelled);
    return ok;
}

static bool step(struct parse *p, struct place from, struct error *err)
{
    struct holds holds = {0};
    struct text_buffer spelled = {0};
    bool ok = referents_of(p->view, from.object, &holds, err);
    for (size_t i = 0; ok && i < holds.count; i++) {
        text_buffer_clear(&spelled);
        spelling_step(p->view, &holds.item[i], &spelled);
        if (spelled.failed)
            ok = error_no_memory(err);
        else if (continues(p, from.at, &spelled))
            ok = reach(p, holds.item[i].object, from.at + spelled.length, from.root, err);
    }
    if (ok) {
        const char class_step[] = ".__class__";
        const struct heap *heap = view_heap(p->view);
        object_id type = heap->types[heap_type_of(heap, from.object)].object;
        text_buffer_clear(&spelled);
        text_buffer_add(&spelled, class_step);
        if (type && !spelled.failed && continues(p, from.at, &spelled))
            ok = reach(p, type, from.at + spelled.length, from.root, err);
    }
    text_buffer_free(&spelled);
    holds_free(&holds);
    return ok;
}

static object_id fail(struct parse *p, struct error *err)
{
    if (p->furthest.object)
        expression_error_step(p->view, p->furthest.object, p->text, p->furthest.at, err);
    else
        expression_error_start(p->view, p->text, err);
    return 0;
}

/* All places at the end of the text are answers; more than one object is too many. */
static object_id only_answer(struct parse *p, struct error *err)
{
    enum { SHOWN = 8 };
    const struct heap *heap = view_heap(p->view);
    object_id found = 0;
    size_t answers = 0;
    struct text_buffer list = {0};
    for (size_t i = 0; i < p->count; i++) {
        if (p->place[i].at != p->length || p->place[i].object == found)
            continue;
        found = p->place[i].object;
        if (answers++ >= SHOWN)
            continue;
        const struct heap_root *root = &heap->roots[p->place[i].root];
        const char *thread = heap_string(heap, heap->threads[root->thread].name, NULL);
        text_buffer_format(&list, "%s0x%llx", answers > 1 ? ", " : "",
                           (unsigned long long)heap->address[found]);
        if (root->kind == ROOT_FRAME && *thread)
            text_buffer_format(&list, " in thread %s", thread);
    }
    if (answers > 1) {
        found = 0;
        error_set(err, ERROR_USAGE, "%s means %zu objects, give one by its address: %s%s", p->text, answers,
                  text_buffer_text(&list), answers > SHOWN ? ", ..." : "");
    } else if (!answers)
        fail(p, err);
    text_buffer_free(&list);
    return found;
}

static object_id follow_path(struct view *view, const char *text, struct error *err)
{
    struct parse p = {.view = view, .text = text, .length = strlen(text)};
    bool ok =
        p.length > 0 || error_set(err, ERROR_USAGE, "an object is needed: an address, @number or a path");
    ok = ok && start_at_roots(&p, err);
    for (size_t i = 0; ok && i < p.count; i++)
        if (p.place[i].at < p.length) {
            struct place from = p.place[i]; /* the array may move */
            ok = step(&p, from, err);
        }
    object_id found = ok ? only_answer(&p, err) : 0;
    free(p.place);
    return found;
}

/* Behind the quoted text that begins at `c`, or its end if the quote is never closed. */
static const char *behind_quoted(const char *c)
{
    const char *at = c + 1;
    while (*at && *at != *c)
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

/* Python has more than one spelling of a key: ["k"] is ['k'], and (1,2) is (1, 2). */
static void respell(const char *text, struct text_buffer *to)
{
    unsigned depth = 0;
    for (const char *c = text, *next; *c; c = next) {
        next = c + 1;
        depth += *c == '[' || *c == '(';
        depth -= depth && (*c == ']' || *c == ')');
        if (depth && (*c == '"' || *c == '\'')) {
            next = behind_quoted(c);
            size_t length = (size_t)(next - c);
            /* With an apostrophe or an escape in it, Python itself would quote it this way. */
            bool other = *c == '"' && length > 1 && !memchr(c, '\'', length) && !memchr(c, '\\', length);
            text_buffer_add(to, other ? "'" : "");
            text_buffer_add_n(to, other ? c + 1 : c, other ? length - 2 : length);
            text_buffer_add(to, other ? "'" : "");
        } else {
            text_buffer_add_n(to, c, 1);
            if (depth && *c == ',' && c[1] != ' ' && c[1] != ')')
                text_buffer_add(to, " ");
        }
    }
}

static object_id find_path(struct view *view, const char *text, struct error *err)
{
    object_id found = follow_path(view, text, err);
    if (found || (err && err->code != ERROR_NOT_FOUND))
        return found;
    struct text_buffer other = {0};
    respell(text, &other);
    struct error why; /* of the other spelling: the user knows only his own */
    if (!other.failed && strcmp(text_buffer_text(&other), text) != 0)
        found = follow_path(view, text_buffer_text(&other), &why);
    text_buffer_free(&other);
    return found;
}

static bool read_number(const char *text, uint64_t *ret)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? text + 2 : text;
    *ret = 0;
    if (!*digits)
        return false;
    for (; *digits; digits++) {
        unsigned value = *digits >= '0' && *digits <= '9'          ? (unsigned)(*digits - '0')
                         : hex && *digits >= 'a' && *digits <= 'f' ? (unsigned)(*digits - 'a') + 10
                         : hex && *digits >= 'A' && *digits <= 'F' ? (unsigned)(*digits - 'A') + 10
                                                                   : 16;
        if (value == 16 || __builtin_mul_overflow(*ret, hex ? 16u : 10u, ret) ||
            __builtin_add_overflow(*ret, value, ret))
            return false;
    }
    return true;
}

/* A path whose runs of alike steps are folded is read as if they were not. */
static object_id find_folded(struct view *view, const char *text, struct error *err)
{
    struct text_buffer whole = {0};
    object_id found = 0;
    if (path_runs_expand(text, &whole)) {
        found = find_path(view, text_buffer_text(&whole), err);
        if (!found && err && err->code == ERROR_NOT_FOUND) /* not in its whole length */
            error_set(err, ERROR_NOT_FOUND, "nothing is at %s", text);
    } else {
        found = find_path(view, text, err);
    }
    text_buffer_free(&whole);
    return found;
}

object_id expression_find(struct view *view, const char *text, struct error *err)
{
    const struct heap *heap = view_heap(view);
    uint64_t number;
    if (*text == '@') {
        if (!read_number(text + 1, &number) || text[1] == '0')
            error_set(err, ERROR_USAGE, "%s is no object number", text);
        else if (number > heap->object_count)
            error_set(err, ERROR_NOT_FOUND, "no object %s: its objects are @1 to @%u", text,
                      heap->object_count);
        else
            return (object_id)number;
        return 0;
    }
    if (*text < '0' || *text > '9')
        return find_folded(view, text, err);
    if (!read_number(text, &number)) {
        error_set(err, ERROR_USAGE, "%s is no address", text);
        return 0;
    }
    object_id found = number ? heap_find_address(heap, number) : 0;
    if (!found)
        expression_error_address(view, number, err);
    return found;
}
