/* cycle_chain.h -- a cycle read aloud: app.Node.next → app.Node.prev → back.
 *
 * A cycle has no beginning; the reading begins with the object a programmer knows best (an instance of a
 * class of the program rather than a dict), and the same for cycles that are alike, wherever their objects
 * lie.
 */
#ifndef HELDBY_CYCLE_CHAIN_H
#define HELDBY_CYCLE_CHAIN_H

#include "lib/base/text_buffer.h"
#include "lib/graph/shortest_cycle.h"
#include "lib/query/holders.h"

enum { CYCLE_CHAIN_SHOWN = 8 }; /* different steps that are written out */

struct cycle_reader {
    struct view *view;
    const struct heap *heap;
    const struct object_set *parts; /* view_transparent */
};

/* The best cycle to show of component `c`: of those through its best known members one of the shortest,
 * turned so that it begins well. */
bool cycle_chain_find(const struct cycle_reader *reader, struct cycle_search *search, uint32_t c,
                      struct cycle *ret, struct error *err);

/* How well a programmer knows an object; less is better. */
unsigned cycle_chain_rank(const struct cycle_reader *reader, object_id object);

/* Numbers that are the same for cycles that read alike: a and b when only items and keys differ (`loose`: and
 * names of functions), exact when nothing does. */
struct cycle_mark {
    uint64_t a, b, exact;
};
struct cycle_mark cycle_chain_mark(const struct cycle_reader *reader, const struct cycle *cycle, bool loose);

/* One reference as it is spelled: own dicts, frames and closures folded away. */
struct cycle_step {
    struct hold hold; /* hold.holder holds hold.object; kind TYPE: as its class */
};

/* The folded steps, an array of *count for free(). */
struct cycle_step *cycle_chain_steps(const struct cycle_reader *reader, const struct cycle *cycle,
                                     size_t *count, struct error *err);

enum cycle_detail {
    CYCLE_EXACT, /* of one cycle */
    CYCLE_ALIKE, /* stars for items and keys, for it stands for several */
    CYCLE_LOOSE, /* and functions without their names */
};

/* Appends the chain, each step as what holds (a class, function or module by name, others by type) and how.
 */
void cycle_chain_text(const struct cycle_reader *reader, const struct cycle_step *steps, size_t count,
                      enum cycle_detail detail, struct text_buffer *to);

#endif
