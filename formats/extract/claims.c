#include "formats/extract/claims.h"

#include <stdlib.h>

#include "lib/base/vector.h"

void claims_free(struct claims *claims)
{
    free(claims->items);
    *claims = (struct claims){0};
}

bool claims_add(struct claims *claims, uint64_t start, uint64_t end, enum claim_owner owner, uint32_t which,
                struct error *err)
{
    if (start >= end)
        return true;
    if (!vector_reserve((void **)&claims->items, &claims->capacity, claims->count + 1, sizeof *claims->items,
                        err))
        return false;
    claims->items[claims->count++] = (struct claim){start, end, owner, which};
    return true;
}

static int by_start(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->end < y->end ? 1 : x->end > y->end ? -1 : 0; /* the longer one first */
}

size_t claims_from(const struct claims *claims, uint64_t address)
{
    size_t low = 0, high = claims->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (claims->items[middle].end > address)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Puts the parts of `c` that no item of `old`, from *at on, covers at the end of `ret`. */
static bool put_uncovered(struct claims *ret, const struct claims *old, size_t *at, struct claim c,
                          struct error *err)
{
    while (c.start < c.end) {
        while (*at < old->count && old->items[*at].end <= c.start) {
            const struct claim *o = &old->items[(*at)++];
            if (!claims_add(ret, o->start, o->end, o->owner, o->which, err))
                return false;
        }
        const struct claim *o = *at < old->count ? &old->items[*at] : NULL;
        if (o == NULL || o->start >= c.end)
            return claims_add(ret, c.start, c.end, c.owner, c.which, err);
        if (!claims_add(ret, c.start, o->start, c.owner, c.which, err))
            return false;
        c.start = o->end;
    }
    return true;
}

bool claims_merge(struct claims *claims, struct claims *more, struct error *err)
{
    struct claims merged = {0};
    if (more->count == 0)
        return true;
    qsort(more->items, more->count, sizeof *more->items, by_start);
    if (!vector_reserve((void **)&merged.items, &merged.capacity, claims->count + more->count,
                        sizeof *merged.items, err))
        return false;
    size_t at = 0;
    uint64_t reached = 0;
    for (size_t i = 0; i < more->count; i++) {
        struct claim c = more->items[i];
        if (c.start < reached)
            c.start = reached;
        if (c.end > reached)
            reached = c.end;
        if (!put_uncovered(&merged, claims, &at, c, err)) {
            claims_free(&merged);
            return false;
        }
    }
    for (; at < claims->count; at++) {
        const struct claim *o = &claims->items[at];
        if (!claims_add(&merged, o->start, o->end, o->owner, o->which, err)) {
            claims_free(&merged);
            return false;
        }
    }
    free(claims->items);
    *claims = merged;
    return true;
}
