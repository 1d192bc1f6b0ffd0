#include "cmd/heldby/path_graph_output.h"

#include <stdlib.h>
#include <string.h>

/* A step of a chain between what holds and what is held. */
struct link {
    struct graph_name source, target;
    const struct path_step *step;
    size_t order;
};

struct chains {
    struct view *view;
    const struct paths *paths;
    struct link *link; /* [count] */
    size_t count;
    struct object_set met;
    struct graph_sink sink;
    struct graph_texts texts;
};

static int compare_names(struct graph_name a, struct graph_name b)
{
    if (a.kind != b.kind)
        return a.kind < b.kind ? -1 : 1;
    return (a.number > b.number) - (a.number < b.number);
}

static int compare_links(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    int order = compare_names(x->source, y->source);
    if (!order)
        order = compare_names(x->target, y->target);
    if (!order)
        order = strcmp(x->step->text, y->step->text);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int compare_order(const void *a, const void *b)
{
    const struct link *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* A root that is no object: a frame's variable, a field of the interpreter, C code. Each chain has its own.
 */
static bool begins_outside(const struct path *path)
{
    if (path->root.kind == ROOT_C_REFERENCE)
        return true;
    return path->root.kind != ROOT_NONE && path->root.reference != REFERENCE_NONE &&
           path->root.reference != REFERENCE_FRAME;
}

static bool collect_links(struct chains *c, struct error *err)
{
    size_t most = 0, kept = 0;
    for (size_t i = 0; i < c->paths->path_count; i++)
        most += c->paths->paths[i].step_count + 1;
    c->link = calloc(most + 1, sizeof *c->link);
    if (!c->link)
        return error_no_memory(err);
    for (size_t i = 0; i < c->paths->path_count; i++) {
        const struct path *path = &c->paths->paths[i];
        struct graph_name above = begins_outside(path) ? (struct graph_name){'r', (uint32_t)i}
                                                       : (struct graph_name){'n', path->root.object};
        for (size_t s = 0; s < path->step_count; s++) {
            struct graph_name here = {'n', path->steps[s].object};
            if (compare_names(above, here) != 0 || path->steps[s].kind != REFERENCE_NONE) {
                c->link[c->count] = (struct link){
                    .source = above, .target = here, .step = &path->steps[s], .order = c->count};
                c->count++;
            }
            above = here;
        }
    }
    if (c->count)
        qsort(c->link, c->count, sizeof *c->link, compare_links);
    for (size_t i = 0; i < c->count; i++) {
        const struct link *last = kept ? &c->link[kept - 1] : NULL;
        if (!last || compare_names(last->source, c->link[i].source) ||
            compare_names(last->target, c->link[i].target) ||
            strcmp(last->step->text, c->link[i].step->text) != 0)
            c->link[kept++] = c->link[i];
    }
    c->count = kept;
    if (kept)
        qsort(c->link, kept, sizeof *c->link, compare_order);
    return true;
}

static bool write_object(struct chains *c, object_id object, size_t depth, object_id target,
                         struct error *err)
{
    struct graph_node node;
    if (!object || !object_set_enter(&c->met, object))
        return true;
    if (!graph_node_fill(c->view, object, &c->texts, &node, err))
        return false;
    node.depth = (int64_t)depth;
    node.target = object == target;
    return graph_sink_node(&c->sink, &node, err);
}

static bool write_nodes(struct chains *c, object_id target, struct error *err)
{
    for (size_t i = 0; i < c->paths->path_count; i++) {
        const struct path *path = &c->paths->paths[i];
        bool outside = begins_outside(path);
        const struct graph_node root = {.name = {'r', (uint32_t)i},
                                        .type = path->root.text,
                                        .text = "",
                                        .root = path->root.text,
                                        .objects = 1,
                                        .items = -1,
                                        .depth = (int64_t)path->step_count};
        if (outside && !graph_sink_node(&c->sink, &root, err))
            return false;
        if (!outside && !write_object(c, path->root.object, path->step_count, target, err))
            return false;
        for (size_t s = 0; s < path->step_count; s++)
            if (!write_object(c, path->steps[s].object, path->step_count - 1 - s, target, err))
                return false;
    }
    return write_object(c, target, 0, target, err); /* even if nothing leads to it */
}

static bool write_links(struct chains *c, struct error *err)
{
    bool ok = true;
    for (size_t i = 0; ok && i < c->count; i++) {
        const struct link *link = &c->link[i];
        bool plain = link->step->kind == REFERENCE_NONE;
        const struct graph_edge edge = {.source = link->source,
                                        .target = link->target,
                                        .kind = link->step->kind_name,
                                        .name = plain ? "" : link->step->name,
                                        .text = plain ? "" : link->step->text,
                                        .count = 1,
                                        .uncertain = link->step->uncertain,
                                        .source_type = "",
                                        .target_type = ""};
        ok = graph_sink_edge(&c->sink, &edge, err);
    }
    return ok;
}

bool paths_export(struct output *out, struct view *view, const struct paths *paths, object_id target,
                  const struct graph_format *format, struct error *err)
{
    struct chains c = {.view = view, .paths = paths};
    bool ok = object_set_create(&c.met, view_heap(view), err) && collect_links(&c, err);
    if (ok) {
        struct error late;
        graph_sink_begin(&c.sink, out, format);
        ok = write_nodes(&c, target, err) && write_links(&c, err);
        ok = graph_sink_end(&c.sink, ok ? err : &late) && ok;
    }
    graph_texts_free(&c.texts);
    object_set_free(&c.met);
    free(c.link);
    return ok;
}
