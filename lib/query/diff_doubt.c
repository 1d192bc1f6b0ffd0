#include "lib/query/diff_doubt.h"

#include <stdlib.h>

#include "lib/base/vector.h"

enum { ROUNDS = 3 }; /* how far up a value that is still there speaks for those that hold it */

struct doubting {
    struct diff_match *match;
    const struct heap *old, *new;
    struct object_set anchored; /* new ids a chain from a root leads to that was there before */
    struct object_set proven;   /* new ids that hold alone what they held before */
    struct object_set placed;   /* new ids that something which was there before holds where it held them */
    bool anchoring;             /* what follow() finds is anchored, or else placed */
    uint8_t *holders;           /* [new objects + 1]: references to each, up to 2 */
    object_id *queue;           /* of anchored objects whose references are still to be followed */
    size_t queued, capacity;
    uint32_t *place; /* [old objects + 1]: place + 1 in the object looked at, 0: not in it */
};

static bool is_mortal(const struct heap *heap, object_id id)
{
    struct heap_detail detail;
    return heap_detail(heap, id, &detail) && !(detail.flags & (OBJECT_STATIC | OBJECT_IMMORTAL)) &&
           !heap_is_immortal(heap, &detail);
}

static bool anchor(struct doubting *d, object_id id, struct error *err)
{
    if (!d->match->old_of[id])
        return true;
    if (!d->anchoring) {
        object_set_add(&d->placed, id);
        return true;
    }
    if (!object_set_enter(&d->anchored, id))
        return true;
    if (!vector_reserve((void **)&d->queue, &d->capacity, d->queued + 1, sizeof *d->queue, err))
        return false;
    d->queue[d->queued++] = id;
    return true;
}

/* Places of an old container's items, by item; of pairs by key. Taken back with the same call and false. */
static void note_places(struct doubting *d, uint64_t start, uint64_t fields, uint64_t end, bool pairs,
                        bool set)
{
    for (uint64_t i = start + fields; i < end; i += pairs ? 2 : 1)
        d->place[d->old->edges.item[i]] = set ? (uint32_t)(i - start) + 1 : 0;
    d->place[0] = 0;
}

/* Follows what an object refers to at the places where it referred to it before. Items of a list or set, and
   values of a key, are where they were wherever in it they are now. */
static bool follow(struct doubting *d, object_id b, struct error *err)
{
    const uint32_t *old = d->old->edges.item, *new = d->new->edges.item;
    object_id a = d->match->old_of[b];
    const struct heap_shape *shape = &d->new->shapes[d->new->shape[b]];
    const struct heap_shape *before = &d->old->shapes[d->old->shape[a]];
    uint64_t at_old = csr_start(&d->old->edges, a), old_end = csr_end(&d->old->edges, a);
    uint64_t at = csr_start(&d->new->edges, b), length = csr_end(&d->new->edges, b) - at;
    bool pairs = shape->tail == TAIL_PAIRS || shape->tail == TAIL_CACHE, noted = false, ok = true;
    for (uint64_t i = 0; ok && i < length; i++) {
        object_id target = new[at + i], was = target ? d->match->old_of[target] : 0;
        if (!was)
            continue;
        bool value = pairs && i >= shape->field_count && (i - shape->field_count) % 2;
        object_id key = value ? d->match->old_of[new[at + i - 1]] : 0;
        bool same = at_old + i < old_end && old[at_old + i] == was && (!value || old[at_old + i - 1] == key);
        if (!same && i >= shape->field_count && (!value || key)) {
            if (!noted)
                note_places(d, at_old, before->field_count, old_end, pairs, true);
            noted = true;
            uint32_t place = d->place[value ? key : was];
            same = place && (!value || (at_old + place < old_end && old[at_old + place] == was));
        }
        ok = !same || anchor(d, target, err);
    }
    if (noted)
        note_places(d, at_old, before->field_count, old_end, pairs, false);
    return ok;
}

/* Begins at roots, at what lives for ever, and at what nothing is known to hold. */
static bool find_anchored(struct doubting *d, struct error *err)
{
    bool ok = true;
    d->anchoring = true;
    for (uint32_t i = 0; ok && i < d->new->root_count; i++)
        ok = anchor(d, d->new->roots[i].target, err);
    for (object_id id = 1; ok && id <= d->new->object_count; id++)
        if (!d->holders[id] || !is_mortal(d->new, id))
            ok = anchor(d, id, err);
    while (ok && d->queued)
        ok = follow(d, d->queue[--d->queued], err);
    d->anchoring = false;
    for (object_id id = 1; ok && id <= d->new->object_count; id++)
        if (d->match->old_of[id] && !object_set_has(&d->anchored, id))
            ok = follow(d, id, err);
    return ok;
}

/* It holds something else, or less, or more than before. */
static bool has_changed(const struct doubting *d, object_id b)
{
    object_id a = d->match->old_of[b];
    uint64_t old = csr_start(&d->old->edges, a), new = csr_start(&d->new->edges, b);
    uint64_t length = csr_end(&d->new->edges, b) - new;
    if (csr_end(&d->old->edges, a) - old != length)
        return true;
    for (uint64_t i = 0; i < length; i++)
        if (d->match->old_of[d->new->edges.item[new + i]] != d->old->edges.item[old + i])
            return true;
    return false;
}

/* `round` 0: holds a value of its own that is still there; later ones: holds an object of its own that does.
 */
static void prove(struct doubting *d, unsigned round)
{
    for (object_id id = 1; id <= d->new->object_count; id++) {
        if (!d->match->old_of[id] || object_set_has(&d->anchored, id) || object_set_has(&d->proven, id))
            continue;
        uint64_t end = csr_end(&d->new->edges, id);
        for (uint64_t i = csr_start(&d->new->edges, id); i < end; i++) {
            object_id target = d->new->edges.item[i];
            if (!target || !d->match->old_of[target] || d->holders[target] > 1)
                continue;
            bool speaks =
                round ? object_set_has(&d->proven, target)
                      : diff_match_has_fixed_size(heap_family(d->new, target)) && is_mortal(d->new, target);
            if (speaks) {
                object_set_add(&d->proven, id);
                break;
            }
        }
    }
}

bool diff_doubt_find(struct diff_match *match, const struct heap *old, const struct heap *new,
                     struct error *err)
{
    struct doubting d = {.match = match, .old = old, .new = new};
    d.holders = calloc((size_t) new->object_count + 1, sizeof *d.holders);
    d.place = calloc((size_t)old->object_count + 1, sizeof *d.place);
    bool ok = ((d.holders && d.place) || error_no_memory(err)) && object_set_create(&d.anchored, new, err) &&
              object_set_create(&d.proven, new, err) && object_set_create(&d.placed, new, err);
    for (uint64_t i = 0; ok && i < new->edges.item_count; i++) {
        uint8_t *holders = &d.holders[new->edges.item[i]];
        *holders = (uint8_t)(*holders + (*holders < 2));
    }
    ok = ok && find_anchored(&d, err);
    for (unsigned round = 0; ok && round < ROUNDS; round++)
        prove(&d, round);
    for (object_id id = 1; ok && id <= new->object_count; id++)
        if (match->old_of[id] && !object_set_has(&d.anchored, id) && !object_set_has(&d.proven, id) &&
            !diff_match_has_fixed_size(heap_family(new, id)) &&
            (!object_set_has(&d.placed, id) || has_changed(&d, id))) {
            object_set_add(&match->doubtful, id);
            match->doubtful_count++;
        }
    free(d.holders);
    free(d.place);
    free(d.queue);
    object_set_free(&d.anchored);
    object_set_free(&d.proven);
    object_set_free(&d.placed);
    return ok;
}
