/* unreachable_search.h -- what is kept while unreachable.h's answer is made; for the files of lib/query that
 * make it. */
#ifndef HELDBY_UNREACHABLE_SEARCH_H
#define HELDBY_UNREACHABLE_SEARCH_H

#include "lib/graph/components.h"
#include "lib/query/cycle_chain.h"
#include "lib/query/unreachable.h"

/* Heads that share it are alike. */
struct unreachable_key {
    uint64_t mark[2];
    uint32_t why;
    type_id type; /* the first of its name */
};

struct unreachable_search {
    struct unreachable *ret;
    struct view *view;
    const struct heap *heap;
    struct fates fates;
    struct object_set outside; /* reached or saved: not our business */
    struct components components;
    struct object_set
        held; /* by something unreachable other than their own cycle; of a cycle its first member */
    struct object_set owned; /* counted with a head already */
    struct cycle_reader reader;
    struct cycle_search search;
    struct noises *noises;
    uint8_t *traits, *finalizers;
    bool mixed;     /* native memory beside a runtime's objects: a block's words are guesses about these */
    type_id *named; /* by type: the first of its name */
    uint32_t *slot; /* groups by what their heads share: open addressing, group + 1 */
    size_t slot_mask, group_capacity;
    struct unreachable_key *key; /* by group */
    size_t head_capacity;
    object_id *queue;
    uint32_t *head_of; /* [queue]: the head under which a queued object hangs */
    size_t at, queued, queue_capacity, head_of_capacity; /* at: the next one to look into */
};

/* Fills ret->heads, in no order, and what hangs under each. */
bool unreachable_heads(struct unreachable_search *m, struct error *err);

/* Puts a head into its group, a new one if there is none like it. */
bool unreachable_join(struct unreachable_search *m, struct unreachable_head *head, const uint64_t mark[2],
                      struct error *err);

/* Brings the first `limit` heads into order, and all of ret->groups. */
bool unreachable_groups(struct unreachable_search *m, uint64_t limit, struct error *err);

#endif
