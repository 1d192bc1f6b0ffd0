#include "lib/query/view.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/query/raw.h"
#include "lib/query/view_private.h"

static int by_object(const void *a, const void *b)
{
    const struct type_object *x = a, *y = b;
    if (x->object != y->object)
        return x->object < y->object ? -1 : 1;
    return (x->type > y->type) - (x->type < y->type);
}

static bool list_types(struct view *view, struct error *err)
{
    const struct heap *heap = view->heap;
    view->type_objects = malloc(((size_t)heap->type_count + 1) * sizeof *view->type_objects);
    if (!view->type_objects)
        return error_no_memory(err);
    for (type_id t = 1; t <= heap->type_count; t++)
        if (heap->types[t].object)
            view->type_objects[view->type_object_count++] = (struct type_object){heap->types[t].object, t};
    qsort(view->type_objects, view->type_object_count, sizeof *view->type_objects, by_object);
    return true;
}

struct view *view_create(struct heap *heap, struct error *err)
{
    struct view *view = calloc(1, sizeof *view);
    if (!view) {
        error_no_memory(err);
        return NULL;
    }
    view->heap = heap;
    if (!heap_check_previews(heap, err) || !list_types(view, err)) {
        view_destroy(view);
        return NULL;
    }
    return view;
}

void view_destroy(struct view *view)
{
    if (!view)
        return;
    graph_destroy(view->graph);
    roots_free(&view->roots);
    object_set_free(&view->transparent);
    object_set_free(&view->blocks);
    dominators_free(&view->dominators);
    found_references_free(&view->found);
    free(view->native_found);
    free(view->type_objects);
    free(view->parts);
    free(view->functions);
    arena_free(&view->names);
    free(view);
}

const struct heap *view_heap(const struct view *view)
{
    return view->heap;
}

const struct graph *view_graph(struct view *view, struct error *err)
{
    if (!view->graph)
        view->graph = graph_create(view->heap, err);
    return view->graph;
}

const struct roots *view_roots(struct view *view, struct error *err)
{
    if (!view->roots.heap && !roots_create(&view->roots, view->heap, err))
        return NULL;
    return &view->roots;
}

const struct object_set *view_transparent(struct view *view, struct error *err)
{
    if (view->graph)
        return &view->graph->transparent;
    if (!view->transparent.bits && !graph_find_transparent(view->heap, &view->transparent, err))
        return NULL;
    return &view->transparent;
}

bool view_details(struct view *view, struct error *err)
{
    return heap_load_details(view->heap, err);
}

const struct object_set *view_blocks(struct view *view, struct error *err)
{
    const struct heap *heap = view->heap;
    if (view->blocks.bits)
        return &view->blocks;
    if (!object_set_create(&view->blocks, heap, err))
        return NULL;
    if (heap_contents(heap) & HEAP_HAS_BLOCKS)
        for (object_id id = 1; id <= heap->object_count; id++)
            if (heap_family(heap, id) == FAMILY_NATIVE)
                object_set_add(&view->blocks, id);
    return &view->blocks;
}

const struct found_references *view_found(struct view *view, struct error *err)
{
    if (!view->found.count && !found_references_create(&view->found, view->heap, err))
        return NULL;
    return &view->found;
}

const struct dominators *view_dominators(struct view *view, struct error *err)
{
    bool *avoid = NULL, mixed = heap_contents(view->heap) == HEAP_IS_MIXED;
    if (view->dominators.number)
        return &view->dominators;
    bool ok = view_details(view, err) && view_roots_to_avoid(view, NULL, &avoid, err) &&
              (!mixed || view_found(view, err));
    struct dominators_options options = {.avoid_roots = avoid, .claims = mixed ? &view->found : NULL};
    ok = ok && dominators_find(view->heap, &options, &view->dominators, err);
    free(avoid);
    return ok ? &view->dominators : NULL;
}

bool view_unexplained(struct view *view, object_id id, uint64_t *ret, struct error *err)
{
    if (!view_found(view, err))
        return false;
    *ret = found_references_missing(&view->found, view->heap, id);
    return true;
}

bool view_root_is_stale(struct view *view, uint32_t root)
{
    const struct heap_root *r = &view->heap->roots[root];
    uint64_t refcount, unexplained;
    bool word = root_kind_is_native(r->kind) ? heap_family(view->heap, r->target) != FAMILY_NATIVE
                                             : r->reference == REFERENCE_STACK;
    return r->certainty != CERTAINTY_EXACT && word &&
           found_references_counted(view->heap, r->target, &refcount) &&
           view_unexplained(view, r->target, &unexplained, NULL) && unexplained == 0;
}

bool view_roots_to_avoid(struct view *view, const bool *more, bool **ret, struct error *err)
{
    uint32_t count = view->heap->root_count;
    *ret = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (!(more && more[i]) && !view_root_is_stale(view, i))
            continue;
        if (!*ret && !(*ret = calloc(count, sizeof **ret)))
            return error_no_memory(err);
        (*ret)[i] = true;
    }
    return true;
}

uint64_t view_size(const struct view *view, object_id id)
{
    struct heap_detail detail;
    heap_detail(view->heap, id, &detail);
    return detail.size;
}

type_id view_type_of_object(const struct view *view, object_id object)
{
    uint32_t low = 0, high = view->type_object_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (view->type_objects[middle].object < object)
            low = middle + 1;
        else
            high = middle;
    }
    return low < view->type_object_count && view->type_objects[low].object == object
               ? view->type_objects[low].type
               : 0;
}

/* The name of a function that has this code, copied to stay terminated; "" if none is known. */
static const char *name_of_code(struct view *view, object_id code)
{
    const struct heap *heap = view->heap;
    const struct graph *graph = view_graph(view, NULL);
    if (!code || !graph)
        return "";
    uint64_t end = csr_end(&graph->reverse, code);
    for (uint64_t i = csr_start(&graph->reverse, code); i < end; i++) {
        object_id function = graph->reverse.item[i];
        struct heap_preview preview;
        if (heap_family(heap, function) != FAMILY_FUNCTION ||
            raw_field(heap, function, "__code__", NULL) != code || !raw_text(heap, function, &preview))
            continue;
        const char *name = arena_text(&view->names, preview.text, preview.length, NULL);
        return name ? name : "";
    }
    return "";
}

const char *view_frame_function(struct view *view, uint32_t frame)
{
    const struct heap *heap = view->heap;
    if (!frame || frame > heap->frame_count)
        return "";
    const struct heap_frame *f = &heap->frames[frame];
    const char *plain = heap_string(heap, f->function, NULL);
    if (strchr(plain, '.'))
        return plain; /* qualified already */
    if (!view->functions) {
        view->functions = calloc((size_t)heap->frame_count + 1, sizeof *view->functions);
        if (!view->functions)
            return plain;
    }
    if (!view->functions[frame]) {
        const char *name = name_of_code(view, f->code);
        const char *last = strrchr(name, '.');
        /* A function can be renamed; then its name says nothing about the frame. */
        bool same = !strcmp(last ? last + 1 : name, plain);
        view->functions[frame] = same ? name : plain;
    }
    return view->functions[frame];
}

const char *view_cell_name(struct view *view, object_id function, uint64_t index)
{
    const struct heap *heap = view->heap;
    object_id code = raw_field(heap, function, "__code__", NULL);
    object_id closure = raw_field(heap, function, "__closure__", NULL);
    if (!code || !closure)
        return "";
    uint64_t cells = raw_degree(heap, closure), first = 0;
    object_id names = raw_field(heap, code, "co_freevars", NULL);
    if (!names) {
        names = raw_field(heap, code, "co_localsplusnames", NULL);
        if (!names || raw_degree(heap, names) < cells)
            return "";
        first = raw_degree(heap, names) - cells; /* the free variables are the last ones */
    }
    if (index >= cells || first + index >= raw_degree(heap, names))
        return "";
    struct heap_preview preview;
    if (!raw_text(heap, heap->edges.item[csr_start(&heap->edges, names) + first + index], &preview))
        return "";
    const char *name = arena_text(&view->names, preview.text, preview.length, NULL);
    return name ? name : "";
}
