#include "lib/query/noise_names.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/vector.h"
#include "lib/query/raw.h"

bool noise_names_is_documentation(struct view *view, object_id str)
{
    const struct graph *graph = view_graph(view, NULL);
    for (uint64_t i = graph ? csr_start(&graph->reverse, str) : 0; graph && i < csr_end(&graph->reverse, str);
         i++) {
        object_id source = graph->reverse.item[i];
        struct reference reference;
        struct heap_preview key;
        for (uint64_t at = csr_start(&graph->heap->edges, source);
             graph_next_reference(graph->heap, source, str, &at, &reference);)
            if (raw_name_is(graph->heap, &reference, "__doc__") ||
                (reference.kind == REFERENCE_KEY && reference.key &&
                 raw_text(graph->heap, reference.key, &key) && key.length == 7 &&
                 !memcmp(key.text, "__doc__", 7)))
                return true;
    }
    return false;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool add_text(struct noise_names *names, size_t *capacity, const char *text, size_t length)
{
    if (!vector_reserve((void **)&names->text, capacity, names->count + 1, sizeof *names->text, NULL))
        return false;
    const char *copy = arena_text(names->arena, text, length, NULL);
    if (copy)
        names->text[names->count++] = copy;
    return copy != NULL;
}

/* The str keys of each object's own dict, each str once, the names of fields and of modules. */
static bool collect(struct noise_names *names, const struct graph *graph)
{
    const struct heap *heap = graph->heap;
    struct object_set met = {0};
    struct heap_preview preview;
    size_t capacity = 0;
    bool ok = object_set_create(&met, heap, NULL);
    for (object_id dict = 0; ok && (dict = object_set_next(&graph->transparent, dict));)
        for (uint64_t i = csr_start(&heap->edges, dict); ok && i < csr_end(&heap->edges, dict); i++) {
            object_id item = heap->edges.item[i];
            if (item && heap_family(heap, item) == FAMILY_STR && !object_set_has(&met, item) &&
                heap_reference(heap, dict, i).kind == REFERENCE_KEY_OBJECT && object_set_enter(&met, item) &&
                raw_text(heap, item, &preview))
                ok = add_text(names, &capacity, preview.text, preview.length);
        }
    for (uint32_t f = 0; ok && f < heap->field_count; f++) {
        size_t length;
        const char *text = heap_string(heap, heap->fields[f].name, &length);
        if (length && (f == 0 || heap->fields[f].name != heap->fields[f - 1].name))
            ok = add_text(names, &capacity, text, length);
    }
    for (uint32_t r = 0; ok && r < heap->root_count; r++) {
        size_t length;
        const char *text = heap_string(heap, heap->roots[r].name, &length);
        if (heap->roots[r].kind == ROOT_MODULE && length)
            ok = add_text(names, &capacity, text, length);
    }
    object_set_free(&met);
    return ok;
}

static void make(struct noise_names *names, struct view *view)
{
    const struct graph *graph = view_graph(view, NULL);
    names->made = true;
    names->arena = calloc(1, sizeof *names->arena);
    if (!graph || !names->arena || !collect(names, graph) || !names->count)
        return;
    qsort(names->text, names->count, sizeof *names->text, compare);
    size_t kept = 1;
    for (size_t i = 1; i < names->count; i++)
        if (strcmp(names->text[i], names->text[kept - 1]) != 0)
            names->text[kept++] = names->text[i];
    names->count = kept;
}

static bool is_name(struct view *view, object_id str)
{
    const struct graph *graph = view_graph(view, NULL);
    for (uint64_t i = graph ? csr_start(&graph->reverse, str) : 0; graph && i < csr_end(&graph->reverse, str);
         i++) {
        object_id source = graph->reverse.item[i];
        struct reference reference;
        if (!object_set_has(&graph->transparent, source))
            continue;
        for (uint64_t at = csr_start(&graph->heap->edges, source);
             graph_next_reference(graph->heap, source, str, &at, &reference);)
            if (reference.kind == REFERENCE_KEY_OBJECT)
                return true;
    }
    return false;
}

bool noise_names_is_attribute(struct noise_names *names, struct view *view, object_id str,
                              uint64_t unexplained)
{
    enum { LONGEST = 100 }; /* Objects/typeobject.c, MCACHE_MAX_ATTR_SIZE */
    struct heap_preview preview;
    char text[4 * LONGEST + 1];
    if (is_name(view, str))
        return true;
    if (unexplained != 1)
        return false;
    if (!names->made)
        make(names, view);
    if (!names->count || !raw_text(view_heap(view), str, &preview) || preview.full_length > LONGEST ||
        preview.length >= sizeof text)
        return false;
    memcpy(text, preview.text, preview.length);
    text[preview.length] = '\0';
    const char *key = text;
    return bsearch(&key, names->text, names->count, sizeof *names->text, compare) != NULL;
}

void noise_names_free(struct noise_names *names)
{
    free(names->text);
    if (names->arena)
        arena_free(names->arena);
    free(names->arena);
    *names = (struct noise_names){0};
}
