/* heldby referrers: what holds an object, as a tree of named references up to the roots. */
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/reference_output.h"
#include "cmd/heldby/selectors.h"

/* Without --depth the tree grows level by level up to the roots, as long as it stays readable. */
enum { LEAST_DEPTH = 4, ENOUGH_NODES = 50 };

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    struct exclusion exclude;
    if (!exclusion_of_option(in, "exclude", opened->view, &exclude, err))
        return false;
    size_t count = 0;
    object_id *targets = objects_of_operands(in, opened->view, &count, err);
    uint64_t depth = option_number(in, "depth", 0);
    struct reference_tree_options options = {.direction = REFERENCES_IN,
                                             .depth = depth > UINT32_MAX ? 0 : (uint32_t)depth,
                                             .limit = out->limit == UINT64_MAX ? 0 : out->limit,
                                             .group = !option_given(in, "no-group"),
                                             .group_targets = option_given(in, "type"),
                                             .exclude = exclude.objects.bits ? &exclude.objects : NULL,
                                             .exclude_roots = exclude.roots};
    if (!option_given(in, "depth")) {
        options.enough = ENOUGH_NODES;
        options.enough_depth = LEAST_DEPTH;
    }
    struct reference_tree tree;
    bool done = targets && reference_tree_create(&tree, opened->view, targets, count, &options, err);
    free(targets);
    exclusion_free(&exclude);
    if (!done)
        return false;
    done = reference_tree_write(in, out, opened, &tree, REFERENCES_IN, err);
    bool held = false;
    for (size_t i = 0; done && !held && i < tree.node_count; i++) {
        uint64_t unexplained = 0;
        held = tree.nodes[i].depth > 0 || tree.nodes[i].root != PATH_NO_ROOT;
        if (!held)
            done = view_unexplained(opened->view, tree.nodes[i].object, &unexplained, err);
        held = held || unexplained;
    }
    reference_tree_free(&tree);
    if (done && !held && option_given(in, "exclude"))
        return error_set(err, ERROR_NOT_FOUND, "nothing holds the object but what --exclude leaves out");
    return done && (held || error_set(err, ERROR_NOT_FOUND,
                                      "nothing holds the object; 'heldby path' says what that means"));
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    reference_tree_prepare(in, out);
    return answer_one(in, out, answer, err);
}

bool cmd_referrers(const struct invocation *in, struct error *err)
{
    return reference_tree_check(in, err) && output_answer(in, run, err);
}
