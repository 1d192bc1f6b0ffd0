#include "lib/query/spelling.h"

#include <stdio.h>
#include <string.h>

#include "lib/query/raw.h"
#include "lib/query/view_private.h"

enum { LARGE_OFFSET = 256 };

const char *spelling_kind(enum reference_kind kind)
{
    static const char *const words[REFERENCE_KINDS] = {
        "",          "global",     "local",   "stack",  "attribute", "slot",    "class_attribute",
        "key",       "key_object", "index",   "member", "cell",      "default", "self",
        "function",  "field",      "cache",   "weak",   "type",      "buffer",  "pointer",
        "namespace", "frame",      "globals", "stale"};
    return (unsigned)kind < REFERENCE_KINDS ? words[kind] : "";
}

const char *spelling_root_kind(enum root_kind kind)
{
    static const char *const words[ROOT_KINDS] = {
        "",         "module",   "frame",        "thread",      "interpreter", "c_reference", "static",
        "immortal", "register", "native_stack", "module_data", "tls",         "mapping"};
    return (unsigned)kind < ROOT_KINDS ? words[kind] : "";
}

const char *spelling_label(enum type_label label)
{
    static const char *const words[TYPE_LABELS] = {"runtime", "vtable", "rtti",
                                                   "dwarf",   "known",  "size_class"};
    return (unsigned)label < TYPE_LABELS ? words[label] : words[0];
}

const char *spelling_family(enum family family)
{
    static const char *const words[FAMILIES] = {
        "other",     "type",      "str",        "bytes",        "int",       "float",     "bool",
        "None",      "list",      "tuple",      "dict",         "set",       "module",    "function",
        "code",      "cell",      "method",     "frame",        "generator", "weakref",   "bytearray",
        "exception", "deque",     "builtin",    "mappingproxy", "partial",   "lru_cache", "lru_link",
        "property",  "traceback", "descriptor", "context",      "iterator",  "native"};
    return (unsigned)family < FAMILIES ? words[family] : "other";
}

/* The name of a reference, from where the hold has it; false: it has none. */
static bool name_of(const struct view *view, const struct hold *hold, struct heap_preview *ret)
{
    if (hold->name && *hold->name) {
        *ret = (struct heap_preview){.text = hold->name, .length = (uint32_t)strlen(hold->name)};
        return true;
    }
    return hold->key && raw_text(view->heap, hold->key, ret);
}

/* What stands in brackets: the key, written as Python would. */
static void add_bracketed_key(const struct view *view, const struct hold *hold, struct text_buffer *to)
{
    if (hold->key)
        spelling_key(view, hold->key, to);
    else if (hold->name && *hold->name)
        spelling_str(hold->name, strlen(hold->name), SPELLING_KEY, false, to);
    else
        text_buffer_format(to, "<pair %lld>", (long long)hold->number);
}

/* The variable under which a context (a hash array mapped trie, Python/hamt.c) has a value: a node reports
 * each value, then its key. 0: the reference is none of those. */
static object_id context_variable(const struct heap *heap, const struct hold *hold)
{
    static const char *const nodes[] = {"hamt_bitmap_node", "hamt_collision_node"};
    const char *type = heap_type_name(heap, hold->holder);
    if (hold->number >= 0 || !hold->holder || (strcmp(type, nodes[0]) != 0 && strcmp(type, nodes[1]) != 0))
        return 0;
    const struct heap_shape *shape = &heap->shapes[heap->shape[hold->holder]];
    uint64_t edge =
        csr_start(&heap->edges, hold->holder) + shape->field_count + (uint64_t)(-1 - hold->number);
    if (edge + 1 >= csr_end(&heap->edges, hold->holder) || heap->edges.item[edge] != hold->object)
        return 0;
    object_id key = heap->edges.item[edge + 1];
    const char *key_type = key ? heap_type_name(heap, key) : "";
    const char *last = strrchr(key_type, '.');
    return !strncmp(heap_type_name(heap, hold->object), "hamt_", 5) ||
                   strcmp(last ? last + 1 : key_type, "ContextVar") != 0
               ? 0
               : key;
}

/* [<ContextVar request>] */
static bool add_context_variable(const struct view *view, const struct hold *hold, bool pattern,
                                 struct text_buffer *to)
{
    struct heap_preview name;
    object_id variable = context_variable(view->heap, hold);
    if (!variable)
        return false;
    if (pattern)
        text_buffer_add(to, "[*]");
    else if (raw_text(view->heap, raw_field(view->heap, variable, "name", NULL), &name)) {
        text_buffer_add(to, "[<ContextVar ");
        text_buffer_add_n(to, name.text, name.length);
        text_buffer_add(to, ">]");
    } else {
        text_buffer_add(to, "[");
        spelling_key(view, variable, to);
        text_buffer_add(to, "]");
    }
    return true;
}

static void add_dotted(const struct view *view, const struct hold *hold, const char *before,
                       struct text_buffer *to)
{
    struct heap_preview name;
    if (!name_of(view, hold, &name) &&
        hold->number < 0) { /* reported by the type, at no offset of the object */
        text_buffer_format(to, "%s<field #%lld>", before, (long long)(-1 - hold->number));
        return;
    }
    if (!name_of(view, hold, &name)) {
        text_buffer_format(to, "%s<%s +0x%llx>", before,
                           hold->kind == REFERENCE_FIELD ? "field" : spelling_kind(hold->kind),
                           (unsigned long long)hold->number);
        return;
    }
    if (name.text[0] == '<' || spelling_is_identifier(name.text, name.length) ||
        hold->kind == REFERENCE_LOCAL) {
        text_buffer_add(to, before);
        text_buffer_add_n(to, name.text, name.length);
    } else { /* setattr takes any str */
        text_buffer_add(to, ".__dict__[");
        spelling_str(name.text, name.length, SPELLING_KEY, false, to);
        text_buffer_add_n(to, "]", 1);
    }
}

/* A pointer in native memory: where it stands in its holder. */
static void add_pointer(const struct hold *hold, bool pattern, struct text_buffer *to)
{
    char place[32] = "+?";
    if (pattern && hold->number >= LARGE_OFFSET) /* more likely one of an array than a field */
        snprintf(place, sizeof place, "+*");
    else if (hold->number >= 0)
        snprintf(place, sizeof place, "+0x%llx", (unsigned long long)hold->number);
    if (hold->kind == REFERENCE_STALE)
        text_buffer_format(to, ".<stale %s> ->", place);
    else if (hold->kind == REFERENCE_POINTER && hold->certainty != CERTAINTY_EXACT)
        text_buffer_format(to, ".<interior %s> ->", place);
    else
        text_buffer_format(to, " %s ->", place);
}

static void add_step(const struct view *view, const struct hold *hold, bool pattern, struct text_buffer *to)
{
    char number[24] = "*";
    if (!pattern)
        snprintf(number, sizeof number, "%lld", (long long)hold->number);
    switch (hold->kind) {
    case REFERENCE_LOCAL:
        add_dotted(view, hold, ".<locals>.", to);
        break;
    case REFERENCE_STACK:
        text_buffer_format(to, ".<stack>[%s]", number);
        break;
    case REFERENCE_KEY:
        text_buffer_add_n(to, "[", 1);
        if (pattern)
            text_buffer_add_n(to, "*", 1);
        else
            add_bracketed_key(view, hold, to);
        text_buffer_add_n(to, "]", 1);
        break;
    case REFERENCE_KEY_OBJECT:
        text_buffer_format(to, ".keys()[%s]", number);
        break;
    case REFERENCE_INDEX:
        text_buffer_format(to, "[%s]", number);
        break;
    case REFERENCE_MEMBER:
        text_buffer_add(to, "{*}");
        break;
    case REFERENCE_CELL:
        if (heap_family(view->heap, hold->holder) == FAMILY_CELL)
            add_dotted(view, hold, ".", to);
        else if (hold->name && *hold->name)
            add_dotted(view, hold, ".<closure>.", to);
        else
            text_buffer_format(to, ".<closure>[%s]", number);
        break;
    case REFERENCE_CACHE:
        if (!holders_is_cached_value(hold)) {
            text_buffer_add(to, ".<cache dict>"); /* not .<cache>: what follows that is a key */
            break;
        }
        text_buffer_add(to, ".<cache>[");
        if (pattern)
            text_buffer_add_n(to, "*", 1);
        else
            add_bracketed_key(view, hold, to);
        text_buffer_add_n(to, "]", 1);
        break;
    case REFERENCE_WEAK:
        text_buffer_add(to, ".<weak>");
        break;
    case REFERENCE_TYPE:
        text_buffer_add(to, ".__class__");
        break;
    case REFERENCE_BUFFER:
    case REFERENCE_POINTER:
    case REFERENCE_STALE:
        add_pointer(hold, pattern, to);
        break;
    default:
        if (hold->number >= 0 || !add_context_variable(view, hold, pattern, to))
            add_dotted(view, hold, ".", to);
    }
}

void spelling_step(const struct view *view, const struct hold *hold, struct text_buffer *to)
{
    add_step(view, hold, false, to);
}

void spelling_pattern(const struct view *view, const struct hold *hold, struct text_buffer *to)
{
    add_step(view, hold, true, to);
}

void spelling_name(const struct view *view, const struct hold *hold, struct text_buffer *to)
{
    struct heap_preview name;
    switch (hold->kind) {
    case REFERENCE_MEMBER:
    case REFERENCE_WEAK:
        return;
    case REFERENCE_TYPE:
        text_buffer_add(to, "__class__");
        return;
    case REFERENCE_KEY:
        add_bracketed_key(view, hold, to);
        return;
    case REFERENCE_CACHE:
        if (holders_is_cached_value(hold)) {
            add_bracketed_key(view, hold, to);
            return;
        }
        break;
    case REFERENCE_STACK:
    case REFERENCE_KEY_OBJECT:
    case REFERENCE_INDEX:
        text_buffer_format(to, "%lld", (long long)hold->number);
        return;
    default:
        break;
    }
    object_id variable = hold->number < 0 ? context_variable(view->heap, hold) : 0;
    if (name_of(view, hold, &name) ||
        (variable && raw_text(view->heap, raw_field(view->heap, variable, "name", NULL), &name)))
        text_buffer_add_n(to, name.text, name.length);
    else if (hold->number < 0)
        text_buffer_format(to, "#%lld", (long long)(-1 - hold->number));
    else if (hold->kind != REFERENCE_CELL)
        text_buffer_format(to, "+0x%llx", (unsigned long long)hold->number);
    else
        text_buffer_format(to, "%lld", (long long)hold->number);
}

static void add_frame(struct view *view, uint32_t frame, struct text_buffer *to)
{
    const struct heap *heap = view->heap;
    const char *module = heap_string(heap, heap->frames[frame].module, NULL);
    const char *function = view_frame_function(view, frame);
    if (*module)
        text_buffer_format(to, "%s.", module);
    text_buffer_add(to, *function ? function : "<frame>");
}

void spelling_root(struct view *view, uint32_t root, struct text_buffer *to)
{
    const struct heap *heap = view->heap;
    const struct heap_root *r = &heap->roots[root];
    const char *name = heap_string(heap, r->name, NULL);
    if (root_kind_is_native(r->kind)) {
        spelling_native_root(view, root, false, to);
        text_buffer_add(to, " ->");
        return;
    }
    switch ((enum root_kind)r->kind) {
    case ROOT_MODULE:
        if (*name)
            text_buffer_add(to, name);
        else
            spelling_object(view, r->target, to);
        return;
    case ROOT_FRAME:
        add_frame(view, r->frame, to);
        break;
    case ROOT_THREAD: {
        const char *thread = heap_string(heap, heap->threads[r->thread].name, NULL);
        if (*thread)
            text_buffer_format(to, "<thread %s>", thread);
        else
            text_buffer_format(to, "<thread %llu>", (unsigned long long)heap->threads[r->thread].ident);
        break;
    }
    case ROOT_INTERPRETER:
        text_buffer_add(to, "<interpreter>");
        break;
    case ROOT_C_REFERENCE:
        text_buffer_add(to, "<held from C>");
        return;
    default:
        text_buffer_format(to, "<%s ", spelling_root_kind(r->kind));
        if (*name && !root_is_target(r))
            text_buffer_format(to, "%s>", name);
        else {
            if (heap_family(heap, r->target) == FAMILY_TYPE)
                text_buffer_add(to, "type ");
            spelling_object(view, r->target, to);
            text_buffer_add_n(to, ">", 1);
        }
        return;
    }
    if (root_is_target(r)) {
        if (*name && r->kind != ROOT_FRAME)
            text_buffer_format(to, ".%s", name);
        return;
    }
    struct hold hold = {.kind = r->reference, .name = name, .number = r->number, .object = r->target};
    spelling_step(view, &hold, to);
}
