/* reference_tree.h -- what holds an object (referrers) or what it holds (referents), several levels deep.
 *
 * Level by level from the objects asked for; each object is expanded once, at the level where it comes first.
 * Alike neighbours of a node, same type of object, same kind and name of reference, become one node with a
 * count:
 *
 *      app.Session 0x7f00
 *      └── ×1 998 Holder.attr  ──  ×1 998 dict['listener']  ──  list[*]  ──  app._FAN   (root)
 *
 * Nodes are given in the order of a tree's lines: each behind its parent and the parent's earlier children
 * with all theirs. Modules, immortal and static objects are where a branch of referrers ends.
 */
#ifndef HELDBY_REFERENCE_TREE_H
#define HELDBY_REFERENCE_TREE_H

#include "lib/graph/paths.h" /* PATH_NO_ROOT */
#include "lib/query/rows.h"

#define REFERENCE_NO_PARENT UINT32_MAX

enum reference_direction { REFERENCES_IN, REFERENCES_OUT };

struct reference_tree_options {
    enum reference_direction direction;
    uint32_t depth;                   /* levels below the targets; 0: no bound */
    uint64_t limit;                   /* children shown per node; 0: all */
    uint64_t enough;                  /* not 0: from enough_depth on nothing is expanded any more when the */
    uint32_t enough_depth;            /* tree has so many nodes: a bound on what is read, not on depth */
    bool group;                       /* alike neighbours in one node */
    bool group_targets;               /* targets of one type in one node; else each its own */
    bool weak;                        /* follow weak references (they are shown in any case) */
    const struct object_set *exclude; /* objects left out, or NULL */
    const bool *exclude_roots;        /* [heap->root_count]: roots left out, or NULL */
};

struct reference_node {
    uint32_t parent; /* index of its parent; REFERENCE_NO_PARENT: a target */
    uint32_t depth;  /* 0: a target */
    object_id
        object; /* of a group the one with the lowest address; 0: a root that is none (a frame's local) */
    uint64_t objects;         /* distinct objects in the node, 1 unless grouped */
    uint64_t count;           /* references between them and the parent's objects */
    const char *type;         /* type of the object, "" for a root node */
    enum reference_kind kind; /* of the reference to or from the parent; 0 for a target */
    const char *kind_name;
    const char *name;  /* of the reference: attr, 'k7', 50; "*" where alike references differ; "" if none */
    const char *text;  /* the reference as a step: .attr, ['k7'], [*] */
    const char *label; /* the line: app.Holder.attr, dict['k7'], app._FAN; of referents: step and preview */
    uint32_t root; /* the best root of `object` (or for 0 the root): index into heap->roots, PATH_NO_ROOT */
    bool uncertain;
    bool cycle;       /* the object stands above it in its own branch */
    bool repeated;    /* the object is expanded elsewhere in the tree */
    bool orphan;      /* nothing in the snapshot holds it, no root either: it is held from C, or garbage */
    bool deeper;      /* the depth cut off what is beyond it */
    bool ends;        /* a branch's end: a module or another root that is the object itself */
    bool target_root; /* a target that is such a root itself, but is expanded */
    uint64_t hidden_nodes, hidden_references; /* children cut off by the limit */
    const char *hidden_text; /* of what types: "242 module, 10 dict, …", or the only one; "" if none */
};

struct reference_tree {
    struct reference_node *nodes;
    size_t node_count;
    bool deeper; /* the depth cut something off */
    struct arena arena;
};

/* Targets may be many (all of a type). A target given twice is one. */
bool reference_tree_create(struct reference_tree *ret, struct view *view, const object_id *targets,
                           size_t target_count, const struct reference_tree_options *options,
                           struct error *err);
void reference_tree_free(struct reference_tree *tree);

#endif
