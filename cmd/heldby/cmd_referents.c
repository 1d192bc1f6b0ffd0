/* heldby referents: what an object holds. */
#include "cmd/heldby/reference_output.h"
#include "lib/query/expression.h"

static bool answer(const struct invocation *in, struct output *out, struct opened *opened, struct error *err)
{
    object_id object = expression_find(opened->view, in->operands[1], err);
    if (!object)
        return false;
    uint64_t depth = option_number(in, "depth", 1);
    struct reference_tree_options options = {.direction = REFERENCES_OUT,
                                             .depth = depth > UINT32_MAX ? 0 : (uint32_t)depth,
                                             .limit = out->limit == UINT64_MAX ? 0 : out->limit};
    struct reference_tree tree;
    if (!reference_tree_create(&tree, opened->view, &object, 1, &options, err))
        return false;
    document_begin_one(out, opened);
    bool done = out->as_json ? reference_tree_json(out, opened->view, &tree, REFERENCES_OUT, err)
                             : reference_tree_print(out, opened->view, &tree, REFERENCES_OUT, err);
    document_end(out);
    bool any = tree.node_count > 1;
    reference_tree_free(&tree);
    return done && (any || error_set(err, ERROR_NOT_FOUND, "the object holds nothing"));
}

static bool run(const struct invocation *in, struct output *out, struct error *err)
{
    return answer_one(in, out, answer, err);
}

bool cmd_referents(const struct invocation *in, struct error *err)
{
    return output_answer(in, run, err);
}
