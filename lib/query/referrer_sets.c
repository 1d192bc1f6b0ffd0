#include "lib/query/referrer_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/query/spelling.h"

#define SEVERAL 0x80000000u /* in of[]: the rest is the object's place among those with several kinds */

struct several {
    uint32_t place, label;
};

struct collector {
    struct referrer_sets *ret;
    const struct heap *heap;
    struct several *pair; /* a label is repeated when others come between */
    size_t pair_count, pair_capacity;
    uint32_t *last; /* [several]: label of the newest pair of each */
    size_t several, last_capacity;
    uint32_t *slot; /* sets by content: set id, 0 empty */
    size_t slot_mask, start_capacity, member_capacity;
    uint32_t *rank; /* by label: its place in the order of texts */
};

static bool push(struct collector *c, uint32_t place, uint32_t label, struct error *err)
{
    if (!vector_reserve((void **)&c->pair, &c->pair_capacity, c->pair_count + 1, sizeof *c->pair, err))
        return false;
    c->pair[c->pair_count++] = (struct several){place, label};
    c->last[place] = label;
    return true;
}

static bool note(struct collector *c, object_id object, uint32_t label, struct error *err)
{
    uint32_t *of = &c->ret->of[object];
    if (*of == 0 || *of == label) {
        *of = label;
        return true;
    }
    if (*of & SEVERAL) {
        uint32_t place = *of & ~SEVERAL;
        return c->last[place] == label || push(c, place, label, err);
    }
    uint32_t first = *of, place = (uint32_t)c->several;
    if (!vector_reserve((void **)&c->last, &c->last_capacity, c->several + 1, sizeof *c->last, err))
        return false;
    c->several++;
    *of = SEVERAL | place;
    return push(c, place, first, err) && push(c, place, label, err);
}

static bool note_references(struct collector *c, struct error *err)
{
    uint32_t *label = NULL;
    size_t capacity = 0;
    bool ok = true;
    for (object_id id = 1; ok && id <= c->heap->object_count; id++) {
        uint64_t start = csr_start(&c->heap->edges, id), length = csr_end(&c->heap->edges, id) - start;
        if (!length)
            continue;
        ok = vector_reserve((void **)&label, &capacity, (size_t)length, sizeof *label, err) &&
             referrer_labels_of(&c->ret->labels, id, label, err);
        for (uint64_t i = 0; ok && i < length; i++)
            if (label[i])
                ok = note(c, c->heap->edges.item[start + i], label[i], err);
    }
    free(label);
    return ok;
}

static bool note_roots(struct collector *c, const bool *stale, struct error *err)
{
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < c->heap->root_count; i++) {
            const struct heap_root *root = &c->heap->roots[i];
            bool itself = root_is_target(root);
            if (itself != (pass == 1) || (itself && c->ret->of[root->target]) || (stale && stale[i]))
                continue;
            char text[48];
            snprintf(text, sizeof text, "<%s>", spelling_root_kind((enum root_kind)root->kind));
            uint32_t label = referrer_label_text(&c->ret->labels, text, err);
            if (!label || !note(c, root->target, label, err))
                return false;
        }
    return true;
}

static int by_text(const void *a, const void *b, void *texts)
{
    const struct name_table *table = texts;
    return strcmp(table->name[*(const uint32_t *)a], table->name[*(const uint32_t *)b]);
}

static bool rank_labels(struct collector *c, struct error *err)
{
    uint32_t count = c->ret->labels.texts.count;
    uint32_t *order = malloc(((size_t)count + 1) * sizeof *order);
    c->rank = malloc(((size_t)count + 1) * sizeof *c->rank);
    if (!order || !c->rank) {
        free(order);
        return error_no_memory(err);
    }
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    if (count)
        qsort_r(order, count, sizeof *order, by_text, &c->ret->labels.texts);
    for (uint32_t i = 0; i < count; i++)
        c->rank[order[i] + 1] = i;
    free(order);
    return true;
}

static uint64_t hash_of(const uint32_t *member, size_t count)
{
    uint64_t hash = count;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ member[i]) * 0x9e3779b97f4a7c15u, hash ^= hash >> 32;
    return hash;
}

static bool same(const struct referrer_sets *s, uint32_t set, const uint32_t *member, size_t count)
{
    return s->start[set + 1] - s->start[set] == count &&
           !memcmp(s->member + s->start[set], member, count * sizeof *member);
}

static bool grow_slots(struct collector *c, struct error *err)
{
    const struct referrer_sets *s = c->ret;
    size_t size = c->slot ? (c->slot_mask + 1) * 2 : 1024;
    uint32_t *grown = calloc(size, sizeof *grown);
    if (!grown)
        return error_no_memory(err);
    for (uint32_t set = 1; set < s->count; set++) {
        size_t at =
            hash_of(s->member + s->start[set], (size_t)(s->start[set + 1] - s->start[set])) & (size - 1);
        while (grown[at])
            at = (at + 1) & (size - 1);
        grown[at] = set;
    }
    free(c->slot);
    c->slot = grown;
    c->slot_mask = size - 1;
    return true;
}

/* The set with these members, ascending by rank and none twice. 0: no memory. */
static uint32_t intern(struct collector *c, const uint32_t *member, size_t count, struct error *err)
{
    struct referrer_sets *s = c->ret;
    if ((!c->slot || ((size_t)s->count + 1) * 2 > c->slot_mask) && !grow_slots(c, err))
        return 0;
    size_t at = hash_of(member, count) & c->slot_mask;
    for (; c->slot[at]; at = (at + 1) & c->slot_mask)
        if (same(s, c->slot[at], member, count))
            return c->slot[at];
    uint64_t end = s->start[s->count];
    if (!vector_reserve((void **)&s->start, &c->start_capacity, (size_t)s->count + 2, sizeof *s->start,
                        err) ||
        !vector_reserve((void **)&s->member, &c->member_capacity, (size_t)end + count, sizeof *s->member,
                        err))
        return 0;
    memcpy(s->member + end, member, count * sizeof *member);
    s->start[s->count + 1] = end + count;
    return c->slot[at] = s->count++;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Sets of the objects with several kinds: a counting sort of the pairs by object, then each by rank. */
static bool intern_several(struct collector *c, const uint32_t *label_of_rank, uint32_t *set_of,
                           struct error *err)
{
    uint64_t *start = calloc(c->several + 1, sizeof *start);
    uint32_t *rank = malloc((c->pair_count ? c->pair_count : 1) * sizeof *rank);
    bool ok = (start && rank) || error_no_memory(err);
    for (size_t i = 0; ok && i < c->pair_count; i++)
        start[c->pair[i].place + 1]++;
    for (size_t i = 0; ok && i < c->several; i++)
        start[i + 1] += start[i];
    for (size_t i = c->pair_count; ok && i-- > 0;) /* afterwards start[p] has become the start of p */
        rank[--start[c->pair[i].place + 1]] = c->rank[c->pair[i].label];
    for (size_t p = 0; ok && p < c->several; p++) {
        uint64_t from = start[p + 1], end = p + 1 < c->several ? start[p + 2] : c->pair_count;
        qsort(rank + from, (size_t)(end - from), sizeof *rank, by_number);
        size_t count = 0;
        for (uint64_t i = from; i < end; i++)
            if (i == from || rank[i] != rank[i - 1])
                rank[from + count++] = rank[i]; /* never ahead of what is read */
        for (size_t i = 0; i < count; i++)
            rank[from + i] = label_of_rank[rank[from + i]];
        ok = (set_of[p] = intern(c, rank + from, count, err)) != 0;
    }
    free(start);
    free(rank);
    return ok;
}

static bool number_sets(struct collector *c, struct error *err)
{
    uint32_t labels = c->ret->labels.texts.count;
    uint32_t *single = calloc((size_t)labels + 1, sizeof *single);
    uint32_t *several = malloc((c->several ? c->several : 1) * sizeof *several);
    uint32_t *label_of_rank = malloc(((size_t)labels + 1) * sizeof *label_of_rank);
    bool ok = (single && several && label_of_rank) || error_no_memory(err);
    for (uint32_t label = 1; ok && label <= labels; label++)
        label_of_rank[c->rank[label]] = label;
    ok = ok && intern_several(c, label_of_rank, several, err);
    for (object_id id = 1; ok && id <= c->heap->object_count; id++) {
        uint32_t *of = &c->ret->of[id];
        if (*of & SEVERAL) {
            *of = several[*of & ~SEVERAL];
        } else if (*of) {
            uint32_t label = *of;
            if (!single[label])
                ok = (single[label] = intern(c, &label, 1, err)) != 0;
            *of = single[label];
        }
    }
    free(single);
    free(several);
    free(label_of_rank);
    return ok;
}

bool referrer_sets_create(struct referrer_sets *ret, struct view *view, enum referrer_naming naming,
                          struct error *err)
{
    *ret = (struct referrer_sets){.count = 1};
    struct collector c = {.ret = ret, .heap = view_heap(view)};
    bool ok = referrer_labels_create(&ret->labels, view, naming, err);
    ret->of = ok ? calloc((size_t)c.heap->object_count + 1, sizeof *ret->of) : NULL;
    ok = ok && (ret->of || error_no_memory(err)) &&
         vector_reserve((void **)&ret->start, &c.start_capacity, 2, sizeof *ret->start, err);
    if (ok)
        ret->start[0] = ret->start[1] = 0;
    bool *stale = NULL;
    ok = ok && view_details(view, err) && view_roots_to_avoid(view, NULL, &stale, err) &&
         note_references(&c, err) && note_roots(&c, stale, err) && rank_labels(&c, err) &&
         number_sets(&c, err);
    free(stale);
    free(c.pair);
    free(c.last);
    free(c.slot);
    free(c.rank);
    if (!ok)
        referrer_sets_free(ret);
    return ok;
}

void referrer_sets_free(struct referrer_sets *sets)
{
    referrer_labels_free(&sets->labels);
    free(sets->of);
    free(sets->start);
    free(sets->member);
    *sets = (struct referrer_sets){0};
}

uint32_t referrer_sets_size(const struct referrer_sets *sets, uint32_t set)
{
    return (uint32_t)(sets->start[set + 1] - sets->start[set]);
}

const char *referrer_sets_member(const struct referrer_sets *sets, uint32_t set, uint32_t index)
{
    return sets->labels.texts.name[sets->member[sets->start[set] + index] - 1];
}

void referrer_sets_text(const struct referrer_sets *sets, uint32_t set, struct text_buffer *to)
{
    if (!set)
        text_buffer_add(to, "<nothing>");
    for (uint32_t i = 0; i < referrer_sets_size(sets, set); i++) {
        text_buffer_add(to, i ? ", " : "");
        text_buffer_add(to, referrer_sets_member(sets, set, i));
    }
}
