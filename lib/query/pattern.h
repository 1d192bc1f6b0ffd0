/* pattern.h -- the generalised path of every object: app._CACHE[*].attr, with * for what differs between
 * alike objects.
 *
 * One walk over the tree of shortest chains (tree.h). Patterns are the nodes of a trie: object after object
 * finds its pattern from that of the object it hangs under. What repeats is written once: a list of a million
 * nodes is app._HEAD.next.next…
 */
#ifndef HELDBY_PATTERN_H
#define HELDBY_PATTERN_H

#include "lib/base/text_buffer.h"
#include "lib/query/exclusion.h"

struct patterns {
    uint32_t *of;   /* [object_count + 1]: pattern of each object, 0: no root reaches it */
    uint32_t count; /* pattern ids are below it */
    struct pattern_trie *trie;
};

/* O(objects + references). Types count as held by their instances. `avoid` may be NULL. */
bool patterns_create(struct patterns *ret, struct view *view, const struct exclusion *avoid,
                     struct error *err);
void patterns_free(struct patterns *patterns);

/* Appends a pattern's text; "<unreachable>" for 0. */
void patterns_text(const struct patterns *patterns, uint32_t pattern, struct text_buffer *to);

#endif
