#include "lib/query/refcheck.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/vector.h"
#include "lib/graph/found_references.h"
#include "lib/query/native_found.h"
#include "lib/query/noise_stack.h"
#include "lib/query/selection.h"
#include "lib/query/spelling.h"

static int by_residue(const void *a, const void *b)
{
    const struct refcheck_row *x = a, *y = b;
    uint64_t missing = x->unexplained + x->native, other = y->unexplained + y->native;
    if (missing != other)
        return missing > other ? -1 : 1;
    if (x->unexplained != y->unexplained)
        return x->unexplained > y->unexplained ? -1 : 1;
    if (x->shallow != y->shallow)
        return x->shallow > y->shallow ? -1 : 1;
    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_type_residue(const void *a, const void *b)
{
    const struct refcheck_type *x = a, *y = b;
    uint64_t missing = x->unexplained + x->native, other = y->unexplained + y->native;
    if (missing != other)
        return missing > other ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->type, y->type);
}

static int by_type_name(const void *a, const void *b)
{
    return strcmp(((const struct refcheck_type *)a)->type, ((const struct refcheck_type *)b)->type);
}

static bool collect(struct refcheck *ret, struct view *view, const struct refcheck_options *options,
                    const bool *types, const struct found_references *found, struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct refcheck_row *rows = NULL;
    size_t capacity = 0, count = 0;
    bool ok = true;
    for (object_id id = 1; ok && id <= heap->object_count; id++) {
        uint64_t refcount;
        type_id type = heap_type_of(heap, id);
        if (types && !types[type])
            continue;
        if (!found_references_counted(heap, id, &refcount)) {
            ret->immortal++;
            continue;
        }
        ret->checked++;
        ret->over += found->count[id] > refcount;
        if (refcount <= found->count[id])
            continue;
        uint64_t unexplained = refcount - found->count[id], native;
        enum noise noise = noises_of(ret->noises, id, found->count[id], unexplained);
        if (noise)
            ret->noise[noise]++;
        if (noise && !options->all)
            continue;
        ok = native_found(view, id, &native, err) &&
             vector_reserve((void **)&rows, &capacity, count + 1, sizeof *rows, err);
        if (ok)
            rows[count++] = (struct refcheck_row){.id = id,
                                                  .address = heap->address[id],
                                                  .shallow = view_size(view, id),
                                                  .refcount = refcount,
                                                  .found = found->count[id],
                                                  .native = native,
                                                  .unexplained = unexplained - native,
                                                  .type = heap_type_name(heap, id),
                                                  .module = heap_string(heap, heap->types[type].module, NULL),
                                                  .noise = noise};
    }
    if (rows)
        qsort(rows, count, sizeof *rows, by_residue);
    ret->rows = rows;
    ret->row_count = count;
    return ok;
}

static bool sum_types(struct refcheck *ret, struct error *err)
{
    struct refcheck_type *types = arena_take(&ret->arena, ret->row_count + 1, sizeof *types, err);
    if (!types)
        return false;
    for (size_t i = 0; i < ret->row_count; i++) {
        const struct refcheck_row *row = &ret->rows[i];
        types[i] = (struct refcheck_type){row->type, 1, row->native, row->unexplained, row->shallow};
        ret->native += row->native;
        ret->unexplained += row->unexplained;
        ret->shallow += row->shallow;
    }
    qsort(types, ret->row_count, sizeof *types, by_type_name);
    for (size_t i = 0; i < ret->row_count; i++) {
        struct refcheck_type *last = ret->type_count ? &types[ret->type_count - 1] : NULL;
        if (last && !strcmp(last->type, types[i].type)) {
            last->count++;
            last->native += types[i].native;
            last->unexplained += types[i].unexplained;
            last->shallow += types[i].shallow;
        } else {
            types[ret->type_count++] = types[i];
        }
    }
    qsort(types, ret->type_count, sizeof *types, by_type_residue);
    ret->types = types;
    return true;
}

bool refcheck_create(struct refcheck *ret, struct view *view, const struct refcheck_options *options,
                     struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct found_references found = {0};
    bool *types = NULL;
    *ret = (struct refcheck){.mixed = heap_contents(heap) == HEAP_IS_MIXED};
    bool ok = view_details(view, err);
    if (ok && options->type) {
        types = calloc((size_t)heap->type_count + 1, sizeof *types);
        ok = types ? selection_types(heap, options->type, types, err) : error_no_memory(err);
    }
    ok = ok && found_references_create(&found, heap, err) &&
         (ret->noises = noises_create(view, err)) != NULL &&
         collect(ret, view, options, types, &found, err) && sum_types(ret, err);
    found_references_free(&found);
    free(types);
    if (!ok)
        refcheck_free(ret);
    return ok;
}

void refcheck_free(struct refcheck *refcheck)
{
    noises_destroy(refcheck->noises);
    free(refcheck->rows);
    arena_free(&refcheck->arena);
    *refcheck = (struct refcheck){0};
}

static bool add_why(struct view *view, const struct refcheck_row *row, struct text_buffer *text,
                    struct error *err)
{
    const struct roots *roots = view_roots(view, NULL);
    uint32_t place = roots ? noise_stack_place(roots, row->id) : UINT32_MAX;
    if (row->noise && row->noise != NOISE_STACK) {
        text_buffer_add(text, noise_meaning(row->noise));
    } else if (row->native) {
        return native_found_add(view, row->id, text, err);
    } else if (place != UINT32_MAX) {
        text_buffer_add(text, "perhaps ");
        spelling_root(view, place, text);
    } else if (!row->found) {
        text_buffer_add(text, "only C holds it");
    }
    return true;
}

bool refcheck_describe(struct refcheck *refcheck, struct view *view, struct refcheck_row *row,
                       struct error *err)
{
    struct text_buffer text = {0};
    spelling_preview(view, row->id, &text);
    row->preview = arena_text(&refcheck->arena, text_buffer_text(&text), text.length, err);
    text_buffer_clear(&text);
    bool ok = add_why(view, row, &text, err);
    row->why = arena_text(&refcheck->arena, text_buffer_text(&text), text.length, err);
    ok = ok && row->preview && row->why && (!text.failed || error_no_memory(err));
    text_buffer_free(&text);
    return ok;
}
