#include "lib/query/diff_match.h"

#include <stdlib.h>
#include <string.h>

#include "lib/graph/address_order.h"
#include "lib/query/diff_doubt.h"

struct matcher {
    struct diff_match *ret;
    const struct heap *old, *new;
    const uint32_t *const *type;
};

bool diff_match_has_fixed_size(enum family family)
{
    switch (family) {
    case FAMILY_STR:
    case FAMILY_BYTES:
    case FAMILY_INT:
    case FAMILY_FLOAT:
    case FAMILY_TUPLE:
    case FAMILY_CODE:
        return true;
    default:
        return false;
    }
}

static bool same_value(const struct heap *old, object_id a, const struct heap *new, object_id b)
{
    struct heap_preview x, y;
    bool has = heap_preview(old, a, &x);
    if (has != heap_preview(new, b, &y) || !has)
        return true; /* --no-values, or nothing to compare */
    return x.full_length == y.full_length && x.length == y.length && !memcmp(x.text, y.text, x.length);
}

/* The same addresses in the same order. */
static bool same_content(const struct heap *old, object_id a, const struct heap *new, object_id b)
{
    uint64_t i = csr_start(&old->edges, a), j = csr_start(&new->edges, b);
    uint64_t length = csr_end(&old->edges, a) - i;
    if (csr_end(&new->edges, b) - j != length)
        return false;
    for (uint64_t n = 0; n < length; n++)
        if (old->address[old->edges.item[i + n]] != new->address[new->edges.item[j + n]])
            return false;
    return true;
}

static bool may_be_same(const struct matcher *m, object_id a, object_id b)
{
    if (m->type[0][heap_type_of(m->old, a)] != m->type[1][heap_type_of(m->new, b)])
        return false;
    enum family family = heap_family(m->new, b);
    struct heap_detail x, y;
    if (diff_match_has_fixed_size(family) && heap_detail(m->old, a, &x) && heap_detail(m->new, b, &y) &&
        x.size != y.size)
        return false;
    switch (family) {
    case FAMILY_STR:
    case FAMILY_BYTES:
    case FAMILY_INT:
    case FAMILY_FLOAT:
    case FAMILY_CODE:
        return same_value(m->old, a, m->new, b);
    case FAMILY_TUPLE:
    case FAMILY_METHOD:
        return same_content(m->old, a, m->new, b);
    default:
        return true;
    }
}

static void match_addresses(struct matcher *m)
{
    struct diff_match *ret = m->ret;
    uint32_t i = 0, j = 0;
    while (i < m->old->object_count && j < m->new->object_count) {
        object_id a = ret->order[0][i], b = ret->order[1][j];
        uint64_t x = m->old->address[a], y = m->new->address[b];
        if (x == y && may_be_same(m, a, b)) {
            ret->old_of[b] = a;
            ret->new_of[a] = b;
            ret->kept++;
        }
        i += x <= y;
        j += y <= x;
    }
}

bool diff_match_create(struct diff_match *ret, struct view *const view[2], const uint32_t *const type[2],
                       bool unrelated, struct error *err)
{
    struct matcher m = {.ret = ret, .old = view_heap(view[0]), .new = view_heap(view[1]), .type = type};
    *ret = (struct diff_match){0};
    ret->order[0] = address_order(m.old, err);
    ret->order[1] = ret->order[0] ? address_order(m.new, err) : NULL;
    ret->new_of = calloc((size_t)m.old->object_count + 1, sizeof *ret->new_of);
    ret->old_of = calloc((size_t)m.new->object_count + 1, sizeof *ret->old_of);
    bool ok = ret->order[1] && ((ret->new_of && ret->old_of) || error_no_memory(err)) &&
              object_set_create(&ret->doubtful, m.new, err);
    if (ok && !unrelated) {
        match_addresses(&m);
        ok = diff_doubt_find(ret, m.old, m.new, err);
    }
    if (!ok)
        diff_match_free(ret);
    return ok;
}

void diff_match_free(struct diff_match *match)
{
    for (int side = 0; side < 2; side++)
        free(match->order[side]);
    free(match->old_of);
    free(match->new_of);
    object_set_free(&match->doubtful);
    *match = (struct diff_match){0};
}
