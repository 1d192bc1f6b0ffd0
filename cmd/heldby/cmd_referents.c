/* heldby referents: what an object holds. */
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/reference_output.h"
#include "cmd/heldby/selectors.h"

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    struct exclusion exclude;
    if (!exclusion_of_option(in, "exclude", opened->view, &exclude, err))
        return false;
    size_t count = 0;
    object_id *objects = objects_of_operands(in, opened->view, &count, err);
    uint64_t depth = option_number(in, "depth", 1);
    struct reference_tree_options options = {.direction = REFERENCES_OUT,
                                             .depth = depth > UINT32_MAX ? 0 : (uint32_t)depth,
                                             .limit = out->limit == UINT64_MAX ? 0 : out->limit,
                                             .group = option_given(in, "group"),
                                             .group_targets = option_given(in, "type"),
                                             .exclude = exclude.objects.bits ? &exclude.objects : NULL,
                                             .exclude_roots = exclude.roots};
    struct reference_tree tree;
    bool done = objects && reference_tree_create(&tree, opened->view, objects, count, &options, err);
    free(objects);
    exclusion_free(&exclude);
    if (!done)
        return false;
    done = reference_tree_write(in, out, opened, &tree, REFERENCES_OUT, err);
    bool any = false;
    for (size_t i = 0; i < tree.node_count; i++)
        any = any || tree.nodes[i].depth > 0;
    reference_tree_free(&tree);
    return done && (any || error_set(err, ERROR_NOT_FOUND, "the object holds nothing"));
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    reference_tree_prepare(in, out);
    return answer_one(in, out, answer, err);
}

bool cmd_referents(const struct invocation *in, struct error *err)
{
    return reference_tree_check(in, err) && output_answer(in, run, err);
}
