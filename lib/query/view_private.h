/* view_private.h -- what a view keeps; for the files of lib/query that make it up. */
#ifndef HELDBY_VIEW_PRIVATE_H
#define HELDBY_VIEW_PRIVATE_H

#include "lib/base/arena.h"
#include "lib/graph/found_references.h"
#include "lib/query/view.h"

struct type_object {
    object_id object;
    type_id type;
};

enum { PART_SLOTS = 4096 };

/* Who owns a transparent part, remembered because all its content asks the same. */
struct part_memory {
    object_id part;  /* 0: empty */
    object_id owner; /* the only one; 0: none or several */
    bool several, others;
};

struct view {
    struct heap *heap; /* borrowed */
    struct graph *graph;
    struct roots roots;
    struct object_set transparent;
    struct object_set blocks; /* of native memory */
    struct dominators dominators;
    struct found_references found;    /* count NULL: not counted yet */
    uint32_t *native_found;           /* [object_count + 1], native_found.h; NULL: not counted yet */
    struct type_object *type_objects; /* ascending by object */
    uint32_t type_object_count;
    struct part_memory *parts; /* [PART_SLOTS], by part modulo */
    object_id no_cache;        /* the dict last found to be no cache's: its content asks again and again */
    const char **functions;    /* [frame_count + 1]: names of frames; NULL: not looked up yet */
    struct arena names;
};

/* The type whose object this is, or 0. */
type_id view_type_of_object(const struct view *view, object_id object);

#endif
