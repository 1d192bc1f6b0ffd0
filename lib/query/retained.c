#include "lib/query/retained.h"

#include <stdlib.h>
#include <string.h>

#include "lib/graph/reachability.h"

static int largest_first(const void *a, const void *b)
{
    const struct retained_row *x = a, *y = b;
    if (x->retained != y->retained)
        return x->retained > y->retained ? -1 : 1;
    return (x->object.address > y->object.address) - (x->object.address < y->object.address);
}

static int largest_type_first(const void *a, const void *b)
{
    const struct retained_type *x = a, *y = b;
    if (x->shallow != y->shallow)
        return x->shallow > y->shallow ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->type, y->type);
}

static int types_by_name(const void *a, const void *b)
{
    return strcmp(((const struct retained_type *)a)->type, ((const struct retained_type *)b)->type);
}

static bool fill_rows(struct retained *ret, struct view *view, const struct dominators *d,
                      const struct object_set *set, struct error *err)
{
    ret->rows = arena_take(&ret->arena, object_set_count(set), sizeof *ret->rows, err);
    bool ok = ret->rows != NULL;
    for (object_id id = 0; ok && (id = object_set_next(set, id));) {
        struct retained_row *row = &ret->rows[ret->row_count++];
        row->retained = dominators_retained(d, id);
        row->held = d->held[d->number[id]];
        row->live = dominators_is_live(d, id);
        ok = object_row_fill(view, id, &ret->arena, &row->object, err);
    }
    if (ok)
        qsort(ret->rows, ret->row_count, sizeof *ret->rows, largest_first);
    return ok;
}

/* How many references of each object nothing explains, for a heap in which blocks may hold objects. */
static bool find_claims(struct view *view, uint32_t **ret, struct error *err)
{
    const struct heap *heap = view_heap(view);
    *ret = NULL;
    if (heap_contents(heap) != HEAP_IS_MIXED)
        return true;
    const struct found_references *found = view_found(view, err);
    *ret = found ? calloc((size_t)heap->object_count + 1, sizeof **ret) : NULL;
    if (!*ret)
        return found ? error_no_memory(err) : false;
    for (object_id id = 1; id <= heap->object_count; id++)
        (*ret)[id] = found_references_missing(found, heap, id) != 0;
    return true;
}

/* Adds to `reached` what seeds lead to. Objects in it already are not gone through. */
static bool extend(struct view *view, const object_id *seeds, size_t count, const uint32_t *claims,
                   struct object_set *reached, struct error *err)
{
    if (claims)
        return reachability_extend_claimed(view_heap(view), false, seeds, count, claims, reached, err);
    return reachability_extend(view_heap(view), false, seeds, count, reached, err);
}

/* What still is there without the set: of the living, what roots reach; of the rest, what its own heads
 * reach. */
static bool mark_kept(struct view *view, const struct dominators *d, const struct object_set *set,
                      struct object_set *kept, struct error *err)
{
    uint32_t *claims = NULL, count = d->count;
    object_id *seeds = malloc(((size_t)count + 1) * sizeof *seeds);
    size_t seed_count = 0;
    bool ok = (seeds || error_no_memory(err)) && object_set_create(kept, view_heap(view), err) &&
              find_claims(view, &claims, err);
    for (size_t word = 0; ok && word <= set->limit >> 6; word++)
        kept->bits[word] = set->bits[word];
    for (object_id id = 0; ok && (id = object_set_next(&d->rooted, id));)
        if (!object_set_has(set, id))
            seeds[seed_count++] = id;
    ok = ok && extend(view, seeds, seed_count, claims, kept, err);
    struct object_set dead = {0}; /* to begin with all that lives, so that only the rest is gone through */
    ok = ok && object_set_create(&dead, view_heap(view), err);
    seed_count = 0;
    for (uint32_t n = 1; ok && n <= count; n++)
        if (n <= d->live_count || object_set_has(set, d->object[n]))
            object_set_add(&dead, d->object[n]);
        else if (!d->parent[n])
            seeds[seed_count++] = d->object[n];
    ok = ok && extend(view, seeds, seed_count, claims, &dead, err);
    for (uint32_t n = d->live_count + 1; ok && n <= count; n++)
        if (object_set_has(&dead, d->object[n]))
            object_set_add(kept, d->object[n]);
    for (object_id id = 0; ok && (id = object_set_next(set, id));)
        object_set_drop(kept, id);
    object_set_free(&dead);
    free(claims);
    free(seeds);
    return ok;
}

static bool count_freed(struct retained *ret, struct view *view, const struct object_set *kept,
                        struct error *err)
{
    const struct heap *heap = view_heap(view);
    ret->types = arena_take(&ret->arena, (size_t)heap->type_count + 1, sizeof *ret->types, err);
    if (!ret->types)
        return false;
    for (type_id t = 0; t <= heap->type_count; t++)
        ret->types[t].type = t ? heap_string(heap, heap->types[t].name, NULL) : "";
    for (object_id id = 1; id <= heap->object_count; id++) {
        if (object_set_has(kept, id))
            continue;
        uint64_t size = view_size(view, id);
        struct retained_type *type = &ret->types[heap_type_of(heap, id)];
        type->count++;
        type->shallow += size;
        ret->objects++;
        ret->total += size;
    }
    qsort(ret->types, (size_t)heap->type_count + 1, sizeof *ret->types, types_by_name);
    for (size_t i = 0; i <= heap->type_count; i++) {
        struct retained_type row = ret->types[i], *last = ret->types + ret->type_count;
        if (!row.count)
            continue;
        if (ret->type_count && !strcmp(last[-1].type, row.type)) {
            last[-1].count += row.count;
            last[-1].shallow += row.shallow;
        } else {
            ret->types[ret->type_count++] = row;
        }
    }
    qsort(ret->types, ret->type_count, sizeof *ret->types, largest_type_first);
    return true;
}

bool retained_create(struct retained *ret, struct view *view, const object_id *objects, size_t count,
                     struct error *err)
{
    struct object_set set = {0}, kept = {0};
    *ret = (struct retained){0};
    const struct dominators *d = view_dominators(view, err);
    bool ok = d && object_set_create(&set, view_heap(view), err);
    for (size_t i = 0; ok && i < count; i++)
        object_set_add(&set, objects[i]);
    ok = ok && fill_rows(ret, view, d, &set, err) && mark_kept(view, d, &set, &kept, err) &&
         count_freed(ret, view, &kept, err);
    if (ok)
        ret->heap_bytes = d->retained[0];
    object_set_free(&set);
    object_set_free(&kept);
    if (!ok)
        retained_free(ret);
    return ok;
}

void retained_free(struct retained *retained)
{
    arena_free(&retained->arena);
    *retained = (struct retained){0};
}
