/* heldby referrers: what holds an object, as a tree of named references up to the roots. */
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/reference_output.h"
#include "cmd/heldby/selectors.h"
#include "lib/query/expression.h"

enum { DEFAULT_DEPTH = 4 };

/* The objects asked about, for free(). */
static object_id *find_targets(const struct invocation *in, struct view *view, size_t *count,
                               struct error *err)
{
    if (option_given(in, "type"))
        return objects_of_type(view, option_text(in, "type", NULL), count, err);
    object_id *targets = calloc(in->operand_count, sizeof *targets);
    if (!targets) {
        error_no_memory(err);
        return NULL;
    }
    *count = 0;
    for (size_t i = 1; i < in->operand_count; i++) {
        object_id id = expression_find(view, in->operands[i], err);
        if (!id) {
            free(targets);
            return NULL;
        }
        targets[(*count)++] = id;
    }
    return targets;
}

static bool print_tree(const struct invocation *in, struct output *out, struct opened *opened,
                       const struct reference_tree *tree, struct error *err)
{
    const char *format = option_text(in, "format", "tree");
    document_begin_one(out, opened);
    if (strcmp(format, "dot") == 0 || strcmp(format, "graphml") == 0)
        return reference_tree_export(out, opened->view, tree, REFERENCES_IN, format, err);
    bool done = out->as_json ? reference_tree_json(out, opened->view, tree, REFERENCES_IN, err)
                             : reference_tree_print(out, opened->view, tree, REFERENCES_IN, err);
    if (done && !out->as_json && tree->deeper)
        output_print(out, "\n%sIt goes on higher up (--depth N, 0 for all).%s\n",
                     output_style(out, STYLE_DIM), out->colored ? output_style(out, STYLE_PLAIN) : "");
    document_end(out);
    return done;
}

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    struct object_set exclude;
    if (!objects_of_option(in, "exclude", opened->view, &exclude, err))
        return false;
    size_t count = 0;
    object_id *targets = find_targets(in, opened->view, &count, err);
    uint64_t depth = option_number(in, "depth", DEFAULT_DEPTH);
    struct reference_tree_options options = {.direction = REFERENCES_IN,
                                             .depth = depth > UINT32_MAX ? 0 : (uint32_t)depth,
                                             .limit = out->limit == UINT64_MAX ? 0 : out->limit,
                                             .group = !option_given(in, "no-group"),
                                             .exclude = exclude.bits ? &exclude : NULL};
    struct reference_tree tree;
    bool done = targets && reference_tree_create(&tree, opened->view, targets, count, &options, err);
    free(targets);
    object_set_free(&exclude);
    if (!done)
        return false;
    done = print_tree(in, out, opened, &tree, err);
    bool held = false;
    for (size_t i = 0; i < tree.node_count; i++)
        held = held || tree.nodes[i].depth > 0 || tree.nodes[i].root != PATH_NO_ROOT;
    reference_tree_free(&tree);
    return done && (held || error_set(err, ERROR_NOT_FOUND,
                                      "nothing holds the object; 'heldby path' says what that means"));
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    if (strcmp(option_text(in, "format", "tree"), "json") == 0)
        out->as_json = true;
    if (out->as_json)
        out->colored = false;
    return answer_one(in, out, answer, err);
}

bool cmd_referrers(const struct invocation *in, struct error *err)
{
    bool by_type = option_given(in, "type");
    const char *format = option_text(in, "format", NULL);
    if (format && option_given(in, "json") && strcmp(format, "json") != 0)
        return usage_error(err, "--json and --format %s do not go together", format);
    if (by_type && in->operand_count > 1)
        return usage_error(err, "referrers wants either OBJECTs or --type, not both");
    if (!by_type && in->operand_count < 2)
        return usage_error(err, "referrers wants FILE and an OBJECT, or --type T");
    return output_answer(in, run, err);
}
