#include "lib/query/cycle_chain.h"

#include <stdlib.h>

#include "lib/graph/shape_traits.h"
#include "lib/query/raw.h"
#include "lib/query/spelling.h"

/* Members tried as the beginning, and objects visited from them before no other is tried. */
enum { STARTS = 16, VISITS = 4096 };

unsigned cycle_chain_rank(const struct cycle_reader *reader, object_id object)
{
    const struct heap *heap = reader->heap;
    if (object_set_has(reader->parts, object))
        return 6;
    switch (heap_family(heap, object)) {
    case FAMILY_OTHER:
    case FAMILY_EXCEPTION: /* a class of the program before one of the interpreter */
        return heap->types[heap_type_of(heap, object)].flags & TYPE_HEAP ? 0 : 1;
    case FAMILY_GENERATOR:
    case FAMILY_FUNCTION:
    case FAMILY_METHOD:
    case FAMILY_PARTIAL:
    case FAMILY_LRU_CACHE:
    case FAMILY_TYPE:
    case FAMILY_MODULE:
        return 2;
    case FAMILY_DICT:
    case FAMILY_LIST:
    case FAMILY_SET:
    case FAMILY_DEQUE:
        return 3;
    case FAMILY_TUPLE:
        return 4;
    default:
        return 5;
    }
}

/* ---- where to begin ---- */

struct word {
    const char *text;
    size_t length;
};

static struct word own_name(const struct heap *heap, object_id object)
{
    struct heap_preview name = {0};
    if (object)
        heap_preview(heap, object, &name);
    return (struct word){name.text, name.length};
}

static struct word name_of_object(const struct heap *heap, object_id object)
{
    enum family family = heap_family(heap, object);
    struct word word = {0};
    if (family == FAMILY_MODULE || family == FAMILY_FUNCTION || family == FAMILY_TYPE)
        word = own_name(heap, object);
    if (!word.length)
        word.text = heap_string(heap, heap->types[heap_type_of(heap, object)].name, &word.length);
    return word;
}

/* The name of a reference, as far as alike cycles share it: not the items of containers, not their keys. */
static struct word name_of_edge(const struct cycle_reader *reader, const struct reference *reference)
{
    const struct heap *heap = reader->heap;
    struct word word = {"", 0};
    struct heap_preview text;
    if (reference->name)
        word.text = heap_string(heap, reference->name, &word.length);
    else if (reference->key && object_set_has(reader->parts, reference->source) &&
             raw_text(heap, reference->key, &text))
        word = (struct word){text.text, text.length};
    return word;
}

static int compare_words(struct word a, struct word b)
{
    size_t shorter = a.length < b.length ? a.length : b.length;
    int order = shorter ? memcmp(a.text, b.text, shorter) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

struct place {
    unsigned rank;
    struct word object, edge;
    enum reference_kind kind;
};

static struct place place_of(const struct cycle_reader *reader, const struct cycle *cycle, size_t i)
{
    const struct heap *heap = reader->heap;
    i %= cycle->length;
    struct place place = {.rank = cycle_chain_rank(reader, cycle->object[i]),
                          .object = name_of_object(heap, cycle->object[i]),
                          .edge = {"", 0},
                          .kind = REFERENCE_TYPE};
    if (cycle->edge[i] != CYCLE_TYPE_EDGE) {
        struct reference reference = heap_reference(heap, cycle->object[i], cycle->edge[i]);
        place.edge = name_of_edge(reader, &reference);
        place.kind = reference.kind;
    }
    return place;
}

static int compare_places(struct place a, struct place b)
{
    if (a.rank != b.rank)
        return a.rank < b.rank ? -1 : 1;
    int order = compare_words(a.object, b.object);
    if (!order)
        order = compare_words(a.edge, b.edge);
    return order ? order : (a.kind > b.kind) - (a.kind < b.kind);
}

/* The turn whose places come first in the order above: two candidates run against each other, and each step
   rules one out. */
static size_t best_turn(const struct cycle_reader *reader, const struct cycle *cycle)
{
    size_t i = 0, j = 1, same = 0;
    while (i < cycle->length && j < cycle->length && same < cycle->length) {
        int order = compare_places(place_of(reader, cycle, i + same), place_of(reader, cycle, j + same));
        if (!order) {
            same++;
            continue;
        }
        if (order > 0)
            i += same + 1;
        else
            j += same + 1;
        if (i == j)
            j++;
        same = 0;
    }
    return i < j ? i : j;
}

static bool turn(const struct cycle_reader *reader, struct cycle *cycle, struct error *err)
{
    size_t first = best_turn(reader, cycle), length = cycle->length;
    if (first == 0)
        return true;
    object_id *object = malloc(length * sizeof *object);
    uint64_t *edge = malloc(length * sizeof *edge);
    if (!object || !edge) {
        free(object);
        free(edge);
        return error_no_memory(err);
    }
    for (size_t i = 0; i < length; i++) {
        object[i] = cycle->object[(first + i) % length];
        edge[i] = cycle->edge[(first + i) % length];
    }
    cycle_free(cycle);
    *cycle = (struct cycle){object, edge, length};
    return true;
}

/* Shorter, or as long and better to read. */
static bool is_better(const struct cycle_reader *reader, const struct cycle *a, const struct cycle *b)
{
    if (!b->length || a->length != b->length)
        return !b->length || a->length < b->length;
    for (size_t i = 0; i < a->length; i++) {
        int order = compare_places(place_of(reader, a, i), place_of(reader, b, i));
        if (order)
            return order < 0;
    }
    return false;
}

bool cycle_chain_find(const struct cycle_reader *reader, struct cycle_search *search, uint32_t c,
                      struct cycle *ret, struct error *err)
{
    const struct components *components = search->components;
    unsigned best = UINT32_MAX, tried = 0;
    *ret = (struct cycle){0};
    for (uint64_t i = components->start[c]; i < components->start[c + 1] && best > 0; i++) {
        unsigned rank = cycle_chain_rank(reader, components->member[i]);
        best = rank < best ? rank : best;
    }
    size_t visits = 0;
    for (uint64_t i = components->start[c]; i < components->start[c + 1] && tried < STARTS && visits < VISITS;
         i++) {
        object_id start = components->member[i];
        struct cycle cycle;
        if (cycle_chain_rank(reader, start) != best)
            continue;
        tried++;
        if (!cycle_search_from(search, start, ret->length ? ret->length + 1 : 0, &cycle, err) ||
            (cycle.length && !turn(reader, &cycle, err))) {
            cycle_free(&cycle);
            cycle_free(ret);
            return false;
        }
        visits += search->count;
        if (cycle.length && is_better(reader, &cycle, ret)) {
            cycle_free(ret);
            *ret = cycle;
        } else {
            cycle_free(&cycle);
        }
    }
    return true;
}

/* ---- which are alike ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

static uint64_t mix_word(uint64_t hash, struct word word)
{
    for (size_t i = 0; i < word.length; i++)
        hash = (hash ^ (unsigned char)word.text[i]) * 0x100000001b3u;
    return mix(hash, word.length);
}

/* What alike cycles need not share: the text of a key, the number of an item, the name of a function. */
static uint64_t mix_difference(const struct cycle_reader *reader, uint64_t hash, const struct cycle *cycle,
                               size_t i)
{
    hash = mix_word(hash, name_of_object(reader->heap, cycle->object[i]));
    if (cycle->edge[i] == CYCLE_TYPE_EDGE)
        return hash;
    struct reference reference = heap_reference(reader->heap, cycle->object[i], cycle->edge[i]);
    struct heap_preview text;
    if (!reference.key)
        return mix(hash, (uint64_t)reference.number);
    if (raw_text(reader->heap, reference.key, &text))
        return mix_word(hash, (struct word){text.text, text.length});
    return mix(hash, reference.key);
}

struct cycle_mark cycle_chain_mark(const struct cycle_reader *reader, const struct cycle *cycle, bool loose)
{
    struct cycle_mark mark = {0x243f6a8885a308d3u, 0x13198a2e03707344u, 0xa4093822299f31d0u};
    for (size_t i = 0; i < cycle->length; i++) {
        struct place place = place_of(reader, cycle, i);
        uint64_t kind = place.rank << 8 | (unsigned)place.kind;
        if (loose && heap_family(reader->heap, cycle->object[i]) == FAMILY_FUNCTION)
            place.object = (struct word){"", 0};
        mark.a = mix_word(mix_word(mix(mark.a, kind), place.object), place.edge);
        mark.b = mix_word(mix_word(mix(mark.b, ~kind), place.edge), place.object);
        mark.exact = mix_difference(reader, mark.exact, cycle, i);
    }
    return mark;
}

/* ---- how it reads ---- */

struct cycle_step *cycle_chain_steps(const struct cycle_reader *reader, const struct cycle *cycle,
                                     size_t *count, struct error *err)
{
    struct cycle_step *steps = malloc(cycle->length * sizeof *steps);
    object_id *object = malloc((cycle->length + 1) * sizeof *object);
    *count = 0;
    if (!steps || !object) {
        free(steps);
        free(object);
        error_no_memory(err);
        return NULL;
    }
    for (size_t i = 0; i <= cycle->length; i++)
        object[i] = cycle->object[i % cycle->length];
    for (size_t at = 0; at < cycle->length;) {
        struct hold hold = {
            .holder = object[at], .object = object[at + 1], .kind = REFERENCE_TYPE, .name = ""};
        size_t run = 0, taken = 1;
        while (run < HOLDERS_FOLD_MOST && at + run < cycle->length &&
               cycle->edge[at + run] != CYCLE_TYPE_EDGE)
            run++;
        if (run)
            taken = holders_fold(reader->view, object + at, cycle->edge + at, run, &hold);
        at += taken;
        steps[(*count)++].hold = hold;
    }
    free(object);
    return steps;
}

static void add_step(const struct cycle_reader *reader, const struct hold *hold, enum cycle_detail detail,
                     struct text_buffer *to)
{
    const struct heap *heap = reader->heap;
    struct word name = name_of_object(heap, hold->holder);
    if (detail == CYCLE_LOOSE && heap_family(heap, hold->holder) == FAMILY_FUNCTION)
        text_buffer_add(to, heap_type_name(heap, hold->holder));
    else
        text_buffer_add_n(to, name.text, name.length);
    if (detail == CYCLE_EXACT)
        spelling_step(reader->view, hold, to);
    else
        spelling_pattern(reader->view, hold, to);
}

void cycle_chain_text(const struct cycle_reader *reader, const struct cycle_step *steps, size_t count,
                      enum cycle_detail detail, struct text_buffer *to)
{
    struct text_buffer step = {0}, next = {0};
    size_t shown = 0, at = 0;
    for (; at < count && shown < CYCLE_CHAIN_SHOWN; shown++) {
        size_t same = 1;
        text_buffer_clear(&step);
        add_step(reader, &steps[at].hold, detail, &step);
        for (; at + same < count; same++) {
            text_buffer_clear(&next);
            add_step(reader, &steps[at + same].hold, detail, &next);
            if (strcmp(text_buffer_text(&step), text_buffer_text(&next)) != 0)
                break;
        }
        text_buffer_format(to, "%s%s", shown ? " → " : "", text_buffer_text(&step));
        if (same > 1) {
            text_buffer_add(to, " ×");
            spelling_count(same, to);
        }
        at += same;
    }
    if (at < count) {
        text_buffer_add(to, " → … ");
        spelling_count(count - at, to);
        text_buffer_add(to, " more");
    }
    text_buffer_add(to, count == 1 ? " → itself" : " → back");
    to->failed = to->failed || step.failed || next.failed;
    text_buffer_free(&step);
    text_buffer_free(&next);
}
