#include "lib/graph/dominators.h"

#include <stdlib.h>

#include "lib/base/memory.h"
#include "lib/graph/dominator_search.h"

/* Numbers whose lists of predecessors are fetched before they are needed. */
enum { AHEAD = 16 };

/* By number. `label`: of a processed number the least semidominator on its compressed path; afterwards
 * depths. `above`: the path upwards that is compressed; afterwards jump pointers. */
struct semi_nca {
    const struct dominator_search *search;
    uint32_t *semi, *label, *above, *path;
};

/* The least label from v upwards through numbers greater than `limit`, the path made short behind it. */
static uint32_t evaluate(struct semi_nca *s, uint32_t v, uint32_t limit)
{
    uint32_t *above = s->above, *label = s->label, depth = 0;
    for (uint32_t at = v; above[at] > limit; at = above[at])
        s->path[depth++] = at;
    /* From the top down, so that each sees what its upper one found. The topmost has nothing above to see. */
    for (uint32_t i = depth; i-- > 0;) {
        uint32_t at = s->path[i], upper = above[at];
        if (label[upper] < label[at])
            label[at] = label[upper];
        above[at] = above[upper];
    }
    return label[v];
}

static void find_semidominators(struct semi_nca *s)
{
    const struct dominator_search *search = s->search;
    for (uint32_t n = search->count; n > 0; n--) {
        uint32_t semi = search->parent[n];
        if (object_set_has(&search->rooted, search->object[n]))
            semi = 0;
        uint32_t at, end;
        if (n > AHEAD)
            __builtin_prefetch(&search->mark[search->object[n - AHEAD]]);
        dominator_sources(search, n, &at, &end);
        for (; semi > 0 && at < end; at++) {
            uint32_t source = search->source[at];
            uint32_t least = source < n ? source : evaluate(s, source, n);
            if (least < semi)
                semi = least;
        }
        s->semi[n] = s->label[n] = semi;
    }
}

/* Parents in the dominator tree: the deepest on the way up that is not below the semidominator. */
static void find_parents(struct semi_nca *s, uint32_t *parent)
{
    const struct dominator_search *search = s->search;
    uint32_t *depth = s->label, *jump = s->above;
    parent[0] = depth[0] = jump[0] = 0;
    for (uint32_t n = 1; n <= search->count; n++) {
        uint32_t at = search->parent[n], semi = s->semi[n];
        while (at > semi)
            at = jump[at] >= semi ? jump[at] : parent[at];
        uint32_t far = jump[at];
        parent[n] = at;
        depth[n] = depth[at] + 1;
        jump[n] = depth[at] - depth[far] == depth[far] - depth[jump[far]] ? jump[far] : at;
    }
}

static bool add_up(const struct heap *heap, struct dominators *d, struct error *err)
{
    d->retained = memory_large((size_t)d->count + 1, sizeof *d->retained);
    if (!d->retained)
        return error_no_memory(err);
    d->retained[0] = 0;
    d->held[0] = 0;
    for (uint32_t n = 1; n <= d->count; n++) {
        struct heap_detail detail;
        heap_detail(heap, d->object[n], &detail);
        d->retained[n] = detail.size;
        d->held[n] = 1;
        if (n <= d->live_count)
            d->retained[0] += detail.size;
    }
    for (uint32_t n = d->count; n > 0; n--) {
        if (!d->parent[n])
            continue;
        d->retained[d->parent[n]] += d->retained[n];
        d->held[d->parent[n]] += d->held[n];
    }
    d->held[0] = d->live_count;
    return true;
}

bool dominators_find(const struct heap *heap, const struct dominators_options *options,
                     struct dominators *ret, struct error *err)
{
    struct dominator_search search = {.heap = heap, .options = options};
    struct semi_nca s = {.search = &search};
    *ret = (struct dominators){0};
    bool ok = dominator_search(&search, err);
    if (ok) {
        size_t count = (size_t)search.count + 1;
        s.semi = memory_large(count, sizeof *s.semi);
        s.label = memory_large(count, sizeof *s.label);
        s.above = memory_large(count, sizeof *s.above);
        s.path = search.position;
        ok = (s.semi && s.label && s.above) || error_no_memory(err);
    }
    if (ok) {
        for (uint32_t n = 0; n <= search.count; n++)
            s.above[n] = search.parent[n];
        s.label[0] = 0;
        find_semidominators(&s);
        find_parents(&s, search.position);
        uint32_t *number = s.above; /* no longer needed, and as long */
        for (uint32_t id = 0; id <= heap->object_count; id++)
            number[id] = search.mark[id].number;
        *ret = (struct dominators){.count = search.count,
                                   .live_count = search.live_count,
                                   .number = number,
                                   .object = search.object,
                                   .parent = search.position,
                                   .depth = s.label,
                                   .held = s.semi,
                                   .rooted = search.rooted};
        search.rooted = (struct object_set){0};
        search.position = NULL;
        search.object = NULL;
        s.label = s.semi = s.above = NULL;
    }
    free(s.semi);
    free(s.label);
    free(s.above);
    dominator_search_free(&search);
    ok = ok && add_up(heap, ret, err);
    if (!ok)
        dominators_free(ret);
    return ok;
}

void dominators_free(struct dominators *d)
{
    free(d->number);
    free(d->object);
    free(d->parent);
    free(d->depth);
    free(d->held);
    free(d->retained);
    object_set_free(&d->rooted);
    *d = (struct dominators){0};
}

bool dominators_children(const struct dominators *d, struct dominator_children *ret, struct error *err)
{
    size_t count = (size_t)d->count;
    *ret = (struct dominator_children){.start = calloc(count + 2, sizeof *ret->start),
                                       .child = memory_large(count ? count : 1, sizeof *ret->child)};
    if (!ret->start || !ret->child) {
        dominator_children_free(ret);
        return error_no_memory(err);
    }
    uint32_t *next = ret->start + 1; /* start[n + 1] is where n's next child goes, in the end where n's end */
    for (uint32_t n = 1; n <= d->count; n++)
        if (d->parent[n] + 1 <= d->count)
            next[d->parent[n] + 1]++;
    for (uint32_t n = 1; n <= d->count; n++)
        next[n] += next[n - 1];
    for (uint32_t n = 1; n <= d->count; n++)
        ret->child[next[d->parent[n]]++] = n;
    return true;
}

void dominator_children_free(struct dominator_children *children)
{
    free(children->start);
    free(children->child);
    *children = (struct dominator_children){0};
}
