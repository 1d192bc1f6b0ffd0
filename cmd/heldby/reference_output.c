#include "cmd/heldby/reference_output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/heldby/object_rows.h"
#include "cmd/heldby/text.h"
#include "lib/query/spelling.h"

enum {
    DRAWN_LEVELS = 40, /* deeper lines are indented no further */
    RUN = 4,           /* so many equal steps one above the other become one line */
};

/* Where a node of the tree is printed. */
struct place {
    uint32_t level;      /* of its line: 0 for targets */
    uint32_t last_child; /* 0: none */
    uint32_t run;        /* nodes above it with the same label, each the only child of the one before */
    uint32_t run_length; /* nodes in that run, itself and those above and below */
    bool only;           /* its parent's only child */
    bool joined;         /* on the line of its parent, which is the node before it */
    bool group;          /* its line begins with many alike objects */
};

struct tree_printer {
    struct output *out;
    struct view *view;
    const struct reference_tree *tree;
    enum reference_direction direction;
    struct place *place; /* [node_count] */
    uint32_t *head;      /* [deepest + 2]: the first node of the line last printed at each level */
    uint32_t *tail;      /* its last one, which its children hang under */
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
           (p->place[parent].last_child == node && p->tree->nodes[parent].hidden_nodes == 0);
}

/* The lines left of an item at `level` (at least 1), below the lines last printed. */
static void draw_branch(const struct tree_printer *p, uint32_t level, bool last)
{
    struct output *out = p->out;
    fputs(output_style(out, STYLE_DIM), out->to);
    uint32_t from = level > DRAWN_LEVELS ? level - DRAWN_LEVELS : 1;
    for (uint32_t d = from; d < level; d++)
        fputs(is_last(p, p->head[d]) ? "    " : "│   ", out->to);
    fprintf(out->to, "%s%s", last ? "└── " : "├── ", style_end(out));
}

static void draw_hidden(const struct tree_printer *p, uint32_t node)
{
    char count[40];
    const struct reference_node *n = &p->tree->nodes[node];
    draw_branch(p, p->place[node].level + 1, true);
    fprintf(p->out->to, "%s… %s more", output_style(p->out, STYLE_DIM),
            text_count(n->hidden_nodes, count, sizeof count));
    if (*n->hidden_text) {
        fputs(": ", p->out->to);
        output_text(p->out, STYLE_PLAIN, n->hidden_text, SIZE_MAX);
    }
    fprintf(p->out->to, " (--limit 0 shows all)%s\n", style_end(p->out));
}

static bool draw_root(struct tree_printer *p, uint32_t root, struct error *err)
{
    struct root_row row;
    if (!root_row_fill(p->view, root, &p->arena, &row, err))
        return false;
    output_print(p->out, "  %s◄ ", output_style(p->out, STYLE_GOOD));
    if (root_kind_is_native(row.kind)) /* the line itself says which */
        output_print(p->out, "%s", root_native_words(row.kind));
    else
        root_print(p->out, &row);
    output_print(p->out, "%s", style_end(p->out));
    return true;
}

/* What else there is to know about a node, behind its label. */
static bool draw_marks(struct tree_printer *p, const struct reference_node *n, struct error *err)
{
    struct output *out = p->out;
    if (n->uncertain && n->object && n->kind != REFERENCE_POINTER)
        fputs("  (uncertain)", out->to);
    if (n->kind == REFERENCE_WEAK)
        fputs("  (weak)", out->to);
    if (n->kind == REFERENCE_STALE)
        fputs("  (stale)", out->to);
    if (n->cycle)
        fprintf(out->to, "  %s(cycle: it stands above)%s", output_style(out, STYLE_BAD), style_end(out));
    else if (n->repeated)
        fprintf(out->to, "  %s(shown elsewhere)%s", output_style(out, STYLE_DIM), style_end(out));
    else if (n->deeper && p->direction == REFERENCES_IN)
        fprintf(out->to, " %s…%s", output_style(out, STYLE_DIM), style_end(out));
    if (n->orphan) {
        uint64_t unexplained;
        if (!view_unexplained(p->view, n->object, &unexplained, err))
            return false;
        if (unexplained)
            fprintf(out->to, "  %s<held from C ×%" PRIu64 ">%s", output_style(out, STYLE_BAD), unexplained,
                    style_end(out));
        else
            fprintf(out->to, "  %s(nothing in the snapshot holds it)%s", output_style(out, STYLE_BAD),
                    style_end(out));
    }
    bool root_itself = n->ends || !n->object || (n->depth == 0 && n->target_root);
    return p->direction != REFERENCES_IN || n->root == PATH_NO_ROOT || !root_itself ||
           draw_root(p, n->root, err);
}

static void draw_count(struct tree_printer *p, uint64_t objects)
{
    char count[40];
    fprintf(p->out->to, "%s×%s%s ", output_style(p->out, STYLE_STRONG),
            text_count(objects, count, sizeof count), style_end(p->out));
}

static void draw_address(struct tree_printer *p, const struct reference_node *n)
{
    fprintf(p->out->to, "  %s0x%" PRIx64 "%s", output_style(p->out, STYLE_DIM),
            view_heap(p->view)->address[n->object], style_end(p->out));
}

/* The first node of a line. */
static bool draw_first(struct tree_printer *p, uint32_t index, struct error *err)
{
    struct output *out = p->out;
    const struct reference_node *n = &p->tree->nodes[index];
    if (p->place[index].level)
        draw_branch(p, p->place[index].level, is_last(p, index));
    if (n->objects > 1)
        draw_count(p, n->objects);
    output_text(out, n->depth ? STYLE_NAME : STYLE_TYPE, n->depth ? n->label : n->type, SIZE_MAX);
    if (n->object && n->objects == 1 && !(n->depth && n->ends)) {
        draw_address(p, n);
        if (n->depth == 0) {
            struct text_buffer preview = {0};
            spelling_preview(p->view, n->object, &preview);
            fputs(preview.length ? "  " : "", out->to);
            output_text(out, STYLE_PLAIN, text_buffer_text(&preview), SIZE_MAX);
            text_buffer_free(&preview);
        }
    }
    return draw_marks(p, n, err);
}

/* A node behind another one on the same line. */
static bool draw_joined(struct tree_printer *p, uint32_t index, struct error *err)
{
    struct output *out = p->out;
    const struct reference_node *n = &p->tree->nodes[index];
    const struct place *place = &p->place[index];
    const char *arrow = p->direction == REFERENCES_IN ? "←" : "→";
    if (place->run_length >= RUN && place->run && place->run + 1 < place->run_length) {
        char count[40];
        if (place->run == 1)
            fprintf(out->to, " %s %s… %s more …%s", arrow, output_style(out, STYLE_DIM),
                    text_count(place->run_length - 2, count, sizeof count), style_end(out));
        return true;
    }
    fprintf(out->to, " %s ", arrow);
    if (n->objects > 1 && n->objects != p->tree->nodes[index - 1].objects)
        draw_count(p, n->objects);
    output_text(out, STYLE_NAME, n->label, SIZE_MAX);
    if (!place->group && n->object && n->objects == 1 && !n->ends)
        draw_address(p, n);
    return draw_marks(p, n, err);
}

static bool draw_tree(struct tree_printer *p, struct error *err)
{
    const struct reference_tree *tree = p->tree;
    for (size_t i = 0; i < tree->node_count; i++) {
        uint32_t index = (uint32_t)i, level = p->place[i].level;
        if (!(p->place[i].joined ? draw_joined(p, index, err) : draw_first(p, index, err)))
            return false;
        if (!p->place[i].joined)
            p->head[level] = index;
        p->tail[level] = index;
        if (i + 1 < tree->node_count && p->place[i + 1].joined)
            continue;
        fputc('\n', p->out->to);
        /* The branches that end here: what their limit cut off comes behind their last child. */
        uint32_t next = i + 1 < tree->node_count ? p->place[i + 1].level : 0;
        for (uint32_t d = level + 1; d-- > next;)
            if (tree->nodes[p->tail[d]].hidden_nodes)
                draw_hidden(p, p->tail[d]);
    }
    return true;
}

/* Chains become one line: above a group, as long as each step has but one above it; and equal steps. */
static uint32_t place_nodes(struct tree_printer *p)
{
    const struct reference_tree *tree = p->tree;
    struct place *place = p->place;
    uint32_t deepest = 0;
    for (size_t i = 0; i < tree->node_count; i++) {
        uint32_t parent = tree->nodes[i].parent;
        place[i] = (struct place){.run_length = 1};
        if (parent != REFERENCE_NO_PARENT) {
            place[i].only = !place[parent].last_child && !tree->nodes[parent].hidden_nodes;
            if (place[parent].last_child)
                place[place[parent].last_child].only = false;
            place[parent].last_child = (uint32_t)i;
        }
    }
    for (size_t i = 1; i < tree->node_count; i++) {
        const struct reference_node *n = &tree->nodes[i], *up = n - 1;
        if (place[i].only && n->parent == i - 1 && up->depth && n->object && n->type == up->type &&
            n->objects == up->objects && !reference_kind_is_loose(n->kind) &&
            strcmp(n->label, up->label) == 0)
            place[i].run = place[i - 1].run + 1;
    }
    for (size_t i = tree->node_count; i-- > 0;) {
        bool goes_on = i + 1 < tree->node_count && place[i + 1].run;
        place[i].run_length = goes_on ? place[i + 1].run_length : place[i].run + 1;
    }
    for (size_t i = 0; i < tree->node_count; i++) {
        const struct reference_node *n = &tree->nodes[i];
        place[i].group = n->objects > 1;
        if (n->parent == REFERENCE_NO_PARENT)
            continue;
        const struct place *up = &place[n->parent];
        place[i].joined = n->parent == i - 1 && place[i].only && tree->nodes[n->parent].depth &&
                          (up->group || (place[i].run && place[i].run_length >= RUN));
        place[i].level = up->level + !place[i].joined;
        if (place[i].joined)
            place[i].group = up->group;
        deepest = place[i].level > deepest ? place[i].level : deepest;
    }
    return deepest;
}

bool reference_tree_print(struct output *out, struct view *view, const struct reference_tree *tree,
                          enum reference_direction direction, struct error *err)
{
    struct tree_printer p = {.out = out, .view = view, .tree = tree, .direction = direction};
    p.place = calloc(tree->node_count + 1, sizeof *p.place);
    size_t levels = p.place ? (size_t)place_nodes(&p) + 2 : 0;
    p.head = calloc(levels + 1, sizeof *p.head);
    p.tail = calloc(levels + 1, sizeof *p.tail);
    bool done = p.place && p.head && p.tail;
    done = done ? draw_tree(&p, err) : error_no_memory(err);
    free(p.place);
    free(p.head);
    free(p.tail);
    arena_free(&p.arena);
    return done;
}

bool reference_tree_check(const struct invocation *in, struct error *err)
{
    const char *name = in->command->name, *format = option_text(in, "format", NULL);
    bool by_type = option_given(in, "type");
    if (format && option_given(in, "json") && strcmp(format, "json") != 0)
        return usage_error(err, "--json and --format %s do not go together", format);
    if (by_type && in->operand_count > 1)
        return usage_error(err, "%s wants either OBJECTs or --type, not both", name);
    if (!by_type && in->operand_count < 2)
        return usage_error(err, "%s wants FILE and an OBJECT, or --type T", name);
    return true;
}

void reference_tree_prepare(const struct invocation *in, struct output *out)
{
    if (strcmp(option_text(in, "format", "tree"), "json") == 0)
        out->as_json = true;
    if (out->as_json)
        out->colored = false;
}

bool reference_tree_write(const struct invocation *in, struct output *out, struct opened *opened,
                          const struct reference_tree *tree, enum reference_direction direction,
                          struct error *err)
{
    const char *format = option_text(in, "format", "tree");
    document_begin_one(out, opened);
    if (strcmp(format, "dot") == 0 || strcmp(format, "graphml") == 0)
        return reference_tree_export(out, opened->view, tree, direction, format, err);
    bool done = out->as_json ? reference_tree_json(out, opened->view, tree, direction, err)
                             : reference_tree_print(out, opened->view, tree, direction, err);
    if (done && !out->as_json && tree->deeper && direction == REFERENCES_IN)
        output_print(out, "\n%sIt goes on higher up where a line ends in … (--depth N, 0 for all).%s\n",
                     output_style(out, STYLE_DIM), out->colored ? output_style(out, STYLE_PLAIN) : "");
    document_end(out);
    return done;
}
