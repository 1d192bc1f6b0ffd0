#include "cmd/heldby/reference_output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/text.h"
#include "lib/query/spelling.h"

enum { DRAWN_LEVELS = 40 }; /* deeper lines are indented no further */

struct tree_printer {
    struct output *out;
    struct view *view;
    const struct reference_tree *tree;
    enum reference_direction direction;
    uint32_t *stack;      /* [deepest + 2]: the node last printed at each depth */
    uint32_t *last_child; /* [node_count]: index of a node's last child, 0: none */
    struct arena arena;
};

static const char *style_end(const struct output *out)
{
    return out->colored ? output_style(out, STYLE_PLAIN) : "";
}

static bool is_last(const struct tree_printer *p, uint32_t node)
{
    uint32_t parent = p->tree->nodes[node].parent;
    return parent == REFERENCE_NO_PARENT ||
           (p->last_child[parent] == node && p->tree->nodes[parent].hidden_nodes == 0);
}

/* The lines left of an item at `depth` (at least 1), whose ancestors are on the stack. */
static void draw_branch(const struct tree_printer *p, uint32_t depth, bool last)
{
    struct output *out = p->out;
    fputs(output_style(out, STYLE_DIM), out->to);
    uint32_t from = depth > DRAWN_LEVELS ? depth - DRAWN_LEVELS : 1;
    for (uint32_t d = from; d < depth; d++)
        fputs(is_last(p, p->stack[d]) ? "    " : "│   ", out->to);
    fprintf(out->to, "%s%s", last ? "└── " : "├── ", style_end(out));
}

static void draw_hidden(const struct tree_printer *p, uint32_t node)
{
    char count[40];
    const struct reference_node *n = &p->tree->nodes[node];
    draw_branch(p, n->depth + 1, true);
    fprintf(p->out->to, "%s… %s more (--limit 0 shows all)%s\n", output_style(p->out, STYLE_DIM),
            text_count(n->hidden_nodes, count, sizeof count), style_end(p->out));
}

static bool draw_root(struct tree_printer *p, uint32_t root, struct error *err)
{
    struct root_row row;
    if (!root_row_fill(p->view, root, &p->arena, &row, err))
        return false;
    output_print(p->out, "  %s◄ ", output_style(p->out, STYLE_GOOD));
    root_print(p->out, &row);
    output_print(p->out, "%s", style_end(p->out));
    return true;
}

static bool draw_node(struct tree_printer *p, uint32_t index, struct error *err)
{
    struct output *out = p->out;
    const struct heap *heap = view_heap(p->view);
    const struct reference_node *n = &p->tree->nodes[index];
    char count[40];
    if (n->depth)
        draw_branch(p, n->depth, is_last(p, index));
    if (n->objects > 1)
        fprintf(out->to, "%s×%s%s ", output_style(out, STYLE_STRONG),
                text_count(n->objects, count, sizeof count), style_end(out));
    if (n->depth == 0) {
        output_text(out, STYLE_TYPE, n->type, SIZE_MAX);
    } else {
        output_text(out, STYLE_NAME, n->label, SIZE_MAX);
    }
    if (n->object && n->objects == 1 && !(n->depth && n->ends)) {
        fprintf(out->to, "  %s0x%" PRIx64 "%s", output_style(out, STYLE_DIM), heap->address[n->object],
                style_end(out));
        if (n->depth == 0) {
            struct text_buffer preview = {0};
            spelling_preview(p->view, n->object, &preview);
            fputs(preview.length ? "  " : "", out->to);
            output_text(out, STYLE_PLAIN, text_buffer_text(&preview), SIZE_MAX);
            text_buffer_free(&preview);
        }
    }
    if (n->uncertain && n->object)
        fputs("  (uncertain)", out->to);
    if (n->kind == REFERENCE_WEAK)
        fputs("  (weak)", out->to);
    if (n->cycle)
        fprintf(out->to, "  %s(cycle: it stands above)%s", output_style(out, STYLE_BAD), style_end(out));
    else if (n->repeated)
        fprintf(out->to, "  %s(shown elsewhere)%s", output_style(out, STYLE_DIM), style_end(out));
    if (p->direction == REFERENCES_IN && n->root != PATH_NO_ROOT && (n->ends || n->object == 0) &&
        !draw_root(p, n->root, err))
        return false;
    fputc('\n', out->to);
    return true;
}

static bool draw_tree(struct tree_printer *p, struct error *err)
{
    const struct reference_tree *tree = p->tree;
    for (size_t i = 0; i < tree->node_count; i++) {
        const struct reference_node *n = &tree->nodes[i];
        if (!draw_node(p, (uint32_t)i, err))
            return false;
        p->stack[n->depth] = (uint32_t)i;
        /* The branches that end here: what their limit cut off comes behind their last child. */
        uint32_t next = i + 1 < tree->node_count ? tree->nodes[i + 1].depth : 0;
        for (uint32_t d = n->depth + 1; d-- > next;) {
            if (tree->nodes[p->stack[d]].hidden_nodes)
                draw_hidden(p, p->stack[d]);
        }
    }
    return true;
}

bool reference_tree_print(struct output *out, struct view *view, const struct reference_tree *tree,
                          enum reference_direction direction, struct error *err)
{
    struct tree_printer p = {.out = out, .view = view, .tree = tree, .direction = direction};
    uint32_t deepest = 0;
    for (size_t i = 0; i < tree->node_count; i++)
        deepest = tree->nodes[i].depth > deepest ? tree->nodes[i].depth : deepest;
    p.stack = calloc((size_t)deepest + 2, sizeof *p.stack);
    p.last_child = calloc(tree->node_count + 1, sizeof *p.last_child);
    bool done = p.stack && p.last_child;
    if (done) {
        for (size_t i = 0; i < tree->node_count; i++) {
            if (tree->nodes[i].parent != REFERENCE_NO_PARENT)
                p.last_child[tree->nodes[i].parent] = (uint32_t)i;
        }
        done = draw_tree(&p, err);
    } else {
        error_no_memory(err);
    }
    free(p.stack);
    free(p.last_child);
    arena_free(&p.arena);
    return done;
}
