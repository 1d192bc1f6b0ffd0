#include "lib/query/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "lib/graph/tree.h"
#include "lib/query/fold.h"
#include "lib/query/pattern_trie.h"
#include "lib/query/raw.h"
#include "lib/query/spelling.h"

enum { CACHE_SLOTS = 8192 };

/* Spelling a step costs more than all else here, and millions of steps are alike. */
struct spelled {
    uint32_t label; /* 0: empty */
    enum reference_kind kind;
    const char *name;
    object_id key;
    int64_t number;
    bool folded;
};

struct builder {
    struct view *view;
    struct pattern_trie *trie;
    uint32_t *of;
    object_id *parent;
    struct spelled *cache;
    struct text_buffer text;
};

static bool has_plain_pattern(enum reference_kind kind)
{
    return kind == REFERENCE_KEY || kind == REFERENCE_INDEX || kind == REFERENCE_MEMBER ||
           kind == REFERENCE_KEY_OBJECT || kind == REFERENCE_STACK;
}

static uint32_t label_of(struct builder *b, const struct hold *hold, struct error *err)
{
    struct spelled wanted = {.kind = hold->kind, .folded = hold->via != 0};
    if (!has_plain_pattern(hold->kind) && !holders_is_cached_value(hold)) {
        wanted.name = hold->name;
        wanted.key = hold->key;
        wanted.number = hold->number;
    }
    uint64_t hash =
        ((uint64_t)(uintptr_t)wanted.name ^ (uint64_t)wanted.key << 20 ^ (uint64_t)wanted.number << 40) +
        wanted.kind;
    struct spelled *slot = &b->cache[hash * 0x9e3779b97f4a7c15u >> 51];
    if (slot->label && slot->kind == wanted.kind && slot->name == wanted.name && slot->key == wanted.key &&
        slot->number == wanted.number && slot->folded == wanted.folded)
        return slot->label;
    text_buffer_clear(&b->text);
    spelling_pattern(b->view, hold, &b->text);
    if (b->text.failed) {
        error_no_memory(err);
        return 0;
    }
    wanted.label = pattern_trie_label(b->trie, text_buffer_text(&b->text), b->text.length, err);
    *slot = wanted;
    return wanted.label;
}

static uint32_t begin_with(struct builder *b, struct error *err)
{
    if (b->text.failed) {
        error_no_memory(err);
        return 0;
    }
    uint32_t label = pattern_trie_label(b->trie, text_buffer_text(&b->text), b->text.length, err);
    return label ? pattern_trie_begin(b->trie, label, err) : 0;
}

/* Roots that are many and have no name of their own are told apart by their objects' types. */
static uint32_t begin_at_root(struct builder *b, uint32_t root, struct error *err)
{
    const struct heap *heap = view_heap(b->view);
    const struct heap_root *r = &heap->roots[root];
    text_buffer_clear(&b->text);
    bool named = r->kind == ROOT_MODULE || r->kind == ROOT_FRAME || r->kind == ROOT_THREAD ||
                 r->kind == ROOT_INTERPRETER;
    if (root_kind_is_native(r->kind)) {
        spelling_native_root(b->view, root, true, &b->text);
        text_buffer_add(&b->text, " ->");
    } else if (named)
        spelling_root(b->view, root, &b->text);
    else
        text_buffer_format(&b->text, "<%s %s>", spelling_root_kind(r->kind), heap_type_name(heap, r->target));
    return begin_with(b, err);
}

static uint32_t add_step(struct builder *b, object_id holder, const struct hold *hold, struct error *err)
{
    uint32_t label = label_of(b, hold, err);
    return label ? pattern_trie_extend(b->trie, b->of[holder], label, err) : 0;
}

static bool is_cache_dict(const struct heap *heap, object_id wrapper, object_id dict)
{
    return wrapper && heap_family(heap, wrapper) == FAMILY_LRU_CACHE &&
           raw_field(heap, wrapper, "<cache>", NULL) == dict;
}

/* The holder a person would name for a raw reference from visit->parent, which may be further up. */
static struct hold fold_visit(struct builder *b, const struct tree_visit *visit)
{
    const struct heap *heap = view_heap(b->view);
    object_id source = visit->via ? visit->via : visit->parent;
    struct reference raw = heap_reference(heap, source, visit->edge);
    struct hold hold = fold_none(b->view, &raw);
    object_id up = b->parent[source], upper = b->parent[up];
    if (visit->via)
        fold_part(b->view, visit->parent, &raw, &hold);
    else if (raw.kind == REFERENCE_CELL && up && upper && heap_family(heap, source) == FAMILY_CELL)
        fold_closure(b->view, upper, up, &raw, &hold);
    else if (raw.kind == REFERENCE_KEY && is_cache_dict(heap, up, source) &&
             heap_family(heap, raw.target) != FAMILY_LRU_LINK) {
        hold.holder = up;
        hold.via = source;
        hold.kind = REFERENCE_CACHE;
        hold.name = "";
    } else if (heap_family(heap, source) == FAMILY_LRU_LINK && up && is_cache_dict(heap, upper, up) &&
               raw_name_is(heap, &raw, "<result>")) {
        hold.holder = upper;
        hold.via = source;
        hold.kind = REFERENCE_CACHE;
        hold.name = "";
    }
    return hold;
}

static bool visit_object(void *self, const struct tree_visit *visit, struct error *err)
{
    struct builder *b = self;
    uint32_t pattern;
    if (!visit->parent)
        pattern = begin_at_root(b, visit->root, err);
    else if (visit->edge == TREE_TYPE_EDGE) {
        struct hold hold = {
            .holder = visit->parent, .object = visit->object, .kind = REFERENCE_TYPE, .name = ""};
        pattern = add_step(b, visit->parent, &hold, err);
    } else {
        struct hold hold = fold_visit(b, visit);
        pattern = add_step(b, hold.holder, &hold, err);
    }
    b->of[visit->object] = pattern;
    return pattern != 0;
}

bool patterns_create(struct patterns *ret, struct view *view, const struct exclusion *avoid,
                     struct error *err)
{
    const struct heap *heap = view_heap(view);
    size_t count = (size_t)heap->object_count + 1;
    struct builder b = {.view = view, .trie = pattern_trie_create(err)};
    *ret = (struct patterns){0};
    b.of = calloc(count, sizeof *b.of);
    b.parent = calloc(count, sizeof *b.parent);
    b.cache = calloc(CACHE_SLOTS, sizeof *b.cache);
    bool ok = b.trie && ((b.of && b.parent && b.cache) || error_no_memory(err));
    const struct roots *roots = ok ? view_roots(view, err) : NULL;
    const struct object_set *transparent = ok ? view_transparent(view, err) : NULL;
    bool *avoided = NULL;
    ok = ok && view_roots_to_avoid(view, avoid ? avoid->roots : NULL, &avoided, err);
    const struct found_references *found =
        ok && heap_contents(heap) == HEAP_IS_MIXED ? view_found(view, err) : NULL;
    ok = ok && (found || heap_contents(heap) != HEAP_IS_MIXED);
    struct tree_options options = {.transparent = transparent,
                                   .claims = found,
                                   .avoid = avoid ? &avoid->objects : NULL,
                                   .avoid_roots = avoided,
                                   .follow_types = true,
                                   .visit = visit_object,
                                   .self = &b,
                                   .parent = b.parent};
    ok = ok && roots && transparent && tree_walk(heap, roots, &options, err);
    text_buffer_free(&b.text);
    free(avoided);
    free(b.parent);
    free(b.cache);
    if (!ok) {
        free(b.of);
        pattern_trie_destroy(b.trie);
        return false;
    }
    *ret = (struct patterns){.of = b.of, .count = pattern_trie_count(b.trie), .trie = b.trie};
    return true;
}

void patterns_free(struct patterns *patterns)
{
    free(patterns->of);
    pattern_trie_destroy(patterns->trie);
    *patterns = (struct patterns){0};
}

void patterns_text(const struct patterns *patterns, uint32_t pattern, struct text_buffer *to)
{
    if (pattern)
        pattern_trie_text(patterns->trie, pattern, to);
    else
        text_buffer_add(to, "<unreachable>");
}
