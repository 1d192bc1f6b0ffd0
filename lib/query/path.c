#include "lib/query/path.h"

#include <stdlib.h>

#include "lib/graph/paths.h"
#include "lib/graph/tree.h"
#include "lib/query/path_levels.h"
#include "lib/query/path_runs.h"
#include "lib/query/path_types.h"
#include "lib/query/spelling.h"

/* What is written while a chain becomes a path. */
struct writer {
    struct view *view;
    struct arena *arena;
    struct text_buffer expression, text;
    const char *from_text;
    struct error *err;
};

static const char *keep(struct writer *w, struct text_buffer *text)
{
    if (text->failed) {
        error_no_memory(w->err);
        return NULL;
    }
    return arena_text(w->arena, text_buffer_text(text), text->length, w->err);
}

static bool fill_step(struct writer *w, object_id object, const struct hold *hold, struct path_step *step)
{
    const struct heap *heap = view_heap(w->view);
    step->object = object;
    step->address = heap->address[object];
    step->type = heap_type_name(heap, object);
    step->shallow = view_size(w->view, object);
    if (!hold)
        return true;
    step->kind = hold->kind;
    step->kind_name = spelling_kind(hold->kind);
    step->uncertain = hold->certainty != CERTAINTY_EXACT;
    text_buffer_clear(&w->text);
    spelling_name(w->view, hold, &w->text);
    step->name = keep(w, &w->text);
    text_buffer_clear(&w->text);
    spelling_step(w->view, hold, &w->text);
    step->text = keep(w, &w->text);
    return step->name && step->text;
}

/* The step from a word of native memory: a bare arrow. */
static bool fill_word(struct writer *w, object_id object, struct path_step *step)
{
    step->kind = REFERENCE_POINTER;
    step->kind_name = spelling_kind(REFERENCE_POINTER);
    step->name = "";
    step->text = " ->";
    return fill_step(w, object, NULL, step);
}

/* The root, and the first step when the root's target is one of its own. */
static bool write_start(struct writer *w, const struct chain *chain, uint64_t unexplained, struct path *path)
{
    object_id first = chain->steps[0].object;
    struct path_step *step = &path->steps[0];
    if (chain->root != PATH_NO_ROOT) {
        const struct heap *heap = view_heap(w->view);
        const struct heap_root *root = &heap->roots[chain->root];
        if (!root_row_fill(w->view, chain->root, w->arena, &path->root, w->err))
            return false;
        spelling_root(w->view, chain->root, &w->expression);
        if (!root_is_target(root)) {
            struct hold hold = {.object = first,
                                .kind = root->reference,
                                .certainty = root->certainty,
                                .name = heap_string(heap, root->name, NULL),
                                .number = root->number};
            if (root_kind_is_native(root->kind)) /* the word itself leads there: no place in an object */
                return path->step_count = 1, fill_word(w, first, step);
            path->step_count = 1; /* the root's own spelling has this step already */
            return fill_step(w, first, &hold, step);
        }
    } else if (unexplained) {
        if (!root_row_from_c(w->view, first, unexplained, w->arena, &path->root, w->err))
            return false;
        text_buffer_add(&w->expression, path->root.text);
    } else {
        if (w->from_text)
            text_buffer_add(&w->expression, w->from_text);
        else
            spelling_object(w->view, first, &w->expression);
        path->root = (struct root_row){.kind_name = "",
                                       .name = "",
                                       .variable = "",
                                       .object = first,
                                       .address = view_heap(w->view)->address[first]};
        path->root.text = keep(w, &w->expression);
        return path->root.text != NULL;
    }
    if (chain->step_count > 1 && !unexplained)
        return true;
    *step = (struct path_step){
        .kind_name = path->root.kind_name, .name = path->root.name, .text = path->root.text};
    path->step_count = 1;
    if (path->root.kind == ROOT_FRAME)
        text_buffer_add(&w->expression, SPELLING_FRAME_ITSELF);
    return fill_step(w, first, NULL, step);
}

/* A folded run of raw references that are edges; a type is no edge and ends it. */
static bool write_rest(struct writer *w, const struct chain *chain, struct path *path)
{
    object_id *object = malloc(chain->step_count * sizeof *object);
    uint64_t *edge = malloc(chain->step_count * sizeof *edge);
    bool ok = (object && edge) || error_no_memory(w->err);
    for (uint32_t i = 0; ok && i < chain->step_count; i++) {
        object[i] = chain->steps[i].object;
        if (i)
            edge[i - 1] = chain->steps[i].edge;
    }
    for (size_t at = 0; ok && at + 1 < chain->step_count;) {
        struct hold hold = {.holder = object[at], .kind = REFERENCE_TYPE, .name = ""};
        size_t run = 0, taken = 1;
        while (run < HOLDERS_FOLD_MOST && at + run + 1 < chain->step_count &&
               edge[at + run] != TREE_TYPE_EDGE)
            run++;
        if (run)
            taken = holders_fold(w->view, object + at, edge + at, run, &hold);
        at += taken;
        ok = fill_step(w, object[at], &hold, &path->steps[path->step_count++]);
    }
    free(object);
    free(edge);
    return ok;
}

static bool write_path(struct view *view, struct paths *paths, const struct chain *chain,
                       uint64_t unexplained, struct path *path, struct error *err)
{
    struct writer w = {.view = view, .arena = &paths->arena, .from_text = paths->from_text, .err = err};
    path->steps = arena_take(w.arena, chain->step_count, sizeof *path->steps, err);
    bool ok = path->steps && write_start(&w, chain, unexplained, path) &&
              (path->start = keep(&w, &w.expression)) != NULL;
    path->started = path->step_count;
    ok = ok && write_rest(&w, chain, path);
    if (ok) {
        path_runs_text(path->steps + path->started, path->step_count - path->started, &w.expression);
        path->expression = keep(&w, &w.expression);
    }
    text_buffer_free(&w.expression);
    text_buffer_free(&w.text);
    return ok && path->expression;
}

static bool write_paths(struct view *view, struct paths *ret, const struct chain *chains, uint32_t count,
                        uint64_t unexplained, struct error *err)
{
    ret->paths = arena_take(&ret->arena, count, sizeof *ret->paths, err);
    if (!ret->paths)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!write_path(view, ret, &chains[i], unexplained, &ret->paths[i], err))
            return false;
    ret->path_count = count;
    return true;
}

/* Uncertain roots of an object: places on expression stacks that may hold it, or may only have held it. */
static uint64_t uncertain_roots(const struct roots *roots, object_id object)
{
    uint32_t first, end;
    uint64_t count = 0;
    if (roots_of(roots, object, &first, &end))
        for (uint32_t i = first; i < end; i++)
            count += roots->heap->roots[roots->order[i]].certainty != CERTAINTY_EXACT &&
                     !root_kind_is_native(roots->heap->roots[roots->order[i]].kind);
    return count;
}

/* What native memory has to say about an object, and nobody else has. `unexplained`: the object, or what
 * leads to it, has references that are missing otherwise. */
static bool find_in_native(struct view *view, const struct path_query *query, uint64_t unexplained,
                           struct chain **ret, uint32_t *count, struct error *err)
{
    bool block = heap_family(view_heap(view), query->target) == FAMILY_NATIVE;
    if (path_first_level(view) != PATH_RUNTIME || (!block && !unexplained))
        return true;
    return path_levels_find(view, query, PATH_BLOCKS, ret, count, err);
}

/* Without a certain root: through a type; from C, if more is missing than uncertain roots could explain; from
 * an uncertain root, if anything is missing; from native memory; or it is garbage. */
static bool explain_unrooted(struct paths *ret, struct view *view, const struct path_query *query,
                             struct error *err)
{
    const struct graph *graph = view_graph(view, err);
    const struct roots *roots = view_roots(view, err);
    bool block = heap_family(view_heap(view), query->target) == FAMILY_NATIVE;
    const struct object_set *blocks = view_blocks(view, err);
    struct chain chain = {0}, *uncertain = NULL;
    uint32_t count = 0;
    uint64_t unexplained;
    bool found = false;
    if (!blocks || (!block && !path_through_types(view, query->target, &chain, &found, err)))
        return false;
    if (found) {
        ret->types_followed = true;
        bool ok = write_paths(view, ret, &chain, 1, 0, err);
        chain_free(&chain);
        return ok;
    }
    if (!paths_find_unexplained(graph, query->target, block ? NULL : blocks, &chain, &unexplained, err))
        return false;
    bool ok = true;
    if (unexplained > 0 && unexplained <= uncertain_roots(roots, chain.steps[0].object)) {
        struct path_query any = *query;
        any.certain = false;
        ok = path_level_find(view, &any, path_first_level(view), &uncertain, &count, err);
    }
    if (ok && !count)
        ok = find_in_native(view, query, unexplained, &uncertain, &count, err);
    if (ok && count > 0) {
        uint32_t wanted = query->max > 1 ? query->max - 1 : 1;
        ret->more = count > wanted;
        ok = write_paths(view, ret, uncertain, ret->more ? wanted : count, 0, err);
    } else if (ok) {
        ret->outcome = unexplained ? PATH_HELD_FROM_C : PATH_UNREACHABLE;
        ok = !unexplained || write_paths(view, ret, &chain, 1, unexplained, err);
    }
    chains_free(uncertain, count);
    chain_free(&chain);
    return ok;
}

bool path_find(struct paths *ret, struct view *view, object_id object, const struct path_options *options,
               struct error *err)
{
    *ret = (struct paths){.outcome = options->from ? PATH_FROM_OBJECT : PATH_FROM_ROOT,
                          .from_text = options->from_text};
    const struct graph *graph = view_graph(view, err);
    const struct roots *roots = graph ? view_roots(view, err) : NULL;
    if (!roots)
        return false;
    uint32_t wanted = options->max ? options->max : 1, count;
    struct path_query query = {.target = object,
                               .from = options->from,
                               .avoid = options->avoid,
                               .avoid_roots = options->avoid_roots,
                               .certain = !options->from && !options->avoid,
                               .max = wanted > 1 && wanted < UINT32_MAX ? wanted + 1 : wanted};
    struct chain *chains;
    enum path_level level = path_first_level(view);
    bool all_levels = options->from || options->avoid;
    if (!(all_levels ? path_levels_find(view, &query, level, &chains, &count, err)
                     : path_level_find(view, &query, level, &chains, &count, err)))
        return false;
    ret->more = count > wanted;
    bool ok = true;
    if (count)
        ok = write_paths(view, ret, chains, ret->more ? wanted : count, 0, err);
    else if (options->from || options->avoid)
        ret->outcome = PATH_NONE;
    else
        ok = explain_unrooted(ret, view, &query, err);
    chains_free(chains, count);
    if (!ok)
        path_free(ret);
    return ok;
}

void path_free(struct paths *paths)
{
    arena_free(&paths->arena);
    *paths = (struct paths){0};
}
