#include "lib/query/pattern_trie.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/base/vector.h"

enum { DEEPEST = 16, FIRST_SLOTS = 1024 };

struct label {
    const char *text;
    size_t length;
    uint64_t hash;
};

struct node {
    uint32_t parent, label; /* parent 0: the first step */
    uint32_t depth;
    bool repeated; /* the step, with what leads to it, may occur any number of times */
    bool cut;      /* a place where steps were left out */
};

/* Open addressing; a slot holds an id, 0 is empty. */
struct slots {
    uint32_t *id;
    size_t mask, used;
};

struct pattern_trie {
    struct label *label; /* [0] unused */
    struct node *node;   /* [0] unused */
    size_t label_count, label_capacity, node_count, node_capacity;
    struct slots labels, nodes;
    struct arena texts;
};

static uint64_t hash_text(const char *text, size_t length)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
    return hash ^ hash >> 29;
}

static uint64_t hash_node(const struct node *n)
{
    uint64_t key = (uint64_t)n->parent << 32 | n->label;
    key = (key ^ (n->repeated ? 0x9e3779b97f4a7c15u : 0) ^ (n->cut ? 0x5851f42d4c957f2du : 0)) *
          0xff51afd7ed558ccdu;
    return key ^ key >> 33;
}

static uint64_t hash_of(const struct pattern_trie *trie, const struct slots *slots, uint32_t id)
{
    return slots == &trie->labels ? trie->label[id].hash : hash_node(&trie->node[id]);
}

/* Makes room for one more and keeps the table at most half full. */
static bool make_room(struct pattern_trie *trie, struct slots *slots, struct error *err)
{
    if (slots->id && (slots->used + 1) * 2 <= slots->mask)
        return true;
    size_t size = slots->id ? (slots->mask + 1) * 2 : FIRST_SLOTS;
    uint32_t *grown = calloc(size, sizeof *grown);
    if (!grown)
        return error_no_memory(err);
    for (size_t i = 0; slots->id && i <= slots->mask; i++) {
        if (!slots->id[i])
            continue;
        size_t at = hash_of(trie, slots, slots->id[i]) & (size - 1);
        while (grown[at])
            at = (at + 1) & (size - 1);
        grown[at] = slots->id[i];
    }
    free(slots->id);
    slots->id = grown;
    slots->mask = size - 1;
    return true;
}

struct pattern_trie *pattern_trie_create(struct error *err)
{
    struct pattern_trie *trie = calloc(1, sizeof *trie);
    if (!trie || !vector_reserve((void **)&trie->label, &trie->label_capacity, 1, sizeof *trie->label, err) ||
        !vector_reserve((void **)&trie->node, &trie->node_capacity, 1, sizeof *trie->node, err)) {
        pattern_trie_destroy(trie);
        error_no_memory(err);
        return NULL;
    }
    trie->label[0] = (struct label){.text = ""};
    trie->node[0] = (struct node){0};
    trie->label_count = trie->node_count = 1;
    return trie;
}

void pattern_trie_destroy(struct pattern_trie *trie)
{
    if (!trie)
        return;
    free(trie->label);
    free(trie->node);
    free(trie->labels.id);
    free(trie->nodes.id);
    arena_free(&trie->texts);
    free(trie);
}

uint32_t pattern_trie_label(struct pattern_trie *trie, const char *text, size_t length, struct error *err)
{
    if (!make_room(trie, &trie->labels, err))
        return 0;
    uint64_t hash = hash_text(text, length);
    size_t at = hash & trie->labels.mask;
    for (uint32_t id; (id = trie->labels.id[at]) != 0; at = (at + 1) & trie->labels.mask)
        if (trie->label[id].hash == hash && trie->label[id].length == length &&
            !memcmp(trie->label[id].text, text, length))
            return id;
    if (!vector_reserve((void **)&trie->label, &trie->label_capacity, trie->label_count + 1,
                        sizeof *trie->label, err))
        return 0;
    char *copy = arena_text(&trie->texts, text, length, err);
    if (!copy)
        return 0;
    trie->label[trie->label_count] = (struct label){copy, length, hash};
    trie->labels.used++;
    return trie->labels.id[at] = (uint32_t)trie->label_count++;
}

static uint32_t intern(struct pattern_trie *trie, struct node node, struct error *err)
{
    if (!make_room(trie, &trie->nodes, err))
        return 0;
    size_t at = hash_node(&node) & trie->nodes.mask;
    for (uint32_t id; (id = trie->nodes.id[at]) != 0; at = (at + 1) & trie->nodes.mask) {
        const struct node *n = &trie->node[id];
        if (n->parent == node.parent && n->label == node.label && n->repeated == node.repeated &&
            n->cut == node.cut)
            return id;
    }
    if (!vector_reserve((void **)&trie->node, &trie->node_capacity, trie->node_count + 1, sizeof *trie->node,
                        err))
        return 0;
    trie->node[trie->node_count] = node;
    trie->nodes.used++;
    return trie->nodes.id[at] = (uint32_t)trie->node_count++;
}

uint32_t pattern_trie_begin(struct pattern_trie *trie, uint32_t label, struct error *err)
{
    return intern(trie, (struct node){.label = label}, err);
}

/* `pattern` and one step more, never shortened. */
static uint32_t append(struct pattern_trie *trie, uint32_t pattern, uint32_t label, struct error *err)
{
    return intern(
        trie, (struct node){.parent = pattern, .label = label, .depth = trie->node[pattern].depth + 1}, err);
}

static uint32_t repeat(struct pattern_trie *trie, uint32_t pattern, struct error *err)
{
    struct node node = trie->node[pattern];
    node.repeated = true;
    return intern(trie, node, err);
}

uint32_t pattern_trie_extend(struct pattern_trie *trie, uint32_t pattern, uint32_t label, struct error *err)
{
    const struct node *last = &trie->node[pattern];
    const struct node *before = &trie->node[last->parent];
    if (last->parent && last->label == label && before->parent && before->label == label)
        return last->repeated ? pattern : repeat(trie, pattern, err);
    if (last->parent && before->parent && before->label == label && trie->node[before->parent].parent &&
        trie->node[before->parent].label == last->label)
        return before->repeated ? last->parent : repeat(trie, last->parent, err);
    if (last->depth < DEEPEST)
        return append(trie, pattern, label, err);
    /* Too deep: the steps from here on are known by their last one only. */
    uint32_t cut =
        last->parent && before->cut
            ? last->parent
            : intern(trie, (struct node){.parent = pattern, .depth = last->depth, .cut = true}, err);
    return cut ? intern(trie, (struct node){.parent = cut, .label = label, .depth = trie->node[cut].depth},
                        err)
               : 0;
}

uint32_t pattern_trie_count(const struct pattern_trie *trie)
{
    return (uint32_t)trie->node_count;
}

void pattern_trie_text(const struct pattern_trie *trie, uint32_t pattern, struct text_buffer *to)
{
    uint32_t steps[2 * DEEPEST + 4], count = 0; /* no node is deeper */
    for (; pattern && count < sizeof steps / sizeof *steps; pattern = trie->node[pattern].parent)
        steps[count++] = pattern;
    while (count) {
        const struct node *node = &trie->node[steps[--count]];
        text_buffer_add_n(to, trie->label[node->label].text, trie->label[node->label].length);
        if (node->repeated || node->cut)
            text_buffer_add(to, "…");
    }
}
