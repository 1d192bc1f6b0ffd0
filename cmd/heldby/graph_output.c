#include "cmd/heldby/graph_output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/text.h"
#include "lib/query/finalizers.h"
#include "lib/query/spelling.h"

enum { DRAIN = 1 << 16 };

void graph_texts_free(struct graph_texts *texts)
{
    text_buffer_free(&texts->text);
    text_buffer_free(&texts->root);
    text_buffer_free(&texts->name);
    text_buffer_free(&texts->step);
    free(texts->finalizers);
    texts->finalizers = NULL;
}

/* Only code that the program has written: every generator has a finalizer in C. */
static bool has_finalizer(struct view *view, object_id object, struct graph_texts *texts, bool *ret,
                          struct error *err)
{
    if (!texts->finalizers && !(texts->finalizers = finalizers_of_types(view, err)))
        return false;
    uint8_t kind = texts->finalizers[heap_type_of(view_heap(view), object)];
    *ret = kind == FINALIZER_DEL || kind == FINALIZER_LEGACY;
    return true;
}

static bool fill_root(struct view *view, object_id object, struct graph_texts *texts, struct graph_node *ret,
                      struct error *err)
{
    uint32_t first, end;
    const struct roots *roots = view_roots(view, err);
    ret->root = "";
    if (!roots)
        return false;
    if (object_set_has(&roots->rooted, object) && roots_of(roots, object, &first, &end)) {
        text_buffer_clear(&texts->root);
        spelling_root(view, roots->order[first], &texts->root);
        ret->root = text_buffer_text(&texts->root);
    }
    return true;
}

bool graph_node_fill(struct view *view, object_id object, struct graph_texts *texts, struct graph_node *ret,
                     struct error *err)
{
    const struct heap *heap = view_heap(view);
    struct heap_detail detail;
    heap_detail(heap, object, &detail);
    *ret = (struct graph_node){.name = {'n', object},
                               .address = heap->address[object],
                               .type = heap_type_name(heap, object),
                               .shallow = detail.size,
                               .refcount = detail.refcount,
                               .immortal = heap_is_immortal(heap, &detail),
                               .objects = 1,
                               .items = heap_container_length(heap, object),
                               .depth = -1,
                               .module = heap_family(heap, object) == FAMILY_MODULE};
    text_buffer_clear(&texts->text);
    spelling_preview(view, object, &texts->text);
    ret->text = text_buffer_text(&texts->text);
    if (!fill_root(view, object, texts, ret, err) ||
        !has_finalizer(view, object, texts, &ret->finalizer, err))
        return false;
    return (!texts->text.failed && !texts->root.failed) || error_no_memory(err);
}

bool graph_edge_fill(struct view *view, const struct hold *hold, struct graph_texts *texts,
                     struct graph_edge *ret, struct error *err)
{
    const struct heap *heap = view_heap(view);
    *ret = (struct graph_edge){.source = {'n', hold->holder},
                               .target = {'n', hold->object},
                               .kind = spelling_kind(hold->kind),
                               .count = 1,
                               .uncertain = hold->certainty != CERTAINTY_EXACT,
                               .weak = reference_kind_is_loose(hold->kind),
                               .source_address = heap->address[hold->holder],
                               .target_address = heap->address[hold->object],
                               .source_type = heap_type_name(heap, hold->holder),
                               .target_type = heap_type_name(heap, hold->object)};
    text_buffer_clear(&texts->name);
    text_buffer_clear(&texts->step);
    spelling_name(view, hold, &texts->name);
    spelling_step(view, hold, &texts->step);
    ret->name = text_buffer_text(&texts->name);
    ret->text = text_buffer_text(&texts->step);
    return (!texts->name.failed && !texts->step.failed) || error_no_memory(err);
}

const struct graph_format *graph_format_find(const char *name)
{
    static const struct graph_format *const formats[] = {&graph_format_dot, &graph_format_graphml};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}

static const char *clean(struct graph_sink *sink, size_t place, const char *text)
{
    return text_clean(text, strlen(text), sink->clean[place], GRAPH_TEXT);
}

static bool drain(struct graph_sink *sink, size_t least, struct error *err)
{
    if (sink->text.failed)
        return error_no_memory(err);
    if (sink->text.length < least)
        return true;
    errno = 0;
    bool written = fwrite(sink->text.text, 1, sink->text.length, sink->out->to) == sink->text.length;
    text_buffer_clear(&sink->text);
    return written || error_system(err, sink->out->file.name ? sink->out->file.name : "standard output",
                                   errno ? errno : EIO, "cannot write");
}

void graph_sink_begin(struct graph_sink *sink, struct output *out, const struct graph_format *format)
{
    *sink = (struct graph_sink){.out = out, .format = format};
    format->begin(&sink->text);
}

bool graph_sink_node(struct graph_sink *sink, const struct graph_node *node, struct error *err)
{
    if (sink->format->node) {
        struct graph_node cleaned = *node;
        cleaned.type = clean(sink, 0, node->type);
        cleaned.text = clean(sink, 1, node->text);
        cleaned.root = clean(sink, 2, node->root);
        sink->format->node(&cleaned, &sink->text);
    }
    return drain(sink, DRAIN, err);
}

bool graph_sink_edge(struct graph_sink *sink, const struct graph_edge *edge, struct error *err)
{
    if (sink->format->edge) {
        struct graph_edge cleaned = *edge;
        cleaned.name = clean(sink, 0, edge->name);
        cleaned.text = clean(sink, 1, edge->text);
        cleaned.source_type = clean(sink, 2, edge->source_type);
        cleaned.target_type = clean(sink, 3, edge->target_type);
        sink->format->edge(&cleaned, &sink->text);
    }
    return drain(sink, DRAIN, err);
}

bool graph_sink_end(struct graph_sink *sink, struct error *err)
{
    sink->format->end(&sink->text);
    bool done = drain(sink, 1, err);
    text_buffer_free(&sink->text);
    return done;
}
