#include "lib/query/fold.h"

#include "lib/graph/shape_traits.h"
#include "lib/query/raw.h"
#include "lib/query/spelling.h"
#include "lib/query/view_private.h"

/* A field known by its offset only may be a member that the type names. */
static const char *member_name(const struct heap *heap, object_id source, int64_t offset)
{
    unsigned bases = 0;
    for (type_id t = heap_type_of(heap, source); t && bases < 64; t = heap->types[t].base, bases++) {
        uint32_t first = heap->types[t].member_start;
        for (uint32_t i = first; i < first + heap->types[t].member_count; i++)
            if (offset > 0 && heap->members[i].offset == (uint64_t)offset)
                return heap_string(heap, heap->members[i].name, NULL);
    }
    return "";
}

struct hold fold_none(const struct view *view, const struct reference *raw)
{
    const struct heap *heap = view->heap;
    struct hold hold = {.holder = raw->source,
                        .object = raw->target,
                        .kind = raw->kind,
                        .certainty = raw->certainty,
                        .name = heap_string(heap, raw->name, NULL),
                        .key = raw->key,
                        .number = raw->number};
    if (raw->kind == REFERENCE_FIELD && !raw->name)
        hold.name = member_name(heap, raw->source, raw->number);
    return hold;
}

static bool name_is_identifier(const struct heap *heap, const struct reference *raw)
{
    if (raw->name) {
        size_t length;
        const char *name = heap_string(heap, raw->name, &length);
        return spelling_is_identifier(name, length);
    }
    struct heap_preview preview;
    return raw->key && heap_family(heap, raw->key) == FAMILY_STR && raw_text(heap, raw->key, &preview) &&
           spelling_is_identifier(preview.text, preview.length);
}

bool fold_part(const struct view *view, object_id owner, const struct reference *raw, struct hold *ret)
{
    const struct heap *heap = view->heap;
    switch (raw->kind) {
    case REFERENCE_KEY:
    case REFERENCE_ATTRIBUTE:
    case REFERENCE_GLOBAL:
    case REFERENCE_CLASS_ATTRIBUTE:
        if (!name_is_identifier(heap, raw))
            return false;
        *ret = fold_none(view, raw);
        switch (heap_family(heap, owner)) {
        case FAMILY_MODULE:
            ret->kind = REFERENCE_GLOBAL;
            break;
        case FAMILY_TYPE:
            ret->kind = REFERENCE_CLASS_ATTRIBUTE;
            break;
        default:
            ret->kind = REFERENCE_ATTRIBUTE;
        }
        break;
    case REFERENCE_LOCAL:
    case REFERENCE_STACK:
        *ret = fold_none(view, raw);
        break;
    default:
        return false;
    }
    ret->holder = owner;
    ret->via = raw->source;
    return true;
}

bool fold_closure_at(struct view *view, object_id function, uint64_t place, const struct reference *raw,
                     struct hold *ret)
{
    *ret = (struct hold){.holder = function,
                         .object = raw->target,
                         .kind = REFERENCE_CELL,
                         .name = view_cell_name(view, function, place),
                         .number = (int64_t)place,
                         .via = raw->source};
    return true;
}

bool fold_closure(struct view *view, object_id function, object_id tuple, const struct reference *raw,
                  struct hold *ret)
{
    const struct heap *heap = view->heap;
    if (heap_family(heap, function) != FAMILY_FUNCTION ||
        raw_field(heap, function, "__closure__", NULL) != tuple)
        return false;
    uint64_t start = csr_start(&heap->edges, tuple), end = csr_end(&heap->edges, tuple);
    for (uint64_t i = start; i < end; i++)
        if (heap->edges.item[i] == raw->source)
            return fold_closure_at(view, function, i - start, raw, ret);
    return false;
}

/* function -> closure tuple -> cell -> value */
static bool fold_closure_chain(struct view *view, const object_id *object, const uint64_t *edge,
                               struct hold *ret)
{
    const struct heap *heap = view->heap;
    struct reference first = heap_reference(heap, object[0], edge[0]);
    struct reference last = heap_reference(heap, object[2], edge[2]);
    return heap_family(heap, object[0]) == FAMILY_FUNCTION && raw_name_is(heap, &first, "__closure__") &&
           heap_family(heap, object[2]) == FAMILY_CELL && last.kind == REFERENCE_CELL &&
           fold_closure_at(view, object[0], edge[1] - csr_start(&heap->edges, object[1]), &last, ret);
}

/* wrapper -> dict -> value, or wrapper -> dict -> link -> value */
static size_t fold_cache_chain(struct view *view, const object_id *object, const uint64_t *edge, size_t count,
                               struct hold *ret)
{
    const struct heap *heap = view->heap;
    struct reference inner = heap_reference(heap, object[1], edge[1]);
    if (inner.kind != REFERENCE_KEY || heap_family(heap, object[1]) != FAMILY_DICT)
        return 0;
    *ret = (struct hold){.holder = object[0],
                         .object = object[2],
                         .kind = REFERENCE_CACHE,
                         .name = "",
                         .key = inner.key,
                         .via = object[1]};
    if (heap_family(heap, object[2]) != FAMILY_LRU_LINK)
        return 2;
    if (count < 3)
        return 0;
    struct reference last = heap_reference(heap, object[2], edge[2]);
    if (!raw_name_is(heap, &last, "<result>"))
        return 0;
    ret->object = object[3];
    ret->via = object[2];
    return 3;
}

size_t holders_fold(struct view *view, const object_id *object, const uint64_t *edge, size_t count,
                    struct hold *ret)
{
    if (!count)
        return 0;
    const struct heap *heap = view->heap;
    struct reference first = heap_reference(heap, object[0], edge[0]);
    if (count >= 2 && reference_kind_is_part(first.kind) && object[1] != object[0]) {
        struct reference inner = heap_reference(heap, object[1], edge[1]);
        if (fold_part(view, object[0], &inner, ret))
            return 2;
    }
    if (count >= 2 && first.kind == REFERENCE_CACHE) {
        size_t taken = fold_cache_chain(view, object, edge, count, ret);
        if (taken)
            return taken;
    }
    if (count >= 3 && fold_closure_chain(view, object, edge, ret))
        return 3;
    *ret = fold_none(view, &first);
    return 1;
}
